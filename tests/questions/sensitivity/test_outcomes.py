"""Clocks taken otherwise, and differences of shares."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.study.facts import hour
from waterbed.estimators.survival.incidence import NOTHING
from waterbed.measures.takedown import MOVED, REMOVED, Clock
from waterbed.questions.sensitivity.outcomes import Timed, Value, difference, each_once, moved_as, share_of


def clock(site: str, right_h: float = math.inf, cause: int = NOTHING, *, start: float = 0.0) -> Clock:
    """A clock whose end is known to the minute, or which ran for 100 hours."""
    left = 100.0 if math.isinf(right_h) else right_h - 0.01
    return Clock(left_h=left, right_h=right_h, cause=cause, site_id=site, origin=hour(start))


def group(removed: int, moved: int, stayed: int) -> list[Clock]:
    """So many clocks of each kind, each of a site of its own, all ends in the fifth hour."""
    kinds = [REMOVED] * removed + [MOVED] * moved + [NOTHING] * stayed
    return [
        clock(f"s{n}", math.inf if kind == NOTHING else 5.0, kind, start=n * 0.618034 % 1.0 * 480)
        for n, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize(("level", "share"), [("competing", 6 / 15), ("removed", 9 / 15), ("censored", 6 / 12)])
def test_moves_compete_count_or_drop_out(level: str, share: float) -> None:
    """Of 6 removed, 3 moved and 6 that stay 6/15 are removed; 9/15 with the moves; 6/12 if those are not followed on.

    All leave in one cell, so those that drop out there are at risk before it only.
    """
    told = share_of(group(6, 3, 6), (), hour(700), level)
    assert told is not None
    assert told.removed == pytest.approx(share, abs=0.01)
    assert told.low is not None
    assert told.high is not None
    assert told.low < share < told.high


def test_moves_taken_for_something_leave_other_clocks_as_they_are() -> None:
    """Only clocks that ended by a move change."""
    whole = group(2, 1, 1)
    assert moved_as(whole, "competing") == whole
    assert [c.cause for c in moved_as(whole, "removed")] == [REMOVED, REMOVED, REMOVED, NOTHING]
    censored = moved_as(whole, "censored")
    assert censored == [whole[0], whole[1], whole[3]]


def test_too_few_sites_stay_too_few_whatever_moves_are() -> None:
    """Whether a share is told goes by the clocks as they were seen."""
    told = share_of(group(2, 3, 2), (), hour(700), "removed")
    assert told is not None
    assert (told.estimability, told.removed) == ("too few followed", None)
    assert share_of([], (), hour(700), "removed") is None


def test_each_unit_keeps_the_clock_that_started_first() -> None:
    """Of one host's clocks the earliest stays, whatever the order; of equal starts that of the lower id."""
    late, early, other = Timed(clock("s", start=2), "u1"), Timed(clock("s", start=1), "u2"), Timed(clock("t"), "u3")
    twin = Timed(clock("t"), "u4")
    unit = {"u1": "h", "u2": "h", "u3": "i", "u4": "i"}
    assert each_once([late, early, other, twin], unit) == [early, other]
    assert each_once([twin, other, early, late], unit) == [other, early]


shares = st.floats(0, 1).map(lambda share: round(share, 3))


@given(shares, shares, shares, shares)
def test_difference_lies_in_its_interval(a: float, b: float, down: float, up: float) -> None:
    """A difference is antisymmetric, in its interval, and certain only where both shares are."""
    one = Value(estimability="told", estimate=a, low=a * down, high=a + (1 - a) * up)
    other = Value(estimability="told", estimate=b, low=b * down, high=b + (1 - b) * up)
    found, back = difference(one, other), difference(other, one)
    assert found.estimate is not None
    assert back.estimate is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.estimate <= found.high
    assert found.estimate == pytest.approx(-back.estimate)
    assert found.low == pytest.approx(-(back.high or 0.0))


def test_difference_of_what_is_not_told_says_why() -> None:
    """Without one of the shares there is no difference, and the reason is that share's."""
    told = Value(estimability="told", estimate=0.5, low=0.4, high=0.6)
    assert difference(told, Value(estimability="too few")) == Value(estimability="too few")
