"""The first page: findings, the slowest, what left home."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, get_args

from waterbed.graphs.beyond import Beyond
from waterbed.graphs.network.weeks import CrossBorder
from waterbed.measures.removal_curves import MARKS_H, RemovalCurve
from waterbed.measures.speed_ranks import slowest_first
from waterbed.measures.totals import coverage
from waterbed.model.conclusions import NO_VERDICT
from waterbed.model.mediums import MEDIUM_WORDS
from waterbed.model.results import Changed, ChangeRow, WindowShare
from waterbed.model.spelling import percent
from waterbed.publish.hop_cells import HopCell
from waterbed.publish.hop_sums import WAYS
from waterbed.publish.site.quality import Held
from waterbed.shown.figures.curves import curves_scene, weekly_line
from waterbed.shown.figures.events import line_keys
from waterbed.shown.figures.marks import LINES, Figure, Scene
from waterbed.shown.figures.moments import Placed, moment_words
from waterbed.shown.figures.plot import figure_of
from waterbed.shown.layout import Page, PageTable
from waterbed.shown.rankings import NAMED, RankingEntry, below_norm, places_of

SHOWN: Final = 8
"""Number of hosters on the first page."""
WEEKS: Final = 12
"""Weeks in the line of a hoster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One number about the whole study."""

    name: Annotated[str, "name of the number"]
    value: Annotated[float | None, "its value; null: held back"]
    meaning: Annotated[str, "what it counts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """Share that a hoster had removed by an hour."""

    key: Annotated[str, "the hoster"]
    name: Annotated[str, "its name for people"]
    hour: Annotated[float, "hours since the clocks' origin"]
    removed: Annotated[float, "share removed by then, 0..1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Hops of one passage."""

    passage: Annotated[CrossBorder | None, "null: held back"]
    hops: Annotated[int, "hops that are not known to be parallel copies"]
    certain: Annotated[int, "of these, surely displacement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """One of the slowest hosters, with its weeks."""

    entry: RankingEntry
    country: Annotated[str | None, "country of its seat"]
    weeks: Annotated[Sequence[tuple[str, float | None]], "the last weeks of reports, with the share removed of each"]
    moments: Annotated[Sequence[Placed], "events within these weeks"] = ()

    @property
    def has_line(self) -> bool:
        """True if a week has a share."""
        return any(share is not None for _, share in self.weeks)

    @property
    def line(self) -> Scene:
        """Its weekly line."""
        return weekly_line([share for _, share in self.weeks], self.moments)

    @property
    def line_words(self) -> str:
        """The same in words."""
        known_weeks = [(week, share) for week, share in self.weeks if share is not None]
        if not known_weeks:
            return "no week has a share"
        shares_text = ", ".join(f"{week} {percent(share)}" for week, share in known_weeks)
        return (
            f"removed within 24 hours by week: {shares_text}{'.' if self.moments else ''}{moment_words(self.moments)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewView:
    """Content of the first page; `curves` has at most six."""

    title: str
    totals: Annotated[Sequence[Total], "numbers about the whole study"]
    standings: Annotated[Sequence[RankingEntry], "the ranking by hoster, in its order"]
    slowest: Annotated[Sequence[Slow], "hosters with the lowest shares, lowest first"]
    changes: Annotated[Sequence[ChangeRow], "hosters that changed since the edition before"]
    changed_since: Annotated[datetime | None, "last check of the edition before; null: there is none"]
    curves: Sequence[RemovalCurve]
    passages: Sequence[Passage]
    beyond: Annotated[Sequence[Beyond], "contents that were reported where no hoster can be told, too"]
    held: Annotated[Sequence[Held], "open quarantines"]
    notes: Annotated[
        Sequence[tuple[str, str, str]],
        "what a reader must know before believing a number; the section of the page on data quality that says more, "
        "or empty; the words of the link",
    ]
    events: Annotated[Sequence[tuple[str, str, Sequence[str]]], "path, title and answer of each event's page"]
    sheets: Mapping[str, str]
    window: Annotated[bool, "whether it is about some of the reports"] = False
    no_hops: Annotated[str, "why no hop is shown, where none is"] = ""


def slowest_of_all(standings: Sequence[RankingEntry]) -> list[RankingEntry]:
    """Entries with the lowest shares removed, lowest first.

    Of those with an interval: it says how a hoster works.
    """
    shared = [entry for entry in standings if entry.row.removed_24h_low is not None]
    return sorted(shared, key=lambda entry: slowest_first(entry.row))[:SHOWN]


def weeks_of(rows: Sequence[WindowShare], key: str) -> list[tuple[str, float | None]]:
    """The last weeks, with a hoster's share removed of each."""
    shares = {row.window: row.removed_24h for row in rows if row.key == key}
    return [(week, shares.get(week)) for week in sorted({row.window for row in rows})[-WEEKS:]]


def passages_of(cells: Sequence[HopCell]) -> list[Passage]:
    """Hops of each passage; they add up to all hops."""
    passages = []
    for passage in WAYS:
        passage_cells = [cell for cell in cells if cell.passage == passage]
        if passage_cells:
            hops, certain = sum(cell.hops for cell in passage_cells), sum(cell.certain for cell in passage_cells)
            passages.append(Passage(passage=passage, hops=hops, certain=certain))
    return passages


def changes_by_kind(rows: Sequence[ChangeRow]) -> dict[str, list[ChangeRow]]:
    """Changes of each kind; empty where there are none."""
    return {kind: [row for row in rows if row.change == kind] for kind in get_args(Changed)}


def overview_page(view: OverviewView, pages: Sequence[Page], start: str) -> Page:
    """Render the first page.

    `pages` are the pages that the navigation names; `start` names the clocks' origin.
    """
    curves = list(view.curves)[:LINES]
    return Page(
        path="index.html",
        template="overview.html",
        title=view.title,
        menu="Overview",
        figures=(_curves(curves, start),) if curves else (),
        tables=tuple(_tables(view, start)),
        values={
            "view": view,
            "covered": coverage([entry.row for entry in view.standings]).words,
            "outages": sum(quarantine.kind not in NO_VERDICT for quarantine in view.held),
            "doubted": sum(quarantine.kind in NO_VERDICT for quarantine in view.held),
            "start": start,
            "marked": [moment for _, moment in (view.slowest[0].moments if view.slowest else ())],
            "total": {total.name: _plain(total.value) for total in view.totals},
            "weeks": len(view.slowest[0].weeks) if view.slowest else 0,
            "below": below_norm(view.standings),
            "changes": changes_by_kind(view.changes),
            "most": NAMED,
            "places": places_of(view.standings),
            "curves": [_listed(curve, number) for number, curve in enumerate(curves, 1)],
            "marks": [int(hour) for hour in MARKS_H],
            "passages": _shares(view.passages),
            "mediums": MEDIUM_WORDS,
            "others": [page.path for page in pages],
        },
    )


def _plain(value: float | None) -> float | None:
    """A count as a whole number."""
    return int(value) if value is not None and value == int(value) else value


def _curves(curves: Sequence[RemovalCurve], start: str) -> Figure:
    curve_texts = [f"{curve.name} {percent(share)}" for curve in curves if (share := _share(curve, 24)) is not None]
    return figure_of(
        "curves",
        f"Share of reported URLs removed, by hours since {start}",
        f"Removed within 24 hours: {', '.join(curve_texts)}." if curve_texts else "None was followed for 24 hours.",
        "Each line is one of the hosters with most reported hosts; it rises as content is removed. A line that "
        "flattens early leaves the rest online, or lets it move away. Marks stand at 24 hours. The lines are "
        "estimates: their intervals are on each hoster's page.",
        "data/curves",
        lambda width: curves_scene(curves, width),
        line_keys([curve.name for curve in curves]),
    )


def _share(curve: RemovalCurve, hour: float) -> float | None:
    return dict(zip(curve.hours, curve.removed, strict=True)).get(float(hour))


def _listed(curve: RemovalCurve, number: int) -> dict[str, Any]:
    return {
        "key": curve.key,
        "name": curve.name,
        "css": f"l{number}",
        "shares": [_share(curve, hour) for hour in MARKS_H],
    }


def _shares(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """Each passage with its part of all hops, and where its part of a bar begins."""
    total = sum(passage.hops for passage in passages)
    rows, begins = [], 0
    for passage in passages:
        part = passage.hops / total
        rows.append({"row": passage, "share": part, "begins": begins / total, "css": f"w{WAYS.index(passage.passage)}"})
        begins += passage.hops
    return rows


def curve_points(curve: RemovalCurve) -> list[CurvePoint]:
    """The rows of a curve."""
    return [
        CurvePoint(key=curve.key, name=curve.name, hour=hour, removed=round(share, 6))
        for hour, share in zip(curve.hours, curve.removed, strict=True)
    ]


def _tables(view: OverviewView, start: str) -> list[PageTable]:
    estimate = f"NPMLE with competing causes, hours since {start}; docs/method.md"
    curves = [point for curve in view.curves for point in curve_points(curve)]
    tables = (
        ("totals", Total, view.totals, "numbers about the whole study", "study", "counted over the whole study"),
        ("curves", CurvePoint, curves, "share removed by hour", "hoster", estimate),
        ("passages", Passage, view.passages, "hops by passage", "passage", "sums of disjoint cells of hops"),
    )
    return [
        PageTable(path=f"data/{name}", cls=cls, rows=rows, what=subject, by=by, method=method)
        for name, cls, rows, subject, by, method in tables
    ]
