"""Figures of the pages, as Plotly's plain data."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from graphs.network.weeks import CrossBorder
from waterbed.analysis.rankings.takedown import RemovalCurve
from waterbed.model.takedown import CauseShare, ComplianceRow

INK: Final = "#1c2733"
FAINT: Final = "#d9dee3"
FONT: Final = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif"

LINES: Final = (
    ("#0072b2", "solid"),
    ("#d55e00", "dash"),
    ("#009e73", "dot"),
    ("#aa4499", "dashdot"),
    ("#56b4e9", "longdash"),
    ("#1c2733", "longdashdot"),
)
"""Colour and dash of each curve: Okabe and Ito's palette, never by colour alone."""

CAUSE_LINES: Final = (
    ("#0072b2", "solid"),
    ("#d55e00", "dash"),
    ("#aa4499", "dot"),
    ("#8b95a1", "dashdot"),
    ("#56b4e9", "longdash"),
)
"""The same for removed, moved, name, network and lost."""
DASHES: Final = {
    "solid": "none",
    "dash": "7 4",
    "dot": "2 3",
    "dashdot": "7 3 2 3",
    "longdash": "11 4",
    "longdashdot": "11 3 2 3",
}
"""Each dash in SVG syntax."""

PASSAGE_COLOURS: Final[Mapping[CrossBorder, str]] = {
    "leaves home": "#d55e00",
    "stays home": "#0072b2",
    "comes home": "#56b4e9",
    "stays abroad": "#8b95a1",
    "unknown": "#c9ced4",
}
HELD_COLOUR: Final = "#d8cbb3"
"""Colour of a passage that is held back."""
CONFIG: Final = {
    "displayModeBar": False,
    "displaylogo": False,
    "showSendToCloud": False,
    "showEditInChartStudio": False,
    "showLink": False,
    "plotlyServerURL": "",
    "topojsonURL": "",
    "responsive": True,
    "scrollZoom": False,
    "doubleClick": "reset",
}
"""Buttons and links of the library are disabled."""

_LONGEST_LABEL: Final = 34


def label(name: str) -> str:
    """Escape and shorten a name for use in a figure.

    The library reads a little HTML in any text, links included, and names come from registries anyone can write to.
    """
    name = "".join(character for character in name if character.isprintable())
    if len(name) > _LONGEST_LABEL:
        name = name[: _LONGEST_LABEL - 1].rstrip() + "…"
    return escape(name, quote=False)


def curves_figure(curves: Sequence[RemovalCurve], *, within_h: int = 24) -> dict[str, Any]:
    """Draw removal curves as steps, with `within_h` marked."""
    traces = []
    for curve, (colour, dash) in zip(curves, LINES, strict=False):
        at = max((i for i, hour in enumerate(curve.hours) if hour <= within_h), default=0)
        reached = bool(curve.hours) and curve.hours[-1] >= within_h
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": label(curve.name),
                "x": list(curve.hours),
                "y": list(curve.removed),
                "line": {"shape": "hv", "color": colour, "dash": dash, "width": 2.5},
                "marker": {
                    "size": [10 if reached and i == at else 0 for i in range(len(curve.hours))],
                    "color": colour,
                    "opacity": 1,
                    "line": {"color": "#ffffff", "width": 1.5},
                },
                "hovertemplate": "%{fullData.name}<br>%{y:.0%} removed within %{x} h<extra></extra>",
            }
        )
    longest = max((curve.hours[-1] for curve in curves if curve.hours), default=within_h)
    return {"data": traces, "layout": _curve_layout(longest, within_h), "config": CONFIG}


def _curve_layout(longest: float, within_h: int) -> dict[str, Any]:
    return {
        **plain_layout(),
        "margin": {"l": 48, "r": 12, "t": 26, "b": 44},
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": {
            "title": {"text": "hours since the report", "standoff": 8},
            "range": [0, longest * 1.02],
            "dtick": 24,
            "gridcolor": "#eef1f3",
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": _share_axis(),
        "shapes": [
            {
                "type": "line",
                "x0": within_h,
                "x1": within_h,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "layer": "below",
                "line": {"color": INK, "width": 1, "dash": "dot"},
            }
        ],
        "annotations": [
            {
                "x": within_h,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "text": f"{within_h} h",
                "showarrow": False,
                "font": {"size": 12, "color": INK},
            }
        ],
    }


def causes_figure(
    hours: Sequence[float],
    shares: Mapping[str, Sequence[float]],
    marks: Sequence[CauseShare],
    words: Mapping[str, str],
) -> dict[str, Any]:
    """Draw each observed cause's cumulative incidence as steps.

    The 95% intervals stand at marked hours.
    """
    traces = []
    for (cause, word), (colour, dash) in zip(words.items(), CAUSE_LINES, strict=True):
        own = shares[cause]
        if cause != "removed" and not any(own):
            continue
        marked = [
            mark for mark in marks if mark.cause == cause and mark.share is not None and mark.within_h <= hours[-1]
        ]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": word,
                "x": list(hours),
                "y": [round(share, 4) for share in own],
                "line": {"shape": "hv", "color": colour, "dash": dash, "width": 2.5},
                "hovertemplate": "%{y:.0%} %{fullData.name} within %{x} h<extra></extra>",
            }
        )
        traces.append(_intervals([(m.within_h, m.share, m.low, m.high) for m in marked], colour, word))
    return {"data": traces, "layout": _curve_layout(hours[-1], 24), "config": CONFIG}


def weeks_figure(weeks: Sequence[ComplianceRow]) -> dict[str, Any]:
    """Draw weekly shares removed within 24 hours of notices.

    With 95% intervals.
    """
    trace = _intervals([(w.week, w.removed, w.removed_low, w.removed_high) for w in weeks], LINES[0][0], "removed")
    trace["marker"]["size"] = 8
    layout = {
        **plain_layout(),
        "margin": {"l": 48, "r": 12, "t": 10, "b": 44},
        "showlegend": False,
        "xaxis": {
            "type": "category",
            "categoryarray": [week.week for week in weeks],
            "range": [-0.5, len(weeks) - 0.5],
            "fixedrange": True,
            "gridcolor": "#eef1f3",
        },
        "yaxis": _share_axis(),
    }
    return {"data": [trace], "layout": layout, "config": CONFIG}


def failures_figure(vantages: Sequence[tuple[str, Sequence[tuple[str, int, int]]]]) -> dict[str, Any]:
    """Draw each day's share of failed canary checks, by vantage.

    Each point shows its day, checks and failed checks.
    """
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": label(name),
            "x": [day for day, _, _ in days],
            "y": [failed / looks for _, looks, failed in days],
            "customdata": [[failed, looks] for _, looks, failed in days],
            "line": {"color": colour, "dash": dash, "width": 2},
            "hovertemplate": "%{fullData.name}, %{x}: %{customdata[0]} of %{customdata[1]} failed<extra></extra>",
        }
        for (name, days), (colour, dash) in zip(vantages, LINES * len(vantages), strict=False)
    ]
    layout = {
        **plain_layout(),
        "margin": {"l": 48, "r": 12, "t": 10, "b": 44},
        "showlegend": len(traces) > 1,
        "xaxis": {"type": "date", "fixedrange": True, "gridcolor": "#eef1f3"},
        "yaxis": _share_axis(),
    }
    return {"data": traces, "layout": layout, "config": CONFIG}


def _intervals(points: Sequence[tuple[Any, float | None, float | None, float | None]], colour: str, word: str) -> Any:
    """Points with interval bars; points without a share are omitted."""
    kept = [(x, y, low, high) for x, y, low, high in points if y is not None and low is not None and high is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": word,
        "x": [x for x, *_ in kept],
        "y": [y for _, y, _, _ in kept],
        "customdata": [[low, high] for *_, low, high in kept],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [high - y for _, y, _, high in kept],
            "arrayminus": [y - low for _, y, low, _ in kept],
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
        "marker": {"color": colour, "size": 6},
        "hovertemplate": "%{x}: %{y:.0%} %{fullData.name}, %{customdata[0]:.0%} to %{customdata[1]:.0%}<extra></extra>",
    }


def _share_axis() -> dict[str, Any]:
    return {
        "range": [0, 1.02],
        "tickformat": ".0%",
        "dtick": 0.25,
        "gridcolor": FAINT,
        "zeroline": False,
        "fixedrange": True,
    }


def plain_layout() -> dict[str, Any]:
    """The layout that all figures share."""
    return {
        "autosize": True,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": INK},
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": INK, "font": {"family": FONT, "size": 13, "color": INK}},
    }
