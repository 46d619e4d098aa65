"""The process by which a hoster removes, and its chances.

Times are hours since the world's start, and may lie before it.
"""

from datetime import datetime
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.lab.world.file import Removal

Floats = npt.NDArray[np.float64]

EARLIEST_H: Final = -24.0 * 30
"""Start of the working time that is laid out."""
LATEST_H: Final = 24.0 * (366 + 60)
"""Its end: what is not ready by then is never removed."""
_QUANTILES: Final = 1_000
"""Equally likely delays over which a chance is averaged."""


@lru_cache(maxsize=64)
def _shifts(office: tuple[float, float], weekdays: bool, start: datetime) -> tuple[Floats, Floats]:
    """Begin of each working shift, and working hours before it.

    The last entry is the end of the time that is laid out.
    """
    midnight = -(start.hour + start.minute / 60 + start.second / 3600)
    days = np.arange(np.floor(EARLIEST_H / 24), np.ceil(LATEST_H / 24) + 1)
    if weekdays:
        days = days[(days + start.weekday()) % 7 < 5]
    begins = midnight + 24.0 * days + office[0]
    before: Floats = (office[1] - office[0]) * np.arange(begins.size, dtype=np.float64)
    return begins, before


def worked(policy: Removal, start: datetime, hours: npt.ArrayLike) -> Floats:
    """Working hours from the layout's begin until each time."""
    begins, before = _shifts(policy.office_hours, policy.weekdays, start)
    at = np.asarray(hours, dtype=float)
    shift = np.clip(np.searchsorted(begins, at, side="right") - 1, 0, begins.size - 1)
    length = policy.office_hours[1] - policy.office_hours[0]
    found: Floats = before[shift] + np.clip(at - begins[shift], 0.0, length)
    return found


def reached(policy: Removal, start: datetime, working: npt.ArrayLike) -> Floats:
    """The first time at which so many hours were worked.

    inf if never.
    """
    begins, before = _shifts(policy.office_hours, policy.weekdays, start)
    wanted = np.asarray(working, dtype=float)
    shift = np.clip(np.searchsorted(before, wanted, side="left") - 1, 0, begins.size - 1)
    found: Floats = begins[shift] + wanted - before[shift]
    return np.where(wanted > before[-1], np.inf, found)


def queue_times(policy: Removal, start: datetime, rng: np.random.Generator) -> Floats:
    """Draw times, in working hours, of working the queue off.

    A Poisson process in working time, sorted. Empty if there is no queue.
    """
    if not policy.batch_hours:
        return np.zeros(0)
    last = float(_shifts(policy.office_hours, policy.weekdays, start)[1][-1])
    return np.sort(rng.uniform(0.0, last, rng.poisson(last / policy.batch_hours)))


def delays(policy: Removal, normal: npt.ArrayLike, sizes: npt.ArrayLike) -> Floats:
    """Working hours until reports are ready, lognormal.

    `normal` are standard normal numbers, `sizes` the URLs of each report's site.
    """
    middle = np.log(policy.median_hours) + policy.slower_by_size * np.log(np.asarray(sizes, dtype=float))
    found: Floats = np.exp(middle + policy.sigma * np.asarray(normal, dtype=float))
    return found


def removed_at(
    policy: Removal, start: datetime, reported: npt.ArrayLike, delay: npt.ArrayLike, queue: npt.ArrayLike
) -> Floats:
    """Times at which reports that it acts on are removed.

    A report is ready after `delay` working hours, and removed then or, if there is a queue, when that is worked off
    next. `queue` is what `queue_times` drew: one for all reports of a hoster.
    """
    ready = worked(policy, start, reported) + np.asarray(delay, dtype=float)
    if policy.batch_hours:
        times = np.append(np.asarray(queue, dtype=float), np.inf)
        ready = times[np.searchsorted(times, ready, side="left")]
    return reached(policy, start, ready)


def heeded_at(policy: Removal, start: datetime, notified: npt.ArrayLike, normal: npt.ArrayLike) -> Floats:
    """Times of removals for notices.

    `notified` are the times of notices about content that it acts on, inf without one; `normal` are standard normal
    numbers. inf where it heeds none.
    """
    at, found = np.asarray(notified, dtype=float), np.full(np.shape(notified), np.inf)
    heeds = np.isfinite(at) & (policy.on_notice_hours > 0)
    delay = policy.on_notice_hours * np.exp(policy.sigma * np.asarray(normal, dtype=float)[heeds])
    found[heeds] = reached(policy, start, worked(policy, start, at[heeds]) + delay)
    return found


def chance_within(
    policy: Removal,
    start: datetime,
    reported: npt.ArrayLike,
    sizes: npt.ArrayLike,
    hours: float,
    notified: npt.ArrayLike | None = None,
) -> Floats:
    """Chance that each report is removed first within some hours.

    Over repetitions of the hoster's process, for these report times, site sizes and notices: the mean over reports is
    how the hoster works there. With W working hours in the window, lognormal delay D and queue intervals of mean t it
    is P(D <= W), or with a queue E[1 - exp(-(W - D)+ / t)]. A notice (`heeded_at`) is a second, independent way.
    """
    at = np.asarray(reported, dtype=float)
    window = worked(policy, start, at + hours) - worked(policy, start, at)
    slower = policy.median_hours * np.asarray(sizes, dtype=float) ** policy.slower_by_size
    kinds, which = np.unique(np.stack([window, np.broadcast_to(slower, window.shape)]), axis=1, return_inverse=True)
    space, middle = kinds
    if policy.batch_hours:
        even = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
        delay = middle[:, None] * np.exp(policy.sigma * scipy.special.ndtri(even))[None, :]
        left = np.maximum(space[:, None] - delay, 0.0)
        chance = -np.expm1(-left / policy.batch_hours).mean(axis=1)
    elif policy.sigma:
        with np.errstate(divide="ignore"):
            chance = scipy.special.ndtr(np.log(space / middle) / policy.sigma)
    else:
        chance = (middle <= space).astype(float)
    chance = chance[which.reshape(-1)]
    if notified is not None and policy.on_notice_hours:
        sent = np.minimum(np.asarray(notified, dtype=float), at + hours)
        space = worked(policy, start, at + hours) - worked(policy, start, sent)
        with np.errstate(divide="ignore"):
            depth = np.log(space / policy.on_notice_hours)
        heeded = scipy.special.ndtr(depth / policy.sigma) if policy.sigma else (depth >= 0).astype(float)
        chance = 1.0 - (1.0 - chance) * (1.0 - np.where(space > 0, heeded, 0.0))
    found: Floats = policy.removes * chance
    return found


def hours_until(
    policy: Removal,
    start: datetime,
    reported: npt.ArrayLike,
    sizes: npt.ArrayLike,
    part: float = 0.5,
    notified: npt.ArrayLike | None = None,
) -> float:
    """Hours within which the expected share reaches a part.

    inf if never.
    """
    low, high = 0.0, 24.0 * 60
    if float(chance_within(policy, start, reported, sizes, high, notified).mean()) < part:
        return float("inf")
    for _ in range(40):
        middle = (low + high) / 2
        enough = float(chance_within(policy, start, reported, sizes, middle, notified).mean()) >= part
        low, high = (low, middle) if enough else (middle, high)
    return high
