"""When a URL is looked at next: the same rule for every hoster."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

from waterbed.model.bookkeeping import Due
from waterbed.model.conclusions import State
from waterbed.store.config import Schedule

_LONGEST_PATIENCE_S = 86_400
_DAY = timedelta(days=1)


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
    hours, whatever it answers.
    """
    streak = {"up": 0, "down": due.streak + 1, "unknown": due.streak}[seen]
    seconds = _interval(0 if seen == "unknown" else streak, now - due.first_report_at, schedule)
    seconds *= 1 + schedule.jitter * chance.uniform(-1, 1)
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
        leased_until=None,
    )


def _interval(streak: int, age: timedelta, schedule: Schedule) -> float:
    if 0 < streak <= len(schedule.confirm_s):
        return schedule.confirm_s[streak - 1]
    if streak:
        return schedule.removed_interval_s
    young = age < timedelta(hours=schedule.young_hours)
    return schedule.young_interval_s if young else schedule.interval_s
