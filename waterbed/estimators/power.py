"""Power of tests, and the least effects found."""

from collections.abc import Callable
from typing import Final

import scipy

ERROR: Final = 0.05
POWER: Final = 0.8
"""Power at which an effect counts as detectable."""


def power_at(effect: float, error: float, *, level: float = ERROR) -> float:
    """Probability that a two-sided normal test rejects, in this direction.

    `error` is the standard error of the estimate; the effect has its sign. Raises ValueError for an error below 0.
    """
    if error < 0:
        raise ValueError("a standard error is not negative")
    if error == 0:
        return float(effect > 0)
    return float(scipy.special.ndtr(effect / error - _z(level)))


def power_of(p: float, *, level: float = ERROR) -> float:
    """Probability to reject, of the p at the expected estimate.

    p is turned into the normal deviate that has it, two-sided: so a test whose error is not normal, such as Student's,
    has the power of the normal one that would say the same (as `power_at` of that deviate).
    """
    return power_at(float(scipy.special.ndtri(1.0 - min(max(p, 1e-15), 1.0) / 2.0)), 1.0, level=level)


def least_effect(power: Callable[[float], float], effects: tuple[float, ...], *, target: float = POWER) -> float | None:
    """Least effect with the wanted power, None without one.

    By lines between the effects, which must increase, and for which power must, about. With a normal estimate this is
    its standard error times the sum of two quantiles, 2.8 at 5% and 80% (Bloom, Evaluation Review 19, 1995, 547-556).
    """
    previous: tuple[float, float] | None = None
    for effect in effects:
        reached = power(effect)
        if reached >= target:
            if previous is None or reached == previous[1]:
                return effect
            part = (target - previous[1]) / (reached - previous[1])
            return previous[0] + part * (effect - previous[0])
        previous = effect, reached
    return None


def needed(n: float, effect: float, error: float, *, level: float = ERROR, wanted: float = POWER) -> float:
    """Number of units that give the wanted power.

    `n` of them give this error, which falls with the root of their number.
    """
    return n * ((_z(level) + float(scipy.special.ndtri(wanted))) * error / effect) ** 2


def _z(level: float) -> float:
    return float(scipy.special.ndtri(1.0 - level / 2.0))
