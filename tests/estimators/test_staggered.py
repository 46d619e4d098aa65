"""Group-time averages against sums by hand and simulated truth."""

import numpy as np
import pytest

from tests.model.said import said
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.staggered import NEVER, GroupTimes, group_times


def world(rng, units=80, periods=12, *, effect=0.0):
    """Units with own levels and common shocks; half are treated at 4 or 8, and the effect grows with time."""
    first = rng.permutation(np.repeat([4, 8, NEVER], [units // 4, units // 4, units - 2 * (units // 4)]))
    y = rng.normal(size=(units, 1)) + np.cumsum(rng.normal(size=(1, periods)), axis=1)
    y = y + np.cumsum(rng.normal(0, 0.4, (units, periods)), axis=1)
    age = np.arange(periods)[None, :] - np.where(first == NEVER, 10**6, first)[:, None]
    return y + effect * np.where(age >= 0, 1.0 + age, 0.0), first


def test_effects_done_by_hand():
    """Without noise each group-time is the effect put in, growing ones included, and placebos are zero."""
    rng = np.random.default_rng(1)
    y = np.tile(np.arange(12.0), (45, 1)) + rng.normal(size=(45, 1))
    first = np.repeat([4, 8, NEVER], 15)
    age = np.arange(12)[None, :] - np.where(first == NEVER, 10**6, first)[:, None]
    y = y - np.where(age >= 0, 2.0 + age, 0.0)
    found = group_times(y, first, np.arange(45), rng, resamples=99)
    assert isinstance(found, GroupTimes)
    want = np.where(found.cells[:, 1] >= found.cells[:, 0], -(2.0 + found.cells[:, 1] - found.cells[:, 0]), 0)
    assert found.effects == pytest.approx(want, abs=1e-9)
    assert found.by_age[list(found.ages).index(3)].estimate == pytest.approx(-5)
    assert found.by_age[list(found.ages).index(-3)].estimate == pytest.approx(0, abs=1e-9)
    late = want[found.cells[:, 1] >= found.cells[:, 0]]
    assert found.overall.estimate == pytest.approx(late.mean())
    assert (found.treated_clusters, found.control_clusters) == (30, 30)


def test_anticipation_moves_the_base_back():
    """An effect two periods before treatment spoils the base unless anticipation leaves it out."""
    rng = np.random.default_rng(2)
    y, first = world(rng, 60)
    y = np.zeros_like(y)
    age = np.arange(12)[None, :] - np.where(first == NEVER, 10**6, first)[:, None]
    y[age >= -2] = -1.0
    spoilt = group_times(y, first, np.arange(60), rng, resamples=99)
    good = group_times(y, first, np.arange(60), rng, resamples=99, anticipation=2)
    assert spoilt.overall.estimate == pytest.approx(0, abs=0.3)
    assert good.overall.estimate == pytest.approx(-1)


@pytest.mark.long
def test_level_and_power_with_clusters():
    """Without effect p <= 0.05 in about 5% of worlds; a growing effect is found with its size."""
    rng, worlds = np.random.default_rng(3), 120
    none = [group_times(*world(rng), np.arange(80), rng, resamples=199).overall.p <= 0.05 for _ in range(worlds)]
    assert np.mean(none) < 0.11
    some = [group_times(*world(rng, effect=-0.5), np.arange(80), rng, resamples=99).overall for _ in range(20)]
    assert np.mean([one.p <= 0.05 for one in some]) > 0.9
    assert np.mean([one.estimate for one in some]) == pytest.approx(-0.5 * (8 * 4.5 + 4 * 2.5) / 12, rel=0.1)


def test_few_clusters_are_refused():
    """Units of four clusters are four observations, and units always treated have no control."""
    rng = np.random.default_rng(4)
    y, first = world(rng)
    assert "treated units" in said(group_times(y, first, np.arange(80) % 4, rng))
    assert isinstance(group_times(y, np.zeros(80, int), np.arange(80), rng), Refusal)


def test_intervals_of_all_ages_hold_at_once():
    """Without effect some age is away from zero in about 5% of worlds, although clusters are few and ages many."""
    rng, worlds, hits = np.random.default_rng(5), 100, 0
    for _ in range(worlds):
        y, first = world(rng, 60)
        found = group_times(y, first, np.arange(60), rng, resamples=99)
        hits += any(one.low > 0 or one.high < 0 for one in found.by_age)
    assert 0 < hits / worlds < 0.12


def test_missing_outcomes_are_misuse():
    """An outcome that is no number is refused, not passed on into every effect."""
    y, first = world(np.random.default_rng(6), 60)
    y[0, 11] = np.nan
    with pytest.raises(ValueError, match="no outcome may be missing"):
        group_times(y, first, np.arange(60), np.random.default_rng(6))


@pytest.mark.long
@pytest.mark.parametrize(("controls", "mean"), [(50, 0.15), (12, 0.15), (200, 0.3)])
def test_few_events_at_few_targets_reject_no_more_often(controls, mean):
    """Of 100 worlds of rare counts without effect about 5% reject at most, and as few intervals leave 0 out."""
    rng, found = np.random.default_rng(7), []
    for _ in range(100):
        y = np.log(rng.poisson(mean, (10 + controls, 12)) + 0.5)
        first = np.repeat([6, 7, NEVER], [5, 5, controls])
        found.append(group_times(y, first, np.arange(10 + controls), rng, resamples=99).overall)
    assert np.mean([one.p <= 0.05 for one in found]) <= 0.08
    assert np.mean([one.low > 0 or one.high < 0 for one in found]) <= 0.08
    assert min(one.p for one in found) >= found[0].smallest_p == 0.001


def test_units_treated_after_the_last_period_are_never_treated():
    """They are controls, however late they are treated."""
    y, first = world(np.random.default_rng(8))
    late = np.where(first == NEVER, 15, first)
    found = [
        group_times(y, one, np.arange(80), np.random.default_rng(1), resamples=99).overall for one in (first, late)
    ]
    assert found[0] == found[1]
