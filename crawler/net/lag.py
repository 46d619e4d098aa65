"""Deadlines that stand still while the event loop does."""

import asyncio
from time import monotonic
from typing import Final

_TICK_S: Final = 0.05
"""Seconds between two looks at the clock, and the least lateness of one that counts."""


class LoopLag:
    """Measures how long the event loop stood still.

    One callback that takes long, such as an expensive handshake, holds up all others. Answers that came meanwhile are
    read only afterwards, behind the timers that ran out: so those get the time back. It measures only while a deadline
    is open.
    """

    def __init__(self) -> None:
        """Measure nothing yet."""
        self._seconds = 0.0
        self._due = 0.0
        self._open: set[asyncio.Timeout] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def seconds(self) -> float:
        """Seconds that the loop stood still, up to now."""
        if self._open:
            self._measure()
        return self._seconds

    def watch(self, timeout: asyncio.Timeout) -> "_Watched":
        """Let a timeout stand still while the loop does.

        It has begun; it is watched until the block ends.
        """
        return _Watched(self, timeout)

    def _begin(self, timeout: asyncio.Timeout) -> None:
        if self._open:
            self._measure()  # what was before is not this one's
        else:
            self._tick()
        self._open.add(timeout)

    def _end(self, timeout: asyncio.Timeout) -> None:
        self._measure()
        self._open.discard(timeout)
        if not self._open and self._timer:
            self._timer.cancel()

    def _tick(self) -> None:
        """Measure; it was due earlier than any deadline that the loop overslept, so it runs first."""
        if self._open:
            self._measure()
        self._due = monotonic() + _TICK_S
        self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _measure(self) -> None:
        """Count the time since a tick was due, and give it to all open deadlines."""
        now = monotonic()
        late = now - self._due
        if late < _TICK_S:
            return
        self._seconds += late
        self._due = now + _TICK_S
        for timeout in self._open:
            deadline = timeout.when()
            if deadline is not None and not timeout.expired():
                timeout.reschedule(deadline + late)


class _Watched:
    """A timeout that gets back the time in which its loop stood still."""

    __slots__ = ("_lag", "_timeout")

    def __init__(self, lag: LoopLag, timeout: asyncio.Timeout) -> None:
        self._lag, self._timeout = lag, timeout

    def __enter__(self) -> None:
        self._lag._begin(self._timeout)

    def __exit__(self, *_: object) -> None:
        self._lag._end(self._timeout)
