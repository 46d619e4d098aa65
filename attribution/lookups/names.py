"""The one home for DNS: hosts to their addresses."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from attribution.lookups.addresses import canonical
from attribution.lookups.exchange import Datagrams, Ticket, ask_over_tcp
from attribution.lookups.messages import AAAA, A, Reply, read_reply, truncated, wire_name
from waterbed.model.errors import InputError, OwnFailure
from waterbed.model.facts import NameStatus

MAX_ADDRESSES = 256
"""Most addresses kept of one answer: the first ones in sorted order, so that two equal answers stay equal."""

MAX_TTL_S = 86_400
"""Longest time an answer is remembered, seconds."""

MAX_NEGATIVE_TTL_S = 10_800
"""Longest time a denial is remembered, seconds (RFC 2308, section 5)."""

FAILURE_TTL_S = 5
"""How long a failure is remembered, seconds, so that it is not asked again at once (RFC 9520)."""

_REMEMBERED = 65_536
_FAILURES: tuple[NameStatus, ...] = ("bad_answer", "too_long", "servfail", "refused", "timeout")
_TIMEOUT = Reply(status="timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the resolver says of one host.

    A and AAAA together. `addresses` are sorted as text, in canonical spelling, at most MAX_ADDRESSES. `cnames` are
    plain host names and secret. `ttl_s` is the smallest TTL on the way to the addresses, or how long a denial holds;
    None if unknown.
    """

    status: NameStatus
    addresses: tuple[str, ...]
    cnames: tuple[str, ...] = field(repr=False)
    ttl_s: int | None
    ede: tuple[int, ...]
    resolver: str


def combine(a: Reply, aaaa: Reply, resolver: str) -> tuple[Answer, float]:
    """One answer from the replies for A and AAAA.

    With it goes how long to remember it, seconds.

    - Any address makes it `ok`; if the other half failed, the set may lack addresses, so it is remembered briefly.
    - A failure beats a denial: the failed half might have held addresses, and unknown never counts as down.
    - `nxdomain` needs both. A name that does not exist has no records of any type (RFC 8020), but some servers deny
      the name when only AAAA is missing (RFC 4074, section 4.2); one denial beside a `nodata` is therefore `nodata`.
    - A denial without SOA record is not remembered (RFC 2308, section 5).
    """
    found = tuple(sorted({*a.addresses, *aaaa.addresses})[:MAX_ADDRESSES])
    failed = [s for s in _FAILURES if s in (a.status, aaaa.status)]
    denied: NameStatus = "nxdomain" if a.status == aaaa.status == "nxdomain" else "nodata"
    known = [r.ttl_s for r in (a, aaaa) if r.ttl_s is not None]
    if found:
        ttl: int | None = min(r.ttl_s or 0 for r in (a, aaaa) if r.addresses)
        hold_s = min(*known, FAILURE_TTL_S if failed else MAX_TTL_S)
    else:
        ttl = min(known) if len(known) == 2 and not failed else None
        hold_s = FAILURE_TTL_S if failed else min(ttl or 0, MAX_NEGATIVE_TTL_S)
    answer = Answer(
        status="ok" if found else failed[0] if failed else denied,
        addresses=found,
        cnames=a.cnames or aaaa.cnames,
        ttl_s=ttl,
        ede=tuple(sorted({*a.ede, *aaaa.ede})),
        resolver=resolver,
    )
    return answer, hold_s


class _Search:
    """One host being asked for, and who waits."""

    __slots__ = ("host", "questions", "replies", "tickets", "timer", "tries", "waiters", "whole")

    def __init__(self, host: str, name: bytes) -> None:
        self.host = host
        self.questions = (name + A, name + AAAA)
        self.replies: list[Reply | None] = [None, None]
        self.whole = [False, False]
        self.tickets: list[Ticket] = []
        self.timer: asyncio.TimerHandle | None = None
        self.tries = 0
        self.waiters: list[asyncio.Future[Answer]] = []

    def __repr__(self) -> str:
        return "<search>"


class Resolver:
    """Asks one recursive resolver, many names at once, and remembers.

    `timeout_s` bounds one host's look-up over all tries (1 to 10): each waits twice as long as the one before, and a
    late answer to an earlier try still counts. At most `in_flight` hosts are asked for at a time; others wait their
    turn. Who asks for a host that is being asked for joins in. `clock` gives seconds and decides how long an answer is
    remembered.
    """

    def __init__(
        self,
        resolver: str,
        *,
        timeout_s: float,
        tries: int,
        in_flight: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the resolver as `address:port`; InputError if it is otherwise."""
        if timeout_s <= 0 or not 1 <= tries <= 10 or in_flight < 1:
            raise InputError(
                "names: timeout_s must be above 0, tries 1 to 10, in_flight at least 1; see docs/operations.md"
            )
        self.resolver = resolver
        self._where = _where(resolver)
        self._datagrams = Datagrams(self._where)
        self._timeout_s, self._tries, self._in_flight, self._clock = timeout_s, tries, in_flight, clock
        self._known: OrderedDict[str, tuple[float, Answer]] = OrderedDict()
        self._searches: dict[str, _Search] = {}
        self._queue: deque[_Search] = deque()
        self._active = 0
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself holds tasks weakly
        self._closed = False

    async def resolve(self, host: str) -> Answer:
        """All addresses of a host, or why there are none.

        Raises OwnFailure if the resolver is closed or no socket can be had, never for what the network does.
        """
        if self._closed:
            raise OwnFailure("the resolver was closed while names were still asked for")
        host = host.lower().removesuffix(".")
        known = self._known.get(host)
        if known is not None:
            if known[0] > self._clock():
                self._known.move_to_end(host)
                return known[1]
            del self._known[host]
        search = self._searches.get(host)
        if search is None:
            literal = canonical(host.removeprefix("[").removesuffix("]"))
            name = None if literal else wire_name(host)
            if name is None:
                return self._without_query("literal" if literal else "bad_name", (literal,) if literal else ())
            search = self._searches[host] = _Search(host, name)
            self._queue.append(search)
        waiter: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        search.waiters.append(waiter)
        self._start_queued()
        return await waiter

    async def close(self) -> None:
        """Close the sockets; whoever still waits gets OwnFailure."""
        self._closed = True
        for search in list(self._searches.values()):
            self._drop(search, OwnFailure("the resolver was closed while names were still asked for"))
        self._queue.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._datagrams.close()

    def _without_query(self, status: NameStatus, addresses: tuple[str, ...]) -> Answer:
        return Answer(status=status, addresses=addresses, cnames=(), ttl_s=None, ede=(), resolver=self.resolver)

    def _start_queued(self) -> None:
        while self._queue and self._active < self._in_flight:
            search = self._queue.popleft()
            self._active += 1
            self._ask(search)

    def _ask(self, search: _Search) -> None:
        """Send what is unanswered; after the last try, conclude."""
        search.tries += 1
        if search.tries > self._tries:
            self._conclude(search)
            return
        try:
            for place, question in enumerate(search.questions):
                if search.replies[place] is None and not search.whole[place]:
                    ticket = self._datagrams.ask(question, partial(self._hear, search, place))
                    if ticket is not None:
                        search.tickets.append(ticket)
        except OwnFailure as problem:
            self._drop(search, problem)
            return
        wait_s = self._timeout_s * 2 ** (search.tries - 1) / (2**self._tries - 1)
        search.timer = asyncio.get_running_loop().call_later(wait_s, self._ask_again, search)

    def _ask_again(self, search: _Search) -> None:
        self._ask(search)
        self._start_queued()

    def _hear(self, search: _Search, place: int, data: bytes) -> None:
        if search.replies[place] is not None or search.whole[place]:
            return
        if not truncated(data):
            self._take(search, place, read_reply(data, search.questions[place]))
            return
        search.whole[place] = True
        task = asyncio.get_running_loop().create_task(self._hear_whole(search, place))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hear_whole(self, search: _Search, place: int) -> None:
        """Ask again over TCP; if fruitless, the next try follows."""
        question = search.questions[place]
        data = None
        try:
            async with asyncio.timeout(self._timeout_s):
                data = await ask_over_tcp(self._where, question)
        except TimeoutError:
            return
        finally:
            search.whole[place] = False
        if data is not None:
            whole = Reply(status="bad_answer") if truncated(data) else read_reply(data, question)
            self._take(search, place, whole)

    def _take(self, search: _Search, place: int, reply: Reply) -> None:
        search.replies[place] = reply
        if None not in search.replies and self._searches.get(search.host) is search:
            self._conclude(search)

    def _conclude(self, search: _Search) -> None:
        a, aaaa = (reply or _TIMEOUT for reply in search.replies)
        answer, hold_s = combine(a, aaaa, self.resolver)
        if hold_s > 0:
            self._known[search.host] = (self._clock() + hold_s, answer)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._end(search)
        for waiter in search.waiters:
            if not waiter.done():
                waiter.set_result(answer)
        self._start_queued()

    def _drop(self, search: _Search, problem: OwnFailure) -> None:
        self._end(search)
        for waiter in search.waiters:
            if not waiter.done():
                waiter.set_exception(problem)

    def _end(self, search: _Search) -> None:
        if search.timer is not None:
            search.timer.cancel()
        for ticket in search.tickets:
            self._datagrams.forget(ticket)
        if search.tries:
            self._active -= 1
        del self._searches[search.host]


def _where(resolver: str) -> tuple[str, int]:
    host, _, port = resolver.rpartition(":")
    address = canonical(host.removeprefix("[").removesuffix("]"))
    if address is None or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise InputError(
            f"resolver {resolver!r} is not address:port, as in 127.0.0.1:53 or [::1]:53; see docs/operations.md"
        )
    return address, int(port)
