"""The page of the specification curve: one picture, one table; asks nothing of anyone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from plotly.offline import get_plotlyjs

from waterbed.model.sensitivity import ConclusionRow, CurveRow, Dimension, FlipRow, LevelRow
from waterbed.model.spelling import NOTHING, number, percent
from waterbed.publish.site.layout import templates
from waterbed.publish.site.sensitivity import curve_figure
from waterbed.publish.site.site import asset

_DIFFERENCES = ("order:", "home-abroad")


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityView:
    """Everything the page shows; `made_at` is aware."""

    title: str
    name: str
    """The hoster whose share is drawn."""
    grid: str
    made_at: datetime
    curve: Sequence[CurveRow]
    conclusions: Sequence[ConclusionRow]
    flips: Sequence[FlipRow]
    levels: Sequence[LevelRow]
    clock: str
    protocol: str
    deviations: Sequence[str]
    data_dates: Mapping[str, str]
    run_id: str
    version: str


def render_sensitivity(view: SensitivityView) -> str:
    """Make one page for itself: HTML, style, scripts and data in one text, with nothing to load."""
    return (
        templates()
        .get_template("sensitivity_alone.html")
        .render(
            {
                "view": view,
                "made_at": view.made_at.astimezone(UTC),
                "main": view.conclusions[0],
                "dimensions": list(dict.fromkeys(row.dimension for row in view.flips)),
                "flips": {(row.conclusion, row.dimension): row for row in view.flips},
                "estimate_text": estimate_text,
                "flip_cell": flip_cell,
                "style": asset("style.css").content.decode(),
                "library": get_plotlyjs(),
                "figures": {"curve": curve_figure(view.curve, view.levels, view.conclusions[0])},
            }
        )
    )


def estimate_text(row: ConclusionRow, value: float | None) -> str:
    """A conclusion's number: a share in percent, or a difference of shares in percentage points."""
    if value is None:
        return NOTHING
    if row.conclusion.startswith(_DIFFERENCES):
        return f"{number(round(value * 100))} pp"
    return percent(value)


def flip_cell(flips: Mapping[tuple[str, Dimension], FlipRow], conclusion: str, dimension: Dimension) -> str:
    """How often a dimension flips a conclusion, as a share of pairs; a dash where no pair tells."""
    row = flips.get((conclusion, dimension))
    return NOTHING if row is None else percent(row.share)
