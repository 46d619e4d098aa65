"""The product limit of exact times."""

import numpy as np
import pytest

from waterbed.estimators.survival.npmle import kaplan_meier

INF = np.inf


def test_agrees_with_lifelines_with_entry_and_censoring():
    """Exact times with late entry give lifelines' curve at every end."""
    from lifelines import KaplanMeierFitter

    rng = np.random.default_rng(3)
    time = rng.exponential(20.0, 300).round(1) + 0.1
    entry = np.where(rng.random(300) < 0.3, rng.uniform(0, 15, 300), 0.0)
    time, entry = time[time > entry], entry[time > entry]
    ended = rng.random(time.size) < 0.8
    ours = kaplan_meier(time, np.where(ended, time, INF), entry)
    theirs = KaplanMeierFitter().fit(time, ended, entry=entry).survival_function_at_times(ours.end[:-1])
    assert [ours.at(at).middle for at in ours.end[:-1]] == pytest.approx(theirs.to_list(), abs=1e-9)


def test_an_interval_is_put_in_its_middle_only_when_told():
    """(2, 4] is refused, and is 3 with midpoint=True."""
    with pytest.raises(ValueError, match="midpoint=True"):
        kaplan_meier([2, 5], [4, INF])
    found = kaplan_meier([2, 5], [4, INF], midpoint=True)
    assert found.median == (3, 3)
    assert (found.at(2.9).middle, found.at(3).middle) == (1, 0.5)
    assert found.known_until == 5


def test_entry_is_ignored_only_aloud():
    """The switch warns, and lives come out longer."""
    left, right, entry = [2, 8, 9, 9], [2, 8, 9, INF], [0, 5, 5, 5]
    with pytest.warns(UserWarning, match="late entry is ignored"):
        ignored = kaplan_meier(left, right, entry, ignore_entry=True)
    assert ignored.at(2).middle == 0.75
    assert kaplan_meier(left, right, entry).at(2).middle == 0.0


def test_mean_lives_are_areas_under_the_curve():
    """Ends at 1 and 3, one running at 4: (1 + 3 + 4) / 3 up to 4."""
    assert kaplan_meier([1, 3, 4], [1, 3, INF]).rmst(4).middle == pytest.approx(8 / 3)
    assert kaplan_meier([4, 5], [INF, INF]).rmst(4).middle == pytest.approx(4)


@pytest.mark.parametrize(
    ("left", "right", "entry"),
    [([], [], None), ([1], [0], None), ([INF], [INF], None), ([1], [1], [2]), ([1], [1], [1])],
)
def test_refuses_times_that_cannot_be(left, right, entry):
    """Empty input, ends before their left end and ends at their own entry are refused."""
    with pytest.raises(ValueError):
        kaplan_meier(left, right, entry)
