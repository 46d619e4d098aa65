"""Product limit of exact or imputed times: what interval data are often, wrongly, put through."""

import warnings

import numpy as np
import numpy.typing as npt

from waterbed.estimators.intervals import Floats
from waterbed.estimators.survival import Survival


def kaplan_meier(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    *,
    midpoint: bool = False,
    ignore_entry: bool = False,
) -> Survival:
    """Estimate survival from exact times, given entry (Kaplan and Meier, JASA 53, 1958).

    An exact end has left = right, what was still there at left has right = inf. At risk at t is what entered before t
    (entry 0: from the start) and did not end or leave before t. An end known only to an interval is refused, unless
    `midpoint` says to put it in the middle: that pretends to know what nobody saw. `ignore_entry` counts everything as
    at risk from 0, which makes survival too long; it warns. Raises ValueError for what cannot be.
    """
    low, high = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    enter = np.zeros_like(low) if entry is None else np.asarray(entry, dtype=float)
    if low.ndim != 1 or low.size == 0 or low.shape != high.shape or low.shape != enter.shape:
        raise ValueError("left, right and entry must be equally long and not empty")
    if not np.isfinite(low).all() or not (high >= low).all() or not ((enter >= 0) & (enter <= low)).all():
        raise ValueError("each time needs 0 <= entry <= left <= right, with a finite left")
    ended = np.isfinite(high)
    if not midpoint and (high[ended] > low[ended]).any():
        raise ValueError("an end is known only to an interval: use the interval estimate, or say midpoint=True")
    time = np.where(ended, (low + np.where(ended, high, low)) / 2, low)
    if ignore_entry and enter.any():
        warnings.warn("late entry is ignored: what ended before it could be seen is missing", UserWarning, stacklevel=2)
        enter = np.zeros_like(low)
    if ((enter > 0) & (time <= enter) & ended).any():
        raise ValueError("an end at its own entry was never at risk")
    return _product_limit(time, ended, enter)


def _product_limit(time: Floats, ended: npt.NDArray[np.bool_], enter: Floats) -> Survival:
    at, ends = np.unique(time[ended], return_counts=True)
    left_before = np.searchsorted(np.sort(time), at, side="left")
    entered = np.searchsorted(np.sort(np.where(enter > 0, enter, -1.0)), at, side="left")
    kept = np.cumprod(1.0 - ends / (entered - left_before)) if at.size else np.ones(0)
    mass = -np.diff(np.concatenate([[1.0], kept]))
    last = float(time.max())
    rest = float(kept[-1]) if at.size else 1.0
    return Survival(
        start=np.append(at, last),
        end=np.append(at, np.inf),
        mass=np.append(mass, rest),
        since=float(enter.min()),
        slack=0.0,
        rounds=0,
    )
