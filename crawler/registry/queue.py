"""The queue of one registry's tasks, with its pace."""

import heapq
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from waterbed.attribution.lookups.rdap.answers import Registered
from waterbed.attribution.lookups.rdap.plan import Ask
from waterbed.crawler.registry.pace import Pace
from waterbed.model.registrations import RegistrationStatus

GIVE_UP = 20
"""Failures in a row after which the registry is out of order, or refuses us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RdapTask:
    """One query to a registry.

    It asks for the smallest network (level 0), or for the parent of `below`.
    """

    ask: Ask
    level: int
    registry: str
    url: str
    below: Registered | None = None
    tries: int = 0
    trail: tuple[str, ...] = ()
    """URLs that led here by redirects."""

    def __repr__(self) -> str:
        """Show level and registry alone."""
        return f"<RdapTask at level {self.level} for {self.registry}>"

    def retried(self) -> "RdapTask":
        """Return the task with one more try."""
        return replace(self, tries=self.tries + 1)

    def moved(self, registry: str, url: str) -> "RdapTask":
        """Return the task redirected to another registry."""
        return replace(self, registry=registry, url=url, trail=(*self.trail, self.url))


@dataclass(slots=True)
class Queue:
    """One registry's tasks in a crawl, one in flight."""

    name: str
    pace: Pace
    busy: bool = False
    closed: tuple[RegistrationStatus, str] | None = None
    asked: int = 0
    answered: int = 0
    covered: int = 0
    requests: int = 0
    waited: timedelta = timedelta()
    failed: Counter[str] = field(default_factory=Counter)
    _ready: deque[RdapTask] = field(default_factory=deque)
    _later: list[tuple[datetime, int, RdapTask]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _bad_in_row: int = 0

    def __len__(self) -> int:
        """Return the number of waiting tasks."""
        return len(self._ready) + len(self._later)

    def put(self, task: RdapTask) -> None:
        """Add a task; parent networks come first, to complete chains."""
        if task.level:
            self._ready.appendleft(task)
        else:
            self._ready.append(task)

    def put_back(self, task: RdapTask, ready_at: datetime) -> None:
        """Add a task that must wait until a time."""
        heapq.heappush(self._later, (ready_at, next(self._numbers), task))

    def take(self, now: datetime) -> tuple[datetime, RdapTask]:
        """Take the next task, and its earliest time.

        Delayed tasks whose time has come precede new ones.
        """
        if self._later and (self._later[0][0] <= now or not self._ready):
            ready_at, _, task = heapq.heappop(self._later)
            return ready_at, task
        return now, self._ready.popleft()

    def take_all(self) -> list[RdapTask]:
        """Remove and return all tasks."""
        taken = [*self._ready, *(task for _, _, task in self._later)]
        self._ready.clear()
        self._later.clear()
        return taken

    def record_success(self) -> None:
        """Count a useful response."""
        self._bad_in_row = 0
        self.pace.reset_backoff()

    def record_failure(self) -> bool:
        """Count a failure.

        True if it is time to give up.
        """
        self._bad_in_row += 1
        return self._bad_in_row >= GIVE_UP
