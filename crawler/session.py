"""One pass: leases what is due, looks, records in batches."""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from datetime import timedelta
from typing import Literal

from attribution.lookups.names import Resolver
from crawler.connect_to import connector, loopback
from crawler.link_checks import read_link_checks
from crawler.logs import place_of
from crawler.look import HostFacts, HostWork, Looker
from crawler.recorder import Recorder
from crawler.vantage import Vantage, first_vantage, further_vantages
from waterbed.model.bookkeeping import Due, Sealed
from waterbed.model.canonical import spell
from waterbed.model.errors import InputError
from waterbed.model.facts import CanaryLook, ControlLook
from waterbed.store.folder import Folder, Pass, real_clock

Progress = Callable[[int, int], None]
"""Told how many looks are recorded, and how many were due when the pass began."""

Stop = Literal["canary", "signal"]
"""Why a pass ended before all that was due was looked at."""

_log = logging.getLogger(__name__)
_FLUSH_S = 0.5


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
        self, folder: Folder, *, everything: bool = False, limit: int | None = None, progress: Progress | None = None
    ) -> None:
        """Take the study, whether all is due, and how many looks at most; nothing happens yet."""
        self.folder = folder
        self.failures = 0
        self.begun = False
        self.stopped: Stop | None = None
        self._everything = everything
        self._left = limit
        self._progress = progress
        self._stack = ExitStack()
        self._unwritten: list[HostFacts] = []
        self._unwritten_looks = 0
        self._writing = asyncio.Lock()
        self._leasing = asyncio.Lock()
        self._closing = asyncio.Event()
        self._at_once = asyncio.Semaphore(folder.config.probe.hosts_at_once)
        self._recorder = Recorder(folder)
        self._beats: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Begin the run: bury dead ones, ask the canary, count what is due."""
        config, lab = self.folder.config, self.folder.lab
        vantages = (first_vantage(config), *further_vantages(config, lab))
        link_checks = read_link_checks(self.folder.path)
        if lab:
            await _lab_plays(lab.resolver)
        await asyncio.to_thread(self.folder.bury_dead_runs)
        self.run: Pass = self._stack.enter_context(self.folder.run("recheck"))
        self.begun = True
        server = lab.resolver if lab else config.names.resolver
        self._resolver = Resolver(
            server, timeout_s=config.names.timeout_s, tries=config.names.tries, in_flight=config.names.in_flight
        )
        self.looker = Looker(
            config=config,
            vault=self.folder.vault,
            resolver=self._resolver,
            connector=connector(lab),
            clock=self.folder.clock,
            run_id=self.run.run_id,
            vantages=vantages,
            link_checks=link_checks,
        )
        self._due_by = self.folder.clock()
        if self._everything:
            await asyncio.to_thread(self.folder.store.make_all_due, self._due_by)
        self.due = await asyncio.to_thread(self.folder.store.count_due, self._due_by)
        await self._ask_canary()
        self._beats = [
            asyncio.create_task(self._every(config.canary.every_s, self._ask_canary)),
            asyncio.create_task(self._every(_FLUSH_S, self.flush)),
        ]

    async def lease(self) -> list[HostWork]:
        """The next due URLs, a piece of work for each host; empty when none is left.

        Once stopped, by our own failing network or by a signal, nothing is leased: what is due stays due.
        """
        async with self._leasing:
            if self.stopped or self._left == 0 or self._closing.is_set():
                return []
            batch = self.folder.config.probe.batch
            taken = await asyncio.to_thread(self._lease, batch if self._left is None else min(batch, self._left))
            if self._left is not None:
                self._left -= sum(len(work.items) for work in taken)
            return taken

    def _lease(self, limit: int) -> list[HostWork]:
        store, now, config = self.folder.store, real_clock(), self.folder.config
        until = now + timedelta(seconds=config.schedule.lease_s)
        taken = store.lease(self.run.run_id, due_by=self._due_by, now=now, until=until, limit=limit)
        sealed = {entry.entry_id: entry for entry in store.by_ids(Sealed, "entry_id", [due.url_id for due in taken])}
        hosts: dict[str, list[Due]] = defaultdict(list)
        for due in taken:
            hosts[due.host_id].append(due)
        controls = self._controls(hosts)
        since = self.folder.clock() - timedelta(hours=config.names.name_server_hours)
        named = {known.host_id: known for known in store.latest_name_servers(hosts, since)}
        return [
            HostWork(
                host_id=host_id,
                items=tuple((due, spell(self.folder.vault.open(sealed[due.url_id]))) for due in dues),
                control=controls.get(host_id),
                named=named.get(host_id),
            )
            for host_id, dues in hosts.items()
        ]

    def _controls(self, host_ids: Iterable[str]) -> dict[str, ControlLook]:
        oldest = self.folder.clock() - timedelta(hours=self.folder.config.probe.control_hours)
        latest: dict[str, ControlLook] = {}
        for control in self.folder.store.latest_controls(host_ids, self.folder.config.vantage, oldest):
            known = latest.get(control.host_id)
            if known is None or known.observed_at < control.observed_at:
                latest[control.host_id] = control
        return latest

    async def look_at(self, works: Iterable[HostWork]) -> None:
        """Look at several hosts at the same time and record each as soon as it is done.

        A host whose looks fail by our own fault is counted; its looks stay due, the others go on.
        """
        await asyncio.gather(*(self._look_at(work) for work in works))

    async def _look_at(self, work: HostWork) -> None:
        try:
            async with self._at_once:
                done = await self.looker.look(work)
        except Exception as problem:  # our own failure is never a look's result
            self.fail("a host's looks", problem)
            return
        try:
            await self.record(done)
        except Exception as problem:
            self.fail("a host's record", problem)

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
                self.run.done += await asyncio.to_thread(self._recorder.write, self.run.run_id, batch)
                if self._progress:
                    self._progress(self.run.done, self.due)

    async def _ask_canary(self) -> None:
        """Ask the canary from every vantage; if the first one's own network fails, the pass stops."""
        canary = self.folder.config.canary
        if not canary.targets:
            return
        looks = await asyncio.gather(*(self._canary_look(vantage) for vantage in self.looker.vantages))
        await asyncio.to_thread(self.folder.store.add, looks)
        if looks[0].reached < canary.need * looks[0].targets:
            self.stop("canary")

    async def _canary_look(self, vantage: Vantage) -> CanaryLook:
        targets, when = self.folder.config.canary.targets, self.folder.clock()
        reached = await asyncio.gather(*(self.looker.reaches(spell(target), vantage) for target in targets))
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
        self.run.outcome = "stopped"

    def fail(self, what: str, problem: BaseException | None) -> None:
        """Count our own failure: what it concerns stays due, nothing is concluded."""
        self.failures += 1
        _log.error("%s failed: %s", what, place_of(problem))

    async def _every(self, seconds: float, action: Callable[[], Awaitable[None]]) -> None:
        """Act again and again until the pass closes; an action that has begun is never cut off."""
        while not self._closing.is_set():
            try:
                await asyncio.wait_for(self._closing.wait(), seconds)
            except TimeoutError:
                await action()

    async def close(self) -> None:
        """Write the rest, ask the canary again, give unanswered leases back, end the run."""
        self._closing.set()
        results = await asyncio.gather(*self._beats, return_exceptions=True)
        broken = [result for result in results if isinstance(result, BaseException)]
        try:
            await self.flush()
            await self._ask_canary()
            async with self._leasing:  # a lease that is under way is given back too
                await asyncio.to_thread(self.folder.store.release, [self.run.run_id])
            if self.failures or broken:
                self.run.outcome = "failed"
        except BaseException:
            self.run.outcome = "failed"
            raise
        finally:
            await self._resolver.close()
            self._stack.close()
        if broken:
            raise broken[0]
