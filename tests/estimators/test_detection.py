"""Capture-recapture and bounds against printed examples and simulated truth."""

import numpy as np
import pytest

from waterbed.estimators.detection import chao, chapman, destination_bounds
from waterbed.estimators.refusal import Refusal


def test_chapman_done_by_hand():
    """Lists of 200 and 150 with 29 in common: 201 * 151 / 30 - 1."""
    found = chapman(200, 150, 29)
    assert found.estimate == pytest.approx(1010.7)
    assert found.error == pytest.approx(np.sqrt(201 * 151 * 171 * 121 / (30**2 * 31)))
    assert found.seen == 321
    assert 321 < found.low < found.estimate < found.high


def test_chapman_holds_the_truth_when_lists_are_independent():
    """Over simulated lists the estimate is unbiased and its interval covers."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        one, two = rng.random(500) < 0.4, rng.random(500) < 0.3
        found.append(chapman(int(one.sum()), int(two.sum()), int((one & two).sum())))
    assert np.mean([x.estimate for x in found]) == pytest.approx(500, abs=5)
    assert np.mean([x.low <= 500 <= x.high for x in found]) > 0.92


def test_chao_is_a_lower_bound_under_unequal_detection():
    """When members differ in detection the bound stays at or below the truth, and above what was seen."""
    rng = np.random.default_rng(2)
    chance = rng.beta(0.8, 2.5, 3000)
    found = chao(rng.random((3000, 4)) < chance[:, None])
    assert found.seen < found.estimate < 3000
    even = chao(rng.random((3000, 4)) < 0.3)
    assert even.estimate == pytest.approx(3000, rel=0.08)


def test_chao_done_by_hand():
    """Two lists, three members on one and two on both: 5 + 1/2 * 3 * 2 / (2 * 3)."""
    found = chao([[1, 0], [0, 1], [1, 0], [1, 1], [1, 1], [0, 0]])
    assert found.seen == 5
    assert found.estimate == 5.5


def test_too_little_overlap_is_refused():
    """Six in common, or nobody on two lists, give a reason."""
    assert "6 in both" in chapman(100, 100, 6).reason
    assert isinstance(chao([[1, 0], [0, 1]]), Refusal)
    with pytest.raises(ValueError, match="either"):
        chapman(5, 5, 6)


def test_destination_shares_under_unequal_detection():
    """80 seen at home at 0.8 and 30 abroad at 0.2 to 0.4 may be anything from 43 to 60% abroad."""
    low, high = destination_bounds([80, 30], [0.8, 0.2], [0.8, 0.4])
    assert (low[1], high[1]) == pytest.approx((75 / 175, 150 / 250))
    assert low[0] + high[1] == pytest.approx(1)
