"""Drifts that explain a change away, against a linear program and simulated drifts."""

import numpy as np
import pytest
from scipy.optimize import linprog

from tests.model.said import said
from waterbed.estimators.drift import Drift, explaining_drift
from waterbed.estimators.refusal import Refusal


def identified(means: np.ndarray, times: float) -> tuple[float, float]:
    """The set of effects under relative magnitudes, by linear programs over all drifts.

    One program for each change before that may be the largest, in either direction, as in the authors' own program.
    """
    before = np.diff(means)[:-1]
    ends = []
    for largest, sign in ((one, way) for one in range(before.size) for way in (1.0, -1.0)):
        if sign * before[largest] < np.abs(before).max() - 1e-12:
            continue
        # the drift is known before the event; its next change is within what the largest allows
        room = times * sign * before[largest]
        for way in (1.0, -1.0):
            found = linprog([way], A_ub=[[1.0], [-1.0]], b_ub=[room, room], bounds=[(None, None)])
            ends.append(float(np.diff(means)[-1] - found.x[0]))
    return min(ends), max(ends)


def found(means: np.ndarray, errors: np.ndarray) -> Drift:
    one = explaining_drift(means, errors)
    assert not isinstance(one, Refusal)
    return one


def test_without_chance_it_is_the_identified_set() -> None:
    """As errors vanish, the interval is the set of the published bounds, and the estimate where it reaches zero."""
    means = np.array([0.0, 0.3, 0.1, -0.4, 0.1, -1.4])
    one = found(means, np.full(6, 1e-9))
    for times in (0.0, 0.5, 1.0, 2.0):
        assert one.interval(times) == pytest.approx(identified(means, times), abs=1e-6)
    assert one.estimate == pytest.approx(1.5 / 0.5)
    assert one.interval(one.estimate)[1] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("times", [0.0, 0.5, 1.0, 2.0])
def test_the_interval_holds_the_effect_under_the_worst_drift(times: float) -> None:
    """The drift at the event is as large as allowed: 95% hold the effect, with two changes before or six."""
    rng, held = np.random.default_rng(int(times * 10)), []
    for stretches in (3, 7):
        for _ in range(600):
            drifts = rng.normal(0, rng.choice([0.0, 0.1, 1.0]), stretches - 1)
            last = times * np.abs(drifts).max() * rng.choice([-1.0, 1.0])
            error = rng.uniform(0.05, 0.3, stretches + 1)
            truth = np.cumsum(np.r_[0.0, drifts, last - 0.5])
            low, high = found(truth + error * rng.normal(size=truth.size), error).interval(times)
            held.append(low <= -0.5 <= high)
    assert np.mean(held) >= 0.95 - 3 * (0.05 * 0.95 / 1200) ** 0.5


def test_an_effect_within_chance_needs_no_drift() -> None:
    """A change smaller than counting errors has the estimate 0; short histories have none."""
    assert found(np.array([0.0, 0.1, 0.0, 0.1]), np.full(4, 0.2)).estimate == 0.0
    assert "2 stretches" in said(explaining_drift([0.0, 0.1, 0.2], [0.1, 0.1, 0.1]))
    with pytest.raises(ValueError, match="above 0"):
        explaining_drift([0.0, 0.1, 0.2], [0.1, 0.1, 0.0])
