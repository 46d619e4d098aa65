"""How fast an effect fades: the half-life of a return, arrays in and numbers out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from waterbed.estimators.refusal import Refusal

Floats = npt.NDArray[np.float64]

_LEAST_PERIODS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfLife:
    """Periods until half of the first effect is gone; `high` is infinite where it may never fade."""

    periods: float
    low: float
    high: float
    start: float


def half_life(gaps: npt.ArrayLike, *, level: float = 0.95) -> HalfLife | Refusal:
    """Fit an effect that fades by halves.

    `gaps` are the departures in periods 0, 1, ... after the event: start * 2^(-t / h), by least squares, h between a
    quarter of a period and twenty times the window. The interval is the set of h that an F test keeps, for independent
    errors. Autocorrelated gaps make it too narrow, and pass as an effect where there is none (25 to 42% of series with
    a correlation of 0.7): ask `placebo_windows` or `placebo_units` first. Refuses below five periods, and where the fit
    is no better than no effect at all.
    """
    y = np.asarray(gaps, dtype=float)
    if y.size < _LEAST_PERIODS:
        return Refusal(f"{y.size} periods after the event where at least {_LEAST_PERIODS} are needed")
    lives = np.geomspace(0.25, 20.0 * y.size, 400)
    shapes = 2.0 ** (-np.arange(y.size)[None, :] / lives[:, None])
    starts = shapes @ y / np.square(shapes).sum(axis=1)
    left = np.square(y[None, :] - starts[:, None] * shapes).sum(axis=1)
    best = int(np.argmin(left))
    free = y.size - 2
    one, two = (float(stats.f.ppf(level, order, free)) for order in (1, 2))
    if np.square(y).sum() <= left[best] * (1.0 + 2.0 * two / free):
        return Refusal("there is no effect whose fading could be measured")
    kept = np.flatnonzero(left <= left[best] * (1.0 + one / free) + 1e-12 * np.square(y).sum())
    endless = kept[-1] == lives.size - 1
    return HalfLife(
        periods=float("inf") if best == lives.size - 1 else float(lives[best]),
        low=float(lives[kept[0]]) if kept[0] else 0.0,
        high=float("inf") if endless else float(lives[kept[-1]]),
        start=float(starts[best]),
    )
