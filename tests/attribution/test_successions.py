"""Address space that changed hands: counts, the null, and two real tables."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.attribution.lookups.tables.ranges import RangeTable, Rows, build, words
from waterbed.attribution.lookups.tables.routes import read_routes
from waterbed.attribution.successions import Rule, chances, chances_together, changed_hands, heirs_of
from waterbed.estimators.norm_tests import adjusted_for_all

CELLS = 12
origins = st.lists(st.frozensets(st.integers(1, 4), max_size=2), min_size=CELLS, max_size=CELLS)


def table(cells: list[frozenset[int]], size: int = 1, start: int = 0, family: int = 4) -> RangeTable:
    """A table of cells of some addresses, or of IPv6 from 2001:: on, each with its origins."""
    start = start if family == 4 else 0x2001 << 112
    held = [(start + at * size, start + (at + 1) * size - 1, asn) for at, own in enumerate(cells) for asn in own]
    first, last = words([row[0] for row in held]), words([row[1] for row in held])
    numbers = np.array([row[2] for row in held], np.uint64)
    none = np.zeros(0, np.uint64)
    rows = Rows(first_high=first[0], first_low=first[1], last_high=last[0], last_low=last[1], number=numbers)
    empty = Rows(first_high=none, first_low=none, last_high=none, last_low=none, number=none)
    return build(rows, empty) if family == 4 else build(empty, rows)


@given(origins, origins, st.sampled_from([(4, 1), (6, 1 << 80)]))
def test_addresses_and_blocks_are_counted_as_by_walking(
    was: list[frozenset[int]], now: list[frozenset[int]], unit: tuple[int, int]
) -> None:
    """Moved addresses or /48s, blocks, sizes and what was kept are those that a walk over each of them counts."""
    family, size = unit
    found = changed_hands(table(was, size, family=family), table(now, size, family=family), family)
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


def test_a_48_is_held_by_who_has_its_first_address() -> None:
    """Of /48s announced in halves the first half counts, whatever the tables cut otherwise; others have no place."""
    halves = [frozenset([1]), frozenset([2]), frozenset([3]), frozenset([1])]
    was, now = table(halves, 1 << 79, family=6), table([frozenset([9])] * 2, 1 << 80, family=6)
    hands = changed_hands(was, now, 6)
    assert list(zip(hands.old.tolist(), hands.new.tolist(), hands.moved.tolist(), strict=True)) == [
        (1, 9, 1),
        (3, 9, 1),
    ]
    assert (hands.holders.tolist(), hands.size_of.tolist()) == ([1, 3], [1, 1])
    assert hands.largest(0, 2) == ("2001::/48",)


def _moving(rng: np.random.Generator, size: int, heir: int) -> tuple[list[frozenset[int]], list[frozenset[int]]]:
    """Transfers between many, among which AS 7 gives most of its blocks to an heir."""
    was = rng.integers(20, 60, 400)
    now = np.where(rng.random(400) < 0.4, rng.integers(20, 90, 400), was)
    was[:40:2], now[:40:2] = 7, heir
    return [frozenset([int(one)]) for one in was], [frozenset([int(one)]) for one in now]


def test_ipv6_alone_shows_a_succession() -> None:
    """Where IPv4 stays and IPv6 goes to a new AS in blocks, that pair is found, and no other."""
    was, now = _moving(np.random.default_rng(6), 64, 107)
    stays = table([frozenset([1 + at % 60]) for at in range(400)], 4096)
    families = [
        changed_hands(stays, stays, 4),
        changed_hands(table(was, 64 << 80, family=6), table(now, 64 << 80, family=6), 6),
    ]
    four, six = chances_together(families, Rule())
    (row,) = np.flatnonzero(six.adjusted <= 0.1)
    assert (families[1].old[row], families[1].new[row], families[1].moved[row]) == (7, 107, 20 * 64)
    assert len(four.adjusted) == 0
    assert families[1].largest(row, 1)[0].startswith("2001:")


def test_an_heir_in_ipv6_had_no_ipv4() -> None:
    """An AS that announced IPv4 before is no newcomer when it takes over IPv6."""
    was, now = _moving(np.random.default_rng(6), 64, 50_107)
    known = table([frozenset([50_107])] * 4, 4096)
    four = changed_hands(known, known, 4)
    six = changed_hands(table(was, 64 << 80, family=6), table(now, 64 << 80, family=6), 6)
    assert (chances(six, Rule()).adjusted <= 0.1).sum() == 1
    assert not heirs_of(six, [four, six], Rule()).any()
    assert (chances_together([four, six], Rule())[1].adjusted == 1.0).all()


def test_families_are_adjusted_together() -> None:
    """All pairs of two large ASes of both families count as tests, each with the null of its own family."""
    pair = [_moving(np.random.default_rng(seed), 64, 107) for seed in (1, 2)]
    four = changed_hands(*(table(side, 4096) for side in pair[0]), 4)
    six = changed_hands(*(table(side, 64 << 80, family=6) for side in pair[1]), 6)
    rule = Rule()
    both, alone = chances_together([four, six], rule), [chances(one, rule) for one in (four, six)]
    for together, single in zip(both, alone, strict=True):
        assert together.expected.tolist() == single.expected.tolist()
        assert together.chance.tolist() == single.chance.tolist()
    everything = np.concatenate([one.chance[h.large(rule)] for one, h in zip(both, (four, six), strict=True)])
    wanted = adjusted_for_all(everything, dependent=True)
    assert np.concatenate([one.adjusted[h.large(rule)] for one, h in zip(both, (four, six), strict=True)]) == (
        pytest.approx(wanted)
    )
    assert [(one.adjusted <= 0.1).sum() for one in both] == [1, 1]


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
        days.append({family: one.table for one in each for family in one.families})
    both = sorted(days[1].keys() & days[2].keys())
    families = [changed_hands(days[1][family], days[2][family], family) for family in both]
    hands, found = families[0], chances_together(families, rule)[0]
    order = sorted(np.flatnonzero(found.adjusted <= 0.1), key=lambda row: -hands.moved[row])
    (row,) = np.flatnonzero((hands.old == 44477) & (hands.new == 209847))
    assert row in order[:5]
    assert (hands.moved[row], hands.old_size[row], hands.kept[row]) == (107_519, 278_271, 0)
    assert hands.moved[row] / hands.new_size[row] == pytest.approx(0.944, abs=5e-4)
    assert (found.expected[row] < 2.0, found.adjusted[row] < 1e-100) == (True, True)
    assert (len(order), int(hands.heirs(rule).sum())) == (40, 59)
    if both == [4, 6]:
        assert (chances_together(families, rule)[1].adjusted <= 0.1).sum() == 8
    nine = changed_hands(days[0][4], days[1][4])
    assert (chances(nine, rule).adjusted <= 0.1).sum() == 1
