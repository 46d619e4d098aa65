"""Ends that follow the number of looks, not time."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.survival.intervals import Floats
from waterbed.model.paces import PACE

_FEWEST: Final = 2
"""Clocks of each pace below which nothing is tested."""
_ONE: Final = 0.75
"""Part of the step below which an interval is that of one look of the others."""
_LEAST_VARIANCE: Final = 0.25
"""Of a count of ends: less would make one end in one window count for much."""
_WIDEST: Final = 3
"""Windows over which looks of one number are spread, as looks are not evenly spaced."""
_AT_ONCE: Final = 2_000_000
"""Cells of permutations x clocks that are held at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceTest:
    """A one-sided test: rarely looked at clocks end later.

    `p` is by permutation, never below 1 / (permutations + 1); None where fewer than two clocks have one of the paces.
    """

    p: float | None
    rare: int
    often: int


def pace_test(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    rare: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    step: float,
    permutations: int = 999,
) -> PaceTest:
    """Test whether looking at something more often ends it sooner.

    Clock i ended in (left[i], right[i]], inf: still running; rare[i] says that it was looked at more rarely, which
    was drawn at random. `step` is the time between two rare looks. Of each other clock every second look is left out,
    at random the one that saw it up or the one that saw it gone, so that without an effect of looks the labels are
    exchangeable. In each window of a grid of `step` the ends of rarely looked at clocks are compared with their share
    of those at risk, as a log-rank test does. There are two statistics: the sum over all windows over its error, and
    the largest of one to three windows over its own, which finds ends after a fixed number of looks. The smaller of
    their two p values is taken, and its own distribution is that of permuted labels (Westfall and Young, Resampling-
    Based Multiple Testing, 1993, section 2.3). Raises ValueError for impossible input.
    """
    low, high, labels = np.asarray(left, float), np.asarray(right, float), np.asarray(rare, bool)
    if low.ndim != 1 or low.shape != high.shape or low.shape != labels.shape or not step > 0 or permutations < 1:
        raise ValueError("each clock needs left, right and a label; step and permutations must be positive")
    if not np.isfinite(low).all() or not (high > low).all() or not (low >= 0).all():
        raise ValueError("each interval needs 0 <= left < right, with a finite left")
    width = high - low
    skipped = ~labels & (width < _ONE * step) & (rng.random(low.size) < 1.0 / PACE)
    high = np.where(skipped, high + width, high)
    slow = int(labels.sum())
    if min(slow, labels.size - slow) < _FEWEST:
        return PaceTest(p=None, rare=slow, often=labels.size - slow)
    ended = np.isfinite(high)
    # a running clock was at risk in the windows that it outlasted
    window = np.ceil(np.where(ended, high, low + step) / step + 0.5)  # looks lie in the middle of windows
    order = np.lexsort((~ended, window))
    window, ended, labels = window[order], ended[order], labels[order]
    first = np.flatnonzero(np.append(True, window[1:] != window[:-1]))
    found = []
    for size in _sizes(permutations, labels.size):
        drawn = rng.permuted(np.repeat(labels[None, :], size, axis=0), axis=1)
        found.append(_statistics(drawn, ended, first))
    observed = _statistics(labels[None, :], ended, first)
    both = np.vstack([observed, *found])
    p = _ranks(both).min(axis=1)
    return PaceTest(p=float((p <= p[0] + 1e-12).mean()), rare=slow, often=labels.size - slow)


def least_unhidden(
    shares: tuple[float, float], numbers: tuple[float, float], looks: tuple[float, float], *, level: float = 0.95
) -> float:
    """Least share removed if each look may hide content.

    `shares` removed by one time among clocks looked at often and rarely, the independent outcomes that each is worth,
    and the looks k > m at each until then. If a look hides what is still there with some chance, the parts left are
    S q^k and S q^m, and log S = (k log S_m - m log S_k) / (k - m). A share of x of n counts as (x + 1/2) / (n + 1); the
    one-sided bound is by the delta method (Var log S_m = (1 - S_m) / (n S_m)). Raises ValueError for impossible input.
    """
    (p_often, p_rare), (n_often, n_rare), (k, m) = shares, numbers, looks
    if not (min(shares) >= 0 and max(shares) <= 1 and min(numbers) > 0 and 0 <= m < k):
        raise ValueError("shares lie from 0 to 1 and are worth something, and rare looks are fewer")
    often, rare = (1.0 - (p * n + 0.5) / (n + 1.0) for p, n in ((p_often, n_often), (p_rare, n_rare)))
    slope = k / (k - m), m / (k - m)
    left = slope[0] * np.log(rare) - slope[1] * np.log(often)
    variance = slope[0] ** 2 * (1.0 - rare) / (n_rare * rare) + slope[1] ** 2 * (1.0 - often) / (n_often * often)
    most = left + scipy.special.ndtri(level) * np.sqrt(variance)
    return float(-np.expm1(min(0.0, most)))


def _sizes(permutations: int, clocks: int) -> list[int]:
    at_once = max(1, _AT_ONCE // clocks)
    return [min(at_once, permutations - done) for done in range(0, permutations, at_once)]


def _statistics(labels: npt.NDArray[np.bool_], ended: npt.NDArray[np.bool_], first: npt.NDArray[np.int64]) -> Floats:
    """The sum over windows and the largest window, of each row of labels."""
    at_risk = (ended.size - first).astype(float)
    rare = np.cumsum(labels[:, ::-1], axis=1)[:, ::-1][:, first]
    ends = np.add.reduceat(ended.astype(float), first)
    share = rare / at_risk
    missing = ends * share - np.add.reduceat((labels & ended).astype(float), first, axis=1)
    variance = ends * share * (1.0 - share) * (at_risk - ends) / np.maximum(at_risk - 1.0, 1.0)
    largest = np.full(len(labels), -np.inf)
    for width in range(1, min(_WIDEST, first.size) + 1):
        some, their = _runs(missing, width), _runs(variance, width)
        largest = np.maximum(largest, (some / np.sqrt(np.maximum(their, _LEAST_VARIANCE))).max(axis=1))
    whole = missing.sum(axis=1) / np.sqrt(np.maximum(variance.sum(axis=1), _LEAST_VARIANCE))
    return np.column_stack([whole, largest])


def _runs(values: Floats, width: int) -> Floats:
    """Sums of so many windows that follow each other."""
    sums = np.cumsum(values, axis=1)
    sums[:, width:] -= sums[:, :-width].copy()
    return sums[:, width - 1 :]


def _ranks(statistics: Floats) -> Floats:
    """The share of all rows that are as large, by column."""
    rounded = np.round(statistics, 9)
    columns = [np.searchsorted(np.sort(-column), -column, "right") / column.size for column in rounded.T]
    return np.column_stack(columns)
