"""Rate limit and backoff of one registry."""

import random
import re
from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

WINDOW = timedelta(seconds=61)
"""A minute, and a second for the difference between clocks."""

LONGEST_PATIENCE = timedelta(hours=1)
"""A registry that demands a longer pause is not asked again in this crawl."""

_FIRST_BACKOFF_S = 30.0
_LONGEST_BACKOFF_S = 900.0
_WORDLESS = re.compile(r"\d{1,9}", re.ASCII)


class Pace:
    """A token bucket for one registry.

    Each query takes a token and returns it a minute after its response came. As a registry receives a query before we
    receive the response, it receives no more than `a_minute` in any 60 s, whatever the latency. Fractions are allowed:
    0.5 is one in two minutes.
    """

    def __init__(self, a_minute: float, *, full_at: datetime | None = None) -> None:
        """Take the limit.

        `full_at`: all tokens were last taken then, as by an earlier crawl.
        """
        self._tokens = max(1, int(a_minute))
        self._window = WINDOW if a_minute >= 1 else WINDOW / a_minute
        self._answered: deque[datetime] = deque(maxlen=self._tokens)
        self._blocked_until: datetime | None = None
        self._backoffs = 0
        if full_at is not None:
            self._answered.extend([full_at] * self._tokens)

    def next_at(self, now: datetime) -> datetime:
        """Return the earliest time of the next query."""
        free = self._answered[0] + self._window if len(self._answered) == self._tokens else now
        return max(now, free, self._blocked_until or now)

    def answered(self, now: datetime) -> None:
        """Count a response, or a query that ended without one."""
        self._answered.append(now)

    def block(self, now: datetime, asked_for: timedelta | None, rng: random.Random) -> bool:
        """Pause as the registry demands, else ever longer.

        False if it demands more than `LONGEST_PATIENCE`.
        """
        if asked_for is None:
            seconds = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0**self._backoffs)
            self._backoffs = min(self._backoffs + 1, 10)
            asked_for = timedelta(seconds=seconds * rng.uniform(0.75, 1.25))
        elif asked_for > LONGEST_PATIENCE:
            return False
        self._blocked_until = max(now + asked_for, self._blocked_until or now)
        return True

    def reset_backoff(self) -> None:
        """Reset the backoff after a useful response."""
        self._backoffs = 0


def retry_after(value: str, now: datetime) -> timedelta | None:
    """Return the pause that a Retry-After header demands.

    The header holds seconds or a date; None if it cannot be parsed.
    """
    text = value.strip()
    if _WORDLESS.fullmatch(text):
        return timedelta(seconds=int(text))
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(when - now, timedelta())


def backoff(tries: int, rng: random.Random) -> timedelta:
    """Return the pause after a network's n-th failed try.

    10 s, 20 s, 40 s ..., up to 600 s, drawn up to a quarter longer or shorter.
    """
    return timedelta(seconds=min(600.0, 10.0 * 2.0 ** (tries - 1)) * rng.uniform(0.75, 1.25))
