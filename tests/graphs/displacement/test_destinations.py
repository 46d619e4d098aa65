"""The share of arrivals abroad, with intervals that have a width where all agree."""

import random

import pytest

from tests.graphs.displacement.movements import gain, movements
from waterbed.graphs.displacement.destinations import overall_abroad
from waterbed.model.results import Answer


def _abroad(sides: list[bool]) -> Answer:
    gains = [
        gain("b" if abroad else "t", float(n), n, left="x", left_at=0.0, order="unknown")
        for n, abroad in enumerate(sides)
    ]
    return overall_abroad(movements(gains), "not parallel")


def test_all_at_home_may_be_chance() -> None:
    """Of 12 arrivals none was abroad: up to 19% may go there, as Jeffreys' interval of 0 of 12 says."""
    found = _abroad([False] * 12)
    assert (found.estimate, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.185, abs=0.001)


@pytest.mark.parametrize(("share", "sites"), [(0.1, 12), (0.05, 20), (0.95, 20)])
def test_the_share_abroad_is_held_near_none_and_all(share: float, sites: int) -> None:
    """Of 60 studies with few sites nearly 95% hold the true share."""
    rng = random.Random(4)
    found = [_abroad([rng.random() < share for _ in range(sites)]) for _ in range(60)]
    held = sum(one.low is not None and one.high is not None and one.low <= share <= one.high for one in found)
    assert held >= 53
