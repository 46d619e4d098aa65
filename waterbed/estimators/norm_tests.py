"""Tests of many shares against one norm."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.survival.intervals import Floats

BOUND: Final = 0.99
"""Level of a share's own one-sided bound."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormTest:
    """Tests of many shares against one norm.

    `p` is one-sided and small where a share lies below the norm, `adjusted` allows for all tests together, `bound` is
    each share's own upper 99% bound. `below` are those with `adjusted` up to the rate and a bound below the norm: of
    these at most the rate is wrong, in the mean over studies.
    """

    p: Floats
    adjusted: Floats
    bound: Floats
    below: npt.NDArray[np.bool_]


def below_norm(
    shares: npt.ArrayLike,
    numbers: npt.ArrayLike,
    freedoms: npt.ArrayLike,
    norm: float,
    *,
    rate: float = 0.05,
    dependent: bool = False,
) -> NormTest:
    """Test which shares are below a norm.

    Share i is worth `numbers[i]` independent outcomes, an estimate with `freedoms[i]` degrees of freedom. Its p value
    is the larger of two: Student's, of (arcsin sqrt(norm) - arcsin sqrt(share)) 2 sqrt(n), whose error does not depend
    on the share; and the exact binomial one at n (Clopper and Pearson, Biometrika 26, 1934; with an effective n Korn
    and Graubard, Survey Methodology 24, 1998), which holds where n is small. They are adjusted by Benjamini and
    Hochberg (JRSS B 57, 1995), or, where hosters share shocks or the norm is estimated (`dependent`), by Benjamini and
    Yekutieli (Annals of Statistics 29, 2001). Raises ValueError for numbers that cannot be.
    """
    share, n, v = (np.atleast_1d(np.asarray(values, float)) for values in (shares, numbers, freedoms))
    if not share.shape == n.shape == v.shape or not 0.0 < norm < 1.0 or not 0.0 < rate < 1.0:
        raise ValueError("each share needs a number and degrees of freedom, and norm and rate lie between 0 and 1")
    if not ((share >= 0) & (share <= 1)).all() or not (n > 0).all() or not (v > 0).all():
        raise ValueError("shares lie from 0 to 1, and are worth something")
    angle, target = np.arcsin(np.sqrt(share)), float(np.arcsin(np.sqrt(norm)))
    error = 0.5 / np.sqrt(n)
    student = scipy.special.stdtr(v, (angle - target) / error)
    exact = scipy.special.betainc(np.maximum(n - share * n, 1e-9), share * n + 1.0, 1.0 - norm)
    p = np.maximum(student, np.where(share < 1.0, exact, 1.0))
    adjusted = adjusted_for_all(p, dependent=dependent)
    bound_angle = np.minimum(angle + scipy.special.stdtrit(v, BOUND) * error, np.pi / 2)
    bound = np.sin(bound_angle) ** 2
    return NormTest(p=p, adjusted=adjusted, bound=bound, below=(adjusted <= rate) & (bound < norm))


def adjusted_for_all(p: Floats, *, dependent: bool) -> Floats:
    """P values that allow for all tests together.

    Those up to a rate have at most that share of false ones among them, in the mean (Benjamini and Hochberg 1995;
    `dependent`: Benjamini and Yekutieli 2001).
    """
    if not p.size:
        return p
    n, order = p.size, np.argsort(p, kind="stable")
    scaled = p[order] * n / np.arange(1, n + 1)
    if dependent:
        scaled *= (1.0 / np.arange(1, n + 1)).sum()
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted
