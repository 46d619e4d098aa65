"""How sure a survival estimate is: whole clusters drawn again, all resamples at once."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.sparse import csr_array

from waterbed.estimators.em import ascend
from waterbed.estimators.incidence import Gap, sparse
from waterbed.estimators.intervals import ROUNDING, Floats, Intervals, intervals
from waterbed.estimators.survival import MAX_ROUNDS, TOLERANCE, Survival, maximum, part_gone, part_lived

_Statistic = Callable[[Floats], Floats]
"""From masses, cells x resamples, to one number for each resample."""

RESAMPLE_TOLERANCE = 1e-3
"""Slack allowed to a resample: far below what differs between two of them."""

_JACKKNIFE = 100
"""Most groups of clusters that are left out in turn."""

_OWN = 0.1
"""Part of the starting mass spread evenly: a resample may need cells that the estimate leaves empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sure:
    """An estimate and the ends of its interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resampled:
    """A survival estimate with resamples of its clusters.

    `drawn` and `without` are cells x resamples: masses with clusters drawn with replacement, and, for BCa, with one
    group of clusters left out in turn. Intervals are BCa if there is `without`, else of percentiles.
    """

    estimate: Survival
    clusters: int
    left: Floats = field(repr=False)
    right: Floats = field(repr=False)
    drawn: Floats = field(repr=False)
    without: Floats | None = field(repr=False)

    def at(self, time: float, *, level: float = 0.95) -> Sure:
        """S(time), mass spread evenly within cells."""
        gone = part_gone(self.estimate.start, self.estimate.end, time)
        return self._sure(lambda mass: np.clip(1.0 - gone @ mass, 0.0, 1.0), level)

    def median(self, *, level: float = 0.95) -> Sure:
        """The middle of the cell in which half has ended; inf if that was not seen."""
        middle = (self.estimate.start + self.estimate.end) / 2
        return self._sure(lambda mass: middle[np.argmax(np.cumsum(mass, axis=0) >= 0.5 - ROUNDING, axis=0)], level)

    def rmst(self, tau: float, *, level: float = 0.95) -> Sure:
        """Mean time until the end or `tau`, from `since`, mass spread evenly within cells.

        Without BCa the interval is Student's with the spread of the resamples and one less than the clusters as degrees
        of freedom: percentiles of a mean over few clusters are too narrow.
        """
        lived = np.maximum(part_lived(self.estimate.start, self.estimate.end, tau) - self.estimate.since, 0.0)
        if self.without is not None or self.clusters < 2:
            return self._sure(lambda mass: lived @ mass, level)
        estimate, error = float(lived @ self.estimate.mass), float((lived @ self.drawn).std(ddof=1))
        # clusters drawn with replacement spread as if divided by their number, not by one less
        error *= float(np.sqrt(self.clusters / (self.clusters - 1)))
        wide = float(special.stdtrit(self.clusters - 1, (1.0 + level) / 2)) * error
        most = max(0.0, tau - self.estimate.since)
        return Sure(estimate=estimate, low=max(0.0, estimate - wide), high=min(most, estimate + wide))

    def gap(self, time: float) -> Gap:
        """P(R <= time) and P(L < time): what the intervals say before any estimate. Late entry is not heeded."""
        return sparse(self.left, self.right, time)

    def _sure(self, of: _Statistic, level: float) -> Sure:
        estimate = float(of(self.estimate.mass[:, None])[0])
        drawn = of(self.drawn)
        tails = np.array([(1.0 - level) / 2, (1.0 + level) / 2])
        if self.without is not None:
            tails = _corrected(tails, estimate, drawn, of(self.without))
        # sorted values themselves: between a number and inf there is no middle
        low, high = np.quantile(drawn, tails, method="inverted_cdf")
        return Sure(estimate=estimate, low=min(float(low), estimate), high=max(float(high), estimate))


def resample(
    left: npt.ArrayLike,
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
    held = intervals(left, right, entry, step)
    labels = np.asarray(cluster)
    if labels.shape != held.which.shape or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError("each interval needs the whole number of its cluster")
    if resamples < 1:
        raise ValueError("at least one resample is needed")
    names, member = np.unique(labels, return_inverse=True)
    estimate = maximum(held, held.weight, tolerance=tolerance)
    within = _within(held, member, names.size)
    drawn = rng.multinomial(names.size, np.full(names.size, 1.0 / names.size), size=resamples).T
    return Resampled(
        estimate=estimate,
        clusters=int(names.size),
        left=np.asarray(left, dtype=float),
        right=np.asarray(right, dtype=float),
        drawn=_masses(held, within @ drawn.astype(float), estimate),
        without=_masses(held, held.weight[:, None] - within @ _left_out(names.size, rng), estimate) if bca else None,
    )


def _within(held: Intervals, member: npt.NDArray[np.int64], clusters: int) -> csr_array:
    """How often each distinct interval occurs in each cluster."""
    ones = np.ones(member.size)
    return csr_array((ones, (held.which, member)), shape=(held.weight.size, clusters))


def _left_out(clusters: int, rng: np.random.Generator) -> Floats:
    """Which clusters each jackknife group leaves out; one each if they are few."""
    groups = min(clusters, _JACKKNIFE)
    out = np.zeros((clusters, groups))
    out[rng.permutation(clusters), np.arange(clusters) % groups] = 1.0
    return out if clusters > 1 else np.zeros((clusters, groups))


def _masses(held: Intervals, weight: Floats, estimate: Survival) -> Floats:
    first = (1.0 - _OWN) * estimate.mass + _OWN / estimate.mass.size
    return ascend(held, weight, tolerance=RESAMPLE_TOLERANCE, max_rounds=MAX_ROUNDS, first=first).mass


def _corrected(tails: Floats, estimate: float, drawn: Floats, without: Floats) -> Floats:
    """Tail probabilities shifted by bias and acceleration; unshifted where there is nothing to learn them from."""
    below = float(np.mean(drawn < estimate) + np.mean(drawn == estimate) / 2)
    if not 0.0 < below < 1.0:
        return tails
    bias = special.ndtri(below)
    bent = 0.0
    if np.isfinite(without).all():
        apart = without.mean() - without
        spread = float(np.square(apart).sum())
        bent = float((apart**3).sum() / (6.0 * spread**1.5)) if spread > 0 else 0.0
    quantiles = bias + special.ndtri(tails)
    shifted: Floats = special.ndtr(bias + quantiles / (1.0 - bent * quantiles))
    return np.clip(shifted, 0.0, 1.0)
