"""Figures of the intervention pages, as Plotly's plain data."""

from collections.abc import Sequence
from typing import Any, Final

from waterbed.model.results import DestinationRow, PairRow, PeriodRow
from waterbed.publish.site.figures import CONFIG, FAINT, INK, LINES, label, plain_layout

_SIDE_COLOURS: Final = {"home": "#0072b2", "abroad": "#d55e00", "unknown": "#c9ced4"}
_AREAS: Final = (
    ("target", "target"),
    ("control", "controls"),
    ("buffer", "buffer"),
    ("buffer_control", "controls of the buffer"),
)
_TICKS: Final = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
_GRID: Final = "#eef1f3"
_LEVEL: Final = 0.05


def counts_figure(rows: Sequence[PeriodRow], *, outcome: str) -> dict[str, Any]:
    """Draw sites per period by area; empty areas are omitted."""
    shown = [area for area in _AREAS if any(getattr(row, area[0]) for row in rows)]
    traces = [
        _line(
            [row.age for row in rows],
            [getattr(row, field) for row in rows],
            name,
            style,
            f"{name}<br>%{{y}} sites in period %{{x}}<extra></extra>",
        )
        for (field, name), style in zip(shown, LINES, strict=False)
    ]
    return {"data": traces, "layout": _by_period(f"sites with {outcome}", "tozero"), "config": CONFIG}


def course_figure(rows: Sequence[PeriodRow]) -> dict[str, Any]:
    """Draw the target's log rate and its controls' prediction."""
    ages = [row.age for row in rows]
    traces = [
        _line(
            ages, [row.observed for row in rows], "target", LINES[0], "target, period %{x}<br>%{y:.2f}<extra></extra>"
        ),
        _line(
            ages,
            [row.foretold for row in rows],
            "foretold",
            LINES[1],
            "foretold, period %{x}<br>%{y:.2f}<extra></extra>",
        ),
    ]
    return {"data": traces, "layout": _by_period("log rate", "normal"), "config": CONFIG}


def gaps_figure(rows: Sequence[PeriodRow]) -> dict[str, Any]:
    """Draw the target's excess over its controls, per reading."""
    traces = []
    for reading, style in zip(dict.fromkeys(row.reading for row in rows), LINES, strict=False):
        own = [row for row in rows if row.reading == reading]
        traces.append(
            _line(
                [row.age for row in own],
                [row.gap for row in own],
                reading,
                style,
                f"{reading}, period %{{x}}<br>%{{y:+.2f}}<extra></extra>",
            )
        )
    layout = _by_period("target less foretold, log ratio", "normal")
    layout["yaxis"]["zeroline"] = True
    layout["yaxis"]["zerolinecolor"] = INK
    return {"data": traces, "layout": layout, "config": CONFIG}


def sides_figure(rows: Sequence[DestinationRow]) -> dict[str, Any]:
    """Draw domestic and foreign shares of departures, before and after.

    In one reading, for the target and the controls.
    """
    columns = (
        ("control_before", "controls, before"),
        ("control_after", "controls, after"),
        ("before", "target, before"),
        ("after", "target, after"),
    )
    sides = [row for row in rows if row.key in _SIDE_COLOURS]
    totals = {field: sum(getattr(row, field) or 0 for row in sides) for field, _ in columns}
    shown = [(field, name) for field, name in reversed(columns) if totals[field]][::-1]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": row.key,
            "y": [f"{name}  " for _, name in shown],
            "x": [getattr(row, field) / totals[field] for field, _ in shown],
            "customdata": [f"{getattr(row, field)} of {totals[field]}" for field, _ in shown],
            "text": [f"{row.key} {getattr(row, field)}" if getattr(row, field) else "" for field, _ in shown],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "marker": {"color": _SIDE_COLOURS[row.key]},
            "hovertemplate": f"{row.key}: %{{x:.0%}}, %{{customdata}} arrivals<extra></extra>",
        }
        for row in sides
    ]
    layout = {
        **plain_layout(),
        "barmode": "stack",
        "bargap": 0.35,
        "margin": {"l": 118, "r": 12, "t": 8, "b": 40},
        "showlegend": False,
        "xaxis": {"range": [0, 1], "tickformat": ".0%", "gridcolor": _GRID, "zeroline": False, "fixedrange": True},
        "yaxis": {"fixedrange": True},
    }
    return {"data": traces, "layout": layout, "config": CONFIG}


def pairs_figure(rows: Sequence[PairRow], *, most: int = 12) -> dict[str, Any]:
    """Draw lifts of the pairs with most moves, log scale.

    A full dot marks pairs where either null rejects for all pairs at once.
    """
    shown = [row for row in rows if row.lift][:most][::-1]
    one_origin = len({row.from_key for row in shown}) == 1
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [row.lift for row in shown],
        "y": [label(row.to_name if one_origin else f"{row.from_key} → {row.to_key}") for row in shown],
        "customdata": [f"{row.moves} moves, {row.foretold:.1f} foretold" for row in shown],
        "marker": {
            "size": 11,
            "color": [LINES[1][0] if _rejects(row) else "#ffffff" for row in shown],
            "line": {"color": LINES[1][0], "width": 2},
        },
        "hovertemplate": "%{y}<br>lift %{x:.2f}, %{customdata}<extra></extra>",
    }
    layout = {
        **plain_layout(),
        "margin": {"l": 8, "r": 16, "t": 8, "b": 44},
        "showlegend": False,
        "xaxis": {
            "type": "log",
            "title": {"text": "moves / foretold", "standoff": 8},
            "tickvals": _TICKS,
            "ticktext": [f"{tick:g}" for tick in _TICKS],
            "gridcolor": _GRID,
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {"automargin": True, "fixedrange": True, "gridcolor": _GRID},
        "shapes": [_upright(1.0)],
    }
    return {"data": [trace], "layout": layout, "config": CONFIG}


def _rejects(row: PairRow) -> bool:
    return any(p is not None and p <= _LEVEL for p in (row.destination_p, row.timing_p))


def _line(x: Sequence[Any], y: Sequence[Any], name: str, style: tuple[str, str], hover: str) -> dict[str, Any]:
    colour, dash = style
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": colour, "dash": dash, "width": 2.5},
        "marker": {"size": 5, "color": colour},
        "hovertemplate": hover,
    }


def _by_period(title: str, range_mode: str) -> dict[str, Any]:
    return {
        **plain_layout(),
        "margin": {"l": 52, "r": 12, "t": 26, "b": 76},
        "showlegend": True,
        "legend": {"orientation": "h", "y": -0.2, "x": 0},
        "hovermode": "closest",
        "xaxis": {
            "title": {"text": "periods since the event", "standoff": 6},
            "gridcolor": _GRID,
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {
            "title": {"text": title, "standoff": 6},
            "rangemode": range_mode,
            "gridcolor": FAINT,
            "zeroline": False,
            "fixedrange": True,
        },
        "shapes": [_upright(-0.5)],
        "annotations": [
            {
                "x": -0.5,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "text": "event",
                "showarrow": False,
                "font": {"size": 12, "color": INK},
            }
        ],
    }


def _upright(x: float) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "layer": "above",
        "line": {"color": INK, "width": 1, "dash": "dot"},
    }
