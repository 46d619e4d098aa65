"""The share removed, from its worst to its best case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.measures.ranking import rank
from waterbed.measures.removal import WIDEST_GAP, removal
from waterbed.measures.takedown import clocks

from .episodes import SPREAD_H, appearance, episode, hours, spread

UNTIL = hours(SPREAD_H + 90)


def unseen(n, **other):
    """URL number n, down at our first check, three hours after its report: nobody else ever saw it up."""
    return episode(n, 0, 3, "removed", first_up=None, **other)


def test_what_only_the_report_saw_up_is_no_removal_in_the_worst_case():
    """Of twenty, eighteen were down at the first check: removed were from two to all, and two count as removals."""
    group = [unseen(n) for n in range(18)] + [episode(n, 2, 3, "removed") for n in range(18, 20)]
    found = removal(clocks(spread(group)), until=UNTIL)
    assert (found.estimability, found.removed, found.first_down) == ("told", None, 18)
    assert (found.worst, found.best) == pytest.approx((0.1, 1.0))
    assert found.removals == 2
    assert found.low < 0.1
    assert found.high == 1.0


def test_an_analysts_dated_sighting_is_no_bare_report():
    """It was there, so it was not first found down; but whether it was removed, or hidden from checks, nobody saw."""
    group = [unseen(n, confirmed_at=hours(2), last_up=hours(2)) for n in range(20)]
    found = removal(clocks(spread(group)), until=UNTIL)
    assert (found.removed, found.worst, found.best, found.first_down) == (None, 0.0, pytest.approx(1.0), 0)


@pytest.mark.parametrize("least", [0.6, 1.0])
def test_what_an_analyst_alone_saw_up_is_no_sure_removal(least):
    """A hoster that hides from our first check what an analyst dated has an interval that holds what it removed."""
    group = [unseen(n, confirmed_at=hours(2), last_up=hours(2)) for n in range(round(least * 40))]
    group += [episode(n, 80, None) for n in range(round(least * 40), 40)]
    found = removal(clocks(spread(group)), until=UNTIL)
    assert (found.worst, found.best) == (0.0, pytest.approx(least))
    assert found.low is None or found.low == 0.0


def test_nothing_seen_is_unmeasurable():
    """A hoster at which nobody saw any reported URL up has no share, from nothing to all."""
    group = [unseen(n) for n in range(30)]
    rows = rank([appearance(n, "acme") for n in range(30)], spread(group), by="hoster", names={}, until=UNTIL)
    (row,) = rows
    assert (row.rank_class, row.removed_24h, row.removed_24h_low, row.median_h) == ("unmeasurable", None, None, None)
    assert (row.removed_24h_worst, row.removed_24h_best, row.first_down) == (0.0, 1.0, 30)


def test_a_quick_median_needs_somebody_who_saw_it_up():
    """Most are down at the first check: half may be gone within hours, or never."""
    group = [unseen(n) for n in range(16)] + [episode(n, 80, None) for n in range(16, 30)]
    seen = [appearance(n, "acme") for n in range(30)]
    (row,) = rank(seen, spread(group), by="hoster", names={}, until=UNTIL)
    assert (row.median_h, row.median_h_high) == (None, None)
    assert row.median_h_low < 3


_ENDS = st.sampled_from([(2, 3, "removed"), (2, 60, "removed"), (2, 3, "moved"), (80, None, None)])


@given(st.lists(_ENDS, min_size=10, max_size=25), st.integers(0, 25))
def test_adding_what_was_first_found_down_never_makes_a_share_quick(ends, more):
    """Reports first found down lower the worst case and raise the best one; both stay on their side of the share."""
    group = [episode(n, *end) for n, end in enumerate(ends)]
    before = removal(clocks(spread(group)), until=UNTIL)
    added = [unseen(n) for n in range(len(ends), len(ends) + more)]
    after = removal(clocks(spread([*group, *added])), until=UNTIL)
    assert after.worst <= before.worst + 1e-6
    assert after.best >= before.best - 1e-6
    assert after.first_down == more
    assert after.low <= after.worst
    assert after.high >= after.best
    assert (after.removed is None) == (after.best - after.worst > WIDEST_GAP)
