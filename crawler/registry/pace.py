"""How often a registry may be asked, and how long it is left alone."""

import random
import re
from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

WINDOW = timedelta(seconds=61)
"""A minute, and a second for clocks that do not run alike."""

LONGEST_PATIENCE = timedelta(hours=1)
"""A registry that asks for more is not asked again in this crawl."""

_FIRST_BACKOFF_S = 30.0
_LONGEST_BACKOFF_S = 900.0
_WORDLESS = re.compile(r"\d{1,9}", re.ASCII)


class Pace:
    """A bucket of tokens for one registry.

    Each question takes a token and gives it back a minute after its answer came. As the question was received before
    its answer was, no more than `a_minute` are received in any 60 s, however long they are under way. Fewer than one
    a minute is allowed: 0.5 is one in two minutes.
    """

    def __init__(self, a_minute: float, *, full_at: datetime | None = None) -> None:
        """Take the limit; `full_at`: all tokens were last taken then, as by an earlier crawl."""
        self._tokens = max(1, int(a_minute))
        self._window = WINDOW if a_minute >= 1 else WINDOW / a_minute
        self._answered: deque[datetime] = deque(maxlen=self._tokens)
        self._blocked_until: datetime | None = None
        self._backoffs = 0
        if full_at is not None:
            self._answered.extend([full_at] * self._tokens)

    def next_at(self, now: datetime) -> datetime:
        """When the next question may leave."""
        free = self._answered[0] + self._window if len(self._answered) == self._tokens else now
        return max(now, free, self._blocked_until or now)

    def answered(self, now: datetime) -> None:
        """An answer came, or will not come any more."""
        self._answered.append(now)

    def leave_alone(self, now: datetime, asked_for: timedelta | None, chance: random.Random) -> bool:
        """The registry has had enough: wait as it asks, else ever longer; False if it asks for too long."""
        if asked_for is None:
            seconds = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0**self._backoffs)
            self._backoffs = min(self._backoffs + 1, 10)
            asked_for = timedelta(seconds=seconds * chance.uniform(0.75, 1.25))
        elif asked_for > LONGEST_PATIENCE:
            return False
        self._blocked_until = max(now + asked_for, self._blocked_until or now)
        return True

    def content(self) -> None:
        """The registry answered in earnest: the next backoff begins anew."""
        self._backoffs = 0


def retry_after(value: str, now: datetime) -> timedelta | None:
    """The wait that a Retry-After header asks for, in seconds or as a date; None if it cannot be read."""
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


def backoff(tries: int, chance: random.Random) -> timedelta:
    """How long one network waits after its n-th failed try, 10 s, 20 s, 40 s ... drawn a quarter up or down."""
    return timedelta(seconds=min(600.0, 10.0 * 2.0 ** (tries - 1)) * chance.uniform(0.75, 1.25))
