"""The query plan: due networks and ASes, and fresh answers."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Literal

from waterbed.attribution.lookups.rdap.bootstrap import asn_of, in_order
from waterbed.model.registrations import DomainRegistration, Registration

AskKind = Literal["network", "as", "domain"]

AS_FAMILY = 0
"""The family under which ranges of AS numbers are kept."""

_NO_HOLDER = ((0, 0), (23456, 23456), (64496, 131071), (4_200_000_000, 4_294_967_295))
"""AS numbers that nobody can hold: for private use, for documents, or reserved."""


class Covered:
    """A growing set of numbers, stored as disjoint ranges.

    A look-up takes logarithmic time.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __contains__(self, number: int) -> bool:
        """True if a number is in it."""
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]

    def add(self, first: int, last: int) -> None:
        """Add a range, merged with those that it touches."""
        low = bisect_right(self._firsts, first) - 1
        if low < 0 or self._lasts[low] < first - 1:
            low += 1
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._firsts[low:high], self._lasts[low:high] = [first], [last]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One query, with the last answer to it, if any.

    A domain is known by its keyed id; its name is in memory alone.
    """

    asked: str
    kind: AskKind
    known: Registration | DomainRegistration | None = None
    name: str = field(default="", repr=False)


class Answered:
    """Coverage of fresh answers, growing during a crawl.

    An answer serves for `fresh`: an assigned network for every address in its range, whoever asked; one that may have
    been divided among customers for the /24, or /48, around the address that was asked for; an AS for every number in
    its range. What failed is not tried again before `retry` is over. Answers that a virtual clock dates later
    than `now` count as fresh.
    """

    def __init__(self, facts: Iterable[Registration], *, now: datetime, fresh: timedelta, retry: timedelta) -> None:
        """Take all registrations of a study in one reading; linear."""
        self._covered = {4: Covered(), 6: Covered(), AS_FAMILY: Covered()}
        self._above: dict[tuple[str, str], tuple[str, str]] = {}
        self._failed: set[str] = set()
        self._last: dict[str, Registration] = {}
        for fact in facts:
            age = now - fact.fetched_at
            if fact.status != "ok":
                if fact.level == 0 and age < retry:
                    self._failed.add(fact.asked)
                continue
            if age < fresh:
                self.add(fact)
            previous = self._last.get(fact.asked)
            if fact.level == 0 and (previous is None or previous.fetched_at < fact.fetched_at):
                self._last[fact.asked] = fact

    def add(self, fact: Registration) -> None:
        """Take one more fresh answer."""
        if fact.status != "ok" or fact.first is None or fact.last is None:
            return
        if fact.kind == "as":
            self._covered[AS_FAMILY].add(int(fact.first), int(fact.last))
            return
        ends = in_order(fact.first, fact.last)
        if ends is None:
            return
        if fact.level == 0:
            self._covered[ends[0]].add(*_served(fact, *ends))
        if fact.registry and fact.handle:
            self._above[fact.registry, fact.handle] = (fact.first, fact.last)

    def covers(self, query: str) -> bool:
        """True if a fresh answer covers an address or AS.

        ASes are written AS64500.
        """
        family, number = _number(query)
        return number in self._covered[family]

    def knows(self, registry: str, handle: str | None) -> bool:
        """True if a handle's network and its parents are fresh."""
        return handle is not None and (registry, handle) in self._above

    def to_ask(self, addresses: Iterable[str], asns: Iterable[int]) -> list[Ask]:
        """The queries due now, each once.

        Those asked before come first, then the rest by number.
        """
        due_queries: list[tuple[bool, int, int, str]] = []
        for query in {*addresses, *(f"AS{asn}" for asn in asns if not _reserved(asn))}:
            family, number = _number(query)
            if number not in self._covered[family] and query not in self._failed:
                due_queries.append((query not in self._last, family, number, query))
        due_queries.sort()
        return [
            Ask(asked=query, kind="as" if family == AS_FAMILY else "network", known=self._last.get(query))
            for _, family, _, query in due_queries
        ]


def _served(fact: Registration, family: int, first: int, last: int) -> tuple[int, int]:
    """The addresses that an answer serves for.

    Registries call a network assigned if nothing smaller is registered in it; all others (allocated, reallocated,
    legacy) may hold customers' networks, which only their own addresses show.
    """
    if "ASSIGN" in (fact.allocation or "").upper():
        return first, last
    queried, bits = int(ip_address(fact.asked)), _OWN_BITS[family]
    block_start = queried >> bits << bits
    return max(first, block_start), min(last, block_start + (1 << bits) - 1)


_OWN_BITS = {4: 8, 6: 80}
"""Bits below a /24 and a /48: customers' networks are seldom smaller, and their neighbours are asked for in time."""


def _number(asked: str) -> tuple[int, int]:
    asn = asn_of(asked)
    if asn is not None:
        return AS_FAMILY, asn
    parsed = ip_address(asked)
    return parsed.version, int(parsed)


def _reserved(asn: int) -> bool:
    return any(first <= asn <= last for first, last in _NO_HOLDER)
