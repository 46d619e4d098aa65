"""Bounds of a displaced share: chance, order and detection together; arrays in and numbers out."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special

from waterbed.estimators.detection import Bounds
from waterbed.estimators.refusal import Refusal

LEAST_CLUSTERS = 10
"""Below this many clusters there is no number."""


def displaced_bounds(
    certain: npt.ArrayLike,
    possible: npt.ArrayLike,
    cluster: npt.ArrayLike,
    *,
    detection: Sequence[tuple[float, float]],
    level: float = 0.95,
) -> Bounds | Refusal:
    """Bounds of the share of units that moved, each cluster counted once.

    `certain` and `possible` are units x ways, true where a unit was seen to have moved that way for sure, or perhaps
    (its order is unknown); ways differ in how often a move is detected, with a probability within their range in
    `detection`. `cluster` labels units that move together.

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
    """Mean of each cluster's units."""
    means: npt.NDArray[np.float64] = np.bincount(label, weights=value) / np.bincount(label)
    return means


def _limit(z: npt.NDArray[np.float64], extra: float, quantile: float) -> float:
    """Limit of the sum of what clusters have; `extra` is one more cluster that was not met."""
    mean, variance = float(z.sum()) + extra, float((z**2).sum()) + extra**2
    if mean <= 0.0:
        return 0.0
    return float(special.gammaincinv(mean**2 / variance, quantile) * variance / mean)
