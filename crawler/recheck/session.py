"""One pass: lease due URLs, check them, record in batches."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Literal

from waterbed.attribution.lookups.dns.resolver import Resolver, resolver_answers
from waterbed.attribution.lookups.lists import lists_of
from waterbed.crawler.logs import place_of
from waterbed.crawler.net.guard import connector, loopback
from waterbed.crawler.net.network_parts import FirstFound, PartLeases, crowded
from waterbed.crawler.net.politeness import JITTER
from waterbed.crawler.net.reservations import LONGEST_S, Reservations, reservations_of
from waterbed.crawler.net.vantage import first_vantage, further_vantages
from waterbed.crawler.probe.link_checks import read_link_checks
from waterbed.crawler.probe.prober import HostFacts, HostTask, Prober
from waterbed.crawler.probe.trust import trust_store
from waterbed.crawler.recheck.authorised import record_authorisations
from waterbed.crawler.recheck.canary import canary_looks
from waterbed.crawler.recheck.leasing import Leasing
from waterbed.crawler.recheck.load import Load
from waterbed.crawler.recheck.recorder import Apparent, CheckItem, Recorder, items_of
from waterbed.crawler.recheck.schedule import memory_of_denials_s
from waterbed.model.errors import InputError, LeaseLost, ReadOnly, StoreFailure, StoreGone
from waterbed.store.backlog import end_refuted
from waterbed.store.folder import Folder, Pass
from waterbed.store.leases import found_in, release
from waterbed.store.networks import NETWORKS, NetworkLocks
from waterbed.store.runs import patiently

Progress = Callable[[int, int], None]
"""Called with the number of recorded looks and the number due when the pass began."""

Stop = Literal["canary", "resolver", "signal", "lease", "closed"]
"""The reason why a pass ended before all due URLs were checked."""

_log = logging.getLogger(__name__)
_FLUSH_S = 0.5
_TOLD_S = 20 * _FLUSH_S
"""Seconds after which whoever waits for items writes for itself."""
_LOST = (LeaseLost, StoreGone)
"""The lease is over, or may be: the pass waits for a lost database as long as the lease lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuous:
    """Settings of a pass that waits for newly due URLs."""

    seconds: float
    """Real time after which it leases no more."""
    on_begin: Callable[["Session"], None]
    """Called with the pass before it begins."""
    on_record: Callable[[Sequence[HostFacts]], None]
    """Called with the facts that were recorded."""


async def _require_lab_servers(resolver: str) -> None:
    """InputError unless the lab's servers run: their silence would pass for an outage of our own network."""
    host, port = loopback(resolver)
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        raise InputError(
            f"nothing answers at {resolver}: the lab's servers of this study have stopped, so it cannot be checked; "
            "its results can be read all the same (docs/lab.md)"
        ) from None
    writer.close()


class Session:
    """The state of one pass.

    Made and closed inside one event loop.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        everything: bool = False,
        limit: int | None = None,
        progress: Progress | None = None,
        continuous: Continuous | None = None,
        processes: int = 1,
    ) -> None:
        """Take the study and the pass's settings.

        `everything` makes all URLs due; `limit` is the greatest number of looks. `processes` share what is due.
        """
        self.folder = folder
        self.failures = 0
        self.begun = False
        self.stopped: Stop | None = None
        self.broken: StoreFailure | ReadOnly | None = None
        self._everything = everything
        self._limit = limit
        self._progress = progress
        self._continuous = continuous
        self._processes = processes
        self._running: set[asyncio.Task[object]] = set()
        self._abandoned = False
        self._leasing: Leasing | None = None
        self.load = Load()
        self._stack = ExitStack()
        self._unwritten: list[HostFacts] = []
        self._unwritten_looks = 0
        self._writing = asyncio.Lock()
        self._closing = asyncio.Event()
        self._room = asyncio.Event()
        self._slots = asyncio.Semaphore(folder.config.probe.hosts_at_once)
        self._recorder = Recorder(folder)
        self._periodic: list[asyncio.Task[None]] = []
        self._reservations: Reservations | None = None
        self.count: Callable[[str, int], object] = lambda _outcome, _number: None
        """Called with each outcome and its number, once checks are on record."""
        self.tells = False
        """Whether anybody takes the items of checks (`items_of`)."""
        self._told: dict[int, asyncio.Future[Sequence[CheckItem]]] = {}

    async def open(self) -> None:
        """Begin the run, count due URLs and probe the canary."""
        config, lab = self.folder.config, self.folder.lab
        vantages = (first_vantage(config), *further_vantages(config, lab))
        link_checks, lists = read_link_checks(self.folder.path), lists_of(self.folder.path)
        await asyncio.to_thread(record_authorisations, self.folder, link_checks)
        if lab:
            await _require_lab_servers(lab.resolver)
        await asyncio.to_thread(self.folder.mark_dead_runs)
        server = lab.resolver if lab else config.names.resolver
        names = config.names
        self._resolver = Resolver(
            server,
            timeout_s=names.timeout_s,
            tries=names.tries,
            in_flight=names.in_flight,
            special=lists.special_names,
            denial_s=memory_of_denials_s(config.schedule),
        )
        self.run: Pass = self._stack.enter_context(self.folder.run("recheck", trust_store=trust_store()))
        self.begun = True
        self._reservations = self._reserving()
        part_leases = PartLeases() if self._reservations and crowded(config.probe) else None
        self.prober = Prober(
            config=config,
            vault=self.folder.vault,
            resolver=self._resolver,
            connector=connector(lab, config.guard, lists.denied),
            clock=self.folder.clock,
            run_id=self.run.run_id,
            vantages=vantages,
            link_checks=link_checks,
            reservations=self._reservations,
            holds=self.run.holds,
            ends=lambda: self.ending,
            found=FirstFound(self._place_of, self._note_parts, part_leases) if part_leases else None,
            infrastructure=lists.infrastructure,
        )
        due_by = self.folder.clock()
        until = monotonic() + self._continuous.seconds if self._continuous else None
        self._leasing = Leasing(self.folder, self.run, limit=self._limit, due_by=due_by, until=until, held=part_leases)
        await asyncio.to_thread(patiently, self._end_refuted, self.run.holds)
        if self._everything:
            await asyncio.to_thread(self.folder.store.make_all_due, due_by)
        self.due = await asyncio.to_thread(self.folder.store.count_due, due_by)
        self._leasing.share(self.due, self._processes)
        if self._progress:
            self._progress(0, self.due)
        if self._continuous:
            self._continuous.on_begin(self)
        await self._ask_canary()
        self._periodic = [
            asyncio.create_task(self._every(config.canary.every_s, self._ask_canary)),
            asyncio.create_task(self._every(_FLUSH_S, self.flush)),
        ]

    def _reserving(self) -> Reservations | None:
        """Reserve networks, unless nothing bounds the requests to one."""
        probe = self.folder.config.probe
        if not (probe.delay_s or probe.network_delay_s or probe.per_address or probe.per_network):
            return None
        if not self.folder.store.sqlite:
            return reservations_of(self.folder.store, self.run)
        pause_s = max(probe.delay_s, probe.network_delay_s) * (1 + JITTER)
        most = probe.per_network or probe.hosts_at_once  # so many may be in a network when others are to have it
        patience_s = LONGEST_S + most * pause_s + probe.timeout_s + self.folder.config.schedule.lease_s
        locks = NetworkLocks(self.folder.path / "runs" / NETWORKS, self._place_of, pause_s, patience_s)
        self._stack.callback(locks.close)
        reservations = Reservations(locks.claim, locks.give_back, self.run.holds)
        reservations.start()
        return reservations

    def _place_of(self, network: str) -> int:
        """A network's number: keyed, since everybody on the machine can list locks."""
        return int(self.folder.vault.keyed_id("network", network), 16)

    def _note_parts(self, parts: Mapping[str, int], surplus: Collection[str]) -> set[str]:
        return patiently(partial(found_in, self.folder.store, self.run.run_id, parts, surplus), self.run.holds)

    def _end_refuted(self) -> None:
        """End looks at URLs assessed as not illegal, also where an earlier version imported them."""
        with self.folder.store.writing() as connection:
            end_refuted(connection)

    async def lease(self) -> list[HostTask]:
        """Lease the next due URLs, one task for each host.

        Empty when none is left. Once stopped, by a failure of our own network or by a signal, nothing is leased: due
        URLs stay due.
        """
        try:
            # a stop during the await is seen before each host is checked (`_facts_of`); `close` gives the leases back
            return [] if self.stopped or not self._leasing else await self._leasing.take()
        except _LOST:
            self.lose_lease()
            return []

    async def room(self, hosts: int) -> None:
        """Wait until few hosts wait for their turn.

        Then these wait too. Few are as many as can be checked at once: what one worker does not lease is left for the
        others.
        """
        while self.load.waiting >= self.folder.config.probe.hosts_at_once and not self.ending:
            self._room.clear()
            await self._room.wait()
        self.load.wait(hosts)

    @property
    def unknown(self) -> dict[str, int]:
        """The recorded looks that decide nothing, by reason."""
        return dict(self._recorder.unknown)

    @property
    def ending(self) -> bool:
        """True if leased tasks should no longer be started."""
        return self.stopped is not None or (self._leasing is not None and self._leasing.ended)

    def _end_leasing(self) -> None:
        if self._leasing:
            self._leasing.end()
        self._room.set()

    async def check_hosts(self, tasks: Iterable[HostTask]) -> list[HostFacts]:
        """Check several hosts concurrently and record each when finished.

        A host whose check fails by our own fault is counted; its URLs stay due, the others go on.
        """
        host_facts = await asyncio.gather(*(self._check_host(task) for task in tasks))
        return [facts for facts in host_facts if facts is not None]

    def done(self, tasks: Iterable[HostTask]) -> None:
        """Note that hosts are no longer waited for, whatever came of them."""
        if self._leasing:
            self._leasing.done(tasks)

    async def _check_host(self, task: HostTask) -> HostFacts | None:
        if (facts := await self._facts_of(task)) is None:
            return None
        if self.tells:
            self._told[id(facts)] = asyncio.get_running_loop().create_future()
        try:  # no await since the lease was asked for; the database asks again when the facts are written
            await self.record(facts)
        except Exception as problem:
            self.fail("a host's record", problem)
        return facts

    async def _facts_of(self, task: HostTask) -> HostFacts | None:
        """Return a host's facts; None if the check failed by our own fault or was abandoned: its URLs stay due."""
        running = asyncio.current_task()
        if running is not None:
            self._running.add(running)
        try:
            async with self._slots:
                self.load.begins()
                self._room.set()
                looks = 0
                try:  # asked after the wait for a slot
                    if self._abandoned or self.ending:
                        return None
                    facts = await self.prober.check(task)
                    if facts is None and self._leasing:
                        self._leasing.given_back(task)
                    if facts is not None and not self.run.holds():
                        raise LeaseLost  # the process was suspended and its time-outs ran on: not the network's fault
                    looks = len(facts.answered) if facts else 0
                    return facts
                finally:
                    self.load.ends(looks)
        except asyncio.CancelledError:
            if not self._abandoned:
                raise
        except _LOST:
            self.lose_lease()
        except Exception as problem:  # our own failure is never an observation
            self.fail("a host's checks", problem)
        finally:
            self.done([task])
            if running is not None:
                self._running.discard(running)
        return None

    def abandon(self) -> None:
        """Cancel checks in flight; their URLs stay due, unrecorded."""
        self._abandoned = True
        self._end_leasing()
        for running in self._running - {asyncio.current_task()}:
            running.cancel()

    def lose_lease(self) -> None:
        """Check and record no more: the leases went to others."""
        self.stop("lease")
        self.abandon()

    async def record(self, facts: HostFacts) -> None:
        """Queue a host's facts, written within half a second."""
        self._unwritten.append(facts)
        self._unwritten_looks += len(facts.answered)
        if self._unwritten_looks >= self.folder.config.probe.batch:
            await self.flush()

    async def flush(self) -> None:
        """Write the collected facts in one transaction."""
        async with self._writing:
            # taken before the await: what is recorded meanwhile goes into the next batch
            batch, self._unwritten, self._unwritten_looks = self._unwritten, [], 0
            if batch:
                write, run = self._recorder.write, self.run
                apparent: Sequence[Sequence[Apparent]] = [()] * len(batch)
                try:
                    recorded = await asyncio.to_thread(patiently, lambda: write(run.run_id, batch), run.holds)
                    run.done, apparent = run.done + recorded.looks, recorded.apparent
                except _LOST:
                    self.lose_lease()
                    return
                except Exception:
                    self._end_leasing()  # checks in flight could not be recorded either
                    raise
                finally:
                    self._tell(batch, apparent)
                if self._progress:
                    self._progress(self.run.done, self.due)
                if self._continuous:
                    self._continuous.on_record(batch)

    def _tell(self, batch: Iterable[HostFacts], apparent: Iterable[Sequence[Apparent]]) -> None:
        """Count what was recorded of a batch, and make its items if anybody takes them."""
        outcomes = Counter[str]()
        for facts, its in zip(batch, apparent, strict=True):
            outcomes.update(look.outcome for look in its)
            waiter = self._told.get(id(facts))
            if waiter is not None and not waiter.done():
                waiter.set_result(items_of(facts, its) if its else ())
        for outcome, number in outcomes.items():
            self.count(outcome, number)

    async def items_of(self, facts: HostFacts) -> Sequence[CheckItem]:
        """The items of a host's checks once they are on record; none if they could not be recorded."""
        waiter = self._told.get(id(facts))
        if waiter is None:
            return ()
        await asyncio.wait([waiter], timeout=_TOLD_S)
        if not waiter.done():  # nobody writes any more, or the writer is late
            with suppress(Exception):  # told by whoever writes, too
                await self.flush()
        del self._told[id(facts)]
        return waiter.result() if waiter.done() else ()

    async def _ask_canary(self) -> None:
        """Probe the canary from every vantage; if the first one's own network fails, the pass stops.

        The resolver is asked first: while our own fails, no host is checked, and the canary has failed.
        """
        canary, names, resolved = self.folder.config.canary, self.folder.config.names, True
        if self._continuous or self.due:
            resolved = await resolver_answers(self._resolver.resolver, timeout_s=names.timeout_s, tries=names.tries)
        if not resolved:
            self.stop("resolver")
        if not canary.targets:
            return
        run_id, now = self.run.run_id, self.folder.clock()
        looks = await canary_looks(self.prober, canary.targets, run_id, now, resolved=resolved)
        await asyncio.to_thread(patiently, lambda: self.folder.store.add(looks), self.run.holds)
        if looks[0].reached < canary.need * looks[0].targets:
            self.stop("canary")

    def stop(self, why: Stop) -> None:
        """Lease no more.

        Checks in flight are recorded, the rest stays due.
        """
        self.stopped = self.stopped or why
        self._end_leasing()

    def fail(self, activity: str, problem: BaseException | None) -> None:
        """Count a failure of our own; its URLs stay due."""
        self.failures += 1
        self.broken = problem if isinstance(problem, StoreFailure | ReadOnly) else self.broken
        _log.error("%s failed: %s", activity, place_of(problem))

    async def _every(self, seconds: float, action: Callable[[], Awaitable[None]]) -> None:
        """Repeat an action until the pass closes; an action that has begun is never cancelled."""
        while not self._closing.is_set():
            try:
                await asyncio.wait_for(self._closing.wait(), seconds)
            except TimeoutError:
                try:
                    await action()
                except Exception:
                    self._end_leasing()
                    raise

    async def close(self) -> None:
        """Write the rest, probe the canary and end the run.

        Leases that were not answered are given back.
        """
        self._closing.set()
        self._end_leasing()
        results = await asyncio.gather(*self._periodic, return_exceptions=True)
        broken = [result for result in results if isinstance(result, BaseException) and not isinstance(result, _LOST)]
        try:
            await self.flush()
            if self.stopped not in ("lease", "resolver"):
                with suppress(LeaseLost):
                    await self._ask_canary()
            if self._reservations:
                await self._reservations.close()
            if self._leasing:
                await self._leasing.settled()  # a lease in progress is given back too
            give_back, run = partial(release, self.folder.store, [self.run.run_id]), self.run
            await asyncio.to_thread(patiently, give_back, run.holds)
            self.run.rate = None if self._abandoned else self.load.rate
            if self.failures or broken:
                self.run.outcome = "failed"
            elif self.stopped:
                self.run.outcome = "stopped"
        except BaseException:
            self.run.outcome = "failed"
            raise
        finally:
            await self._resolver.close()
            self._stack.close()
        if broken:
            raise broken[0]
