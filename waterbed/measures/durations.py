"""Duration of a group's clocks: median and restricted mean.

Median time to any end, and mean within some hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.calendar_time import cosine_variance, effective_number
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import NOTHING, Curves
from waterbed.estimators.survival.npmle import kaplan_meier
from waterbed.estimators.survival.resampling import Sure, resample
from waterbed.measures.clocks import clusters_of, labels_on, running_clocks
from waterbed.measures.labels import by_kind
from waterbed.measures.takedown import (
    CAUSES,
    FEWEST_SITES,
    REMOVED,
    Clock,
    incidence,
    known_within,
    seldom_seen,
    worth_within,
)
from waterbed.model.takedown import Duration, TakedownClock

Floats = npt.NDArray[np.float64]

_ROUNDING = 1e-9
_UPPER = 0.975
SEED = 20_261
"""Seed of the resampling: the same clocks give the same interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfGone:
    """Median time until a group's clocks end, any cause."""

    hours: Annotated[float | None, "hours since the origin; null: half was not seen to go"]
    low: Annotated[float, "lower end of its 95% interval"]
    high: Annotated[float | None, "upper end; null: later than anything was followed"]


def half_gone(
    group: Sequence[Clock],
    *,
    until: datetime,
    curves: Curves | None = None,
    level: float = 0.95,
    together: float = 1.0,
) -> HalfGone | None:
    """Estimate the median time to any end.

    It is read off the incidence of all causes together, mass spread evenly within each hour. Its interval holds the
    times at which the interval of the share gone (`share_interval`) holds one half (Brookmeyer and Crowley, Biometrics
    38, 1982), with what the clocks are worth at the first hour from the median on at which FEWEST_SITES sites are
    known, and the hours that looks leave open there. None if there is no such hour, nor where reports span too few
    days. `until` is the end of the measurement, `together` the sites for which decisions are made at once. `curves`
    are the group's, if they are known already. The interval covers best and worst case: a removal that may have lasted
    a day is an end at its lower end, and what no check saw up, or too few (`clocks`), is none at its upper end. Where
    that is many (`seldom_seen`), there is no single number.
    """
    if not group:
        return None
    found = _half_gone(group, curves, until, level, together)
    if found is None:
        return None
    if any(clock.flap_right_h < np.inf for clock in group):
        taken = [
            replace(one, left_h=one.flap_left_h, right_h=one.flap_right_h, cause=REMOVED)
            if one.flap_right_h < np.inf
            else one
            for one in group
        ]
        earliest = _half_gone(taken, None, until, level, together)
        found = found if earliest is None else replace(found, low=min(found.low, earliest.low))
    if unseen := sum(one.cause != NOTHING and not one.seen_by_check for one in group):
        latest = _half_gone([_remaining(one, until) for one in group], None, until, level, together)
        high = None if latest is None or found.high is None or latest.high is None else max(found.high, latest.high)
        found = replace(found, hours=None if seldom_seen(unseen, len(group)) else found.hours, high=high)
    return found


def _remaining(clock: Clock, until: datetime) -> Clock:
    """The clock, followed to the end without one if no check saw the content up."""
    if clock.seen_by_check or clock.cause == NOTHING:
        return clock
    followed = max(clock.left_h, (until - clock.origin) / timedelta(hours=1))
    return replace(clock, left_h=followed, right_h=np.inf, cause=NOTHING)


def _half_gone(
    group: Sequence[Clock], curves: Curves | None, until: datetime, level: float, together: float
) -> HalfGone | None:
    curves = curves or incidence(group)
    hours = curves.hours[curves.hours <= curves.known_until_h + _ROUNDING]
    gone = np.clip(1.0 - curves.survival[: hours.size], 0.0, 1.0)
    half = _first(hours, gone, 0.5)
    at = _told(group, float(hours[-1]) if half is None else float(np.ceil(half)), float(hours[-1]), 1.0)
    if at is None:
        return None
    known_at = _known_at(group, hours)
    tail = (1.0 - level) / 2
    low, high, part = 0.0, None, 1.0
    for when in ("median", "ends"):
        ends = (_told(group, float(np.ceil(low)), 1.0, -1.0), _told(group, float(np.ceil(high or at)), hours[-1], 1.0))
        asked = [at] if when == "median" else sorted({hour for hour in ends if hour is not None} - {at, 0.0})
        for hour in asked:
            worth = worth_within(group, hour, range(len(CAUSES)), until=until, together=together)
            if isinstance(worth, Refusal):
                return None
            here = sum(known_within(clock, hour) for clock in group)
            part = min(part, worth.number / max(1, here))
        n = np.maximum(known_at * part, 1.0)
        # the chance that less than half goes, given what was seen: Jeffreys' interval of the share holds 1/2 while it
        # is between the tails
        less = scipy.special.betainc(gone * n + 0.5, (1.0 - gone) * n + 0.5, 0.5)
        first, high = _first(hours, -less, tail - 1.0), _first(hours, -less, -tail)
        low = float(hours[-1]) if first is None else first
    held = [*_between_looks(group), *([] if half is None else [half])]
    highest = max([np.inf if high is None else high, *held])
    return HalfGone(hours=half, low=min([low, *held]), high=highest if np.isfinite(highest) else None)


def _told(group: Sequence[Clock], hour: float, last: float, step: float) -> float | None:
    """The first hour up or down to the last at which FEWEST_SITES sites are known; None if there is none."""
    while (last - hour) * step >= 0:
        if len({clock.site_id for clock in group if known_within(clock, hour)}) >= FEWEST_SITES:
            return hour
        hour += step
    return None


def _between_looks(group: Sequence[Clock]) -> tuple[float, float]:
    """The medians if each end came with the last look before it, and with the first after it.

    What lies between them no number of clocks tells. inf: half was not seen to go.
    """
    left, right = (np.array([getattr(clock, end) for clock in group]) for end in ("left_h", "right_h"))
    ended = np.isfinite(right)
    first = kaplan_meier(left, np.where(ended, left, np.inf)).median[1]
    return first, kaplan_meier(np.where(ended, right, left), right).median[1]


def _known_at(group: Sequence[Clock], hours: Floats) -> Floats:
    """The number of clocks with a known state, by time."""
    left, right = (np.sort([getattr(clock, end) for clock in group]) for end in ("left_h", "right_h"))
    ended = np.searchsorted(right, hours, side="right")
    running = left.size - np.searchsorted(left, hours, side="left")
    return np.asarray(ended + running, dtype=np.float64)


def _first(hours: Floats, rising: Floats, bar: float) -> float | None:
    """The time at which a value first reaches a bar.

    Interpolated in proportion between grid points; None if it never does.
    """
    over = np.flatnonzero(rising >= bar - _ROUNDING)
    if not over.size:
        return None
    at = int(over[0])
    if at == 0 or rising[at] <= rising[at - 1]:
        return float(hours[at])
    part = float(np.clip((bar - rising[at - 1]) / (rising[at] - rising[at - 1]), 0.0, 1.0))
    return float(hours[at - 1] + part * (hours[at] - hours[at - 1]))


def duration(clocks: Sequence[TakedownClock], *, within_h: float, until: datetime) -> Duration:
    """Median and restricted mean of clocks until any end.

    The mean is the one within `within_h` hours, `until` the end of the measurement. The mean heeds late entry
    (`turnbull`), the median leaves late clocks out. Clocks that ended before they began are in neither.
    """
    kept = running_clocks(clocks)
    half, mean = half_gone(kept, until=until), mean_hours(clocks, within_h)
    # no single number, as for the median
    many = seldom_seen(sum(map(_unseen, clocks)), len(clocks))
    return Duration(
        clocks=len(kept),
        median_h=half.hours if half else None,
        median_low=half.low if half else None,
        median_high=half.high if half else None,
        late=sum(one.timing != "before" and one.entered_h > 0 for one in clocks),
        within_h=within_h,
        mean_h=mean.estimate if mean and not many else None,
        mean_low=mean.low if mean else None,
        mean_high=mean.high if mean else None,
    )


def mean_hours(clocks: Sequence[TakedownClock], within_h: float) -> Sure | None:
    """Mean hours until any end, at most `within_h`.

    Whichever of the two comes first counts; late entry is heeded. The interval is that of resampled clusters, and at
    least that of dependence over time: Student's, with the cosine variance of the clocks' own hours. None where fewer
    than FEWEST_SITES clusters were under study within the first hour, for then nothing is known of that time, where the
    follow-up stops before `within_h`, where several curves are as likely until then (`Maxima`: an age at which nobody
    was under study), or where origins span too few days. A removal that may have lasted a day is an end at the lower
    end of the interval; what no check saw up is none at its upper end.
    """
    found = _mean_hours(clocks, within_h)
    if found is None or found.low is None or found.high is None:
        return found
    if any(_flapped(one) for one in clocks):
        earliest = _mean_hours([_flap_taken(one) for one in clocks], within_h)
        if earliest is not None and earliest.low is not None:
            found = replace(found, low=min(found.low or 0.0, earliest.low))
    if any(_unseen(one) for one in clocks):
        staying = [
            replace(one, left_h=max(one.left_h, within_h), right_h=None, cause=None) if _unseen(one) else one
            for one in clocks
        ]
        latest = _mean_hours(staying, within_h)
        high = within_h if latest is None or latest.high is None else latest.high
        found = replace(found, high=max(found.high or 0.0, high))
    return found


def _flap_taken(clock: TakedownClock) -> TakedownClock:
    if not _flapped(clock):
        return clock
    return replace(clock, left_h=clock.flap_left_h or 0.0, right_h=clock.flap_right_h, cause="removed")


def _unseen(clock: TakedownClock) -> bool:
    return clock.right_h is not None and not clock.seen_by_check


def _flapped(clock: TakedownClock) -> bool:
    return clock.flap_right_h is not None and clock.flap_right_h > clock.entered_h


def _mean_hours(clocks: Sequence[TakedownClock], within_h: float) -> Sure | None:
    own = [one for one in clocks if one.timing != "before"]
    labels = clusters_of(own)
    if len({label for one, label in zip(own, labels, strict=True) if one.entered_h < 1.0}) < FEWEST_SITES:
        return None
    names = {label: number for number, label in enumerate(sorted(set(labels)))}
    entry = np.array([one.entered_h for one in own])
    left = np.maximum([max(0.0, one.left_h) for one in own], entry)
    right = np.array([np.inf if one.right_h is None else one.right_h for one in own])
    cluster = np.array([names[label] for label in labels])
    found = resample(left, right, cluster, np.random.default_rng(SEED), entry=entry, step=1.0)
    if found.estimate.known_until < within_h or found.estimate.since > 0 or not found.estimate.determined(within_h):
        return None
    wide = _half_width(own, labels, within_h)
    if wide is None:
        return None
    sure = found.rmst(within_h)
    low, high = max(0.0, sure.estimate - wide), min(within_h, sure.estimate + wide)
    if sure.low is not None and sure.high is not None:
        low, high = min(sure.low, low), max(sure.high, high)
    return replace(sure, low=low, high=high)


def _half_width(clocks: Sequence[TakedownClock], labels: Sequence[str], within_h: float) -> float | None:
    """Half the width of the interval of a mean within some hours.

    The larger of two: Student's, with the cosine variance of the clocks' own hours; and normal, with as many
    independent clocks as the share below their median is worth (`effective_number`), and half a clock at either end
    added as in Jeffreys' interval. Over clocks whose hours are known; ends count in the middle of their
    intervals. None for too few days.
    """
    known = sorted(
        (n for n, one in enumerate(clocks) if one.right_h is not None or one.left_h >= within_h),
        key=lambda n: clocks[n].origin,
    )
    if not known:
        return None
    first = clocks[known[0]].origin
    at = [(clocks[n].origin - first) / timedelta(hours=1) for n in known]
    ends = [(clocks[n].left_h, clocks[n].right_h) for n in known]
    hours = np.array([within_h if right is None else (max(0.0, left) + right) / 2 for left, right in ends])
    hours = np.minimum(hours, within_h)
    names = {label: number for number, label in enumerate(sorted(set(labels)))}
    own = [names[labels[n]] for n in known]
    below = hours <= min(float(np.median(hours)), within_h - _ROUNDING)
    of_kind, alike = by_kind([labels_on(clocks[n]) for n in known])
    worth = effective_number(below, at, own, labels=of_kind, pooled=alike)
    if isinstance(worth, Refusal):
        return None
    variance = cosine_variance(hours, worth.freedom)
    by_time = float(scipy.special.stdtrit(worth.freedom, _UPPER) * np.sqrt(variance))
    n = worth.number
    middle = (hours.mean() * n + within_h / 2) / (n + 1)
    ends_apart = (middle**2 + (within_h - middle) ** 2) / 2
    spread = (np.square(hours - middle).mean() * n + ends_apart) / (n + 1)
    return max(by_time, float(scipy.special.ndtri(_UPPER) * np.sqrt(spread / (n + 1))))
