"""What shares are worth where outcomes depend on each other over time, against other libraries and simulation."""

import numpy as np
import pytest

from waterbed.estimators.calendar_time import (
    cluster_variance,
    cosine_variance,
    days_of_reports,
    effective_number,
    freedom,
    least_batches,
)
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import share_interval


def test_the_variance_over_sites_is_that_of_statsmodels() -> None:
    """A mean's cluster-robust error is the one of a regression on a constant, with its correction for few clusters."""
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(12), rng.integers(1, 9, 12))
    values = (rng.random(cluster.size) < 0.6).astype(float)
    theirs = sm.OLS(values, np.ones((values.size, 1))).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": True}
    )
    assert cluster_variance(values, cluster) == pytest.approx(float(theirs.cov_params()[0, 0]), rel=1e-9)
    with pytest.raises(ValueError, match="two clusters"):
        cluster_variance([1.0, 0.0], [3, 3])


def test_the_variance_over_time_is_the_mean_of_cosine_regressions() -> None:
    """Each term is the squared coefficient that statsmodels gives a cosine, scaled as by Lazarus et al. (2018)."""
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    values, n = rng.random(57), 57
    waves = np.sqrt(2) * np.cos(np.pi * np.outer(np.arange(1, n + 1) - 0.5, np.arange(1, 7)) / n)
    fitted = sm.OLS(values, sm.add_constant(waves)).fit().params[1:]
    assert cosine_variance(values, 6) == pytest.approx(float(np.mean(fitted**2)), rel=1e-9)
    with pytest.raises(ValueError, match="57 cosines"):
        cosine_variance(values, 57)


def test_the_variance_over_time_is_right_for_a_dependent_series() -> None:
    """For a moving average its mean is the known variance of the mean; cosines leave dependence no room to hide."""
    rng = np.random.default_rng(3)
    shocks = rng.standard_normal((400, 303))
    series = (shocks[:, :-3] + shocks[:, 1:-2] + shocks[:, 2:-1] + shocks[:, 3:]) / 2
    ours = np.mean([cosine_variance(one, 8) for one in series])
    assert ours == pytest.approx(np.var(series.mean(axis=1)), rel=0.15)
    assert np.mean([one.var() / one.size for one in series]) < ours / 3


def test_rules_depend_on_report_times_alone() -> None:
    """Days count gaps up to three days; degrees of freedom follow 0.4 T^(2/3) of eight-hour steps, five at least."""
    assert days_of_reports([0.0, 24.0, 24.0 * 50]) == pytest.approx(4.0)
    assert [freedom(days) for days in (7, 10, 14, 29, 60, 89)] == [5, 5, 5, 8, 13, 17]
    week = effective_number([True] * 20, np.linspace(0, 160, 20), range(20))
    assert week == Refusal("reports span 6.7 days where at least 7 are needed")


def test_independent_outcomes_are_worth_a_little_less_than_their_number() -> None:
    """A month of independent sites costs eight degrees of freedom; an outcome is worth no more than its site."""
    rng = np.random.default_rng(4)
    at = np.sort(rng.uniform(0, 24 * 30, 200))
    found = [effective_number(rng.random(200) < 0.6, at, np.arange(200)) for _ in range(60)]
    numbers = [one.number for one in found if not isinstance(one, Refusal)]
    assert 90 < np.median(numbers) < 200
    assert max(numbers) <= 200
    pairs = effective_number(np.repeat(rng.random(100) < 0.6, 2), at, np.repeat(np.arange(100), 2))
    assert not isinstance(pairs, Refusal)
    assert pairs.number <= 100
    assert pairs.freedom == 8
    assert pairs.error > 0.5 / np.sqrt(100)


def test_batches_are_worth_their_bursts_and_intervals_hold_the_process() -> None:
    """Reports decided on together by a queue of 30 h: intervals hold its share where plain ones often do not."""
    rng = np.random.default_rng(5)
    held, plain = [], []
    for _ in range(300):
        at = np.sort(rng.uniform(0, 24 * 30, 150))
        queue = np.sort(rng.uniform(0, 24 * 33, rng.poisson(24 * 33 / 30)))
        gone = np.append(queue, np.inf)[np.searchsorted(queue, at)] - at
        hits, true = gone <= 24, -np.expm1(-24 / 30)
        worth = effective_number(hits, at, np.arange(150))
        assert not isinstance(worth, Refusal)
        for covered, number in ((held, worth.number), (plain, 150)):
            low, high = share_interval(float(hits.mean()), number)
            covered.append(low <= true <= high)
    assert np.mean(held) > 0.92
    assert np.mean(plain) < 0.75


def test_rare_bursts_are_worth_the_blocks() -> None:
    """Where all but a burst were removed, no variance can be relied on: the share is worth the blocks at most."""
    at = np.linspace(0, 24 * 30, 300)
    hits = np.ones(300, bool)
    hits[100:104] = False
    for outcome in (hits, np.ones(300)):
        found = effective_number(outcome, at, np.arange(300))
        assert not isinstance(found, Refusal)
        assert found.number == 20.0


def test_bad_input_is_refused() -> None:
    """Lengths must agree, and there must be a report."""
    for bad in (([True], [0.0, 1.0], [1, 2]), ([], [], [])):
        with pytest.raises(ValueError, match="each with a time"):
            effective_number(*bad)


def test_batches_are_the_fewest_instants_that_hold_all_removals() -> None:
    """Intervals that share an instant can be one batch; those that only touch cannot, for they are open below."""
    assert least_batches([0.0, 1.0, 2.0], [3.0, 4.0, 5.0]) == 1
    assert least_batches([0.0, 3.0], [3.0, 5.0]) == 2
    assert least_batches([], []) == 0
    rng = np.random.default_rng(6)
    times = np.repeat([10.0, 40.0, 70.0], 30)
    assert least_batches(times - rng.uniform(0.1, 3, 90), times + rng.uniform(0, 3, 90)) == 3
