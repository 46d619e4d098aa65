"""Flip rates of groups of sites: now, and the baseline."""

from collections import deque
from dataclasses import dataclass, field
from math import sqrt
from typing import Final, NamedTuple

PRIOR_SHARE: Final = 0.02
PRIOR_SITES: Final = 20
"""Weight of the prior, sites: a new group is assumed to flip `PRIOR_SHARE` of them."""
RECENT: Final = 6
"""Cycles back that tell a gradual removal from a sudden flip."""
_SHORTEST_US: Final = 60_000_000
"""Waits below a minute count as a minute."""


@dataclass(slots=True)
class Count:
    """Sites of one group in one cycle."""

    looked: set[int] = field(default_factory=set)
    flipped: set[int] = field(default_factory=set)
    looks: int = 0
    waited_us: int = 0
    """Sum over looks of microseconds since the site was last up.

    An integer, so that the order of looks does not matter.
    """

    def add(self, site: int, waited_us: int, *, flipped: bool) -> None:
        """Add a look at a site last known up."""
        self.looked.add(site)
        self.looks += 1
        self.waited_us += waited_us
        if flipped:
            self.flipped.add(site)

    @property
    def wait_us(self) -> float:
        """Mean time since the last up look, microseconds."""
        return _mean(self.waited_us, self.looks)

    @property
    def share(self) -> float:
        """The share of observed sites that flipped; 0 without sites."""
        return len(self.flipped) / len(self.looked) if self.looked else 0.0

    @property
    def error(self) -> float:
        """Standard error of the share; 0 if all sites flipped."""
        return sqrt(self.share * (1 - self.share) / len(self.looked)) if self.looked else 0.0

    def leave_out(self, other: "Count") -> None:
        """Remove the sites of another group."""
        self.looked -= other.looked
        self.flipped -= other.flipped


class _Sum(NamedTuple):
    """A cycle's count, reduced to numbers."""

    looked: int
    flipped: int
    looks: int
    waited_us: int


class FlipBaseline:
    """Flip rate of one group over its earlier cycles."""

    def __init__(self) -> None:
        """Start without any cycle."""
        self._cycles: deque[tuple[int, _Sum]] = deque()
        self._looked = self._flipped = self._looks = self._waited_us = 0

    def learn(self, cycle: int, *, looked: int, flipped: int, looks: int, waited_us: int) -> None:
        """Add the numbers of a cycle that is not suspect."""
        self._cycles.append((cycle, _Sum(looked, flipped, looks, waited_us)))
        self._looked += looked
        self._flipped += flipped
        self._looks += looks
        self._waited_us += waited_us

    @property
    def share(self) -> float | None:
        """The share that flipped; None without a repeated look."""
        return self._flipped / self._looked if self._looked else None

    def expected(self, wait_us: float) -> float:
        """The expected share of flips after `wait_us` microseconds.

        The larger of two: the share over all earlier cycles, and that of the last `RECENT` ones. Of the recent shares
        the highest counts, but at most twice the second highest: a removal that builds up over hours raises the
        expectation, the single cycle in which a sudden flip began does not. Each share is scaled to the wait, since
        content removed at a steady pace goes on vanishing between looks, for example in an outage of our own.
        """
        mean_wait = _mean(self._waited_us, self._looks) if self._looks else wait_us
        overall = _scaled(_with_prior(self._looked, self._flipped), wait_us / mean_wait)
        last = [self._cycles[-n][1] for n in range(1, min(RECENT, len(self._cycles)) + 1)]
        shares = [_scaled(_with_prior(c.looked, c.flipped), wait_us / _mean(c.waited_us, c.looks)) for c in last]
        highest = sorted(shares, reverse=True)
        risen = min(highest[0], 2 * highest[1]) if len(highest) > 1 else 0.0
        return max(overall, risen)


def _mean(waited_us: int, looks: int) -> float:
    return max(waited_us / looks, _SHORTEST_US) if looks else _SHORTEST_US


def _with_prior(looked: int, flipped: int) -> float:
    return (flipped + PRIOR_SHARE * PRIOR_SITES) / (looked + PRIOR_SITES)


def _scaled(share: float, times: float) -> float:
    """The share that flips in `times` times the wait, at the same pace."""
    return float(1.0 - (1.0 - share) ** times)
