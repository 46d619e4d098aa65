"""The graph week by week."""

from datetime import UTC, datetime

import pytest

from tests.graphs.hop_makers import hop, sure
from waterbed.graphs.network.moves import moves_of
from waterbed.graphs.network.weeks import arrived_within, week_window, weeks

WEEK = "2026-W02"
"""Begins with hour 0."""


def test_a_week_is_seven_days_from_monday_in_utc() -> None:
    """ISO 8601: the first week of 2026 began in 2025."""
    assert week_window("2026-W01") == (datetime(2025, 12, 29, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC))


@pytest.mark.parametrize("word", ["2026-12", "2026-W60", "2025-W53", "2026-W1", "0000-W01", "soon", ""])
def test_what_is_no_week_is_refused(word: str) -> None:
    """Weeks that a year does not have are no weeks."""
    with pytest.raises(ValueError):
        week_window(word)


@pytest.mark.parametrize(
    ("came", "week", "until"),
    [
        ((1, 2), "surely", "surely"),
        ((0, 167), "surely", "surely"),
        ((-1, 2), "possibly", "surely"),
        ((None, 2), "possibly", "surely"),
        ((160, 168), "possibly", "possibly"),
        ((168, 170), "no", "no"),
        ((-9, -1), "no", "surely"),
    ],
)
def test_an_arrival_is_in_a_week_by_its_interval(came: tuple[float | None, float], week: str, until: str) -> None:
    """Surely if the interval lies in it, possibly if it overlaps; cumulative counts from the beginning."""
    one = hop("a", "b", (-30, -20), came)
    start, end = week_window(WEEK)
    assert (arrived_within(one, start, end), arrived_within(one, None, end)) == (week, until)


def test_weeks_count_each_hop_that_may_have_arrived() -> None:
    """The series has the same numbers as its hops one by one; parallel hops are not in it."""
    hops = [sure("a", "b", n * 50.0) for n in range(9)] + [hop("a", "b", (90, 200), (None, 300))]
    hops += [hop("a", "b", (100, 101), (100, 340)), hop("a", "b", (90, 91), (None, 80))]
    found = weeks(moves_of(hops))
    assert found.labels == ("2026-W02", "2026-W03", "2026-W04")
    counted = [one for one in hops if one.order != "parallel"]
    for at, label in enumerate(found.labels):
        start, end = week_window(label)
        held = [arrived_within(one, start, end) for one in counted]
        until = [arrived_within(one, None, end) for one in counted]
        assert (found.surely[at], found.possibly[at]) == (held.count("surely"), len(held) - held.count("no"))
        assert (found.surely_until[at], found.possibly_until[at]) == (
            until.count("surely"),
            len(until) - until.count("no"),
        )


def test_without_hops_there_are_no_weeks() -> None:
    """Nothing arrived."""
    assert weeks(moves_of([])).labels == ()
