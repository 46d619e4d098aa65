"""How many sites of a group flip, in one cycle and as a rule."""

from collections import deque
from dataclasses import dataclass, field
from math import sqrt
from typing import Final, NamedTuple

PRIOR_SHARE: Final = 0.02
PRIOR_SITES: Final = 20
"""What a group of which nothing is known yet is taken to flip: 2 of 100 sites, worth 20 sites of experience."""
RECENT: Final = 6
"""Cycles back by which a removal that builds up over hours is known from a sudden flip."""
_SHORTEST_US: Final = 60_000_000
"""Shorter waits than a minute say no more of a pace."""


@dataclass(slots=True)
class Count:
    """Sites of one group in one cycle."""

    looked: set[str] = field(default_factory=set)
    flipped: set[str] = field(default_factory=set)
    looks: int = 0
    waited_us: int = 0
    """Microseconds since they were last up, over all these looks: whole, so that their order is of no account."""

    def add(self, site: str, waited_us: int, *, flipped: bool) -> None:
        """Take a look at a site that was up when last decided."""
        self.looked.add(site)
        self.looks += 1
        self.waited_us += waited_us
        if flipped:
            self.flipped.add(site)

    @property
    def wait_us(self) -> float:
        """Microseconds since the last look that saw it up, on average."""
        return _mean(self.waited_us, self.looks)

    @property
    def share(self) -> float:
        """Part of the sites looked at that flipped; 0 without any."""
        return len(self.flipped) / len(self.looked) if self.looked else 0.0

    @property
    def error(self) -> float:
        """Standard error of the share; 0 if everything flipped."""
        return sqrt(self.share * (1 - self.share) / len(self.looked)) if self.looked else 0.0

    def leave_out(self, other: "Count") -> None:
        """Take away the sites of another group."""
        self.looked -= other.looked
        self.flipped -= other.flipped


class _Sum(NamedTuple):
    """What is kept of a cycle's count."""

    looked: int
    flipped: int
    looks: int
    waited_us: int


class FlipBaseline:
    """How much of one group flipped in its earlier cycles."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._cycles: deque[tuple[int, _Sum]] = deque()
        self._looked = self._flipped = self._looks = self._waited_us = 0

    def forget(self, before: int) -> None:
        """Drop cycles that are too old."""
        while self._cycles and self._cycles[0][0] < before:
            self._sum(self._cycles.popleft()[1], -1)

    def learn(self, cycle: int, count: Count) -> None:
        """Take a cycle that is believed."""
        taken = _Sum(len(count.looked), len(count.flipped), count.looks, count.waited_us)
        self._cycles.append((cycle, taken))
        self._sum(taken, 1)

    def _sum(self, taken: "_Sum", sign: int) -> None:
        self._looked += sign * taken.looked
        self._flipped += sign * taken.flipped
        self._looks += sign * taken.looks
        self._waited_us += sign * taken.waited_us

    @property
    def share(self) -> float | None:
        """Share that flipped, None if nothing was looked at again yet."""
        return self._flipped / self._looked if self._looked else None

    def expected(self, wait_us: float) -> float:
        """Share to expect when the looks before are `wait_us` microseconds ago.

        That of all earlier cycles, or that to which the last few have risen. Of these the highest counts as far as
        another bears it out by half: a removal that builds up over hours raises what is expected, the one cycle in
        which a sudden flip began does not. Each is scaled to the wait: what goes at a steady pace goes on while nobody
        looks, as in an outage of our own.
        """
        usual_wait = _mean(self._waited_us, self._looks) if self._looks else wait_us
        as_ever = _scaled(_with_prior(self._looked, self._flipped), wait_us / usual_wait)
        last = [self._cycles[-n][1] for n in range(1, min(RECENT, len(self._cycles)) + 1)]
        shares = [_scaled(_with_prior(c.looked, c.flipped), wait_us / _mean(c.waited_us, c.looks)) for c in last]
        highest = sorted(shares, reverse=True)
        risen = min(highest[0], 2 * highest[1]) if len(highest) > 1 else 0.0
        return max(as_ever, risen)


def _mean(waited_us: int, looks: int) -> float:
    return max(waited_us / looks, _SHORTEST_US) if looks else _SHORTEST_US


def _with_prior(looked: int, flipped: int) -> float:
    return (flipped + PRIOR_SHARE * PRIOR_SITES) / (looked + PRIOR_SITES)


def _scaled(share: float, times: float) -> float:
    """The share that flips in so many times the wait, at the same pace."""
    return float(1.0 - (1.0 - share) ** times)
