"""The specification curve: ordered estimates above the choices behind each."""

from collections.abc import Sequence
from typing import Final

from waterbed.model.specifications import ConclusionRow, CurveRow, LevelRow
from waterbed.model.spelling import percent
from waterbed.shown.figures.marks import NARROW, Key, Mark, Scene, element, label, path, rounded, spot, word
from waterbed.shown.figures.plot import Axis, Plot, shares

_HALF: Final = 0.5
_ROW: Final = 17
KEYS: Final = (
    Key(css="l1", word="as the reference says"),
    Key(css="l2", word="otherwise"),
    Key(css="l6", word="reference (ringed)"),
)


def curve_scene(rows: Sequence[CurveRow], levels: Sequence[LevelRow], main: ConclusionRow, width: int) -> Scene:
    """Draw the main outcome under every estimable specification.

    Least first, above a panel of the specifications' levels. The reference is ringed, the true value a dotted line.
    Dimensions with one level are left out of the panel.
    """
    narrow = width == NARROW
    estimated = [row for row in rows if row.estimate is not None]
    lines = panel_lines(levels)
    left, upper = (118, 250) if narrow else (190, 320)
    x = Axis(low=0.2, high=len(estimated) + 0.8, ticks=[])
    plot = Plot(x, shares(), width=width, height=upper, left=left, top=14, below=8)
    plot.level(_HALF)
    if main.truth is not None:
        plot.level(main.truth, f"true: {percent(main.truth)}")
    above = main.reference is None or main.reference >= _HALF
    for row in estimated:
        estimate = row.estimate or 0.0
        number = 1 if (estimate >= _HALF) == above else 2
        low, high = row.low if row.low is not None else estimate, row.high if row.high is not None else estimate
        tip = f"{percent(estimate)}, {percent(low)} to {percent(high)}: {_choices(row)}"
        plot.whisker(float(row.place or 0), low, high, "soft", tip)
        plot.marks.append(spot(2 * number - 1, plot.at(float(row.place or 0), estimate), 2.2, f"spot l{number}", tip))
        if row.spec == 0:
            at = plot.at(float(row.place or 0), estimate)
            plot.marks.append(element("circle", "spot l6 open", cx=at[0], cy=at[1], r=6, tip=f"reference: {tip}"))
    panel = list(_panel(plot, estimated, lines, upper, narrow))
    height = upper + _ROW * len(lines) + 24
    plot.marks += [*panel, word((left + width) / 2, height - 5, "specifications, by estimate", css="tick title")]
    return Scene(width=width, height=height, marks=tuple(plot.marks))


def _panel(
    plot: Plot, rows: Sequence[CurveRow], lines: Sequence[tuple[str, str]], upper: int, narrow: bool
) -> list[Mark]:
    marks = []
    for at, (dimension, level) in enumerate(lines):
        if not dimension:
            continue
        y = upper + _ROW * at + 8
        own = [row for row in rows if getattr(row, dimension) == level]
        text = f"{dimension}: {level}"
        marks.append(word(plot.box[0] - 6, y + 4, label(text, 19 if narrow else 32), "end", "name"))
        ticks = "".join(f"M{rounded(plot.x(float(row.place or 0)))} {y - 5}v10" for row in own)
        marks.append(path("choice", ticks, text))
    return marks


def panel_lines(levels: Sequence[LevelRow]) -> list[tuple[str, str]]:
    """Dimension and level of each line of the panel.

    An empty line stands between dimensions.
    """
    lines: list[tuple[str, str]] = []
    for dimension in dict.fromkeys(row.dimension for row in levels):
        own = [row for row in levels if row.dimension == dimension and row.specs]
        if len(own) < 2:
            continue
        if lines:
            lines.append(("", ""))
        lines += [(dimension, row.level) for row in own]
    return lines


def _choices(row: CurveRow) -> str:
    return ", ".join((row.clock, row.role, row.dedup, row.confirmation, f"moved {row.moved}", f"unknown {row.unknown}"))
