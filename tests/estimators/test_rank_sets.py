"""Sets of places: coverage, a slow second computation, and what percentile ranks would say."""

import itertools

import numpy as np
import pytest
from scipy import stats

from waterbed.estimators.rank_sets import (
    cluster_weights,
    error_scales,
    kendall,
    leave_one_out,
    place_sets,
    resampled_sums,
    share_among_first,
    widened,
)


def slowly(estimates, draws, level, scales=None):
    """The joint sets of a few groups, pair by pair as the definition reads."""
    size, deviations = len(estimates), draws - draws.mean(axis=0)
    pairs = set(itertools.permutations(range(size), 2))
    error = {(i, j): np.std(deviations[:, i] - deviations[:, j], ddof=1) for i, j in pairs}
    spread = np.cov(deviations.T)
    scales = np.ones(draws.shape) if scales is None else scales

    def own_error(scale, i, j):
        shared = 2 * scale[i] * scale[j] * spread[i, j]
        return np.sqrt(scale[i] ** 2 * spread[i, i] + scale[j] ** 2 * spread[j, j] - shared)

    above = set()
    while True:
        largest = [
            max((row[i] - row[j]) / own_error(scale, i, j) for i, j in pairs - above)
            for row, scale in zip(deviations, scales, strict=True)
        ]
        bar = sorted(largest)[int(np.ceil(level * (len(largest) + 1))) - 1]
        new = {(i, j) for i, j in pairs - above if (estimates[i] - estimates[j]) / error[i, j] > bar}
        if not new:
            break
        above |= new
    return (
        [1 + sum((i, j) in above for i in range(size)) for j in range(size)],
        [size - sum((j, i) in above for i in range(size)) for j in range(size)],
    )


@pytest.mark.parametrize("seed", range(6))
def test_sets_are_those_of_the_definition(seed):
    """For four groups with correlated errors the vectorised sets equal the ones computed pair by pair."""
    rng = np.random.default_rng(seed)
    estimates = rng.normal(0, 2, 4)
    draws = estimates + rng.normal(0, 0.4, (400, 4)) @ rng.normal(0, 1, (4, 4))
    found = place_sets(estimates, draws, level=0.9)
    assert (found.low.tolist(), found.high.tolist()) == slowly(estimates, draws, 0.9)


def test_sets_of_estimated_errors_are_those_of_the_definition():
    """Each resample's differences are measured by the errors that it estimates itself."""
    rng = np.random.default_rng(6)
    estimates = rng.normal(0, 3, 4)
    draws = estimates + rng.normal(0, 0.4, (400, 4)) @ rng.normal(0, 1, (4, 4))
    scales = error_scales([4, 5, 8, 60], 400, rng)
    found = place_sets(estimates, draws, scales=(scales, scales), level=0.8)
    assert (found.low.tolist(), found.high.tolist()) == slowly(estimates, draws, 0.8, scales)


@pytest.mark.parametrize("true", [1.0, 2.0])
def test_estimated_errors_of_few_degrees_order_no_equal_groups(true):
    """Six equal groups are seldom ordered, be the true error the least that is estimated or twice as large."""
    rng, degrees, ordered = np.random.default_rng(10), np.full(6, 5), 0
    for _ in range(300):
        estimated = np.maximum(1.0, true * error_scales(degrees, 1, rng)[0])
        draws = rng.normal(0, estimated, (200, 6))
        scales = error_scales(degrees, 200, rng, least=1.0 / estimated)
        ordered += place_sets(rng.normal(0, true, 6), draws, scales=(scales, scales)).above.any()
    assert ordered <= 0.09 * 300  # 5%, and about three standard errors


def test_estimated_errors_vary_as_their_degrees_say():
    """Their squares have mean 1 and variance 2/v; no error is below the least, nor raised above the true one by it."""
    rng = np.random.default_rng(11)
    free = error_scales([8, 50], 20_000, rng)
    assert np.square(free).mean(axis=0) == pytest.approx([1.0, 1.0], rel=0.02)
    assert np.square(free).var(axis=0) == pytest.approx([2 / 8, 2 / 50], rel=0.1)
    held = error_scales([8, 8], 1_000, rng, least=[0.9, 3.0])
    assert held.min(axis=0).tolist() == [0.9, 1.0]


def true_places(values):
    """Place of each value, ties sharing the best and the worst they can have."""
    low = np.array([1 + np.sum(values > v) for v in values])
    return low, np.array([np.sum(values >= v) for v in values])


def percentile_sets(draws, level):
    """What ranks of the resamples would give: the sets that are not used."""
    places = 1 + (-draws).argsort(axis=1).argsort(axis=1)
    outside = (1 - level) / 2
    return np.quantile(places, [outside, 1 - outside], axis=0, method="inverted_cdf")


def studied(true, error, studies, seed, resamples=300):
    """How often all true places lie in the joint sets, each in its own, and all in those of percentile ranks."""
    rng = np.random.default_rng(seed)
    joint = own = percentile = 0.0
    low, high = true_places(true)
    for _ in range(studies):
        estimates = true + rng.normal(0, error)
        draws = estimates + rng.normal(0, error, (resamples, true.size))
        found, alone = place_sets(estimates, draws), place_sets(estimates, draws, marginal=True)
        joint += np.all((found.low <= low) & (high <= found.high))
        own += np.mean((alone.low <= low) & (high <= alone.high))
        naive = percentile_sets(draws, 0.95)
        percentile += np.mean((naive[0] <= low) & (high <= naive[1]))
    return joint / studies, own / studies, percentile / studies


def test_near_ties_are_covered_where_percentile_ranks_are_not():
    """With groups hardly apart the sets hold the truth, and ranks of resamples do so far less often than 95%."""
    joint, own, percentile = studied(np.linspace(0.0, 0.05, 30), np.full(30, 0.2), 80, seed=1, resamples=200)
    assert joint >= 0.93
    assert own >= 0.94
    assert percentile < 0.85


def test_ties_are_covered():
    """Groups that are equal may have any of their places, and the sets say so."""
    joint, own, _ = studied(np.array([0.0] * 6 + [1.0] * 2), np.linspace(0.1, 0.5, 8), 150, seed=2)
    assert joint >= 0.93
    assert own >= 0.94


def test_sets_of_well_parted_groups_are_points():
    """Where nothing is in doubt every group has its one place, largest first."""
    rng = np.random.default_rng(3)
    estimates = np.array([5.0, 20.0, 10.0, 0.0])
    found = place_sets(estimates, estimates + rng.normal(0, 0.1, (200, 4)))
    assert found.low.tolist() == found.high.tolist() == [3, 1, 2, 4]


def test_own_sets_lie_in_the_joint_ones_and_steps_only_sharpen():
    """A set for one row alone is never wider than what holds for all rows at once."""
    rng = np.random.default_rng(4)
    estimates = rng.normal(0, 1, 40)
    draws = estimates + rng.normal(0, 0.4, (400, 40))
    joint, own = place_sets(estimates, draws), place_sets(estimates, draws, marginal=True)
    assert np.all((joint.low <= own.low) & (own.high <= joint.high))
    assert np.all((joint.low <= true_places(estimates)[0]) & (true_places(estimates)[1] <= joint.high))


def test_groups_fed_by_one_cluster_move_together():
    """Two groups of the same clusters differ for certain, however unsure each of them is."""
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(30), 2)
    group = np.tile([0, 1], 30)
    value = np.repeat(rng.pareto(1.5, 30), 2) * np.where(group == 0, 1.0, 1.3)
    draws = resampled_sums(cluster_weights(30, 500, rng), cluster, group, value, 2)
    estimates = np.bincount(group, value)
    shared = place_sets(np.log(estimates), np.log(draws))
    apart = place_sets(np.log(estimates), np.log(np.column_stack([draws[:, 0], rng.permutation(draws[:, 1])])))
    assert (shared.low.tolist(), shared.high.tolist()) == ([2, 1], [2, 1])
    assert (apart.low.tolist(), apart.high.tolist()) == ([1, 1], [2, 2])


def test_sums_vary_as_counts_of_clusters_do():
    """A group of n lone clusters has mean n and variance n, one of a single cluster of n has variance n squared."""
    rng = np.random.default_rng(6)
    cluster = np.append(np.arange(40), np.full(40, 40))
    group = np.repeat([0, 1], 40)
    sums = resampled_sums(cluster_weights(41, 20_000, rng), cluster, group, np.ones(80), 2)
    assert sums.mean(axis=0) == pytest.approx([40, 40], rel=0.03)
    assert sums.var(axis=0) == pytest.approx([40, 1600], rel=0.05)


def test_groups_that_never_vary_get_the_error_they_are_given():
    """A spread below the least standard error is raised to it, one above it stays."""
    rng = np.random.default_rng(7)
    draws = np.column_stack([np.full(20_000, 3.0), rng.normal(0, 2, 20_000)])
    assert widened(draws, [0.5, 0.5], rng).std(axis=0) == pytest.approx([0.5, 2.0], rel=0.03)


def test_difference_without_chance_is_certain():
    """Groups that differ by the same in every resample are in order; equal ones are not."""
    base = np.random.default_rng(8).normal(0, 1, (100, 1))
    found = place_sets([0.0, 1.0, 1.0], base + np.array([0.0, 1.0, 1.0]))
    assert (found.low.tolist(), found.high.tolist()) == ([3, 1, 1], [3, 2, 2])


def test_sets_refuse_unequal_or_few_draws():
    """Estimates need draws of the same groups, and enough of them."""
    with pytest.raises(ValueError):
        place_sets([1.0, 2.0], np.zeros((100, 3)))
    with pytest.raises(ValueError):
        place_sets([1.0, 2.0], np.zeros((10, 2)))


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_sets_refuse_numbers_that_are_missing(missing):
    """A missing number would compare as false, and put its group anywhere."""
    draws = np.random.default_rng(1).normal(size=(100, 2))
    with pytest.raises(ValueError, match="missing or infinite"):
        place_sets([1.0, missing], draws)
    draws[3, 1] = missing
    with pytest.raises(ValueError, match="missing or infinite"):
        place_sets([1.0, 2.0], draws)


def test_share_among_the_first_adds_up():
    """Over all groups the probabilities to be among the first two add up to two."""
    draws = np.random.default_rng(9).normal(np.arange(5), 1.0, (2_000, 5))
    share = share_among_first(draws, 2)
    assert share.sum() == pytest.approx(2.0)
    assert share.argmax() == 4
    assert share_among_first(draws, 9).tolist() == [1.0] * 5


def test_leaving_out_one_cluster_shows_whom_a_share_hangs_on():
    """The range is that of the shares without each cluster; one cluster alone leaves nothing."""
    low, high = leave_one_out([1, 1, 0, 0, 1], [1] * 5, [7, 7, 8, 9, 7], [0, 0, 0, 0, 1], 2)
    assert (low[0], high[0]) == (0.0, pytest.approx(2 / 3))
    assert np.isnan(low[1])
    assert np.isnan(high[1])


@pytest.mark.parametrize("seed", range(4))
def test_kendall_is_that_of_scipy(seed):
    """Tau-b of values with many ties agrees with scipy."""
    x, y = np.random.default_rng(seed).integers(0, 9, (2, 60))
    assert kendall(x, y).tau == pytest.approx(stats.kendalltau(x, y, variant="b").statistic)


def test_kendall_counts_ties_and_says_how_sure():
    """Tau-b of a known table with ties, an interval that holds it, nothing below five groups."""
    found = kendall([1, 2, 2, 3, 4, 5], [1, 3, 2, 2, 4, 6])
    concordant, discordant, pairs = 12, 1, 15
    assert found.tau == pytest.approx((concordant - discordant) / np.sqrt((pairs - 1) * (pairs - 1)))
    assert found.low < found.tau < found.high
    assert kendall([1, 2, 3, 4], [1, 2, 3, 4]).tau is None
    for other, tau in (([1, 2, 3, 4, 5], 1.0), ([5, 4, 3, 2, 1], -1.0)):
        same = kendall([1, 2, 3, 4, 5], other)
        assert (same.tau, same.low, same.high) == (pytest.approx(tau), None, None)
    assert kendall([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]).tau is None
