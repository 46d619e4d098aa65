"""Resolves hosts to addresses, and domains to name servers."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from waterbed.attribution.lookups.dns.messages import AAAA, NS, A, read_reply, truncated, wire_name
from waterbed.attribution.lookups.dns.replies import MAX_NEGATIVE_TTL_S, Answer, Reply, combine, name_servers_in
from waterbed.attribution.lookups.dns.transport import Datagrams, Ticket, ask_over_tcp
from waterbed.model.addresses import address_and_port, canonical_address
from waterbed.model.errors import InputError, OwnFailure
from waterbed.model.facts import NameStatus
from waterbed.model.redaction import shown
from waterbed.model.urls import SPECIAL_USE, special_use

__all__ = ["Answer", "Resolver"]

_REMEMBERED = 2048
_TIMEOUT = Reply(status="timeout")
_Said = TypeVar("_Said")
_Conclude = Callable[[Sequence[Reply]], tuple[_Said, float]]
_Asked = tuple[str, bool]
"""A name, and whether its name servers are asked for."""


class _Search(Generic[_Said]):
    """One name being asked for, and who waits."""

    __slots__ = ("asked", "conclude", "questions", "replies", "tickets", "timer", "tries", "waiters", "whole")

    def __init__(self, query_key: _Asked, questions: tuple[bytes, ...], conclude: _Conclude[_Said]) -> None:
        self.asked = query_key
        self.questions = questions
        self.conclude = conclude
        self.replies: list[Reply | None] = [None] * len(questions)
        self.whole = [False] * len(questions)
        self.tickets: list[Ticket] = []
        self.timer: asyncio.TimerHandle | None = None
        self.tries = 0
        self.waiters: list[asyncio.Future[_Said]] = []

    def __repr__(self) -> str:
        return "<search>"


class Resolver:
    """Asks one recursive resolver, many names at once, and remembers.

    `timeout_s` bounds one name's look-up over all tries (1 to 10): each waits twice as long as the one before, and a
    late answer to an earlier try still counts. At most `in_flight` names are asked for at a time; others wait their
    turn. Who asks for what is being asked for joins in. `clock` gives seconds and decides how long an answer is
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
        special: Collection[str] = SPECIAL_USE,
        denial_s: float = MAX_NEGATIVE_TTL_S,
    ) -> None:
        """Take the resolver as `address:port`; InputError if it is otherwise.

        `special` are the suffixes that it is never asked for. A denial of addresses is remembered for `denial_s` at
        most.
        """
        if timeout_s <= 0 or not 1 <= tries <= 10 or in_flight < 1:
            raise InputError(
                "names: timeout_s must be above 0, tries 1 to 10, in_flight at least 1 (docs/operations.md)"
            )
        self.resolver = resolver
        self._special = frozenset(special)
        self._denial_s = denial_s
        self._where = _where(resolver)
        self._datagrams = Datagrams(self._where)
        self._timeout_s, self._tries, self._in_flight, self._clock = timeout_s, tries, in_flight, clock
        self._known: OrderedDict[_Asked, tuple[float, Any]] = OrderedDict()
        self._searches: dict[_Asked, _Search[Any]] = {}
        self._queue: deque[_Search[Any]] = deque()
        self._active = 0
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself holds tasks weakly
        self._closed = False

    async def resolve(self, host: str) -> Answer:
        """All addresses of a host, or why there are none.

        Raises OwnFailure if the resolver is closed or no socket can be had, never for what the network does.
        """
        host = host.lower().removesuffix(".")
        if special_use(host, self._special):
            return self._without_query("special_use", ())
        literal = canonical_address(host.removeprefix("[").removesuffix("]"))
        name = None if literal else wire_name(host)
        if name is None:
            return self._without_query("literal" if literal else "bad_name", (literal,) if literal else ())
        return await self._remembered((host, False), (name + A, name + AAAA), self._combined)

    async def name_servers(self, domain: str) -> tuple[str, ...] | None:
        """The name servers of a registrable domain.

        They are sorted, in lower case, at most MAX_NAME_SERVERS.

        () if the domain has none, does not exist, is special or is none; None if it failed, which is unknown and
        not none. They are host names and secret. Raises OwnFailure as `resolve` does.
        """
        domain = domain.lower().removesuffix(".")
        name = wire_name(domain)
        if name is None or canonical_address(domain) or special_use(domain, self._special):
            return ()
        return await self._remembered((domain, True), (name + NS,), name_servers_in)

    async def _remembered(self, query_key: _Asked, questions: tuple[bytes, ...], conclude: _Conclude[_Said]) -> _Said:
        """The cached or queried answer; concurrent callers share one query."""
        if self._closed:
            raise OwnFailure("the resolver was closed while names were still asked for")
        cached = self._known.get(query_key)
        if cached is not None:
            if cached[0] > self._clock():
                self._known.move_to_end(query_key)
                remembered: _Said = cached[1]
                return remembered
            del self._known[query_key]
        search: _Search[_Said] | None = self._searches.get(query_key)
        if search is None:
            search = self._searches[query_key] = _Search(query_key, questions, conclude)
            self._queue.append(search)
        waiter: asyncio.Future[_Said] = asyncio.get_running_loop().create_future()
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

    def _combined(self, replies: Sequence[Reply]) -> tuple[Answer, float]:
        a, aaaa = replies
        answer, hold_s = combine(a, aaaa, self.resolver)
        return answer, hold_s if answer.addresses else min(hold_s, self._denial_s)

    def _without_query(self, status: NameStatus, addresses: tuple[str, ...]) -> Answer:
        return Answer(status=status, addresses=addresses, cnames=(), ttl_s=None, ede=(), resolver=self.resolver)

    def _start_queued(self) -> None:
        while self._queue and self._active < self._in_flight:
            search = self._queue.popleft()
            self._active += 1
            self._ask(search)

    def _ask(self, search: _Search[Any]) -> None:
        """Send what is unanswered; after the last try, conclude."""
        search.tries += 1
        if search.tries > self._tries:
            self._conclude(search)
            return
        try:
            for place, question in enumerate(search.questions):
                if search.replies[place] is None and not search.whole[place]:
                    ticket = self._datagrams.ask(question, partial(self._take_datagram, search, place))
                    if ticket is not None:
                        search.tickets.append(ticket)
        except OwnFailure as problem:
            self._drop(search, problem)
            return
        wait_s = self._timeout_s * 2 ** (search.tries - 1) / (2**self._tries - 1)
        search.timer = asyncio.get_running_loop().call_later(wait_s, self._ask_again, search)

    def _ask_again(self, search: _Search[Any]) -> None:
        self._ask(search)
        self._start_queued()

    def _take_datagram(self, search: _Search[Any], place: int, data: bytes) -> None:
        if search.replies[place] is not None or search.whole[place]:
            return
        if not truncated(data):
            self._take(search, place, read_reply(data, search.questions[place]))
            return
        search.whole[place] = True
        task = asyncio.get_running_loop().create_task(self._ask_whole(search, place))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_whole(self, search: _Search[Any], place: int) -> None:
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
            reply = Reply(status="bad_answer") if truncated(data) else read_reply(data, question)
            self._take(search, place, reply)

    def _take(self, search: _Search[Any], place: int, reply: Reply) -> None:
        search.replies[place] = reply
        if None not in search.replies and self._searches.get(search.asked) is search:
            self._conclude(search)

    def _conclude(self, search: _Search[Any]) -> None:
        answer, hold_s = search.conclude([reply or _TIMEOUT for reply in search.replies])
        if hold_s > 0:
            self._known[search.asked] = (self._clock() + hold_s, answer)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._end(search)
        for waiter in search.waiters:
            if not waiter.done():
                waiter.set_result(answer)
        self._start_queued()

    def _drop(self, search: _Search[Any], problem: OwnFailure) -> None:
        self._end(search)
        for waiter in search.waiters:
            if not waiter.done():
                waiter.set_exception(problem)

    def _end(self, search: _Search[Any]) -> None:
        if search.timer is not None:
            search.timer.cancel()
        for ticket in search.tickets:
            self._datagrams.forget(ticket)
        search.timer, search.tickets = None, []  # both name the search: nothing of it is left to the collector
        if search.tries:
            self._active -= 1
        del self._searches[search.asked]


def _where(resolver: str) -> tuple[str, int]:
    endpoint = address_and_port(resolver)
    if endpoint is None:
        raise InputError(
            f"resolver {shown(resolver)} is not address:port, as in 127.0.0.1:53 or [::1]:53 (docs/operations.md)"
        )
    return endpoint


_ALWAYS_THERE = "com"
"""The domain of the test query: every resolver knows its name servers, and the query reveals nothing."""


async def resolver_answers(server: str, *, timeout_s: float, tries: int) -> bool:
    """True if a resolver responds to an uncached test query."""
    resolver = Resolver(server, timeout_s=timeout_s, tries=tries, in_flight=1)
    try:
        return await resolver.name_servers(_ALWAYS_THERE) is not None
    finally:
        await resolver.close()
