"""Displaced share under stated assumptions, with its sensitivity."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.detection import chapman
from waterbed.estimators.refusal import Refusal, too_few
from waterbed.model.message import Count, Message, Number

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

LEAST_BOTH: Final = 7
"""Fewest arrivals that both feeds reported, as for `detection.chapman`."""
LEAST_BORN: Final = 5
"""Fewest clusters of which a birth or a check tells an arrival's order."""
BORN: Final = (0.5, 1.0, 2.0)
"""How much more often births are known of moved content than of copies."""
ODDS: Final = (0.5, 1.0, 3.0)
"""Odds ratio of being in both feeds: above 1 if they copy, or find the same content easily."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Returns:
    """Ended units, and how their content was seen again.

    Arrays of units, and of units x sides; sides differ in detection. A side of a unit is at most one of `after`,
    `before` and `order_open`.
    """

    cluster: Ints
    back: Flags
    """Seen again on a way that is always detected, surely later."""
    after: Flags
    """Surely later."""
    before: Flags
    """Taken to have been there before."""
    near: Flags
    """Of these, born shortly before the end: the content may have come later."""
    order_open: Flags
    feeds: Ints
    """0: nothing seen; 1, 2: reported by the first or the second feed alone; 3: by both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Estimated share, its interval, and its range otherwise."""

    estimate: float
    low: float
    high: float
    least: float
    """Lowest end of an interval under any of the assumptions."""
    most: float
    """Highest such end."""
    detection: tuple[float, ...]
    """Detection on each side, as estimated or the middle of what was declared."""
    born: int
    """Arrivals whose order rests on a birth or a check."""
    of_open_order: int
    """Arrivals whose order is taken to be distributed like theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Assumed:
    born: float = 1.0
    odds: float = 1.0
    near_later: bool = False
    detection: tuple[float, ...] | None = None


def displaced_estimate(
    returns: Returns, *, detection: Sequence[tuple[float, float]] | None = None, level: float = 0.95
) -> Estimate | Refusal:
    """Estimate the share of units that moved.

    Each cluster counts once. It assumes that a name born while its content was known carries it from then on, that
    births are known as often of moved content as of copies, and that two feeds find arrivals independently, and alike
    on each side. With b the share back on a sure way, and a, p, o those seen on a side after, before and in open order,
    the share is

        b + sum over sides of (a + o A / (A + P)) / d,   A = sum a, P = sum p,

    d by Chapman's estimator (`detection.chapman`), one for all sides if fewer than `LEAST_BOTH` are in both feeds on
    any; or the middle of a declared range for each side. The interval is the t interval of a jackknife over clusters
    (Miller, Biometrika 61, 1974, 1-15) for the logarithm of the share, with as many degrees of freedom as clusters
    that were met again, or arrivals in both feeds if these are fewer, less one; and it holds the shares at either end
    of the interval of Chapman's estimator, for the jackknife tells nothing of it where one feed holds the other.
    `least` and `most` are the ends of all intervals under `BORN` (of all arrivals A / (A + r P) came later), `ODDS` (r
    n1 n2 / (n12 + 1) are in no feed, n1 and n2 in one alone: Gerritse, van der Heijden and Bakker, Journal of Official
    Statistics 31, 2015, 357-379) or both ends of declared ranges, and where names born shortly before the end count as
    later. Refuses below ten clusters, and where births or feeds are too few. ValueError for arrays that do not fit.
    """
    label = np.unique(returns.cluster, return_inverse=True)[1]
    sides = np.stack([returns.after, returns.before, returns.order_open]).astype(int)
    if returns.feeds.shape != returns.after.shape or (sides.sum(axis=0) > 1).any():
        raise ValueError("units x sides are needed, each at most one of after, before and open")
    if (returns.near & ~returns.before).any() or any(not 0 < low <= high <= 1 for low, high in detection or ()):
        raise ValueError("what is near must be before, and detection lie in 0..1, the lowest first")
    clusters = int(label.max(initial=-1)) + 1
    if refused := too_few(clusters, Message.of("{clusters}", clusters=Count(clusters, "cluster"))):
        return refused
    ordered = (returns.after | returns.before) & ~returns.back[:, None]
    if (born := np.unique(label[ordered.any(axis=1)]).size) < LEAST_BORN:
        return Refusal(
            Message.of(
                "births tell the order of arrivals from {clusters} where at least {least} are needed",
                clusters=Count(born, "cluster"),
                least=Number(LEAST_BORN),
            ),
            "births",
        )
    in_both = (returns.feeds == 3).sum(axis=0)
    if detection is None and in_both.sum() < LEAST_BOTH:
        return Refusal(
            Message.of(
                "{arrivals} are in both feeds where at least {least} are needed",
                arrivals=Count(in_both.sum(), "arrival"),
                least=Number(LEAST_BOTH),
            ),
            "feeds",
        )
    sums, pooled = _sums(returns, label, clusters), bool((in_both < LEAST_BOTH).any())
    missed = None if detection else _missed(sums.feeds[0], pooled, level)
    assumed = list(_assumptions(detection))
    met = np.unique(label[sides.any(axis=(0, 2)) | returns.back]).size
    quantile = float(scipy.special.stdtrit((met if detection else min(met, int(in_both.sum()))) - 1, (1 + level) / 2))
    intervals = [_interval(sums, assumption, pooled, quantile, missed) for assumption in assumed]
    value, low, high = intervals[0]
    return Estimate(
        estimate=value,
        low=low,
        high=high,
        least=min(low for _, low, _ in intervals),
        most=max(high for *_, high in intervals),
        detection=assumed[0].detection or tuple(_detection(sums.feeds, 1.0, pooled)[0].tolist()),
        born=int(ordered.sum()),
        of_open_order=int((returns.order_open & ~returns.back[:, None]).sum()),
    )


def _assumptions(detection: Sequence[tuple[float, float]] | None) -> Iterator[_Assumed]:
    """What is assumed, and then all that is held against it."""
    ends = [None] if detection is None else [tuple((a + b) / 2 for a, b in detection), *zip(*detection, strict=True)]
    yield _Assumed(detection=ends[0])
    for born, odds, near, each in product(BORN, ODDS if detection is None else (1.0,), (False, True), ends):
        yield _Assumed(born=born, odds=odds, near_later=near, detection=each)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sums:
    """Means over clusters (rows x sides) and arrivals by feeds (rows x sides x 4).

    The first row is of all clusters, each other one of all but one.
    """

    back: Floats
    after: Floats
    before: Floats
    near: Floats
    order_open: Floats
    feeds: Floats


def _sums(returns: Returns, label: npt.NDArray[np.intp], clusters: int) -> _Sums:
    size, new = np.bincount(label, minlength=clusters).astype(float), ~returns.back[:, None]
    count = np.append(clusters, np.full(clusters, clusters - 1.0))[:, None]

    def means(flags: Flags) -> Floats:
        each = np.stack([np.bincount(label, column, clusters) / size for column in flags.T.astype(float)], axis=1)
        averages: Floats = _without_each(each) / count
        return averages

    feeds = [np.bincount(4 * label + caught, minlength=4 * clusters).reshape(clusters, 4) for caught in returns.feeds.T]
    return _Sums(
        back=means(returns.back[:, None])[:, 0],
        after=means(returns.after & new),
        before=means(returns.before & new),
        near=means(returns.near & new),
        order_open=means(returns.order_open & new),
        feeds=_without_each(np.stack(feeds, axis=1).astype(float)),
    )


def _without_each(values: Floats) -> Floats:
    """The sum over the first axis, and the sums without one each."""
    total = values.sum(axis=0, keepdims=True)
    return np.concatenate([total, total - values])


def _interval(
    sums: _Sums, assumed: _Assumed, pooled: bool, quantile: float, missed: tuple[Floats, Floats] | None
) -> tuple[float, float, float]:
    """The share, and the ends of its interval.

    `missed` are the least and the most that both feeds missed on each side, for each arrival seen.
    """
    values = _share(sums, assumed, pooled)
    count = values.size - 1
    logs = np.log(np.maximum(values, 0.0) + 0.5 / count)
    error = float(np.sqrt((count - 1) / count * ((logs[1:] - logs[1:].mean()) ** 2).sum()))
    margin = error * quantile
    ends = [float(np.clip(np.exp(logs[0] + sign * margin) - 0.5 / count, 0.0, 1.0)) for sign in (-1, 1)]
    for part in missed or ():
        detection = tuple((1.0 / (1.0 + assumed.odds * part)).tolist())
        ends.append(min(1.0, float(_share(sums, replace(assumed, detection=detection), pooled)[0])))
    return min(1.0, float(values[0])), min(ends), max(ends)


def _share(sums: _Sums, assumed: _Assumed, pooled: bool) -> Floats:
    """The share in each row."""
    later = sums.near if assumed.near_later else np.zeros_like(sums.near)
    after, earlier = sums.after + later, sums.before - later
    a, p, o = (part.sum(axis=1) for part in (after, earlier, sums.order_open))
    of_all = a / np.maximum(a + assumed.born * p, 1e-300) * (a + p + o)
    of_open = np.clip((of_all - a) / np.maximum(o, 1e-300), 0.0, 1.0)
    if assumed.detection is None:
        seen = _detection(sums.feeds, assumed.odds, pooled)
    else:
        seen = np.broadcast_to(np.array(assumed.detection), after.shape)
    shares: Floats = sums.back + ((after + of_open[:, None] * sums.order_open) / np.maximum(seen, 1e-300)).sum(axis=1)
    return shares


def _missed(feeds: Floats, pooled: bool, level: float) -> tuple[Floats, Floats]:
    """The ends of how many both feeds missed on each side, for each arrival seen (sides x 4)."""
    ends = []
    for _, first, second, in_both in (feeds.sum(axis=0, keepdims=True) if pooled else feeds).astype(int).tolist():
        population = chapman(first + in_both, second + in_both, in_both, level=level)
        if isinstance(population, Refusal):
            raise ValueError("two feeds are asked only where enough arrivals are in both")
        ends.append([end / population.seen - 1.0 for end in (population.low, population.high)])
    least, most = np.broadcast_to(np.array(ends), (len(feeds), 2)).T
    return least, most


def _detection(feeds: Floats, odds: float, pooled: bool) -> Floats:
    """Detection on each side from arrivals by feeds (rows x sides x 4)."""
    if pooled:
        feeds = np.broadcast_to(feeds.sum(axis=1, keepdims=True), feeds.shape)
    first, second, in_both = (feeds[..., caught] for caught in (1, 2, 3))
    seen = first + second + in_both
    detection: Floats = seen / np.maximum(seen + odds * first * second / (in_both + 1.0), 1e-300)
    return detection
