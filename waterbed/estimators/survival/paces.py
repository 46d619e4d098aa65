"""Ends that follow the number of looks, not time."""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.survival.incidence import NOTHING, cumulative_incidence
from waterbed.estimators.survival.intervals import Floats

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_FEWEST: Final = 2
"""Clocks of each pace below which nothing is tested."""
_GRID: Final = 8
"""Parts of the step in which ends are drawn."""
_MOST_PARTS: Final = 4_000
"""In which the time up to `last` is parted: looks each second do not need more."""
_SLOPE: Final = 1e-9
"""Rise of a curve over each part in which nothing ended, so that it can be inverted."""
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
    `missing` is the largest part of all ends of rarely looked at clocks that is missing at any time, `at_once` the part
    of those in the windows that lack them most clearly; 0 without an end.
    """

    p: float | None
    missing: float
    at_once: float
    rare: int
    often: int


def pace_test(
    left_end: npt.ArrayLike,
    right: npt.ArrayLike,
    rare: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    step: float,
    last: float,
    permutations: int = 999,
) -> PaceTest:
    """Test whether looking at something more often ends it sooner.

    Clock i ended in (left[i], right[i]], inf: still running; rare[i] says that it was looked at more rarely, which
    was drawn at random. `step` is the time between two rare looks; ends count up to the time `last`, which all are
    looked at beyond. Rare looks give wider intervals, so labels are exchangeable only where the time of each end is
    known: it is drawn inside its interval from the distribution of all ends (`cumulative_incidence`), and labels are
    permuted then (Wang, Lagakos and Gray, Biostatistics 11, 2010). In each window of a grid of `step` the ends of
    rarely looked at clocks are compared with their share of those at risk, as a log-rank test does. There are two
    statistics: the sum over all windows over its error, and the largest of one to three windows over its own, which
    finds ends after a fixed number of looks. The smaller of their two p values is taken, and its own distribution is
    that of permuted labels (Westfall and Young, Resampling-Based Multiple Testing, 1993, section 2.3). Raises
    ValueError for impossible input.
    """
    low, high, labels = np.asarray(left_end, float), np.asarray(right, float), np.asarray(rare, bool)
    if low.ndim != 1 or low.shape != high.shape or low.shape != labels.shape or permutations < 1:
        raise ValueError("each clock needs left, right and a label")
    if not (step > 0 and last > 0 and np.isfinite(low).all() and (high > low).all() and (low >= 0).all()):
        raise ValueError("each interval needs 0 <= left < right, with a finite left; step and last must be positive")
    slow = int(labels.sum())
    if min(slow, labels.size - slow) < _FEWEST:
        return PaceTest(p=None, missing=0.0, at_once=0.0, rare=slow, often=labels.size - slow)
    part = max(step / _GRID, last / _MOST_PARTS)
    high = np.where(low < last, _ranked(high, last, part), np.inf)
    end_time = _drawn(np.minimum(low, last), high, part, rng)
    ended = (end_time <= last) & np.isfinite(high)
    window = np.ceil(np.minimum(end_time, last) / step)
    order = np.lexsort((~ended, window))  # a running clock was at risk in its last window
    window, ended, labels = window[order], ended[order], labels[order]
    first = np.flatnonzero(np.append(True, window[1:] != window[:-1]))
    statistics = []
    for size in _sizes(permutations, labels.size):
        permuted = rng.permuted(np.repeat(labels[None, :], size, axis=0), axis=1)
        statistics.append(_statistics(*_missing(permuted, ended, first)[:2]))
    lacking, variance, expected = _missing(labels[None, :], ended, first)
    combined = np.vstack([_statistics(lacking, variance), *statistics])
    p = _ranks(combined).min(axis=1)
    return PaceTest(
        p=float((p <= p[0] + 1e-12).mean()),
        missing=max(0.0, float(np.cumsum(lacking).max() / max(expected.sum(), _SLOPE))),
        at_once=_clearest(lacking, variance, expected),
        rare=slow,
        often=labels.size - slow,
    )


def _ranked(high: Floats, last: float, part: float) -> Floats:
    """Ends after `last`, of which only the order counts, a part after another."""
    is_late = np.isfinite(high) & (high > last)
    ends = high.copy()
    ends[is_late] = last + part * (1.0 + np.unique(high[is_late], return_inverse=True)[1].reshape(-1))
    return ends


def _drawn(low: Floats, high: Floats, part: float, rng: np.random.Generator) -> Floats:
    """A time for each end, inside its interval; that of a running clock is the last at which it ran."""
    ended = np.isfinite(high)
    if not ended.any():
        return low
    curves = cumulative_incidence(low, high, np.where(ended, 0, NOTHING), causes=1, step_h=part, tolerance=1e-5)
    rising = curves.incidence[0] + _SLOPE * np.arange(curves.hours.size)
    begin, end = (np.interp(edge[ended], curves.hours, rising) for edge in (low, high))
    end_time = low.copy()
    sampled = np.interp(begin + (end - begin) * rng.random(begin.size), rising, curves.hours)
    end_time[ended] = np.clip(sampled, low[ended], high[ended])
    return end_time


@dataclass(frozen=True, slots=True, kw_only=True)
class LookTest:
    """A one-sided test: clocks end after one number of looks.

    `alike` counts the clocks that may have ended right after the latest look at which any clock was seen running;
    `outlasting` the rarely looked at ones that were seen running for longer than any of these that are looked at often.
    `p` is by permutation, never below 1 / (permutations + 1); None where fewer than two clocks have one of the paces or
    none was seen running.
    """

    p: float | None
    alike: int
    outlasting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """Clocks by the looks at them, one entry for each.

    `running`: looks until it was last seen running, 0: it never was; `before`: until it was seen ended, or all;
    `decided`: those that saw it running. `ran` and `ended` are the times from the first look to the last that saw it
    running and to the one that saw it ended, inf: still running.
    """

    running: Ints
    before: Ints
    decided: Ints
    ran: Floats
    ended: Floats

    def __post_init__(self) -> None:
        """Refuse impossible numbers."""
        parts = self.running, self.before, self.decided, self.ran, self.ended
        if self.running.ndim != 1 or len({part.shape for part in parts}) > 1:
            raise ValueError("each clock needs its checks, and how long it ran")
        if not ((self.decided >= 0) & (self.running >= self.decided) & (self.before >= self.running)).all():
            raise ValueError("checks of each clock need 0 <= decided <= running <= before")
        if not (np.isfinite(self.ran).all() and (self.ended >= self.ran).all()):
            raise ValueError("each clock needs a finite time that it ran, and ends no earlier")

    def only(self, some: Flags) -> Self:
        """Some of the clocks."""
        running, until_end, decided = (part[some] for part in (self.running, self.before, self.decided))
        return replace(
            self, running=running, before=until_end, decided=decided, ran=self.ran[some], ended=self.ended[some]
        )


def look_test(
    clocks: LookedAt, rare: npt.ArrayLike, rng: np.random.Generator, *, pace: float, permutations: int = 999
) -> LookTest:
    """Test whether clocks end after one number of looks.

    rare[i] says that clock i was looked at `pace` times more rarely, which was drawn at random. Where each clock ends
    after so many looks at it, none is seen running at a later one, at whichever pace. The statistic is the number of
    clocks that may have ended right after the latest look at which any was running, of all looks or of the decided
    ones, whichever is more. Its distribution is that of permuted labels: each end is drawn inside its interval as in
    `pace_test`, with often looks as time, and how many looks it had at the other pace follows. The order of ends at one
    age can only be drawn roughly; but where all end at one age, no rare look sees one running after it (`outlasting`).
    Nor does it where looks were not rarer after all. Raises ValueError for impossible input.
    """
    labels = np.asarray(rare, bool)
    if labels.shape != clocks.ran.shape or permutations < 1 or not pace > 1:
        raise ValueError("each clock needs a label, and rare checks must be rarer")
    slow = int(labels.sum())
    if min(slow, labels.size - slow) < _FEWEST or not clocks.running.any():
        return LookTest(p=None, alike=0, outlasting=0)
    counted = (clocks.running, clocks.before), (clocks.decided, clocks.decided)
    is_over = np.isfinite(clocks.ended)
    counts = [_Counts.of(*looks, is_over, labels, pace, rng) for looks in counted]
    is_candidate = np.logical_or.reduce([count.there() for count in counts])
    counts, ended, is_rare = [count.only(is_candidate) for count in counts], is_over[is_candidate], labels[is_candidate]
    latest = max((count.latest(is_rare[None, :], ended)[0] for count in counts), key=np.count_nonzero)
    latest_count, as_many = int(latest.sum()), 1
    for size in _sizes(permutations, is_rare.size):
        rares = rng.hypergeometric(slow, labels.size - slow, is_rare.size, size)
        permuted = rng.permuted(np.arange(is_rare.size) < rares[:, None], axis=1)
        numbers = [count.latest(permuted, ended).sum(axis=1) for count in counts]
        as_many += int((np.maximum(*numbers) >= latest_count).sum())
    longest = clocks.ended[is_candidate][latest & ~is_rare].max(initial=0.0)
    outlasting = int((labels & (clocks.ran > longest)).sum()) if longest else 0
    return LookTest(p=as_many / (permutations + 1), alike=latest_count, outlasting=outlasting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    """The looks until each clock was last seen running, at either pace, and undecided ones after them."""

    as_often: Ints
    as_rare: Ints
    dark: Ints

    @classmethod
    def of(cls, running: Ints, before: Ints, ended: Flags, rare: Flags, pace: float, rng: np.random.Generator) -> Self:
        """Work out the looks that the other pace would give."""
        low = np.where(rare, np.maximum(0.0, 1.0 + pace * (running - 1)), running)
        high = np.where(ended, np.where(rare, 1.0 + pace * before, before + 1.0), np.inf)
        part = max(0.5, high[ended].max(initial=0.0) / _MOST_PARTS)
        end_time = np.minimum(_drawn(low, high, part, rng), np.nextafter(high, 0.0))
        seldom = np.where(end_time >= 1.0, np.floor((end_time - 1.0) / pace) + 1.0, 0.0)
        return cls(
            as_often=np.where(rare, np.floor(end_time), running).astype(np.int64),
            as_rare=np.where(rare, running, seldom).astype(np.int64),
            dark=before - running,
        )

    def there(self) -> Flags:
        """The clocks that may be latest under some labels."""
        least = np.minimum(self.as_often, self.as_rare).max()  # somebody was, at this look
        possible: Flags = np.maximum(self.as_often, self.as_rare) + self.dark >= least
        return possible

    def only(self, some: Flags) -> Self:
        """The counts of some clocks."""
        return replace(self, as_often=self.as_often[some], as_rare=self.as_rare[some], dark=self.dark[some])

    def latest(self, rare: Flags, ended: Flags) -> Flags:
        """The clocks that may have ended after the latest look.

        Rows of labels x clocks.
        """
        looks = np.where(rare, self.as_rare, self.as_often)
        latest: Flags = (looks + self.dark >= looks.max(axis=1)[:, None]) & ended
        return latest


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
        raise ValueError("shares lie from 0 to 1 and are worth something, and rare checks are fewer")
    often, rare = (1.0 - (p * n + 0.5) / (n + 1.0) for p, n in ((p_often, n_often), (p_rare, n_rare)))
    slope = k / (k - m), m / (k - m)
    remaining = slope[0] * np.log(rare) - slope[1] * np.log(often)
    variance = slope[0] ** 2 * (1.0 - rare) / (n_rare * rare) + slope[1] ** 2 * (1.0 - often) / (n_often * often)
    most = remaining + scipy.special.ndtri(level) * np.sqrt(variance)
    return float(-np.expm1(min(0.0, most)))


def _sizes(permutations: int, clocks: int) -> list[int]:
    at_once = max(1, _AT_ONCE // clocks)
    return [min(at_once, permutations - done) for done in range(0, permutations, at_once)]


def _missing(
    labels: npt.NDArray[np.bool_], ended: npt.NDArray[np.bool_], first: npt.NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """How many ends of rarely looked at clocks are missing in each window, rows of labels x windows.

    Also the variance of that number, and the ends expected.
    """
    at_risk = (ended.size - first).astype(float)
    rare = np.cumsum(labels[:, ::-1], axis=1)[:, ::-1][:, first]
    ends = np.add.reduceat(ended.astype(float), first)
    share = rare / at_risk
    expected = ends * share
    variance = expected * (1.0 - share) * (at_risk - ends) / np.maximum(at_risk - 1.0, 1.0)
    return expected - np.add.reduceat((labels & ended).astype(float), first, axis=1), variance, expected


def _statistics(missing: Floats, variance: Floats) -> Floats:
    """The sum over windows and the largest window, of each row."""
    largest = np.full(len(missing), -np.inf)
    for width in _widths(missing):
        largest = np.maximum(largest, _over_error(_runs(missing, width), _runs(variance, width)).max(axis=1))
    return np.column_stack([_over_error(missing.sum(axis=1), variance.sum(axis=1)), largest])


def _clearest(missing: Floats, variance: Floats, expected: Floats) -> float:
    """The part missing in the windows of the largest statistic, of one row."""
    runs = [[_runs(values, width)[0] for values in (missing, variance, expected)] for width in _widths(missing)]
    some, their, ends = (np.concatenate(parts) for parts in zip(*runs, strict=True))
    position = int(np.argmax(_over_error(some, their)))
    return max(0.0, float(some[position] / max(ends[position], _SLOPE)))


def _over_error(missing: Floats, variance: Floats) -> Floats:
    statistic: Floats = missing / np.sqrt(np.maximum(variance, _LEAST_VARIANCE))
    return statistic


def _widths(missing: Floats) -> range:
    return range(1, min(_WIDEST, missing.shape[1]) + 1)


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
