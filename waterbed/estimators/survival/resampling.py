"""Uncertainty of a survival estimate by resampled clusters.

Whole clusters are drawn again, all resamples at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.survival.em import ascend
from waterbed.estimators.survival.incidence import Gap, sparse
from waterbed.estimators.survival.intervals import ROUNDING, Floats, Intervals, intervals
from waterbed.estimators.survival.npmle import MAX_ROUNDS, TOLERANCE, Survival, maximum, part_gone, part_lived
from waterbed.estimators.survival.undetermined import Maxima

_Statistic = Callable[[Floats], Floats]
"""From masses, cells x resamples, to one number for each resample."""

RESAMPLE_TOLERANCE = 1e-3
"""Slack allowed to a resample: far below what differs between two of them."""

_JACKKNIFE = 100
"""Most groups of clusters that are left out in turn."""

_FEWEST = 2
"""Clusters below which resamples do not vary."""

_OWN = 0.1
"""Part of the starting mass spread evenly: a resample may need cells that the estimate leaves empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sure:
    """An estimate and the ends of its interval.

    One cluster gives no interval: the ends are None.
    """

    estimate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resampled:
    """A survival estimate with resamples of its clusters.

    `resampled` and `without` are cells x resamples: masses with clusters drawn with replacement, and, for BCa, with one
    group of clusters left out in turn. Intervals are BCa if there is `without`, else of percentiles.
    """

    estimate: Survival
    clusters: int
    left: Floats = field(repr=False)
    right: Floats = field(repr=False)
    resampled: Floats = field(repr=False)
    without: Floats | None = field(repr=False)

    def at(self, time: float, *, level: float = 0.95) -> Sure:
        """S(time), mass spread evenly within cells."""
        ended_share = part_gone(self.estimate.start, self.estimate.end, time)
        return self._sure(lambda mass: np.clip(1.0 - ended_share @ mass, 0.0, 1.0), level)

    def median(self, *, level: float = 0.95) -> Sure:
        """The middle of the cell of the median.

        inf if half were not seen to end.
        """
        middle = (self.estimate.start + self.estimate.end) / 2
        return self._sure(lambda mass: middle[np.argmax(np.cumsum(mass, axis=0) >= 0.5 - ROUNDING, axis=0)], level)

    def rmst(self, tau: float, *, level: float = 0.95) -> Sure:
        """Mean time until the end or `tau`.

        From `since`, mass spread evenly within cells. Without BCa the interval is Student's with the spread of the
        resamples and one less than the clusters as degrees of freedom: percentiles of a mean over few clusters are too
        narrow.
        """
        lived = np.maximum(part_lived(self.estimate.start, self.estimate.end, tau) - self.estimate.since, 0.0)
        if self.without is not None or self.clusters < _FEWEST:
            return self._sure(lambda mass: lived @ mass, level)
        estimate, error = float(lived @ self.estimate.mass), float((lived @ self.resampled).std(ddof=1))
        # clusters drawn with replacement spread as if divided by their number, not by one less
        error *= float(np.sqrt(self.clusters / (self.clusters - 1)))
        wide = float(scipy.special.stdtrit(self.clusters - 1, (1.0 + level) / 2)) * error
        most = max(0.0, tau - self.estimate.since)
        return Sure(estimate=estimate, low=max(0.0, estimate - wide), high=min(most, estimate + wide))

    def gap(self, time: float) -> Gap:
        """Bounds of the intervals before any estimate.

        P(R <= time) and P(L < time). Late entry is ignored.
        """
        return sparse(self.left, self.right, time)

    def _sure(self, of: _Statistic, level: float) -> Sure:
        estimate = float(of(self.estimate.mass[:, None])[0])
        if self.clusters < _FEWEST:
            return Sure(estimate=estimate, low=None, high=None)
        resampled = of(self.resampled)
        tails = np.array([(1.0 - level) / 2, (1.0 + level) / 2])
        if self.without is not None:
            tails = _corrected(tails, estimate, resampled, of(self.without))
        # sorted values themselves: between a number and inf there is no middle
        low, high = np.quantile(resampled, tails, method="inverted_cdf")
        return Sure(estimate=estimate, low=min(float(low), estimate), high=max(float(high), estimate))


def resample(
    left_end: npt.ArrayLike,
    right: npt.ArrayLike,
    cluster: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    entry: npt.ArrayLike | None = None,
    step: float | None = None,
    resamples: int = 200,
    bca: bool = False,
    tolerance: float = TOLERANCE,
) -> Resampled:
    """Estimate survival, and again from clusters drawn with replacement.

    `cluster` is a whole number for each interval; those with one number are drawn together (Davison and Hinkley,
    Bootstrap Methods, 1997, section 3.8). With `bca` intervals are corrected for bias and skewness (Efron, JASA 82,
    1987), the latter learnt by leaving out groups of clusters. The number of clusters stays, that of intervals varies.
    Everything else is as for `turnbull`, errors too.
    """
    grouped = intervals(left_end, right, entry, step)
    labels = np.asarray(cluster)
    if labels.shape != grouped.which.shape or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError("each interval needs the whole number of its cluster")
    if resamples < 1:
        raise ValueError("at least one resample is needed")
    names, member = np.unique(labels, return_inverse=True)
    estimate = maximum(grouped, grouped.weight, tolerance=tolerance)
    estimate = replace(estimate, maxima=Maxima(grouped, estimate.mass))
    within = _within(grouped, member, names.size)
    resampled = rng.multinomial(names.size, np.full(names.size, 1.0 / names.size), size=resamples).T
    return Resampled(
        estimate=estimate,
        clusters=int(names.size),
        left=np.asarray(left_end, dtype=float),
        right=np.asarray(right, dtype=float),
        resampled=_masses(grouped, within @ resampled.astype(float), estimate),
        without=_masses(grouped, grouped.weight[:, None] - within @ _left_out(names.size, rng), estimate)
        if bca
        else None,
    )


def _within(held: Intervals, member: npt.NDArray[np.int64], clusters: int) -> "scipy.sparse.csr_array":
    """Count each distinct interval in each cluster."""
    ones = np.ones(member.size)
    return scipy.sparse.csr_array((ones, (held.which, member)), shape=(held.weight.size, clusters))


def _left_out(clusters: int, rng: np.random.Generator) -> Floats:
    """Assign clusters to jackknife groups.

    One each if they are few.
    """
    groups = min(clusters, _JACKKNIFE)
    out = np.zeros((clusters, groups))
    out[rng.permutation(clusters), np.arange(clusters) % groups] = 1.0
    return out if clusters > 1 else np.zeros((clusters, groups))


def _masses(grouped: Intervals, weight: Floats, estimate: Survival) -> Floats:
    first = (1.0 - _OWN) * estimate.mass + _OWN / estimate.mass.size
    return ascend(grouped, weight, tolerance=RESAMPLE_TOLERANCE, max_rounds=MAX_ROUNDS, first=first).mass


def _corrected(tails: Floats, estimate: float, resampled: Floats, without: Floats) -> Floats:
    """Return tail probabilities corrected for bias and acceleration.

    Unchanged if there is nothing to learn them from.
    """
    below = float(np.mean(resampled < estimate) + np.mean(resampled == estimate) / 2)
    if not 0.0 < below < 1.0:
        return tails
    bias = scipy.special.ndtri(below)
    bent = 0.0
    if np.isfinite(without).all():
        apart = without.mean() - without
        spread = float(np.square(apart).sum())
        bent = float((apart**3).sum() / (6.0 * spread**1.5)) if spread > 0 else 0.0
    quantiles = bias + scipy.special.ndtri(tails)
    shifted: Floats = scipy.special.ndtr(bias + quantiles / (1.0 - bent * quantiles))
    return np.clip(shifted, 0.0, 1.0)


_SETTLED = 1e-5
"""Largest change of a share between two rounds at which it stays where it is."""
_CALM = 16
"""Rounds for which it must: where a share turns round it changes by nothing for some."""
_MOST_ROUNDS = 2_000
_AWAKE = 0.02
"""Part of the mass spread evenly before resamples are fitted: a cell at zero would stay there."""
_TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResampledShare:
    """A share, its clocks' parts, and its resamples.

    `parts` are the probabilities that clock i ended by the cause in time, given its interval; their mean is the share.
    """

    share: float
    parts: Floats
    draws: Floats


def resampled_share(
    left_end: npt.ArrayLike, right: npt.ArrayLike, of_cause: npt.ArrayLike, within: float, weights: npt.ArrayLike
) -> ResampledShare:
    """Estimate a cause's incidence at one time, by resample.

    Each row of weights is a resample. Clock i ended in (left[i], right[i]], by the cause in question where own[i];
    right = inf is still running. `weights` is resamples x clocks. Only clocks that were running, or lost, before
    `within`, and those whose interval holds it, leave anything open; for them the likelihood of `cumulative_incidence`
    is maximised by EM over the cells that their ends cut out. A resample without any clock has the share of all. Raises
    ValueError for unequal lengths.
    """
    begin, end, is_of_cause = (
        np.floor(np.asarray(left_end, float)),
        np.ceil(np.asarray(right, float)),
        np.asarray(of_cause, bool),
    )
    heavy = np.asarray(weights)
    if begin.shape != end.shape or begin.shape != is_of_cause.shape or heavy.shape[1:] != begin.shape or not begin.size:
        raise ValueError("a resampled share needs clocks, and one weight for each in each resample")
    allowed, counted, even = _cells(begin, np.maximum(end, begin + 1), is_of_cause, within)
    _, first, row_of_clock = np.unique(np.packbits(allowed, axis=1), axis=0, return_index=True, return_inverse=True)
    rows, row_of_clock = allowed[first].astype(float), row_of_clock.reshape(-1)
    once = np.bincount(row_of_clock, minlength=len(rows)).astype(float)[None, :]
    mass = _fitted(rows, once, counted, even)
    row_mass = rows * mass
    parts = (row_mass[:, counted].sum(axis=1) / np.maximum(row_mass.sum(axis=1), _TINY))[row_of_clock]
    share = float(parts.mean())
    order = np.argsort(row_of_clock, kind="stable")
    starts = np.searchsorted(row_of_clock[order], np.arange(len(rows)))
    grouped = np.add.reduceat(heavy[:, order], starts, axis=1, dtype=float)
    empty = grouped.sum(axis=1) == 0
    grouped[empty] = once
    awake = (1.0 - _AWAKE) * mass + _AWAKE * even
    draws = _fitted(rows, grouped, counted, np.repeat(awake, len(grouped), axis=0))[:, counted].sum(axis=1)
    return ResampledShare(share=share, parts=parts, draws=draws)


def _cells(
    begin: Floats, end: Floats, is_of_cause: npt.NDArray[np.bool_], within: float
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Floats]:
    """Cells that each clock may have ended in, clocks x cells; those of the cause in time; mass spread evenly.

    Evenly over time: what the likelihood cannot tell apart keeps the parts that it begins with, as in
    `cumulative_incidence`.
    """
    running = np.isinf(end)
    open_ = (running & (begin < within)) | (~running & (begin < within) & (end > within))
    edges = np.unique(np.concatenate([[0.0, within, np.inf], begin[open_], end[open_]]))
    low, high = edges[:-1], edges[1:]
    span = (low[None, :] < end[:, None]) & (high[None, :] > begin[:, None])
    # a clock that still runs after `within` is known to have outlasted it, wherever in a cell it stands
    span &= ~running[:, None] | (low[None, :] >= np.minimum(begin, within)[:, None])
    allowed = np.concatenate(
        [span & (is_of_cause | running)[:, None], span & (~is_of_cause | running)[:, None]], axis=1
    )
    counted = np.concatenate([high <= within, np.zeros(low.size, dtype=bool)])
    widths = np.tile(np.where(np.isinf(high), max(1.0, low[-1]), high - low), 2)
    return allowed, counted, (widths / widths.sum())[None, :]


def _fitted(rows: Floats, weights: Floats, counted: npt.NDArray[np.bool_], mass: Floats) -> Floats:
    """Masses of the cells, resamples x cells; each resample is fitted until its own share stays where it is."""
    fitted, remaining = mass.copy(), np.arange(len(weights))
    shares = weights / weights.sum(axis=1, keepdims=True)
    previous, calm = np.full(len(weights), np.inf), np.zeros(len(weights), np.int64)
    for _ in range(_MOST_ROUNDS):
        seen = np.maximum(mass @ rows.T, _TINY)
        mass = mass * ((shares / seen) @ rows)
        now = mass[:, counted].sum(axis=1)
        calm = np.where(np.abs(now - previous) < _SETTLED, calm + 1, 0)
        going = calm < _CALM
        if not going.all():
            fitted[remaining[~going]] = mass[~going]
            remaining, mass, shares, now, calm = remaining[going], mass[going], shares[going], now[going], calm[going]
            if not remaining.size:
                return fitted
        previous = now
    fitted[remaining] = mass
    return fitted
