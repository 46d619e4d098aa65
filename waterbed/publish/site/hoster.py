"""The sheet of one hoster: speed, causes, notices and flows."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from re import fullmatch, sub
from typing import Annotated, Any, Final

from graphs.network.flows import Flow
from waterbed.analysis.compliance import compliance_of
from waterbed.analysis.fact_sheet import cause_shares
from waterbed.analysis.rankings.clocks import running_clocks
from waterbed.analysis.rankings.durations import duration
from waterbed.analysis.rankings.ranking import UNKNOWN
from waterbed.analysis.rankings.tables import RankingTables
from waterbed.analysis.rankings.takedown import CAUSES, FEWEST_SITES, Clock, incidence
from waterbed.estimators.incidence import share_within
from waterbed.model.takedown import CauseShare, ComplianceRow, ComplianceTrend, Duration
from waterbed.publish.policy import Publication
from waterbed.publish.site.figures import CAUSE_LINES, DASHES, causes_figure, weeks_figure
from waterbed.publish.site.layout import Page
from waterbed.publish.site.rankings import CLASSES, RankingEntry, places_of, ranking_path, slow_words
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

MARKS_H: Final = (1.0, 12.0, 24.0, 72.0, 168.0)
"""Hours at which the sheet gives shares with intervals."""
CAUSE_WORDS: Final[Mapping[str, str]] = {
    "removed": "removed",
    "moved": "moved away",
    "name": "name gone",
    "network": "network silent",
    "lost": "lost from sight",
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
    goes_to: Annotated[Sequence[Flow], "flows that leave it, largest first"]
    comes_from: Annotated[Sequence[Flow], "flows that arrive, largest first"]


def sheet_paths(keys: Sequence[str]) -> dict[str, str]:
    """The path of each hoster's sheet.

    It is the hoster's key where that is a valid file name everywhere; otherwise it is derived from it.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for key in sorted(keys):
        name = key
        if not fullmatch(r"[A-Za-z0-9_-]{1,60}", key) or key.casefold() in taken:
            name = f"{sub('[^A-Za-z0-9_-]+', '-', key)[:40]}-{sha256(key.encode()).hexdigest()[:8]}"
        taken.add(name.casefold())
        found[key] = f"hosters/{name}.html"
    return found


def sheet_page(view: SheetView, sheets: Mapping[str, str], start: str) -> Page:
    """Render the page of one hoster.

    `sheets` are the paths of all of them; `start` names the clocks' origin.
    """
    row = view.standing.row
    figures: dict[str, Any] = {}
    if view.curves:
        figures["causes"] = causes_figure(view.curves.hours, view.curves.shares, view.shares, CAUSE_WORDS)
    if view.weekly and any(week.removed is not None for week in view.weekly.weeks):
        figures["weeks"] = weeks_figure(view.weekly.weeks)
    return Page(
        path=sheets[row.key],
        template="sheet.html",
        title=row.name,
        under=ranking_path("hoster"),
        figures=figures,
        values={
            "view": view,
            "row": row,
            "start": start,
            "slow": slow_words(view.slowest),
            "sheets": sheets,
            "meaning": CLASSES[row.rank_class],
            "causes": _causes(view.shares),
            "hours": [share.within_h for share in view.shares if share.cause == "removed"],
            "trend": _trend(view.weekly.trend) if view.weekly and view.weekly.trend else None,
        },
    )


def _causes(shares: Sequence[CauseShare]) -> list[dict[str, Any]]:
    """Each cause with hourly shares and its line style."""
    found = []
    for cause, (colour, dash) in zip(CAUSE_WORDS, CAUSE_LINES, strict=True):
        own = [share for share in shares if share.cause == cause]
        if cause == "removed" or any(share.share for share in own):
            found.append({"word": CAUSE_WORDS[cause], "shares": own, "colour": colour, "dashes": DASHES[dash]})
    return found


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


HORIZON_H = 168


def sheet_views(
    study: Study, conclusions: Conclusions, publication: Publication, standings: Sequence[RankingEntry]
) -> Iterator[SheetView]:
    """The sheet of each hoster in the published ranking.

    In its order.
    """
    clocks = RankingTables(conclusions=conclusions, kind="hoster", clock=study.config.clock).clocks
    goes_to, comes_from = _flows(publication)
    weekly = _weekly(study, conclusions, publication)
    places = places_of(standings)
    for one in standings:
        key = one.row.key
        if key == UNKNOWN:
            continue
        own = clocks.get(key, ())
        kept = running_clocks(own)
        curves = _curves(kept) if one.row.rank_class != "views differ" else None
        yield SheetView(
            standing=one,
            places=places,
            slowest=publication.slowest["hoster"],
            seat=publication.countries.get(key),
            origins=publication.origins.get(key, ()),
            curves=curves,
            shares=list(cause_shares(kept, MARKS_H, until=conclusions.until)) if curves and conclusions.until else (),
            duration=duration(own, within_h=MARKS_H[-1]) if curves else None,
            weekly=weekly.get(key),
            goes_to=goes_to.get(key, ()),
            comes_from=comes_from.get(key, ()),
        )


def _curves(kept: Sequence[Clock]) -> CauseCurves | None:
    """Hourly incidence of each cause; None for too few sites."""
    if len({one.site_id for one in kept}) < FEWEST_SITES:
        return None
    curves = incidence(kept)
    hours = range(int(min(HORIZON_H, curves.known_until_h)) + 1)
    return CauseCurves(
        hours=tuple(map(float, hours)),
        shares={
            cause: tuple(share_within(curves, number, hour) or 0.0 for hour in hours)
            for number, cause in enumerate(CAUSES)
        },
    )


def _flows(publication: Publication) -> tuple[Mapping[str, list[Flow]], Mapping[str, list[Flow]]]:
    """Published flows by hoster left and by hoster entered."""
    goes_to, comes_from = defaultdict[str, list[Flow]](list), defaultdict[str, list[Flow]](list)
    for flow in publication.table("flows").rows:
        goes_to[flow.from_key].append(flow)
        comes_from[flow.to_key].append(flow)
    return goes_to, comes_from


def _weekly(study: Study, conclusions: Conclusions, publication: Publication) -> dict[str, Weekly]:
    """Published responses of each hoster to notices, by week."""
    found: dict[str, list[ComplianceRow]] = defaultdict(list)
    for table in publication.tables:
        if table.name == "compliance-hoster":
            for row in table.rows:
                found[row.key].append(row)
    if not found:
        return {}
    least = publication.policy.least
    trends = {one.key: one for one in compliance_of(study, conclusions=conclusions).trends() if one.clusters >= least}
    return {key: _of(rows, trends.get(key)) for key, rows in found.items()}


def _of(rows: Sequence[ComplianceRow], trend: ComplianceTrend | None) -> Weekly:
    weeks = [row for row in rows if row.week and row.within_h == 24.0]
    return Weekly(
        whole=[row for row in rows if not row.week],
        weeks=sorted(weeks, key=lambda row: row.week or ""),
        trend=trend,
    )
