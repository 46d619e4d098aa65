"""Times of the next looks, by one rule for all."""

import math
import random
from dataclasses import replace
from datetime import datetime, timedelta

from waterbed.attribution.lookups.dns.replies import MAX_NEGATIVE_TTL_S
from waterbed.model.bookkeeping import Due
from waterbed.model.conclusions import State
from waterbed.model.paces import PACE, rarely
from waterbed.store.settings import Schedule

_LONGEST_PATIENCE_S = 86_400
_DAY = timedelta(days=1)
_STEP_TAKEN_S = 300.0
"""A step of the ladder that is nearer than this counts as taken: a re-report may have caused a look just before."""


def next_due(
    due: Due,
    *,
    seen: State,
    retry_after_s: float | None,
    now: datetime,
    fingerprint: str | None,
    schedule: Schedule,
    rng: random.Random,
) -> Due:
    """Return the schedule after a look.

    A loss is confirmed soon, then the looks become rarer. `seen` only times the next look; it is not recorded. An
    unknown look changes neither streak nor interval. The wait that a server asked for, `retry_after_s`, is respected
    up to a day. No URL is checked more than `looks_a_day` times in 24 hours, whatever its responses. Hoster and network
    have no influence. Of `rare_share` of the URLs, drawn by their ids, the regular looks are half as often.
    """
    streak = {"up": 0, "down": due.streak + 1, "unknown": due.streak}[seen]
    seconds = _wait(0 if seen == "unknown" else streak, due, now, schedule, rng.uniform(-1, 1))
    seconds = max(seconds, min(retry_after_s or 0, _LONGEST_PATIENCE_S))
    next_at = now + timedelta(seconds=seconds)
    began, looks = due.day_began_at, due.day_looks + 1
    if began is None or not began <= now < began + _DAY:
        began, looks = now, 1
    if looks >= schedule.looks_a_day:
        next_at = max(next_at, began + _DAY)
    return replace(
        due,
        due_at=next_at,
        streak=streak,
        day_began_at=began,
        day_looks=looks,
        fingerprint=fingerprint,
        lease_run_id=None,
    )


def memory_of_denials_s(schedule: Schedule) -> float:
    """Return how long a name's denial may be remembered.

    Half the least time between two looks that confirm a loss: each of them asks anew.
    """
    least = min(schedule.confirm_s, default=math.inf) * (1 - schedule.jitter)
    return min(least / 2, MAX_NEGATIVE_TTL_S)


def put_off(due: Due, now: datetime, wait_s: float) -> Due:
    """Return the schedule of a URL that is left unchecked.

    It stays as it is, but for a wait of up to a day.
    """
    return replace(due, due_at=now + timedelta(seconds=min(wait_s, _LONGEST_PATIENCE_S)), lease_run_id=None)


def _wait(streak: int, due: Due, now: datetime, schedule: Schedule, deviation: float) -> float:
    """Return the seconds until the next look; `deviation` is from -1 to 1."""
    around = 1 + schedule.jitter * deviation
    if 0 < streak <= len(schedule.confirm_s):
        return schedule.confirm_s[streak - 1] * around
    age_s = (now - max(due.first_report_at, due.anchor_at or due.first_report_at)).total_seconds()
    if streak:
        return _slower(schedule.removed_interval_s, age_s, schedule) * around
    rare = schedule.rare_share > 0 and rarely(due.url_id, schedule.rare_share)
    if rare:
        around *= PACE
    ladder = schedule.ladder_s[1 - len(schedule.ladder_s) % 2 :: 2] if rare else schedule.ladder_s  # with its last step
    step = next((step for step in ladder if step - age_s >= _STEP_TAKEN_S), None)
    if step is not None:  # never before its step: after a look just before it the step would be due once more
        return (step - age_s) * (1 + schedule.jitter * (deviation + 1) / 2)
    if not schedule.ladder_s and age_s < schedule.fresh_s:
        return schedule.young_interval_s * around
    return _slower(schedule.interval_s, age_s, schedule) * around


def _slower(interval_s: float, age_s: float, schedule: Schedule) -> float:
    """Return an interval that grows with age, up to the longest one; never below `interval_s`."""
    return max(interval_s, min(age_s * schedule.age_share, schedule.longest_interval_s))
