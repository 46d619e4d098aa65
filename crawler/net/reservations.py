"""Reserves networks for one pass, across machines."""

import asyncio
import random
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from waterbed.model.errors import LeaseLost
from waterbed.store.folder import Pass
from waterbed.store.runs import claim, give_back, patiently
from waterbed.store.store import Store

Claim = Callable[[Collection[str]], set[str]]
"""Claims networks for the pass; returns those that it has now."""

GiveBack = Callable[[Collection[str]], None]
"""Lets other passes reserve networks again."""

LONGEST_S = 10.0
"""Longest time that a busy network is held before other passes get their turn, seconds."""
_ROUND_S = 0.05
"""Seconds between two queries to the database: requests of the meantime share one query."""
_RETRY_S = (0.05, 0.15)
"""Seconds between two tries at a network that another pass holds; a pass that just held it long waits `_POLITE_S`."""
_POLITE_S = (0.2, 0.3)


@dataclass(slots=True)
class Reservation:
    """One network's reservation, with its users and waiters."""

    held_since: float | None = None
    users: int = 0
    quiet_at: float = 0.0
    retry_at: float = 0.0
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


class Reservations:
    """Reserves each network for one pass at a time.

    Within the pass its own rate limits hold. Networks are claimed and given back in batches, one statement each,
    however many checks there are.
    """

    def __init__(
        self,
        claim: Claim,
        give_back: GiveBack,
        holds: Callable[[], bool],
        *,
        longest_s: float = LONGEST_S,
        rng: random.Random | None = None,
    ) -> None:
        """Take the database's functions and the check of leases."""
        self._claim, self._give_back, self._holds = claim, give_back, holds
        self._longest_s = longest_s
        self._rng = rng or random.Random()  # noqa: S311 (spreads tries, nothing secret)
        self._known: dict[str, Reservation] = {}
        self._wanted: set[str] = set()
        self._idle: set[str] = set()
        self._wake = asyncio.Event()
        self._broken: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task that queries the database."""
        self._task = asyncio.create_task(self._rounds())

    async def close(self) -> None:
        """Give all networks back, once all pauses are over.

        A pass that lost its leases waits for nothing: its networks come back with the run.
        """
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        pause = max((reservation.quiet_at for reservation in self._known.values()), default=0.0) - monotonic()
        if not self._holds():
            return
        if pause > 0:
            await asyncio.sleep(pause)
        if self._known:
            await asyncio.to_thread(self._give_back, list(self._known))

    async def enter(self, network: str) -> None:
        """Wait until this pass has reserved the network.

        LeaseLost if it lost its leases.
        """
        if self._broken:
            raise self._broken
        reservation = self._known.setdefault(network, Reservation())
        if reservation.held_since is not None and monotonic() - reservation.held_since < self._longest_s:
            reservation.users += 1  # no await since the check: `_round` gives back no network that has users
            self._idle.discard(network)
            return
        admitted = asyncio.get_running_loop().create_future()
        reservation.waiting.append(admitted)
        if reservation.held_since is None:
            self._wanted.add(network)
            self._wake.set()
        try:
            await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled() and not admitted.exception():
                self.leave(network, 0.0)
            raise

    def leave(self, network: str, quiet_at: float) -> None:
        """End one use of a network.

        No other pass reserves it before `quiet_at` (monotonic clock).
        """
        reservation = self._known[network]
        reservation.users -= 1
        reservation.quiet_at = max(reservation.quiet_at, quiet_at)
        if not reservation.users:
            self._idle.add(network)
            self._wake.set()

    async def _rounds(self) -> None:
        try:
            while True:
                await self._something_to_do()
                await self._round()
                await asyncio.sleep(_ROUND_S)
        except asyncio.CancelledError:
            raise
        except BaseException as problem:  # raised in every waiter
            self._broken = problem
            for reservation in self._known.values():
                for admitted in reservation.waiting:
                    if not admitted.done():
                        admitted.set_exception(problem)

    async def _something_to_do(self) -> None:
        """Wait for the next try, the end of a pause or a new request."""
        times = [self._known[network].retry_at for network in self._wanted]
        times += [self._known[network].quiet_at for network in self._idle]
        self._wake.clear()
        pause = min(times, default=monotonic() + 60.0) - monotonic()
        if pause > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)

    async def _round(self) -> None:
        """Give idle networks back and claim wanted ones."""
        now = monotonic()
        finished = [network for network in self._idle if self._known[network].quiet_at <= now]
        for network in finished:
            self._leave_to_others(network, now)
        if finished:  # they have left `_known`: whoever enters meanwhile claims anew, after this statement
            await asyncio.to_thread(self._give_back, finished)
        requested = [network for network in self._wanted if self._known[network].retry_at <= now]
        if not requested:
            return
        taken = await asyncio.to_thread(self._claim, requested)
        now = monotonic()
        for network in requested:
            if network in taken:  # a lease lost meanwhile is seen by each of them before it sends (require_lease)
                self._admit(network, now)
            else:
                self._known[network].retry_at = now + self._rng.uniform(*_RETRY_S)
        if not self._holds():
            raise LeaseLost

    def _leave_to_others(self, network: str, now: float) -> None:
        """Drop a reservation; if waiters remain, claim it again after a pause for other passes."""
        waiting = self._known.pop(network).waiting
        self._idle.discard(network)
        if waiting:
            self._known[network] = Reservation(retry_at=now + self._rng.uniform(*_POLITE_S), waiting=waiting)
            self._wanted.add(network)

    def _admit(self, network: str, now: float) -> None:
        reservation = self._known[network]
        self._wanted.discard(network)
        reservation.held_since = now
        for admitted in reservation.waiting:
            if not admitted.done():
                reservation.users += 1
                admitted.set_result(None)
        reservation.waiting = []
        if not reservation.users:
            self._idle.add(network)


def reservations_of(store: Store, run: Pass) -> Reservations | None:
    """Return the reservations of a pass; None on SQLite.

    They share the limits on networks with passes of other machines; SQLite serves one machine alone.
    """
    if store.sqlite:
        return None
    shared = Reservations(
        lambda networks: patiently(lambda: claim(store, run.run_id, networks), run.holds),
        lambda networks: patiently(lambda: give_back(store, run.run_id, networks), run.holds),
        run.holds,
    )
    shared.start()
    return shared
