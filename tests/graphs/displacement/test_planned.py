"""Estimates under a planned effect: windows before the event stand for the one after it."""

import pytest

from tests.graphs.displacement.movements import DAY_H, event, movements, world
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.movements import Movements
from waterbed.graphs.displacement.planned import DRAWS, Effect, Expected, compared, expected, known_order, plan_windows

PLANNED = event(controls=("c0", "c1", "c2"), buffer=(), buffer_controls=())
EFFECT = Effect(removed=1.0, seen=0.3, stock=False)


def _expected(asked: Event, found: Movements, windows: int = 4) -> list[tuple[Expected | Refusal, Expected | Refusal]]:
    chosen = plan_windows(asked, found)[:windows]
    return expected(asked, compared(asked, found), chosen, EFFECT, order=0.5, seed=1)


def test_windows_end_before_the_event_and_do_not_overlap() -> None:
    """Each is as long as the one after the event and can be followed for the horizon; none without room."""
    found = plan_windows(PLANNED, movements([], days=60))
    assert found == [((57 - 7 * (n + 1)) * DAY_H, (57 - 7 * n) * DAY_H) for n in range(4)]
    assert plan_windows(PLANNED, movements([], days=180))[0][1] == 160 * DAY_H
    assert plan_windows(PLANNED, movements([], days=9)) == []


def test_an_estimate_has_the_planned_excess_and_an_error_that_more_content_lowers() -> None:
    """What comes up anyway is left out; only moves of known order count in the sequential reading."""
    found = world(7, days=60, at=100)
    windows = plan_windows(PLANNED, found)
    pairs = _expected(PLANNED, found)
    assert len(pairs) == DRAWS * len(windows)
    for sequential, other in pairs:
        assert isinstance(sequential, Expected)
        assert isinstance(other, Expected)
        assert other.excess == pytest.approx(0.3)
        assert sequential.excess == pytest.approx(0.15)
        assert 20 < other.treated < 90
        assert 0.02 < other.error < 0.15
    long = event(controls=("c0", "c1", "c2"), buffer=(), buffer_controls=(), after=28)
    (more, *_), (less, *_) = (_expected(one, found, 1) for one in (long, PLANNED))
    assert isinstance(more[1], Expected)
    assert isinstance(less[1], Expected)
    assert more[1].treated > 2 * less[1].treated
    assert more[1].error < less[1].error


def test_too_little_content_refuses_the_estimate() -> None:
    """With few sites that end there is the estimator's own reason; unknown orders count as a half."""
    found = world(7, days=60, at=100)
    few = movements(
        list(found.gains), [one for one in found.spells if one.place != "t" or one.cluster % 12 == 0], days=60
    )
    pairs = _expected(PLANNED, few, 1)
    assert all(isinstance(one, Refusal) for pair in pairs for one in pair)
    assert known_order(few) == (0.5, 0)
    assert known_order(world(7, moved=1.0))[0] == 1.0
