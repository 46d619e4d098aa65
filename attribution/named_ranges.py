"""Ranges with texts: countries, holders, claiming hosters. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_address, ip_network

import numpy as np

from waterbed.attribution.hosters.members import holder_key
from waterbed.attribution.lookups.tables.ranges import RangeTable, Rows, build, words
from waterbed.attribution.snapshots import day_of
from waterbed.model.registrations import Registration


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRanges:
    """Ranges with texts.

    Number n in the table stands for `values[n - 1]`.
    """

    table: RangeTable
    values: tuple[str, ...]

    def value_of(self, number: int) -> str:
        """The text that a number stands for."""
        return self.values[number - 1]


def registered_ranges(
    facts: Iterable[Registration], day: date, value_of: Callable[[Registration], str | None]
) -> NamedRanges | None:
    """The registered networks of a day, with values, or None.

    Of each network the newest answer not after the day counts, else the earliest after it; where networks lie in each
    other the smallest that has a value. Answers other than `ok` say nothing.
    """
    chosen: dict[tuple[int, int, int], Registration] = {}
    for fact in facts:
        span = _span(fact)
        if span and (span not in chosen or _better(fact, chosen[span], day)):
            chosen[span] = fact
    valued = ((span, value_of(fact)) for span, fact in chosen.items())
    return _named((span, value) for span, value in valued if value)


def ases_of_holders(facts: Iterable[Registration]) -> dict[str, int]:
    """The smallest queried AS of each registrant's key."""
    ases: dict[str, int] = {}
    for fact in facts:
        asn = (fact.first or "").removeprefix("AS")
        if fact.kind == "as" and fact.status == "ok" and fact.holder and asn.isascii() and asn.isdecimal():
            holder = holder_key(fact.holder)
            ases[holder] = min(int(asn), ases.get(holder, int(asn)))
    return ases


def claimed_ranges(key_by_member: Mapping[str, str]) -> NamedRanges | None:
    """The ranges that hosters claim, with keys, or None.

    `key_by_member` gives the key of each member; a range is one like 192.0.2.0/24.
    """
    spans = []
    for member, key in key_by_member.items():
        try:
            network = ip_network(member)
        except ValueError:
            continue
        first, last = int(network.network_address), int(network.broadcast_address)
        spans.append(((network.version, first, last), key))
    return _named(spans)


def _named(spans: Iterable[tuple[tuple[int, int, int], str]]) -> NamedRanges | None:
    numbers: dict[str, int] = {}
    rows: dict[int, list[tuple[int, int, int]]] = {4: [], 6: []}
    for (family, first, last), value in spans:
        rows[family].append((first, last, numbers.setdefault(value, len(numbers) + 1)))
    return NamedRanges(table=build(_rows(rows[4]), _rows(rows[6])), values=tuple(numbers)) if numbers else None


def registered_country(fact: Registration) -> str | None:
    """The ISO code of a network's registered country."""
    code = (fact.country or "").strip().upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() and code != "ZZ" else None


def _span(fact: Registration) -> tuple[int, int, int] | None:
    if fact.kind != "network" or fact.status != "ok" or fact.first is None or fact.last is None:
        return None
    try:
        first, last = ip_address(fact.first), ip_address(fact.last)
    except ValueError:
        return None
    return (first.version, int(first), int(last)) if first.version == last.version and int(first) <= int(last) else None


def _better(new: Registration, old: Registration, day: date) -> bool:
    """True if an answer applies to a day better than another."""
    return _fitness(new, day) > _fitness(old, day)


def _fitness(fact: Registration, day: date) -> tuple[bool, float, int]:
    fits = day_of(fact.fetched_at) <= day
    when = fact.fetched_at.timestamp()
    return fits, when if fits else -when, -fact.level


def _rows(ranges: list[tuple[int, int, int]]) -> Rows:
    first_high, first_low = words([first for first, _, _ in ranges])
    last_high, last_low = words([last for _, last, _ in ranges])
    number = np.array([n for _, _, n in ranges], np.uint64)
    return Rows(first_high=first_high, first_low=first_low, last_high=last_high, last_low=last_low, number=number)
