"""The worth of shares whose outcomes share chance over time.

A hoster that works a queue off, or sleeps, decides on many reports at once: neither reports nor sites are independent.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.cluster_shares import (
    NO_CORRELATION,
    Correlation,
    beta_binomial,
    chance_of_alike,
    correlation,
    shrunk_correlation,
    worth,
)
from waterbed.estimators.refusal import Refusal
from waterbed.model.message import Message, Number

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_DAYS: Final = 7.0
"""Days with reports below which nothing is said of how a hoster works: one week, with its weekend."""
GAP_H: Final = 72.0
"""Hours that a longer gap between two reports counts as."""
STEP_H: Final = 8.0
"""Hours of one step of the series, in the rule for the degrees of freedom."""
LEAST_FREEDOM: Final = 5
BLOCK_H: Final = 36.0
"""Length of the calendar blocks that are counted by the outcomes that they hold."""
FEWEST_BLOCKS: Final = 5
"""Blocks with either outcome below which a share is worth no more than the blocks."""

ENOUGH_CLUSTERS: Final = 20
"""Clusters from which on a group's own variance over them counts, and degrees of freedom of a pooled correlation."""
FEW_CLUSTERS: Final = 10
"""Clusters below which a label is none to cluster by, unless outcomes show that it matters."""
LEVEL_OF_ALIKE: Final = 0.01
SURE_ERRORS: Final = 2.0
"""Standard errors beyond which a pooled correlation is not put down to chance."""
PAIRED_H: Final = 12.0
"""Length of the blocks between which outcomes are compared to find regimes."""
TIMES_TRIED: Final = 24
LONGEST_PART: Final = 6.0
"""The span over the longest time tried: a process of longer stretches, of which it holds three, shows none of them."""
_ROUNDING: Final = 1e-9
"""Part of all pairs up to which a sum over them is 0 but for rounding."""
SHOWN: Final = 2.6
"""Standardised score from which on outcomes show regimes; 1 to 4% of series of independent outcomes reach it."""
REGIMES_OF_TERM: Final = 3.0
"""Regimes for each cosine: dependence is then short against its period."""
LEAST_TERMS: Final = 4
FEWEST_REGIMES: Final = 4.0
"""Regimes in the time of the reports below which no interval holds, however wide."""
SITES: Final = "sites"
TIME: Final = "time"
REGIMES: Final = "regimes"
BURSTS: Final = "bursts"

_NO_LABELS: Mapping[str, Sequence[Hashable]] = MappingProxyType({})
_NOTHING_POOLED: Mapping[str, Correlation] = MappingProxyType({})


def days_of_reports(at_h: npt.ArrayLike) -> float:
    """Days that reports span, gaps beyond GAP_H counted as GAP_H."""
    gaps = np.diff(np.sort(np.asarray(at_h, dtype=float)))
    return float(np.minimum(gaps, GAP_H).sum()) / 24.0


def freedom(days: float) -> int:
    """Degrees of freedom for so many days of reports.

    The nearest whole number to 0.4 T^(2/3), T the steps of STEP_H, at least LEAST_FREEDOM (Lazarus, Lewis, Stock and
    Watson, Journal of Business and Economic Statistics 36, 2018, equation 4: the rule, with its coefficient).
    """
    return max(LEAST_FREEDOM, int(0.4 * (days * 24.0 / STEP_H) ** (2.0 / 3.0) + 0.5))


def cosine_variance(values: npt.ArrayLike, terms: int) -> float:
    """Variance of the mean of a series, equal-weighted cosine.

    1/(n B) sum over j = 1..B of (sqrt(2/n) sum over t of x_t cos(pi j (t - 1/2) / n))^2: Student's t with B degrees of
    freedom holds for the mean if dependence is short against n/B (Lazarus et al. 2018; Mueller, Journal of Econometrics
    141, 2007). Raises ValueError unless 1 <= B < n.
    """
    x = np.asarray(values, dtype=float)
    if not 1 <= terms < x.size:
        raise ValueError(f"a series of {x.size} gives no variance by {terms} cosines")
    waves = scipy.fft.dct(x - x.mean(), type=2)[1 : terms + 1] / np.sqrt(2.0 * x.size)
    return float(np.square(waves).mean()) / x.size


def cluster_variance(values: npt.ArrayLike, cluster: npt.ArrayLike) -> float:
    """Variance of a mean over clusters of any sizes, linearised.

    G/(G-1) sum of squared residual sums / n^2 (Liang and Zeger, Biometrika 73, 1986). Raises ValueError below two
    clusters.
    """
    x = np.asarray(values, dtype=float)
    _, member = np.unique(np.asarray(cluster), return_inverse=True)
    sums = np.bincount(member, x - x.mean())
    if sums.size < 2:
        raise ValueError("a variance needs two clusters")
    return float(np.square(sums).sum()) / x.size**2 * sums.size / (sums.size - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The worth of a share in independent outcomes.

    `freedom` are the degrees of freedom of its error: those over time, or fewer where a label that binds has fewer.
    `binding` names the dependence that makes it the least: SITES, TIME, REGIMES, BURSTS or a label. `sites` is what the
    share would be worth if its sites were independent of each other, `regimes` how many stretches of one way of working
    the outcomes show, inf for one way.
    """

    number: float
    freedom: int
    binding: str = ""
    sites: float = np.inf
    regimes: float = np.inf

    @property
    def error(self) -> float:
        """Standard error of arcsin sqrt of the share.

        Studentised by it, the deviation follows Student's t.
        """
        return 0.5 / float(np.sqrt(self.number / _student(self.freedom, 0.95)))

    def angle(self, share: float) -> float:
        """The share as arcsin sqrt, drawn in a little so that its error holds near 0 and 1, too.

        arcsin sqrt((n s + 3/8) / (n + 3/4)) for a share s that is worth n before Student's correction (Anscombe,
        Biometrika 35, 1948).
        """
        n = 0.25 / self.error**2
        return float(np.arcsin(np.sqrt((n * share + 0.375) / (n + 0.75))))

    def together(self, sites: float) -> float:
        """The worth if decisions are made for so many sites at once.

        `sites` is the number for a typical site, the mean over sites of how many share its decision: customers of
        1 and 9 sites make (1 + 81)/10 = 8.2. No larger than `number`; 0.5 at least. Raises ValueError below 1.
        """
        if not sites >= 1.0:
            raise ValueError("a decision is made for one site or more")
        return max(0.5, min(self.number, self.sites / sites))


def effective_number(
    hits: npt.ArrayLike,
    at_h: npt.ArrayLike,
    cluster: npt.ArrayLike,
    *,
    labels: Mapping[str, Sequence[Hashable]] = _NO_LABELS,
    pooled: Mapping[str, Correlation] = _NOTHING_POOLED,
    level: float = 0.95,
    drifts: bool = False,
) -> Worth | Refusal:
    """Number of independent outcomes that a share is worth.

    `hits` are true where report i had the outcome, `at_h` its time, `cluster` its site. Jeffreys' interval for so many
    (`share_interval`) holds the expected share over repetitions of the process, for these reports and sites, where
    outcomes depend within sites, within one of the `labels`, and for some days over time. It is the least of the
    numbers that give

    - the intra-cluster correlation of sites (`worth`), which holds for few large sites, too;
    - the variance over sites, which heeds that large sites fare otherwise, and Student's t;
    - each label, by name one value for each report, None where it has none (`_by_label`); `pooled` has the
      correlation of a label over all groups, where it is known;
    - the variance over time: outcomes in the order of their reports, by cosines (`cosine_variance`), and Student's t;
    - regimes, where outcomes show any (`regimes`); with `drifts` only where they do so around a steady trend, too: a
      hoster that becomes quicker week by week is no process that alternates.

    A number n with v degrees of freedom counts as n (z/t)^2 (Korn and Graubard, Survey Methodology 24, 1998). Rare
    bursts give no variance to rely on: where fewer than FEWEST_BLOCKS blocks of BLOCK_H hold either outcome, the share
    is worth at most the blocks with reports. Refused below LEAST_DAYS of reports, by their times alone: outcomes may
    widen an interval, never refuse it. Raises ValueError for unequal lengths or no report.
    """
    x, hours = np.asarray(hits, dtype=float), np.asarray(at_h, dtype=float)
    names, member = np.unique(np.asarray(cluster), return_inverse=True)
    if x.shape != hours.shape or x.shape != member.shape or not x.size:
        raise ValueError("an effective number needs outcomes, each with a time and a cluster")
    days = days_of_reports(hours)
    if days < LEAST_DAYS:
        return Refusal(
            Message.of(
                "reports span {days} where at least {least} are needed",
                days=Number(days, "day", decimals=1),
                least=Number(LEAST_DAYS),
            ),
            "days",
        )
    if names.size < 2:
        return Refusal(Message.of("all reports are of one site"), "sites")
    return _least(x, hours, member, labels, pooled, min(freedom(days), names.size - 1), level, drifts)


def _least(
    x: Floats,
    hours: Floats,
    member: Ints,
    labels: Mapping[str, Sequence[Hashable]],
    pooled: Mapping[str, Correlation],
    terms: int,
    level: float,
    drifts: bool,
) -> Worth:
    """The least of all numbers, by cosines of so many terms."""
    in_time = x[np.argsort(hours, kind="stable")]
    sizes = np.bincount(member)
    sites = worth(sizes, beta_binomial(np.bincount(member, x), sizes).correlation)
    bounds = [
        _Bound(sites, terms, SITES),
        _Bound(_by_variance(x, cluster_variance(x, member), sizes.size - 1, level), terms, SITES),
        _Bound(_by_variance(x, cosine_variance(in_time, terms), terms, level), terms, TIME),
    ]
    with_reports, fewest = _blocks(x, hours)
    if fewest < FEWEST_BLOCKS:
        bounds.append(_Bound(float(with_reports), terms, BURSTS))
    regime = regimes(x, hours, member)
    if regime and drifts and regimes(_around_trend(x, hours), hours, member) is None:
        regime = None
    if regime:
        terms = int(np.clip(round(regime.number / REGIMES_OF_TERM), min(LEAST_TERMS, terms), terms))
        bounds.append(_Bound(_by_variance(x, cosine_variance(in_time, terms), terms, level), terms, REGIMES))
        bounds.append(_Bound(1.0 / (1.0 / x.size + regime.alike / regime.number), terms, REGIMES))
    partitions = {member.tobytes()}
    for name, values in labels.items():
        of = numbered(values, member)
        if of.tobytes() in partitions:  # the sites again, or another label
            continue
        partitions.add(of.tobytes())
        for number, degrees in _by_label(x, of, pooled.get(name, NO_CORRELATION), level):
            bounds.append(_Bound(number, degrees, name))
    least = min(bounds)
    return Worth(
        number=max(0.5, least.number),
        freedom=min(terms, least.freedom),
        binding=least.name,
        sites=sites,
        regimes=regime.number if regime else np.inf,
    )


def _around_trend(x: Floats, hours: Floats) -> Floats:
    """A series without its steady trend, with the mean that it has."""
    since = hours - hours.mean()
    detrended: Floats = x - since * (since @ x) / (since @ since)
    return detrended


class _Bound(NamedTuple):
    """A number that a share is worth at most, the degrees of freedom of its error, and what makes it so."""

    number: float
    freedom: int
    name: str


def _by_variance(x: Floats, variance: float, degrees: int, level: float) -> float:
    """What a share is worth whose variance has so many degrees of freedom."""
    share = float(x.mean())
    spread = share * (1.0 - share)
    number = min(x.size, spread / variance) if variance > 0 and spread > 0 else float(x.size)
    return number * _student(degrees, level)


def _by_label(x: Floats, member: Ints, pooled: Correlation, level: float) -> Iterator[tuple[float, int]]:
    """What a share is worth by one label, with degrees of freedom.

    By their correlation (`alike_by_label`); from ENOUGH_CLUSTERS on by their variance, too, as sites are.
    """
    sizes, sums = np.bincount(member), np.bincount(member, x)
    intra_correlation = alike_by_label(sums, sizes, pooled)
    if intra_correlation is None:
        return
    degrees = sizes.size - 1
    yield worth(sizes, intra_correlation), degrees
    if worth(sizes, 1.0) >= ENOUGH_CLUSTERS and 0.0 < sums.sum() < x.size:
        yield _by_variance(x, cluster_variance(x, member), degrees, level), degrees


def alike_by_label(hits: npt.ArrayLike, sizes: npt.ArrayLike, pooled: Correlation = NO_CORRELATION) -> float | None:
    """The intra-cluster correlation of a label that counts for a group, 0..1.

    Values of a label count as so many as give a mean of wholly alike clusters its variance (Kish). From
    ENOUGH_CLUSTERS on the correlation is their own. Of fewer, that and a variance say little, and make independent
    outcomes look worth much less than they are. Then the larger of two counts: that pooled over groups with one
    standard error added, and this group's own less what chance makes of it (`shrunk_correlation`). Below FEW_CLUSTERS
    the error is added only to a pooled correlation beyond SURE_ERRORS of them, and its own counts only beyond chance at
    LEVEL_OF_ALIKE. Outcomes that are all alike show no correlation: the pooled one counts, else 1. None for fewer than
    two values, and below FEW_CLUSTERS where nothing is known of it (`Worth.together`).
    """
    x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    if m.size < 2:
        return None
    clusters = worth(m, 1.0)
    has_enough, few = pooled.freedom >= ENOUGH_CLUSTERS, clusters < FEW_CLUSTERS
    intra_correlation = (
        pooled.value if few and pooled.value < SURE_ERRORS * pooled.error else pooled.value + pooled.error
    )
    intra_correlation = min(1.0, intra_correlation) if has_enough else 0.0
    if not 0.0 < x.sum() < m.sum():
        return intra_correlation if has_enough else None if few else 1.0
    if clusters >= ENOUGH_CLUSTERS:
        return correlation(x, m)
    if few:
        return max(intra_correlation, correlation(x, m) if chance_of_alike(x, m) < LEVEL_OF_ALIKE else 0.0)
    return max(intra_correlation, shrunk_correlation(x, m))


def numbered(values: Sequence[Hashable], member: Ints) -> Ints:
    """Labels as numbers in the order in which they come; a report without one has that of its site alone."""
    if len(values) != member.size:
        raise ValueError("a label has one value for each report")
    numbers: dict[Hashable, int] = {}
    return np.array(
        [
            numbers.setdefault((site,) if value is None else value, len(numbers))
            for value, site in zip(values, member.tolist(), strict=True)
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimes:
    """The number of times at which a process changed its way, as its outcomes show.

    `number` of stretches within the time of the reports, `alike` the correlation of outcomes in one of them.
    """

    number: float
    alike: float


def regimes(values: npt.ArrayLike, at_h: npt.ArrayLike, cluster: npt.ArrayLike) -> Regimes | None:
    """Estimate how many stretches of one way of working a series of outcomes holds.

    A process that alternates at random between two ways gives outcomes at different sites whose correlation falls off
    as exp(-lag/t). t and the correlation at lag 0 are fitted by least squares to the products of residuals of all
    pairs of reports at different sites, by the blocks of PAIRED_H that lie between them, allowing for the mean that
    was taken off. A report of a site of m counts 1/(1 + (m - 1) r), r the intra-cluster correlation of sites. Of
    TIMES_TRIED times, none above 1/LONGEST_PART of the span, t is the longest that fits as well as the best one but for
    half a unit of log-likelihood, a standard error. In T hours such a process changes its way 2 p (1 - p) T / t times
    (Cox and Miller, The Theory of Stochastic Processes, 1965, chapter 4), and its mean is worth T / (2 t) outcomes
    (Bayley and Hammersley, Supplement to the Journal of the Royal Statistical Society 8, 1946). None where the
    score of that correlation is below SHOWN, or where stretches are shorter than BLOCK_H.
    """
    x, hours = np.asarray(values, dtype=float), np.asarray(at_h, dtype=float)
    _, member = np.unique(np.asarray(cluster), return_inverse=True)
    share, length = float(x.mean()), float(hours.max() - hours.min())
    spread = share * (1.0 - share)
    if spread <= 0.0 or length < LONGEST_PART * BLOCK_H / 2:
        return None
    sizes = np.bincount(member)
    weight = (1.0 / (1.0 + (sizes - 1.0) * correlation(np.bincount(member, x), sizes)))[member]
    count = int(np.ceil(length / PAIRED_H))
    step = length / count
    block = np.minimum(((hours - hours.min()) / step).astype(np.int64), count - 1)
    products = _across(weight * (x - np.average(x, weights=weight)), member, block, count)
    pairs = _across(weight, member, block, count)
    times = np.geomspace(step / 2, length / LONGEST_PART, TIMES_TRIED)
    shape = np.exp(-np.arange(count) * step / times[:, None])
    shape -= (shape * pairs).sum(axis=1, keepdims=True) / pairs.sum()
    fit, norm = (shape * products).sum(axis=1) / spread, (np.square(shape) * pairs).sum(axis=1)
    informative = (
        norm > _ROUNDING * pairs.sum()
    )  # where all pairs lie equally far apart, they tell no time from another
    score = np.where(informative, np.maximum(fit, 0.0) / np.sqrt(np.where(informative, norm, 1.0)), 0.0)
    best = int(np.argmax(score))
    if score[best] < SHOWN or 2.0 * times[best] < BLOCK_H:
        return None
    longest = int(np.flatnonzero(np.square(score) >= score[best] ** 2 - 1.0)[-1])
    return Regimes(
        number=2.0 * spread * days_of_reports(hours) * 24.0 / float(times[longest]),
        alike=float(np.clip(fit[longest] / norm[longest], 0.0, 1.0)),
    )


def _across(values: npt.NDArray[np.floating[Any]], member: Ints, block: Ints, count: int) -> Floats:
    """Sums of products of values of two reports at different sites, by the blocks that lie between them."""
    waves = np.fft.rfft(np.bincount(block, values, count), 2 * count)
    sums: Floats = np.fft.irfft(np.square(np.abs(waves)), 2 * count)[:count]
    several = (np.bincount(member) > 1)[member]
    sums[0] -= float(np.square(values[~several]).sum())
    if several.any():
        rows, columns = np.unique(member[several], return_inverse=True)[1], block[several]
        of_site = scipy.sparse.csr_array((values[several], (rows, columns)), shape=(int(rows.max()) + 1, count))
        same = (of_site.T @ of_site).tocoo()
        lag = np.abs(same.row - same.col)
        sums -= np.bincount(lag, same.data, count) / np.where(np.arange(count), 2.0, 1.0)
    sums[0] /= 2.0  # within a block each pair was counted twice
    return sums


def _student(degrees: int, level: float) -> float:
    """(z / t)^2 at a level."""
    tail = (1.0 + level) / 2
    return float((scipy.special.ndtri(tail) / scipy.special.stdtrit(degrees, tail)) ** 2)


def _blocks(x: Floats, hours: Floats) -> tuple[int, int]:
    """Blocks with reports, and those with the outcome that fewer of them hold."""
    first, length = float(hours.min()), float(hours.max() - hours.min())
    count = max(2, round(length / BLOCK_H))
    block = np.minimum((count * (hours - first) / max(length, 1e-9)).astype(np.int64), count - 1)
    seen, hit = np.bincount(block, minlength=count), np.bincount(block, x, count)
    return int((seen > 0).sum()), int(min((hit > 0.5).sum(), (seen - hit > 0.5).sum()))


def least_batches(begin_h: npt.ArrayLike, end_h: npt.ArrayLike) -> int:
    """Fewest instants that could hold all events.

    Events lie in half-open (begin, end]. Greedy, by the earliest end: the least number of points that pierce all
    intervals (Gupta, Lee and Leung, Networks 12, 1982).
    """
    begin, end = np.asarray(begin_h, dtype=float), np.asarray(end_h, dtype=float)
    order = np.argsort(end, kind="stable")
    count, last = 0, -np.inf
    for low, high in zip(begin[order].tolist(), end[order].tolist(), strict=True):
        if low >= last:
            count, last = count + 1, high
    return count
