"""Concentration of the hops' destinations, with intervals."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from waterbed.estimators.cluster_shares import worth
from waterbed.estimators.refusal import Refusal, too_few
from waterbed.estimators.survival.incidence import share_interval
from waterbed.estimators.trend import percentile_interval
from waterbed.graphs.network.moves import Floats, Ints, Moves
from waterbed.model.message import Count, Message

_GROUPS = 1000
"""Contents are resampled in so many random groups at most, which has the same variance and is much quicker (Wolter,
Introduction to Variance Estimation, 2007, chapter 2)."""
_ROUNDING = 1e-9
_TAIL = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """Concentration of destinations.

    `hhi` is the sum of squared shares of all destinations (Herfindahl and Hirschman), `between` the probability that
    two hops of different contents have the same destination, `effective` 1 / between, `top` the share of the `leading`
    keys. Intervals are at 95%, of resampled contents; a refusal where there are too few contents, or no two agree.
    """

    hops: float
    contents: int
    hhi: float
    between: float
    between_interval: tuple[float, float] | Refusal
    effective: float
    top: float
    top_interval: tuple[float, float] | Refusal
    leading: tuple[str, ...]


def concentration(
    moves: Moves, rng: np.random.Generator, *, certain: bool = False, top: int = 5, resamples: int = 400
) -> Concentration:
    """Return the concentration of destinations, with intervals.

    Over hops that may be displacement, or the certain ones. With x_c the destinations of content c and n_c its hops,
    `between` is (|sum x|^2 - sum |x_c|^2) / ((sum n)^2 - sum n_c^2): hops of one content are not independent, and the
    plain index is too high where hops are few. A resample draws contents with replacement and never compares one with
    its own double. Where all contents agree none differs, and the lower end of `between` is that of which all n agree
    in 2.5%: sum p^n is at most (sum p^2)^(n/2), so it is 0.025^(2/n) (as Clopper and Pearson, Biometrika 26, 1934). The
    interval of `top` is at least that of a share of as many contents as the hops are worth. The top keys are those of
    the data; that they were chosen by it makes `top` somewhat too high.
    """
    selected = moves.certain if certain else moves.possible
    _, content = np.unique(moves.content[selected], return_inverse=True)
    number = int(content.max(initial=-1)) + 1
    shape = (number, max(len(moves.keys), 1))
    counts = csr_array((moves.weight[selected], (content, moves.destination[selected])), shape=shape)
    counts.sum_duplicates()
    total = np.asarray(counts.sum(axis=0), np.float64)
    leading = np.argsort(-total, kind="stable")[:top]
    leading = leading[total[leading] > 0]
    grouped = _grouped(counts, rng)
    between, share = _alike(grouped, leading, np.ones((grouped.counts.shape[0], 1)))
    refused = too_few(number, Message.of("{contents} that moved", contents=Count(number, "content")))
    draws = None if refused else _alike(grouped, leading, _resample_weights(grouped.counts.shape[0], rng, resamples))
    hops = float(total.sum())
    return Concentration(
        hops=hops,
        contents=number,
        hhi=float(np.square(total / hops).sum()) if hops else float("nan"),
        between=float(between[0]),
        between_interval=refused or _between(float(between[0]), number, draws[0] if draws else between),
        effective=float(1.0 / between[0]) if between[0] > 0 else float("nan"),
        top=float(share[0]),
        top_interval=refused or _top(float(share[0]), counts, draws[1] if draws else share),
        leading=tuple(moves.keys[index] for index in leading),
    )


class _Groups(NamedTuple):
    """Destinations of each group of contents; sums over its contents of |x_c|^2, n_c and n_c^2."""

    counts: csr_array
    own: Floats
    size: Floats
    squared: Floats


def _grouped(counts: csr_array, rng: np.random.Generator) -> _Groups:
    number = counts.shape[0]
    groups = min(number, _GROUPS)
    of = np.zeros(number, np.int64)
    of[rng.permutation(number)] = np.arange(number) % max(groups, 1)
    gather = csr_array((np.ones(number), (of, np.arange(number))), shape=(groups, number))
    size = np.asarray(counts.sum(axis=1), np.float64)
    squares = np.asarray(counts.multiply(counts).sum(axis=1), np.float64)
    return _Groups(csr_array(gather @ counts), gather @ squares, gather @ size, gather @ np.square(size))


def _resample_weights(groups: int, rng: np.random.Generator, resamples: int) -> Floats:
    return rng.multinomial(groups, np.full(groups, 1.0 / groups), size=resamples).T.astype(np.float64)


def _alike(grouped: _Groups, leading: Ints, times: Floats) -> tuple[Floats, Floats]:
    """`between` and the share of the leading keys, for each column of how often a group was drawn."""
    totals = grouped.counts.T @ times
    hops = grouped.size @ times
    with np.errstate(invalid="ignore", divide="ignore"):
        same = np.square(totals).sum(axis=0) - grouped.own @ np.square(times)
        between = same / (np.square(hops) - grouped.squared @ np.square(times))
        share = totals[leading].sum(axis=0) / hops
    return np.asarray(between, np.float64), np.asarray(share, np.float64)


def _between(value: float, contents: int, draws: Floats) -> tuple[float, float] | Refusal:
    low, high = percentile_interval(draws[np.isfinite(draws)])
    if high - low > _ROUNDING:
        return low, high
    if value < 1.0 - _ROUNDING:
        return Refusal(Message.of("no resample of the contents differs from another: they tell no interval"))
    return _TAIL ** (2.0 / contents), 1.0


def _top(value: float, counts: csr_array, draws: Floats) -> tuple[float, float]:
    low, high = percentile_interval(draws)
    ends = share_interval(min(1.0, value), worth(np.asarray(counts.sum(axis=1), np.float64), 1.0))
    return min(low, ends[0]), max(high, ends[1])
