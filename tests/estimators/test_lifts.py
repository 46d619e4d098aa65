"""Lifts, both nulls and the adjustment for many pairs, against sums by hand, enumeration and simulated nulls."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.estimators.lifts import (
    NOWHERE,
    Draws,
    departures,
    destination_null,
    lifts,
    one_each,
    step_down,
    timing_null,
)
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.strata import alike, strata_of


def moves(rng, n, share, *, pull=0.0):
    """Moves between places with shares of arrivals; a part `pull` of those from 0 goes to 1."""
    a = rng.choice(share.size, n, p=share)
    b = rng.choice(share.size, n, p=share)
    while (same := a == b).any():
        b[same] = rng.choice(share.size, int(same.sum()), p=share)
    b[(a == 0) & (rng.random(n) < pull)] = 1
    return a, b


def test_a_lift_done_by_hand():
    """Six of ten moves from 0 go to 1, which has a quarter of first appearances and 0 a half: 6 / (10 * 1/2)."""
    origin, destination = [0] * 10 + [2], [1] * 6 + [2] * 4 + [1]
    found = lifts(origin, destination, [20, 10, 10], [[0, 1], [0, 2], [1, 2], [2, 1]])
    assert found.seen.tolist() == [6, 4, 0, 1]
    assert found.expected == pytest.approx([5, 5, 0, 1 / 3])
    assert found.lift[:2] == pytest.approx([1.2, 0.8])
    assert np.isnan(found.lift[2])


def test_a_place_where_nothing_ever_appeared_has_an_infinite_lift():
    """A destination without first appearances divides by nothing."""
    assert np.isinf(lifts([0], [1], [5, 0], [[0, 1]]).lift[0])


def test_moves_are_checked():
    """Moves to the same place, labels below zero and empty margins are refused as misuse."""
    with pytest.raises(ValueError, match="place itself"):
        lifts([1], [1], [1, 1], [[0, 1]])
    with pytest.raises(ValueError, match="from 0"):
        lifts([0], [-1], [1, 1], [[0, 1]])
    with pytest.raises(ValueError, match="first appearances"):
        lifts([0], [1], [0, 0], [[0, 1]])


@given(st.lists(st.integers(0, 6), max_size=40))
@settings(max_examples=60, deadline=None)
def test_strata_hold_each_row_once(labels):
    """The blocks cover the rows of all strata of two or more, and each line is one stratum."""
    arranged = strata_of(labels)
    rows = np.asarray(labels, np.int64)[arranged.order]
    assert sorted(arranged.order) == list(range(len(labels)))
    lines = [line for view in arranged.views(rows) for line in view]
    assert all(len(set(line)) == 1 for line in lines)
    assert len(lines) == sum(labels.count(one) > 1 for one in set(labels))
    assert arranged.movable == sum(labels.count(one) > 1 for one in labels)


def test_a_ring_of_three_is_turned():
    """0 to 1, 1 to 2, 2 to 0 has one other arrangement, which no exchange of two reaches; both come equally often."""
    a, b = np.tile([0, 1, 2], 5), np.tile([1, 2, 0], 5)
    draws = destination_null(a, b, np.repeat(np.arange(5), 3), [[0, 1]], np.random.default_rng(9), permutations=3000)
    assert np.bincount(draws.counts[:, 0], minlength=6) / 3001 == pytest.approx(
        np.array([1, 5, 10, 10, 5, 1]) / 32, abs=0.04
    )


def test_the_walk_visits_all_valid_arrangements_equally():
    """In a stratum of six the counts have the distribution that listing all arrangements with B != A gives."""
    a, b = np.array([0, 0, 1, 2, NOWHERE, 1] + [3, 4] * 5), np.array([1, 2, 0, 1, 0, 2] + [4, 3] * 5)
    stratum = np.array([0] * 6 + list(range(1, 6)) * 2)
    valid = [one for one in permutations(b[:6]) if all(x != y for x, y in zip(a[:6], one, strict=True))]
    known = np.bincount([sum(x == 0 and y == 1 for x, y in zip(a[:6], one, strict=True)) for one in valid], minlength=3)
    draws = destination_null(a, b, stratum, [[0, 1]], np.random.default_rng(1), permutations=6_000)
    found = np.bincount(draws.counts[:, 0], minlength=3)
    assert found / found.sum() == pytest.approx(known / known.sum(), abs=0.03)


@pytest.mark.parametrize("size", [7, 16, 41, 400])
def test_nothing_ever_goes_back_to_where_it_came_from(size):
    """Margins of every stratum stay, and no permutation has a move from a place to itself."""
    rng = np.random.default_rng(size)
    share = np.array([0.6, 0.2, 0.1, 0.1])
    a, b = moves(rng, 4 * size, share)
    every = [(i, j) for i in range(4) for j in range(4) if i != j]
    draws = destination_null(a, b, np.repeat(np.arange(4), size), every, rng, permutations=40)
    assert (draws.counts.sum(axis=1) == 4 * size).all()
    from_each = np.array([[i == k for i, _ in every] for k in range(4)])
    assert (draws.counts @ from_each.T == np.bincount(a, minlength=4)).all()
    assert (draws.counts != draws.counts[draws.seen]).any(axis=1).sum() >= 30


def test_rare_labels_are_counted_like_common_ones():
    """Counts do not depend on whether all labels or few are of interest."""
    rng = np.random.default_rng(3)
    a, b = moves(rng, 3000, np.full(900, 1 / 900))
    pairs = np.unique(np.stack([a, b], axis=1), axis=0)[:50]
    seen = lifts(a, b, np.ones(900), pairs).seen
    draws = destination_null(a, b, np.zeros(3000, int), pairs, rng, permutations=19)
    assert (draws.counts[draws.seen] == seen).all()


def test_a_true_preference_is_found_by_destinations_and_not_by_timing():
    """Moves that favour one place are seen by the destination null; the timing null keeps destinations and is blind."""
    rng = np.random.default_rng(4)
    n, share = 1500, np.full(6, 1 / 6)
    a, b = moves(rng, n, share, pull=0.4)
    week = rng.integers(0, 6, n)
    pairs = np.array([(i, j) for i in range(6) for j in range(6) if i != j])
    found = step_down(destination_null(a, b, week, pairs, rng, permutations=199))
    assert found.adjusted[0] == found.smallest_p == 1 / 200
    assert (found.adjusted[5:] > 0.05).all()
    ended = 168 * week + rng.uniform(0, 168, n)
    pair = np.where((a == 0) & (b == 1), 0, -1)
    blind = step_down(timing_null(ended, ended + rng.uniform(-900, 900, n), a * 6 + week, pair, rng, within=48))
    assert blind.p[0] > 0.01


def test_arrivals_right_after_ends_are_found_by_timing():
    """Arrivals within two days of an end, more than the weeks explain, are noticed."""
    rng = np.random.default_rng(5)
    n = 800
    ended = rng.uniform(0, 1000, n)
    arrived = np.where(rng.random(n) < 0.3, ended + rng.uniform(0, 40, n), np.inf)
    found = step_down(timing_null(ended, arrived, (ended // 168).astype(int), np.zeros(n, int), rng, within=48))
    assert found.p[0] == found.smallest_p == 1 / 1000


def test_both_nulls_keep_their_level():
    """With nothing to find, p <= 0.05 in about 5% of worlds, for one pair and for any of all pairs."""
    rng, worlds = np.random.default_rng(6), 120
    share, pairs = np.array([0.4, 0.3, 0.2, 0.1]), np.array([(i, j) for i in range(4) for j in range(4) if i != j])
    alone, family, timed = 0, 0, 0
    for _ in range(worlds):
        a, b = moves(rng, 240, share)
        week = rng.integers(0, 8, 240)
        found = step_down(destination_null(a, b, week, pairs, rng, permutations=99))
        alone += found.p[0] <= 0.05
        family += found.adjusted.min() <= 0.05
        ended = 168 * week + rng.uniform(0, 168, 240)
        late = ended + rng.uniform(-200, 200, 240)
        timed += step_down(timing_null(ended, late, week, b, rng, within=24, permutations=99)).adjusted.min() <= 0.05
    assert alone / worlds < 0.11
    assert family / worlds < 0.11
    assert timed / worlds < 0.11


def test_the_adjustment_done_by_hand():
    """Two equal pairs: the adjusted p counts permutations in which either reaches the bar."""
    counts = np.array([[9, 0], [1, 1], [9, 1], [1, 9]], np.int32)
    found = step_down(Draws(counts=counts, seen=0))
    assert found.p.tolist() == [0.5, 1.0]
    assert found.adjusted.tolist() == [0.75, 1.0]
    assert found.smallest_p == 0.25


def test_one_row_of_each_cluster_and_stratum():
    """A cluster with many rows in a week counts once there, and again in another week."""
    rows = one_each([5, 5, 5, 6, 5], [0, 0, 0, 0, 1], np.random.default_rng(7))
    assert len(rows) == 3
    assert {3, 4} < set(rows)


def test_nothing_to_permute_is_refused():
    """Strata of one row each leave nothing to permute."""
    rng = np.random.default_rng(8)
    nothing = destination_null([0] * 12, [1] * 12, range(12), [[0, 1]], rng)
    assert isinstance(nothing, Refusal)
    assert isinstance(timing_null([0.0] * 12, [1.0] * 12, range(12), [0] * 12, rng, within=1), Refusal)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-50, 50)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_runs_are_of_one_stratum_and_of_like_value(rows):
    """A run is of one stratum, spans no more than asked, and is no longer than twice its length less one."""
    stratum, value = np.array([one for one, _ in rows], int), np.array([two for _, two in rows])
    label = alike(stratum, value, within=10.0, rows=4)
    assert len(label) == len(rows)
    for run in np.unique(label):
        held = label == run
        assert len(set(stratum[held])) == 1
        assert np.ptp(value[held]) <= 10.0
        assert held.sum() <= 7


def test_a_run_needs_rows_and_a_distance():
    """Runs of one row, or of no distance, are misuse."""
    with pytest.raises(ValueError, match="two rows"):
        alike([0], [1.0], within=1.0, rows=1)
    with pytest.raises(ValueError, match="distance"):
        alike([0], [1.0], within=0.0)


def test_copies_look_like_arrivals_after_ends_unless_starts_are_alike():
    """Copies made soon after a start: ends permuted within weeks find an effect, among contents of like start none."""
    rng, worlds, hits = np.random.default_rng(10), 60, np.zeros(2)
    for _ in range(worlds):
        start = rng.uniform(0, 600, 900)
        ended = start + rng.lognormal(4, 1, 900)
        arrived = start + rng.lognormal(4, 1, 900)
        week = (ended // 168).astype(int)
        for at, stratum in enumerate((week, alike(week, start, within=24.0))):
            draws = timing_null(ended, arrived, stratum, np.zeros(900, int), rng, within=48, permutations=39)
            hits[at] += step_down(draws).p[0] <= 0.05
    assert hits[0] / worlds > 0.5
    assert hits[1] / worlds < 0.15


def test_departures_are_above_the_mean_and_over_the_spread():
    """Equal counts do not depart; others depart by roots over their spread, rare ones over a least spread."""
    found = departures(Draws(counts=np.array([[4, 1], [4, 0], [4, 0], [4, 0]], np.int32), seen=0))
    assert found[:, 0].tolist() == [0, 0, 0, 0]
    assert found[0, 1] == pytest.approx(2 * (np.sqrt(1.375) - np.sqrt(0.625)) / 0.5)
