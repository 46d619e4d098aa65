"""Per-address and per-network rate limits."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic

from waterbed.crawler.net.reservations import Reservations
from waterbed.model.errors import LeaseLost
from waterbed.model.urls import network_of

JITTER = 0.2
"""Share by which a pause is drawn longer or shorter."""


@dataclass(slots=True)
class Allowance:
    """The rate limit and use of one address or network."""

    semaphore: asyncio.Semaphore | None
    delay: float
    next_start: float = 0.0
    users: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Politeness:
    """Limits concurrent connections and request starts per address and network."""

    def __init__(
        self,
        *,
        at_once: int,
        delay_s: float,
        network_at_once: int | None = None,
        network_delay_s: float = 0.0,
        jitter: float = JITTER,
        rng: random.Random | None = None,
        reservations: Reservations | None = None,
        holds: Callable[[], bool] = lambda: True,
    ) -> None:
        """Set the limits of an address and of its network.

        `at_once` is the number of connections, `delay_s` the seconds between request starts. A network is an IPv4 /24
        or an IPv6 /48; None or 0 sets no limit. Each pause is drawn up to `jitter` (a share) longer or shorter. With
        `reservations` the limits hold over all running passes. No request is sent once the pass no longer `holds` its
        leases.
        """
        self.reservations = reservations
        self._holds = holds
        self._bounds = ((at_once, delay_s), (network_at_once, network_delay_s))
        self._jitter = jitter
        self._rng = rng or random.Random()  # noqa: S311 (spreads requests, nothing secret)
        self._allowances: dict[str, Allowance] = {}
        self._leaving: deque[tuple[float, str]] = deque()

    def slot(self, address: str) -> "Slot":
        """Return a slot at an address.

        Hold it in an `async with`, and await its `wait_turn` before each request. Slots are always taken in one order,
        which excludes deadlocks. The address comes first: a request that waits for a busy address takes no slot from
        the network's other addresses.
        """
        return Slot(self, (address, network_of(address)))

    def enter(self, names: tuple[str, ...]) -> list[Allowance]:
        """Mark the allowances of address and network as used."""
        self._forget()
        allowances = []
        for name, (at_once, delay) in zip(names, self._bounds, strict=True):
            allowance = self._allowances.get(name)
            if allowance is None:
                allowance = self._allowances[name] = Allowance(asyncio.Semaphore(at_once) if at_once else None, delay)
            allowance.users += 1
            allowances.append(allowance)
        return allowances

    def leave(self, names: tuple[str, ...], allowances: list[Allowance]) -> None:
        """Return allowances that are no longer used."""
        for name, allowance in zip(names, allowances, strict=True):
            allowance.users -= 1
            if not allowance.users:
                self._leaving.append((allowance.next_start, name))

    def _forget(self) -> None:
        """Drop unused allowances whose pause is over."""
        now = monotonic()
        while self._leaving and self._leaving[0][0] <= now:
            _, name = self._leaving.popleft()
            allowance = self._allowances.get(name)
            if allowance and not allowance.users and allowance.next_start <= now:
                del self._allowances[name]

    async def wait_turn(self, allowances: list[Allowance]) -> None:
        """Wait until a request may start.

        LeaseLost if the pass lost its leases.
        """
        paced = [allowance for allowance in allowances if allowance.delay]
        if not paced:
            self.require_lease()
            return
        async with AsyncExitStack() as turns:
            # The address first: a long queue at one address must not reserve the network's time far ahead. Its turn is
            # kept while the network's is awaited, so both pauses are over when the request starts.
            for allowance in paced:
                await turns.enter_async_context(allowance.turn)
                await asyncio.sleep(max(0.0, allowance.next_start - monotonic()))
            now = monotonic()
            for allowance in paced:
                allowance.next_start = now + allowance.delay * self._rng.uniform(1 - self._jitter, 1 + self._jitter)
        self.require_lease()

    def require_lease(self) -> None:
        """LeaseLost if the pass lost its leases.

        Nothing may be sent then.
        """
        if not self._holds():
            raise LeaseLost


class Slot:
    """A connection slot at an address and in its network."""

    __slots__ = ("_allowances", "_held", "_names", "_politeness", "_reserved")

    def __init__(self, politeness: Politeness, names: tuple[str, ...]) -> None:
        """Take the limits and the two names.

        No slot is held yet.
        """
        self._politeness = politeness
        self._names = names

    async def __aenter__(self) -> "Slot":
        """Wait for both slots, then for the network's reservation."""
        self._allowances = self._politeness.enter(self._names)
        self._reserved = False
        self._held: list[asyncio.Semaphore] = []
        try:
            for allowance in self._allowances:
                if allowance.semaphore:
                    # noted before the next await, so whoever is cancelled while waiting releases what it has
                    await allowance.semaphore.acquire()
                    self._held.append(allowance.semaphore)
            if self._politeness.reservations:
                await self._politeness.reservations.enter(self._names[1])
                self._reserved = True
        except BaseException:
            self._release()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Release both slots."""
        self._release()

    async def wait_turn(self) -> None:
        """Wait until a request may start."""
        await self._politeness.wait_turn(self._allowances)

    def _release(self) -> None:
        if self._reserved and self._politeness.reservations:
            self._politeness.reservations.leave(
                self._names[1], max(allowance.next_start for allowance in self._allowances)
            )
        for semaphore in self._held:
            semaphore.release()
        self._politeness.leave(self._names, self._allowances)
