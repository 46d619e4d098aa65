"""Address space that changed hands: counts, the null, and two real tables."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.lookups.tables.ranges import RangeTable, Rows, build, words
from attribution.lookups.tables.routes import read_routes
from attribution.successions import Rule, chances, changed_hands

CELLS = 12
origins = st.lists(st.frozensets(st.integers(1, 4), max_size=2), min_size=CELLS, max_size=CELLS)


def table(cells: list[frozenset[int]], size: int = 1, start: int = 0) -> RangeTable:
    """A table of cells of some addresses, each with its origins."""
    held = [(start + at * size, start + (at + 1) * size - 1, asn) for at, own in enumerate(cells) for asn in own]
    first, last = words([row[0] for row in held]), words([row[1] for row in held])
    numbers = np.array([row[2] for row in held], np.uint64)
    none = np.zeros(0, np.uint64)
    v4 = Rows(first_high=first[0], first_low=first[1], last_high=last[0], last_low=last[1], number=numbers)
    return build(v4, Rows(first_high=none, first_low=none, last_high=none, last_low=none, number=none))


@given(origins, origins)
def test_addresses_and_blocks_are_counted_as_by_walking(was: list[frozenset[int]], now: list[frozenset[int]]) -> None:
    """Moved addresses, blocks, sizes and what was kept are those that a walk over each address counts."""
    found = changed_hands(table(was), table(now))
    pairs = {}
    for old in range(1, 5):
        for new in range(1, 5):
            went = [old in a and old not in b and new in b and new not in a for a, b in zip(was, now, strict=True)]
            if any(went):
                begun = sum(one and not before for before, one in zip([False, *went], went, strict=False))
                pairs[old, new] = sum(went), begun
    assert dict(zip(zip(found.old.tolist(), found.new.tolist(), strict=True),
                    zip(found.moved.tolist(), found.blocks.tolist(), strict=True), strict=True)) == pairs  # fmt: skip
    for row in range(len(found)):
        old, new = int(found.old[row]), int(found.new[row])
        assert found.old_size[row] == sum(old in a for a in was)
        assert found.kept[row] == sum(old in a and old in b for a, b in zip(was, now, strict=True))
        assert (found.new_size[row], found.new_before[row]) == (sum(new in b for b in now), sum(new in a for a in was))
    assert found.block_size.sum() == found.moved.sum()


def test_chance_is_not_below_that_of_permuted_blocks() -> None:
    """Where receivers of blocks of a size are permuted, as many blocks of a pair come as often as told, or less."""
    rng = np.random.default_rng(4)
    was = rng.integers(1, 30, 400)
    now = np.where(rng.random(400) < 0.5, rng.integers(101, 130, 400), was)
    was[:16:2], now[:16:2] = 7, 107  # a pair that chance does not make
    was[1:16:2], now[1:16:2] = 8, 8
    cells = [[frozenset([int(one)]) for one in side] for side in (was, now)]
    hands = changed_hands(*(table(side, size=256) for side in cells))
    sizes = np.log2(hands.block_size).astype(int)
    old, new = hands.old[hands.block_pair], hands.new[hands.block_pair]
    rounds, seen, rows = 2_000, np.zeros(len(hands)), np.argsort(sizes, kind="stable")
    for _ in range(rounds):
        there = np.empty(len(sizes), np.int64)
        there[rows] = new[np.lexsort((rng.random(len(sizes)), sizes))]
        grid = np.zeros((200, 200), np.int64)
        np.add.at(grid, (old, there), 1)
        seen += grid[hands.old, hands.new] >= hands.blocks
    rule = Rule(least=1, share_in=0.0, share_out=0.0)
    found = chances(hands, rule)
    several = np.flatnonzero(hands.heirs(rule) & (hands.blocks > 1))
    told, often = found.chance[several], seen[several] / rounds
    assert len(several) > 10
    assert (often <= told + 4 * np.sqrt(told / rounds) + 1e-3).all()
    (planted,) = np.flatnonzero((hands.old == 7) & (hands.new == 107))
    assert found.chance[planted] < 1e-3
    assert found.chance[planted] == told.min()


def test_one_block_is_never_told_from_a_transfer() -> None:
    """A new AS that is one block of an old one has the shares of an heir, and no small probability."""
    was = [frozenset([1 + at // 4]) for at in range(200)]
    now = list(was)
    now[0:3] = [frozenset([900])] * 3
    hands = changed_hands(table(was, size=1024), table(now, size=1024))
    found = chances(hands, Rule())
    assert (hands.heirs(Rule()).tolist(), hands.blocks.tolist(), found.adjusted.tolist()) == ([True], [1], [1.0])
    assert (found.peers.tolist(), found.alike.tolist()) == ([50], [0.02])
    assert hands.largest(0, 2) == ("0.0.0.0/21", "0.0.8.0/22")


def test_two_equal_tables_have_no_pairs() -> None:
    """Nothing changed, nothing found; nor where a table is empty."""
    same = table([frozenset([1]), frozenset([1, 2])])
    for hands in (changed_hands(same, same), changed_hands(same, table([]))):
        assert (len(hands), chances(hands, Rule()).adjusted.tolist()) == (0, [])


@pytest.mark.realdata("WATERBED_ROUTES_EARLIER", "WATERBED_ROUTES", "WATERBED_ROUTES_LATER")
def test_a_known_succession_is_among_the_first() -> None:
    """From April 2025 to June 2026, AS209847 got 107,519 addresses of AS44477; in nine days one AS has an heir."""
    rule, days = Rule(), []
    for variable in ("WATERBED_ROUTES_EARLIER", "WATERBED_ROUTES", "WATERBED_ROUTES_LATER"):
        each = [read_routes(Path(path)) for path in os.environ[variable].split(os.pathsep)]
        days.append(next(one.table for one in each if 4 in one.families))
    hands = changed_hands(days[1], days[2])
    found = chances(hands, rule)
    order = sorted(np.flatnonzero(found.adjusted <= 0.1), key=lambda row: -hands.moved[row])
    (row,) = np.flatnonzero((hands.old == 44477) & (hands.new == 209847))
    assert row in order[:5]
    assert (hands.moved[row], hands.old_size[row], hands.kept[row]) == (107_519, 278_271, 0)
    assert hands.moved[row] / hands.new_size[row] == pytest.approx(0.944, abs=5e-4)
    assert (found.expected[row] < 2.0, found.adjusted[row] < 1e-100) == (True, True)
    assert (len(order), int(hands.heirs(rule).sum())) == (40, 59)
    nine = changed_hands(days[0], days[1])
    assert (chances(nine, rule).adjusted <= 0.1).sum() == 1
