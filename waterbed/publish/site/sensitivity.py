"""The specification curve: ordered estimates above the choices behind each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from plotly.offline import get_plotlyjs

from waterbed.analysis.sensitivity.results import Findings
from waterbed.model.results import ConclusionRow, CurveRow, Dimension, FlipRow, LevelRow, ValueRow
from waterbed.model.spelling import NOTHING, estimate_text, percent
from waterbed.model.table import TableInfo
from waterbed.publish.site.figures import CONFIG, FAINT, INK, LINES, label, plain_layout
from waterbed.publish.site.layout import asset, templates
from waterbed.store.whole.files import write_whole
from waterbed.study.formats import DIALECT, loose, records, row_schema, to_json

_HOLDS, _FLIPS = LINES[0][0], LINES[1][0]
_BAR: Final = "#c9ced4"
_HALF: Final = 0.5
_POINT: Final = "%{y:.1%}, %{customdata[0]:.0%} to %{customdata[1]:.0%}<br>%{customdata[2]}<extra></extra>"
_ROW_PX, _CURVE_PX, _MARGIN_PX = 19, 300, 70
_STEEP: Final = 180
"""Number of specifications above which dots are smaller."""


def curve_figure(rows: Sequence[CurveRow], levels: Sequence[LevelRow], main: ConclusionRow) -> dict[str, Any]:
    """Draw the main outcome under every estimable specification.

    Least first, above a panel of the specifications' levels.
    The reference is ringed, the true value a dashed line. Dimensions with one level are left out of the panel.
    """
    estimated = [row for row in rows if row.estimate is not None]
    lines = _panel_lines(levels)
    height = _CURVE_PX + _ROW_PX * (len(lines) + 1) + _MARGIN_PX
    split = _ROW_PX * (len(lines) + 1) / (height - _MARGIN_PX)
    traces = [*_curve(estimated, main), *_panel(estimated, lines)]
    layout = {
        **plain_layout(),
        "height": height,
        "margin": {"l": 190, "r": 14, "t": 30, "b": 40},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        "hovermode": "closest",
        "xaxis": {
            "title": {"text": "specifications, by estimate", "standoff": 6},
            "range": [0.2, len(estimated) + 0.8],
            "anchor": "y2",
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
        "yaxis": {
            "title": {"text": "removed within 24 h"},
            "domain": [split + 0.03, 1.0],
            "range": [-0.02, 1.02],
            "tickformat": ".0%",
            "dtick": 0.25,
            "gridcolor": FAINT,
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis2": {
            "domain": [0.0, split],
            "range": [-len(lines) + 0.4, 0.6],
            "tickvals": [-place for place in range(len(lines))],
            "ticktext": [text for _, _, text in lines],
            "tickfont": {"size": 11},
            "gridcolor": "#eef1f3",
            "zeroline": False,
            "fixedrange": True,
        },
        "shapes": [
            _line(_HALF, "dot", "#8b95a1"),
            *([_line(main.truth, "dash", INK)] if main.truth is not None else []),
        ],
        "annotations": [_true(main.truth)] if main.truth is not None else [],
    }
    return {"data": traces, "layout": layout, "config": CONFIG}


def _curve(rows: Sequence[CurveRow], main: ConclusionRow) -> list[dict[str, Any]]:
    above = main.reference is None or main.reference >= _HALF
    groups = (
        ("as the reference says", _HOLDS, "circle", [r for r in rows if ((r.estimate or 0.0) >= _HALF) == above]),
        ("otherwise", _FLIPS, "diamond", [r for r in rows if ((r.estimate or 0.0) >= _HALF) != above]),
    )
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [row.place for row in own],
            "y": [row.estimate for row in own],
            "customdata": [[row.low, row.high, _choices_text(row)] for row in own],
            "marker": {"color": colour, "symbol": symbol, "size": 5},
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": [(row.high or 0.0) - (row.estimate or 0.0) for row in own],
                "arrayminus": [(row.estimate or 0.0) - (row.low or 0.0) for row in own],
                "color": _BAR,
                "thickness": 1,
                "width": 0,
            },
            "hovertemplate": _POINT,
        }
        for name, colour, symbol, own in groups
        if own
    ]
    reference = [row for row in rows if row.spec == 0]
    if reference:
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "reference",
                "x": [row.place for row in reference],
                "y": [row.estimate for row in reference],
                "marker": {"color": "#ffffff", "size": 12, "line": {"color": INK, "width": 2.5}},
                "hovertemplate": "reference: %{y:.1%}<extra></extra>",
            }
        )
    return traces


def _panel(rows: Sequence[CurveRow], lines: Sequence[tuple[str, str, str]]) -> list[dict[str, Any]]:
    size = 4 if len(rows) > _STEEP else 6
    traces = []
    for place, (dimension, level, _) in enumerate(lines):
        own = [row for row in rows if dimension and getattr(row, dimension) == level]
        if not own:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{dimension}: {level}",
                "x": [row.place for row in own],
                "y": [-place] * len(own),
                "yaxis": "y2",
                "showlegend": False,
                "marker": {"symbol": "line-ns", "size": size + 4, "line": {"color": INK, "width": 1.4}},
                "hovertemplate": f"{label(dimension)}: {label(level)}<extra></extra>",
            }
        )
    return traces


def _panel_lines(levels: Sequence[LevelRow]) -> list[tuple[str, str, str]]:
    """Dimension, level and text of each line of the panel.

    An empty line stands between dimensions.
    """
    lines: list[tuple[str, str, str]] = []
    for dimension in dict.fromkeys(row.dimension for row in levels):
        own = [row for row in levels if row.dimension == dimension and row.specs]
        if len(own) < 2:
            continue
        if lines:
            lines.append(("", "", ""))
        lines += [(dimension, row.level, f"{dimension}: {label(row.level)}") for row in own]
    return lines


def _choices_text(row: CurveRow) -> str:
    words = (row.clock, row.role, row.dedup, row.confirmation, f"moved {row.moved}", f"unknown {row.unknown}")
    return label(", ".join(words)) if len(", ".join(words)) < 40 else "<br>".join(label(word) for word in words)


def _line(at: float, dash: str, colour: str) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": at,
        "y1": at,
        "layer": "below",
        "line": {"color": colour, "width": 1.5, "dash": dash},
    }


def _true(at: float) -> dict[str, Any]:
    return {
        "xref": "paper",
        "x": 1,
        "xanchor": "right",
        "y": at,
        "yanchor": "bottom",
        "text": f"true: {at:.1%}",
        "showarrow": False,
        "font": {"size": 12, "color": INK},
        "bgcolor": "rgba(255,255,255,0.8)",
    }


_DIFFERENCES = ("order:", "home-abroad")


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityView:
    """Content of the page; `made_at` is aware."""

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
    caveat: str
    data_dates: Mapping[str, str]
    run_id: str
    version: str


def render_sensitivity(view: SensitivityView) -> str:
    """Render one self-contained page: HTML, style, scripts and data."""
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


def flip_cell(flips: Mapping[tuple[str, Dimension], FlipRow], conclusion: str, dimension: Dimension) -> str:
    """Share of pairs in which a dimension flips a conclusion.

    A dash where no pair is estimable.
    """
    row = flips.get((conclusion, dimension))
    return NOTHING if row is None else percent(row.share)


TABLES: Final[dict[str, type]] = {
    "conclusions": ConclusionRow,
    "flips": FlipRow,
    "levels": LevelRow,
    "curve": CurveRow,
    "values": ValueRow,
}
"""Lists in the JSON object, with the class of their rows."""


def write_findings(found: Findings, out: Path) -> list[Path]:
    """Write sensitivity.json, its schema, and the page, each atomically."""
    out.mkdir(parents=True, exist_ok=True)
    contents = {
        "sensitivity.json": as_json(found),
        "sensitivity.schema.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n",
        "sensitivity.html": render_sensitivity(view_of(found, made_at=datetime.now(UTC))),
    }
    return [write_whole(out / name, content.encode()) for name, content in contents.items()]


def as_json(found: Findings) -> str:
    """Serialise the findings as one JSON object.

    It holds the metadata, the main outcome's hoster, and the tables.
    """
    tables = {name: records(cls, getattr(found, name)) for name, cls in TABLES.items()}
    return to_json({**loose(found.info), "hoster": found.hoster, "grid": found.grid, **tables})


def schema() -> dict[str, Any]:
    """The JSON Schema of the object.

    Every property is required, and no other is allowed.
    """
    whole = row_schema(TableInfo)
    whole["$schema"] = DIALECT
    whole["title"] = "Sensitivity"
    whole["properties"]["hoster"] = {"description": "key whose share is the main outcome", "type": "string"}
    whole["properties"]["grid"] = {"description": "specifications that were run, and of how many", "type": "string"}
    for name, cls in TABLES.items():
        whole["properties"][name] = {"type": "array", "items": row_schema(cls)}
    whole["required"] += ["hoster", "grid", *TABLES]
    return whole


def view_of(found: Findings, *, made_at: datetime) -> SensitivityView:
    """Build the page's content."""
    return SensitivityView(
        title=f"{found.title}: which conclusions hold?",
        name=found.name,
        grid=found.grid,
        made_at=made_at,
        curve=found.curve,
        conclusions=found.conclusions,
        flips=found.flips,
        levels=found.levels,
        clock=found.info.clock,
        protocol=found.info.protocol,
        deviations=found.info.deviations,
        caveat=found.info.caveat,
        data_dates=found.info.data_dates,
        run_id=found.info.run,
        version=found.info.version,
    )
