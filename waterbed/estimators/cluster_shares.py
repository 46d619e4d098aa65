"""Shares of clustered yes-or-no outcomes: beta-binomial likelihood, intra-cluster correlation, effective number."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Floats = npt.NDArray[np.float64]

_LEAST, _MOST = 1e-6, 1.0 - 1e-6
"""Bounds of mean and correlation, inside which the likelihood is finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaBinomial:
    """A mean share, and how alike the members of a cluster are: intra-cluster correlation, 0..1."""

    mean: float
    correlation: float


def beta_binomial(hits: npt.ArrayLike, sizes: npt.ArrayLike) -> BetaBinomial:
    """Fit mean and intra-cluster correlation to clusters of unequal size.

    Cluster c has hits_c of sizes_c, beta-binomial with mean p and intra-cluster correlation r (the beta's parameters
    are p(1-r)/r and (1-p)(1-r)/r), both by maximum likelihood (Williams, Biometrics 31, 1975). Where all clusters have
    one member nothing tells of the correlation: it is 0. Where all agree it is 1, for nothing shows that members of a
    cluster differ. Raises ValueError without a member, or for more hits than members.
    """
    x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    if x.shape != m.shape or not m.size or (x < 0).any() or (x > m).any() or not (m > 0).all():
        raise ValueError("a share needs clusters with members, and no more hits than members")
    share = float(x.sum() / m.sum())
    if not (m > 1).any():
        return BetaBinomial(mean=share, correlation=0.0)
    if share in (0.0, 1.0):
        return BetaBinomial(mean=share, correlation=1.0)
    mean, correlation = _fitted(x, m, share)
    return BetaBinomial(mean=mean, correlation=correlation)


def worth(sizes: npt.ArrayLike, correlation: float) -> float:
    """Count the independent members that the plain share of all is worth.

    (sum m)^2 / sum m (1 + (m - 1) r) for clusters of m members: their number over the design effect of a plain share
    (Kish, Survey Sampling, 1965, section 8.2).
    """
    m = np.asarray(sizes, dtype=float)
    return float(m.sum() ** 2 / (m * (1.0 + (m - 1.0) * correlation)).sum())


def ratio_error(hits: npt.ArrayLike, sizes: npt.ArrayLike, *, least_correlation: float = 0.0) -> float:
    """Standard error of arcsin sqrt of the plain share sum(hits) / sum(sizes) of clusters.

    0.5 / sqrt(n) with n what the share is worth (`worth`), and the intra-cluster correlation r from the analysis of
    variance, 1 where all agree (Ridout, Demetrio and Firth, Biometrics 55, 1999). On this scale the error does not
    depend on the share, so it is known where all clusters agree, too. Few clusters tell little of r and of the error
    itself: it is widened as Student's t is, by sqrt(v / (v - 2)) with v one less than their number, at least 3, and r
    is not below `least_correlation`, what other groups show. `hits` need not be whole. Raises ValueError without a
    member.
    """
    x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    if not m.size or not (m > 0).all():
        raise ValueError("an error needs clusters with members")
    r = max(least_correlation, _correlation(x / m, m))
    freedom = max(3, m.size - 1)
    student = np.sqrt(freedom / (freedom - 2))
    return 0.5 * float(student / np.sqrt(worth(m, r)))


def pooled_correlation(groups: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]]) -> float:
    """Intra-cluster correlation over groups of (hits, sizes), each counting by its clusters of two or more.

    Groups without such a cluster, or whose clusters all agree, tell nothing of it; without any that tell it is 0.
    """
    told = []
    for hits, sizes in groups:
        x, m = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
        several = int((m > 1).sum())
        if several and m.size > 1 and 0.0 < x.sum() < m.sum():
            told.append((_correlation(x / m, m), several))
    total = sum(several for _, several in told)
    return sum(value * several for value, several in told) / total if total else 0.0


def _correlation(shares: Floats, m: Floats) -> float:
    k, total = m.size, m.sum()
    if k < 2 or total <= k:
        return 1.0 if k < 2 else 0.0
    share = float(shares @ m / total)
    between = float(m @ np.square(shares - share)) / (k - 1)
    within = float(m @ (shares * (1.0 - shares))) / (total - k)
    typical = (total - float(np.square(m).sum()) / total) / (k - 1)
    spread = between + (typical - 1.0) * within
    return float(np.clip((between - within) / spread, 0.0, 1.0)) if spread > 0 else 1.0


def _fitted(x: Floats, m: Floats, start: float) -> tuple[float, float]:
    bounds = [(_LEAST, _MOST), (_LEAST, _MOST)]
    starts = [np.array([np.clip(start, 0.01, 0.99), r]) for r in (0.05, 0.5)]
    # without derivatives and without BLAS, whose threads make so small a problem 30 times slower on a busy machine
    tolerance = {"xatol": 1e-6, "fatol": 1e-7}
    tries = [
        optimize.minimize(_loss, at, args=(x, m), method="Nelder-Mead", bounds=bounds, options=tolerance)
        for at in starts
    ]
    best = min(tries, key=lambda one: float(one.fun))
    return float(best.x[0]), 0.0 if best.x[1] <= 2 * _LEAST else float(best.x[1])


def _loss(parameters: Floats, x: Floats, m: Floats) -> float:
    p, r = parameters
    scale = (1.0 - r) / r
    a, b = p * scale, (1.0 - p) * scale
    return -float((special.betaln(x + a, m - x + b) - special.betaln(a, b)).sum())
