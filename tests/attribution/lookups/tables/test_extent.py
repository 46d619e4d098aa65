"""How much space tables cover, overlap in, and differ in."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.attribution.lookups.tables.about import overlapping
from waterbed.attribution.lookups.tables.extent import differing, extent_of, joined
from waterbed.attribution.lookups.tables.ranges import RangeTable, Rows, build, words
from waterbed.attribution.lookups.tables.routes import read_routes

ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20), st.integers(1, 3)), max_size=8)
offsets = st.sampled_from([0x0B00_0000, 0x2001 << 112, (0x2001 << 112) + (1 << 64) - 40])


def _rows(rows: list[tuple[int, int, int]], offset: int) -> Rows:
    first, last = words([a + offset for a, _, _ in rows]), words([a + n + offset for a, n, _ in rows])
    number = np.array([k for _, _, k in rows], np.uint64)
    return Rows(first_high=first[0], first_low=first[1], last_high=last[0], last_low=last[1], number=number)


def _table(rows: list[tuple[int, int, int]], offset: int) -> tuple[RangeTable, int]:
    v4 = offset < 1 << 32
    return build(_rows(rows if v4 else [], offset), _rows([] if v4 else rows, offset)), 4 if v4 else 6


def _said(rows: list[tuple[int, int, int]], address: int) -> set[int]:
    holding = [(n, -a) for a, n, _ in rows if a <= address <= a + n]
    return {k for a, n, k in rows if holding and (n, -a) == min(holding)}


@given(ranges, ranges, offsets)
def test_sizes_are_those_of_a_plain_count(one: list, other: list, offset: int) -> None:
    """What is covered and what differs is counted address by address; joined tables have the numbers of both."""
    (a, family), (b, _) = _table(one, offset), _table(other, offset)
    unit = 1.0 if family == 4 else 2.0**80
    space = range(82)
    assert extent_of(a, family).covered * unit == sum(bool(_said(one, n)) for n in space)
    assert differing(a, b, family, (int, int)) * unit == sum(_said(one, n) != _said(other, n) for n in space)
    both = joined([a, b])
    for n in space:
        found = (
            both.v4_set_of(np.array([offset + n], np.uint32)) if family == 4 else both.v6_set_of(*words([offset + n]))
        )
        assert set(both.members_of(int(found[0]))) == _said(one, n) | _said(other, n)


@given(ranges, offsets)
def test_overlaps_are_those_of_a_plain_count(rows: list, offset: int) -> None:
    """A range overlaps if an earlier or larger one shares an address with it; copies count once."""
    spans = sorted({(a, -n) for a, n, _ in rows})
    expected = sum(any(b - n >= spans[i][0] for b, n in spans[:i]) for i in range(len(spans)))
    assert overlapping(_rows(rows, offset)) == expected


V4_SPECIAL = sum([3 * 2**24, 2**22, 2 * 2**16, 2**20, 4 * 2**8, 2**17, 2**29])
V6_SPECIAL = 2**48 - 2**45 + 1 + 2**20 + 2**16 + 2**28
"""All that IANA's registries of special-purpose addresses keep from public use: addresses, and /48s."""


@pytest.mark.parametrize(
    ("text", "family", "covered", "several", "reserved"),
    [
        ("0.0.0.0/0\t1\n", 4, 2**32, 0, V4_SPECIAL),
        ("8.8.8.0/24\t1\n8.8.8.0/24\t2\n8.8.8.128/25\t1\n", 4, 256, 1, 0),
        ("192.0.2.0/24\t1\n8.8.8.0/24\t2\n", 4, 512, 0, 256),
        ("2001:db8::/32\t1\n2a00::/32\t2\n", 6, 2**17, 0, 2**16),
        ("::/0\t1\n", 6, 2**48, 0, V6_SPECIAL),
    ],
)
def test_known_sizes_are_met(tmp_path: Path, text: str, family: int, covered: int, several: int, reserved: int) -> None:
    """Whole spaces, several origins and reserved networks have the sizes that IANA's registries give them."""
    (tmp_path / "t").write_text(text)
    found = extent_of(read_routes(tmp_path / "t").table, family)
    assert (found.covered, found.several, found.reserved) == (covered, several, reserved)
