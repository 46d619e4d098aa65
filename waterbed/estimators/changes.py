"""Changes of shares beyond those of controls."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from waterbed.estimators.calendar_time import Worth
from waterbed.estimators.survival.incidence import share_interval
from waterbed.estimators.survival.intervals import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A difference of differences of shares, with its test.

    `estimate`, `low` and `high` are differences of shares, -2..2; `p` is two-sided.
    """

    estimate: float
    low: float
    high: float
    p: float
    smallest_p: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share with its interval, and what it is worth."""

    share: float
    low: float
    high: float
    worth: Worth


_HALVINGS = 24
"""Steps in which p is found, to 1 in 16 million."""
SIGNS = (-1.0, 1.0, 1.0, -1.0)
"""Of a target before and after, and of its controls before and after."""


def change_beyond(shares: Sequence[Share]) -> Change:
    """Compare a share's change with that of its controls.

    `shares` are the target's before and after, then the controls'. The interval is built from those of the four shares:
    its ends lie sqrt(sum of squared distances to each share's nearer end) from the estimate (Zou and Donner, Statistics
    in Medicine 27, 2008), so its level is theirs. p is the larger of two: that of the level at which this interval,
    built of Jeffreys intervals, just leaves 0 out; and Student's, of the difference of differences of arcsin sqrt, with
    the least of the four degrees of freedom, whose error does not depend on shares in the middle. Raises ValueError
    unless four are given.
    """
    if len(shares) != len(SIGNS):
        raise ValueError("a change beyond that of controls needs four shares")
    value = np.array([one.share for one in shares])
    estimate = float(np.array(SIGNS) @ value)
    low, high = _ends(value, [(one.low, one.high) for one in shares])
    error = float(np.sqrt(sum(one.worth.error**2 for one in shares)))
    size = abs(float(np.array(SIGNS) @ np.arcsin(np.sqrt(np.clip(value, 0.0, 1.0)))))
    student = float(2.0 * scipy.special.stdtr(min(one.worth.freedom for one in shares), -size / error))

    apart = p_beyond(value.tolist(), [one.worth.number for one in shares])
    return Change(estimate=estimate, low=low, high=high, p=max(student, apart))


def ends_beyond(shares: Sequence[float], numbers: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Give the interval of a share's change beyond controls.

    As in `change_beyond`, of four shares that are worth so many clusters, with Jeffreys intervals.
    """
    intervals = [share_interval(share, number, level) for share, number in zip(shares, numbers, strict=True)]
    return _ends(np.array(shares, dtype=float), intervals)


def p_beyond(shares: Sequence[float], numbers: Sequence[float]) -> float:
    """Give the p at which that interval leaves 0 out."""
    least, most = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (least + most) / 2
        low, high = ends_beyond(shares, numbers, 1.0 - middle)
        least, most = (middle, most) if low <= 0.0 <= high else (least, middle)
    return most


def _ends(value: Floats, intervals: Sequence[tuple[float, float]]) -> tuple[float, float]:
    low, high = np.array(intervals).T
    sign = np.array(SIGNS)
    down, up = np.where(sign > 0, value - low, high - value), np.where(sign > 0, high - value, value - low)
    estimate = float(sign @ value)
    return estimate - float(np.sqrt(np.square(down).sum())), estimate + float(np.sqrt(np.square(up).sum()))
