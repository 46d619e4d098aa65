"""The study's figures, drawn from its numbers alone: the same numbers give the same bytes."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Numbers = Mapping[str, Any]
BLUE, ORANGE, GREY, PALE = "#0b5fa5", "#c8500a", "#555555", "#bcd4ea"
_STYLE: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "waterbed",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def draw(numbers: Numbers, out: Path) -> None:
    """Write each figure as SVG into a folder."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        for name, figure in FIGURES.items():
            path = out / f"{name}.svg"
            figure(numbers).savefig(path, metadata={"Date": None, "Creator": None}, bbox_inches="tight")
            # lines end where they end: the writer leaves spaces there
            lines = path.read_text(encoding="utf-8").splitlines()
            path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def dumps(numbers: Numbers) -> Figure:
    """Rows of each dump by day; gaps in the dumps are gaps in the line, the held one is marked."""
    figure, axes = _axes(7.2, 2.6)
    sizes = [(date.fromisoformat(day), rows) for day, rows in numbers["data"]["sizes"]]
    held = {date.fromisoformat(day) for day in numbers["data"]["held"]}
    days: list[date] = []
    rows: list[float] = []
    for (day, size), (before, _) in zip(sizes, [sizes[0], *sizes], strict=False):
        if (day - before).days > 7:
            axes.axvspan(before, day, color="#eeeeee", linewidth=0)
            days, rows = [*days, before], [*rows, float("nan")]
        days, rows = [*days, day], [*rows, size]
    axes.plot(days, np.array(rows) / 1000, color=BLUE, linewidth=1.2)
    axes.plot(sorted(held), [0.0] * len(held), "o", color=ORANGE, label="held: no line in it", clip_on=False)
    axes.set_ylabel("entries in the dump, thousands")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")
    return figure


def survival(numbers: Numbers) -> Figure:
    """Share still listed by age: middles with their interval, what ends can be at most, the interval estimate."""
    figure, axes = _axes(7.2, 3.4)
    day, middle, low, high, least, most, between = np.array(numbers["listed"]["curve"]).T
    axes.fill_between(day, least, most, color=PALE, linewidth=0, label="ends where last seen … first missing")
    axes.fill_between(day, low, high, color=BLUE, alpha=0.35, linewidth=0, label="95% interval, sites resampled")
    axes.plot(day, middle, color=BLUE, linewidth=1.4, label="ends in the middle")
    axes.plot(day, between, color=ORANGE, linewidth=0.9, linestyle="--", label="interval estimate")
    axes.axhline(0.5, color=GREY, linewidth=0.6, linestyle=":")
    axes.set_xscale("log")
    axes.set_xticks([0.25, 1, 2, 3, 7, 14, 30, 90, 180], ["¼", "1", "2", "3", "7", "14", "30", "90", "180"])
    axes.minorticks_off()
    axes.set_xlabel("days since submission")
    axes.set_ylabel("share still listed")
    axes.set_ylim(0, 1)
    axes.legend(loc="upper right")
    return figure


def platforms(numbers: Numbers) -> Figure:
    """Median of each platform with its interval, lowest above."""
    found = sorted(numbers["platforms"]["of"].items(), key=lambda one: -one[1]["middle"])
    figure, axes = _axes(7.2, 3.0)
    for place, (_, row) in enumerate(found):
        axes.plot([row["last_seen"], row["first_missing"]], [place] * 2, color=PALE, linewidth=7, solid_capstyle="butt")
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [place] * 2, color=BLUE, linewidth=1.6)
        axes.plot(row["middle"], place, "o", color=BLUE)
    axes.axvline(numbers["listed"]["median"]["middle"], color=GREY, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(found)), [f"{name} ({row['entries']:,})" for name, row in found])
    axes.set_xscale("log")
    axes.set_xticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    axes.minorticks_off()
    axes.set_xlabel("median days listed; thin: 95% interval, hosts resampled; wide: last seen … first missing")
    axes.grid(axis="x", color="#e5e5e5", linewidth=0.6)
    return figure


def specifications(numbers: Numbers) -> Figure:
    """Every specification's median, lowest first, over the choices that it is made of."""
    rows = numbers["specifications"]
    choices = [(name, value) for name, values in CHOICES.items() for value in values]
    figure = Figure(figsize=(7.2, 5.2))
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2, 3], "hspace": 0.06})
    mine = [{**row, **OURS} == row for row in rows]
    for colour, size, chosen in ((BLUE, 2.6, [True] * len(rows)), (ORANGE, 5.0, mine)):
        places = [place for place, one in enumerate(chosen) if one]
        above.plot(places, [rows[place]["median"] for place in places], "o", color=colour, markersize=size)
        for line, (name, value) in enumerate(choices):
            have = [place for place in places if rows[place][name] == value]
            below.plot(have, [line] * len(have), "s", color=colour, markersize=2.6)
    above.set_ylabel("median days listed")
    above.set_ylim(bottom=0)
    above.grid(axis="y", color="#e5e5e5", linewidth=0.6)
    below.set_yticks(range(len(choices)), [f"{TITLES[name]}: {value}" for name, value in choices])
    below.invert_yaxis()
    below.set_xlabel("specifications, lowest median first; the protocol's in orange")
    return figure


def labels(numbers: Numbers) -> Figure:
    """Steps of labels by order: what was parallel, what may be a hop."""
    figure, axes = _axes(7.2, 1.7)
    names = {"hosts": "two hosts of different sites", "sites": "two sites"}
    for place, name in enumerate(names):
        row = numbers["labels"][name]
        axes.barh(place, row["parallel"], color=PALE, label="parallel: no hop" if not place else None)
        rest = {"left": row["parallel"], "color": BLUE, "label": "order unknown: may be a hop" if not place else None}
        axes.barh(place, row["unknown"], **rest)
        axes.text(row["parallel"] / 2, place, f"{row['parallel']:,}", ha="center", va="center")
        axes.text(
            row["parallel"] + row["unknown"] / 2, place, f"{row['unknown']:,}", ha="center", va="center", color="w"
        )
    axes.set_yticks(range(len(names)), list(names.values()))
    axes.set_xlabel("steps of labels; shown to be hops: none")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.35), ncols=2)
    return figure


FIGURES: Final[Mapping[str, Callable[[Numbers], Figure]]] = {
    "dumps": dumps,
    "survival": survival,
    "platforms": platforms,
    "specifications": specifications,
    "labels": labels,
}
CHOICES: Final = {
    "whose": ("new", "all, given entry", "all, entry ignored"),
    "ends": ("last seen", "middle", "first missing", "interval"),
    "gaps": ("repaired", "first absence"),
    "empty": ("held", "believed"),
    "hour": ("midnight", "latest entry"),
}
TITLES: Final = {"whose": "entries", "ends": "end", "gaps": "gaps", "empty": "empty dump", "hour": "dump taken at"}
OURS: Final = {name: values[0] for name, values in CHOICES.items()} | {"ends": "middle"}
"""The protocol's choices."""


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()
