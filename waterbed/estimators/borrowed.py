"""Shares of many groups, each of which borrows from all: for the study's own people alone.

How alike outcomes are, and where shares lie, is estimated for all groups together, so that a group with a handful of
outcomes has a share, too. Such a share leans on other groups: it says where to look, and proves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.calendar_time import BLOCK_H
from waterbed.estimators.cluster_shares import pooled_correlation, shrunk_correlation

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

FEWEST_GROUPS: Final = 10
"""Groups with outcomes below which nothing can be borrowed."""
NEAR: Final = 0.5
"""Units of log-likelihood that a prior may fall behind the best one: a standard error, if there is one parameter."""
NEAR_OF_NAMES: Final = 0.12
"""The same for the error of a name, which the group's own outcomes guard already."""
WEEK_H: Final = 168.0
"""Length of the longer blocks, which count where they show more dependence than those of BLOCK_H."""
SHOWN: Final = 1.645
"""Standard normal quantile of 95%."""
_MEANS: Final = np.linspace(0.02, 0.98, 33)
_OUTCOMES: Final = np.geomspace(0.5, 1_000.0, 18)
"""Means of the priors that are tried, and the outcomes that each is worth."""
_A: Final[Floats] = np.outer(_MEANS, _OUTCOMES).ravel()
_B: Final[Floats] = np.outer(1.0 - _MEANS, _OUTCOMES).ravel()
_NAMING: Final = np.ix_(np.arange(0, _MEANS.size, 2), np.arange(0, _OUTCOMES.size, 2))
_NA: Final[Floats] = np.outer(_MEANS, _OUTCOMES)[_NAMING].ravel()
_NB: Final[Floats] = np.outer(1.0 - _MEANS, _OUTCOMES)[_NAMING].ravel()
"""A quarter of them, for priors of several parts."""
_SIZES: Final = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_PARTS: Final = tuple(
    (max(0.0, 1.0 - level - slow), level, slow) for level in _SIZES for slow in _SIZES if level + slow < 1.0 + 1e-9
)
"""Parts of the groups that have a share of the beta distribution, at the norm itself, and anywhere below it."""
_ALL_AT_THE_NORM: Final = _PARTS.index((0.0, 1.0, 0.0))
_LEAST: Final = 1e-9
_TINY: Final = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Borrowed:
    """Shares of groups that borrow from each other; one entry for each group.

    `worst` and `best` are posterior means if what is open is taken as no hit, or as a hit, and `low` to `high` holds
    both. Of the best case: `number` is what the outcomes are worth in independent ones; `p` is one-sided, of the
    group's outcomes alone, and small where its share lies below the norm; `error` is the probability that its expected
    share reaches the norm, given all groups; `named` are those below it by both. All are nan, or False, for a group
    without an outcome; `p`, `error` and `named` also where there is no norm.
    """

    number: Floats
    worst: Floats
    best: Floats
    low: Floats
    high: Floats
    p: Floats
    error: Floats
    named: Bools


def borrowed_shares(
    surely: npt.ArrayLike,
    possibly: npt.ArrayLike,
    group: npt.ArrayLike,
    labels: Sequence[npt.ArrayLike],
    groups: int,
    *,
    if_shown: Sequence[npt.ArrayLike] = (),
    norm: float | None = None,
    rate: float = 0.05,
    level: float = 0.95,
) -> Borrowed | None:
    """Estimate the share of each group from its own outcomes and those of all.

    Outcome i belongs to group `group[i]`, of 0 to `groups` - 1; it was surely a hit, or possibly. Each of `labels`
    gives every outcome a number; outcomes of a group that have the same may depend on each other, by labels of
    `if_shown` where outcomes show it (`effective_numbers`).

    - Shares of groups follow a beta distribution; a group's hits are binomial in what its outcomes are worth. The
      interval is from the least to the largest quantile of the posteriors of all priors whose marginal log-likelihood
      (`log_likelihoods`) lies within NEAR of the best (parametric empirical Bayes: Morris, Journal of the American
      Statistical Association 78, 1983; intervals from the likelihood: Hudson, JRSS B 33, 1971).
    - A group is named where its own outcomes reject the norm (p up to `rate`, exact binomial: Clopper and Pearson,
      Biometrika 26, 1934; for a number that need not be whole Korn and Graubard, Survey Methodology 24, 1998), and is
      among those with the least `error` whose mean is at most `rate` (Newton, Noueiry, Sarkar and Ahlquist,
      Biostatistics 5, 2004). The error is the largest of all priors within NEAR_OF_NAMES, of which parts may lie at the
      norm itself and below it (`largest_errors`): groups just above the norm cannot be told from it.

    None below FEWEST_GROUPS groups with an outcome. Raises ValueError for lengths, groups or a norm that cannot be.
    """
    sure, most = np.asarray(surely, dtype=float), np.asarray(possibly, dtype=float)
    of = np.asarray(group, dtype=np.int64)
    always, tested_labels = ([np.asarray(label, dtype=np.int64) for label in some] for some in (labels, if_shown))
    if not all(values.shape == sure.shape for values in (most, of, *always, *tested_labels)) or sure.ndim != 1:
        raise ValueError("each outcome has two cases, a group, and a number by each label")
    if (of < 0).any() or (of >= groups).any() or (sure > most).any():
        raise ValueError("groups are numbered from 0, and what was surely a hit was possibly one")
    if not 0.0 < rate < 1.0 or not 0.0 < level < 1.0 or (norm is not None and not 0.0 < norm < 1.0):
        raise ValueError("norm, rate and level lie between 0 and 1")
    some = np.bincount(of, minlength=groups) > 0
    if some.sum() < FEWEST_GROUPS:
        return None
    indices = np.cumsum(some) - 1
    best = _Case.of(most, indices[of], always, tested_labels, level)
    worst = best if np.array_equal(sure, most) else _Case.of(sure, indices[of], always, tested_labels, level)
    borrowed = Borrowed(
        number=_spread(best.numbers, some),
        worst=_spread(np.minimum(worst.mean, best.mean), some),
        best=_spread(np.maximum(worst.mean, best.mean), some),
        low=_spread(np.minimum(worst.low, best.low), some),
        high=_spread(np.maximum(worst.high, best.high), some),
        p=np.full(groups, np.nan),
        error=np.full(groups, np.nan),
        named=np.zeros(groups, dtype=bool),
    )
    if norm is not None:
        p = own_p(best.hits, best.numbers, norm)
        error = largest_errors(best.hits, best.numbers, norm)
        borrowed.p[some], borrowed.error[some] = p, error
        borrowed.named[some] = listed(error, p <= rate, rate)
    return borrowed


def blocks(at_h: npt.ArrayLike, length_h: float = BLOCK_H) -> Ints:
    """The calendar block of some hours in which each report lies, from the first report on."""
    hours = np.asarray(at_h, dtype=float)
    return ((hours - hours.min(initial=np.inf)) / length_h).astype(np.int64) if hours.size else np.zeros(0, np.int64)


def effective_numbers(hits: Floats, group: Ints, labels: Sequence[Ints], if_shown: Sequence[Ints] = ()) -> Floats:
    """The number of independent outcomes that each group's own are worth.

    A group's outcomes with one number of a label are a cluster. The number is the least over labels of (sum m)^2 /
    sum m (1 + (m - 1) r) for clusters of m (Kish, Survey Sampling, 1965, section 8.2). r is the intra-cluster
    correlation of that label pooled over all groups, with one standard error added, or what a group's own outcomes show
    beyond chance, if that is more (`shrunk_correlation`): hosters need not be alike. It is 1 where nothing shows it.
    A label of `if_shown` counts only where it shows dependence of its own (`is_shown`): one with few values for each
    group would make independent outcomes look worth much less than they are.
    """
    members = np.bincount(group).astype(float)
    numbers = members.copy()
    for label in (*labels, *(label for label in if_shown if is_shown(hits, group, label, labels))):
        pairs, cluster = np.unique(np.column_stack([group, label]), axis=0, return_inverse=True)
        owner, indices = pairs[:, 0], cluster.reshape(-1)
        sizes, sums = np.bincount(indices).astype(np.float64), np.bincount(indices, hits)
        ends = np.searchsorted(owner, np.arange(1, members.size))
        counted = list(zip(np.split(sums, ends), np.split(sizes, ends), strict=True))
        pooled = pooled_correlation(counted)
        least = min(1.0, pooled.value + pooled.error) if pooled.freedom else 1.0
        r = np.array([max(least, _own_correlation(x, m)) for x, m in counted])[owner]
        numbers = np.minimum(numbers, members**2 / np.bincount(owner, sizes * (1.0 + (sizes - 1.0) * r)))
    return numbers


def _own_correlation(hits: npt.ArrayLike, sizes: npt.ArrayLike) -> float:
    """The likeness that a group shows beyond chance; one of one cluster, or all of one outcome, shows none."""
    x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    return shrunk_correlation(x, m) if m.size > 1 and 0.0 < x.sum() < m.sum() else 0.0


def is_shown(hits: Floats, group: Ints, label: Ints, other_labels: Sequence[Ints]) -> bool:
    """Test if outcomes of a group with the same label are more alike than chance and other labels make them.

    Standardised residuals of pairs of a group that share the label, and none of the other labels, have a mean product
    that is SHOWN standard errors or more above 0. The error is the jackknife's, without one group at a time.
    """
    members = np.bincount(group).astype(float)
    share = np.bincount(group, hits) / members
    spread = np.maximum(share * (1.0 - share), _LEAST)[group]
    residual = (hits - share[group]) / np.sqrt(spread)
    products, pairs = np.zeros(members.size), np.zeros(members.size)
    # those that share none of the others: all, less those that share one, and again those that share two, ...
    for taken in product((False, True), repeat=len(other_labels)):
        columns = [group, label, *(other for other, its in zip(other_labels, taken, strict=True) if its)]
        cells, indices = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
        sign, owner = (-1) ** sum(taken), cells[:, 0]
        products += sign * np.bincount(owner, np.square(np.bincount(indices.reshape(-1), residual)), members.size)
        pairs += sign * np.bincount(owner, np.square(np.bincount(indices.reshape(-1)).astype(float)), members.size)
    some = pairs > 0.5
    if some.sum() < 2:
        return False
    without = (products.sum() - products[some]) / np.maximum(pairs.sum() - pairs[some], 1.0)
    error = np.sqrt((without.size - 1) / without.size * np.square(without - without.mean()).sum())
    return bool(products.sum() / pairs.sum() >= SHOWN * error)


def log_likelihoods(hits: Floats, numbers: Floats, a: Floats, b: Floats) -> Floats:
    """Log-likelihood of each group under each beta prior, priors x groups; the binomial coefficient is left out.

    log B(a + x, b + n - x) - log B(a, b), of a beta-binomial's x hits of n, which need not be whole (Griffiths,
    Biometrics 29, 1973).
    """
    prior, other = a[:, None], b[:, None]
    likelihoods: Floats = scipy.special.betaln(prior + hits, other + numbers - hits) - scipy.special.betaln(
        prior, other
    )
    return likelihoods


def quantiles(hits: Floats, numbers: Floats, a: Floats, b: Floats, level: float) -> tuple[Floats, Floats]:
    """The least lower and the largest upper end of each group's posterior intervals under some beta priors."""
    after, other, tail = a[:, None] + hits, b[:, None] + numbers - hits, (1.0 - level) / 2
    low: Floats = scipy.special.betaincinv(after, other, tail).min(axis=0)
    high: Floats = scipy.special.betaincinv(after, other, 1.0 - tail).max(axis=0)
    return low, high


class _Case(NamedTuple):
    """The shares of all groups, if what is open is taken in one way."""

    hits: Floats
    numbers: Floats
    mean: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, outcomes: Floats, group: Ints, labels: Sequence[Ints], shown: Sequence[Ints], level: float) -> "_Case":
        numbers = effective_numbers(outcomes, group, labels, shown)
        hits = np.bincount(group, outcomes) / np.bincount(group) * numbers
        likelihood = log_likelihoods(hits, numbers, _A, _B).sum(axis=1)
        best = int(np.argmax(likelihood))
        near = likelihood >= likelihood[best] - NEAR
        low, high = quantiles(hits, numbers, _A[near], _B[near], level)
        return cls(hits, numbers, (_A[best] + hits) / (_A[best] + _B[best] + numbers), low, high)


def own_p(hits: Floats, numbers: Floats, norm: float) -> Floats:
    """Probability of so few hits, or fewer, at the norm; 1 where all are hits."""
    tail = scipy.special.betainc(np.maximum(numbers - hits, _LEAST), hits + 1.0, 1.0 - norm)
    return np.where(hits < numbers, tail, 1.0)


def largest_errors(hits: Floats, numbers: Floats, norm: float) -> Floats:
    """The largest probability of each group that its share reaches the norm, over all near priors.

    A prior has three parts, of any sizes: a beta distribution, the norm itself, and uniform below the norm. Without the
    last a lone slow group among good ones could but be called one at the norm with bad luck.
    """
    beta = log_likelihoods(hits, numbers, _NA, _NB)
    at_norm = hits * np.log(norm) + (numbers - hits) * np.log1p(-norm)
    after, other = hits + 1.0, numbers - hits + 1.0
    with np.errstate(divide="ignore"):
        low = np.log(scipy.special.betainc(after, other, norm)) + scipy.special.betaln(after, other) - np.log(norm)
    most = np.maximum(np.maximum(beta.max(axis=0), at_norm), low)
    beta, at_norm, low = np.exp(beta - most), np.exp(at_norm - most), np.exp(low - most)
    likelihood = np.array(
        [
            np.log(np.maximum(rest * beta + level * at_norm + slow * low, _TINY)).sum(axis=1)
            for rest, level, slow in _PARTS
        ]
    )
    near = likelihood >= likelihood.max() - NEAR_OF_NAMES
    if near[_ALL_AT_THE_NORM].any():
        return np.ones_like(hits)
    errors = np.zeros_like(hits)
    for (rest, level, slow), its in zip(_PARTS, near, strict=True):
        if its.any():
            under = scipy.special.betainc(_NA[its][:, None] + hits, _NB[its][:, None] + numbers - hits, norm)
            total = np.maximum(rest * beta[its] + level * at_norm + slow * low, _TINY)
            error = 1.0 - (rest * beta[its] * under + slow * low) / total
            errors = np.maximum(errors, error.max(axis=0))
    return errors


def listed(error: Floats, eligible: Bools, rate: float) -> Bools:
    """The eligible groups with the least errors whose mean is at most the rate; equal ones all, or none."""
    ordered = np.sort(error[eligible])
    means = np.cumsum(ordered) / np.arange(1, ordered.size + 1)
    enough = ordered.searchsorted(error, side="right")
    return eligible & (np.append(1.0, means)[enough] <= rate)


def _spread(values: Floats, some: Bools) -> Floats:
    spread = np.full(some.shape, np.nan)
    spread[some] = values
    return spread
