"""Shares of clusters: correlation and effective number."""

import numpy as np
import pytest
import scipy
from scipy import stats

from waterbed.estimators.cluster_shares import (
    NO_CORRELATION,
    beta_binomial,
    chance_of_alike,
    correlation,
    pooled_correlation,
    ratio_error,
    shrunk_correlation,
    worth,
)
from waterbed.estimators.survival.incidence import share_interval


def test_lone_members_are_independent():
    """Clusters of one have no correlation, and each counts."""
    found = beta_binomial([1, 0, 1, 1], [1, 1, 1, 1])
    assert (found.mean, found.correlation) == (0.75, 0.0)
    assert worth([1, 1, 1, 1], 0.0) == 4.0


def test_clusters_that_agree_count_once():
    """Where all members of a cluster share its fate, only clusters inform; where all do, nothing says they do not."""
    assert beta_binomial([20, 0, 30, 0], [20, 10, 30, 5]).correlation > 0.95
    assert beta_binomial([20, 10], [20, 10]).correlation == 1.0
    assert worth([20, 20, 20], 1.0) == pytest.approx(3.0)
    assert worth([97, 1, 1, 1], 1.0) < 1.1


def test_correlation_comes_back():
    """Drawn with a correlation of 0.3, clusters give it back, and are worth less than members alone would be."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(2, 12, 1_500)
    hits = rng.binomial(sizes, rng.beta(0.6 * 0.7 / 0.3, 0.4 * 0.7 / 0.3, sizes.size))
    found = beta_binomial(hits, sizes)
    assert (found.mean, found.correlation) == (pytest.approx(0.6, abs=0.02), pytest.approx(0.3, abs=0.03))
    assert worth(sizes, found.correlation) < sizes.sum() / 2


def test_worth_is_what_the_spread_of_shares_shows():
    """The variance of a plain share over draws is p (1 - p) over its worth at the true correlation."""
    rng = np.random.default_rng(8)
    sizes = np.append(rng.integers(1, 6, 40), 60)
    draws = rng.binomial(sizes, rng.beta(0.4 * 3.0, 0.6 * 3.0, (20_000, sizes.size)))
    shares = draws.sum(axis=1) / sizes.sum()
    assert 0.24 / shares.var() == pytest.approx(worth(sizes, 0.25), rel=0.05)


def test_likelihood_is_that_of_scipy():
    """Share and correlation maximise the beta-binomial likelihood as scipy gives it."""
    hits, sizes = np.array([3, 0, 5, 1, 4]), np.array([3, 4, 5, 2, 9])
    found = beta_binomial(hits, sizes)

    def likelihood(p, r):
        return stats.betabinom.logpmf(hits, sizes, p * (1 - r) / r, (1 - p) * (1 - r) / r).sum()

    best = likelihood(found.mean, found.correlation)
    for p, r in ((1.05, 1), (0.95, 1), (1, 1.1), (1, 0.9)):
        assert likelihood(found.mean * p, found.correlation * r) <= best


def test_the_highest_of_several_maxima_is_found():
    """However the sizes are drawn, no pair on a fine grid is more likely, a site of thousands included."""
    rng = np.random.default_rng(11)
    means, correlations = np.linspace(0.005, 0.995, 100), scipy.special.expit(np.linspace(-13, 13, 120))
    p, r = means[:, None, None], correlations[None, :, None]
    for drawn in range(12):
        sizes = np.minimum(rng.geometric(rng.uniform(0.1, 0.9), rng.integers(2, 60)), 10_000)
        sizes[0] = 3_000 if drawn % 2 else sizes[0]
        true, alike = rng.uniform(0.1, 0.9), rng.uniform(0.01, 0.9)
        scale = (1 - alike) / alike
        hits = rng.binomial(sizes, rng.beta(true * scale, (1 - true) * scale, sizes.size))
        if not 0 < hits.sum() < sizes.sum() or sizes.max() == 1:
            continue
        found = beta_binomial(hits, sizes)

        def likelihood(p, r, hits=hits, sizes=sizes):
            return stats.betabinom.logpmf(hits, sizes, p * (1 - r) / r, (1 - p) * (1 - r) / r).sum(axis=-1)

        assert likelihood(found.mean, max(found.correlation, 1e-6)) >= likelihood(p, r).max() - 1e-4


@pytest.mark.parametrize("correlation", [0.0, 0.4, 1.0])
def test_intervals_by_worth_hold_the_truth_however_alike_clusters_are(correlation):
    """Over 300 groups of 12 to 30 clusters, 95% intervals of the plain share hold the truth in 92 to 98%."""
    rng = np.random.default_rng(17)
    held = 0
    for _ in range(300):
        sizes, true = rng.integers(1, 5, rng.integers(12, 31)), rng.uniform(0.1, 0.9)
        alike = rng.random(sizes.size) < correlation
        hits = np.where(alike, sizes * (rng.random(sizes.size) < true), rng.binomial(sizes, true))
        found = worth(sizes, beta_binomial(hits, sizes).correlation)
        low, high = share_interval(hits.sum() / sizes.sum(), found)
        held += low <= true <= high
    assert 276 <= held <= 294


@pytest.mark.parametrize(("hits", "sizes"), [([], []), ([2], [1]), ([-1], [1]), ([0], [0]), ([0.5], [2])])
def test_impossible_clusters_are_refused(hits, sizes):
    """No cluster, more hits than members, half a hit, or a cluster without members is the caller's error."""
    with pytest.raises(ValueError):
        beta_binomial(hits, sizes)


def test_error_of_a_plain_share_is_what_repeated_draws_show():
    """On the arcsin scale the error is the spread of the share over worlds, and is known where all agree."""
    rng = np.random.default_rng(6)
    sizes = np.minimum(rng.geometric(0.3, 80), 15)
    beta = 0.4 * 0.6 / 0.4, 0.6 * 0.6 / 0.4
    hits = [rng.binomial(sizes, rng.beta(*beta, sizes.size)) for _ in range(400)]
    spread = np.std([np.arcsin(np.sqrt(x.sum() / sizes.sum())) for x in hits])
    assert np.mean([ratio_error(x, sizes) for x in hits[:40]]) == pytest.approx(spread, rel=0.12)
    assert ratio_error([2] * 12, [2] * 12) == pytest.approx(0.5 / np.sqrt(12) * np.sqrt(11 / 9))
    assert ratio_error([1, 0, 1], [1, 1, 1]) == pytest.approx(0.5 / np.sqrt(3) * np.sqrt(3))


def test_groups_tell_one_another_how_alike_clusters_are():
    """The pooled correlation is between the groups' own, silent groups do not count, and it bounds an error below."""
    alike = ([3, 0, 3, 0], [3, 3, 3, 3])
    mixed = ([1, 2, 1, 2], [3, 3, 3, 3])
    assert 0.0 < pooled_correlation([alike, mixed]).value < pooled_correlation([alike]).value == 1.0
    assert pooled_correlation([alike, ([3, 3], [3, 3]), ([1, 0], [1, 1])]) == (1.0, 0.0, 3)
    assert pooled_correlation([]) == NO_CORRELATION
    assert ratio_error(*mixed, least_correlation=0.5) > ratio_error(*mixed)


def drawn_groups(rng, number, alike):
    """Clusters of groups with shares and sizes of their own."""
    for share in rng.uniform(0.15, 0.9, number):
        sizes = 1 + rng.poisson(6, rng.integers(4, 9))
        beta = share * (1 / alike - 1), (1 - share) * (1 / alike - 1)
        yield rng.binomial(sizes, rng.beta(*beta, sizes.size)), sizes


def test_correlations_follow_from_the_analysis_of_variance_of_scipy_and_statsmodels():
    """Balanced clusters give scipy's F and p; several groups those of clusters nested in groups, as in statsmodels."""
    import pandas as pd
    import scipy.stats
    import statsmodels.api as sm
    from statsmodels.formula.api import ols

    hits = np.array([4, 1, 3, 0, 2])
    f, p = scipy.stats.f_oneway(*(np.repeat([1.0, 0.0], [x, 5 - x]) for x in hits))
    assert correlation(hits, [5] * 5) == pytest.approx((f - 1) / (f - 1 + 5))
    assert chance_of_alike(hits, [5] * 5) == pytest.approx(p)

    groups = list(drawn_groups(np.random.default_rng(7), 5, 0.2))
    rows = [
        (group, f"{group} {cluster}", one / np.sqrt(share * (1 - share)))
        for group, (x, m) in enumerate(groups)
        for share in [x.sum() / m.sum()]
        for cluster in range(m.size)
        for one in np.repeat([1.0, 0.0], [x[cluster], m[cluster] - x[cluster]])
    ]
    data = pd.DataFrame(rows, columns=["group", "cluster", "y"])
    outer, inner = (sm.stats.anova_lm(ols(f"y ~ C({by})", data).fit()) for by in ("group", "cluster"))
    freedom = inner["df"].iloc[0] - outer["df"].iloc[0]
    between = (inner["sum_sq"].iloc[0] - outer["sum_sq"].iloc[0]) / freedom
    within = inner["mean_sq"].iloc[1]
    size = sum(m.sum() - np.square(m).sum() / m.sum() for _, m in groups) / freedom
    found = pooled_correlation(groups)
    assert found.value == pytest.approx((between - within) / (between + (size - 1) * within))
    assert found.freedom == freedom


@pytest.mark.parametrize("number", [3, 12])
def test_the_error_of_a_pooled_correlation_is_the_jackknife(number):
    """Each group is left out in turn where there are ten or more, else each cluster."""
    drawn = drawn_groups(np.random.default_rng(8), number + 5, 0.6)
    groups = [(x, m) for x, m in drawn if 0 < x.sum() < m.sum()][:number]
    if number < 10:
        left = [
            [(np.delete(x, c), np.delete(m, c)) if n == at else (x, m) for n, (x, m) in enumerate(groups)]
            for at in range(number)
            for c in range(groups[at][1].size)
        ]
    else:
        left = [groups[:at] + groups[at + 1 :] for at in range(number)]
    values = np.array([pooled_correlation(some).value for some in left])
    # a group without a cluster has another share, whose variance ours takes from the whole group
    close = 0.1 if number < 10 else 1e-9
    assert pooled_correlation(groups).error == pytest.approx(np.sqrt((values.size - 1) * values.var()), rel=close)


def test_a_pooled_correlation_and_its_error_are_those_of_repeated_worlds():
    """Groups with unlike shares and cluster sizes do not bias it, and its error is its spread."""
    rng = np.random.default_rng(9)
    for alike in (0.05, 0.4):
        found = np.array([pooled_correlation(drawn_groups(rng, 20, alike))[:2] for _ in range(150)])
        assert found[:, 0].mean() == pytest.approx(alike, abs=0.03)
        assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.25)


def test_few_clusters_show_a_correlation_only_beyond_chance():
    """Of independent members hardly any is left, seldom one beyond chance; where clusters are alike all of it is."""
    rng = np.random.default_rng(10)
    sizes = np.full(6, 20)
    drawn = [rng.binomial(sizes, 0.6) for _ in range(400)]
    plain = np.mean([correlation(x, sizes) for x in drawn])
    assert np.mean([shrunk_correlation(x, sizes) for x in drawn]) < 0.5 * plain
    assert 0.002 < np.mean([chance_of_alike(x, sizes) < 0.01 for x in drawn]) < 0.03
    whole = ([20, 0, 20, 0, 20, 0], sizes)
    assert shrunk_correlation(*whole) == correlation(*whole) == 1.0
    assert chance_of_alike(*whole) == 0.0
    assert chance_of_alike([20] * 6, sizes) == chance_of_alike([1, 0], [1, 1]) == 1.0
    for function in (correlation, shrunk_correlation, chance_of_alike):
        with pytest.raises(ValueError, match="with members"):
            function([], [])
