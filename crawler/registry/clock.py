"""Clocks of a registry crawl: real time, or skipped waiting."""

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol

_SETTLE_S = 0.001
"""Real time without a request in flight after which a skipping clock moves on, seconds."""


class Clock(Protocol):
    """The clock that a crawl of registries needs."""

    def now(self) -> datetime:
        """Return the time, UTC; it never goes back."""

    async def sleep_until(self, when: datetime) -> None:
        """Wait until a time.

        Return at once if it is past.
        """

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Mark a request as in flight within this context."""


class LoopClock:
    """Real time, set by the wall clock once.

    From then on the event loop's own clock counts.
    """

    def __init__(self, start: datetime) -> None:
        """Take the wall clock's time; call this inside the loop."""
        self._loop = asyncio.get_running_loop()
        self._start, self._began = start, self._loop.time()

    def now(self) -> datetime:
        """Return the time, UTC."""
        return self._start + timedelta(seconds=self._loop.time() - self._began)

    async def sleep_until(self, when: datetime) -> None:
        """Wait until a time."""
        await asyncio.sleep(max(0.0, (when - self.now()).total_seconds()))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Do nothing: real time runs on."""
        yield


class SkippingClock:
    """Virtual time of a lab, which skips all waiting.

    It stands still while a request is in flight, and otherwise skips to the earliest waiter. Hours of waiting take no
    real time, and rates by this clock are those of a real crawl.
    """

    def __init__(self, start: datetime) -> None:
        """Begin at a time."""
        self._now = start
        self._under_way = 0
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._number = count()
        self._handle: asyncio.TimerHandle | None = None

    def now(self) -> datetime:
        """Return the virtual time."""
        return self._now

    async def sleep_until(self, when: datetime) -> None:
        """Wait until the virtual time is reached."""
        if when <= self._now:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (when, next(self._number), waiter))
        self._settle()
        await waiter

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Stop the clock within this context."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._settle()

    def _settle(self) -> None:
        if self._sleepers and not self._under_way and self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(_SETTLE_S, self._move_on)

    def _move_on(self) -> None:
        self._handle = None
        if self._under_way or not self._sleepers:
            return
        self._now = max(self._now, self._sleepers[0][0])
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, waiter = heapq.heappop(self._sleepers)
            if not waiter.done():
                waiter.set_result(None)
        self._settle()
