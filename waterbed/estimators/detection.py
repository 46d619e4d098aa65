"""Incomplete detection: capture-recapture and bounds.

Arrays in and numbers out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.identified import critical_value
from waterbed.estimators.refusal import Refusal, too_few
from waterbed.estimators.survival.incidence import share_interval
from waterbed.model.message import Count, Message, Number

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
class AtLeast:
    """Lower bound of a population's size.

    Of whom `seen` are known. `estimate` is the bound, `low` its lower confidence limit; nothing limits it from above.
    """

    seen: int
    estimate: float
    error: float
    low: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Lowest and highest value of a quantity under its assumptions."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBounds(Bounds):
    """Bounds with the estimated ends of the identified set.

    From `set_low` to `set_high` nothing in the data decides; beyond them it is chance.
    """

    set_low: float
    set_high: float


def chapman(first: int, second: int, in_both: int, *, level: float = 0.95) -> Population | Refusal:
    """Size of a population from two independent lists.

    (n1 + 1)(n2 + 1) / (m + 1) - 1 (Chapman, University of California Publications in Statistics 1, 1951), variance of
    Seber (Biometrika 57, 1970). Given the lists' lengths the members in both are hypergeometric, whatever each list
    finds: the interval holds the sizes for which neither as few nor as many in both have half of 1 - `level` (Clopper
    and Pearson, Biometrika 26, 1934), so that it has a width where one list holds the other. Lists that copy
    from each other give too little, lists that avoid each other too much; unequal detection gives too little. Refuses
    below 7 in both, where the estimator is biased (Robson and Regier, 1964).
    """
    if in_both > min(first, second) or min(first, second, in_both) < 0:
        raise ValueError("no more can be in both lists than in either")
    if in_both < 7:
        return Refusal(
            Message.of("{both} in both lists where at least {least} are needed", both=Count(in_both), least=Number(7)),
            "feeds",
        )
    estimate = (first + 1) * (second + 1) / (in_both + 1) - 1
    spread = (first + 1) * (second + 1) * (first - in_both) * (second - in_both)
    seen, tail = first + second - in_both, (1 - level) / 2

    def many(size: int) -> bool:
        return bool(scipy.stats.hypergeom.sf(in_both - 1, size, first, second) <= tail)

    def few(size: int) -> bool:
        return bool(scipy.stats.hypergeom.cdf(in_both, size, first, second) > tail)

    return Population(
        seen=seen,
        estimate=estimate,
        error=float(np.sqrt(spread / ((in_both + 1) ** 2 * (in_both + 2)))),
        low=float(_first_size(seen, few)),
        high=float(_first_size(seen, many) - 1),
    )


def _first_size(least: int, reached: Callable[[int], bool]) -> int:
    """The first size from the least on for which something holds that holds for all larger ones."""
    below, size = least - 1, least
    while not reached(size):
        below, size = size, 2 * size
    while size - below > 1:
        middle = (below + size) // 2
        below, size = (below, middle) if reached(middle) else (middle, size)
    return size


def chao(caught: npt.ArrayLike, *, level: float = 0.95) -> AtLeast | Refusal:
    """Return a lower bound of a population from several lists.

    Detection may differ between members. `caught` is members x lists, true where a list has the member. With t lists,
    f1 members on one list and f2 on two: S + (t-1)/t f1 (f1-1) / (2 (f2+1)) (Chao, Biometrics 43, 1987,
    bias-corrected). It is a lower bound: detection that differs between members makes the truth larger. Its lower limit
    is that of the log-normal interval above what was seen (the same), in whole members: a fraction of one that was
    not seen may be none. Refuses where no member is on two lists.
    """
    table = np.asarray(caught, dtype=bool)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError("members x lists are needed, of two lists or more")
    times = table.sum(axis=1)
    seen, once, twice = int((times > 0).sum()), int((times == 1).sum()), int((times == 2).sum())
    if not (times > 1).any():
        return Refusal(Message.of("no member is on two lists, which says nothing about those on none"))
    part = (table.shape[1] - 1) / table.shape[1]
    estimate = seen + part * once * (once - 1) / (2 * (twice + 1))
    spread = part * once * (once - 1) / (2 * (twice + 1))
    spread += part**2 * once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
    spread += part**2 * once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    unseen, factor = estimate - seen, 1.0
    if unseen > 0:
        factor = float(np.exp(scipy.special.ndtri((1 + level) / 2) * np.sqrt(np.log1p(spread / unseen**2))))
    return AtLeast(
        seen=seen, estimate=estimate, error=float(np.sqrt(spread)), low=float(np.floor(seen + unseen / factor))
    )


def part_bounds(
    inside: npt.ArrayLike,
    outside: npt.ArrayLike,
    detection: npt.ArrayLike,
    cluster: npt.ArrayLike,
    *,
    least: tuple[float, float],
    level: float = 0.95,
) -> Bounds:
    """Return bounds of a destination's share under partial detection.

    `inside` and `outside` are true where an arrival may be at the destination, or elsewhere; both where that is
    unknown. `detection` holds the lowest and highest probability with which each was detected, arrivals x 2: 1 where
    the URL was known; `least` is the lowest of arrivals inside and outside, seen or not. The share of arrivals seen has
    a Jeffreys interval, worth (sum of sizes)^2 / (sum of squared sizes) of clusters (Kish, Survey Sampling, 1965). Its
    ends are odds, which detection multiplies: by the mean of 1 / detection inside over that outside, the highest inside
    and the lowest outside for the low end, where arrivals that may be outside count as such, and the reverse for the
    high end. The side that is made larger gets one arrival more, with the least detection: it may have been missed. The
    ends hold every point between (Imbens and Manski, Econometrica 72, 2004). Raises ValueError without an arrival, or
    for detection outside 0..1.
    """
    may_in, may_out = np.asarray(inside, dtype=bool), np.asarray(outside, dtype=bool)
    lowest, highest = np.asarray(detection, dtype=float).reshape(-1, 2).T
    ranges = np.concatenate([lowest, least])
    if not may_in.size or not (may_in | may_out).all() or (ranges <= 0).any() or (ranges > 1).any():
        raise ValueError("a bound needs arrivals, each somewhere, and detection in 0..1")
    if (lowest > highest).any() or (highest > 1).any():
        raise ValueError("detection is its lowest and its highest value, in this order")
    sizes = np.bincount(np.unique(np.asarray(cluster), return_inverse=True)[1])
    worth = float(sizes.sum() ** 2 / np.square(sizes).sum())

    def odds(within: npt.NDArray[np.bool_], end: int) -> float:
        share = share_interval(float(within.mean()), worth, level)[end]
        return share / (1.0 - share) if share < 1.0 else np.inf

    def most(which: npt.NDArray[np.bool_], widest: float) -> float:
        return float(((1.0 / lowest[which]).sum() + 1.0 / widest) / (which.sum() + 1))

    def fewest(which: npt.NDArray[np.bool_]) -> float:
        return float((1.0 / highest[which]).mean()) if which.any() else 1.0

    surely_in = may_in & ~may_out
    surely_out = may_out & ~may_in
    low = odds(surely_in, 0) * fewest(surely_in) / most(~surely_in, least[1])
    high = odds(may_in, 1) * most(may_in, least[0]) / fewest(surely_out)
    return Bounds(low=low / (1.0 + low), high=high / (1.0 + high) if np.isfinite(high) else 1.0)


def displaced_bounds(
    certain: npt.ArrayLike,
    possible: npt.ArrayLike,
    cluster: npt.ArrayLike,
    *,
    detection: Sequence[tuple[float, float]],
    level: float = 0.95,
) -> SetBounds | Refusal:
    """Return bounds of the share of units that moved.

    Each cluster counts once. `certain` and `possible` are units x ways, true where a unit was seen to have moved that
    way for sure, or perhaps (its order is unknown); ways differ in how often a move is detected, with a probability
    within their range in `detection`. `cluster` labels units that move together.

    The low end takes certain moves and the highest detection, the high end possible moves and the lowest. A unit seen
    on way k stands for 1 / detection of k units (Horvitz and Thompson, Journal of the American Statistical Association
    47, 1952); a cluster has the mean of its units, z. The limits are those of a weighted sum of Poisson counts (Fay and
    Feuer, Statistics in Medicine 16, 1997): with y = sum z and v = sum z^2 the lower is a gamma quantile of mean y and
    variance v, the upper one of mean y + w and variance v + w^2, where w is the most that a cluster can have. Their
    quantiles hold each share between the bounds with `level` (`identified.critical_value`). Clusters
    are taken for independent; at most one is displaced once, so the limits are wider than needed where most of them
    are. Order and detection are ranges and no chance: within them the coverage is at least `level`, if moves are
    detected independently of each other. Refuses below ten clusters, and where even the highest detection leaves more
    than all.
    """
    sure, maybe = (np.atleast_2d(np.asarray(flags, dtype=bool)) for flags in (certain, possible))
    label = np.unique(np.asarray(cluster), return_inverse=True)[1]
    least, most = (np.array(end, dtype=float) for end in zip(*detection, strict=True))
    if sure.shape != maybe.shape or sure.shape != (label.size, least.size) or (sure & ~maybe).any():
        raise ValueError("units x ways are needed, one label a unit, and what is certain must be possible")
    if (least <= 0).any() or (least > most).any() or (most > 1).any() or not 0 < level < 1:
        raise ValueError("detection and level lie in 0..1, the lowest detection first")
    clusters = int(label.max(initial=-1)) + 1
    if refused := too_few(clusters, Message.of("{clusters}", clusters=Count(clusters, "cluster"))):
        return refused
    # a unit that was seen on several ways stands for the fewest units at the low end, for the most at the high end
    fewest = np.where(sure, 1.0 / most, np.inf).min(axis=1)
    few = _by_cluster(np.where(np.isfinite(fewest), fewest, 0.0), label)
    many, widest = _by_cluster(np.where(maybe, 1.0 / least, 0.0).max(axis=1), label), float(1.0 / least.min())
    width = max(0.0, min(1.0, float(many.mean())) - float(few.mean()))
    error = float(np.sqrt(max((few**2).sum(), (many**2).sum()))) / clusters
    outside = float(scipy.special.ndtr(-critical_value(width, error, clusters, level=level)))
    low = _limit(few, 0.0, outside) / clusters
    high = _limit(many, widest, 1 - outside) / clusters
    if low > 1.0:
        return Refusal(Message.of("more was detected than the highest detection allows"))
    return SetBounds(
        low=low, high=min(1.0, high), set_low=min(1.0, float(few.mean())), set_high=min(1.0, float(many.mean()))
    )


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
