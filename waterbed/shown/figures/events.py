"""Figures of the intervention pages."""

from collections.abc import Mapping, Sequence
from math import log10
from typing import Final

from waterbed.measures.takedown import WITHIN_H
from waterbed.model.results import DestinationRow, EventCurveRow, PairRow, PeriodRow
from waterbed.model.spelling import number as spelled
from waterbed.model.spelling import percent
from waterbed.shown.figures.marks import NARROW, Key, Scene, element, label, path, rounded, spot, through, word
from waterbed.shown.figures.plot import Axis, Plot, gapless, measured, shares, thinned

CURVES: Final[Mapping[tuple[str, str], str]] = {
    ("target", "before"): "l2",
    ("target", "after"): "l1",
    ("controls", "before"): "l3",
    ("controls", "after"): "l4",
}
"""Class of each removal curve."""
COURSE: Final = (("l6", "foretold_sites", "expected"), ("l2", "control", "controls"), ("l1", "target", "target"))
"""Class, column and name of each line of the course."""
PLACES: Final = 8
"""Named destinations that are drawn."""
_WHO: Final = {
    "before": "from the target before",
    "after": "from the target after",
    "control_before": "from the controls before",
    "control_after": "from the controls after",
}
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


def removal_scene(curves: Sequence[EventCurveRow], width: int) -> Scene:
    """Draw shares removed by hours since the report.

    Before and after the event, with bands at the target; the controls beside it without.
    """
    narrow = width == NARROW
    last = max(row.hour for row in curves)
    ticks = [(hour, f"{hour:g}") for hour in (0.0, 12.0, 24.0, 36.0, 48.0, 60.0, 72.0) if hour <= last]
    x = Axis(low=0.0, high=max(last, WITHIN_H) * 1.02, ticks=ticks, title="hours since the report")
    plot = Plot(x, shares(), width=width, height=160 if narrow else 330, top=18)
    plot.upright(WITHIN_H, "24 h")
    for css, name, own in curves_of(curves):
        if own[0].area == "target":
            bands = [(row.hour, row.low, row.high) for row in own if row.low is not None and row.high is not None]
            plot.band(bands, css)
        points = [plot.at(row.hour, row.removed) for row in own]
        plot.marks.append(path(f"line {css}{'' if own[0].area == 'target' else ' thin'}", through(points), name))
    for css, name, own in curves_of(curves):
        for row in own:
            if row.hour == WITHIN_H:
                ends = (
                    f", {percent(row.low)} to {percent(row.high)}"
                    if row.low is not None and row.high is not None
                    else ""
                )
                tip = f"{name}: {percent(row.removed)} within 24 h{ends}"
                plot.marks.append(spot(int(css[1]), plot.at(row.hour, row.removed), 4.5, f"spot {css}", tip))
    return plot.scene()


def curves_of(curves: Sequence[EventCurveRow]) -> list[tuple[str, str, list[EventCurveRow]]]:
    """Class, name and rows of each curve that is told."""
    found = []
    for (area, when), css in CURVES.items():
        own = [row for row in curves if (row.area, row.when) == (area, when)]
        if own:
            found.append((css, f"{area} {when}", own))
    return found


def course_scene(rows: Sequence[PeriodRow], outcome: str, width: int) -> Scene:
    """Draw sites at target and controls, and those expected.

    The range of placebos is a band around what is expected.
    """
    narrow = width == NARROW
    values = [value for row in rows for _, field, _ in COURSE if (value := getattr(row, field)) is not None]
    most = max((row.placebo_high for row in rows if row.placebo_high is not None), default=0.0)
    top = max(values, default=0.0)
    y = measured([*(values or [0.0]), min(most, 1.3 * top)], f"sites with {outcome}", zero=True)
    plot = Plot(_days(rows, 5 if narrow else 9), y, width=width, height=200 if narrow else 300)
    plot.moment(-0.5, "event", "event")
    run: list[tuple[float, float, float]] = []
    for row in [*rows, None]:
        if row is not None and row.placebo_low is not None and row.placebo_high is not None:
            run.append((float(row.age), min(row.placebo_low, y.high), min(row.placebo_high, y.high)))
        else:
            plot.band(run, "l6")
            run = []
    for css, field, name in COURSE:
        pairs = [(float(row.age), getattr(row, field)) for row in rows]
        for points in gapless(pairs):
            plot.marks.append(path(f"line {css}", through([plot.at(*point) for point in points]), name))
            if field == "target" or len(points) == 1:
                plot.marks += [
                    spot(
                        int(css[1]), plot.at(age, value), 3, f"spot {css}", f"{name}, period {age:g}: {spelled(value)}"
                    )
                    for age, value in points
                ]
    return plot.scene()


def _days(rows: Sequence[PeriodRow], most: int) -> Axis:
    """Periods from the event, with the days on which some of them begin."""
    first: dict[str, float] = {}
    for row in rows:
        first.setdefault(f"{row.begins_at:%-d %b}", float(row.age))
    ticks = thinned([(age, day) for day, age in first.items()], most)
    return Axis(low=rows[0].age - 0.5, high=rows[-1].age + 0.5, ticks=ticks, title="begin of the period, UTC")


def gaps_scene(rows: Sequence[PeriodRow], width: int) -> Scene:
    """Draw the target's excess over its controls, per reading."""
    readings = list(dict.fromkeys(row.reading for row in rows))
    own = {reading: {row.age: row.gap for row in rows if row.reading == reading} for reading in readings}
    ages = sorted({row.age for row in rows})
    lines = [(reading, [own[reading].get(age) for age in ages]) for reading in readings]
    return _by_period(ages, lines, "target less expected, log ratio", width, base=0.0)


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
    plot.moment(-0.5, "event", "event")
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


def where_rows(rows: Sequence[DestinationRow]) -> list[DestinationRow]:
    """Sides, and the places with most arrivals."""
    sides = [row for row in rows if is_side(row)]
    return [*sides, *[row for row in rows if not is_side(row)][:PLACES]]


def is_side(row: DestinationRow) -> bool:
    """True if it is of home, abroad or unknown."""
    return set(row.key.split(" or ")) <= {"home", "abroad", "unknown"}


def where_scene(rows: Sequence[DestinationRow], width: int) -> Scene:
    """Draw shares of arrivals by destination, before and after.

    Open marks before, full ones after; lines are bounds of the share after. Squares are of the controls. Sides stand
    above a dotted line, and places, which share the same arrivals, below it.
    """
    narrow = width == NARROW
    shown, sides = where_rows(rows), [row for row in rows if is_side(row)]
    totals = {field: sum(getattr(row, field) or 0 for row in sides) for field in ("control_before", "control_after")}
    left, row_h = (124, 22) if narrow else (190, 27)
    y = Axis(low=0.0, high=float(len(shown)), ticks=[])
    plot = Plot(shares(), y, width=width, height=row_h * len(shown) + 34, left=left, top=4, right=20)
    if 0 < len(sides) < len(shown):
        plot.level(float(len(shown) - len(sides)))
    for at, row in enumerate(shown):
        middle = len(shown) - at - 0.5
        y_at = plot.y(middle)
        side = is_side(row)
        plot.marks.append(word(left - 8, y_at + 4, label(row.name, 17 if narrow else 28), "end", "name"))
        if side:
            for field, css in (("control_before", "spot l7 open"), ("control_after", "spot l7")):
                sites = getattr(row, field)
                if sites is not None and totals[field]:
                    tip = f"{row.name}, {_WHO[field]}: {sites} of {totals[field]}, {percent(sites / totals[field])}"
                    plot.marks.append(spot(3, (plot.x(sites / totals[field]), y_at + 8), 4.0, css, tip))
        if row.low is not None and row.high is not None:
            ends = f"{row.name}, after: between {percent(row.low)} and {percent(row.high)} with chance and detection"
            span = f"M{rounded(plot.x(row.low))} {rounded(y_at - 3)}H{rounded(plot.x(row.high))}"
            plot.marks.append(path("whisker l1", span, ends))
        for share, field, css in ((row.share_before, "before", "spot l2 open"), (row.share_after, "after", "spot l1")):
            if share is not None:
                tip = f"{row.name}, {_WHO[field]}: {percent(share)}"
                plot.marks.append(spot(1, (plot.x(share), y_at - 3), 4.5, css, tip))
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
    x = Axis(low=low, high=high, ticks=ticks, title="moves / expected", log=log10(high) > log10(low))
    y = Axis(low=0.0, high=float(len(shown)), ticks=[])
    left = 124 if narrow else 210
    plot = Plot(x, y, width=width, height=26 * len(shown) + 50, left=left, top=8, right=18)
    plot.upright(1.0)
    for at, row in enumerate(shown):
        middle = len(shown) - at - 0.5
        name = row.to_name if one_origin else f"{row.from_key} → {row.to_key}"
        plot.marks.append(word(left - 6, plot.y(middle) + 4, label(name, 18 if narrow else 30), "end", "name"))
        rejects = any(p is not None and p <= _LEVEL for p in (row.destination_p, row.timing_p))
        tip = f"{label(name)}: lift {spelled(row.lift)}, {row.moves} moves, {spelled(row.foretold)} expected"
        point = plot.at(row.lift or 1.0, middle)
        css = "spot l2" if rejects else "spot l2 open"
        plot.marks.append(element("circle", css, cx=point[0], cy=point[1], r=5, tip=tip))
    return plot.scene()
