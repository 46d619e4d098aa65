"""Confidence intervals of a value known between two bounds."""

from math import log, sqrt
from typing import Final

import scipy

LEVEL: Final = 0.95


def critical_value(width: float, error: float, n: int, *, level: float = LEVEL) -> float:
    """Return the errors that an interval adds to each bound.

    The interval covers each value between the true bounds with `level`, not all of them at once: c solves

        Phi(c + width / error) - Phi(-c) = level

    (Imbens and Manski, Econometrica 72, 2004, 1845-1857). `width` is the estimated distance of the bounds, `error` the
    larger of their standard errors, `n` the number of independent units. That needs a width that is estimated better
    than the bounds, as where the upper estimate is never below the lower one. Near 0 it may not be: below a threshold
    that tends to 0 more slowly than the error, here error * sqrt(log n), the width counts as 0 (Stoye, Econometrica 77,
    2009, 1299-1315). From the one-sided quantile, 1.64 for wide sets, to the two-sided one, 1.96 for a point.
    ValueError for a negative width or error.
    """
    if not (width >= 0.0 and error >= 0.0 and n > 0 and 0.5 < level < 1.0):
        raise ValueError("a critical value needs a width and an error from 0 on, units, and a level in 0.5..1")
    one_sided, two = float(scipy.special.ndtri(level)), float(scipy.special.ndtri((1.0 + level) / 2))
    if width <= error * sqrt(log(max(n, 2))):
        return two
    if error == 0.0:
        return one_sided
    ndtr = scipy.special.ndtr
    return float(scipy.optimize.brentq(lambda c: ndtr(c + width / error) - ndtr(-c) - level, one_sided, two))
