"""Bounds where the likelihood has several maxima, against maxima found from many starts."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.estimators.survival.em import ascend
from waterbed.estimators.survival.intervals import intervals
from waterbed.estimators.survival.npmle import maximum, turnbull
from waterbed.estimators.survival.undetermined import Maxima

inf = np.inf


@pytest.mark.parametrize(
    ("left", "right", "entry", "time", "bounds"),
    [
        ([0, 0, 10], [20, 20, inf], [0, 0, 10], 10, (0.0, 1.0)),  # nobody says anything of the time before 10
        ([0, 0, 10], [20, 20, inf], [0, 0, 0], 10, (1.0, 1.0)),
        ([0, 1, 4, 5, 5, 10], [7, 8, 11, 11, 12, inf], None, 8, (1 / 3, 1 / 3)),
    ],
)
def test_equally_likely_curves_are_bounded(left, right, entry, time, bounds):
    """What no clock tells of is between bounds, what one does is a number."""
    found = turnbull(left, right, entry, tolerance=1e-9).at(time)
    assert (found.low, found.high) == pytest.approx(bounds, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_every_maximum_lies_within_the_bounds(seed):
    """Whatever the start, a curve of the greatest likelihood is between the bounds at each end of a cell."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    left = rng.integers(0, 8, n).astype(float)
    right = np.where(rng.random(n) < 0.3, inf, left + rng.integers(1, 6, n))
    entry = np.minimum(left, rng.integers(0, 8, n))
    held = intervals(left, right, entry, None)
    found = turnbull(left, right, entry, tolerance=1e-7, max_rounds=100_000)
    best = height(held, found.mass)
    for _ in range(5):
        start = rng.dirichlet(np.full(held.start.size, 0.5)) + 1e-9
        other = ascend(held, held.weight[:, None], tolerance=1e-7, max_rounds=100_000, first=start / start.sum())
        assert height(held, other.mass[:, 0]) == pytest.approx(best, abs=1e-5)
        left_over = 1.0 - np.cumsum(other.mass[:, 0])
        for end, survival in zip(held.end, left_over, strict=True):
            if np.isfinite(end):
                bounds = found.at(float(end))
                assert bounds.low - 1e-3 <= survival <= bounds.high + 1e-3


@pytest.mark.parametrize("seed", range(8))
def test_means_and_medians_of_every_maximum_lie_within_the_bounds(seed):
    """So do the mean and the median of a curve of the greatest likelihood, whatever the start."""
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 8, 5).astype(float)
    right = np.where(rng.random(5) < 0.3, inf, left + rng.integers(1, 6, 5))
    entry = np.minimum(left, rng.integers(0, 8, 5))
    held = intervals(left, right, entry, None)
    found = turnbull(left, right, entry, tolerance=1e-6, max_rounds=100_000)
    for _ in range(3):
        start = rng.dirichlet(np.full(held.start.size, 0.5)) + 1e-9
        other = ascend(held, held.weight[:, None], tolerance=1e-6, max_rounds=100_000, first=start / start.sum())
        drawn = replace(found, mass=other.mass[:, 0], maxima=None)
        mean, bounds = drawn.rmst(6.0), found.rmst(6.0)
        assert bounds.low - 0.02 <= mean.low <= mean.high <= bounds.high + 0.02
        if np.abs(np.cumsum(drawn.mass) - 0.5).min() > 0.01:
            assert found.median[0] <= drawn.median[0] <= drawn.median[1] <= found.median[1]


def test_a_median_in_ages_that_nobody_saw_is_as_wide_as_they_are():
    """A quarter left at once, the rest when nobody was under study or later: half was gone anywhere in that time."""
    left = [1.0] * 4 + [30.0] * 12 + [100.0] * 5 + [120.0] * 5
    right = [2.0] * 4 + [inf] * 12 + [101.0] * 5 + [inf] * 5
    entry = [0.0] * 16 + [90.0] * 10
    found = turnbull(left, right, entry)
    assert found.median[0] <= 30.0
    assert found.median[1] >= 101.0
    assert (found.determined(30.0), found.determined(95.0)) == (True, False)
    assert found.rmst(30.0).high - found.rmst(30.0).low < 1.0
    assert found.rmst(95.0).high - found.rmst(95.0).low > 40.0


def test_bounds_of_many_intervals_take_little_memory():
    """Twenty thousand intervals over as many cells are tied at their ends; nothing is held for the cells between."""
    rng = np.random.default_rng(1)
    left = rng.uniform(0.0, 50.0, 20_000)
    held = intervals(left, left + rng.uniform(1.0, 50.0, 20_000), None, None)
    tracemalloc.start()
    found = Maxima(held, np.full(held.start.size, 1.0 / held.start.size))
    bounds = found.least_and_most(1_000, 2_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.0 <= bounds[0] <= bounds[1] <= 1.0
    assert peak < 200 * held.start.size + 200 * left.size


def height(held, mass):
    """The log likelihood."""
    tail = np.append(np.cumsum(mass[::-1])[::-1], 0.0)
    inside = np.maximum(tail[held.begin] - tail[held.stop], 1e-300)
    return float(held.weight @ (np.log(inside) - np.log(np.maximum(tail[held.enter], 1e-300))))


def test_a_curve_of_resamples_asks_nothing_of_other_maxima():
    """The bounds are for who asks: weighted estimates have none."""
    held = intervals([0.0, 2.0], [5.0, inf], None, None)
    assert maximum(held, held.weight).maxima is None
