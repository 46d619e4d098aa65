"""Registrations of addresses and ASes as of a day."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from itertools import pairwise
from math import floor
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final

from waterbed.attribution.lookups.rdap.bootstrap import in_order
from waterbed.model.registrations import Registration

_MAPPED: Final = 0xFFFF
"""The first 96 bits of an IPv4 address inside IPv6."""
_V4: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The registrations around an address or AS on a day.

    `levels[0]` is the smallest network, the others are those above it, ever larger. `fetched_at` is when level 0 was
    fetched; `stale`: that was more than `fresh_days` before the day; `early`: it was after the day.
    """

    levels: tuple[Registration, ...]
    fetched_at: datetime
    stale: bool
    early: bool


class _Range:
    """All answers about one range, in the order in which they were fetched."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.answers: list[Registration] = []
        self.lowest: list[Registration] = []
        """Those of level 0: the answers to whoever asked for an address."""
        self.days: list[date] = []
        self.lowest_days: list[date] = []

    def sort(self) -> "_Range":
        """Bring the answers into order, once all are in."""
        self.answers.sort(key=lambda fact: (fact.fetched_at, fact.registration_id))
        self.lowest = [fact for fact in self.answers if fact.level == 0]
        self.days = [_day(fact.fetched_at) for fact in self.answers]
        self.lowest_days = [_day(fact.fetched_at) for fact in self.lowest]
        return self


class RegistrationIndex:
    """Registrations by address and AS, with logarithmic look-ups.

    Of several answers the newest that was fetched not after the day (UTC) applies, else the earliest after it. Failed
    look-ups say nothing and are left out.
    """

    def __init__(self, facts: Iterable[Registration], *, fresh_days: float = 30.0) -> None:
        """Take registrations in any order, and how long an answer is fresh."""
        self._fresh_days = fresh_days
        ranges: dict[tuple[int, int, int], _Range] = {}
        for fact in facts:
            key = _key(fact)
            if key is not None:
                ranges.setdefault(key, _Range(key[1], key[2])).answers.append(fact)
        families: dict[int, list[_Range]] = defaultdict(list)
        for (family, _, _), number_range in ranges.items():
            families[family].append(number_range.sort())
        self._pieces = {family: _pieces(families[family]) for family in (0, 4, 6)}

    def chain(self, address: str, day: date) -> Chain | None:
        """The registrations of an address, or None.

        None if neither it nor a network around it was ever queried.
        """
        around = self._around(*_numbered(address))
        when = _day(day)
        candidates = [
            (number_range, *_as_of(number_range.lowest, number_range.lowest_days, when))
            for number_range in around
            if number_range.lowest
        ]
        candidates = [entry for entry in candidates if not entry[2]] or candidates
        for place, (number_range, fact, early) in enumerate(candidates):
            if not any(_contradicts(larger, number_range, fact, when) for larger, _, _ in candidates[place + 1 :]):
                return self._made((fact, *self._above(around, number_range, fact, when)), early, when)
        return None

    def of_as(self, asn: int, day: date) -> Chain | None:
        """The registration of an AS number; one level."""
        when = _day(day)
        for number_range in self._around(0, asn):
            fact, early = _as_of(number_range.answers, number_range.days, when)
            return self._made((fact,), early, when)
        return None

    def changes(self, address: str) -> set[date]:
        """Days from which another chain may hold for an address."""
        around = self._around(*_numbered(address))
        fetched = {day for number_range in around for day in number_range.days}
        return fetched | {day + timedelta(days=floor(self._fresh_days) + 1) for day in fetched}

    def changes_of_as(self) -> set[date]:
        """Days from which an AS has another registrant."""
        changes = set()
        for number_range, *_ in filter(None, self._pieces[0][1]):
            for previous, after in pairwise(number_range.answers):
                if (previous.holder, previous.handle) != (after.holder, after.handle):
                    changes.add(_day(after.fetched_at))
        return changes

    def _above(self, around: Sequence[_Range], base: _Range, fact: Registration, when: date) -> list[Registration]:
        """The larger networks around the smallest one; those not heard of for long when it was fetched are gone."""
        oldest = fact.fetched_at - timedelta(days=self._fresh_days)
        larger = [
            _as_of(number_range.answers, number_range.days, when)[0]
            for number_range in around
            if number_range.first <= base.first and base.last <= number_range.last and number_range is not base
        ]
        return [above for above in larger if above.fetched_at >= oldest]

    def _made(self, levels: tuple[Registration, ...], early: bool, when: date) -> Chain:
        fetched_at = levels[0].fetched_at
        stale = not early and (when - _day(fetched_at)).days > self._fresh_days
        return Chain(levels=levels, fetched_at=fetched_at, stale=stale, early=early)

    def _around(self, family: int, number: int) -> Sequence[_Range]:
        """The ranges that a number lies in, the smallest first."""
        starts, around = self._pieces[family]
        place = bisect_right(starts, number) - 1
        return around[place] if place >= 0 else ()


def _numbered(address: str) -> tuple[int, int]:
    """Family and number of an address; one of IPv4 inside IPv6 is that. Raises ValueError for other text."""
    try:
        if ":" not in address:
            return 4, int.from_bytes(inet_pton(AF_INET, address), "big")
        number = int.from_bytes(inet_pton(AF_INET6, address), "big")
    except OSError:
        raise ValueError("an address of IPv4 or IPv6 was expected") from None
    return (4, number & _V4) if number >> 32 == _MAPPED else (6, number)


def _contradicts(larger: _Range, smaller: _Range, fact: Registration, when: date) -> bool:
    """True if a later query within the smaller range gave the larger one: the smaller is gone."""
    later = bisect_right(larger.lowest, fact.fetched_at, key=lambda other: other.fetched_at)
    for other in larger.lowest[later:]:
        if _day(other.fetched_at) > when:
            return False
        queried = int(ip_address(other.asked))
        if smaller.first <= queried <= smaller.last:
            return True
    return False


def _as_of(facts: Sequence[Registration], days: Sequence[date], when: date) -> tuple[Registration, bool]:
    """The newest answer not after a day, else the earliest after it, and whether it is after it."""
    place = bisect_right(days, when) - 1
    return (facts[place], False) if place >= 0 else (facts[0], True)


def _pieces(ranges: list[_Range]) -> tuple[list[int], list[tuple[_Range, ...]]]:
    """Cut all numbers where a range begins or ends: the starts of the pieces, and the ranges around each."""
    opening: dict[int, list[_Range]] = defaultdict(list)
    closing: dict[int, list[_Range]] = defaultdict(list)
    for number_range in ranges:
        opening[number_range.first].append(number_range)
        closing[number_range.last + 1].append(number_range)
    starts = sorted({*opening, *closing})
    around: list[tuple[_Range, ...]] = []
    active: list[_Range] = []
    for start in starts:
        closed = closing.get(start)
        if closed:
            active = [number_range for number_range in active if number_range not in closed]
        if start in opening:
            active = sorted([*active, *opening[start]], key=lambda number_range: number_range.last - number_range.first)
        around.append(tuple(active))
    return starts, around


def _key(fact: Registration) -> tuple[int, int, int] | None:
    if fact.status != "ok" or fact.first is None or fact.last is None:
        return None
    if fact.kind == "as":
        return 0, int(fact.first), int(fact.last)
    return in_order(fact.first, fact.last)


def _day(when: date) -> date:
    """The UTC day of a time or a day."""
    return when.astimezone(UTC).date() if isinstance(when, datetime) else when
