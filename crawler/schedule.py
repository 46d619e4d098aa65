"""When a URL is looked at next: the same rule for every hoster."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

from waterbed.model.bookkeeping import Due
from waterbed.model.conclusions import State
from waterbed.store.config import Schedule

_LONGEST_PATIENCE_S = 86_400


def next_due(
    due: Due, *, seen: State, retry_after_s: int | None, now: datetime, schedule: Schedule, chance: random.Random
) -> Due:
    """The schedule after a look: confirm a loss soon, then look slowly.

    `seen` only times the next look; it is not recorded. An unknown look changes nothing but the time. A server that
    asked for patience (Retry-After) gets it, a day at most.
    """
    streak = {"up": 0, "down": due.streak + 1, "unknown": due.streak}[seen]
    seconds = _interval(streak, now - due.first_report_at, schedule)
    seconds *= 1 + schedule.jitter * chance.uniform(-1, 1)
    seconds = max(seconds, min(retry_after_s or 0, _LONGEST_PATIENCE_S))
    return replace(due, due_at=now + timedelta(seconds=seconds), streak=streak, lease_run_id=None, leased_until=None)


def _interval(streak: int, age: timedelta, schedule: Schedule) -> float:
    if 0 < streak <= len(schedule.confirm_s):
        return schedule.confirm_s[streak - 1]
    if streak:
        return schedule.removed_interval_s
    young = age < timedelta(hours=schedule.young_hours)
    return schedule.young_interval_s if young else schedule.interval_s
