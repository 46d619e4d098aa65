"""Sorted, disjoint address ranges that carry sets of numbers."""

import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.addresses import Numbers, Packed
from waterbed.attribution.lookups.tables.folders import about_in, save_array, whole_folder
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
        set_numbers = np.full(len(packed), NOTHING, np.int32)
        v4, v6 = packed.family == 4, packed.family == 6
        if v4.any():
            set_numbers[v4] = self.v4_set_of(packed.low[v4].astype(np.uint32))
        if v6.any():
            set_numbers[v6] = self.v6_set_of(packed.high[v6], packed.low[v6])
        return set_numbers

    def v4_set_of(self, addresses: NDArray[np.uint32]) -> NDArray[np.int32]:
        """The set number of each IPv4 address."""
        return self.v4_set[_past(self.v4_first, addresses) - 1]

    def v6_set_of(self, high: Numbers, low: Numbers) -> NDArray[np.int32]:
        """The set number of each IPv6 address in two words.

        The high words are searched at once; among stretches that share one, the low words are bisected together.
        """
        stop = _past(self.v6_high, high)
        shared = np.flatnonzero(self.v6_high[stop - 1] == high)
        low_words, hi = low[shared], stop[shared]
        lo = np.searchsorted(self.v6_high, high[shared], side="left")
        while (open_ := lo < hi).any():
            middle = np.minimum((lo + hi) // 2, len(self.v6_low) - 1)
            right = open_ & (self.v6_low[middle] <= low_words)
            lo, hi = np.where(right, middle + 1, lo), np.where(open_ & ~right, middle, hi)
        stop[shared] = lo
        return self.v6_set[stop - 1]

    def members_of(self, set_number: int) -> tuple[int, ...]:
        """The numbers in one set; none for NOTHING."""
        if set_number < 0:
            return ()
        members = self._sets.get(set_number)
        if members is None:
            start, stop = self.offsets[set_number : set_number + 2].tolist()
            members = self._sets[set_number] = tuple(self.members[start:stop].tolist())
        return members

    def members_by_row(self, sets: NDArray[np.int32]) -> list[tuple[int, ...]]:
        """The numbers in each row's set."""
        distinct, place = np.unique(sets, return_inverse=True)
        each = [self.members_of(int(s)) for s in distinct]
        return [each[i] for i in place.tolist()]


def _past(sorted_: NDArray[Any], numbers: NDArray[Any]) -> NDArray[np.int64]:
    """For each wanted number, the count of sorted numbers that are not above it.

    Searching neighbours after each other keeps the search in the cache. Roughly in order is enough for that: sorting by
    16 bits alone (of IPv6 those after the first three, which hardly differ) costs a tenth of a whole sort, and all that
    a third of searching as they come.
    """
    bucket = numbers >> numbers.dtype.type(16 if numbers.dtype.itemsize == 4 else 45)
    order = np.argsort(bucket.astype(np.uint16), kind="stable")
    counts = np.empty(len(numbers), np.int64)
    counts[order] = np.searchsorted(sorted_, numbers[order], side="right")
    return counts


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
    """First addresses of all stretches, in two words, and their sets.

    Each range is followed by what lies behind it, up to the next one; all begins with the first address.
    """
    rows, carried = _merged(rows, sets)
    if _overlapping(rows):
        rows, carried = _flattened(rows, carried, bits)
    top = [np.uint64((1 << bits - 64) - 1 if bits > 64 else 0), np.uint64((1 << min(bits, 64)) - 1)]
    after_low = rows.last_low + np.uint64(1)
    after_high = rows.last_high + (after_low == 0).astype(np.uint64) if bits > 64 else rows.last_high
    mask = np.ones(2 * len(rows) + 1, bool)
    gap = mask[2::2]
    gap[:-1] = (after_high[:-1] != rows.first_high[1:]) | (after_low[:-1] != rows.first_low[1:])
    gap &= (rows.last_high != top[0]) | (rows.last_low != top[1])
    if len(rows):
        mask[0] = bool(rows.first_high[0] or rows.first_low[0])
    low = _alternating(rows.first_low, after_low, mask)
    high = _alternating(rows.first_high, after_high, mask) if bits > 64 else zeros(len(low))
    value = np.full(len(mask), NOTHING, np.int32)
    value[1::2] = carried
    value = value[mask]
    changes = np.concatenate([[True], value[1:] != value[:-1]])
    return _at(high, changes), low[changes], value[changes]


def _alternating(first: Numbers, after: Numbers, mask: NDArray[np.bool_]) -> Numbers:
    interleaved = np.zeros(len(mask), np.uint64)
    interleaved[1::2], interleaved[2::2] = first, after
    return interleaved[mask]


def _merged(rows: Rows, sets: dict[tuple[int, ...], int]) -> tuple[Rows, NDArray[np.int32]]:
    """Rows sorted, each range once, and the number of the set that each carries."""
    rows = _taken(rows, np.lexsort((rows.number, rows.last_low, rows.last_high, rows.first_low, rows.first_high)))
    new = np.ones(len(rows), bool)
    for column in (rows.first_high, rows.first_low, rows.last_high, rows.last_low):
        new[1:] &= column[1:] == column[:-1]
    new[1:] = ~new[1:]
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(rows)))
    distinct, place = np.unique(rows.number[starts], return_inverse=True)
    set_numbers = np.array([_set_number((int(n),), sets) for n in distinct], np.int32)
    carried = set_numbers[place] if len(starts) else np.zeros(0, np.int32)
    for i in np.flatnonzero(sizes > 1).tolist():
        numbers = rows.number[starts[i] : starts[i] + sizes[i]].tolist()
        carried[i] = _set_number(tuple(sorted(set(numbers))), sets)
    return (rows if len(starts) == len(rows) else _taken(rows, starts)), carried


def _set_number(numbers: tuple[int, ...], sets: dict[tuple[int, ...], int]) -> int:
    numbers = tuple(n for n in numbers if n)
    return sets.setdefault(numbers, len(sets)) if numbers else NOTHING


def _taken(rows: Rows, which: NDArray[np.int64]) -> Rows:
    return Rows(
        first_high=_at(rows.first_high, which),
        first_low=rows.first_low[which],
        last_high=_at(rows.last_high, which),
        last_low=rows.last_low[which],
        number=rows.number[which],
    )


_ZERO = np.zeros(1, np.uint64)


def zeros(size: int) -> Numbers:
    """The high words of IPv4 addresses, all 0.

    They take no memory.
    """
    return np.broadcast_to(_ZERO, size)


def _at(column: Numbers, which: NDArray[Any]) -> Numbers:
    """Some of a column; of `zeros`, `zeros` again."""
    if len(column) > 1 and not column.strides[0]:
        return zeros(int(np.count_nonzero(which)) if which.dtype == bool else len(which))
    taken: Numbers = column[which]
    return taken


def _overlapping(rows: Rows) -> bool:
    same = rows.first_high[1:] == rows.last_high[:-1]
    overlaps = (rows.first_high[1:] < rows.last_high[:-1]) | (same & (rows.first_low[1:] <= rows.last_low[:-1]))
    return bool(overlaps.any())


def _flattened(rows: Rows, carried: NDArray[np.int32], bits: int) -> tuple[Rows, NDArray[np.int32]]:
    """Disjoint rows: at each address the smallest range wins.

    One sweep over whole numbers of Python, because 128 bits fit no array; about a microsecond and a half a row.
    """
    open_: list[tuple[int, int, int, int]] = []
    cut: list[tuple[int, int, int]] = []
    packed: list[_Cut] = []
    position, live = 0, _SOME
    for first, last, value in _wholes(rows, carried):
        if open_:
            _emit(open_, cut, position, first)
        position = first
        heapq.heappush(open_, (last - first, -first, last, value))
        if len(open_) > 2 * live:  # many have ended, below smaller ones
            open_ = [open_range for open_range in open_ if open_range[2] >= first]
            heapq.heapify(open_)
            live = max(len(open_), _SOME)
        if len(cut) > _SOME:
            packed.append(_packed(cut, bits))
            cut.clear()
    _emit(open_, cut, position, 1 << 128)
    packed.append(_packed(cut, bits))
    ends = [end for end, _ in packed]
    values = np.concatenate([value for _, value in packed])
    none = zeros(len(values))
    first_high, first_low, last_high, last_low = (
        np.concatenate([end[column] for end in ends]) if bits > 64 or column % 2 else none for column in range(4)
    )
    flat = Rows(first_high=first_high, first_low=first_low, last_high=last_high, last_low=last_low, number=none)
    return flat, values


_SOME = 1 << 16
_Cut = tuple[Sequence[Numbers], NDArray[np.int32]]


def _wholes(rows: Rows, carried: NDArray[np.int32]) -> Iterator[tuple[int, int, int]]:
    """First and last address, and the set, of each row."""
    for start in range(0, len(rows), _SOME):
        part = slice(start, start + _SOME)
        firsts = _whole(rows.first_high[part], rows.first_low[part])
        lasts = _whole(rows.last_high[part], rows.last_low[part])
        yield from zip(firsts, lasts, carried[part].tolist(), strict=True)


def _packed(cut: Sequence[tuple[int, int, int]], bits: int) -> _Cut:
    """Disjoint rows as arrays; the high words of IPv4 take no memory."""
    values = np.fromiter((value for _, _, value in cut), np.int32, len(cut))
    if bits <= 64:
        none = zeros(len(cut))
        first, last = (np.fromiter((row[column] for row in cut), np.uint64, len(cut)) for column in (0, 1))
        return (none, first, none, last), values
    return (*words([first for first, _, _ in cut]), *words([last for _, last, _ in cut])), values


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
            save_array(written / f"{name}.npy", array)
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
