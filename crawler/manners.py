"""How gently servers are treated: few at once, a pause between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic


@dataclass(slots=True)
class _Place:
    gate: asyncio.Semaphore
    next_start: float = 0.0
    inside: int = 0


class Manners:
    """Bounds requests to one address: how many at once, how soon."""

    def __init__(self, *, at_once: int, delay_s: float) -> None:
        """Allow `at_once` connections an address and `delay_s` seconds between request starts."""
        self._at_once = at_once
        self._delay = delay_s
        self._places: dict[str, _Place] = {}

    @asynccontextmanager
    async def visit(self, address: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Hold one of the places at an address; await what it yields before each request."""
        place = self._places.get(address)
        if place is None:
            place = self._places[address] = _Place(asyncio.Semaphore(self._at_once))
        place.inside += 1
        try:
            async with place.gate:
                yield lambda: self._turn(place)
        finally:
            place.inside -= 1
            if not place.inside and place.next_start <= monotonic():
                self._places.pop(address, None)

    async def _turn(self, place: _Place) -> None:
        if self._delay:
            now = monotonic()
            start = max(now, place.next_start)
            place.next_start = start + self._delay
            if start > now:
                await asyncio.sleep(start - now)
