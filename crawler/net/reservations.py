"""Networks taken for this pass alone, so that manners hold though others look as well."""

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
"""Takes networks for the pass; those are returned that it has now."""

GiveBack = Callable[[Collection[str]], None]
"""Lets others visit networks again."""

_LONGEST_S = 10.0
"""How long a busy network is kept before others get their turn."""
_ROUND_S = 0.01
"""Between two questions to the database: what comes in meanwhile is asked for together."""
_RETRY_S = (0.05, 0.15)
"""Between two tries at a network that others have; whoever just had it for long waits the longer of the next."""
_POLITE_S = (0.2, 0.3)


@dataclass(slots=True)
class Hold:
    """One network: since when it is ours, who is in it, who waits, and until when its pauses last."""

    ours_since: float | None = None
    inside: int = 0
    quiet_at: float = 0.0
    retry_at: float = 0.0
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


class Reservations:
    """A network is visited by one pass at a time, within which its own manners hold.

    Taken and given back in batches, one statement for each, however many looks there are.
    """

    def __init__(
        self,
        claim: Claim,
        give_back: GiveBack,
        holds: Callable[[], bool],
        *,
        longest_s: float = _LONGEST_S,
        chance: random.Random | None = None,
    ) -> None:
        """Take how to ask the database, and whether the pass still holds its leases; nothing is asked yet."""
        self._claim, self._give_back, self._holds = claim, give_back, holds
        self._longest_s = longest_s
        self._chance = chance or random.Random()  # noqa: S311 (spreads tries, nothing secret)
        self._known: dict[str, Hold] = {}
        self._wanted: set[str] = set()
        self._idle: set[str] = set()
        self._wake = asyncio.Event()
        self._broken: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask the database, as soon as anything is wanted."""
        self._task = asyncio.create_task(self._rounds())

    async def close(self) -> None:
        """End when all pauses are over; what is still held goes back with the run."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        pause = max((hold.quiet_at for hold in self._known.values()), default=0.0) - monotonic()
        if pause > 0 and self._holds():
            await asyncio.sleep(pause)

    async def enter(self, network: str) -> None:
        """Wait until this pass alone visits the network; LeaseLost if it lost what it held."""
        if self._broken:
            raise self._broken
        hold = self._known.setdefault(network, Hold())
        if hold.ours_since is not None and monotonic() - hold.ours_since < self._longest_s:
            hold.inside += 1
            self._idle.discard(network)
            return
        admitted = asyncio.get_running_loop().create_future()
        hold.waiting.append(admitted)
        if hold.ours_since is None:
            self._wanted.add(network)
            self._wake.set()
        try:
            await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled() and not admitted.exception():
                self.leave(network, 0.0)
            raise

    def leave(self, network: str, quiet_at: float) -> None:
        """Be done with a visit; nobody else visits the network before `quiet_at` (monotonic clock)."""
        hold = self._known[network]
        hold.inside -= 1
        hold.quiet_at = max(hold.quiet_at, quiet_at)
        if not hold.inside:
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
        except BaseException as problem:  # whoever waits must hear of it
            self._broken = problem
            for hold in self._known.values():
                for admitted in hold.waiting:
                    if not admitted.done():
                        admitted.set_exception(problem)

    async def _something_to_do(self) -> None:
        """Wait for the next try or the end of a pause, but no longer than until something new comes in."""
        times = [self._known[network].retry_at for network in self._wanted]
        times += [self._known[network].quiet_at for network in self._idle]
        self._wake.clear()
        pause = min(times, default=monotonic() + 60.0) - monotonic()
        if pause > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)

    async def _round(self) -> None:
        """Give back what is idle, take what is wanted."""
        now = monotonic()
        done = [network for network in self._idle if self._known[network].quiet_at <= now]
        for network in done:
            self._leave_to_others(network, now)
        if done:
            await asyncio.to_thread(self._give_back, done)
        wanted = [network for network in self._wanted if self._known[network].retry_at <= now]
        if not wanted:
            return
        taken = await asyncio.to_thread(self._claim, wanted)
        now = monotonic()
        for network in wanted:
            if network in taken:
                self._admit(network, now)
            else:
                self._known[network].retry_at = now + self._chance.uniform(*_RETRY_S)
        if not self._holds():
            raise LeaseLost

    def _leave_to_others(self, network: str, now: float) -> None:
        """Forget a network; if somebody waits for it here, it is taken anew after the others had their chance."""
        waiting = self._known.pop(network).waiting
        self._idle.discard(network)
        if waiting:
            self._known[network] = Hold(retry_at=now + self._chance.uniform(*_POLITE_S), waiting=waiting)
            self._wanted.add(network)

    def _admit(self, network: str, now: float) -> None:
        hold = self._known[network]
        self._wanted.discard(network)
        hold.ours_since = now
        for admitted in hold.waiting:
            if not admitted.done():
                hold.inside += 1
                admitted.set_result(None)
        hold.waiting = []
        if not hold.inside:
            self._idle.add(network)


def reservations_of(store: Store, run: Pass) -> Reservations | None:
    """How a pass shares the bounds on networks with those of other machines; None on SQLite, which serves one alone."""
    if store.sqlite:
        return None
    shared = Reservations(
        lambda networks: patiently(lambda: claim(store, run.run_id, networks), run.holds),
        lambda networks: patiently(lambda: give_back(store, run.run_id, networks), run.holds),
        run.holds,
    )
    shared.start()
    return shared
