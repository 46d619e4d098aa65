"""The sheet of one hoster: speed, causes, notices and flows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from re import fullmatch, sub
from typing import Annotated, Any, Final

from waterbed.graphs.network.flows import Flow
from waterbed.measures.takedown import WITHIN_H, seldom_seen
from waterbed.model.conclusions import TOLD_BY_REGISTRIES, RankingRow, Reached
from waterbed.model.decisions import HosterChange
from waterbed.model.results import WindowShare
from waterbed.model.spelling import percent
from waterbed.model.takedown import CauseShare, ComplianceRow, ComplianceTrend, Duration
from waterbed.questions.intervention.page import EventPage
from waterbed.shown.figures.curves import CAUSE_CSS, causes_scene, weeks_scene
from waterbed.shown.figures.marks import Figure, Key
from waterbed.shown.figures.moments import Moment, in_weeks, moment_keys, moment_words
from waterbed.shown.figures.plot import figure_of
from waterbed.shown.layout import Page, PageTable
from waterbed.shown.rankings import CLASSES, RankingEntry, ranking_path, slow_words

CAUSE_WORDS: Final[Mapping[str, str]] = {
    "removed": "removed",
    "moved": "moved away",
    "name": "name gone",
    "network": "network silent",
    "seized": "seized",
    "lost": "lost from sight",
    "registrar_hold": "held by registrar",
    "registry_hold": "held by registry",
    "deleted": "name deleted",
    "expired": "name expired",
}
"""Display name of each end of a clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseCurves:
    """Cumulative incidence of each cause, hour by hour."""

    hours: Annotated[tuple[float, ...], "hours since the origin, increasing from 0"]
    shares: Annotated[Mapping[str, tuple[float, ...]], "by cause: share ended by then, 0..1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """Weekly response of one hoster to notices."""

    whole: Annotated[Sequence[ComplianceRow], "all weeks together, one row for each number of hours"]
    weeks: Annotated[Sequence[ComplianceRow], "week by week, within 24 hours"]
    trend: Annotated[ComplianceTrend | None, "how the share changes; null: too few weeks or sites"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView:
    """Content of a sheet."""

    standing: RankingEntry
    places: Annotated[int, "how many places by speed there are"]
    slowest: Annotated[int, "how many are called the slowest"]
    seat: Annotated[str | None, "country of its legal seat"]
    origins: Annotated[tuple[int, ...], "AS numbers of its addresses"]
    curves: Annotated[CauseCurves | None, "null: too few sites to tell"]
    shares: Annotated[Sequence[CauseShare], "shares by cause with intervals at some hours"]
    duration: Annotated[Duration | None, "how long its clocks run"]
    weekly: Annotated[Weekly | None, "null: no notices"]
    reported: Annotated[Sequence[WindowShare], "what was removed of each week's reports, in order"]
    successions: Annotated[Sequence[HosterChange], "networks that it took over or gave away, as confirmed"]
    reached_through: Annotated[Sequence[Reached], "companies it is reached through, those that had a preview"]
    events: Annotated[Sequence[EventPage], "events that name it"]
    moments: Annotated[Sequence[Moment], "events that axes of time mark"]
    goes_to: Annotated[Sequence[Flow], "flows that leave it, largest first"]
    comes_from: Annotated[Sequence[Flow], "flows that arrive, largest first"]
    hoster_word: Annotated[bool, "whether its own link check decided some checks"] = False


def sheet_paths(keys: Sequence[str]) -> dict[str, str]:
    """The path of each hoster's sheet.

    It is the hoster's key where that is a valid file name everywhere; otherwise it is derived from it.
    """
    paths: dict[str, str] = {}
    taken: set[str] = set()
    for key in sorted(keys):
        name = key
        if not fullmatch(r"[A-Za-z0-9_-]{1,60}", key) or key.casefold() in taken:
            name = f"{sub('[^A-Za-z0-9_-]+', '-', key)[:40]}-{sha256(key.encode()).hexdigest()[:8]}"
        taken.add(name.casefold())
        paths[key] = f"hosters/{name}.html"
    return paths


def sheet_page(view: SheetView, sheets: Mapping[str, str], start: str) -> Page:
    """Render the page of one hoster.

    `sheets` are the paths of all of them; `start` names the clocks' origin.
    """
    row = view.standing.row
    stem = sheets[row.key].removesuffix(".html")
    return Page(
        path=sheets[row.key],
        template="sheet.html",
        title=row.name,
        under=ranking_path("hoster"),
        figures=tuple(_figures(view, stem, start)),
        tables=tuple(_tables(view, stem, start)),
        values={
            "view": view,
            "row": row,
            "stem": stem,
            "start": start,
            "slow": slow_words(view.slowest),
            "sheets": sheets,
            "pressed": [
                (event, *event.shares) for event in view.events if event.target == row.key and len(event.shares) == 2
            ],
            "meaning": CLASSES[row.rank_class],
            "seldom_seen": _seldom_seen(row),
            "causes": _causes(view.shares),
            "hours": [share.within_h for share in view.shares if share.cause == "removed"],
            "trend": _trend(view.weekly.trend) if view.weekly and view.weekly.trend else None,
        },
    )


def _seldom_seen(row: RankingRow) -> str:
    """The clause that says why a share has neither curve nor median, if many URLs were seen up by reports alone."""
    if row.removed_24h_low is None or not seldom_seen(row.first_down, row.episodes):
        return ""
    return f"{row.first_down:,} of {row.episodes:,} were down at our first check, so when they ended is not known"


def _figures(view: SheetView, stem: str, start: str) -> Iterator[Figure]:
    if curves := view.curves:
        at_day = {share.cause: share.share for share in view.shares if share.within_h == WITHIN_H}
        cause_texts = [f"{percent(at_day[cause])} {word}" for cause, word in CAUSE_WORDS.items() if at_day.get(cause)]
        yield figure_of(
            "causes",
            f"Share ended by each cause, by hours since {start}",
            f"Within 24 hours: {', '.join(cause_texts) or 'none ended, or not followed so long'}.",
            "Each line is the share of reported URLs that one cause had ended by an hour. Upright lines are 95% "
            "intervals. Only removal is to the hoster's credit; a line ends where nothing was followed longer.",
            f"{stem}-curves",
            lambda width: causes_scene(curves.hours, curves.shares, view.shares, CAUSE_WORDS, width),
            tuple(Key(css=CAUSE_CSS[cause], word=CAUSE_WORDS[cause]) for cause in drawn_causes(curves)),
        )
    if view.weekly and any(week.removed is not None for week in view.weekly.weeks):
        weeks = view.weekly.weeks
        noticed = in_weeks([week.week or "" for week in weeks], view.moments)
        last = next(week for week in reversed(weeks) if week.removed is not None)
        has_interval = any(week.removed_low is not None for week in weeks)
        band = "; the band and the upright line are its 95% interval" if has_interval else ": what happened"
        yield figure_of(
            "weeks",
            "Removed within 24 hours of the notice, by week of the notice",
            f"{len(weeks)} weeks; {percent(last.removed)} in {last.week}, the last one with a share."
            f"{moment_words(noticed)}",
            "Each point is the share of one week's notices after which the content was removed within 24 hours"
            f"{band}. A break: too few sites in that week.",
            "compliance-hoster",
            lambda width: weeks_scene(
                [(week.week or "", week.removed, week.removed_low, week.removed_high) for week in weeks],
                width,
                noticed,
            ),
            moment_keys(noticed),
        )
    if any(week.removed_24h is not None for week in view.reported):
        weeks_with_share = [week for week in view.reported if week.removed_24h is not None]
        placed = in_weeks([week.window for week in view.reported], view.moments)
        yield figure_of(
            "reported",
            f"Removed within 24 hours of {start}, by week of the report",
            f"{len(weeks_with_share)} weeks with a share; {percent(weeks_with_share[-1].removed_24h)} "
            f"in {weeks_with_share[-1].window}, the last one."
            f"{moment_words(placed)}",
            "Each point is the share of one week's reports: what happened, between the worst and the best case of what "
            "we could not see. How the hoster works cannot be told from one week. A break: the week has no share, or "
            "too few sites.",
            "weeks-hoster",
            lambda width: weeks_scene(
                [(o.window, o.removed_24h, o.removed_24h_worst, o.removed_24h_best) for o in view.reported],
                width,
                placed,
            ),
            moment_keys(placed),
        )


def drawn_causes(curves: CauseCurves) -> list[str]:
    """Removal, and causes that ended anything."""
    return [cause for cause in CAUSE_WORDS if cause == "removed" or any(curves.shares[cause])]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveHour:
    """Share ended by each cause by an hour."""

    hour: Annotated[float, "hours since the clocks' origin"]
    removed: Annotated[float, "share removed, 0..1"]
    moved: Annotated[float, "share moved to another hoster"]
    name: Annotated[float, "share whose name was gone"]
    network: Annotated[float, "share whose network was silent"]
    seized: Annotated[float, "share whose name was seized"]
    lost: Annotated[float, "share lost from sight"]
    registrar_hold: Annotated[
        float | None, "share whose name the registrar held; the reason is not known; null: no registry told one"
    ] = None
    registry_hold: Annotated[
        float | None, "share whose name the registry held; the reason is not known; null: no registry told one"
    ] = None
    deleted: Annotated[float | None, "share whose name was deleted; null: no registry told one"] = None
    expired: Annotated[float | None, "share whose name expired; null: no registry told one"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetNumbers:
    """Numbers of a sheet that no other table has."""

    mean_h: Annotated[
        float | None, "mean hours until the end or `within_h`; null: too few followed so long, or hours nobody saw"
    ]
    mean_low: Annotated[float | None, "lower end of its 95% interval"]
    mean_high: Annotated[float | None, "upper end of its 95% interval"]
    within_h: Annotated[float | None, "hours at which the mean stops counting"]
    slope: Annotated[float | None, "change a week of the share removed within 24 hours of a notice"]
    slope_low: Annotated[float | None, "lower end of its 95% interval"]
    slope_high: Annotated[float | None, "upper end of its 95% interval"]
    slope_weeks: Annotated[int | None, "weeks behind the slope; null: no notices, or too few"]
    seat: Annotated[str | None, "country of its legal seat"]
    origins: Annotated[tuple[int, ...], "AS numbers of its addresses"]


def _tables(view: SheetView, stem: str, start: str) -> Iterator[PageTable]:
    name, method = view.standing.row.name, f"NPMLE with competing causes, hours since {start}; docs/method.md"
    if curves := view.curves:
        causes = (cause for cause in CAUSE_WORDS if cause not in TOLD_BY_REGISTRIES or any(curves.shares[cause]))
        by_cause = {cause: curves.shares[cause] for cause in causes}
        rows = [
            CurveHour(hour=hour, **{cause: round(shares[position], 6) for cause, shares in by_cause.items()})
            for position, hour in enumerate(curves.hours)
        ]
        yield PageTable(
            path=f"{stem}-curves", cls=CurveHour, rows=rows, what=f"share ended: {name}", by="hour", method=method
        )
        yield PageTable(
            path=f"{stem}-shares", cls=CauseShare, rows=view.shares, what=f"share ended: {name}", by="cause",
            method=f"{method}; 95% intervals over repetitions of the process",
        )  # fmt: skip
    duration, trend = view.duration, view.weekly.trend if view.weekly else None
    numbers = SheetNumbers(
        mean_h=duration.mean_h if duration else None,
        mean_low=duration.mean_low if duration else None,
        mean_high=duration.mean_high if duration else None,
        within_h=duration.within_h if duration else None,
        slope=trend.slope if trend else None,
        slope_low=trend.slope_low if trend else None,
        slope_high=trend.slope_high if trend else None,
        slope_weeks=trend.weeks if trend else None,
        seat=view.seat,
        origins=view.origins,
    )
    yield PageTable(
        path=f"{stem}-numbers", cls=SheetNumbers, rows=[numbers], what=f"further numbers: {name}", by="hoster",
        method=method,
    )  # fmt: skip


def _causes(shares: Sequence[CauseShare]) -> list[dict[str, Any]]:
    """Each cause with hourly shares and its line style."""
    causes = []
    for cause, word in CAUSE_WORDS.items():
        cause_shares = [share for share in shares if share.cause == cause]
        if cause == "removed" or any(share.share for share in cause_shares):
            causes.append({"word": word, "shares": cause_shares, "css": CAUSE_CSS[cause]})
    return causes


def _trend(trend: ComplianceTrend) -> dict[str, Any]:
    """The trend in words, or that its direction is open.

    It is open where the interval contains zero.
    """
    slope, low, high = trend.slope, trend.slope_low, trend.slope_high
    if slope is None or low is None or high is None:
        return {"word": "not known", "slope": None}
    word = "rises" if low > 0 else "falls" if high < 0 else "no clear change"
    points = [f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}") for value in (slope, low, high)]
    return {"word": word, "slope": points[0], "low": points[1], "high": points[2], "weeks": trend.weeks}
