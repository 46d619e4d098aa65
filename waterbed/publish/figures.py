"""Figures of the report page, as Plotly's plain data."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from graphs.passages import Passage
from waterbed.publish.flows import Flow
from waterbed.rankings.takedowns import RemovalCurve

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

PASSAGE_COLOURS: Final[Mapping[Passage, str]] = {
    "leaves home": "#d55e00",
    "stays home": "#0072b2",
    "comes home": "#56b4e9",
    "stays abroad": "#8b95a1",
    "unknown": "#c9ced4",
}
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
"""No button or link of the library may lead anywhere."""

_LONGEST_LABEL: Final = 34


def label(name: str) -> str:
    """Make a name safe and short enough to stand in a figure.

    The library reads a little HTML in any text, links included, and names come from registries anyone can write to.
    """
    name = "".join(character for character in name if character.isprintable())
    if len(name) > _LONGEST_LABEL:
        name = name[: _LONGEST_LABEL - 1].rstrip() + "…"
    return escape(name, quote=False)


def curves_figure(curves: Sequence[RemovalCurve], *, within_h: int = 24) -> dict[str, Any]:
    """Draw removal curves as steps, the share at `within_h` marked."""
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
            "range": [0, longest],
            "dtick": 24,
            "gridcolor": "#eef1f3",
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {
            "range": [0, 1.02],
            "tickformat": ".0%",
            "dtick": 0.25,
            "gridcolor": FAINT,
            "zeroline": False,
            "fixedrange": True,
        },
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


def sankey_figure(flows: Sequence[Flow]) -> dict[str, Any]:
    """Draw flows from hosters left to hosters arrived at.

    Both sides have nodes of their own, so that content going round in circles stays readable.
    """
    left = {flow.from_key: flow.from_name for flow in flows}
    right = {flow.to_key: flow.to_name for flow in flows}
    sources = {key: i for i, key in enumerate(left)}
    targets = {key: len(left) + i for i, key in enumerate(right)}
    trace = {
        "type": "sankey",
        "arrangement": "fixed",
        "node": {
            "label": [label(name) for name in (*left.values(), *right.values())],
            "color": INK,
            "pad": 12,
            "thickness": 9,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value} hops<extra></extra>",
        },
        "link": {
            "source": [sources[flow.from_key] for flow in flows],
            "target": [targets[flow.to_key] for flow in flows],
            "value": [flow.hops for flow in flows],
            "color": [_faded(PASSAGE_COLOURS[flow.passage]) for flow in flows],
            "customdata": [f"{flow.passage}; {flow.certain} certain" for flow in flows],
            "hovertemplate": "%{source.label} → %{target.label}<br>%{value} hops, %{customdata}<extra></extra>",
        },
    }
    layout = {**plain_layout(), "margin": {"l": 4, "r": 4, "t": 8, "b": 8}}
    return {"data": [trace], "layout": layout, "config": CONFIG}


def plain_layout() -> dict[str, Any]:
    """What all figures have in common."""
    return {
        "autosize": True,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": INK},
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": INK, "font": {"family": FONT, "size": 13, "color": INK}},
    }


def _faded(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.55)"
