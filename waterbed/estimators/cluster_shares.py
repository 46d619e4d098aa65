"""Shares of clustered yes-or-no outcomes.

Beta-binomial likelihood, intra-cluster correlation, effective number and Cohen's kappa.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.refusal import Refusal
from waterbed.model.message import Message

Floats = npt.NDArray[np.float64]

_LEAST, _MOST = 1e-6, 1.0 - 1e-6
"""Bounds of mean and correlation, inside which the likelihood is finite."""
_GRID, _GRID_STEPS = 41, 5
"""Correlations tried at once, and Newton steps for the mean of each."""
_MOST_STEPS, _PARTS, _CLOSE = 50, (1.0, 0.5, 0.25, 0.1, 0.01), 1e-9
"""Most Newton steps from the best of them, parts of a step that are tried, and the gain below which it is the last."""


FEWEST_LEFT_OUT: Final = 10
"""Groups from which on the jackknife leaves out a group, not a cluster, at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaBinomial:
    """A mean share and its intra-cluster correlation, 0..1."""

    mean: float
    correlation: float


def beta_binomial(hits: npt.ArrayLike, sizes: npt.ArrayLike) -> BetaBinomial:
    """Fit mean and intra-cluster correlation to clusters of unequal size.

    Cluster c has hits_c of sizes_c, beta-binomial with mean p and intra-cluster correlation r (the beta's parameters
    are p(1-r)/r and (1-p)(1-r)/r), both by maximum likelihood (Williams, Biometrics 31, 1975). Where all clusters have
    one member the data do not determine the correlation: it is 0. Where all agree it is 1: no cluster has
    members that differ. Raises ValueError without a member, for more hits than members, or for parts of one.
    """
    x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    if x.shape != m.shape or not m.size or (x < 0).any() or (x > m).any() or not (m > 0).all():
        raise ValueError("a share needs clusters with members, and no more hits than members")
    if (x % 1).any() or (m % 1).any():
        raise ValueError("hits and members of a cluster are whole numbers")
    share = float(x.sum() / m.sum())
    if not (m > 1).any():
        return BetaBinomial(mean=share, correlation=0.0)
    if share in (0.0, 1.0):
        return BetaBinomial(mean=share, correlation=1.0)
    mean, correlation = _fitted(x, m, share)
    return BetaBinomial(mean=mean, correlation=correlation)


def worth(sizes: npt.ArrayLike, correlation: float) -> float:
    """Return the effective number of independent members.

    The plain share of all members is worth so many. (sum m)^2 / sum m (1 + (m - 1) r) for clusters of m members: their
    number over the design effect of a plain share (Kish, Survey Sampling, 1965, section 8.2).
    """
    m = np.asarray(sizes, dtype=float)
    return float(m.sum() ** 2 / (m * (1.0 + (m - 1.0) * correlation)).sum())


def ratio_error(hits: npt.ArrayLike, sizes: npt.ArrayLike, *, least_correlation: float = 0.0) -> float:
    """Return a share's standard error on the arcsine scale.

    Of arcsin sqrt(sum(hits) / sum(sizes)) over clusters. 0.5 / sqrt(n) with n what the share is worth (`worth`), and
    the intra-cluster correlation r from the analysis of variance, 1 where all agree (Ridout, Demetrio and Firth,
    Biometrics 55, 1999). On this scale the error does not depend on the share, so it is known where all clusters agree,
    too. Few clusters determine r and the error poorly: it is widened as Student's t is, by sqrt(v / (v - 2))
    with v one less than their number, at least 3, and r is not below `least_correlation`, what other groups show.
    `hits` need not be whole. Raises ValueError without a member.
    """
    x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    if not m.size or not (m > 0).all():
        raise ValueError("an error needs clusters with members")
    r = max(least_correlation, correlation(x, m))
    freedom = max(3, m.size - 1)
    student = np.sqrt(freedom / (freedom - 2))
    return 0.5 * float(student / np.sqrt(worth(m, r)))


def correlation(hits: npt.ArrayLike, sizes: npt.ArrayLike) -> float:
    """Return the intra-cluster correlation by the analysis of variance, 0..1.

    1 for one cluster, and where the members of each are alike; 0 where each has one (Ridout, Demetrio and Firth,
    Biometrics 55, 1999). `hits` need not be whole. Raises ValueError without a member.
    """
    x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    if not m.size or not (m > 0).all():
        raise ValueError("a correlation needs clusters with members")
    if m.size < 2 or m.sum() <= m.size:
        return 1.0 if m.size < 2 else 0.0
    return float(np.clip(_of_squares(_squares(x, m)[None])[0], 0.0, 1.0))


class Correlation(NamedTuple):
    """An intra-cluster correlation that groups share, 0..1, and its standard error.

    `freedom` are the clusters that it rests on, less their groups; 0 if nothing shows it.
    """

    value: float
    error: float
    freedom: int


NO_CORRELATION: Final = Correlation(0.0, 0.0, 0)


def pooled_correlation(groups: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]]) -> Correlation:
    """Return the intra-cluster correlation pooled over groups, by nested analysis of variance.

    Groups are (hits, sizes) of their clusters, which need not be whole. Squares between and within the clusters of a
    group, over the variance p(1 - p) of one member there, are each summed over groups, as are their degrees of freedom
    (clusters nested in groups: Searle, Casella and McCulloch, Variance Components, 1992; for shares
    Ridout, Demetrio and Firth, Biometrics 55, 1999). The error is the jackknife's (Efron and Stein, Annals of
    Statistics 9, 1981): without one group at a time where FEWEST_LEFT_OUT or more count, else without one cluster.
    Groups of one cluster, without a cluster of two, or whose members are all alike do not count.
    """
    informative = []
    for hits, sizes in groups:
        x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
        if m.size > 1 and (m > 1).any() and 0.0 < x.sum() < m.sum():
            informative.append((x, m))
    if not informative:
        return NO_CORRELATION
    squares = np.array([_squares(x, m) / _scale(x, m) for x, m in informative])
    total = squares.sum(axis=0)
    if len(informative) >= FEWEST_LEFT_OUT:
        without = total - squares
    else:
        without = np.concatenate(
            [
                total - square + _squares_without(x, m) / _scale(x, m)
                for (x, m), square in zip(informative, squares, strict=True)
            ]
        )
    left_out = _of_squares(without)
    spread = float(np.square(left_out - left_out.mean()).sum())
    return Correlation(
        value=max(0.0, float(_of_squares(total[None])[0])),
        error=sqrt(spread * (left_out.size - 1) / left_out.size),
        freedom=int(total[2]),
    )


def shrunk_correlation(hits: npt.ArrayLike, sizes: npt.ArrayLike) -> float:
    """Return the intra-cluster correlation of few clusters, less what chance alone makes of it.

    With F the ratio of the mean squares between and within clusters, F - 1 is shrunk towards 0 by its variance among
    independent members, 2/(k - 1) + 2/(n - k), as by the positive part of James and Stein's rule (Efron and Morris,
    Journal of the American Statistical Association 68, 1973): few clusters show a correlation only where it is
    beyond chance. 1 where all clusters agree. Raises ValueError without a member.
    """
    x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    if not m.size or not (m > 0).all():
        raise ValueError("a correlation needs clusters with members")
    if m.size < 2 or m.sum() <= m.size:
        return 1.0 if m.size < 2 else 0.0
    between, within, freedom, rest, typical = _squares(x, m)
    if within <= 0.0:
        return 1.0
    excess = between / freedom / (within / rest) - 1.0
    corrected = excess - (2.0 / freedom + 2.0 / rest) / excess if excess > 0.0 else 0.0
    return float(corrected / (corrected + typical / freedom)) if corrected > 0.0 else 0.0


def chance_of_alike(hits: npt.ArrayLike, sizes: npt.ArrayLike) -> float:
    """Return the p-value of clusters whose members are this much alike, if they are independent.

    By F, the ratio of the mean squares between and within clusters. 0 where the members of each are alike and clusters
    differ, 1 where no cluster has two members, or all members are alike. Raises ValueError without a member.
    """
    x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    if not m.size or not (m > 0).all():
        raise ValueError("a correlation needs clusters with members")
    if m.size < 2 or m.sum() <= m.size or not 0.0 < x.sum() < m.sum():
        return 1.0
    between, within, freedom, rest, _ = _squares(x, m)
    return float(scipy.special.fdtrc(freedom, rest, between / freedom / (within / rest))) if within > 0.0 else 0.0


def _squares(x: Floats, m: Floats) -> Floats:
    """Sums of squares between and within clusters, their degrees of freedom, and typical size times the first."""
    k, total, share = m.size, m.sum(), x.sum() / m.sum()
    return np.array(
        [
            m @ np.square(x / m - share),
            (x * (1.0 - x / m)).sum(),
            k - 1.0,
            total - k,
            total - np.square(m).sum() / total,
        ]
    )


def _scale(x: Floats, m: Floats) -> Floats:
    """The variance of one member, for the sums of squares alone."""
    share = float(x.sum() / m.sum())
    return np.array([share * (1.0 - share)] * 2 + [1.0] * 3)


def _squares_without(x: Floats, m: Floats) -> Floats:
    """The same without one cluster, a row for each."""
    hits, members, squares = x.sum() - x, m.sum() - m, np.square(m).sum() - np.square(m)
    return np.column_stack(
        [
            (x * x / m).sum() - x * x / m - np.square(hits) / members,
            (x * (1.0 - x / m)).sum() - x * (1.0 - x / m),
            np.full(m.size, m.size - 2.0),
            members - (m.size - 1.0),
            members - squares / members,
        ]
    )


def _of_squares(squares: Floats) -> Floats:
    """The correlation of each row of `_squares`, at most 1; below 0 where clusters are more alike than by chance."""
    between, within, freedom, rest, typical = squares.T
    none = np.zeros_like(between)
    among = np.divide(between, freedom, out=none.copy(), where=freedom > 0)
    inside = np.divide(within, rest, out=none.copy(), where=rest > 0)
    size = np.divide(typical, freedom, out=none.copy(), where=freedom > 0)
    spread = among + (size - 1.0) * inside
    correlations = np.divide(among - inside, spread, out=np.ones_like(between), where=spread > 0)
    return np.where(rest > 0, np.minimum(correlations, 1.0), 0.0)


def _fitted(x: Floats, m: Floats, start: float) -> tuple[float, float]:
    """Mean and correlation of the highest likelihood: the best of a grid, then Newton's method.

    A cluster of m with x hits has the likelihood prod_{i<x} (p(1-r) + ir) prod_{i<m-x} ((1-p)(1-r) + ir) /
    prod_{i<m} (1-r + ir) (Griffiths, Biometrics 29, 1973), whose logarithm is concave in p for each r.
    """
    counts = _more_than(x), _more_than(m - x), _more_than(m)
    ends = scipy.special.logit([_LEAST, _MOST])
    r = scipy.special.expit(np.linspace(ends[0], ends[1], _GRID))
    p = np.full(_GRID, start)
    for _ in range(_GRID_STEPS):
        slope = _slopes(p, r, *counts)
        # at most half-way to 0 or 1
        p = np.clip(p - slope.p / slope.pp, np.maximum(p / 2, _LEAST), np.minimum((1 + p) / 2, _MOST))
    best = int(np.argmax(_likelihood(p, r, *counts)))
    p, r = p[best : best + 1], r[best : best + 1]
    value = float(_likelihood(p, r, *counts)[0])
    for _ in range(_MOST_STEPS):
        slopes = _slopes(p, r, *counts)
        # where the likelihood is not concave, its slope still leads upwards
        determinant = slopes.pp * slopes.rr - slopes.pr**2
        concave = slopes.rr < 0 < determinant
        step_p = (slopes.pr * slopes.r - slopes.rr * slopes.p) / determinant if concave else -slopes.p / slopes.pp
        step_r = (
            (slopes.pr * slopes.p - slopes.pp * slopes.r) / determinant
            if concave
            else slopes.r / np.maximum(np.abs(slopes.rr), _LEAST)
        )
        for part in _PARTS:
            new_p, new_r = (np.clip(old + part * step, _LEAST, _MOST) for old, step in ((p, step_p), (r, step_r)))
            if (likelihood := float(_likelihood(new_p, new_r, *counts)[0])) > value:
                break
        else:
            break
        p, r, gained, value = new_p, new_r, likelihood - value, likelihood
        if gained < _CLOSE:
            break
    return float(p[0]), 0.0 if r[0] <= 2 * _LEAST else float(r[0])


def _more_than(counts: Floats) -> Floats:
    """The number of clusters with more than 0, 1, 2, ... of something."""
    return counts.size - np.cumsum(np.bincount(counts.astype(np.int64)))[:-1].astype(float)


def _likelihood(p: Floats, r: Floats, hits: Floats, misses: Floats, members: Floats) -> Floats:
    """The logarithm, for each pair of a mean and a correlation."""
    return sum(
        (
            sign * np.einsum("gi,i->g", np.log(base[:, None] + r[:, None] * np.arange(counts.size)), counts)
            for base, counts, sign in ((p * (1 - r), hits, 1), ((1 - p) * (1 - r), misses, 1), (1 - r, members, -1))
        ),
        np.zeros_like(p),
    )


class _Slopes(NamedTuple):
    """First and second derivatives of the log-likelihood."""

    p: Floats
    r: Floats
    pp: Floats
    pr: Floats
    rr: Floats


def _slopes(p: Floats, r: Floats, hits: Floats, misses: Floats, members: Floats) -> _Slopes:
    sums = [np.zeros_like(p) for _ in range(5)]
    for base, counts, sign in ((p, hits, 1.0), (1 - p, misses, -1.0)):
        i = np.arange(counts.size)
        inverse = 1 / ((base * (1 - r))[:, None] + r[:, None] * i)
        by_p, by_r = sign * (1 - r)[:, None] * inverse, (i - base[:, None]) * inverse
        # einsum, since threads of BLAS make so small a problem 30 times slower on a busy machine
        sums[0] += np.einsum("gi,i->g", by_p, counts)
        sums[1] += np.einsum("gi,i->g", by_r, counts)
        sums[2] -= np.einsum("gi,gi,i->g", by_p, by_p, counts)
        sums[3] -= np.einsum("gi,i->g", sign * inverse + by_p * by_r, counts)
        sums[4] -= np.einsum("gi,gi,i->g", by_r, by_r, counts)
    i = np.arange(members.size)
    by_r = (i - 1) / ((1 - r)[:, None] + r[:, None] * i)
    sums[1] -= np.einsum("gi,i->g", by_r, members)
    sums[4] += np.einsum("gi,gi,i->g", by_r, by_r, members)
    return _Slopes(*sums)


_NORMAL_95 = 1.959963984540054
_NO_SPREAD = 1e-12
"""Variance of one item's share of kappa below which it is 0 but for rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """Agreement beyond chance, -1..1, and its 95% interval.

    The interval is a refusal if the table gives none.
    """

    value: float
    interval: tuple[float, float] | Refusal


def cohen_kappa(table: Mapping[tuple[str, str], int]) -> Kappa | Refusal:
    r"""Return Cohen's kappa of a table, with its 95% interval.

    The table holds counts; the interval is the large-sample one.
    $\kappa = (p_o - p_e) / (1 - p_e)$ with $p_o = \sum_i p_{ii}$ and $p_e = \sum_i p_{i.} p_{.i}$ (Cohen, A coefficient
    of agreement for nominal scales, Educational and Psychological Measurement 20, 1960). Its standard error is
    $\sqrt{A + B - C} / ((1 - p_e) \sqrt{n})$ with $A = \sum_i p_{ii} (1 - (p_{i.} + p_{.i})(1 - \kappa))^2$,
    $B = (1 - \kappa)^2 \sum_{i \ne j} p_{ij} (p_{.i} + p_{j.})^2$ and $C = (\kappa - p_e (1 - \kappa))^2$ (Fleiss,
    Cohen and Everitt, Psychological Bulletin 72, 1969). Refused where both give everything one and the same
    code; the interval is refused where that error is 0: all agree, all differ, or one coder gives one code only. With
    few items it is too narrow.
    """
    n = sum(table.values())
    if not n:
        return Refusal(Message.of("no item is coded by two"))
    codes = sorted({code for pair in table for code in pair})
    share = {pair: count / n for pair, count in table.items()}
    row = {i: sum(share.get((i, j), 0.0) for j in codes) for i in codes}
    column = {j: sum(share.get((i, j), 0.0) for i in codes) for j in codes}
    expected = sum(row[i] * column[i] for i in codes)
    if expected >= 1.0 - 1e-12:
        return Refusal(Message.of("both coders give everything one and the same code"))
    kappa = (sum(share.get((i, i), 0.0) for i in codes) - expected) / (1 - expected)
    a = sum(share.get((i, i), 0.0) * (1 - (row[i] + column[i]) * (1 - kappa)) ** 2 for i in codes)
    b = (1 - kappa) ** 2 * sum(p * (column[i] + row[j]) ** 2 for (i, j), p in share.items() if i != j)
    c = (kappa - expected * (1 - kappa)) ** 2
    if (spread := a + b - c) < _NO_SPREAD:
        return Kappa(
            value=kappa,
            interval=Refusal(Message.of("the standard error of kappa is 0 in this table: it tells no interval")),
        )
    error = sqrt(spread / n) / (1 - expected)
    return Kappa(value=kappa, interval=(max(-1.0, kappa - _NORMAL_95 * error), min(1.0, kappa + _NORMAL_95 * error)))
