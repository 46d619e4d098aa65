"""One registry's questions: what waits, in which order, at which pace."""

import heapq
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from attribution.lookups.rdap.answers import Registered
from attribution.lookups.rdap.plan import Ask
from crawler.registry.pace import Pace
from waterbed.model.facts import RegistrationStatus

GIVE_UP = 20
"""Questions in a row without an answer of use: then the registry is out of order, or does not want us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RdapTask:
    """One question to a registry: for the smallest network (level 0), or for one above `below`."""

    ask: Ask
    level: int
    registry: str
    url: str
    below: Registered | None = None
    tries: int = 0
    trail: tuple[str, ...] = ()
    """URLs that led here by redirects."""

    def __repr__(self) -> str:
        """Level and registry alone."""
        return f"<work at level {self.level} for {self.registry}>"

    def once_more(self) -> "RdapTask":
        """The same, tried once more."""
        return replace(self, tries=self.tries + 1)

    def moved(self, registry: str, url: str) -> "RdapTask":
        """The same, at another registry."""
        return replace(self, registry=registry, url=url, trail=(*self.trail, self.url))


@dataclass(slots=True)
class Queue:
    """One registry in one crawl; at most one question is under way there."""

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
        """Count what waits."""
        return len(self._ready) + len(self._later)

    def put(self, work: RdapTask) -> None:
        """Let work wait; a network above comes first, so that a chain is soon whole."""
        if work.level:
            self._ready.appendleft(work)
        else:
            self._ready.append(work)

    def put_back(self, work: RdapTask, ready_at: datetime) -> None:
        """Let work wait for a time."""
        heapq.heappush(self._later, (ready_at, next(self._numbers), work))

    def take(self, now: datetime) -> tuple[datetime, RdapTask]:
        """Take what is next, and when it may be asked: what has waited for its time comes before what is new."""
        if self._later and (self._later[0][0] <= now or not self._ready):
            ready_at, _, work = heapq.heappop(self._later)
            return ready_at, work
        return now, self._ready.popleft()

    def take_all(self) -> list[RdapTask]:
        """Take all that waits."""
        taken = [*self._ready, *(work for _, _, work in self._later)]
        self._ready.clear()
        self._later.clear()
        return taken

    def well(self) -> None:
        """It answered in earnest."""
        self._bad_in_row = 0
        self.pace.content()

    def badly(self) -> bool:
        """A question got no answer of use; True if it is time to give up."""
        self._bad_in_row += 1
        return self._bad_in_row >= GIVE_UP
