"""When a URL is looked at next: the same rule for every hoster."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

from waterbed.model.bookkeeping import Due
from waterbed.model.conclusions import State
from waterbed.store.settings import Schedule

_LONGEST_PATIENCE_S = 86_400
_DAY = timedelta(days=1)
_STEP_TAKEN_S = 300.0
"""A step of the ladder that is nearer than this counts as taken: a re-report may have asked for a look just before."""


def next_due(
    due: Due,
    *,
    seen: State,
    retry_after_s: int | None,
    now: datetime,
    fingerprint: str | None,
    schedule: Schedule,
    chance: random.Random,
) -> Due:
    """The schedule after a look: confirm a loss soon, then look slowly.

    `seen` only times the next look; it is not recorded. An unknown look neither counts nor hurries. A server that
    asked for patience (Retry-After) gets it, a day at most. No URL is looked at more than `looks_a_day` times in 24
    hours, whatever it answers. Nothing of the hoster or the network comes in.
    """
    streak = {"up": 0, "down": due.streak + 1, "unknown": due.streak}[seen]
    seconds = _wait(0 if seen == "unknown" else streak, due, now, schedule, chance.uniform(-1, 1))
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


def _wait(streak: int, due: Due, now: datetime, schedule: Schedule, drawn: float) -> float:
    """Seconds until the next look; `drawn` is from -1 to 1."""
    around = 1 + schedule.jitter * drawn
    if 0 < streak <= len(schedule.confirm_s):
        return schedule.confirm_s[streak - 1] * around
    age_s = (now - max(due.first_report_at, due.anchor_at or due.first_report_at)).total_seconds()
    if streak:
        return _slower(schedule.removed_interval_s, age_s, schedule) * around
    step = next((step for step in schedule.ladder_s if step - age_s >= _STEP_TAKEN_S), None)
    if step is not None:  # never before its step: a look just before it would leave the step to be taken once more
        return (step - age_s) * (1 + schedule.jitter * (drawn + 1) / 2)
    if not schedule.ladder_s and age_s < schedule.fresh_s:
        return schedule.young_interval_s * around
    return _slower(schedule.interval_s, age_s, schedule) * around


def _slower(interval_s: float, age_s: float, schedule: Schedule) -> float:
    """An interval that grows with age: never below itself, and above the longest one only if it is so by itself."""
    return max(interval_s, min(age_s * schedule.age_share, schedule.longest_interval_s))
