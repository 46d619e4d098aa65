"""Capture-recapture and bounds against printed examples and simulated truth."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from tests.model.said import said
from waterbed.estimators.detection import Bounds, chao, chapman, part_bounds
from waterbed.estimators.refusal import Refusal


def test_chapman_done_by_hand():
    """Lists of 200 and 150 with 29 in common: 201 * 151 / 30 - 1."""
    found = chapman(200, 150, 29)
    assert found.estimate == pytest.approx(1010.7)
    assert found.error == pytest.approx(np.sqrt(201 * 151 * 171 * 121 / (30**2 * 31)))
    assert found.seen == 321
    assert 321 < found.low < found.estimate < found.high


def test_chapmans_interval_is_that_of_members_in_both():
    """All 8 of a list of 8 are among another's 40: more than 61 would give so many in less than 2.5%."""
    found = chapman(40, 8, 8)
    assert (found.estimate, found.low, found.high) == (40, 40, 61)
    assert hypergeom.sf(7, 61, 40, 8) > 0.025 >= hypergeom.sf(7, 62, 40, 8)


@pytest.mark.parametrize(
    ("size", "first", "second"), [(500, 0.4, 0.3), (200, 0.1, 0.95), (100, 0.1, 0.9), (60, 0.8, 0.8), (200, 0.3, 0.99)]
)
def test_chapman_holds_the_truth_when_lists_are_independent(size, first, second):
    """Over simulated lists the estimate is unbiased and its interval covers, also where one list holds the other."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        one, two = rng.random(size) < first, rng.random(size) < second
        found.append(chapman(int(one.sum()), int(two.sum()), int((one & two).sum())))
    told = [x for x in found if not isinstance(x, Refusal)]
    assert np.mean([x.estimate for x in told]) == pytest.approx(size, rel=0.02)
    assert np.mean([x.low <= size <= x.high for x in told]) >= 0.95 - 2 * (0.05 * 0.95 / len(told)) ** 0.5


def test_chao_is_a_lower_bound_under_unequal_detection():
    """When members differ in detection the bound stays at or below the truth, and above what was seen."""
    rng = np.random.default_rng(2)
    chance = rng.beta(0.8, 2.5, 3000)
    found = chao(rng.random((3000, 4)) < chance[:, None])
    assert found.seen < found.estimate < 3000
    even = chao(rng.random((3000, 4)) < 0.3)
    assert even.estimate == pytest.approx(3000, rel=0.08)


@pytest.mark.parametrize(("size", "chance"), [(60, (0.8, 0.8)), (60, (0.4, 0.4)), (600, (0.6, 0.05)), (30, (0.7, 0.7))])
def test_chaos_lower_limit_is_at_most_the_truth(size, chance):
    """In at least 95% of draws the limit is no larger, where nearly all are seen and where members differ."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(300):
        caught = rng.random((size, 3)) < np.resize(chance, size)[:, None]
        held += chao(caught).low <= size
    assert held / 300 >= 0.95


def test_chao_done_by_hand():
    """Two lists, three members on one and two on both: 5 + 1/2 * 3 * 2 / (2 * 3)."""
    found = chao([[1, 0], [0, 1], [1, 0], [1, 1], [1, 1], [0, 0]])
    assert found.seen == 5
    assert found.estimate == 5.5


def test_too_little_overlap_is_refused():
    """Six in common, or nobody on two lists, give a reason."""
    assert "6 in both" in said(chapman(100, 100, 6))
    assert isinstance(chao([[1, 0], [0, 1]]), Refusal)
    with pytest.raises(ValueError, match="either"):
        chapman(5, 5, 6)


def parts(home: int, abroad: int, unknown: int = 0, **other: object) -> Bounds:
    """Bounds of the share abroad: home is detected at 0.8, abroad at 0.2 to 0.4."""
    where = ["home"] * home + ["abroad"] * abroad + ["unknown"] * unknown
    ranges = {"home": (0.8, 0.8), "abroad": (0.2, 0.4), "unknown": (0.2, 0.8)}
    return part_bounds(
        [one != "home" for one in where],
        [one != "abroad" for one in where],
        other.get("detection") or [ranges[one] for one in where],
        other.get("cluster") or range(len(where)),
        least=(0.2, 0.8),
    )


def test_destination_shares_under_unequal_detection():
    """80 seen at home at 0.8 and 30 abroad at 0.2 to 0.4 may be anything from 43 to 60% abroad, beside chance."""
    found = parts(8_000, 3_000)
    assert (found.low, found.high) == pytest.approx((75 / 175, 150 / 250), abs=0.02)
    assert found.low < 75 / 175
    assert found.high > 150 / 250
    assert parts(80, 30).low < found.low
    assert parts(80, 30).high > found.high


def test_a_known_url_is_always_detected():
    """Moves of known URLs are not divided by the detection of reports."""
    found = parts(8_000, 3_000, detection=[(1.0, 1.0)] * 11_000)
    assert (found.low, found.high) == pytest.approx((3 / 11, 3 / 11), abs=0.02)
    assert found.high < parts(8_000, 3_000).low


def test_unknown_sides_may_be_either():
    """An arrival without a country widens both ends."""
    plain, open_ = parts(80, 30), parts(80, 30, 10)
    assert open_.low < plain.low
    assert open_.high > plain.high


def test_a_large_cluster_counts_once():
    """One site with half of all arrivals makes the bounds wide, and all abroad is not certain."""
    assert parts(80, 30, cluster=[0] * 80 + list(range(1, 31))).low < parts(80, 30).low - 0.1
    assert parts(0, 12).low < 0.9
    assert parts(0, 12).high == 1.0


@pytest.mark.parametrize("true", [0.1, 0.45, 0.8])
def test_bounds_hold_at_both_ends_of_the_identified_set(true):
    """Coverage over 600 draws at the lowest and the highest detection abroad is at least 95%, within its error."""
    rng = np.random.default_rng(95)
    for detected in (0.2, 0.4):
        held = 0
        for _ in range(600):
            abroad = rng.random(150) < true
            seen = rng.random(150) < np.where(abroad, detected, 0.8)
            found = parts(int((~abroad & seen).sum()), int((abroad & seen).sum()))
            held += found.low <= true <= found.high
        assert held / 600 >= 0.95 - 2 * (0.05 * 0.95 / 600) ** 0.5
