"""Several range tables as one, and where two differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attribution.lookups.tables.addresses import Numbers
from attribution.lookups.tables.ranges import NOTHING, RangeTable

Sets = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """Both address spaces cut wherever one of several tables changes, and each table's set numbers there."""

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
    """One table in which each address has the numbers it has in any of them."""
    whole = cut(tables)
    sets: dict[tuple[int, ...], int] = {}
    v4_set = _united(tables, whole.v4_sets, sets)
    v6_set = _united(tables, whole.v6_sets, sets)
    v4_new = np.append(True, v4_set[1:] != v4_set[:-1])
    v6_new = np.append(True, v6_set[1:] != v6_set[:-1])
    return RangeTable(
        v4_first=whole.v4_first[v4_new],
        v4_set=v4_set[v4_new],
        v6_high=whole.v6_high[v6_new],
        v6_low=whole.v6_low[v6_new],
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
