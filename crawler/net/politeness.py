"""How gently servers are treated: few at once, a pause between."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from crawler.net.reservations import Reservations
from waterbed.model.errors import LeaseLost
from waterbed.model.urls import network_of


@dataclass(slots=True)
class Place:
    """One address or network: who is in it, and when the next request may start."""

    gate: asyncio.Semaphore | None
    delay: float
    next_start: float = 0.0
    inside: int = 0


class Politeness:
    """Bounds requests to one address and to one network: how many at once, how soon."""

    def __init__(
        self,
        *,
        at_once: int,
        delay_s: float,
        network_at_once: int | None = None,
        network_delay_s: float = 0.0,
        jitter: float = 0.2,
        chance: random.Random | None = None,
        reservations: Reservations | None = None,
        holds: Callable[[], bool] = lambda: True,
    ) -> None:
        """Allow so many connections and seconds between request starts, for an address and for its network.

        A network is an IPv4 /24 or an IPv6 /48; null or 0 is no bound. Each pause is drawn up to `jitter` (a share)
        longer or shorter. With `reservations` the bounds hold over all passes at work. Nothing is asked once the pass
        no longer `holds` its leases.
        """
        self.reservations = reservations
        self._holds = holds
        self._bounds = ((at_once, delay_s), (network_at_once, network_delay_s))
        self._jitter = jitter
        self._chance = chance or random.Random()  # noqa: S311 (spreads requests, nothing secret)
        self._places: dict[str, Place] = {}
        self._leaving: deque[tuple[float, str]] = deque()

    def visit(self, address: str) -> "Slot":
        """A place at an address, held in an `async with`; await its `turn` before each request.

        Places are always taken in one order, so that nobody waits in a circle. The address comes first: who waits for
        a busy address takes no place in the network from its other addresses.
        """
        return Slot(self, (address, network_of(address)))

    def enter(self, names: tuple[str, ...]) -> list[Place]:
        """The places of an address and its network, counted as in use."""
        self._forget()
        places = []
        for name, (at_once, delay) in zip(names, self._bounds, strict=True):
            place = self._places.get(name)
            if place is None:
                place = self._places[name] = Place(asyncio.Semaphore(at_once) if at_once else None, delay)
            place.inside += 1
            places.append(place)
        return places

    def leave(self, names: tuple[str, ...], places: list[Place]) -> None:
        """Give places back."""
        for name, place in zip(names, places, strict=True):
            place.inside -= 1
            if not place.inside:
                self._leaving.append((place.next_start, name))

    def _forget(self) -> None:
        """Drop places that are empty and whose pause is over; a few at a time, so that none stays for long."""
        now = monotonic()
        while self._leaving and self._leaving[0][0] <= now:
            _, name = self._leaving.popleft()
            place = self._places.get(name)
            if place and not place.inside and place.next_start <= now:
                del self._places[name]

    async def turn(self, places: list[Place]) -> None:
        """Wait until a request may start; LeaseLost if the pass lost what it held."""
        # One after the other: a long queue at one address must not reserve the network's time far ahead.
        for place in places:
            if place.delay:
                now = monotonic()
                start = max(now, place.next_start)
                place.next_start = start + place.delay * self._chance.uniform(1 - self._jitter, 1 + self._jitter)
                if start > now:
                    await asyncio.sleep(start - now)
        if not self._holds():
            raise LeaseLost


class Slot:
    """A place held at an address and in its network."""

    __slots__ = ("_held", "_manners", "_names", "_places", "_reserved")

    def __init__(self, manners: Politeness, names: tuple[str, ...]) -> None:
        """Nothing is held yet."""
        self._manners = manners
        self._names = names

    async def __aenter__(self) -> "Slot":
        """Wait for both places, then for the network to be this pass's own."""
        self._places = self._manners.enter(self._names)
        self._reserved = False
        self._held: list[asyncio.Semaphore] = []
        try:
            for place in self._places:
                if place.gate:
                    await place.gate.acquire()
                    self._held.append(place.gate)
            if self._manners.reservations:
                await self._manners.reservations.enter(self._names[1])
                self._reserved = True
        except BaseException:
            self._give_back()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give both places back."""
        self._give_back()

    async def turn(self) -> None:
        """Wait until a request may start."""
        await self._manners.turn(self._places)

    def _give_back(self) -> None:
        if self._reserved and self._manners.reservations:
            self._manners.reservations.leave(self._names[1], max(place.next_start for place in self._places))
        for gate in self._held:
            gate.release()
        self._manners.leave(self._names, self._places)
