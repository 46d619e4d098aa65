"""A test of whether a share stayed the same over time, and when it changed."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import hypot
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.calendar_time import (
    GAP_H,
    alike_by_label,
    cluster_variance,
    cosine_variance,
    days_of_reports,
    effective_number,
    freedom,
    numbered,
)
from waterbed.estimators.cluster_shares import NO_CORRELATION, Correlation, worth
from waterbed.estimators.refusal import LEAST_CLUSTERS, Refusal
from waterbed.estimators.stretches import log_likelihood, stretches
from waterbed.model.message import Message, Number

_NO_LABELS: Mapping[str, Sequence[Hashable]] = MappingProxyType({})
_NOTHING_POOLED: Mapping[str, Correlation] = MappingProxyType({})

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PART_DAYS: Final = 10.0
"""Days with reports before and after a change, below which it is not looked for.

A part of them may lie in the confidence set of the date, and a share needs a week of the rest.
"""
FEWEST_STRETCHES: Final = 4
"""Stretches of high and low shares that a part of the series shows, if it shows any, for a change to be claimed."""
FEW_UNKNOWN: Final = 0.15
"""Part of the outcomes that may be unknown for the stretches to be those of the others."""
PENALTY: Final = 1.5
"""Of a further stretch, in units of log(n), against twice the logarithm of the likelihood."""
SEARCHED_ABOVE: Final = 0.05
"""p above which nothing depends on the stretches, so they are not looked for."""
BLOCK_DAYS: Final = 5.0
BLOCKS: Final = (8, 12)
"""Length and number of the blocks through whose means a trend is fitted."""
STEEPEST: Final = 8.0
"""Change of a trend's logit over the series, at most: from 10 to 90% takes half of it. Steeper ones are steps."""
DATE_95: Final = 7.35
"""95% quantile of the likelihood ratio of a date: -2 log(1 - sqrt(0.95)) (Hansen, Econometrica 68, 2000, table I)."""

_TABLE: Final = ((29.6, 0.1), (40.1, 0.05), (52.2, 0.025), (68.6, 0.01), (84.6, 0.005), (121.9, 0.001))
"""Critical values of the statistic with their p (Shao and Zhang 2010, table 1, one dimension)."""
_DECADE: Final = 3.0
"""By how much the root of the statistic grows where p falls by ten, beyond the table: 2.5 to 3 in 2 million draws."""
_LEAST_P: Final = 1e-12


Date = tuple[float, float]
"""Two times in hours: reports up to the first were made before a change, those from the second on after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constancy:
    """The p of a constant share, and a 95% confidence set of the date of its change.

    p is 1 where the data show no change, or too few stretches of high and low shares to tell one from them. `date` is
    None where a trend fits as well as a step, so that the change may have been gradual, and where p is above
    SEARCHED_ABOVE.
    """

    p: float
    date: Date | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Series:
    """Outcomes in the order of their reports, in the worst and in the best case, with times in hours and sites.

    `labels` are the numbers of their values, by name, with the correlation of each over groups.
    """

    surely: Floats
    possibly: Floats
    at: Floats
    site: Ints
    labels: Mapping[str, tuple[Ints, Correlation]]

    @property
    def n(self) -> int:
        return int(self.at.size)

    def only(self, kept: npt.NDArray[np.bool_]) -> "_Series":
        """The series of some of the reports."""
        labels = {name: (of[kept], correlation) for name, (of, correlation) in self.labels.items()}
        return _Series(
            surely=self.surely[kept],
            possibly=self.possibly[kept],
            at=self.at[kept],
            site=self.site[kept],
            labels=labels,
        )

    def at_split(self, k: int, *, rises: bool) -> Floats:
        """The outcomes with the least change after the first k: the best case before a rise, the worst since."""
        earlier, since = (self.possibly, self.surely) if rises else (self.surely, self.possibly)
        return np.concatenate([earlier[:k], since[k:]])


def constancy(
    surely: npt.ArrayLike,
    possibly: npt.ArrayLike,
    at_h: npt.ArrayLike,
    cluster: npt.ArrayLike,
    *,
    known_dates: Sequence[Date] = (),
    labels: Mapping[str, Sequence[Hashable]] = _NO_LABELS,
    pooled: Mapping[str, Correlation] = _NOTHING_POOLED,
) -> Constancy | Refusal:
    """Test whether a share was constant over time.

    Report i, made at `at_h[i]`, of the site `cluster[i]`, has the outcome for sure where `surely[i]`, and may have it
    where `possibly[i]`; a change is one that all outcomes between worst and best case show. The null hypothesis is a
    stationary process. Its outcomes may depend on each other within sites, within one of the `labels` (by name one
    value for each report, None where it has none; `pooled` has their correlations over groups), and over time, if the
    series holds at least four stretches of that dependence. p is the larger of

    - that of the largest self-normalised CUSUM, whose normaliser heeds the change (Shao and Zhang, Journal of the
      American Statistical Association 105, 2010), or, twice the smaller of both, that of a trend of block means;
    - that of the difference of both parts by its variance over sites, or over values of a label, the largest of all
      dates (Miller and Siegmund, Biometrics 38, 1982).

    A desk that sleeps and wakes makes such changes all the time. So both parts are split into `stretches`; where
    these go up and down, each part must be as long as FEWEST_STRETCHES of them, else p is 1. Dates that are
    `known_dates` were known in advance. The parts of each are compared by what they are worth over time and sites
    (`effective_number`), with Student's t. p is the smallest of all tests times their number (Bonferroni); the search
    of all dates is one test. Refused where no date, looked for or given, has enough before and after it: LEAST_CLUSTERS
    sites, and PART_DAYS with reports or, if given, those of `effective_number`; this depends on report times and sites
    alone. Raises ValueError for unequal lengths or an outcome that is sure but not possible.
    """
    series = _in_order(surely, possibly, at_h, cluster, labels, pooled)
    tests = [test for date in known_dates if (test := _at_given(series, date)) is not None]
    if (test := _searched(series)) is not None:
        tests.append(test)
    if not tests:
        return Refusal(
            Message.of(
                "no date has {days} days of reports and {sites} sites before it, and as many after it",
                days=Number(PART_DAYS),
                sites=Number(LEAST_CLUSTERS),
            )
        )
    least = min(tests, key=lambda test: test.p)  # a given date before one looked for
    return replace(least, p=min(1.0, least.p * len(tests)))


def _searched(series: _Series) -> Constancy | None:
    """The test of all dates; None where there is none."""
    dates = _dates(series)
    if not dates.size:
        return None
    (statistic, rises), n = max((_normalised(series, dates, rises=rises), rises) for rises in (True, False)), series.n
    if statistic <= 0:
        return Constancy(p=1.0)
    fits = _fits(series, rises=rises)
    k = int(dates[np.argmax(fits[dates - 1])])
    outcomes = series.at_split(k, rises=rises)
    trend = _trend_p(outcomes, series.at, rises=rises)
    between = dates[0] / n, dates[-1] / n
    p = max(
        min(1.0, 2.0 * min(normalised_p(statistic), trend)),
        _p_over_sites(outcomes, series.site, k, between),
        *(_p_over_label(outcomes, *label, k, between) for label in series.labels.values()),
    )
    if p > SEARCHED_ABOVE:
        return Constancy(p=p)
    if not _one_change(series, outcomes, k, rises=rises):
        return Constancy(p=1.0)
    return Constancy(p=p, date=_date(series, outcomes, k, fits))


def _at_given(series: _Series, date: Date) -> Constancy | None:
    """The test of one date known in advance; None where a part is too small."""
    series = series.only((series.at <= date[0]) | (series.at >= date[1]))
    k = int((series.at <= date[0]).sum())
    if not 0 < k < series.n:
        return None
    rises = bool(_rise(series, rises=True)[k - 1] > 0)
    if _rise(series, rises=rises)[k - 1] <= 0:
        return Constancy(p=1.0)
    outcomes = series.at_split(k, rises=rises)
    angle, error, degrees = [], [], []
    for cut in (slice(k), slice(k, None)):
        effective = effective_number(
            outcomes[cut],
            series.at[cut],
            series.site[cut],
            labels={name: of[cut].tolist() for name, (of, _) in series.labels.items()},
            pooled={name: correlation for name, (_, correlation) in series.labels.items()},
        )
        if isinstance(effective, Refusal) or np.unique(series.site[cut]).size < LEAST_CLUSTERS:
            return None
        angle.append(effective.angle(float(outcomes[cut].mean())))
        error.append(effective.error)
        degrees.append(effective.freedom)
    p = float(2.0 * scipy.special.stdtr(min(degrees), -abs(angle[1] - angle[0]) / hypot(*error)))
    if p > SEARCHED_ABOVE:
        return Constancy(p=p)
    if not _one_change(series, outcomes, k, rises=rises):
        return Constancy(p=1.0)
    return Constancy(p=p, date=date)


def _in_order(
    surely: npt.ArrayLike,
    possibly: npt.ArrayLike,
    at_h: npt.ArrayLike,
    cluster: npt.ArrayLike,
    labels: Mapping[str, Sequence[Hashable]],
    pooled: Mapping[str, Correlation],
) -> _Series:
    low, high = np.asarray(surely, dtype=float), np.asarray(possibly, dtype=float)
    hours, site = np.asarray(at_h, dtype=float), np.unique(np.asarray(cluster), return_inverse=True)[1]
    if not low.shape == high.shape == hours.shape == site.shape or (low > high).any():
        raise ValueError("a test of constancy needs outcomes, sure ones possible, each with a time and a cluster")
    order = np.argsort(hours, kind="stable")
    of = {name: (numbered(values, site)[order], pooled.get(name, NO_CORRELATION)) for name, values in labels.items()}
    return _Series(surely=low[order], possibly=high[order], at=hours[order], site=site[order], labels=of)


def _dates(series: _Series) -> Ints:
    """Numbers of reports before each date at which a change is looked for."""
    hours, site, n = series.at, series.site, series.n
    first, last = np.zeros(n), np.zeros(n)
    first[np.unique(site, return_index=True)[1]] = 1
    last[n - 1 - np.unique(site[::-1], return_index=True)[1]] = 1
    days = np.concatenate([[0.0], np.cumsum(np.minimum(np.diff(hours), GAP_H))]) / 24.0
    k = np.arange(1, n)
    enough = (np.cumsum(first)[k - 1] >= LEAST_CLUSTERS) & (np.cumsum(last[::-1])[n - k - 1] >= LEAST_CLUSTERS)
    dates: Ints = k[enough & (days[k - 1] >= PART_DAYS) & (days[-1] - days[k] >= PART_DAYS) & (hours[k] > hours[k - 1])]
    return dates


def _normalised(series: _Series, dates: Ints, *, rises: bool) -> float:
    """The largest self-normalised CUSUM of a change in one direction, between worst and best case."""
    change = np.maximum(_rise(series, rises=rises)[dates - 1], 0.0)
    return float(normalised_cusum(change, (series.surely, series.possibly), dates).max())


def normalised_cusum(change: Floats, cases: Sequence[Floats], dates: Ints) -> Floats:
    """The self-normalised CUSUM of a change of the mean after the first k of n values, for each k of `dates`.

    (k (n - k) / n change)^2 n / (sum over t <= k of (S_t - t/k S_k)^2 + the same of the rest, backwards), S_t the sum
    of the first t values; of several cases the one with the largest normaliser.
    """
    n = cases[0].size
    spread = np.max([_bridges(case) for case in cases], axis=0)[dates - 1]
    spread += np.max([_bridges(case[::-1]) for case in cases], axis=0)[n - dates - 1]
    cusum: Floats = np.square(dates * (n - dates) / n * change) * n / np.maximum(spread, 1e-9)
    return cusum


def _bridges(values: Floats) -> Floats:
    """The sum over t <= k of (S_t - t/k S_k)^2, for each k."""
    sums, t = np.cumsum(values - values.mean()), np.arange(1.0, values.size + 1)
    slope = sums / t
    bridges: Floats = np.cumsum(np.square(sums)) - 2 * slope * np.cumsum(t * sums) + slope**2 * np.cumsum(t * t)
    return np.maximum(bridges, 0.0)


def _hits(series: _Series, *, rises: bool) -> tuple[Floats, Floats]:
    """Outcomes among the first k and among the rest, k = 1 to n - 1, with the least change."""
    earlier, since = (series.possibly, series.surely) if rises else (series.surely, series.possibly)
    return np.cumsum(earlier)[:-1], np.cumsum(since[::-1])[:-1][::-1]


def _rise(series: _Series, *, rises: bool) -> Floats:
    """How much the share changed in that direction after the first k."""
    k, n = np.arange(1.0, series.n), series.n
    earlier, since = _hits(series, rises=rises)
    return (since / (n - k) - earlier / k) * (1.0 if rises else -1.0)


def normalised_p(statistic: float) -> float:
    """The p of a self-normalised CUSUM: that of the published table, log-linear in the root of the statistic."""
    roots = [0.0, *(float(np.sqrt(value)) for value, _ in _TABLE)]
    logs = [0.0, *(float(np.log10(p)) for _, p in _TABLE)]
    last = float(np.log10(_LEAST_P))
    roots.append(roots[-1] + (logs[-1] - last) * _DECADE)
    return float(10.0 ** np.interp(np.sqrt(max(statistic, 0.0)), roots, [*logs, last]))


def _fits(series: _Series, *, rises: bool) -> Floats:
    """Log-likelihood of two shares, one for the first k, k = 1 to n - 1; none where it changed the other way."""
    k, n = np.arange(1.0, series.n), series.n
    earlier, since = _hits(series, rises=rises)
    fits = log_likelihood(earlier, k) + log_likelihood(since, n - k)
    return np.where(_rise(series, rises=rises) > 0, fits, -np.inf)


def _trend_p(outcomes: Floats, hours: Floats, *, rises: bool) -> float:
    """Two-sided p of the slope through means of blocks of as many reports, 1 if it goes the other way.

    Means of few long blocks are nearly independent and normal however their outcomes depend on each other (Ibragimov
    and Mueller, Journal of Business and Economic Statistics 28, 2010).
    """
    count = int(np.clip(days_of_reports(hours) / BLOCK_DAYS, *BLOCKS))
    means = np.array([block.mean() for block in np.array_split(outcomes, count)])
    if not np.ptp(means) > 0:
        return 1.0
    correlated = float(np.clip(np.corrcoef(np.arange(count), means)[0, 1], -1.0, 1.0))
    if (correlated > 0) != rises:
        return 1.0
    # Student's t of a slope by its correlation; scipy.stats gives the same and takes a second to load
    t = abs(correlated) * np.sqrt((count - 2) / max(1.0 - correlated**2, 1e-300))
    return 2.0 * float(scipy.special.stdtr(count - 2, -t))


def _p_over_sites(outcomes: Floats, site: Ints, k: int, between: tuple[float, float]) -> float:
    """The p of the difference of both parts by its variance over sites, if k was chosen among all dates.

    For the largest |z| b of all dates after which a part between e and f of the reports follows: 4 phi(b)/b +
    phi(b) (b - 1/b) log(f (1 - e) / (e (1 - f))).
    """
    variance, degrees = [], []
    for part, cluster in ((outcomes[:k], site[:k]), (outcomes[k:], site[k:])):
        sites = np.unique(cluster).size
        variance.append(max(cluster_variance(part, cluster), _smoothed(part, sites) / part.size))
        degrees.append(sites - 1)
    return _p_of_largest(outcomes, k, variance, degrees, between)


def _p_over_label(outcomes: Floats, of: Ints, pooled: Correlation, k: int, between: tuple[float, float]) -> float:
    """The same by the values of a label, 0 where they show nothing.

    How alike they are is shown within the parts, so that a change makes none alike; where the parts show nothing since
    all their outcomes agree, by all together: customers who come one after the other make a change of their own.
    """
    counted = []
    for cut in (slice(k), slice(k, None), slice(None)):
        values = np.unique(of[cut], return_inverse=True)[1]
        sums, sizes = np.bincount(values, outcomes[cut]), np.bincount(values)
        correlation = alike_by_label(sums, sizes, pooled)
        counted.append((sizes, correlation if 0.0 < sums.sum() < sizes.sum() else None))
    *parts, (_, of_all) = counted
    within = [correlation for _, correlation in parts if correlation is not None] or [of_all or 0.0]
    if max(within) <= 0.0:
        return 0.0
    variance, degrees = [], []
    for part, (sizes, _) in zip((outcomes[:k], outcomes[k:]), parts, strict=True):
        if sizes.size < 2:
            return 1.0
        number = worth(sizes, max(within))
        variance.append(_smoothed(part, number) / number)
        degrees.append(sizes.size - 1)
    return _p_of_largest(outcomes, k, variance, degrees, between)


def _smoothed(part: Floats, number: float) -> float:
    """The variance of one outcome of a part that is worth so many."""
    share = float((part.mean() * number + 0.5) / (number + 1))
    return share * (1 - share)


def _p_of_largest(
    outcomes: Floats, k: int, variance: Sequence[float], degrees: Sequence[int], between: tuple[float, float]
) -> float:
    """The p of a difference of the means of both parts of such variances, the largest of all dates."""
    total = sum(variance)
    pooled = total**2 / sum(part_variance**2 / its for part_variance, its in zip(variance, degrees, strict=True))
    tail = float(scipy.special.stdtr(pooled, -abs(outcomes[k:].mean() - outcomes[:k].mean()) / np.sqrt(total)))
    b = -float(scipy.special.ndtri(max(tail, 1e-300)))
    if b <= 1:
        return 1.0
    least, most = between
    density = float(np.exp(-b * b / 2) / np.sqrt(2 * np.pi))
    return min(1.0, 4 * density / b + density * (b - 1 / b) * float(np.log(most * (1 - least) / (least * (1 - most)))))


def _one_change(series: _Series, outcomes: Floats, k: int, *, rises: bool) -> bool:
    """True unless the parts go up and down in stretches of which they hold fewer than FEWEST_STRETCHES.

    Few outcomes that nobody knows (FEW_UNKNOWN) are left out: one day of false reports would be a stretch.
    """
    is_known, site = series.surely == series.possibly, series.site
    if is_known.mean() >= 1.0 - FEW_UNKNOWN:
        outcomes, site, k = outcomes[is_known], site[is_known], int(is_known[:k].sum())
    penalty = PENALTY * float(np.log(outcomes.size))
    parts = [stretches(_of_sites(outcomes[cut], site[cut]), penalty) for cut in (slice(k), slice(k, None))]
    levels = [share for part in parts for share, _ in part]
    if all((b >= a) == rises or a == b for a, b in pairwise(levels)):
        return True
    lengths = [sum(length for _, length in part) for part in parts]
    mean_lengths = [length / len(part) for length, part in zip(lengths, parts, strict=True) if len(part) > 1]
    return not mean_lengths or min(lengths) >= FEWEST_STRETCHES * max(mean_lengths)


def _of_sites(outcomes: Floats, site: Ints) -> Floats:
    """Mean outcomes of reports that follow each other and are of one site."""
    run = np.concatenate([[0], np.cumsum(site[1:] != site[:-1])])
    return np.bincount(run, outcomes) / np.bincount(run)


def _date(series: _Series, outcomes: Floats, k: int, fits: Floats) -> Date | None:
    """The confidence set of the date; None where a trend fits as well.

    A step has one parameter more than a trend (Schwarz, Annals of Statistics 6, 1978).
    """
    if _trend_fit(outcomes, series.at) >= float(fits[k - 1]) - 0.5 * np.log(series.n):
        return None
    bound = DATE_95 * _inflation(series, outcomes, k) / 2.0
    inside = np.flatnonzero(fits >= float(fits.max()) - bound) + 1
    first, last = min(k, int(inside[0])), max(k, int(inside[-1]))
    return float(series.at[first - 1]), float(series.at[last])


def _trend_fit(outcomes: Floats, hours: Floats) -> float:
    """The log-likelihood of a line through the logits, no steeper than STEEPEST over the series."""
    time = (hours - hours[0]) / max(float(hours[-1] - hours[0]), 1e-9) - 0.5

    def unlikely(line: Floats) -> tuple[float, Floats]:
        logit = line[0] + line[1] * time
        off = scipy.special.expit(logit) - outcomes
        return float(np.logaddexp(0.0, logit).sum() - outcomes @ logit), np.array([off.sum(), off @ time])

    optimum = scipy.optimize.minimize(
        unlikely, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-STEEPEST, STEEPEST)] * 2
    )
    return -float(optimum.fun)


def _inflation(series: _Series, outcomes: Floats, k: int) -> float:
    """By how much dependence over sites or time exceeds the variance of both shares as if independent, 1 at least."""
    dependent, independent = np.zeros(2), 0.0
    for cut in (slice(k), slice(k, None)):
        part = outcomes[cut]
        terms = min(freedom(days_of_reports(series.at[cut])), part.size - 1)
        dependent += cluster_variance(part, series.site[cut]), cosine_variance(part, terms)
        independent += float(part.mean() * (1 - part.mean())) / part.size
    return max(1.0, float(dependent.max()) / independent) if independent > 0 else 1.0
