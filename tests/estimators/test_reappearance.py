"""Excess reappearance against sums by hand and simulated truth."""

from dataclasses import replace

import numpy as np
import pytest

from tests.model.said import said
from waterbed.estimators.lifts import one_each
from waterbed.estimators.reappearance import Excess, Units, corrected_excess, excess_reappearance, matched
from waterbed.estimators.refusal import Refusal


def world(rng, n=900, *, extra=0.0, horizon=14.0):
    """Contents whose arrivals elsewhere depend on category and cluster; a part `extra` of ended ones comes back."""
    sites = n // 3
    cluster, category = rng.integers(0, sites, n), rng.integers(0, 3, n)
    started = rng.uniform(0, 100, n)
    ended = started + rng.exponential(np.array([10.0, 20.0, 40.0])[category])
    ended[(rng.random(n) < 0.3) | (ended > 150)] = np.inf
    rate = np.array([0.03, 0.01, 0.005])[category] * np.exp(rng.normal(0, 0.7, sites))[cluster]
    number = rng.poisson(rate * 160)
    unit = np.repeat(np.arange(n), number)
    when = started[unit] + 160 * rng.random(unit.size)
    back = np.flatnonzero(np.isfinite(ended) & (rng.random(n) < extra))
    arrivals = (
        np.concatenate([unit, back]),
        np.concatenate([when, ended[back] + rng.uniform(0, horizon, back.size)]),
    )
    return Units(started=started, ended=ended, category=category, cluster=cluster, arrivals=arrivals)


def ask(units, rng, **changed):
    """The excess within two weeks."""
    options = {"horizon": 14.0, "observed_until": 150.0, "age_within": 3.0, "resamples": 199} | changed
    return excess_reappearance(units, rng, **options)


def test_controls_were_up_as_old_and_alike():
    """Each control fulfils all conditions at the end of its treated unit."""
    rng = np.random.default_rng(1)
    units = world(rng)
    treated = np.flatnonzero(np.isfinite(units.ended))
    pairs = matched(units, treated, rng, age_within=3.0, each=4)
    index = units.ended[pairs.treated]
    assert pairs.treated.size > 3 * treated.size
    assert (units.ended[pairs.control] > index).all()
    assert (units.started[pairs.control] <= index).all()
    assert (units.category[pairs.control] == units.category[pairs.treated]).all()
    assert (np.abs(units.started[pairs.control] - units.started[pairs.treated]) <= 3.0).all()
    assert (units.cluster[pairs.control] != units.cluster[pairs.treated]).all()


def test_controls_are_drawn_evenly_and_missing_ones_are_counted():
    """Of four units near in age one ended before; the two others are drawn alike, and a lone category has none."""
    units = Units(
        started=np.array([0.0, 0.1, 0.2, 0.3, 0.0]),
        ended=np.array([5.0, 4.0, np.inf, 9.0, 5.0]),
        category=np.array([0, 0, 0, 0, 1]),
        cluster=np.arange(5),
        arrivals=(np.zeros(0, int), np.zeros(0)),
    )
    pairs = matched(units, np.array([0, 4]), np.random.default_rng(2), age_within=1.0, each=4000)
    assert pairs.unmatched == 1
    assert set(pairs.control) == {2, 3}
    assert (pairs.control == 2).mean() == pytest.approx(0.5, abs=0.04)


def test_what_left_on_its_own_is_no_control_afterwards():
    """Who went elsewhere before is not still up, and who goes there later counts with its move."""
    units = Units(
        started=np.zeros(3),
        ended=np.array([5.0, np.inf, np.inf]),
        category=np.zeros(3, int),
        cluster=np.arange(3),
        arrivals=(np.array([1, 2]), np.array([4.5, 6.5])),
        gone=np.array([5.0, 4.0, 6.0]),
    )
    pairs = matched(units, np.array([0]), np.random.default_rng(2), age_within=1.0, each=100)
    assert set(pairs.control) == {2}


def test_shares_done_by_hand():
    """Twelve treated, half back in time; of twelve controls three arrive, three are cut off before: 1 - KM."""
    n = 12
    started = np.zeros(2 * n)
    ended = np.concatenate([np.full(n, 10.0), np.full(n, np.inf)])
    ended[n + 3 : n + 6] = 12.0
    owners = np.concatenate([np.arange(6), np.arange(n, n + 3), [n + 6]])
    times = np.concatenate([np.full(6, 11.0), np.full(3, 15.0), [9.0]])
    units = Units(
        started=started, ended=ended, category=np.zeros(2 * n, int), cluster=np.arange(2 * n), arrivals=(owners, times)
    )
    found = ask(units, np.random.default_rng(3), horizon=7.0, observed_until=18.0, each=3000)
    assert found.treated_share == 0.5
    assert found.control_share == pytest.approx(3 / 9, abs=0.02)
    assert found.treated == found.clusters == n


def test_finds_a_true_excess_and_no_other():
    """Means over worlds are near the truth, and intervals hold it."""
    rng = np.random.default_rng(4)
    none = [ask(world(rng), rng) for _ in range(40)]
    some = [ask(world(rng, extra=0.15), rng) for _ in range(20)]
    assert all(isinstance(one, Excess) for one in none + some)
    assert np.mean([one.excess for one in none]) == pytest.approx(0, abs=0.012)
    assert np.mean([one.p <= 0.05 for one in none]) <= 0.15
    assert np.mean([one.excess for one in some]) == pytest.approx(0.15 * 0.86, abs=0.025)
    assert np.mean([one.p <= 0.05 for one in some]) > 0.9


def test_what_cannot_be_answered_is_refused():
    """Short follow-up, nobody alike, and categories in which everybody ends have reasons."""
    rng = np.random.default_rng(5)
    units = world(rng)
    assert "followed" in said(ask(units, rng, observed_until=10.0))
    assert "like age" in said(ask(units, rng, age_within=0.0))
    rows = np.arange(60)
    gone = Units(
        started=np.zeros(60),
        ended=10.0 + rows / 100,
        category=np.zeros(60, int),
        cluster=rows,
        arrivals=(np.zeros(0, int), np.zeros(0)),
    )
    assert isinstance(ask(gone, rng), Refusal)
    assert "at the horizon" in said(ask(gone, rng))


def test_one_cluster_with_nearly_everything_is_refused_and_one_unit_of_each_is_not():
    """93% in one cluster leave no spread to go by; a unit of each cluster and category gives a number."""
    rng = np.random.default_rng(6)
    many = world(rng, 6000)
    giant = np.where(rng.random(6000) < 0.93, many.cluster.max() + 1, many.cluster)
    units = Units(started=many.started, ended=many.ended, category=many.category, cluster=giant, arrivals=many.arrivals)
    refused = ask(units, rng)
    assert "the largest cluster holds 9" in said(refused)
    assert "take one unit of each cluster" in said(refused)
    assert isinstance(ask(units.taken(one_each(units.cluster, units.category, rng)), rng), Excess)


def test_taken_units_keep_their_own_arrivals():
    """Rows that are taken come in the given order with their arrivals."""
    units = Units(
        started=np.arange(4.0),
        ended=np.arange(4.0) + 9,
        category=np.arange(4),
        cluster=np.arange(4),
        arrivals=(np.array([3, 0, 1, 3]), np.array([5.0, 6.0, 7.0, 8.0])),
    )
    found = units.taken(np.array([3, 1]))
    assert found.started.tolist() == [3.0, 1.0]
    assert found.arrivals[0].tolist() == [0, 1, 0]
    assert found.arrivals[1].tolist() == [5.0, 7.0, 8.0]


def found_in_part(units, rng, detection):
    """Units of whose arrivals, a third by each way, only these parts are found."""
    way = rng.integers(0, 3, units.arrivals[0].size)
    found = rng.random(way.size) < np.array(detection)[way]
    return replace(units, arrivals=tuple(one[found] for one in units.arrivals), ways=way[found])


def test_detection_done_by_hand():
    """Six of twelve come back, three at known URLs; of like content a third, all at known URLs."""
    n = 12
    ended = np.concatenate([np.full(n, 10.0), np.full(n, np.inf)])
    ended[n + 3 : n + 6] = 12.0
    owners = np.concatenate([np.arange(6), np.arange(n, n + 3), [n + 6, 0]])
    times = np.concatenate([np.full(6, 11.0), np.full(3, 15.0), [9.0, 12.0]])
    units = Units(
        started=np.zeros(2 * n),
        ended=ended,
        category=np.zeros(2 * n, int),
        cluster=np.arange(2 * n),
        arrivals=(owners, times),
        ways=np.array([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1]),
    )
    found = ask(units, np.random.default_rng(3), horizon=7.0, observed_until=18.0, each=3000)
    assert found.by_way[0].sum() == pytest.approx(found.excess)
    assert found.by_way[0] == pytest.approx([3 / 12 - 3 / 9, 3 / 12], abs=0.02)
    bounds = corrected_excess(found, [(1.0, 1.0), (0.25, 0.5)])
    assert (bounds.set_low, bounds.set_high) == pytest.approx((0.5 - 1 / 12, 1.0 - 1 / 12), abs=0.02)
    assert bounds.low < bounds.set_low < bounds.set_high <= bounds.high <= 1.0
    with pytest.raises(ValueError, match="lowest and a highest"):
        corrected_excess(found, [(1.0, 1.0)])


def test_an_arm_without_an_arrival_is_not_known_to_have_none():
    """Nothing seen of 300 clusters may be 3.7 of them, and with detection of a half twice as many."""
    rng = np.random.default_rng(7)
    units = replace(world(rng), arrivals=(np.zeros(0, int), np.zeros(0)))
    found = ask(units, rng)
    assert (found.excess, found.p) == (0.0, 1.0)
    assert (found.low, found.high) == pytest.approx((-3.69 / found.controls, 3.69 / found.clusters), rel=0.01)
    bounds = corrected_excess(found, [(0.5, 0.9)])
    assert (bounds.low, bounds.high) == pytest.approx((2 * found.low, 2 * found.high))


def test_the_surest_way_counts_once_and_full_detection_corrects_nothing():
    """With all of it found the bounds are the excess and its chance, however many arrivals a unit has."""
    rng = np.random.default_rng(8)
    found = ask(found_in_part(world(rng, extra=0.15), rng, (1.0, 1.0, 1.0)), rng)
    bounds = corrected_excess(found, [(1.0, 1.0)] * 3)
    assert bounds.set_low == pytest.approx(found.excess)
    assert bounds.set_high == pytest.approx(found.excess)
    assert (bounds.low, bounds.high) == pytest.approx((found.low, found.high), abs=0.02)


def test_corrected_bounds_hold_what_is_true_of_all_arrivals():
    """Of 60 studies in which a part is found, nine in ten or more hold the excess of all; as seen, two thirds do."""
    rng, held, plain = np.random.default_rng(9), [], []
    truth = np.mean([ask(world(rng, 6000, extra=0.4), rng, resamples=2).excess for _ in range(4)])
    for _ in range(60):
        detection = (1.0, rng.uniform(0.7, 0.9), rng.uniform(0.4, 0.7))
        found = ask(found_in_part(world(rng, 500, extra=0.4), rng, detection), rng)
        bounds = corrected_excess(found, [(1.0, 1.0), (0.7, 0.9), (0.4, 0.7)])
        held.append(bounds.low <= truth <= bounds.high)
        plain.append(found.low <= truth <= found.high)
    assert np.mean(held) >= 0.9
    assert np.mean(plain) < 0.75
