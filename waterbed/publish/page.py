"""The report: one self-contained page that asks nothing of any network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from graphs.passages import PASSAGES
from waterbed.model.conclusions import RankingRow
from waterbed.publish.figures import LINES, PASSAGE_COLOURS, curves_figure, sankey_figure
from waterbed.publish.flows import Flow, largest
from waterbed.rankings.takedowns import By, RemovalCurve

MARKS_H: Final = (1, 12, 24, 72, 168)
"""Hours at which the table beside the curves gives shares."""

DRAWN_FLOWS: Final = 24
LISTED_FLOWS: Final = 14
NOUNS: Final[Mapping[By, tuple[str, str]]] = {
    "hoster": ("hoster", "hosters"),
    "asn": ("AS", "ASes"),
    "country": ("country", "countries"),
}
DASHES: Final = {
    "solid": "none",
    "dash": "7 4",
    "dot": "2 3",
    "dashdot": "7 3 2 3",
    "longdash": "11 4",
    "longdashdot": "11 3 2 3",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A headline number: as shown, what it is, and its fine print."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """Everything the report page shows.

    `rows` come in the order to be shown; at most six `curves` are drawn; `flows` may be empty. `home` is the ISO code
    of the country that counts as home. `data_dates` maps each data set to its date. Times are aware.
    """

    title: str
    made_at: datetime
    home: str | None
    rows: Sequence[RankingRow]
    curves: Sequence[RemovalCurve]
    flows: Sequence[Flow]
    notes: Sequence[str]
    data_dates: Mapping[str, str]
    run_id: str
    version: str
    numbers: Sequence[Number] = field(default=())
    by: By = "hoster"


def render_page(view: PageView) -> str:
    """Make the report page: HTML, style, scripts and data in one text.

    The page forbids itself any request (Content-Security-Policy); tables work without JavaScript. Every name is
    escaped, in markup, in the scripts' data and in the figures' own little markup.
    """
    curves = list(view.curves)[: len(LINES)]
    figures: dict[str, Any] = {}
    if curves:
        figures["curves"] = curves_figure(curves)
    if view.flows:
        figures["flows"] = sankey_figure(largest(view.flows, DRAWN_FLOWS))
    return (
        templates()
        .get_template("report.html")
        .render(
            view=view,
            noun=NOUNS[view.by][0],
            nouns=NOUNS[view.by][1],
            made_at=view.made_at.astimezone(UTC),
            figures=figures,
            library=get_plotlyjs() if figures else "",
            curves=[_listed(curve, colour, DASHES[dash]) for curve, (colour, dash) in zip(curves, LINES, strict=False)],
            marks=MARKS_H,
            flows=sorted(view.flows, key=lambda flow: -flow.hops)[:LISTED_FLOWS],
            other_flows=sorted(view.flows, key=lambda flow: -flow.hops)[LISTED_FLOWS:],
            passages=_passages(view.flows),
            colours=PASSAGE_COLOURS,
        )
    )


def templates() -> Environment:
    """The pages' templates: escaped throughout, undefined names an error."""
    found = Environment(
        loader=PackageLoader("waterbed.publish", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["percent"] = _percent
    found.filters["thousands"] = lambda number: f"{number:,}"
    return found


def _percent(share: float | None) -> str:
    """Spell a share in whole percent; never 0 or 100 unless it is, to a hundredth of a percent."""
    if share is None:
        return "\N{EN DASH}"
    whole = round(share * 100)
    if whole == 0 and share > 1e-4:
        return "<1%"
    if whole == 100 and share < 1 - 1e-4:
        return ">99%"
    return f"{whole}%"


def _listed(curve: RemovalCurve, colour: str, dashes: str) -> dict[str, Any]:
    shares = dict(zip(curve.hours, curve.removed, strict=True))
    return {
        "name": curve.name,
        "clocks": curve.clocks,
        "colour": colour,
        "dashes": dashes,
        "shares": [shares.get(float(hour)) for hour in MARKS_H],
    }


def _passages(flows: Sequence[Flow]) -> list[dict[str, Any]]:
    total = sum(flow.hops for flow in flows)
    found = []
    for way in PASSAGES:
        hops = sum(flow.hops for flow in flows if flow.passage == way)
        if hops:
            found.append({"passage": way, "hops": hops, "share": hops / total, "colour": PASSAGE_COLOURS[way]})
    return found
