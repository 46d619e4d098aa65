"""Nonparametric survival from interval-censored times with late entry.

The maximum likelihood estimate.
"""

import warnings
from bisect import bisect_left
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from waterbed.estimators.survival.em import ascend
from waterbed.estimators.survival.intervals import ROUNDING, Floats, Intervals, intervals
from waterbed.estimators.survival.undetermined import Maxima

TOLERANCE = 1e-4
"""Largest directional derivative / n - 1 at which an estimate counts as the maximum."""

MAX_ROUNDS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A number known only to lie in low..high.

    `middle` spreads mass evenly within each cell.
    """

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survival:
    """A survival curve: mass on cells in time order.

    Cells are (start, end]; mass sums to 1. Where in a cell its mass lies the likelihood does not say. The last cell may
    end at inf: clocks still running. If the earliest entry `since` is above 0, all is conditional on it.
    `slack` says how near the maximum it is (see `ascend`), after `rounds`.
    """

    start: Floats
    end: Floats
    mass: Floats
    since: float
    slack: float
    rounds: int
    maxima: Maxima | None = field(default=None, repr=False)
    """All curves that are as likely; None if that was not asked."""

    @property
    def known_until(self) -> float:
        """Time after which data are missing.

        inf if everything ended.
        """
        return float("inf") if np.isfinite(self.end[-1]) or self.mass[-1] <= 0 else float(self.start[-1])

    def at(self, time: float) -> Between:
        """S(time), with the bounds that its cell leaves.

        Least if mass lies early in its cell, greatest if late. Where several curves are equally likely, the bounds are
        those of all.
        """
        over = self.end <= time
        low, high = _left_over(self.mass[over | (self.start < time)]), _left_over(self.mass[over])
        if self.maxima and not self.maxima.unique:
            least, most = self.maxima.least_and_most(int(over.sum()), int((over | (self.start < time)).sum()))
            low, high = min(low, least), max(high, most)
        return Between(low=low, middle=_left_over(self.mass * part_gone(self.start, self.end, time)), high=high)

    def quantile(self, share: float) -> tuple[float, float]:
        """The cell (low, high] in which `share` of all ended.

        (.., inf) if that was not seen. Where several curves are equally likely, from the first such cell of any to the
        last.
        """
        if not 0.0 < share < 1.0:
            raise ValueError("a quantile needs a share above 0 and below 1")
        first = last = int(np.argmax(np.cumsum(self.mass) >= share - ROUNDING))
        if self.maxima and not self.maxima.unique:
            bounds, cells = self.maxima.least_and_most, range(self.mass.size)
            first = min(first, bisect_left(cells, True, key=lambda c: bounds(c, c + 1)[0] <= 1.0 - share + ROUNDING))
            last = bisect_left(cells, True, lo=last, key=lambda c: bounds(c + 1, c + 1)[1] <= 1.0 - share + ROUNDING)
        return float(self.start[first]), float(self.end[last]) if last < self.mass.size else float("inf")

    @property
    def median(self) -> tuple[float, float]:
        """The cell (low, high] in which half has ended."""
        return self.quantile(0.5)

    def rmst(self, tau: float) -> Between:
        """Mean time until the end or `tau`.

        Whichever comes first, counted from `since`. Where several curves are equally likely, the bounds hold the means
        of all.
        """
        lived = (np.minimum(self.start, tau), part_lived(self.start, self.end, tau), np.minimum(self.end, tau))
        low, middle, high = (float(self.mass @ np.maximum(time - self.since, 0.0)) for time in lived)
        if not self.determined(tau):
            low, high = min(low, self._mean(self.start, tau, 0)), max(high, self._mean(self.end, tau, 1))
        return Between(low=low, middle=middle, high=high)

    def determined(self, time: float) -> bool:
        """True if all equally likely curves agree until then.

        Of survival after each cell that begins before `time`.
        """
        return self.maxima is None or self.maxima.agree(int((self.start < time).sum()))

    def _mean(self, edge: Floats, tau: float, which: int) -> float:
        """The least (0) or the greatest (1) mean, were each cell's mass at its edge."""
        if self.maxima is None:
            raise ValueError("other curves than this one were not asked for")
        times = np.clip(np.concatenate([[self.since], edge, [tau]]), self.since, max(tau, self.since))
        cells = np.flatnonzero(np.diff(times) > 0)
        return float(sum((times[c + 1] - times[c]) * self.maxima.least_and_most(c, c)[which] for c in cells.tolist()))

    def given(self, time: float) -> "Survival":
        """Return the curve conditional on survival to `time`.

        S(t | time), t >= time. A cell that holds `time` counts as wholly later. Raises ValueError if none was there.
        """
        later = self.end > time
        rest = float(self.mass[later].sum())
        if not rest > 0:
            raise ValueError("nobody was there at that time")
        return Survival(
            start=np.maximum(self.start[later], time),
            end=self.end[later],
            mass=self.mass[later] / rest,
            since=max(self.since, time),
            slack=self.slack,
            rounds=self.rounds,
        )


def turnbull(
    left_end: npt.ArrayLike,
    right: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    *,
    step: float | None = None,
    tolerance: float = TOLERANCE,
    max_rounds: int = MAX_ROUNDS,
) -> Survival:
    """Estimate survival from half-open intervals, given entry.

    Time i lies in (left[i], right[i]], right = inf if no end was seen, and is in the data because it was not over by
    entry[i] (default 0). Maximises the product of [S(left) - S(right)] / S(entry) over all S (Turnbull, JRSS B 38,
    1976). `step` puts all endpoints on an even grid, by default times are exact. Times are in any one unit.
    Where several curves have the greatest likelihood, one of them is told, and `at` bounds all (`Maxima`).

    Raises ValueError for impossible input, OwnFailure if `tolerance` is not reached.
    """
    grouped = intervals(left_end, right, entry, step)
    estimate = maximum(grouped, grouped.weight, tolerance=tolerance, max_rounds=max_rounds)
    return replace(estimate, maxima=Maxima(grouped, estimate.mass))


def maximum(held: Intervals, weight: Floats, *, tolerance: float = TOLERANCE, max_rounds: int = MAX_ROUNDS) -> Survival:
    """Estimate survival from grouped intervals, each counted `weight` times."""
    ascent = ascend(held, weight[:, None], tolerance=tolerance, max_rounds=max_rounds)
    return Survival(
        start=held.start,
        end=held.end,
        mass=ascent.mass[:, 0],
        since=held.since,
        slack=float(ascent.slack[0]),
        rounds=ascent.rounds,
    )


def part_gone(start: Floats, end: Floats, time: float) -> Floats:
    """Return the part of each cell's mass ended by `time`.

    Mass is spread evenly within the cell; a cell to inf loses none.
    """
    width = end - start
    part: Floats = np.clip((time - start) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    return np.where(width > 0, part, (end <= time).astype(float))


def part_lived(start: Floats, end: Floats, tau: float) -> Floats:
    """Return the mean time lived by each cell's mass.

    Until the end or `tau`, mass spread evenly within the cell; a cell to inf lives on.
    """
    low, high = np.minimum(start, tau), np.minimum(end, tau)
    ended_share = np.where(np.isfinite(end), part_gone(start, end, tau), 0.0)
    # what ends before tau does so, on average, in the middle of the part of its cell before tau
    lived: Floats = ended_share * (low + high) / 2 + (1.0 - ended_share) * high
    return lived


def _left_over(mass: Floats) -> float:
    return float(np.clip(1.0 - mass.sum(), 0.0, 1.0))


def kaplan_meier(
    left_end: npt.ArrayLike,
    right: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    *,
    midpoint: bool = False,
    ignore_entry: bool = False,
) -> Survival:
    """Estimate survival from exact times, given entry.

    Kaplan and Meier, JASA 53, 1958. An exact end has left = right, what was still there at left has right = inf. At
    risk at t is what entered before t (entry 0: from the start) and did not end or leave before t. An end known only to
    an interval is refused, unless `midpoint` puts it in the middle, which claims more than was observed.
    `ignore_entry` counts everything as at risk from 0, which makes survival too long; it warns. Raises ValueError for
    what cannot be.
    """
    low, high = np.asarray(left_end, dtype=float), np.asarray(right, dtype=float)
    enter = np.zeros_like(low) if entry is None else np.asarray(entry, dtype=float)
    if low.ndim != 1 or low.size == 0 or low.shape != high.shape or low.shape != enter.shape:
        raise ValueError("left, right and entry must be equally long and not empty")
    if not np.isfinite(low).all() or not (high >= low).all() or not ((enter >= 0) & (enter <= low)).all():
        raise ValueError("each time needs 0 <= entry <= left <= right, with a finite left")
    ended = np.isfinite(high)
    if not midpoint and (high[ended] > low[ended]).any():
        raise ValueError("an end is known only to an interval: use the interval estimate, or say midpoint=True")
    time = np.where(ended, (low + np.where(ended, high, low)) / 2, low)
    if ignore_entry and enter.any():
        warnings.warn("late entry is ignored: what ended before it could be seen is missing", UserWarning, stacklevel=2)
        enter = np.zeros_like(low)
    if ((enter > 0) & (time <= enter) & ended).any():
        raise ValueError("an end at its own entry was never at risk")
    return _product_limit(time, ended, enter)


def _product_limit(time: Floats, ended: npt.NDArray[np.bool_], enter: Floats) -> Survival:
    times, ends = np.unique(time[ended], return_counts=True)
    left_before = np.searchsorted(np.sort(time), times, side="left")
    entered = np.searchsorted(np.sort(np.where(enter > 0, enter, -1.0)), times, side="left")
    survival = np.cumprod(1.0 - ends / (entered - left_before)) if times.size else np.ones(0)
    mass = -np.diff(np.concatenate([[1.0], survival]))
    last = float(time.max())
    rest = float(survival[-1]) if times.size else 1.0
    return Survival(
        start=np.append(times, last),
        end=np.append(times, np.inf),
        mass=np.append(mass, rest),
        since=float(enter.min()),
        slack=0.0,
        rounds=0,
    )
