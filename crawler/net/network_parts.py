"""Shares the networks between the runs that check: each part of them is for one run at a time."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from math import ceil
from typing import Final

from waterbed.model.bookkeeping import Due
from waterbed.store.leases import NO_PART, PARTS, NetworkParts
from waterbed.store.settings import Probe

_LEAST, _MOST = 8, 64
"""URLs of a part that wait or are checked at one time: enough for a network's pace between two leases, and few, so that
a network with very many hosts keeps no place from the others."""
_WORTH: Final = 4
"""A part is leased from again once a fourth of its URLs are checked: so few hosts are cut in two."""
_ROUND_S: Final = 0.1
"""Seconds in which hosts that were found are collected for one statement."""


def crowded(probe: Probe) -> bool:
    """True if hosts of one network wait for each other: for pauses, or as fewer are asked there than at once."""
    most = [number for number in (probe.per_address, probe.per_network) if number]
    return bool(probe.delay_s or probe.network_delay_s) or min(most, default=probe.hosts_at_once) < probe.hosts_at_once


class PartLeases:
    """Counts the URLs of each part that a run has leased and not yet checked."""

    def __init__(self) -> None:
        """Start with none."""
        self._parts: dict[str, int] = {}
        self._of: Counter[int] = Counter()
        self._depth = _MOST
        self.alone = False
        """True if no other run checked when URLs were leased last."""
        self.others = False
        """True if others were at work in some part then."""

    @property
    def total(self) -> int:
        """Their number."""
        return len(self._parts)

    def add(self, dues: Iterable[Due]) -> None:
        """Count leased URLs."""
        for due in dues:
            self._parts[due.url_id] = due.network_part
            self._of[due.network_part] += 1

    def done(self, dues: Iterable[Due]) -> None:
        """Count them no more; those that are not counted are left out."""
        for due in dues:
            part = self._parts.pop(due.url_id, None)
            if part is not None:
                self._of[part] -= 1

    def move(self, url_ids: Iterable[str], part: int) -> bool:
        """Count URLs in the part that they were found in; False, and nothing changed, if it has enough of them."""
        if self._of[part] >= self._depth:
            return False
        for url_id in url_ids:
            self._of[self._parts.get(url_id, NO_PART)] -= 1
            self._parts[url_id] = part
            self._of[part] += 1
        return True

    def choose(self, parts: NetworkParts, *, most: int, limit: int) -> dict[int, int]:
        """Choose how many URLs to lease of which parts, `limit` at most, so that about `most` are held.

        A run has no more parts than its share of those there is work in: of more it leases nothing until they are done.
        All its parts get equal numbers. URLs whose host was never found in a network fill the rest.
        """
        self.alone, self.others = parts.runs == 1, bool(parts.others)
        own_parts = sorted(
            (part for part, n in self._of.items() if n and part != NO_PART), key=lambda part: -self._of[part]
        )
        free = [part for part in parts.free if part != NO_PART]
        part_count = len({*own_parts, *free, *parts.others})
        share = max(1, ceil(part_count / parts.runs))
        run_parts = own_parts[:share]
        run_parts += [part for part in free if not self._of[part]][: share - len(run_parts)]
        self._depth = depth = max(_LEAST, min(_MOST, most // max(1, len(run_parts))))
        waiting = set(free)
        lacking = {part: depth - self._of[part] for part in run_parts if part in waiting}
        lacking = {part: n for part, n in lacking.items() if n > 0 and n >= min(depth // _WORTH, limit)}
        chosen, remaining = {}, limit
        # where a lease is too small for all, each gets fewer: hosts of few parts would only wait for each other
        for further, part in enumerate(sorted(lacking, key=lacking.__getitem__, reverse=True)):
            if not remaining:
                break
            chosen[part] = min(lacking[part], max(1, remaining // (len(lacking) - further)))
            remaining -= chosen[part]
        remaining = min(remaining, most - self.total - sum(chosen.values()))
        if NO_PART in parts.free and remaining > 0:
            chosen[NO_PART] = remaining
        return chosen


Note = Callable[[Mapping[str, int], Collection[str]], set[str]]
"""Notes the parts of URLs and gives some of the leases back; returns all that are not, or no longer, the run's."""


class FirstFound:
    """Notes where hosts were found for the first time, and hears which of them are left for later, or to other runs."""

    def __init__(self, number: Callable[[str], int], note: Note, leases: PartLeases) -> None:
        """Take a keyed number of networks, and what notes the parts of URLs."""
        self._number, self._note, self._held = number, note, leases
        self._parts: dict[str, int] = {}
        self._surplus: set[str] = set()
        self._asked: asyncio.Future[set[str]] | None = None

    def part(self, network: str) -> int:
        """The part of all networks that one is in."""
        return self._number(network) % PARTS

    async def keeps(self, url_ids: Collection[str], part: int) -> bool:
        """Note the part of a host's URLs; False if they are not to be checked now. LeaseLost if the lease is lost."""
        # a network with very many hosts would take all places before anybody knew
        fits = self._held.move(url_ids, part)
        if fits and self._held.alone:
            return True
        self._parts.update(dict.fromkeys(url_ids, part))
        self._surplus.update(() if fits else url_ids)
        if self._asked is None:
            self._asked = asyncio.ensure_future(self._ask())
        released = await asyncio.shield(self._asked)
        return released.isdisjoint(url_ids)

    async def _ask(self) -> set[str]:
        await asyncio.sleep(_ROUND_S)
        parts, surplus = self._parts, self._surplus
        self._parts, self._surplus, self._asked = {}, set(), None
        return await asyncio.to_thread(self._note, parts, surplus)
