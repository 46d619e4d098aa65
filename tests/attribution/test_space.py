"""Amounts of address space: what groups have, counted address by address and /64 by /64."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.attribution.lookups.tables.addresses import pack
from waterbed.attribution.lookups.tables.ranges import RangeTable, Rows, build, words
from waterbed.attribution.space import (
    GLOBAL_FIRST,
    Amounts,
    Groups,
    changed_space,
    group_sets,
    joined,
    measure,
    overlaid,
    seen_space,
    shared_space,
    table_space,
)

QUARTER = 1 << 62
BASE = {4: 0, 6: (GLOBAL_FIRST + (1 << 60)) << 64}
STEP = {4: 1, 6: QUARTER}
CELLS = 24
"""Tests cut a small space into cells: IPv4 addresses, or quarters of IPv6 /64s."""

spans = st.lists(st.tuples(st.integers(0, CELLS - 1), st.integers(0, CELLS - 1), st.integers(1, 6)), max_size=8)


def _rows(ranges: Sequence[tuple[int, int, int]]) -> Rows:
    first, last = words([r[0] for r in ranges]), words([r[1] for r in ranges])
    return Rows(
        first_high=first[0],
        first_low=first[1],
        last_high=last[0],
        last_low=last[1],
        number=np.array([r[2] for r in ranges], np.uint64),
    )


def table_of(cells: Sequence[tuple[int, int, int]], family: int) -> RangeTable:
    """A table whose ranges begin and end at cells."""
    base, step = BASE[family], STEP[family]
    ranges = [(base + min(a, b) * step, base + (max(a, b) + 1) * step - 1, n) for a, b, n in cells]
    return build(_rows(ranges if family == 4 else []), _rows(ranges if family == 6 else []))


def sets_by_cell(table: RangeTable, family: int) -> list[tuple[int, ...]]:
    """The origin set of every cell."""
    first = [BASE[family] + i * STEP[family] for i in range(CELLS)]
    if family == 4:
        return table.members_by_row(table.v4_set_of(np.array(first, np.uint32)))
    return table.members_by_row(table.v6_set_of(*words(first)))


def counted(cells: Sequence[set[str]], family: int) -> tuple[Counter[str], dict[str, float]]:
    """Full and fractional units of each group, one unit after the other."""
    full: Counter[str] = Counter()
    fractional: Counter[str] = Counter()
    units = [{c} for c in range(CELLS)] if family == 4 else [set(range(i, i + 4)) for i in range(0, CELLS, 4)]
    for unit in units:
        groups = set().union(*(cells[c] for c in unit))
        for group in groups:
            full[group] += 1
            fractional[group] += 1 / len(groups)  # type: ignore[assignment]  # a counter of shares
    return full, dict(fractional)


def by_key(amounts: Amounts, groups: Groups) -> tuple[dict[str, int], dict[str, float]]:
    """What `measure` found, without zeros."""
    full = {key: n for key, n in zip(groups.keys, amounts.full.tolist(), strict=True) if n}
    return full, {key: f for key, f in zip(groups.keys, amounts.fractional.tolist(), strict=True) if f}


def in_twos(member: int) -> str:
    """A group of two ASes, so that a set may have one group only."""
    return f"g{member // 2}"


@pytest.mark.parametrize(("family", "key_of"), list(product((4, 6), (str, in_twos))))
@given(cells=spans)
def test_each_unit_counts_once_for_each_of_its_groups(
    family: int, key_of: Callable[[int], str], cells: list[tuple[int, int, int]]
) -> None:
    """Overlaps, sets and parts of a /64 are counted as by walking over every unit; fractions sum to the units held."""
    table = table_of(cells, family)
    groups = group_sets(table, key_of)
    found = by_key(measure(table_space(family, table), groups), groups)
    full, fractional = counted([{key_of(m) for m in s} for s in sets_by_cell(table, family)], family)
    assert found[0] == full
    assert found[1] == pytest.approx(fractional)


@pytest.mark.parametrize("family", [4, 6])
@given(below=spans, above=spans)
def test_what_lies_above_wins(
    family: int, below: list[tuple[int, int, int]], above: list[tuple[int, int, int]]
) -> None:
    """Space with a set in the upper table counts for that one alone, the rest for the lower."""
    under, over = table_of(below, family), table_of([(a, b, n + 50) for a, b, n in above], family)
    groups = joined(group_sets(under, str), group_sets(over, str))
    laid = overlaid(*shared_space(family, under, over), len(under.offsets) - 1)
    both = zip(sets_by_cell(under, family), sets_by_cell(over, family), strict=True)
    full, _ = counted([set(map(str, high or low)) for low, high in both], family)
    assert by_key(measure(laid, groups), groups)[0] == full


@given(spans, spans)
def test_changed_space_is_what_differs_where_both_have_something(
    before: list[tuple[int, int, int]], after: list[tuple[int, int, int]]
) -> None:
    """Sets are compared by their members, whatever their numbers."""
    one, two = table_of(before, 4), table_of(after, 4)
    pairs = [(a, b) for a, b in zip(sets_by_cell(one, 4), sets_by_cell(two, 4), strict=True) if a and b]
    found = changed_space(4, one, two)
    assert (found.common, found.changed) == (len(pairs), sum(a != b for a, b in pairs))
    assert found.share == (found.changed / len(pairs) if pairs else None)


def test_the_edges_of_both_spaces_count() -> None:
    """The last IPv4 address counts; of IPv6 only 2000::/3 does, in whole numbers however large."""
    top = (1 << 32) - 1
    v6 = [(0, (1 << 128) - 1, 7)]
    table = build(_rows([(0, top, 5)]), _rows(v6))
    groups = group_sets(table, str)
    assert by_key(measure(table_space(4, table), groups), groups)[0] == {"5": 1 << 32}
    assert by_key(measure(table_space(6, table), groups), groups)[0] == {"7": 1 << 61}


def test_addresses_seen_count_once() -> None:
    """Each IPv4 address and each /64 counts once for a group, however often seen; what has no origin does not."""
    table = build(
        _rows([(10, 20, 5)]),
        _rows([(BASE[6], BASE[6] + QUARTER - 1, 5), (BASE[6] + QUARTER, BASE[6] + 2 * QUARTER - 1, 6)]),
    )
    groups = group_sets(table, str)
    seen = pack(
        ["0.0.0.12", "0.0.0.12", "0.0.0.13", "0.0.0.99", "3000::1", "3000::2", "3000::4000:0:0:1", "3000:1::", "x"]
    )
    assert by_key(measure(seen_space(4, seen, table), groups), groups)[0] == {"5": 2}
    assert by_key(measure(seen_space(6, seen, table), groups), groups) == ({"5": 1, "6": 1}, {"5": 0.5, "6": 0.5})


def test_empty_tables_have_nothing() -> None:
    """A table without ranges is measured like any other."""
    table = table_of([], 4)
    groups = group_sets(table, str)
    for family in (4, 6):
        assert by_key(measure(table_space(family, table), groups), groups) == ({}, {})
