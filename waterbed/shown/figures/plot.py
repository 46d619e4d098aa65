"""A plot: two axes, and what is drawn between them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Annotated, Final

from waterbed.model.spelling import percent
from waterbed.shown.figures.marks import (
    NARROW,
    WIDE,
    Figure,
    Key,
    Mark,
    Point,
    Scene,
    element,
    path,
    rounded,
    through,
    word,
)

_SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
Tick = tuple[float, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A scale from `low` to `high` with its ticks."""

    low: float
    high: float
    ticks: Sequence[Tick]
    title: str = ""
    log: Annotated[bool, "distances are of logarithms"] = False

    def part(self, value: float) -> float:
        """Place of a value, from 0 to 1."""
        if self.log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


def shares() -> Axis:
    """From 0 to 100%."""
    return Axis(low=0.0, high=1.0, ticks=[(share, percent(share)) for share in _SHARES])


def measured(values: Sequence[float], title: str, *, most: int = 5, zero: bool = False) -> Axis:
    """An axis with round ticks that holds all values.

    With `zero` it begins at 0 and has whole numbers.
    """
    low, high = min([*values, 0.0] if zero else values), max(values)
    if high <= low:
        low, high = (low, low + 1) if zero else (low - 1, low + 1)
    raw = (high - low) / most
    base = 10.0 ** floor(log10(raw))
    step = next(base * factor for factor in (1, 2, 5, 10) if base * factor >= raw)
    step = max(step, 1.0) if zero else step
    first, last = floor(low / step), ceil(high / step)
    ticks = [(at * step, _round_number(at * step)) for at in range(first, last + 1)]
    return Axis(low=first * step, high=last * step, ticks=ticks, title=title)


def _round_number(value: float) -> str:
    return f"{round(value, 6):,g}".replace("-", "\N{MINUS SIGN}")


def thinned(ticks: Sequence[Tick], most: int) -> list[Tick]:
    """Leave at most `most` ticks, evenly."""
    each = -(-len(ticks) // most) if ticks else 1
    return [tick for at, tick in enumerate(ticks) if at % each == 0]


class Plot:
    """Collects marks between two axes."""

    def __init__(
        self, x: Axis, y: Axis, *, width: int, height: int, left: int = 44, right: int = 12, top: int = 20,
        below: int = 26,
    ) -> None:  # fmt: skip
        """Begin with axes, grid and ticks; lengths are in units of the figure."""
        self.x_axis, self.y_axis = x, y
        self.width, self.height = width, height
        below += 18 if x.title else 0
        top += 14 if y.title else 0
        self.box = left, top, width - right, height - below
        self.marks: list[Mark] = []
        x0, _, x1, y1 = self.box
        self.marks.append(path("grid", "".join(f"M{x0} {rounded(self.y(at))}H{x1}" for at, _ in y.ticks)))
        self.marks.append(path("axis", f"M{x0} {y1}H{x1}"))
        self.marks += [word(x0 - 6, self.y(at) + 4, text, "end") for at, text in y.ticks]
        self.marks += [word(self.x(at), y1 + 17, text) for at, text in x.ticks]
        if x.title:
            self.marks.append(word((x0 + x1) / 2, height - 5, x.title, css="tick title"))
        if y.title:
            self.marks.append(word(0, 12, y.title, "start", css="tick title"))

    def x(self, value: float) -> float:
        """Distance of a value from the left."""
        x0, _, x1, _ = self.box
        return x0 + self.x_axis.part(value) * (x1 - x0)

    def y(self, value: float) -> float:
        """Distance of a value from the top."""
        _, y0, _, y1 = self.box
        return y1 - self.y_axis.part(value) * (y1 - y0)

    def at(self, x: float, y: float) -> Point:
        """Place of a point."""
        return self.x(x), self.y(y)

    def upright(self, x: float, text: str = "") -> None:
        """A dotted line from top to bottom."""
        _, y0, _, y1 = self.box
        self.marks.append(path("rule", f"M{rounded(self.x(x))} {y0}V{y1}"))
        if text:
            self.marks.append(word(self.x(x), y0 - 5, text))

    def level(self, y: float, text: str = "") -> None:
        """A dotted line from side to side."""
        x0, _, x1, _ = self.box
        self.marks.append(path("rule", f"M{x0} {rounded(self.y(y))}H{x1}"))
        if text:
            self.marks.append(word(x1, self.y(y) - 4, text, "end"))

    def moment(self, x: float, text: str, tip: str) -> None:
        """A thin line from top to bottom with a word."""
        _, y0, _, y1 = self.box
        self.marks.append(path("line event", f"M{rounded(self.x(x))} {y0}V{y1}", tip))
        self.marks.append(word(self.x(x), y0 - 5, text))

    def band(self, points: Sequence[tuple[float, float, float]], css: str) -> None:
        """The area between low and high ends: (x, low, high)."""
        if len(points) > 1:
            there = [self.at(x, high) for x, _, high in points]
            back = [self.at(x, low) for x, low, _ in reversed(points)]
            self.marks.append(path(f"band {css}", f"{through([*there, *back])}Z"))

    def whisker(self, x: float, low: float, high: float, css: str, tip: str = "") -> None:
        """An upright interval."""
        middle, bottom, top = rounded(self.x(x)), rounded(self.y(low)), rounded(self.y(high))
        self.marks.append(path(f"whisker {css}", f"M{middle} {bottom}V{top}", tip))

    def bar(self, left: float, right: float, low: float, high: float, css: str, tip: str = "") -> None:
        """A filled rectangle in values of the axes."""
        (x0, y1), (x1, y0) = self.at(left, low), self.at(right, high)
        self.marks.append(element("rect", css, x=x0, y=y0, width=max(x1 - x0, 0.5), height=max(y1 - y0, 0), tip=tip))

    def scene(self) -> Scene:
        """All that was drawn."""
        return Scene(width=self.width, height=self.height, marks=tuple(self.marks))


def gapless(values: Sequence[tuple[float, float | None]]) -> list[list[Point]]:
    """Runs of points between which no value is missing."""
    runs: list[list[Point]] = [[]]
    for x, y in values:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if run]


def figure_of(
    name: str,
    title: str,
    desc: str,
    reading: str,
    stem: str,
    draw: Callable[[int], Scene],
    keys: tuple[Key, ...] = (),
) -> Figure:
    """Draw a figure in both sizes.

    Its files are STEM.csv and STEM.json.
    """
    return Figure(
        name=name,
        title=title,
        desc=desc,
        reading=reading,
        csv=f"{stem}.csv",
        json=f"{stem}.json",
        wide=draw(WIDE),
        narrow=draw(NARROW),
        keys=keys,
    )
