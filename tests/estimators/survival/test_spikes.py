"""Ages at which a hazard jumps."""

import numpy as np
import pytest

from waterbed.estimators.survival.spikes import hazard_spikes


def looked_at(ends, every=1.0):
    """Intervals of daily looks that hold the ends."""
    left = np.floor(ends / every) * every
    return left, left + every


def test_a_fixed_age_at_which_all_leave_is_found():
    """Entries that are still listed on day 30 all leave then; nothing else is flagged."""
    ends = np.random.default_rng(1).exponential(25, 5_000)
    left, right = looked_at(np.minimum(ends, 29.5))
    found = hazard_spikes(left, right)
    assert [spike.age for spike in found] == [30]
    assert found[0].hazard == pytest.approx(1.0)


def test_a_rule_for_part_of_the_entries_is_found():
    """A third of the entries leaves at a fixed age, the others as they end."""
    rng = np.random.default_rng(2)
    ends = rng.exponential(40, 6_000)
    ends = np.where(rng.random(ends.size) < 0.33, np.minimum(ends, 13.5), ends)
    assert hazard_spikes(*looked_at(ends))[0].age == 14


@pytest.mark.parametrize("seed", range(10))
def test_smooth_hazards_have_none(seed):
    """Falling, rising and weekly hazards, and looks far apart, are no rule of anyone."""
    rng = np.random.default_rng(seed)
    for shape in (0.5, 1.0, 2.0):
        ends = 20 * rng.weibull(shape, 4_000)
        assert hazard_spikes(*looked_at(ends)) == []
        assert hazard_spikes(*looked_at(ends, every=7.0)) == []


def test_clocks_still_running_count_as_there():
    """What is still listed is at risk up to its age and ends nothing."""
    left = np.repeat([0.0, 10.0, 40.0], 500)
    right = np.repeat([1.0, 11.0, np.inf], 500)
    assert [spike.age for spike in hazard_spikes(left, right)] == [11]
    assert hazard_spikes([5.0] * 100, [np.inf] * 100) == []


def test_empty_intervals_are_refused():
    """An end needs an interval of some length."""
    with pytest.raises(ValueError):
        hazard_spikes([1.0], [1.0])
