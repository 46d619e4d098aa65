"""One pass: leases what is due, looks, records in batches."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Literal

from attribution.lookups.dns.resolver import Resolver
from crawler.logs import place_of
from crawler.net.guard import connector, loopback
from crawler.net.reservations import Reservations, reservations_of
from crawler.net.vantage import Vantage, first_vantage, further_vantages
from crawler.probe.link_checks import read_link_checks
from crawler.probe.look import HostFacts, HostWork, Prober
from crawler.recheck.leasing import Leasing
from crawler.recheck.recorder import Recorder
from waterbed.model.errors import InputError, LeaseLost, ReadOnly, StoreFailure, StoreGone
from waterbed.model.facts import CanaryLook
from waterbed.model.urls import canonicalize
from waterbed.store.folder import Folder, Pass
from waterbed.store.leases import release
from waterbed.store.runs import patiently
from waterbed.store.settings import Names

_LEAST = 100
"""Looks without which a rate says nothing."""


class Load:
    """Counts looks and seconds in which hosts wait for their turn: what a worker can do, not what there was to do."""

    def __init__(self) -> None:
        """Nothing waits yet."""
        self.in_flight = 0
        self._waiting = 0
        self._since = 0.0
        self._seconds = 0.0
        self._looks = 0

    def waits(self) -> None:
        """A host waits for its turn."""
        if not self._waiting:
            self._since = monotonic()
        self._waiting += 1

    def begins(self) -> None:
        """A host has waited and is looked at."""
        self._waiting -= 1
        self.in_flight += 1
        if not self._waiting:
            self._seconds += monotonic() - self._since

    def ends(self, looks: int) -> None:
        """A host's looks are done."""
        self.in_flight -= 1
        if self._waiting:
            self._looks += looks

    @property
    def rate(self) -> float | None:
        """Looks a second while hosts waited; None if that were fewer than 100 looks."""
        seconds = self._seconds + (monotonic() - self._since if self._waiting else 0.0)
        return self._looks / seconds if self._looks >= _LEAST and seconds > 0 else None


_ALWAYS_THERE = "com"
"""Its name servers are asked for: every resolver knows them, and the question tells nothing."""


async def answers(server: str, names: Names) -> bool:
    """Ask a resolver, past everything that is remembered, for what it always knows; any answer counts."""
    resolver = Resolver(server, timeout_s=names.timeout_s, tries=names.tries, in_flight=1)
    try:
        return await resolver.name_servers(_ALWAYS_THERE) is not None
    finally:
        await resolver.close()


Progress = Callable[[int, int], None]
"""Told how many looks are recorded, and how many were due when the pass began."""

Stop = Literal["canary", "resolver", "signal", "lease"]
"""Why a pass ended before all that was due was looked at."""

_log = logging.getLogger(__name__)
_FLUSH_S = 0.5
_LOST = (LeaseLost, StoreGone)
"""The lease is over, or may be: a database that is gone is waited for as long as the lease lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """A pass that goes on when nothing is due, and takes what falls due meanwhile."""

    seconds: float
    """Real time after which it leases nothing more."""
    began: Callable[["Session"], None]
    """Told the pass before it begins."""
    recorded: Callable[[Sequence[HostFacts]], None]
    """Told what was recorded."""


async def _lab_plays(resolver: str) -> None:
    """A lab study is looked at only while its servers run: their silence would be taken for our own outage."""
    host, port = loopback(resolver)
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        raise InputError(
            f"nothing answers at {resolver}: the lab's servers of this study have stopped, so it cannot be looked at; "
            "its results can be read all the same (docs/lab.md)"
        ) from None
    writer.close()


class Session:
    """Everything one pass holds; made and closed inside one event loop."""

    def __init__(
        self,
        folder: Folder,
        *,
        everything: bool = False,
        limit: int | None = None,
        progress: Progress | None = None,
        lasting: Lasting | None = None,
    ) -> None:
        """Take the study, whether all is due, how many looks at most, and if it lasts; nothing happens yet."""
        self.folder = folder
        self.failures = 0
        self.begun = False
        self.stopped: Stop | None = None
        self.broken: StoreFailure | ReadOnly | None = None
        self._everything = everything
        self._limit = limit
        self._progress = progress
        self._lasting = lasting
        self._looking: set[asyncio.Task[object]] = set()
        self._abandoned = False
        self._leasing: Leasing | None = None
        self.load = Load()
        self._stack = ExitStack()
        self._unwritten: list[HostFacts] = []
        self._unwritten_looks = 0
        self._writing = asyncio.Lock()
        self._closing = asyncio.Event()
        self._at_once = asyncio.Semaphore(folder.config.probe.hosts_at_once)
        self._recorder = Recorder(folder)
        self._beats: list[asyncio.Task[None]] = []
        self._reservations: Reservations | None = None

    async def open(self) -> None:
        """Begin the run: mark dead ones, ask the canary, count what is due."""
        config, lab = self.folder.config, self.folder.lab
        vantages = (first_vantage(config), *further_vantages(config, lab))
        link_checks = read_link_checks(self.folder.path)
        if lab:
            await _lab_plays(lab.resolver)
        await asyncio.to_thread(self.folder.mark_dead_runs)
        self.run: Pass = self._stack.enter_context(self.folder.run("recheck"))
        self.begun = True
        server = lab.resolver if lab else config.names.resolver
        self._resolver = Resolver(
            server, timeout_s=config.names.timeout_s, tries=config.names.tries, in_flight=config.names.in_flight
        )
        self._reservations = reservations_of(self.folder.store, self.run)
        self.looker = Prober(
            config=config,
            vault=self.folder.vault,
            resolver=self._resolver,
            connector=connector(lab),
            clock=self.folder.clock,
            run_id=self.run.run_id,
            vantages=vantages,
            link_checks=link_checks,
            reservations=self._reservations,
            holds=self.run.holds,
        )
        due_by = self.folder.clock()
        until = monotonic() + self._lasting.seconds if self._lasting else None
        self._leasing = Leasing(self.folder, self.run, limit=self._limit, due_by=due_by, until=until)
        if self._everything:
            await asyncio.to_thread(self.folder.store.make_all_due, due_by)
        self.due = await asyncio.to_thread(self.folder.store.count_due, due_by)
        if self._lasting:
            self._lasting.began(self)
        await self._ask_canary()
        self._beats = [
            asyncio.create_task(self._every(config.canary.every_s, self._ask_canary)),
            asyncio.create_task(self._every(_FLUSH_S, self.flush)),
        ]

    async def lease(self) -> list[HostWork]:
        """The next due URLs, a piece of work for each host; empty when none is left.

        Once stopped, by our own failing network or by a signal, nothing is leased: what is due stays due.
        """
        try:
            return [] if self.stopped or not self._leasing else await self._leasing.take()
        except _LOST:
            self.lose()
            return []

    @property
    def ending(self) -> bool:
        """Whether nothing that is leased but not begun should be begun."""
        return self.stopped is not None or (self._leasing is not None and self._leasing.ended)

    def _end_leasing(self) -> None:
        if self._leasing:
            self._leasing.end()

    async def look_at(self, works: Iterable[HostWork]) -> None:
        """Look at several hosts at the same time and record each as soon as it is done.

        A host whose looks fail by our own fault is counted; its looks stay due, the others go on.
        """
        await asyncio.gather(*(self._look_at(work) for work in works))

    async def _look_at(self, work: HostWork) -> None:
        done = await self._looked(work)
        if done is None:
            return
        try:
            await self.record(done)
        except Exception as problem:
            self.fail("a host's record", problem)

    async def _looked(self, work: HostWork) -> HostFacts | None:
        """A host's facts; None if that failed by our own fault, or was abandoned: its looks stay due."""
        task = asyncio.current_task()
        if task is not None:
            self._looking.add(task)
        self.load.waits()
        try:
            async with self._at_once:
                self.load.begins()
                try:
                    done = None if self._abandoned or self.ending else await self.looker.look(work)
                    if done is not None and not self.run.holds():
                        raise LeaseLost  # while the pass stood still its time-outs ran on: not the network's doing
                    return done
                finally:
                    self.load.ends(len(work.items))
        except asyncio.CancelledError:
            if not self._abandoned:
                raise
        except _LOST:
            self.lose()
        except Exception as problem:  # our own failure is never a look's result
            self.fail("a host's looks", problem)
        finally:
            if task is not None:
                self._looking.discard(task)
        return None

    def abandon(self) -> None:
        """Wait no longer for looks in flight: nothing is recorded of them, and they stay due."""
        self._abandoned = True
        self._end_leasing()
        for task in self._looking - {asyncio.current_task()}:
            task.cancel()

    def lose(self) -> None:
        """Look and record no more: what the run held was given to others."""
        self.stop("lease")
        self.abandon()

    async def record(self, done: HostFacts) -> None:
        """Take a host's facts; they are written within half a second."""
        self._unwritten.append(done)
        self._unwritten_looks += len(done.answered)
        if self._unwritten_looks >= self.folder.config.probe.batch:
            await self.flush()

    async def flush(self) -> None:
        """Write what has come in, in one transaction."""
        async with self._writing:
            batch, self._unwritten, self._unwritten_looks = self._unwritten, [], 0
            if batch:
                write, run = self._recorder.write, self.run
                try:
                    run.done += await asyncio.to_thread(patiently, lambda: write(run.run_id, batch), run.holds)
                except _LOST:
                    self.lose()
                    return
                except Exception:
                    self._end_leasing()  # what is looked at now could not be recorded either
                    raise
                if self._progress:
                    self._progress(self.run.done, self.due)
                if self._lasting:
                    self._lasting.recorded(batch)

    async def _ask_canary(self) -> None:
        """Ask the canary from every vantage; if the first one's own network fails, the pass stops.

        A pass that lasts asks its resolver first: what cannot be resolved by our own fault is not looked at.
        """
        canary = self.folder.config.canary
        if self._lasting and not await answers(self._resolver.resolver, self.folder.config.names):
            self.stop("resolver")
            return
        if not canary.targets:
            return
        looks = await asyncio.gather(*(self._canary_look(vantage) for vantage in self.looker.vantages))
        await asyncio.to_thread(patiently, lambda: self.folder.store.add(looks), self.run.holds)
        if looks[0].reached < canary.need * looks[0].targets:
            self.stop("canary")

    async def _canary_look(self, vantage: Vantage) -> CanaryLook:
        targets, when = self.folder.config.canary.targets, self.folder.clock()
        reached = await asyncio.gather(*(self.looker.reaches(canonicalize(target), vantage) for target in targets))
        return CanaryLook(
            canary_id=secrets.token_hex(16),
            run_id=self.run.run_id,
            vantage=vantage.name,
            observed_at=when,
            targets=len(reached),
            reached=sum(reached),
        )

    def stop(self, why: Stop) -> None:
        """Lease no more; what is being looked at is still recorded, the rest stays due."""
        self.stopped = self.stopped or why
        self._end_leasing()

    def fail(self, what: str, problem: BaseException | None) -> None:
        """Count our own failure: what it concerns stays due, nothing is concluded."""
        self.failures += 1
        self.broken = problem if isinstance(problem, StoreFailure | ReadOnly) else self.broken
        _log.error("%s failed: %s", what, place_of(problem))

    async def _every(self, seconds: float, action: Callable[[], Awaitable[None]]) -> None:
        """Act again and again until the pass closes; an action that has begun is never cut off."""
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
        """Write the rest, ask the canary again, give unanswered leases back, end the run."""
        self._closing.set()
        self._end_leasing()
        results = await asyncio.gather(*self._beats, return_exceptions=True)
        broken = [one for one in results if isinstance(one, BaseException) and not isinstance(one, _LOST)]
        try:
            await self.flush()
            if self.stopped != "lease":
                with suppress(LeaseLost):
                    await self._ask_canary()
            if self._reservations:
                await self._reservations.close()
            if self._leasing:
                await self._leasing.settled()  # a lease that is under way is given back too
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
