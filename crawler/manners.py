"""How gently servers are treated: few at once, a pause between."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from time import monotonic


@dataclass(slots=True)
class _Place:
    gate: asyncio.Semaphore | None
    delay: float
    next_start: float = 0.0
    inside: int = 0


class Manners:
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
    ) -> None:
        """Allow so many connections and seconds between request starts, for an address and for its network.

        A network is an IPv4 /24 or an IPv6 /48; null or 0 is no bound. Each pause is drawn up to `jitter` (a share)
        longer or shorter.
        """
        self._bounds = ((at_once, delay_s), (network_at_once, network_delay_s))
        self._jitter = jitter
        self._chance = chance or random.Random()  # noqa: S311 (spreads requests, nothing secret)
        self._places: dict[str, _Place] = {}
        self._leaving: deque[tuple[float, str]] = deque()

    @asynccontextmanager
    async def visit(self, address: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Hold one of the places at an address; await what it yields before each request.

        Places are always taken in one order, so that nobody waits in a circle. The address comes first: who waits for
        a busy address takes no place in the network from its other addresses.
        """
        names = (address, network_of(address))
        places = [self._enter(name, *bound) for name, bound in zip(names, self._bounds, strict=True)]
        try:
            async with AsyncExitStack() as held:
                for place in places:
                    if place.gate:
                        await held.enter_async_context(place.gate)
                yield lambda: self._turn(places)
        finally:
            for name, place in zip(names, places, strict=True):
                self._leave(name, place)

    def _enter(self, name: str, at_once: int | None, delay: float) -> _Place:
        self._forget()
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = _Place(asyncio.Semaphore(at_once) if at_once else None, delay)
        place.inside += 1
        return place

    def _leave(self, name: str, place: _Place) -> None:
        place.inside -= 1
        if not place.inside:
            self._leaving.append((place.next_start, name))
            self._forget()

    def _forget(self) -> None:
        """Drop places that are empty and whose pause is over; a few at a time, so that none stays for long."""
        now = monotonic()
        while self._leaving and self._leaving[0][0] <= now:
            _, name = self._leaving.popleft()
            place = self._places.get(name)
            if place and not place.inside and place.next_start <= now:
                del self._places[name]

    async def _turn(self, places: list[_Place]) -> None:
        # One after the other: a long queue at one address must not reserve the network's time far ahead.
        for place in places:
            if place.delay:
                now = monotonic()
                start = max(now, place.next_start)
                place.next_start = start + place.delay * self._chance.uniform(1 - self._jitter, 1 + self._jitter)
                if start > now:
                    await asyncio.sleep(start - now)


def network_of(address: str) -> str:
    """The network that an address is bounded with: IPv4 /24, IPv6 /48."""
    if ":" in address:
        return f"{int(ip_address(address)) >> 80:x}/48"
    return f"{address.rpartition('.')[0]}/24"
