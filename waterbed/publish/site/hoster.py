"""The sheet of one hoster: how fast, by what cause, after notices, and where content goes to and comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from re import fullmatch, sub
from typing import Annotated, Any, Final

from graphs.network.flows import Flow
from waterbed.model.takedown import CauseShare, ComplianceRow, ComplianceTrend, Duration
from waterbed.publish.site.figures import CAUSE_LINES, DASHES, causes_figure, weeks_figure
from waterbed.publish.site.layout import Page
from waterbed.publish.site.rankings import CLASSES, Standing, ranking_path, slow_words

MARKS_H: Final = (1.0, 12.0, 24.0, 72.0, 168.0)
"""Hours at which the sheet gives shares with intervals."""
CAUSE_WORDS: Final[Mapping[str, str]] = {
    "removed": "removed",
    "moved": "moved away",
    "name": "name gone",
    "network": "network silent",
    "lost": "lost from sight",
}
"""What each end of a clock is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseCurves:
    """The share that each cause had ended, hour by hour."""

    hours: Annotated[tuple[float, ...], "hours since the origin, increasing from 0"]
    shares: Annotated[Mapping[str, tuple[float, ...]], "by cause: share ended by then, 0..1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """What one hoster acted on after notices."""

    whole: Annotated[Sequence[ComplianceRow], "all weeks together, one row for each number of hours"]
    weeks: Annotated[Sequence[ComplianceRow], "week by week, within 24 hours"]
    trend: Annotated[ComplianceTrend | None, "how the share changes; null: too few weeks or sites"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView:
    """Everything a sheet shows."""

    standing: Standing
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
    """The path of each hoster's sheet: its key where that can be a file's name anywhere, else made from it."""
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
    """The page of one hoster; `sheets` are the paths of all of them, `start` what clocks run from, in words."""
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
    """Each cause with its shares in the order of hours, and how its line is drawn."""
    found = []
    for cause, (colour, dash) in zip(CAUSE_WORDS, CAUSE_LINES, strict=True):
        own = [share for share in shares if share.cause == cause]
        if cause == "removed" or any(share.share for share in own):
            found.append({"word": CAUSE_WORDS[cause], "shares": own, "colour": colour, "dashes": DASHES[dash]})
    return found


def _trend(trend: ComplianceTrend) -> dict[str, Any]:
    """The trend in words: which way, and whether the interval leaves the way open."""
    slope, low, high = trend.slope, trend.slope_low, trend.slope_high
    if slope is None or low is None or high is None:
        return {"word": "not known", "slope": None}
    word = "rises" if low > 0 else "falls" if high < 0 else "no clear change"
    points = [f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}") for value in (slope, low, high)]
    return {"word": word, "slope": points[0], "low": points[1], "high": points[2], "weeks": trend.weeks}
