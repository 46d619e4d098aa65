"""Incomplete detection: capture-recapture and bounds.

Arrays in and numbers out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.refusal import Refusal

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Estimated size of a population, of whom `seen` are known."""

    seen: int
    estimate: float
    error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Lowest and highest value of a quantity under its assumptions."""

    low: float
    high: float


def chapman(first: int, second: int, both: int, *, level: float = 0.95) -> Population | Refusal:
    """Size of a population from two independent lists.

    (n1 + 1)(n2 + 1) / (m + 1) - 1 (Chapman, University of California Publications in Statistics 1, 1951), variance of
    Seber (Biometrika 57, 1970), log-normal interval above what was seen (Chao, Biometrics 43, 1987). Lists that copy
    from each other give too little, lists that avoid each other too much; unequal detection gives too little. Refuses
    below 7 in both, where the estimator is biased (Robson and Regier, 1964).
    """
    if both > min(first, second) or min(first, second, both) < 0:
        raise ValueError("no more can be in both lists than in either")
    if both < 7:
        return Refusal(f"{both} in both lists where at least 7 are needed")
    estimate = (first + 1) * (second + 1) / (both + 1) - 1
    spread = (first + 1) * (second + 1) * (first - both) * (second - both)
    return _population(first + second - both, estimate, spread / ((both + 1) ** 2 * (both + 2)), level)


def chao(caught: npt.ArrayLike, *, level: float = 0.95) -> Population | Refusal:
    """Return a lower bound of a population from several lists.

    Detection may differ between members. `caught` is members x lists, true where a list has the member. With t lists,
    f1 members on one list and f2 on two: S + (t-1)/t f1 (f1-1) / (2 (f2+1)) (Chao, Biometrics 43, 1987,
    bias-corrected). It is a lower bound: detection that differs between members makes the truth larger. Refuses where
    no member is on two lists.
    """
    table = np.asarray(caught, dtype=bool)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError("members x lists are needed, of two lists or more")
    times = table.sum(axis=1)
    seen, once, twice = int((times > 0).sum()), int((times == 1).sum()), int((times == 2).sum())
    if not (times > 1).any():
        return Refusal("no member is on two lists, which says nothing about those on none")
    part = (table.shape[1] - 1) / table.shape[1]
    estimate = seen + part * once * (once - 1) / (2 * (twice + 1))
    spread = part * once * (once - 1) / (2 * (twice + 1))
    spread += part**2 * once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
    spread += part**2 * once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    return _population(seen, estimate, spread, level)


def destination_bounds(detected: npt.ArrayLike, least: npt.ArrayLike, most: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return bounds of each destination's share under partial detection.

    `detected` counts arrivals of each destination, `least` and `most` are the ends of its detection. A share is lowest
    where its own detection is the highest and that of all others the lowest. Chance in the counts is not in it.
    """
    count, low, high = (np.asarray(one, dtype=float) for one in (detected, least, most))
    if (low <= 0).any() or (low > high).any() or (high > 1).any() or (count < 0).any() or not count.any():
        raise ValueError("a bound needs counts, and detection in 0..1, lowest first")
    fewest, most_many = count / high, count / low
    lowest: Floats = fewest / np.maximum(fewest + most_many.sum() - most_many, 1e-300)
    highest: Floats = most_many / np.maximum(most_many + fewest.sum() - fewest, 1e-300)
    return lowest, highest


def _population(seen: int, estimate: float, variance: float, level: float) -> Population:
    unseen = estimate - seen
    if unseen <= 0 or variance <= 0:
        return Population(seen=seen, estimate=max(estimate, float(seen)), error=0.0, low=float(seen), high=float(seen))
    factor = float(np.exp(scipy.special.ndtri((1 + level) / 2) * np.sqrt(np.log1p(variance / unseen**2))))
    return Population(
        seen=seen,
        estimate=estimate,
        error=float(np.sqrt(variance)),
        low=seen + unseen / factor,
        high=seen + unseen * factor,
    )


LEAST_CLUSTERS = 10
"""Fewest clusters for which a number is given."""


def displaced_bounds(
    certain: npt.ArrayLike,
    possible: npt.ArrayLike,
    cluster: npt.ArrayLike,
    *,
    detection: Sequence[tuple[float, float]],
    level: float = 0.95,
) -> Bounds | Refusal:
    """Return bounds of the share of units that moved.

    Each cluster counts once. `certain` and `possible` are units x ways, true where a unit was seen to have moved that
    way for sure, or perhaps (its order is unknown); ways differ in how often a move is detected, with a probability
    within their range in `detection`. `cluster` labels units that move together.

    The low end takes certain moves and the highest detection, the high end possible moves and the lowest. A unit seen
    on way k stands for 1 / detection of k units (Horvitz and Thompson, Journal of the American Statistical Association
    47, 1952); a cluster has the mean of its units, z. The limits are those of a weighted sum of Poisson counts (Fay and
    Feuer, Statistics in Medicine 16, 1997): with y = sum z and v = sum z^2 the lower is a gamma quantile of mean y and
    variance v, the upper one of mean y + w and variance v + w^2, where w is the most that a cluster can have. Clusters
    are taken for independent; at most one is displaced once, so the limits are wider than needed where most of them
    are. Order and detection are ranges and no chance: within them the coverage is at least `level`, if moves are
    detected independently of each other. Refuses below ten clusters, and where even the highest detection leaves more
    than all.
    """
    sure, maybe = (np.atleast_2d(np.asarray(one, dtype=bool)) for one in (certain, possible))
    label = np.unique(np.asarray(cluster), return_inverse=True)[1]
    least, most = (np.array(end, dtype=float) for end in zip(*detection, strict=True))
    if sure.shape != maybe.shape or sure.shape != (label.size, least.size) or (sure & ~maybe).any():
        raise ValueError("units x ways are needed, one label a unit, and what is certain must be possible")
    if (least <= 0).any() or (least > most).any() or (most > 1).any() or not 0 < level < 1:
        raise ValueError("detection and level lie in 0..1, the lowest detection first")
    clusters = int(label.max(initial=-1)) + 1
    if clusters < LEAST_CLUSTERS:
        return Refusal(f"{clusters} clusters where at least {LEAST_CLUSTERS} are needed")
    outside = (1.0 - level) / 2
    # a unit that was seen on several ways stands for the fewest units at the low end, for the most at the high end
    fewest = np.where(sure, 1.0 / most, np.inf).min(axis=1)
    low = _limit(_by_cluster(np.where(np.isfinite(fewest), fewest, 0.0), label), 0.0, outside) / clusters
    widest = float(1.0 / least.min())
    high = _limit(_by_cluster(np.where(maybe, 1.0 / least, 0.0).max(axis=1), label), widest, 1 - outside) / clusters
    if low > 1.0:
        return Refusal("more was detected than the highest detection allows")
    return Bounds(low=low, high=min(1.0, high))


def _by_cluster(value: npt.NDArray[np.float64], label: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Return the mean of each cluster's units."""
    means: npt.NDArray[np.float64] = np.bincount(label, weights=value) / np.bincount(label)
    return means


def _limit(z: npt.NDArray[np.float64], extra: float, quantile: float) -> float:
    """Return a limit of the sum over clusters.

    `extra` is one more cluster that was not met.
    """
    mean, variance = float(z.sum()) + extra, float((z**2).sum()) + extra**2
    if mean <= 0.0:
        return 0.0
    return float(scipy.special.gammaincinv(mean**2 / variance, quantile) * variance / mean)
