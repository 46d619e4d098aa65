"""Changes of shares: a place's own, beyond that of its controls, and beyond its earlier ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.calendar_time import Worth
from waterbed.estimators.survival.incidence import share_interval
from waterbed.estimators.survival.intervals import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of shares, with its test.

    `estimate`, `low` and `high` are differences of shares, -2..2; `p` is two-sided.
    """

    estimate: float
    low: float
    high: float
    p: float
    smallest_p: float = 0.0


Case = tuple[float, float]
"""The worst and the best case of a share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share with its interval, and what it is worth.

    `worst` and `best` bound it where nobody saw what happened; both are the share where they are not given.
    """

    share: float
    low: float
    high: float
    worth: Worth
    worst: float | None = None
    best: float | None = None

    @property
    def cases(self) -> Case:
        """Its worst and its best case."""
        return self.share if self.worst is None else self.worst, self.share if self.best is None else self.best


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """A change less the largest one between earlier stretches.

    `largest` is that one's size, of so many `changes`; `p` is one-sided, of a change that is not larger than each.
    """

    estimate: float
    largest: float
    changes: int
    p: float
    smallest_p: float = 0.0


_HALVINGS = 24
"""Steps in which p is found, to 1 in 16 million."""
OWN: Final = (-1.0, 1.0)
"""Signs of a place's share before and after."""
SIGNS: Final = (-1.0, 1.0, 1.0, -1.0)
"""Of a target before and after, and of its controls before and after."""


def own_change(shares: Sequence[Share]) -> Change:
    """Compare a share after with that before.

    Interval and p are those of `change_beyond`, of two shares. Raises ValueError unless two are given.
    """
    if len(shares) != len(OWN):
        raise ValueError("a change of one place needs two shares")
    return _changed(shares, OWN)


def change_beyond(shares: Sequence[Share]) -> Change:
    """Compare a share's change with that of its controls.

    `shares` are the target's before and after, then the controls'. The interval is built from those of the four shares:
    its ends lie sqrt(sum of squared distances to each share's nearer end) from the estimate (Zou and Donner, Statistics
    in Medicine 27, 2008), so its level is theirs. p is the largest of three: that of the level at which this interval,
    built of Jeffreys intervals, just leaves 0 out; that at which the same interval of log odds does, for a change that
    all share is the same on one of the two scales only where all start alike; and Student's, of the difference of
    differences of arcsin sqrt, with the least of the four degrees of freedom, whose error does not depend on shares in
    the middle. Where worst and best case differ, p is that of the cases that make the change smallest. Raises
    ValueError unless four are given.
    """
    if len(shares) != len(SIGNS):
        raise ValueError("a change beyond that of controls needs four shares")
    change = _changed(shares, SIGNS)
    signs = np.array(SIGNS) * np.sign(change.estimate)
    odds = _p_left(_against(shares, signs), [share.worth.number for share in shares], signs, _log_odds)
    return Change(estimate=change.estimate, low=change.low, high=change.high, p=max(change.p, min(1.0, 2.0 * odds)))


def beyond_earlier(shares: Sequence[Case], numbers: Sequence[float]) -> Beyond:
    """Compare the last change of a share with each earlier one.

    `shares` are those of stretches of one length, in time order, the last one after an event, each in its worst and
    best case; each is worth so many clusters. The last change must be larger than each earlier one, upwards and
    downwards: p is the largest of all these tests, each of which may err in so many studies (Berger, Technometrics 24,
    1982). Each is that of a contrast of Jeffreys intervals as in `change_beyond`, one-sided, both of shares and of
    their arcsin sqrt: a steady trend of a hoster's speed makes steps of one size on neither, and smaller ones near 0
    and 1. Raises ValueError below two stretches before the event, or for unequal lengths.
    """
    if len(shares) <= len(OWN) or len(shares) != len(numbers):
        raise ValueError("a change beyond earlier ones needs two stretches before the event, each with a number")
    cases = np.array(shares, dtype=float)
    changes = np.diff(cases.mean(axis=1))
    last = np.zeros(len(shares))
    last[-2:] = OWN
    p = 0.0
    for place in range(changes.size - 1):
        for sign in (1.0, -1.0):
            signs = last.copy()
            signs[place : place + 2] -= sign * np.array(OWN)
            value = np.where(signs > 0, cases[:, 0], cases[:, 1])
            p = max(p, *(_p_left(value, numbers, signs, scale) for scale in (_as_it_is, _arcsine)))
    largest = float(np.abs(changes[:-1]).max())
    return Beyond(estimate=float(changes[-1]) - largest, largest=largest, changes=changes.size - 1, p=p)


def ends_beyond(
    shares: Sequence[float], numbers: Sequence[float], level: float = 0.95, signs: Sequence[float] = SIGNS
) -> tuple[float, float]:
    """Give the interval of a change.

    As in `change_beyond`, of shares that are worth so many clusters, with Jeffreys intervals.
    """
    intervals = [share_interval(share, number, level) for share, number in zip(shares, numbers, strict=True)]
    return _ends(np.array(shares, dtype=float), np.array(intervals), np.array(signs))


def p_beyond(shares: Sequence[float], numbers: Sequence[float], signs: Sequence[float] = SIGNS) -> float:
    """Give the two-sided p at which that interval leaves 0 out."""
    side = np.sign(float(np.dot(signs, shares)))
    return min(1.0, 2.0 * _p_left(shares, numbers, np.array(signs) * side, _as_it_is))


def _changed(shares: Sequence[Share], signs: tuple[float, ...]) -> Change:
    value, sign = np.array([share.share for share in shares]), np.array(signs)
    low, high = _ends(value, np.array([(share.low, share.high) for share in shares]), sign)
    estimate = float(sign @ value)
    sign = sign * np.sign(estimate)
    least, numbers = _against(shares, sign), [share.worth.number for share in shares]
    error = float(np.sqrt(sum(share.worth.error**2 for share in shares)))
    size = max(0.0, float(sign @ _arcsine(np.clip(least, 0.0, 1.0))))
    student = float(2.0 * scipy.special.stdtr(min(share.worth.freedom for share in shares), -size / error))
    apart = min(1.0, 2.0 * _p_left(least, numbers, sign, _as_it_is))
    return Change(estimate=estimate, low=low, high=high, p=max(student, apart))


def _against(shares: Sequence[Share], signs: Floats) -> Floats:
    """Of each share the case that makes a contrast with these signs smallest."""
    cases = np.array([share.cases for share in shares])
    smallest: Floats = np.where(signs > 0, cases[:, 0], cases[:, 1])
    return smallest


Scale = Callable[[Floats], Floats]


def _p_left(shares: npt.ArrayLike, numbers: npt.ArrayLike, signs: Floats, scale: Scale) -> float:
    """The one-sided p at which the lower end of a contrast on a scale is 0; 1 where it is not above 0 itself."""
    used = np.flatnonzero(signs)
    value, number, sign = np.array(shares, float)[used], np.array(numbers, float)[used], signs[used]
    # half an outcome of either kind on another scale, as the odds of 0 and 1 have no logarithm
    middle = value if scale is _as_it_is else scale((value * number + 0.5) / (number + 1.0))
    if float(sign @ middle) <= 0.0:
        return 1.0
    least, most = 0.0, 0.5
    for _ in range(_HALVINGS):
        p = (least + most) / 2
        ends = np.array([share_interval(*pair, 1.0 - 2.0 * p) for pair in zip(value, number, strict=True)])
        intervals = np.column_stack([np.minimum(scale(ends[:, 0]), middle), np.maximum(scale(ends[:, 1]), middle)])
        low, _ = _ends(middle, intervals, sign)
        least, most = (p, most) if low <= 0.0 else (least, p)
    return most


def _as_it_is(share: Floats) -> Floats:
    return share


def _log_odds(share: Floats) -> Floats:
    odds: Floats = scipy.special.logit(share)
    return odds


def _arcsine(share: Floats) -> Floats:
    angles: Floats = np.arcsin(np.sqrt(share))
    return angles


def _ends(value: Floats, intervals: Floats, signs: Floats) -> tuple[float, float]:
    low, high = intervals.T
    size = np.abs(signs)
    down = size * np.where(signs > 0, value - low, high - value)
    up = size * np.where(signs > 0, high - value, value - low)
    estimate = float(signs @ value)
    return estimate - float(np.sqrt(np.square(down).sum())), estimate + float(np.sqrt(np.square(up).sum()))
