"""The first page: scope, volume, speed and links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from graphs.network.flows import Flow
from graphs.network.weeks import CROSS_BORDER
from waterbed.analysis.rankings.takedown import RemovalCurve
from waterbed.model.takedown import NoticeEffect
from waterbed.publish.site.figures import DASHES, HELD_COLOUR, LINES, PASSAGE_COLOURS, curves_figure
from waterbed.publish.site.layout import Page
from waterbed.publish.site.rankings import CLASSES, RankingEntry, places_of

MARKS_H: Final = (1, 12, 24, 72, 168)
"""Hours at which the table beside the curves gives shares."""
SHOWN: Final = 8
"""Number of hosters on the first page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A headline number: value, meaning and fine print."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewView:
    """Content of the first page; `curves` has at most six."""

    title: str
    numbers: Sequence[Number]
    standings: Annotated[Sequence[RankingEntry], "the ranking by hoster, in its order"]
    curves: Sequence[RemovalCurve]
    flows: Annotated[Sequence[Flow], "flows between hosters, largest first"]
    notes: Annotated[Sequence[str], "what a reader must know before believing a number"]
    sheets: Mapping[str, str]


def overview_page(view: OverviewView, others: Sequence[Page], start: str) -> Page:
    """Render the first page.

    `others` are the pages that the navigation names; `start` names the clocks' origin.
    """
    curves = list(view.curves)[: len(LINES)]
    return Page(
        path="index.html",
        template="overview.html",
        title=view.title,
        menu="Overview",
        figures={"curves": curves_figure(curves)} if curves else {},
        values={
            "view": view,
            "start": start,
            "shown": view.standings[:SHOWN],
            "places": places_of(view.standings),
            "classes": CLASSES,
            "curves": [
                _listed(curve, colour, DASHES[dash]) for curve, (colour, dash) in zip(curves, LINES, strict=False)
            ],
            "marks": MARKS_H,
            "passages": passage_shares(view.flows),
            "others": [page.path for page in others],
        },
    )


def _listed(curve: RemovalCurve, colour: str, dashes: str) -> dict[str, Any]:
    shares = dict(zip(curve.hours, curve.removed, strict=True))
    return {
        "key": curve.key,
        "name": curve.name,
        "colour": colour,
        "dashes": dashes,
        "shares": [shares.get(float(hour)) for hour in MARKS_H],
    }


def passage_shares(flows: Sequence[Flow]) -> list[dict[str, Any]]:
    """Shares of hops that leave, stay, enter, or remain abroad."""
    total = sum(flow.hops for flow in flows)
    found = []
    for way in (*CROSS_BORDER, None):
        hops = sum(flow.hops for flow in flows if flow.passage == way)
        if hops:
            found.append(
                {
                    "passage": way,
                    "hops": hops,
                    "share": hops / total,
                    "colour": PASSAGE_COLOURS[way] if way else HELD_COLOUR,
                }
            )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """A table published beside the pages."""

    name: str
    title: str
    rows: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodView:
    """Content of the page."""

    methods: Annotated[Mapping[str, str], "what a group of tables holds, to how it was estimated"]
    tables: Sequence[PublishedTable]
    sources: Annotated[Mapping[str, str], "each data set used, to its licence and attribution"]
    effects: Annotated[Sequence[NoticeEffect], "how much sooner content is removed after notices"] = ()


def method_page(view: MethodView, start: str) -> Page:
    """Render the page on method; `start` names the clocks' origin."""
    return Page(
        path="method.html",
        template="method.html",
        title="Method and limits",
        menu="Method",
        values={"view": view, "start": start},
    )
