"""How long entries stay in a feed: lists as they are read, deliveries that tell of nothing, late entry."""

import random
from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.intake.csv_table import Rejected
from waterbed.intake.feed_presence import Delivered, Presence, parse_deliveries, parse_presence
from waterbed.judging.quarantines import GuardRules
from waterbed.measures.feeds import retention_ages, staying, suspect_deliveries, window_length


def day(number: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)


def entry(entered: float, last: float, missing: float | None = None, first: float | None = None) -> Presence:
    return Presence(
        entered=day(entered),
        first_listed=None if first is None else day(first),
        last_listed=day(last),
        first_missing=None if missing is None else day(missing),
    )


def test_presence_lists_are_read_line_by_line():
    """What is still listed has no end; bad lines are told by number, not by text."""
    lines = [
        "entered,last_listed,first_missing,first_listed\n",
        "2026-01-01,2026-01-11,2026-01-12,2026-01-02\n",
        "2026-01-02,2026-01-01T12:00Z,2026-01-03,\n",
        "2026-01-01,2026-01-31,,\n",
        "2026-01-05,2026-01-09,2026-01-08,\n",
        "2026-01-05,,,\n",
        "2026-01-05,yesterday,,\n",
        "2026-01-05,2026-01-09,,2026-01-10\n",
    ]
    found = list(parse_presence(lines, "list.csv"))
    assert found[:3] == [entry(0, 10, 11, 1), entry(1, 0.5, 2), entry(0, 30)]
    assert [line.line for line in found[3:] if isinstance(line, Rejected)] == [5, 6, 7, 8]
    assert not any("yesterday" in line.reason for line in found[3:])


def test_a_window_of_constant_length_is_told():
    """The newest 50 of a stream are a window; a list that entries leave by themselves is none."""
    chance = random.Random(5)
    stream, size, seen = 900, 50, list[Presence]()
    for n in range(stream):  # one comes at each delivery, and pushes the oldest out
        out = n + size
        seen.append(entry(n / 24, min(out - 1, stream - 1) / 24, out / 24 if out < stream else None))
    assert window_length(seen) == size
    assert window_length(seen[:60]) is None
    free = []
    for n in range(stream):
        stay = max(1, round(chance.expovariate(1 / size)))
        out = n + stay
        free.append(entry(n / 24, min(out - 1, stream - 1) / 24, out / 24 if out < stream else None))
    assert window_length(free) is None
    assert window_length([]) is None


def test_deliveries_are_read_line_by_line():
    """A delivery needs a time and a whole number; the columns have the names that feeds give them."""
    lines = [
        "dump,date,rows\n",
        "0,2026-01-01,5\n",
        "1,2026-01-02,0\n",
        "2,,4\n",
        "3,2026-01-04,-1\n",
        "4,2026-01-05,\n",
    ]
    found = list(parse_deliveries(lines, "dumps.csv"))
    assert found[:2] == [Delivered(received=day(0), entries=5), Delivered(received=day(1), entries=0)]
    assert [line.line for line in found[2:] if isinstance(line, Rejected)] == [4, 5, 6]


def test_ages_count_from_entry():
    """Without deliveries an entry's own times hold; it came into sight with itself unless told otherwise."""
    found = retention_ages([entry(0, 10, 11), entry(1, 0.5, 2), entry(0, 30), entry(0, 10, 11, 4)])
    assert (found.left.tolist(), found.right.tolist()) == ([10.0, 0.0, 30.0, 10.0], [11.0, 1.0, inf, 11.0])
    assert found.entry.tolist() == [0.0, 0.0, 0.0, 4.0]


def test_an_empty_delivery_tells_of_no_absence():
    """What was last listed before an empty or halved delivery is missing from the one after it on."""
    came = [Delivered(received=day(n), entries=size) for n, size in enumerate([100, 99, 101, 0, 102, 40, 100])]
    held = suspect_deliveries("feed", came, GuardRules())
    assert [(one.began_at, one.flipped) for one in held] == [(day(3), 0), (day(5), 40)]
    believed = [one.received for one in came if one.received not in {one.began_at for one in held}]
    found = retention_ages([entry(0, 2, 3), entry(0, 4), entry(0, 1), entry(0, 6)], believed)
    assert found.right.tolist() == [4.0, 6.0, 2.0, inf]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1), st.sets(st.integers(0, 25)))
def test_absence_is_the_first_believed_delivery_after_the_last_presence(pairs, told):
    """As a plain search finds it."""
    entries = [entry(entered, last) for entered, last in pairs]
    found = retention_ages(entries, [day(n) for n in sorted(told)])
    for (entered, last), left, right in zip(pairs, found.left, found.right, strict=True):
        later = [n for n in told if n > max(entered, last)]
        assert right == pytest.approx(min(later) - entered if told and later else inf)
        assert right > left >= 0


def test_entry_is_ignored_only_aloud_and_makes_stays_long():
    """Those who came into sight at ten days had lasted ten days: without heeding that the median rises."""
    early = [entry(0, n, n + 1) for n in range(1, 9)]
    late = [entry(0, 10 + n, 11 + n, 10) for n in range(8)]
    found = retention_ages(early + late)
    heeded = staying(found, midpoint=True).median[1]
    with pytest.warns(UserWarning, match="late entry is ignored"):
        assert staying(found, midpoint=True, ignore_entry=True).median[1] > heeded + 2
    with pytest.raises(ValueError, match="midpoints"):
        staying(found, ignore_entry=True)
    low, high = staying(found).median
    assert low <= heeded <= high
