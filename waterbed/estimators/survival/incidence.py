"""Incidence curves of interval-censored competing causes.

With their uncertainty; arrays in and numbers out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.survival.em import Segments, maximise

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NOTHING = -1
"""Cause of a right-censored clock."""

_ROUNDING = 1e-9
"""Grid steps within which an endpoint counts as lying on the grid."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """Cumulative incidence of each cause on an even grid.

    `hours` has length g; `incidence` is causes x g; `survival` is 1 minus the sum over causes. After `known_until_h`
    (inf if everything ended) the data say nothing and the curves are flat. `slack` is the largest directional
    derivative divided by n, minus 1, at the end: 0 at the maximum.
    """

    hours: Floats
    incidence: Floats
    survival: Floats
    known_until_h: float
    slack: float
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Share surely, and share possibly, ended within some hours."""

    surely: float
    possibly: float

    @property
    def width(self) -> float:
        """The part of the share that the intervals leave open."""
        return self.possibly - self.surely


def cumulative_incidence(
    left_h: npt.ArrayLike,
    right_h: npt.ArrayLike,
    cause: npt.ArrayLike,
    *,
    causes: int,
    step_h: float = 1.0,
    tolerance: float = 1e-6,
    max_rounds: int = 20_000,
) -> Curves:
    """Estimate when each of several competing causes ends clocks.

    Clock i ended in the half-open (left_h[i], right_h[i]] hours by cause[i] in 0..causes-1; right_h = inf and
    cause = -1 if it was still running at left_h. Time is discrete: endpoints widen to whole steps of `step_h`, so
    that an end at R belongs to the step that contains R. This is the nonparametric maximum likelihood estimate of
    the multinomial over (step, cause). It puts mass only on maximal intersections (Turnbull, JRSS B 38, 1976; for
    competing causes Hudgens, Satten and Longini, Biometrics 57, 2001); inside one, where the likelihood says nothing,
    mass is spread evenly over its steps. EM stops when max directional derivative / n - 1 <= tolerance, which bounds
    the missing log-likelihood by n * tolerance.

    Raises ValueError for unequal lengths, no clock, a negative left, an empty interval or an impossible cause.
    """
    left_end, right, end_cause = _checked(left_h, right_h, cause, causes)
    low = np.floor(left_end / step_h + _ROUNDING).astype(np.int64)
    running = np.isinf(right)
    high = np.ceil(np.where(running, 0.0, right) / step_h - _ROUNDING).astype(np.int64)
    high = np.where(running, -1, np.maximum(high, low + 1))
    low, high, end_cause, weight = _grouped(low, high, end_cause)
    starts, ends, owner, segments = _support(low, high, end_cause, causes)
    mass, slack, rounds = maximise(segments, weight, tolerance=tolerance, max_rounds=max_rounds)
    last = int(max(low.max(), high.max()))
    incidence = _spread(starts, ends, owner, mass, shape=(causes, last + 1))
    tail = owner.size < mass.size
    return Curves(
        hours=np.arange(last + 1, dtype=np.float64) * float(step_h),
        incidence=incidence,
        survival=1.0 - incidence.sum(axis=0),
        known_until_h=float(low[end_cause == NOTHING].max() * step_h) if tail else float("inf"),
        slack=slack,
        rounds=rounds,
    )


def share_within(curves: Curves, cause: int, hours: float) -> float | None:
    """Read off the share that one cause ended within `hours`.

    Null where the data do not reach: `hours` is past the last follow-up of a clock still running.
    """
    if hours > curves.known_until_h + _ROUNDING:
        return None
    position = int(np.searchsorted(curves.hours, hours + _ROUNDING, side="right")) - 1
    return float(np.clip(curves.incidence[cause, position], 0.0, 1.0)) if position >= 0 else 0.0


def sparse(left_h: npt.ArrayLike, right_h: npt.ArrayLike, hours: float) -> Gap:
    """Bound a share by whole intervals.

    P(R <= T) and P(L < T). Give it the clocks that bear on the share (for one of several causes: its own and the
    running ones count as possible, the others should carry left = right = inf). Far apart, the share hangs on where in
    its interval an end is put, not on data. Raises ValueError without clocks.
    """
    left_end, right = np.asarray(left_h, dtype=float), np.asarray(right_h, dtype=float)
    if left_end.size == 0 or left_end.shape != right.shape:
        raise ValueError("a gap needs at least one clock, and as many lefts as rights")
    return Gap(surely=float(np.mean(right <= hours)), possibly=float(np.mean(left_end < hours)))


def share_interval(share: float, n_effective: float, level: float = 0.95) -> tuple[float, float]:
    """Give the Jeffreys interval of a share.

    Quantiles of Beta(x + 1/2, n - x + 1/2) with x = share * n, which need not be whole; the lower end is 0 at share
    0, the upper end 1 at share 1 (Brown, Cai and DasGupta, Statistical Science 16, 2001, section 4.3). `n_effective`
    is the number of independent clusters, not of clocks. Raises ValueError outside 0..1 or for n <= 0.
    """
    if not 0.0 <= share <= 1.0 or n_effective <= 0:
        raise ValueError("an interval needs a share in 0..1 and a positive number of clusters")
    events, rest = share * n_effective, (1.0 - share) * n_effective
    outside = (1.0 - level) / 2
    low = 0.0 if share == 0.0 else float(scipy.special.betaincinv(events + 0.5, rest + 0.5, outside))
    high = 1.0 if share == 1.0 else float(scipy.special.betaincinv(events + 0.5, rest + 0.5, 1.0 - outside))
    # Below one event or one survivor Jeffreys can miss the share itself: the interval always holds it.
    return min(low, share), max(high, share)


def _checked(left_h: Any, right_h: Any, cause: Any, causes: int) -> tuple[Floats, Floats, Ints]:
    left_end, right = np.asarray(left_h, dtype=float), np.asarray(right_h, dtype=float)
    end_cause = np.asarray(cause, dtype=np.int64)
    if left_end.ndim != 1 or left_end.size == 0 or left_end.shape != right.shape or left_end.shape != end_cause.shape:
        raise ValueError("left, right and cause must be equally long and not empty")
    if not np.isfinite(left_end).all() or (left_end < 0).any() or not (right > left_end).all():
        raise ValueError("each clock needs 0 <= left < right, with a finite left")
    if ((end_cause < NOTHING) | (end_cause >= causes)).any() or ((end_cause == NOTHING) != np.isinf(right)).any():
        raise ValueError("an ended clock needs a cause in 0..causes-1, a running one -1")
    return left_end, right, end_cause


def _grouped(low: Ints, high: Ints, end_cause: Ints) -> tuple[Ints, Ints, Ints, Floats]:
    """Identical intervals once, with how often they occur."""
    wide, deep = int(high.max()) + 2, int(end_cause.max()) + 2
    names, counts = np.unique((low * wide + high + 1) * deep + end_cause + 1, return_counts=True)
    rest, end_cause = names // deep, names % deep - 1
    return rest // wide, rest % wide - 1, end_cause, counts.astype(float)


def _support(low: Ints, high: Ints, end_cause: Ints, causes: int) -> tuple[Ints, Ints, Ints, Segments]:
    """Maximal intersections (start, end] by cause, and which of them each interval holds.

    A running clock holds those of all causes that start at its left or later, and the tail past all follow-up.
    """
    running = np.flatnonzero(end_cause == NOTHING)
    starts, ends, owner = [], [], []
    begin, stop = np.zeros(end_cause.size, dtype=np.int64), np.zeros(end_cause.size, dtype=np.int64)
    offset = 0
    for k in range(causes):
        selected = np.flatnonzero(end_cause == k)
        tops = np.unique(high[selected])
        floors = np.unique(np.concatenate([low[selected], low[running]]))
        bottoms = floors[np.searchsorted(floors, tops, side="left") - 1] if tops.size else tops
        inner = np.ones(tops.size, dtype=bool)
        inner[1:] = tops[:-1] <= bottoms[1:]
        tops, bottoms = tops[inner], bottoms[inner]
        starts.append(bottoms)
        ends.append(tops)
        owner.append(np.full(tops.size, k, dtype=np.int64))
        begin[selected] = np.searchsorted(bottoms, low[selected]) + offset
        stop[selected] = np.searchsorted(tops, high[selected], side="right") + offset
        offset += tops.size
    start, end, owners = np.concatenate(starts), np.concatenate(ends), np.concatenate(owner)
    cells = np.arange(offset)
    if running.size:  # the same cells once more, by their starts
        # The tail is held by running clocks only, so a later intersection that all of them hold makes it idle.
        tail = not (start.size and start.max() >= low[running].max())
        cells, order = np.arange(offset + tail), np.argsort(start, kind="stable")
        begin[running] = np.searchsorted(start[order], low[running]) + cells.size
        cells = np.concatenate([cells, order, cells[offset:]])
        stop[running] = cells.size
    return start, end, owners, Segments(begin=begin, stop=stop, cell=cells)


def _spread(start: Ints, end: Ints, owner: Ints, mass: Floats, *, shape: tuple[int, int]) -> Floats:
    """Cumulative mass, causes x grid."""
    density = np.zeros((shape[0], shape[1] + 1))
    each = mass[: owner.size] / (end - start)
    np.add.at(density, (owner, start + 1), each)
    np.add.at(density, (owner, end + 1), -each)
    steps: Floats = np.clip(density.cumsum(axis=1)[:, :-1], 0.0, None)
    return np.cumsum(steps, axis=1)
