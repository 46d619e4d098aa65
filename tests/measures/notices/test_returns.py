"""Content that comes back: three shares that differ where it does."""

from dataclasses import replace

import pytest

from tests.measures.episodes import episode, hours
from waterbed.measures.notices.returns import returns

DAY = 24.0


def stay(n, at, left, right, cause="removed", *, reported=True, **other):
    """URL number n, up from `at`, with its report then; the last look before it saw it gone an hour earlier."""
    return episode(
        n,
        left,
        right,
        cause,
        at=at,
        reported_at=hours(at) if reported else None,
        absent_at=None if reported else hours(at - 1),
        **other,
    )


def row(episodes, key="acme", until=200 * DAY):
    """The row of one hoster."""
    own = [one for one in episodes if one.hoster == key]
    (found,) = returns({key: own}, episodes, {}, until=hours(until), by="hoster")
    return found


def test_removed_and_durable_differ_by_what_came_back():
    """Of twenty, ten stay, four are removed for good, three are back after 34 hours, three after forty days."""
    gone = [stay(n, n * 12.0, 5, 6) for n in range(10)]
    back = [stay(n, n * 12.0 + 40, 400, None, None, reported=False) for n in range(4, 7)]
    late = [stay(n, n * 12.0 + 6 + 40 * DAY, 400, None, None, reported=False) for n in range(7, 10)]
    there = [stay(n, n * 12.0, 2000, None, None) for n in range(10, 20)]
    found = row([*gone, *back, *late, *there])
    assert (found.reports, found.removed_24h, found.gone_24h) == (20, 0.5, 0.5)
    assert (found.reports_30d, found.durable_30d, found.durable_90d) == (20, 0.35, 0.2)
    assert (found.removals, found.back_here, found.back_elsewhere) == (10, 3, 0)
    assert found.durable_30d_low < 0.35 < found.durable_30d_high


def test_content_back_elsewhere_is_no_durable_removal():
    """The same content at another URL and hoster ends it; a copy that was there before does not."""
    gone = [stay(n, n * 12.0, 5, 6) for n in range(10)]
    moved = stay(100, 3 * 12.0 + 50, 400, None, None, hoster="other", content_id="u3")
    copy = stay(101, 0.0, 4000, None, None, hoster="other", content_id="u4")
    found = row([*gone, moved, copy])
    assert (found.removed_24h, found.durable_30d) == (1.0, 0.9)
    assert (found.back_here, found.back_elsewhere) == (0, 1)


def test_a_report_of_what_nobody_saw_up_brings_nothing_back():
    """False reports of removed content elsewhere, down at the first check, leave a hoster's durable share as it is."""
    gone = [stay(n, n * 12.0, 5, 6) for n in range(10)]
    false = [
        replace(stay(100 + n, n * 12.0 + 50, 0, 1, hoster="other", content_id=f"u{n}"), first_up=None) for n in range(5)
    ]
    assert not any(one.seen for one in false)
    found = row([*gone, *false])
    assert (found.durable_30d, found.back_here, found.back_elsewhere) == (1.0, 0, 0)


def test_what_nobody_saw_and_what_was_not_followed_is_in_no_share():
    """A loss in an interval that holds the end of the day is unknown; without 30 days there is no durable share."""
    gone = [stay(n, n * 12.0, 5, 6) for n in range(19)]
    open_ = [stay(19, 19 * 12.0, 20, 30)]
    found = row([*gone, *open_], until=25 * DAY)
    assert (found.gone_24h, found.gone_24h_worst, found.gone_24h_best) == (1.0, 0.95, 1.0)
    assert (found.removed_24h_worst, found.removed_24h_best) == (0.95, 1.0)
    assert (found.reports_30d, found.durable_30d, found.durable_30d_low, found.removals) == (0, None, None, 0)
    few = row([stay(n, n * 12.0, 5, 6) for n in range(9)])
    assert (few.reports, few.removed_24h) == (9, None)


@pytest.mark.parametrize("cause", ["lineage", "lost"])
def test_what_changed_hands_or_nobody_asked_for_is_neither_kept_nor_removed(cause):
    """Thirty are removed after five hours, thirty end so after three: what came of these leaves no one share."""
    gone = [stay(n, n * 12.0, 5, 6) for n in range(30)]
    sold = [stay(n, n * 12.0, 2, 3, cause) for n in range(30, 60)]
    found = row([*gone, *sold])
    assert (found.gone_24h, found.gone_24h_worst, found.gone_24h_best) == (None, 0.5, 1.0)
    assert (found.durable_30d, found.durable_30d_worst, found.durable_30d_best) == (None, 0.5, 1.0)
    assert found.gone_24h_low < 0.5
    assert found.gone_24h_high > 0.9


def test_what_is_back_within_a_day_was_not_removed():
    """Four of twenty were seen gone at 5 h and back at 6 h: no removal, whether it was confirmed or not."""
    flap = {"flap_last_up": 4, "flap_first_down": 5, "flap_up_again": 6}
    stays = [stay(n, n * 12.0, 2000, None, None, **{k: hours(n * 12.0 + h) for k, h in flap.items()}) for n in range(4)]
    found = row([*stays, *(stay(n, n * 12.0, 5, 6) for n in range(4, 20))])
    assert (found.removed_24h, found.removed_24h_worst, found.removed_24h_best) == (0.8, 0.8, 0.8)
    confirmed = [stay(n, n * 12.0, 4, 5) for n in range(4)]
    again = [stay(n, n * 12.0 + 6, 2000, None, None, reported=False) for n in range(4)]
    assert row([*confirmed, *again, *(stay(n, n * 12.0, 5, 6) for n in range(4, 20))]).removed_24h == 0.8
    assert (found.gone_24h, found.gone_24h_best, found.durable_30d, found.durable_30d_best) == (0.8, 0.8, 0.8, 0.8)
    assert (found.flaps, found.back_here) == (4, 0)


def test_the_gap_between_looks_says_which_cycles_nobody_sees():
    """Stays of 6 hours with three looks each: what is away for less than two hours may be in no share."""
    assert row([stay(n, n * 12.0, 5, 6) for n in range(10)]).look_gap_h == 2.0


def test_between_two_stays_it_is_gone_as_far_as_looks_tell():
    """A look after 24 h that still missed it says that it was gone; one before says nothing."""
    seen = [stay(n, n * 12.0, 5, 6) for n in range(10)]
    later = [stay(n, n * 12.0 + 40, 9, None, None, reported=False) for n in range(10)]
    assert row([*seen, *later]).gone_24h == 1.0
    at_25 = [stay(n, n * 12.0 + 24.5, 9, None, None, reported=False) for n in range(10)]
    assert row([*seen, *at_25]).gone_24h is None
