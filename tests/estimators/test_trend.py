"""Trends and their resampled intervals."""

import numpy as np
import pytest

from waterbed.estimators.survival.incidence import cumulative_incidence, share_within
from waterbed.estimators.trend import (
    chances_within,
    cluster_bootstrap,
    percentile_interval,
    slope_error,
    weighted_slope,
)


def test_the_slope_is_that_of_weighted_least_squares():
    """A second library gives the same line."""
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    x, y, weight = np.arange(12.0), rng.normal(size=12), rng.uniform(1, 9, 12)
    fitted = sm.WLS(y, sm.add_constant(x), weights=weight).fit()
    assert weighted_slope(x, y, weight) == pytest.approx(fitted.params[1])


def test_there_is_no_slope_through_one_x():
    """Points above one another, or without weight, have no line."""
    assert weighted_slope([2, 2], [0, 1], [1, 1]) is None
    assert weighted_slope([1, 2], [0, 1], [0, 0]) is None
    with pytest.raises(ValueError, match="as many"):
        weighted_slope([1, 2], [0], [1, 1])


def test_clusters_are_drawn_whole():
    """Every draw has as many clusters as there are, each with all of its rows or none."""
    labels = np.array([7, 7, 7, 2, 2, 9])
    sizes = {7: 3, 2: 2, 9: 1}
    drawn = []

    def kept(rows):
        counts = {label: int(np.sum(labels[rows] == label)) for label in sizes}
        assert all(count % sizes[label] == 0 for label, count in counts.items())
        assert sum(count // sizes[label] for label, count in counts.items()) == 3
        drawn.append(counts)
        return 1.0 if counts[9] else None

    values = cluster_bootstrap(labels, kept, rng=np.random.default_rng(1), rounds=50)
    assert len(drawn) == 50
    assert len(values) == sum(counts[9] > 0 for counts in drawn) < 50
    with pytest.raises(ValueError, match="at least one"):
        cluster_bootstrap([], kept, rng=np.random.default_rng(1))


def test_the_same_seed_gives_the_same_interval():
    """Randomness comes from the argument alone."""
    rows = np.random.default_rng(5).normal(size=40)

    def interval(seed):
        rng = np.random.default_rng(seed)
        return percentile_interval(cluster_bootstrap(range(40), lambda at: float(rows[at].mean()), rng=rng))

    assert interval(1) == interval(1) != interval(2)
    low, high = interval(1)
    assert low < rows.mean() < high


def test_chances_average_to_the_incidence():
    """Over the clocks that the curves were fitted to, the mean chance is the share itself, for every cause and time."""
    rng = np.random.default_rng(8)
    left = rng.uniform(0, 60, 300)
    right = np.where(rng.random(300) < 0.25, np.inf, left + rng.uniform(0.5, 12, 300))
    cause = np.where(np.isinf(right), -1, rng.integers(0, 3, 300))
    curves = cumulative_incidence(left, right, cause, causes=3, tolerance=1e-9)
    for of in range(3):
        for hours in (1.0, 12.0, 24.0, 48.0):
            chances = chances_within(curves, left, right, cause, of=of, hours=hours)
            assert ((chances >= 0) & (chances <= 1)).all()
            assert chances.mean() == pytest.approx(share_within(curves, of, hours), abs=1e-5)


def test_chances_are_certain_where_the_interval_is():
    """Within the hours it is one, after them none, by another cause none; between, the part of the mass before."""
    left, right, cause = [2.0, 30.0, 2.0, 20.0, 30.0], [4.0, 33.0, 4.0, 28.0, np.inf], [0, 0, 1, 0, -1]
    curves = cumulative_incidence(left, right, cause, causes=2)
    chances = chances_within(curves, left, right, cause, of=0, hours=24.0)
    assert chances.tolist() == pytest.approx([1.0, 0.0, 0.0, 0.5, 0.0])


@pytest.mark.parametrize(("first", "change"), [(0.99, -0.012), (0.9, -0.02), (1.0, 0.0)])
def test_a_slope_near_all_or_nothing_is_held(first, change):
    """With five clusters a week a normal interval of the error of one share holds the slope in 95% of 400 draws."""
    rng, week = np.random.default_rng(5), np.repeat(np.arange(6), 5)
    held = 0
    for _ in range(400):
        removed = (rng.random(30) < first + change * week).astype(float)
        wide = 1.96 * slope_error(week, removed.mean(), np.arange(30))
        assert wide > 0
        held += abs(weighted_slope(week, removed, np.ones(30)) - change) <= wide
    assert held / 400 >= 0.93


def test_the_error_of_a_slope_counts_clusters():
    """Clusters of two alike make it as large as half as many clocks do, but for the half that is added."""
    week = np.repeat(np.arange(6), 400)
    once, twice = slope_error(week, 0.5, np.arange(2400)), slope_error(week, 0.5, np.arange(2400) // 2)
    assert twice / once == pytest.approx(np.sqrt(2), rel=1e-3)
