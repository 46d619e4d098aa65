"""Leases due URLs for a pass, grouped by host."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from time import monotonic

from waterbed.crawler.net.network_parts import PartLeases
from waterbed.crawler.probe.prober import HostTask
from waterbed.model.bookkeeping import Due, Sealed
from waterbed.model.errors import BadUrl
from waterbed.model.facts import ControlLook
from waterbed.model.urls import CanonicalUrl, canonicalize
from waterbed.store.backlog import give_back, leased, something_free, taken
from waterbed.store.folder import Folder, Pass
from waterbed.store.leases import lease, lease_of_parts, record
from waterbed.store.runs import patiently
from waterbed.store.store import Store

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_log = logging.getLogger(__name__)


def within_hour(
    store: Store, run_id: str, now: datetime, most: int, limit: int, lease: Callable[[int], list[Due]]
) -> list[Due]:
    """Lease up to `limit` looks, within the hourly limit `most`.

    `most` 0 sets no limit. Looks taken within the last hour and leased ones count. If two workers lease beyond the
    limit at the same instant, the one that counts last gives the excess back, so the number may be too low for a
    moment, never too high.
    """
    if not most:
        return lease(limit)
    free = most - taken(store, now - _HOUR) - leased(store)
    if free <= 0:
        return []
    batch = sorted(lease(min(limit, free)), key=lambda due: due.due_at)
    over = taken(store, now - _HOUR) + leased(store) - most
    if over > 0:
        give_back(store, run_id, [due.url_id for due in batch[-over:]])
        return batch[:-over]
    return batch


_LOOK_FOR_DUE_S = 0.5
"""Seconds between two checks of a continuous pass for newly due URLs."""
_LEFT_S = (0.25, 1.0)
"""Shortest and longest wait for what other runs leave; each is twice the one before."""
_AGAIN_S, _POLL_S = 0.25, 0.02
"""Seconds after which more is leased though not half of what was held is checked; and between two looks at that."""


_BATCHES, _LEAST = 8, 50
"""Batches that each of several processes leases of what is due, if they have so many looks at least."""


class Leasing:
    """Leases for one run until nothing is due.

    A continuous pass leases until its time is over.
    """

    def __init__(
        self,
        folder: Folder,
        run: Pass,
        *,
        limit: int | None,
        due_by: datetime,
        until: float | None,
        held: PartLeases | None = None,
    ) -> None:
        """Take the greatest number of looks, and the end.

        `until` is a time of the monotonic clock, None if the pass is not continuous. With `held`, URLs are leased by
        the networks that their hosts were last found in, so that no two runs wait for each other there.
        """
        self._held, self._begun, self._had, self._patience_s = held, 0.0, 0, _LEFT_S[0]
        self._longest_wait_s = folder.config.schedule.lease_s
        self._gives_up_at = monotonic() + self._longest_wait_s
        self._folder, self._run_id, self._holds, self._left = folder, run.run_id, run.holds, limit
        self._due_by, self._until = due_by, until
        self._at_once = folder.config.probe.batch
        self._lock = asyncio.Lock()
        self._ended = asyncio.Event()

    def share(self, due: int, processes: int) -> None:
        """Lease in smaller batches if several processes share them.

        So they end at about the same time.
        """
        if processes > 1 and self._until is None and not self._held:
            self._at_once = max(1, min(self._at_once, max(_LEAST, due // (_BATCHES * processes))))

    @property
    def ended(self) -> bool:
        """True if nothing more is leased."""
        return self._ended.is_set()

    def end(self) -> None:
        """Lease no more; a lease in progress may still complete."""
        self._ended.set()

    async def settled(self) -> None:
        """Wait until no lease is in progress."""
        async with self._lock:
            return  # one whose task was cancelled goes on in its thread: the run's end gives it back, or refuses it

    async def take(self) -> list[HostTask]:
        """Lease the next due URLs, one task for each host.

        Empty when none is left or the leasing has ended.
        """
        async with self._lock:
            while not (self.ended or self._over()):
                if self._left == 0:  # what was leased may be given back unchecked
                    if not (self._held and self._held.total):
                        break
                    await self._ends_within(_POLL_S)
                    continue
                if await self._half_done():
                    break
                if self._until is not None:
                    self._due_by = self._folder.clock()
                self._begun = monotonic()
                taken = await asyncio.to_thread(self._lease)  # the lock is held: nobody else counts `_left` meanwhile
                if self._left is not None:
                    self._left -= sum(len(task.items) for task in taken)
                if self._held:
                    for task in taken:
                        self._held.add(due for due, _ in task.items)
                    self._had = self._held.total
                    if taken:
                        self._patience_s, self._gives_up_at = _LEFT_S[0], monotonic() + self._longest_wait_s
                if taken or not (await self._others_may_leave_some() if self._until is None else True):
                    return taken
                if self._until is not None:
                    await self._wait_for_due()
            return []

    def done(self, tasks: Iterable[HostTask]) -> None:
        """Note that hosts are checked, or left to another run."""
        if self._held:
            self._held.done(due for task in tasks for due, _ in task.items)

    def given_back(self, task: HostTask) -> None:
        """Note that a host was left unchecked, for later or to another run: it uses up no limit."""
        if self._left is not None:
            self._left += len(task.items)

    async def _half_done(self) -> bool:
        """Wait until it is time to lease more; True if the leasing ended meanwhile."""
        while self._held and self._held.total > self._had // 2 and monotonic() < self._begun + _AGAIN_S:
            if await self._ends_within(_POLL_S):
                return True
        return self.ended

    async def _others_may_leave_some(self) -> bool:
        """Wait if more may come: of what this run has in hand, or from parts that others are at work in.

        Others are waited for as long as a lease lasts: after that, what they are at work in is theirs.
        """
        if self._held is None:
            return False
        if self._held.total:
            await self._ends_within(_POLL_S)
            return True
        if not self._held.others or monotonic() > self._gives_up_at or not await self._something_free(self._due_by):
            return False
        await self._ends_within(self._patience_s)
        self._patience_s = min(2 * self._patience_s, _LEFT_S[1])
        return True

    async def _ends_within(self, seconds: float) -> bool:
        """Wait for the end of the leasing, so long at most; True if it came."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)
        return self.ended

    def _over(self) -> bool:
        return self._until is not None and monotonic() >= self._until

    async def _wait_for_due(self) -> None:
        """Wait until a URL is due, or the pass must end."""
        while not (self._over() or await self._ends_within(_LOOK_FOR_DUE_S)):
            if await self._something_free(self._folder.clock()):
                return

    async def _something_free(self, due_by: datetime) -> bool:
        free = partial(something_free, self._folder.store, due_by)
        return await asyncio.to_thread(patiently, free, self._holds)

    def _lease(self) -> list[HostTask]:
        """Lease until there is a URL to check: one that cannot be read any more is put off by a day."""
        while taken := self._taken(now := self._folder.clock()):
            readable, unreadable = patiently(partial(self._read, taken), self._holds)
            if unreadable:
                later = [replace(due, due_at=now + _DAY) for due in unreadable]
                patiently(partial(record, self._folder.store, self._run_id, [], later), self._holds)
                _log.warning("%d stored URLs cannot be read and were not checked; next try in a day", len(unreadable))
            if readable:
                return patiently(partial(self._tasks, readable, now), self._holds)
        return []

    def _taken(self, now: datetime) -> list[Due]:
        if self._held:
            self._held.others = False  # unless a lease sees some: the hour's limit is not waited for
        store, config = self._folder.store, self._folder.config
        limit = self._at_once if self._left is None else min(self._at_once, self._left)
        step = partial(patiently, holds=self._holds)
        return within_hour(
            store,
            self._run_id,
            now,
            config.schedule.looks_an_hour,
            limit,
            lambda most: step(partial(self._from_store, most)),
        )

    def _from_store(self, limit: int) -> list[Due]:
        part_leases, store_and_run = self._held, (self._folder.store, self._run_id)
        if part_leases is None:
            return lease(*store_and_run, due_by=self._due_by, limit=limit)
        most = 2 * self._folder.config.probe.batch
        return lease_of_parts(
            *store_and_run,
            due_by=self._due_by,
            limit=limit,
            choose=lambda parts: part_leases.choose(parts, most=most, limit=limit),
        )

    def _read(self, taken: list[Due]) -> tuple[list[tuple[Due, CanonicalUrl]], list[Due]]:
        """Return the URLs behind leases, and the leases of those that no rule of spelling accepts any more."""
        store, vault = self._folder.store, self._folder.vault
        sealed = {entry.entry_id: entry for entry in store.by_ids(Sealed, "entry_id", [due.url_id for due in taken])}
        readable, unreadable = [], []
        for due in taken:
            try:
                readable.append((due, canonicalize(vault.open(sealed[due.url_id]))))
            except BadUrl:
                unreadable.append(due)
        return readable, unreadable

    def _tasks(self, items: list[tuple[Due, CanonicalUrl]], now: datetime) -> list[HostTask]:
        store, config = self._folder.store, self._folder.config
        hosts: dict[str, list[tuple[Due, CanonicalUrl]]] = defaultdict(list)
        for item in items:
            hosts[item[0].host_id].append(item)
        controls = self._controls(hosts)
        since = now - timedelta(hours=config.names.name_server_hours)
        name_servers = {resolution.host_id: resolution for resolution in store.latest_name_servers(hosts, since)}
        tasks_by_part: Counter[int] = Counter()
        tasks = []
        for host_id, of_host in hosts.items():
            task = HostTask(
                host_id=host_id,
                items=tuple(of_host),
                controls=tuple(controls[host_id]),
                name_servers=name_servers.get(host_id),
            )
            part = of_host[0][0].network_part
            tasks.append((tasks_by_part[part] if self._held else 0, task))
            tasks_by_part[part] += 1
        # in turn from each part: none takes all places
        return [task for _, task in sorted(tasks, key=itemgetter(0))]

    def _controls(self, host_ids: Iterable[str]) -> dict[str, list[ControlLook]]:
        folder = self._folder
        oldest = folder.clock() - timedelta(hours=folder.config.probe.control_hours)
        controls: dict[str, list[ControlLook]] = defaultdict(list)
        for control in folder.store.latest_controls(host_ids, folder.config.vantage, oldest):
            controls[control.host_id].append(control)
        return controls
