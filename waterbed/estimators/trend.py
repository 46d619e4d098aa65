"""Linear trends of shares, with resampled clusters."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from waterbed.estimators.cluster_shares import worth
from waterbed.estimators.survival.incidence import NOTHING, Curves

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ROUNDING = 1e-9
"""Grid steps within which an endpoint counts as lying on the grid."""


def weighted_slope(x: npt.ArrayLike, y: npt.ArrayLike, weight: npt.ArrayLike) -> float | None:
    """Return the slope of a weighted least-squares line.

    sum w (x - mx)(y - my) / sum w (x - mx)^2 with weighted means mx, my. None if the points have one x alone, or no
    weight. Raises ValueError for unequal lengths or a negative weight.
    """
    position, value, mass = (np.asarray(column, dtype=float) for column in (x, y, weight))
    if position.shape != value.shape or position.shape != mass.shape or position.ndim != 1 or (mass < 0).any():
        raise ValueError("a slope needs as many x as y and weights, none of them negative")
    total = float(mass.sum())
    if total <= 0:
        return None
    away = position - float(mass @ position) / total
    spread = float(mass @ np.square(away))
    return float(mass @ (away * (value - float(mass @ value) / total))) / spread if spread > 0 else None


def slope_error(x: npt.ArrayLike, share: float, cluster: npt.ArrayLike) -> float:
    """Return the standard error of a slope of one share.

    Of yes-or-no outcomes at the points x, yes with the same share at each, alike within a cluster: sqrt(p (1 - p)
    sum over clusters of (sum of their weights in the slope)^2), p = (share * n + 1/2) / (n + 1) with n the effective
    number of clusters (`cluster_shares.worth`). It is known where all agree and no resample varies, as the interval
    of a share then is (Brown, Cai and DasGupta, Statistical Science 16, 2001).
    """
    position, label = np.asarray(x, dtype=float), np.unique(np.asarray(cluster), return_inverse=True)[1]
    away = position - position.mean()
    weight = np.bincount(label, away) / float(np.square(away).sum())
    n = worth(np.bincount(label), 1.0)
    p = (share * n + 0.5) / (n + 1.0)
    return float(np.sqrt(p * (1.0 - p) * np.square(weight).sum()))


def chances_within(
    curves: Curves, left_h: npt.ArrayLike, right_h: npt.ArrayLike, cause: npt.ArrayLike, *, of: int, hours: float
) -> Floats:
    """Return each clock's probability of an end within `hours`.

    By one cause, given its interval and the curves. Clock i ended in (left_h[i], right_h[i]] by cause[i], or was
    running at left_h[i] (right inf, cause -1), widened to the curves' steps. 1 or 0 where its interval lies on one side
    of `hours`; else the part of the interval's mass before it. The mean over the clocks that the curves were fitted to
    is the cumulative incidence itself: that is the self-consistency of the estimate (Turnbull, JRSS B 38, 1976).
    """
    left_end, right, end_cause = np.asarray(left_h, float), np.asarray(right_h, float), np.asarray(cause, np.int64)
    step = float(curves.hours[1] - curves.hours[0]) if curves.hours.size > 1 else 1.0
    last = curves.hours.size - 1
    low = np.floor(left_end / step + _ROUNDING).astype(np.int64)
    high = np.where(np.isinf(right), last, np.ceil(np.where(np.isinf(right), 0.0, right) / step - _ROUNDING))
    top = np.minimum(np.maximum(high.astype(np.int64), low + 1), last)
    horizon = min(int(hours / step + _ROUNDING), last)
    incidence, ended = curves.incidence[of], end_cause == of
    in_time = np.clip(incidence[np.minimum(top, horizon)] - incidence[np.minimum(low, horizon)], 0.0, None)
    total = np.where(ended, incidence[top] - incidence[np.minimum(low, last)], curves.survival[np.minimum(low, last)])
    part = np.divide(in_time, total, out=np.zeros_like(in_time), where=total > _ROUNDING)
    surely = ended & (np.maximum(high, low + 1) <= horizon)
    return np.where(
        surely, 1.0, np.where((ended | (end_cause == NOTHING)) & (low < horizon), np.clip(part, 0.0, 1.0), 0.0)
    )


def cluster_bootstrap(
    cluster: npt.ArrayLike,
    statistic: Callable[[Ints], float | None],
    *,
    rng: np.random.Generator,
    rounds: int = 200,
) -> Floats:
    """Return a statistic's values over resampled clusters.

    Whole clusters are drawn with replacement. `cluster[i]` is the cluster of row i, any integers; `statistic` gets the
    row numbers of one draw, a row once for each time its cluster was drawn. Draws for which it gives None are left out
    (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). Raises ValueError without rows or
    rounds.
    """
    labels = np.asarray(cluster, dtype=np.int64)
    if labels.ndim != 1 or labels.size == 0 or rounds < 1:
        raise ValueError("a bootstrap needs at least one row and one round")
    _, place = np.unique(labels, return_inverse=True)
    order = np.argsort(place, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(place[order])) + 1)
    statistics = []
    for _ in range(rounds):
        resampled = rng.integers(0, len(members), len(members))
        value = statistic(np.concatenate([members[index] for index in resampled]))
        if value is not None:
            statistics.append(value)
    return np.asarray(statistics, dtype=float)


def percentile_interval(values: npt.ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the central interval of resampled values.

    Their lower and upper quantile. Raises ValueError without any.
    """
    resampled = np.asarray(values, dtype=float)
    if resampled.size == 0:
        raise ValueError("an interval needs at least one resampled value")
    outside = (1.0 - level) / 2
    low, high = np.quantile(resampled, [outside, 1.0 - outside])
    return float(low), float(high)
