"""Figures of the intervention pages."""

from collections.abc import Sequence
from math import log10
from typing import Final

from waterbed.model.results import DestinationRow, PairRow, PeriodRow
from waterbed.model.spelling import number as spelled
from waterbed.publish.site.figures.marks import NARROW, Key, Scene, element, label, path, spot, through, word
from waterbed.publish.site.figures.plot import Axis, Plot, gapless, measured, shares, thinned

SIDES: Final = {"home": "w1", "abroad": "w0", "unknown": "w4"}
"""Class of each side's bar."""
AREAS: Final = (
    ("target", "target"),
    ("control", "controls"),
    ("buffer", "buffer"),
    ("buffer_control", "controls of the buffer"),
)
_TICKS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
_LEVEL: Final = 0.05
PAIRS: Final = 12
"""Pairs of places that are drawn."""
Line = tuple[str, Sequence[float | None]]


def areas_of(rows: Sequence[PeriodRow]) -> list[tuple[str, str]]:
    """Field and name of each area that has sites."""
    return [area for area in AREAS if any(getattr(row, area[0]) for row in rows)]


def counts_scene(rows: Sequence[PeriodRow], outcome: str, width: int) -> Scene:
    """Draw sites per period by area."""
    lines = [(name, [getattr(row, field) for row in rows]) for field, name in areas_of(rows)]
    return _by_period([row.age for row in rows], lines, f"sites with {outcome}", width, zero=True)


def course_scene(rows: Sequence[PeriodRow], width: int) -> Scene:
    """Draw the target's log rate and its controls' prediction."""
    lines = [("target", [row.observed for row in rows]), ("foretold", [row.foretold for row in rows])]
    return _by_period([row.age for row in rows], lines, "log rate", width)


def gaps_scene(rows: Sequence[PeriodRow], width: int) -> Scene:
    """Draw the target's excess over its controls, per reading."""
    readings = list(dict.fromkeys(row.reading for row in rows))
    own = {reading: {row.age: row.gap for row in rows if row.reading == reading} for reading in readings}
    ages = sorted({row.age for row in rows})
    lines = [(reading, [own[reading].get(age) for age in ages]) for reading in readings]
    return _by_period(ages, lines, "target less foretold, log ratio", width, base=0.0)


def line_keys(names: Sequence[str]) -> tuple[Key, ...]:
    """The legend of lines in their order."""
    return tuple(Key(css=f"l{number}", word=name) for number, name in enumerate(names, 1))


def _by_period(
    ages: Sequence[int], lines: Sequence[Line], title: str, width: int, *, zero: bool = False, base: float | None = None
) -> Scene:
    narrow = width == NARROW
    values = [value for _, own in lines for value in own if value is not None] + ([base] if base is not None else [])
    x = Axis(
        low=min(ages) - 0.5,
        high=max(ages) + 0.5,
        ticks=thinned([(float(age), spelled(age)) for age in ages], 8 if narrow else 16),
        title="periods since the event",
    )
    plot = Plot(x, measured(values or [0.0], title, zero=zero), width=width, height=260 if narrow else 320)
    plot.upright(-0.5, "event")
    if base is not None:
        plot.level(base)
    for number, (name, own) in enumerate(lines, 1):
        pairs = [(float(age), value) for age, value in zip(ages, own, strict=True)]
        for run in gapless(pairs):
            plot.marks.append(path(f"line l{number}", through([plot.at(*point) for point in run]), name))
            for age, value in run:
                tip = f"{name}, period {age:g}: {spelled(value)}"
                plot.marks.append(spot(number, plot.at(age, value), 3, f"spot l{number}", tip))
    return plot.scene()


def sides_scene(rows: Sequence[DestinationRow], width: int) -> Scene:
    """Draw domestic and foreign shares of departures, before and after.

    In one reading, for the target and the controls.
    """
    columns = (
        ("before", "target, before"),
        ("after", "target, after"),
        ("control_before", "controls, before"),
        ("control_after", "controls, after"),
    )
    sides = [row for row in rows if row.key in SIDES]
    totals = {field: sum(getattr(row, field) or 0 for row in sides) for field, _ in columns}
    shown = [(field, name) for field, name in columns if totals[field]]
    y = Axis(low=0.0, high=float(max(len(shown), 1)), ticks=[])
    plot = Plot(shares(), y, width=width, height=40 * len(shown) + 40, left=112, top=6, right=18)
    for at, (field, name) in enumerate(shown):
        bottom, begin = len(shown) - 1 - at + 0.2, 0.0
        plot.marks.append(word(106, plot.y(bottom + 0.3) + 4, name, "end"))
        for row in sides:
            sites = getattr(row, field) or 0
            part = sites / totals[field]
            if not sites:
                continue
            tip = f"{name}: {row.key} {sites} of {totals[field]} arrivals, {part:.0%}"
            plot.bar(begin, begin + part, bottom, bottom + 0.6, f"block {SIDES[row.key]}", tip)
            begin += part
    return plot.scene()


def pairs_scene(rows: Sequence[PairRow], width: int) -> Scene:
    """Draw lifts of the pairs with most moves, log scale.

    A full dot marks pairs where either null rejects for all pairs at once.
    """
    narrow = width == NARROW
    shown = [row for row in rows if row.lift][:PAIRS]
    one_origin = len({row.from_key for row in shown}) == 1
    lifts = [row.lift for row in shown if row.lift]
    low, high = min([*lifts, 1.0]) / 1.3, max([*lifts, 1.0]) * 1.3
    ticks = [(tick, f"{tick:g}") for tick in _TICKS if low <= tick <= high]
    x = Axis(low=low, high=high, ticks=ticks, title="moves / foretold", log=log10(high) > log10(low))
    y = Axis(low=0.0, high=float(len(shown)), ticks=[])
    left = 124 if narrow else 210
    plot = Plot(x, y, width=width, height=26 * len(shown) + 50, left=left, top=8, right=18)
    plot.upright(1.0)
    for at, row in enumerate(shown):
        middle = len(shown) - at - 0.5
        name = row.to_name if one_origin else f"{row.from_key} → {row.to_key}"
        plot.marks.append(word(left - 6, plot.y(middle) + 4, label(name, 18 if narrow else 30), "end", "name"))
        rejects = any(p is not None and p <= _LEVEL for p in (row.destination_p, row.timing_p))
        tip = f"{label(name)}: lift {spelled(row.lift)}, {row.moves} moves, {spelled(row.foretold)} foretold"
        point = plot.at(row.lift or 1.0, middle)
        css = "spot l2" if rejects else "spot l2 open"
        plot.marks.append(element("circle", css, cx=point[0], cy=point[1], r=5, tip=tip))
    return plot.scene()
