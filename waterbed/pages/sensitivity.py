"""The page of the specification curve: one picture, one table; asks nothing of anyone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from plotly.offline import get_plotlyjs

from waterbed.model.sensitivity import ConclusionRow, CurveRow, Dimension, FlipRow, LevelRow
from waterbed.model.spelling import NOTHING, percent, spelled
from waterbed.pages.frame import templates
from waterbed.pages.sensitivity_figure import curve_figure
from waterbed.pages.site import asset


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
                "spelled": spelled,
                "flip_cell": flip_cell,
                "style": asset("style.css").content.decode(),
                "library": get_plotlyjs(),
                "figures": {"curve": curve_figure(view.curve, view.levels, view.conclusions[0])},
            }
        )
    )


def flip_cell(flips: Mapping[tuple[str, Dimension], FlipRow], conclusion: str, dimension: Dimension) -> str:
    """How often a dimension flips a conclusion, as a share of pairs; a dash where no pair tells."""
    row = flips.get((conclusion, dimension))
    return NOTHING if row is None else percent(row.share)
