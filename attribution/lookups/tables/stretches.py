"""The range of a table that an address lies in, as text."""

from ipaddress import ip_address, summarize_address_range

import numpy as np
from numpy.typing import NDArray

from attribution.lookups.tables.addresses import Packed
from attribution.lookups.tables.ranges import RangeTable

_TOP = {4: (1 << 32) - 1, 6: (1 << 128) - 1}


def stretches_of(table: RangeTable, packed: Packed) -> list[str]:
    """The stretch around each address: a prefix if it is one, else first-last; empty where nothing is known.

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
