"""Sorted, disjoint address ranges that carry sets of numbers."""

import heapq
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attribution.lookups.tables.addresses import Numbers, Packed
from attribution.lookups.tables.folders import about_in, whole_folder
from waterbed.model.errors import InputError

NOTHING = -1
"""Set number of an address that no range covers."""

_ARRAYS = ("v4_first", "v4_set", "v6_high", "v6_low", "v6_set", "offsets", "members")
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Ranges of one family, as a file gave them.

    Ends included. Four uint64 arrays (IPv4 is in the low words alone) and one number a row: an AS, a country. Number 0
    says that the range carries nothing.
    """

    first_high: Numbers
    first_low: Numbers
    last_high: Numbers
    last_low: Numbers
    number: Numbers

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.number)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RangeTable:
    """Both address spaces cut into stretches, each with a set.

    A stretch reaches from its first address to the next one's; `*_set` numbers its set, NOTHING where no range is.
    Set i holds `members[offsets[i]:offsets[i + 1]]`, sorted.
    """

    v4_first: NDArray[np.uint32]
    v4_set: NDArray[np.int32]
    v6_high: Numbers
    v6_low: Numbers
    v6_set: NDArray[np.int32]
    offsets: NDArray[np.int64]
    members: NDArray[np.uint32]
    _sets: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def sets_of(self, packed: Packed) -> NDArray[np.int32]:
        """The set number of each address, shape (rows,); perhaps NOTHING."""
        found = np.full(len(packed), NOTHING, np.int32)
        v4, v6 = packed.family == 4, packed.family == 6
        if v4.any():
            found[v4] = self.v4_set_of(packed.low[v4].astype(np.uint32))
        if v6.any():
            found[v6] = self.v6_set_of(packed.high[v6], packed.low[v6])
        return found

    def v4_set_of(self, addresses: NDArray[np.uint32]) -> NDArray[np.int32]:
        """The set number of each IPv4 address."""
        return self.v4_set[_past(self.v4_first, addresses) - 1]

    def v6_set_of(self, high: Numbers, low: Numbers) -> NDArray[np.int32]:
        """The set number of each IPv6 address in two words.

        The high words are searched at once; among stretches that share one, the low words are bisected together.
        """
        stop = _past(self.v6_high, high)
        shared = np.flatnonzero(self.v6_high[stop - 1] == high)
        wanted, hi = low[shared], stop[shared]
        lo = np.searchsorted(self.v6_high, high[shared], side="left")
        while (open_ := lo < hi).any():
            middle = np.minimum((lo + hi) // 2, len(self.v6_low) - 1)
            right = open_ & (self.v6_low[middle] <= wanted)
            lo, hi = np.where(right, middle + 1, lo), np.where(open_ & ~right, middle, hi)
        stop[shared] = lo
        return self.v6_set[stop - 1]

    def members_of(self, set_number: int) -> tuple[int, ...]:
        """The numbers in one set; none for NOTHING."""
        if set_number < 0:
            return ()
        known = self._sets.get(set_number)
        if known is None:
            start, stop = self.offsets[set_number : set_number + 2].tolist()
            known = self._sets[set_number] = tuple(self.members[start:stop].tolist())
        return known

    def members_by_row(self, sets: NDArray[np.int32]) -> list[tuple[int, ...]]:
        """The numbers in each row's set."""
        distinct, place = np.unique(sets, return_inverse=True)
        each = [self.members_of(int(s)) for s in distinct]
        return [each[i] for i in place.tolist()]


def _past(sorted_: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """For each wanted number, the count of sorted numbers that are not above it.

    Searching neighbours after each other keeps the search in the cache. Roughly in order is enough for that: sorting by
    16 bits alone (of IPv6 those after the first three, which hardly differ) costs a tenth of a whole sort, and all that
    a third of searching as they come.
    """
    bucket = wanted >> wanted.dtype.type(16 if wanted.dtype.itemsize == 4 else 45)
    order = np.argsort(bucket.astype(np.uint16), kind="stable")
    found = np.empty(len(wanted), np.int64)
    found[order] = np.searchsorted(sorted_, wanted[order], side="right")
    return found


def build(v4: Rows, v6: Rows) -> RangeTable:
    """Cut ranges that may overlap into stretches.

    - The same range with several numbers carries all of them: a set.
    - Where ranges overlap, the smaller one wins; of two equally large, the one that starts later.
    """
    sets: dict[tuple[int, ...], int] = {}
    _, v4_first, v4_set = _stretches(v4, 32, sets)
    v6_high, v6_low, v6_set = _stretches(v6, 128, sets)
    return RangeTable(
        v4_first=v4_first.astype(np.uint32),
        v4_set=v4_set,
        v6_high=v6_high,
        v6_low=v6_low,
        v6_set=v6_set,
        offsets=np.cumsum([0, *map(len, sets)], dtype=np.int64),
        members=np.fromiter((m for s in sets for m in s), np.uint32),
    )


def _stretches(rows: Rows, bits: int, sets: dict[tuple[int, ...], int]) -> tuple[Numbers, Numbers, NDArray[np.int32]]:
    rows, carried = _merged(rows, sets)
    if _overlapping(rows):
        rows, carried = _flattened(rows, carried)
    top = [np.uint64((1 << bits - 64) - 1 if bits > 64 else 0), np.uint64((1 << min(bits, 64)) - 1)]
    after_low = rows.last_low + np.uint64(1)
    after_high = rows.last_high + (after_low == 0).astype(np.uint64)
    ends = (rows.last_high == top[0]) & (rows.last_low == top[1])
    gap = np.ones(len(rows), bool)
    gap[:-1] = (after_high[:-1] != rows.first_high[1:]) | (after_low[:-1] != rows.first_low[1:])
    gap &= ~ends
    zero = np.zeros(1, np.uint64)
    high = np.concatenate([zero, rows.first_high, after_high[gap]])
    low = np.concatenate([zero, rows.first_low, after_low[gap]])
    value = np.concatenate([[NOTHING], carried, np.full(int(gap.sum()), NOTHING)]).astype(np.int32)
    order = np.lexsort((low, high))  # stable: a range that starts at 0 comes after the leading gap
    high, low, value = high[order], low[order], value[order]
    kept = np.ones(len(high), bool)
    kept[:-1] = (high[:-1] != high[1:]) | (low[:-1] != low[1:])
    high, low, value = high[kept], low[kept], value[kept]
    changes = np.concatenate([[True], value[1:] != value[:-1]])
    return high[changes], low[changes], value[changes]


def _merged(rows: Rows, sets: dict[tuple[int, ...], int]) -> tuple[Rows, NDArray[np.int64]]:
    """Rows sorted, each range once, and the number of the set that each carries."""
    order = np.lexsort((rows.number, rows.last_low, rows.last_high, rows.first_low, rows.first_high))
    rows = _taken(rows, order)
    new = np.ones(len(rows), bool)
    for column in (rows.first_high, rows.first_low, rows.last_high, rows.last_low):
        new[1:] &= column[1:] == column[:-1]
    new[1:] = ~new[1:]
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(rows)))
    distinct, place = np.unique(rows.number[starts], return_inverse=True)
    alone = np.array([_set_number((int(n),), sets) for n in distinct], np.int64)
    carried = alone[place] if len(starts) else np.zeros(0, np.int64)
    for i in np.flatnonzero(sizes > 1).tolist():
        numbers = rows.number[starts[i] : starts[i] + sizes[i]].tolist()
        carried[i] = _set_number(tuple(sorted(set(numbers))), sets)
    return _taken(rows, starts), carried


def _set_number(numbers: tuple[int, ...], sets: dict[tuple[int, ...], int]) -> int:
    numbers = tuple(n for n in numbers if n)
    return sets.setdefault(numbers, len(sets)) if numbers else NOTHING


def _taken(rows: Rows, which: NDArray[np.int64]) -> Rows:
    return Rows(
        first_high=rows.first_high[which],
        first_low=rows.first_low[which],
        last_high=rows.last_high[which],
        last_low=rows.last_low[which],
        number=rows.number[which],
    )


def _overlapping(rows: Rows) -> bool:
    same = rows.first_high[1:] == rows.last_high[:-1]
    before = (rows.first_high[1:] < rows.last_high[:-1]) | (same & (rows.first_low[1:] <= rows.last_low[:-1]))
    return bool(before.any())


def _flattened(rows: Rows, carried: NDArray[np.int64]) -> tuple[Rows, NDArray[np.int64]]:
    """Disjoint rows: at each address the smallest range wins.

    One sweep over whole numbers of Python, because 128 bits fit no array; about a microsecond and a half a row.
    """
    firsts = _whole(rows.first_high, rows.first_low)
    lasts = _whole(rows.last_high, rows.last_low)
    open_: list[tuple[int, int, int, int]] = []
    cut: list[tuple[int, int, int]] = []
    position = 0
    for first, last, value in zip(firsts, lasts, carried.tolist(), strict=True):
        if open_:
            _emit(open_, cut, position, first)
        position = first
        heapq.heappush(open_, (last - first, -first, last, value))
    _emit(open_, cut, position, 1 << 128)
    cuts = [words([c[i] for c in cut]) for i in (0, 1)]
    flat = Rows(
        first_high=cuts[0][0],
        first_low=cuts[0][1],
        last_high=cuts[1][0],
        last_low=cuts[1][1],
        number=np.zeros(len(cut), np.uint64),
    )
    return flat, np.array([c[2] for c in cut], np.int64)


def _emit(open_: list[tuple[int, int, int, int]], cut: list[tuple[int, int, int]], position: int, until: int) -> None:
    while open_ and position < until:
        _, _, last, value = open_[0]
        if last < position:
            heapq.heappop(open_)
            continue
        stop = min(last, until - 1)
        cut.append((position, stop, value))
        position = stop + 1


def _whole(high: Numbers, low: Numbers) -> list[int]:
    return [h << 64 | w for h, w in zip(high.tolist(), low.tolist(), strict=True)]


def words(numbers: Sequence[int]) -> tuple[Numbers, Numbers]:
    """Integers up to 128 bits as high and low words."""
    high = np.fromiter((n >> 64 for n in numbers), np.uint64, len(numbers))
    low = np.fromiter((n & 0xFFFF_FFFF_FFFF_FFFF for n in numbers), np.uint64, len(numbers))
    return high, low


def save_table(
    table: RangeTable, folder: Path, about: dict[str, Any], further: Mapping[str, NDArray[Any]] | None = None
) -> None:
    """Write a table, further arrays and metadata to a folder.

    Whole or not at all; an older one is replaced.
    """
    with whole_folder(folder) as written:
        arrays = {name: getattr(table, name) for name in _ARRAYS}
        for name, array in {**arrays, **(further or {})}.items():
            np.save(written / f"{name}.npy", array)
        text = json.dumps({"format": _FORMAT, **about}, ensure_ascii=False, separators=(",", ":"))
        (written / "about.json").write_text(text, encoding="utf-8")


def load_table(folder: Path, kind: str) -> tuple[RangeTable, dict[str, Any]]:
    """A saved table, memory-mapped, and the facts about it.

    Raises InputError if it is damaged or of another kind.
    """
    try:
        about = about_in(folder)
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
    except (InputError, OSError, ValueError, EOFError):
        raise InputError(
            f"{folder} does not contain a complete table of {kind}; import its file again (docs/tables.md)"
        ) from None
    if not isinstance(about, dict) or about.get("format") != _FORMAT or about.get("kind") != kind:
        raise InputError(
            f"{folder} does not contain a table of {kind} in format {_FORMAT}; import its file again (docs/tables.md)"
        )
    return RangeTable(**arrays), about
