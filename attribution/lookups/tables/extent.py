"""How much address space a range table covers, and how much two of them differ in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network

import numpy as np
from numpy.typing import NDArray

from attribution.lookups.tables.addresses import Numbers, pack
from attribution.lookups.tables.contents import by_family, span
from attribution.lookups.tables.joined import Sets, cut
from attribution.lookups.tables.ranges import RangeTable, build

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
"""What IANA's special-purpose registries keep from public use; IPv6 outside 2000::/3 is not given out at all.

6to4, Teredo, AS112 and the like are special too, but meant to be announced.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much of one family a table covers: addresses of IPv4, /48s of IPv6.

    `several` counts stretches with more than one number, `reserved` what lies in non-public space.
    """

    covered: float
    several: int
    reserved: float


def extent_of(table: RangeTable, family: int) -> Extent:
    """What a table covers of a family, overlaps removed."""
    sizes, (sets, special) = _stretches([table, _reserved()], family)
    own = table.v4_set if family == 4 else table.v6_set
    members = np.append(np.diff(table.offsets), 0)  # the last one is that of NOTHING, -1
    return Extent(
        covered=float(sizes[sets >= 0].sum()),
        several=int((members[own] > 1).sum()),
        reserved=float(sizes[(sets >= 0) & (special >= 0)].sum()),
    )


def differing(one: RangeTable, other: RangeTable, family: int, names: tuple[Callable[[int], object], ...]) -> float:
    """How much of a family has other numbers in one table than in the other: addresses of IPv4, /48s of IPv6.

    `names` says what a number means in each table.
    """
    sizes, columns = _stretches([one, other], family)
    known: dict[frozenset[object], int] = {}
    said = []
    for table, sets, name in zip((one, other), columns, names, strict=True):
        distinct, place = np.unique(sets, return_inverse=True)
        meant = [frozenset(map(name, table.members_of(int(number)))) for number in distinct]
        said.append(np.array([known.setdefault(members, len(known)) for members in meant], np.int64)[place])
    return float(sizes[said[0] != said[1]].sum())


def _stretches(tables: list[RangeTable], family: int) -> tuple[NDArray[np.float64], list[Sets]]:
    """The size of each stretch in which no table changes, and each table's sets there."""
    whole = cut(tables)
    if family == 4:
        return np.diff(whole.v4_first.astype(np.float64), append=float(1 << 32)), whole.v4_sets
    return _sizes_v6(whole.v6_high, whole.v6_low), whole.v6_sets


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
