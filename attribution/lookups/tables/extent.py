"""Address space that range tables cover or differ in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network, summarize_address_range

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.addresses import Numbers, Packed, pack
from waterbed.attribution.lookups.tables.contents import by_family, span
from waterbed.attribution.lookups.tables.ranges import NOTHING, RangeTable, build

Sets = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """Address space cut at all tables' changes, with their sets."""

    v4_first: NDArray[np.uint32]
    v4_sets: list[Sets]
    v6_high: Numbers
    v6_low: Numbers
    v6_sets: list[Sets]


def cut(tables: Sequence[RangeTable]) -> Cut:
    """Lay tables over one another."""
    v4_first = np.unique(np.concatenate([table.v4_first for table in tables]))
    high = np.concatenate([table.v6_high for table in tables])
    low = np.concatenate([table.v6_low for table in tables])
    order = np.lexsort((low, high))
    high, low = high[order], low[order]
    new = np.ones(len(high), bool)
    new[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    high, low = high[new], low[new]
    return Cut(
        v4_first=v4_first,
        v4_sets=[table.v4_set_of(v4_first) for table in tables],
        v6_high=high,
        v6_low=low,
        v6_sets=[table.v6_set_of(high, low) for table in tables],
    )


def joined(tables: Sequence[RangeTable]) -> RangeTable:
    """One table with the union of numbers per address."""
    stretches = cut(tables)
    sets: dict[tuple[int, ...], int] = {}
    v4_set = _united(tables, stretches.v4_sets, sets)
    v6_set = _united(tables, stretches.v6_sets, sets)
    v4_new = np.append(True, v4_set[1:] != v4_set[:-1])
    v6_new = np.append(True, v6_set[1:] != v6_set[:-1])
    return RangeTable(
        v4_first=stretches.v4_first[v4_new],
        v4_set=v4_set[v4_new],
        v6_high=stretches.v6_high[v6_new],
        v6_low=stretches.v6_low[v6_new],
        v6_set=v6_set[v6_new],
        offsets=np.cumsum([0, *map(len, sets)], dtype=np.int64),
        members=np.fromiter((m for s in sets for m in s), np.uint32),
    )


def _united(tables: Sequence[RangeTable], columns: Sequence[Sets], sets: dict[tuple[int, ...], int]) -> Sets:
    distinct, place = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    numbers = []
    for row in distinct.tolist():
        members = {m for table, number in zip(tables, row, strict=True) for m in table.members_of(number)}
        numbers.append(sets.setdefault(tuple(sorted(members)), len(sets)) if members else NOTHING)
    return np.array(numbers, np.int32)[place.ravel()]


_RESERVED = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "::/3",
    "4000::/2",
    "8000::/1",
    "2001:2::/48",
    "2001:10::/28",
    "2001:db8::/32",
    "3fff::/20",
)
"""Ranges of IANA's special-purpose registries; IPv6 outside 2000::/3 is not allocated at all.

6to4, Teredo, AS112 and the like are special too, but meant to be announced.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Space of one family that a table covers.

    Units are addresses of IPv4 and /48s of IPv6.

    `several` counts stretches with more than one number, `reserved` what lies in non-public space.
    """

    covered: float
    several: int
    reserved: float


def extent_of(table: RangeTable, family: int) -> Extent:
    """The extent of a table in a family, overlaps removed."""
    sizes, (sets, special) = _stretches([table, _reserved()], family)
    set_numbers = table.v4_set if family == 4 else table.v6_set
    members = np.append(np.diff(table.offsets), 0)  # the last one is that of NOTHING, -1
    return Extent(
        covered=float(sizes[sets >= 0].sum()),
        several=int((members[set_numbers] > 1).sum()),
        reserved=float(sizes[(sets >= 0) & (special >= 0)].sum()),
    )


def differing(one: RangeTable, other: RangeTable, family: int, names: tuple[Callable[[int], object], ...]) -> float:
    """The space of a family where two tables differ.

    Units are addresses of IPv4 and /48s of IPv6.

    `names` says what a number means in each table.
    """
    sizes, columns = _stretches([one, other], family)
    numbers: dict[frozenset[object], int] = {}
    meanings = []
    for table, sets, name in zip((one, other), columns, names, strict=True):
        distinct, place = np.unique(sets, return_inverse=True)
        meant = [frozenset(map(name, table.members_of(int(number)))) for number in distinct]
        meanings.append(np.array([numbers.setdefault(members, len(numbers)) for members in meant], np.int64)[place])
    return float(sizes[meanings[0] != meanings[1]].sum())


def _stretches(tables: list[RangeTable], family: int) -> tuple[NDArray[np.float64], list[Sets]]:
    """The size of each stretch in which no table changes, and each table's sets there."""
    stretches = cut(tables)
    if family == 4:
        return np.diff(stretches.v4_first.astype(np.float64), append=float(1 << 32)), stretches.v4_sets
    return _sizes_v6(stretches.v6_high, stretches.v6_low), stretches.v6_sets


def _sizes_v6(high: Numbers, low: Numbers) -> NDArray[np.float64]:
    """From each address to the next one, in /48s; subtracted word by word, so that nothing small is lost."""
    low_part = np.diff(low)  # unsigned: what is below zero wraps, and borrows from the high word
    high_part = np.diff(high) - (low[1:] < low[:-1]).astype(np.uint64)
    rest = (1 << 128) - (int(high[-1]) << 64 | int(low[-1]))
    return np.append(high_part / 2.0**16 + low_part / 2.0**80, rest / 2.0**80)


@cache
def _reserved() -> RangeTable:
    networks = [ip_network(text) for text in _RESERVED]
    packed = pack([str(network.network_address) for network in networks])
    first, last = span(packed, np.array([network.prefixlen for network in networks], np.int64))
    v4, v6 = by_family(packed.family, first, last, np.ones(len(networks), np.uint64))
    return build(v4, v6)


_TOP = {4: (1 << 32) - 1, 6: (1 << 128) - 1}


def stretches_of(table: RangeTable, packed: Packed) -> list[str]:
    """The range around each address, as text.

    A prefix if it is one, else first-last; empty where the table has no set.

    Stretches are what overlapping ranges were cut into: the smallest range, less what smaller ones take of it.
    """
    sets = table.sets_of(packed)
    texts = [""] * len(packed)
    for row in np.flatnonzero(sets >= 0).tolist():
        texts[row] = _text(*_bounds(table, packed, row))
    return texts


def _bounds(table: RangeTable, packed: Packed, row: int) -> tuple[int, int, int]:
    """Family, first and last address of the stretch around one row."""
    family, low = int(packed.family[row]), int(packed.low[row])
    if family == 4:
        return family, *_around(table.v4_first, low, _TOP[4])
    high = int(packed.high[row])
    start = int(np.searchsorted(table.v6_high, np.uint64(high), side="left"))
    stop = int(np.searchsorted(table.v6_high, np.uint64(high), side="right"))
    place = start + int(np.searchsorted(table.v6_low[start:stop], np.uint64(low), side="right")) - 1

    def whole(at: int) -> int:
        return int(table.v6_high[at]) << 64 | int(table.v6_low[at])

    return family, whole(place), whole(place + 1) - 1 if place + 1 < len(table.v6_high) else _TOP[6]


def _around(firsts: NDArray[np.uint32], address: int, top: int) -> tuple[int, int]:
    place = int(np.searchsorted(firsts, np.uint32(address), side="right")) - 1
    return int(firsts[place]), int(firsts[place + 1]) - 1 if place + 1 < len(firsts) else top


def _text(family: int, first: int, last: int) -> str:
    kind = type(ip_address(0 if family == 4 else 1 << 127))
    prefixes = list(summarize_address_range(kind(first), kind(last)))
    return str(prefixes[0]) if len(prefixes) == 1 else f"{kind(first)}-{kind(last)}"
