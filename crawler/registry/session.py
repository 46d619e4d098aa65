"""One crawl of registries: plan, query, record."""

import asyncio
import fcntl
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_address

from waterbed.attribution.lookups.rdap.bootstrap import asn_of, read_bootstrap
from waterbed.attribution.lookups.rdap.domain_registries import DomainRegistries
from waterbed.attribution.lookups.rdap.plan import Answered, Ask
from waterbed.crawler.logs import place_of
from waterbed.crawler.registry.clock import Clock, LoopClock, SkippingClock
from waterbed.crawler.registry.outcomes import Outcomes
from waterbed.crawler.registry.pace import WINDOW, Pace
from waterbed.crawler.registry.queue import Queue, RdapTask
from waterbed.crawler.registry.registration_facts import PendingFacts, unanswered
from waterbed.crawler.registry.registry_report import CrawlReport, report_of
from waterbed.crawler.registry.response import RdapResponse
from waterbed.model.addresses import refusal
from waterbed.model.errors import InputError, LeaseLost
from waterbed.model.facts import Snapshot
from waterbed.model.registrations import DomainRegistration, Registration
from waterbed.model.version import __version__
from waterbed.store.folder import Folder, Pass
from waterbed.store.lake.reading import known_addresses, last_asked, registrations
from waterbed.store.settings import Registry

Send = Callable[[str, dict[str, str], float], Awaitable[RdapResponse]]
"""Requests one URL with these headers, within so many seconds."""

Progress = Callable[[int, int], None]
"""Called with the number of finished networks, ASes and domains, and their total."""

RUN = "registry"
_log = logging.getLogger(__name__)
_FLUSH_S = 0.5
_LOCK = 0x72656769
"""The number of the registries' lock in a PostgreSQL database."""


class RegistrySession:
    """The state of one crawl.

    Made and closed inside one event loop.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        limit: int | None = None,
        progress: Progress | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Take the study and the crawl's settings.

        `limit` is the greatest number of networks; `clock` and `rng` are given by tests.
        """
        self.folder = folder
        self.failures = 0
        self.begun = False
        self.queues: dict[str, Queue] = {}
        self._settings = folder.config.registry
        validate(self._settings)
        only_loopback = folder.lab is not None
        self._bootstrap = read_bootstrap(self._settings.bases, only_loopback=only_loopback)
        self._domains = DomainRegistries(folder.config.domains.bases, only_loopback=only_loopback)
        self._limit, self._progress, self._given_clock = limit, progress, clock
        self._rng = rng or random.Random()  # noqa: S311 (spreads waiting; nothing secret)
        self._stack = ExitStack()
        self._stopping = asyncio.Event()
        self._writing = asyncio.Lock()
        self._pending = PendingFacts(folder.vault)
        self._flusher: asyncio.Task[None] | None = None
        self._total = self._done = self._without = 0

    # begin and end
    async def open(self) -> None:
        """Begin the run: end dead runs, plan the queries."""
        with ExitStack() as stack:
            stack.enter_context(_exclusive(self.folder))
            await self._open(stack)
            self._stack = stack.pop_all()

    async def _open(self, stack: ExitStack) -> None:
        await asyncio.to_thread(self.folder.mark_dead_runs)
        start = self.folder.clock()
        self.clock = self._given_clock or (SkippingClock(start) if self.folder.lab else LoopClock(start))
        asked_at = await asyncio.to_thread(last_asked, self.folder.store, RUN)
        self.run: Pass = stack.enter_context(self.folder.run(RUN))
        self._pending = PendingFacts(self.folder.vault)
        now = self.clock.now()
        facts = await asyncio.to_thread(lambda: list(registrations(self.folder.store)))
        of_domains = await asyncio.to_thread(self.folder.store.newest_of, DomainRegistration)
        times = [*(fact.fetched_at for fact in facts[-1:]), asked_at, of_domains[-1]]
        latest = max((when for when in times if when), default=None)
        self._full_at = latest if latest and now - latest < self._longest_window() else None
        self.answered = Answered(
            facts,
            now=now,
            fresh=timedelta(days=self._settings.fresh_days),
            retry=timedelta(hours=self._settings.retry_hours),
        )
        self._outcomes = Outcomes(
            settings=self._settings,
            bootstrap=self._bootstrap,
            domains=self._domains,
            answered=self.answered,
            queue_of=self._queue,
            pending=self._pending,
            clock=self.clock,
            rng=self._rng,
            done=self._count_done,
            wait_until=self._wait_until,
            may_send=self._may_send,
            whois=self._settings.ipwhois and self.folder.lab is None,
        )
        asks = await asyncio.to_thread(self._plan)
        self._total = len(asks)
        for ask in asks:
            self._begin(ask)
        self._flusher = asyncio.create_task(self._flush_periodically())
        self.begun = True

    def _longest_window(self) -> timedelta:
        slowest = min([1.0, self._settings.default_a_minute, *self._settings.a_minute.values()])
        return WINDOW / slowest

    def _plan(self) -> list[Ask]:
        addresses = {address for address in known_addresses(self.folder) if refusal(address) is None}
        asks = self.answered.to_ask(addresses, newest_origins(self.folder, sorted(addresses)))
        if self.folder.config.domains.categories:
            from waterbed.crawler.registry.domains import domain_asks  # noqa: PLC0415 (DuckDB, only where domains are asked for)

            asks += domain_asks(self.folder, self.clock.now())
        return asks if self._limit is None else asks[: self._limit]

    def _begin(self, ask: Ask) -> None:
        if ask.kind == "domain":
            where = self._domains.of(ask.name)
            host, url = (where.host, f"{where.base}domain/{ask.name}") if where else (None, None)
            self._enqueue(ask, host, url, "no RDAP server over https is known for its top-level domain")
            return
        asn = asn_of(ask.asked)
        name = self._bootstrap.of_as(asn) if asn is not None else self._bootstrap.of_address(ask.asked)
        base = self._bootstrap.base_of(name) if name else None
        path = f"ip/{ask.asked}" if asn is None else f"autnum/{asn}"
        reason = "no registry is in charge of it" if name is None else f"no base URL of {name}"
        self._enqueue(ask, name, None if base is None else base + path, reason)

    def _enqueue(self, ask: Ask, name: str | None, url: str | None, reason: str) -> None:
        """Queue a query at a registry; without one its reason is recorded."""
        if name is None or url is None:
            self._pending.put(unanswered(ask, 0, name, "no_registry", reason, self.clock.now()))
            self._without += 1
            self._count_done()
            return
        queue = self._queue(name)
        queue.asked += 1
        queue.put(RdapTask(ask=ask, level=0, registry=name, url=url))

    def _queue(self, name: str) -> Queue:
        if name not in self.queues:
            a_minute = self._settings.a_minute.get(name, self._settings.default_a_minute)
            self.queues[name] = Queue(name=name, pace=Pace(a_minute, full_at=self._full_at))
        return self.queues[name]

    def stop(self) -> None:
        """Send no more queries; those in flight are recorded."""
        self._stopping.set()
        if self.begun:
            self.run.outcome = "stopped"

    @property
    def stopped(self) -> bool:
        """True if `stop` was called."""
        return self._stopping.is_set()

    def fail(self, activity: str, problem: BaseException | None) -> None:
        """Count a failure of our own.

        It leads to no fact.
        """
        self.failures += 1
        _log.error("%s failed: %s", activity, place_of(problem))

    async def close(self) -> None:
        """Write the rest and end the run."""
        try:
            if self._flusher:
                self._flusher.cancel()
                await asyncio.gather(self._flusher, return_exceptions=True)
            await self.flush()
            if self.failures:
                self.run.outcome = "failed"
        except BaseException:
            self.run.outcome = "failed"
            raise
        finally:
            self._stack.close()

    def report(self) -> CrawlReport:
        """Return the counts of the crawl, by registry."""
        return report_of(self.queues.values(), without=self._without, stopped=self.stopped)

    # one question
    def idle_queues(self) -> Iterator[Queue]:
        """Yield idle queues with waiting tasks, and mark them busy."""
        for queue in self.queues.values() if not self.stopped else ():
            if len(queue) and not queue.busy:
                queue.busy = True
                yield queue

    async def turn(self, name: str, send: Send) -> None:
        """Send one query to one registry, once its pace allows."""
        queue = self.queues[name]
        try:
            task = await self._next_task(queue)
            if task is not None:
                response = await self._ask(queue, task, send)
                await self._outcomes.handle(queue, task, response)
        finally:
            queue.busy = False

    async def _next_task(self, queue: Queue) -> RdapTask | None:
        """Wait for the next task and return it; tasks that another answer covers are skipped."""
        while len(queue) and not self.stopped:
            began = self.clock.now()
            ready_at, task = queue.take(began)
            if self._outcomes.is_covered(queue, task):
                continue
            await self._wait_until(max(ready_at, queue.pace.next_at(began)))
            queue.waited += self.clock.now() - began
            # no await between these checks and the request; `busy` keeps queue and pace for this turn alone
            if self._may_send() and not self._outcomes.is_covered(queue, task):
                return task
        return None

    def _may_send(self) -> bool:
        """True unless stopped; a lost lease stops it, since another run may be asking at the same pace."""
        if not self.stopped and not self.run.holds():
            self.fail("the crawl's lease", LeaseLost())
            self.stop()
        return not self.stopped

    async def _wait_until(self, when: datetime) -> None:
        if when <= self.clock.now():
            return
        waits = [asyncio.ensure_future(self.clock.sleep_until(when)), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _ask(self, queue: Queue, task: RdapTask, send: Send) -> RdapResponse:
        contact = f" (+{self.folder.config.contact})" if self.folder.config.contact else ""
        headers = {
            "Accept": "application/rdap+json, application/json;q=0.9",
            "Accept-Encoding": "identity",
            "User-Agent": f"Waterbed/{__version__} hosting-attribution research{contact}",
        }
        previous = self._outcomes.known(task)
        if previous is not None and previous.etag:
            headers["If-None-Match"] = previous.etag
        queue.requests += 1
        try:
            with self.clock.at_work():
                return await send(task.url, headers, self._settings.timeout_s)
        finally:
            queue.pace.answered(self.clock.now())

    # writing
    def _count_done(self) -> None:
        self._done += 1
        if self._progress:
            self._progress(self._done, self._total)

    async def flush(self) -> None:
        """Write the collected facts in one transaction."""
        async with self._writing:
            batch = self._pending.take()  # what is found during the await goes into the next batch
            if batch:
                await asyncio.to_thread(self.folder.store.add, batch)
                self.run.done += sum(isinstance(fact, Registration | DomainRegistration) for fact in batch)

    async def _flush_periodically(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            try:
                await self.flush()
            except Exception as problem:  # a failed write is our failure, never a registry's
                self.fail("the record of registrations", problem)
                self.stop()
                return


def validate(settings: Registry) -> None:
    """InputError unless each registry's pace is in range."""
    limits = [settings.default_a_minute, *settings.a_minute.values()]
    if not all(0.01 <= limit <= 600 for limit in limits):
        raise InputError("registry.a_minute must be 0.01 to 600 a minute (docs/operations.md, Settings)")


@contextmanager
def _exclusive(folder: Folder) -> Iterator[None]:
    """Hold the lock that allows one crawl of registries at a time, on all machines: two would double the rate."""
    busy = "registries are being asked by another run of this study; wait until it has ended (docs/registrations.md)"
    with (folder.path / "registry.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(busy) from None
        with folder.store.locked(alone=True, number=_LOCK) as free:
            if not free:
                raise InputError(busy)
            yield


def newest_origins(folder: Folder, addresses: list[str]) -> set[int]:
    """Return the origin ASes of addresses.

    They come from the newest table of each family; none without a table.
    """
    newest = {
        snapshot.family: snapshot.snapshot_id.rpartition("-v")[0]
        for snapshot in folder.store.all(Snapshot, order=("data_date", "imported_at", "snapshot_id"))
        if snapshot.kind == "routes"
    }
    if not newest or not addresses:
        return set()
    from waterbed.attribution.lookups.tables.routes import RouteTables  # noqa: PLC0415 (numpy, only where there are tables)

    all_origins: set[int] = set()
    for family, name in newest.items():
        family_addresses = [address for address in addresses if ip_address(address).version == family]
        for origins in RouteTables.load(folder.tables / name).origins_of(family_addresses):
            all_origins.update(origins)
    return all_origins
