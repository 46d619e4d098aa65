"""Exchanged windows of clusters against tables that are exchanged by hand."""

from itertools import product

import numpy as np
import pytest

from waterbed.estimators.wdd import Swaps, edge, reach, signed_sums, standardised


def tables_of(rng, n):
    """Clusters of about seven events in one of three areas and one of two windows."""
    tables = np.zeros((n, 3, 2))
    tables[np.arange(n), np.arange(n) % 3, rng.integers(0, 2, n)] = rng.geometric(0.15, n)
    return tables


def test_a_change_done_by_hand():
    """60 of 180 events of the sum and 120 of 240 of its control are after: 60 less three quarters of 120."""
    tables = np.array([[[80, 40], [120, 120], [40, 20]]], float)
    change, error = Swaps(tables, 3, np.random.default_rng(1)).change(1.0, 1.0)
    assert change[0] == pytest.approx(60 - 0.75 * 120)
    # one cluster: its own change, after and before weighted by the control's share of the other window
    assert error[0] == pytest.approx(abs(0.5 * (60 - 90) - 0.5 * (120 - 90)))


def test_exchanges_are_those_of_tables():
    """Each draw is the change and error of some table in which windows of clusters are exchanged."""
    rng = np.random.default_rng(2)
    tables = tables_of(rng, 7)
    tables[:, :, 0] += 1
    known = set()
    for swapped in product([False, True], repeat=7):
        other = np.where(np.array(swapped)[:, None, None], tables[:, :, ::-1], tables)
        change, error = Swaps(other, 1, rng).change(1.0, 1.0)
        known.add((round(float(change[0]), 6), round(float(error[0]), 6)))
    draws = zip(*Swaps(tables, 200, rng).change(1.0, 1.0), strict=True)
    assert {(round(float(change), 6), round(float(error), 6)) for change, error in draws} <= known


def test_signs_are_even_and_drawn_in_parts():
    """Sums of one part are plus or minus it, and of many have their variance, also where signs do not fit at once."""
    rng = np.random.default_rng(3)
    assert set(np.abs(signed_sums(np.array([[3.0]]), 50, rng)).ravel()) == {3.0}
    many = signed_sums(np.ones((300_000, 1)), 200, rng)
    assert many.std() == pytest.approx(np.sqrt(300_000), rel=0.2)


def test_an_edge_is_found_and_a_missing_one_is_far():
    """Doubling and halving find where values begin to be beyond."""
    assert edge(lambda value: value > 7.25, 2.0, 1.0) == pytest.approx(7.25)
    assert edge(lambda value: value < -0.5, 2.0, -1.0) == pytest.approx(-0.5)
    assert edge(lambda _: False, 0.0, 1.0) >= 1e9


def test_reach_counts_the_data_as_a_draw():
    """Of 19 draws the largest is the 95% one; nothing over nothing is no change."""
    assert reach(np.arange(1.0, 20.0), 0.95) == 19.0
    assert standardised(np.array([0.0, 2.0]), np.array([0.0, 1.0])).tolist() == [0.0, 2.0]


@pytest.mark.parametrize("giant", [False, True])
def test_the_level_holds_with_a_giant(giant):
    """Where nothing happens 5% of worlds are beyond, also if one cluster has 93% of everything."""
    rng, hits, worlds = np.random.default_rng(4), 0, 400
    for _ in range(worlds):
        tables = tables_of(rng, 60)
        if giant:
            tables[int(rng.integers(60))] *= 13 * 60
        hits += Swaps(tables, 199, rng).beyond(1.0, 1.0, 0.95)
    assert hits / worlds < 0.085
