"""Address space of groups of ASes or countries. Pure.

Overlaps are removed; IPv6 is counted in /64s.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.addresses import Numbers, Packed
from waterbed.attribution.lookups.tables.ranges import RangeTable, words

Sets = NDArray[np.int32]
Counts = NDArray[np.int64]

GLOBAL_FIRST, GLOBAL_STOP = 0x2000 << 48, 0x4000 << 48
"""High words of 2000::/3, the allocated IPv6 space.

RFC 4291 and IANA; space outside is not counted.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """Units of one family's space, with their set numbers.

    IPv4 counts addresses, IPv6 counts /64s. `counts` and `sets` are stretches of whole units. A /64 of which only a
    part has a set is in `part_high` (its high word) and `part_sets`, once for each such part.
    """

    counts: Counts
    sets: Sets
    part_high: Numbers
    part_sets: Sets


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """The groups of each set.

    Set i belongs to the groups `codes[offsets[i]:offsets[i + 1]]`, each once; code c is called `keys[c]`.
    """

    keys: tuple[str, ...]
    offsets: Counts
    codes: Counts

    def sizes(self) -> Counts:
        """Number of groups of each set."""
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Amounts:
    """Space of each group, by code.

    `full` counts a unit once for each of its groups; `fractional` shares it among them, and sums to the distinct units.
    """

    full: Counts
    fractional: NDArray[np.float64]


def group_sets(table: RangeTable, key_of: Callable[[int], str]) -> Groups:
    """The groups of a table's sets.

    `key_of` names the group of an AS or country.
    """
    members, place = np.unique(table.members, return_inverse=True)
    codes: dict[str, int] = {}
    code_of = np.fromiter((codes.setdefault(key_of(m), len(codes)) for m in members.tolist()), np.int64, len(members))
    owner = np.repeat(np.arange(len(table.offsets) - 1), np.diff(table.offsets))
    pairs = np.unique(owner * max(1, len(codes)) + code_of[place])
    owners, inner = np.divmod(pairs, max(1, len(codes)))
    sizes = np.bincount(owners, minlength=len(table.offsets) - 1)
    return Groups(keys=tuple(codes), offsets=np.concatenate([[0], np.cumsum(sizes)]), codes=inner)


def joined(first: Groups, second: Groups) -> Groups:
    """The sets of two tables, numbered consecutively.

    Set i of the second becomes set i + the number of the first's.
    """
    codes = {key: code for code, key in enumerate(first.keys)}
    moved = np.array([codes.setdefault(key, len(codes)) for key in second.keys], np.int64)
    return Groups(
        keys=tuple(codes),
        offsets=np.concatenate([first.offsets, second.offsets[1:] + first.offsets[-1]]),
        codes=np.concatenate([first.codes, moved[second.codes]]),
    )


def measure(space: Space, groups: Groups) -> Amounts:
    """Units of each group, full and fractional.

    Space without a set (negative) counts nowhere.
    """
    sizes, many = groups.sizes(), len(groups.keys)
    units = np.zeros(len(sizes), np.int64)
    has_set = space.sets >= 0
    np.add.at(units, space.sets[has_set], space.counts[has_set])
    each = np.repeat(units, sizes)
    full = np.zeros(many, np.int64)
    np.add.at(full, groups.codes, each)
    fractional = np.bincount(groups.codes, each / np.repeat(np.maximum(sizes, 1), sizes), many).astype(np.float64)
    high, code = _parts(space, groups)
    full += np.bincount(code, minlength=many)
    _, place, sharing = np.unique(high, return_inverse=True, return_counts=True)
    fractional += np.bincount(code, 1 / sharing[place], many)
    return Amounts(full=full, fractional=fractional)


def _parts(space: Space, groups: Groups) -> tuple[Numbers, Counts]:
    """Each /64 that is held in parts with each group that has a part of it, once."""
    parts_with_set = np.flatnonzero(space.part_sets >= 0)
    sets = space.part_sets[parts_with_set]
    sizes = groups.sizes()[sets]
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    code = groups.codes[np.repeat(groups.offsets[sets], sizes) + within]
    high = np.repeat(space.part_high[parts_with_set], sizes)
    order = np.lexsort((code, high))
    high, code = high[order], code[order]
    new = np.ones(len(high), bool)
    new[1:] = (high[1:] != high[:-1]) | (code[1:] != code[:-1])
    return high[new], code[new]


def shared_space(family: int, first: RangeTable, second: RangeTable) -> tuple[Space, Space]:
    """The same space with the sets of both tables.

    It is cut at the edges of both, and returned with the sets of the first and of the second.
    """
    first_space, other = _cut(family, first, second)
    return first_space, other


def table_space(family: int, table: RangeTable) -> Space:
    """The space of one table."""
    return _cut(family, table)[0]


def _cut(family: int, *tables: RangeTable) -> list[Space]:
    counts, part_high, sets, parts = (_v4_cut if family == 4 else _v6_cut)(*tables)
    return [Space(counts=counts, sets=w, part_high=part_high, part_sets=p) for w, p in zip(sets, parts, strict=True)]


_Cut = tuple[Counts, Numbers, list[Sets], list[Sets]]


def _v4_cut(*tables: RangeTable) -> _Cut:
    first = tables[0].v4_first if len(tables) == 1 else np.unique(np.concatenate([t.v4_first for t in tables]))
    counts = np.diff(np.append(first.astype(np.int64), 1 << 32))
    none = [np.zeros(0, np.int32) for _ in tables]
    return counts, np.zeros(0, np.uint64), [t.v4_set_of(first) for t in tables], none


def _v6_cut(*tables: RangeTable) -> _Cut:
    """Stretches of 2000::/3: whole /64s counted, those held in parts by themselves."""
    edge_high, edge_low = words([GLOBAL_FIRST << 64, GLOBAL_STOP << 64])
    high = np.concatenate([*(t.v6_high for t in tables), edge_high])
    low = np.concatenate([*(t.v6_low for t in tables), edge_low])
    inside = (high >= np.uint64(GLOBAL_FIRST)) & ((high < np.uint64(GLOBAL_STOP)) | (low == 0)) & (high <= edge_high[1])
    high, low = high[inside], low[inside]
    order = np.lexsort((low, high))
    high, low = high[order], low[order]
    new = np.ones(len(high), bool)
    new[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    high, low = high[new], low[new]
    sets = [t.v6_set_of(high[:-1], low[:-1]) for t in tables]
    begins_inside, ends_inside = low[:-1] != 0, low[1:] != 0
    span = (high[1:] - high[:-1]).astype(np.int64)
    ahead = np.flatnonzero(begins_inside)
    behind = np.flatnonzero(ends_inside & ~((span == 0) & begins_inside))
    part_high = np.concatenate([high[:-1][ahead], high[1:][behind]])
    parts = [np.concatenate([s[ahead], s[behind]]) for s in sets]
    return np.maximum(0, span - begins_inside), part_high, sets, parts


def shared_48s(first: RangeTable, second: RangeTable) -> tuple[Space, Space]:
    """2000::/3 in /48s, with the sets of first addresses.

    As `shared_space`, in the unit in which IPv6 is announced: parts of a /48 do not count.
    """
    edges = [np.array([GLOBAL_FIRST, GLOBAL_STOP], np.uint64) >> np.uint64(16)]
    for table in (first, second):
        begins_inside = (table.v6_low != 0) | ((table.v6_high & np.uint64(0xFFFF)) != 0)
        edges.append((table.v6_high >> np.uint64(16)) + begins_inside)
    begin = np.unique(np.concatenate(edges))
    begin = begin[(begin >= edges[0][0]) & (begin <= edges[0][1])]
    counts, high = np.diff(begin).astype(np.int64), begin[:-1] << np.uint64(16)
    none, low = np.zeros(0, np.int32), np.zeros(len(high), np.uint64)
    first_space, other = (
        Space(counts=counts, sets=table.v6_set_of(high, low), part_high=np.zeros(0, np.uint64), part_sets=none)
        for table in (first, second)
    )
    return first_space, other


def overlaid(below: Space, above: Space, shift: int) -> Space:
    """The same space, overlaid with the sets of `above`.

    They are numbered from `shift` and apply wherever `above` has one.
    """
    return Space(
        counts=below.counts,
        sets=np.where(above.sets >= 0, above.sets + shift, below.sets),
        part_high=below.part_high,
        part_sets=np.where(above.part_sets >= 0, above.part_sets + shift, below.part_sets),
    )


def seen_space(family: int, packed: Packed, table: RangeTable) -> Space:
    """Distinct packed addresses (IPv6: /64s) with a table's sets."""
    none = np.zeros(0, np.int32)
    if family == 4:
        distinct = np.unique(packed.low[packed.family == 4]).astype(np.uint32)
        sets = table.v4_set_of(distinct)
        return Space(counts=np.ones(len(sets), np.int64), sets=sets, part_high=np.zeros(0, np.uint64), part_sets=none)
    which = packed.family == 6
    high = packed.high[which]
    return Space(
        counts=np.zeros(0, np.int64), sets=none, part_high=high, part_sets=table.v6_set_of(high, packed.low[which])
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSpace:
    """Space known to two tables whose set changed."""

    common: int
    changed: int

    @property
    def share(self) -> float | None:
        """The share changed, 0..1; None without common space."""
        return self.changed / self.common if self.common else None


def changed_space(family: int, earlier: RangeTable, after: RangeTable) -> ChangedSpace:
    """Compare two tables over IPv4 addresses or whole /64s."""
    old, new = shared_space(family, earlier, after)
    in_both = (old.sets >= 0) & (new.sets >= 0)
    spelled: dict[tuple[int, ...], int] = {}
    numbered = []
    for table, space in ((earlier, old), (after, new)):
        distinct, place = np.unique(space.sets[in_both], return_inverse=True)
        codes = [spelled.setdefault(table.members_of(s), len(spelled)) for s in distinct.tolist()]
        numbered.append(np.array(codes, np.int64)[place] if codes else np.zeros(0, np.int64))
    counts = old.counts[in_both]
    return ChangedSpace(common=int(counts.sum()), changed=int(counts[numbered[0] != numbered[1]].sum()))


Origins = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginChange:
    """Rows that changed from one origin set to another.

    No origin is the empty set.
    """

    before: Origins
    after: Origins
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginChanges:
    """Differences of rows' origin sets between two days.

    `both` rows have origins on both days, `changed` of these have others on the second; `lost` and `gained` rows have
    origins on the first or the second day only. `changes` lists all of these by their two sets, most rows first.
    """

    rows: int
    both: int
    changed: int
    lost: int
    gained: int
    changes: tuple[OriginChange, ...]

    @property
    def share(self) -> float | None:
        """The share of rows that changed, 0..1.

        Of those with origins on both days; None without such a row.
        """
        return self.changed / self.both if self.both else None


def origin_changes(earlier: Sequence[Origins], after: Sequence[Origins]) -> OriginChanges:
    """Compare the origin sets of rows on two days.

    Both sequences have the same rows.
    """
    pairs = Counter(zip(earlier, after, strict=True))
    differing = [(old, new, rows) for (old, new), rows in pairs.items() if old != new]
    differing.sort(key=lambda change: (-change[2], change[0], change[1]))
    return OriginChanges(
        rows=len(earlier),
        both=sum(rows for (old, new), rows in pairs.items() if old and new),
        changed=sum(rows for old, new, rows in differing if old and new),
        lost=sum(rows for old, new, rows in differing if not new),
        gained=sum(rows for old, new, rows in differing if not old),
        changes=tuple(OriginChange(before=old, after=new, rows=rows) for old, new, rows in differing),
    )
