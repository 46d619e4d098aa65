"""Half-open intervals with late entry, and their cells.

The cells are the few on which the likelihood can put mass.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROUNDING = 1e-9
"""Grid steps within which an endpoint counts as lying on the grid."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Intervals:
    """Distinct intervals, and cells that can have mass.

    Cells are (start, end]. Interval i, which occurs `weight[i]` times, holds the cells begin[i] to stop[i] - 1; it was
    under observation from cell enter[i] on. `which` has, for each interval as it was given, its number among the
    distinct ones. `since` is the earliest entry: the data hold no end before it.
    """

    start: Floats
    end: Floats
    begin: Ints
    stop: Ints
    enter: Ints
    weight: Floats
    which: Ints
    since: float

    @property
    def late(self) -> bool:
        """True if any interval entered late enough to matter."""
        return bool(self.enter.any())


def intervals(left: npt.ArrayLike, right: npt.ArrayLike, entry: npt.ArrayLike | None, step: float | None) -> Intervals:
    """Group intervals and find their cells.

    An end lies in (left[i], right[i]], right = inf if none was seen; it is only known because there was none by
    entry[i] <= left[i]. With `step` all endpoints widen to whole steps. A cell goes from a left to the next right or
    entry, whichever comes first (Turnbull, JRSS B 38, 1976; Frydman, JRSS B 56, 1994, for entries): mass anywhere else
    could be moved into one without making anything less likely. Raises ValueError for impossible input.
    """
    low, high, enter = _checked(left, right, entry)
    if step is not None:
        low, high, enter = _widened(low, high, enter, step)
    low, high, enter, which = _distinct(low, high, enter)
    start, end = _cells(low, high, enter)
    return Intervals(
        start=start,
        end=end,
        begin=np.searchsorted(start, low, side="left").astype(np.int64),
        stop=np.searchsorted(end, high, side="right").astype(np.int64),
        enter=np.searchsorted(start, enter, side="left").astype(np.int64),
        weight=np.bincount(which, minlength=low.size).astype(float),
        which=which,
        since=float(enter.min()),
    )


def sums(which: npt.NDArray[np.int64], values: Floats, size: int) -> Floats:
    """Sum the values of each number 0..size - 1."""
    return np.asarray(np.bincount(which, values, size), dtype=np.float64)


def _checked(left_end: Any, right: Any, entry: Any) -> tuple[Floats, Floats, Floats]:
    low, high = np.asarray(left_end, dtype=float), np.asarray(right, dtype=float)
    enter = np.zeros_like(low) if entry is None else np.asarray(entry, dtype=float)
    if low.ndim != 1 or low.size == 0 or low.shape != high.shape or low.shape != enter.shape:
        raise ValueError("left, right and entry must be equally long and not empty")
    if not np.isfinite(low).all() or not (high > low).all():
        raise ValueError("each interval needs left < right, with a finite left")
    if not ((enter >= 0) & (enter <= low)).all():
        raise ValueError("each interval needs 0 <= entry <= left")
    return low, high, enter


def _widened(low: Floats, high: Floats, enter: Floats, step: float) -> tuple[Floats, Floats, Floats]:
    """Endpoints on the grid: an end at R belongs to the step that contains R, an entry to the one it falls into."""
    if not step > 0:
        raise ValueError("a grid needs a step above 0")
    down = np.floor(low / step + ROUNDING)
    up = np.maximum(np.ceil(high / step - ROUNDING), down + 1)
    return down * step, up * step, np.minimum(np.floor(enter / step + ROUNDING), down) * step


def _distinct(low: Floats, high: Floats, enter: Floats) -> tuple[Floats, Floats, Floats, Ints]:
    order = np.lexsort((enter, high, low))
    low, high, enter = low[order], high[order], enter[order]
    new = np.ones(low.size, dtype=bool)
    new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1]) | (enter[1:] != enter[:-1])
    which = np.empty(low.size, dtype=np.int64)
    which[order] = np.cumsum(new) - 1
    return low[new], high[new], enter[new], which


def _cells(low: Floats, high: Floats, enter: Floats) -> tuple[Floats, Floats]:
    floors = np.unique(low)
    tops = np.unique(np.concatenate([high, enter[enter > floors[0]]]))
    bottoms = floors[np.searchsorted(floors, tops, side="left") - 1]
    inner = np.ones(tops.size, dtype=bool)
    inner[1:] = tops[:-1] <= bottoms[1:]
    return bottoms[inner], tops[inner]
