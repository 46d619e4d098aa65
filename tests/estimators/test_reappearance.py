"""Excess reappearance against sums by hand and simulated truth."""

import numpy as np
import pytest

from waterbed.estimators.lifts import one_each
from waterbed.estimators.reappearance import Excess, Units, excess_reappearance, matched
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
    assert "followed" in ask(units, rng, observed_until=10.0).reason
    assert "like age" in ask(units, rng, age_within=0.0).reason
    rows = np.arange(60)
    gone = Units(
        started=np.zeros(60),
        ended=10.0 + rows / 100,
        category=np.zeros(60, int),
        cluster=rows,
        arrivals=(np.zeros(0, int), np.zeros(0)),
    )
    assert isinstance(ask(gone, rng), Refusal)
    assert "at the horizon" in ask(gone, rng).reason


def test_one_cluster_with_nearly_everything_is_refused_and_one_unit_of_each_is_not():
    """93% in one cluster leave no spread to go by; a unit of each cluster and category gives a number."""
    rng = np.random.default_rng(6)
    many = world(rng, 6000)
    giant = np.where(rng.random(6000) < 0.93, many.cluster.max() + 1, many.cluster)
    units = Units(started=many.started, ended=many.ended, category=many.category, cluster=giant, arrivals=many.arrivals)
    refused = ask(units, rng)
    assert "the largest cluster holds 9" in refused.reason
    assert "take one unit of each cluster" in refused.reason
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
