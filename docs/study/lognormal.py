"""Lognormal times known to intervals: the fit, and whether it can be believed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from waterbed.estimators.survival.intervals import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Lognormal:
    """Mean and standard deviation of the log time, and Pearson's chi-square of the fit."""

    mu: float
    sigma: float
    chi2: float
    df: int
    p: float


def fit_lognormal(edges: npt.ArrayLike, counts: npt.ArrayLike) -> Lognormal:
    """Fit a lognormal to how many ended between edges.

    counts[0] ended by edges[0], counts[k] in (edges[k - 1], edges[k]], the last after all edges. Maximises the
    multinomial likelihood of the intervals; chi-square on len(counts) - 3 degrees of freedom says whether such a curve
    fits at all. Raises ValueError for what cannot be.
    """
    at, seen = np.asarray(edges, dtype=float), np.asarray(counts, dtype=float)
    if at.ndim != 1 or seen.shape != (at.size + 1,) or seen.size < 4 or not (np.diff(at) > 0).all() or at[0] <= 0:
        raise ValueError("a lognormal needs three or more rising edges above 0, and one count more than edges")
    if (seen < 0).any() or seen[0] <= 0 or seen[-1] <= 0:
        raise ValueError("a lognormal needs counts of 0 or more, and some before the first and after the last edge")
    logs = np.log(at)

    def lost(place: Floats) -> float:
        return -float(seen @ np.log(np.maximum(_parts(logs, place[0], np.exp(place[1])), 1e-300)))

    # the line through the quantiles seen is where a lognormal would lie exactly
    slope, offset = np.polyfit(special.ndtri(np.cumsum(seen)[:-1] / seen.sum()), logs, 1)
    first = [offset, np.log(max(slope, 1e-3))]
    found = optimize.minimize(lost, first, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9})
    mu, sigma = float(found.x[0]), float(np.exp(found.x[1]))
    expected = seen.sum() * _parts(logs, mu, sigma)
    chi2 = float((np.square(seen - expected) / expected).sum())
    df = seen.size - 3
    return Lognormal(mu=mu, sigma=sigma, chi2=chi2, df=df, p=float(stats.chi2.sf(chi2, df)))


def _parts(logs: Floats, mu: float, sigma: float) -> Floats:
    below = special.ndtr((logs - mu) / sigma)
    parts: Floats = np.diff(np.concatenate([[0.0], below, [1.0]]))
    return parts
