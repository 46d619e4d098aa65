"""What hosters acted on after they were told."""

from dataclasses import replace

import numpy as np
import pytest

from tests.measures.episodes import episode, hours
from tests.measures.sent_notices import notice, told_of
from waterbed.measures.clocks import takedown_clocks
from waterbed.measures.notices.compliance import compliance, deadlines, trends, unanswered, week_of
from waterbed.measures.takedown import never_seen

UNTIL = hours(5_000)


def told_once(ends, *, at=0.0, start=0, clock="notice_delivered", days=0.0, **other):
    """Clocks of URLs that ended so many hours after the notice (looks an hour apart), None: still up at the end.

    Notices are sent at once, or all through some days.
    """
    stays, notices, first = [], [], at
    for number, end in enumerate(ends, start):
        at = first + number * 0.618034 % 1.0 * days * 24
        if end is None:
            stays.append(episode(number, 4_990 - at, None, at=at))
        else:
            stays.append(episode(number, 1 + end - 0.5, 1 + end + 0.5, "removed", at=at))
        notices.append(notice(number, at + 1, **other))
    return takedown_clocks(stays, told_of(*notices), key="acme", clock=clock)


def test_shares_of_known_ends():
    """Twenty sites, half of them removed within a day, a quarter within twelve hours."""
    ends = [6.0] * 5 + [18.0] * 5 + [60.0] * 5 + [None] * 5
    rows = compliance({"acme": told_once(ends, days=20)}, {"acme": "Acme"}, until=UNTIL)
    found = {row.within_h: row for row in rows}
    assert {h: row.removed for h, row in found.items()} == pytest.approx(
        {1.0: 0.0, 12.0: 0.25, 24.0: 0.5, 48.0: 0.5, 72.0: 0.75}, abs=1e-5
    )
    day = found[24.0]
    assert (day.key, day.name, day.week, day.rank_class, day.clocks, day.clusters) == (
        "acme",
        "Acme",
        None,
        "ranked",
        20,
        20,
    )
    assert day.removed_low < 0.5 < day.removed_high
    assert (day.surely, day.possibly) == (10, 10)


def test_a_share_met_needs_a_deadline_of_the_order_or_the_law():
    """Orders of the Dutch authority have 12 hours by law; other notices have a time to action."""
    ends = [6.0] * 10 + [18.0] * 10
    (dutch,) = deadlines({"acme": told_once(ends, days=20, clock="legal_order", kind="nl_order")}, {}, until=UNTIL)
    assert (dutch.kind, dutch.clocks, dutch.due, dutch.due_h) == ("nl_order", 20, 20, 12.0)
    assert dutch.met == pytest.approx(0.5, abs=0.01)
    assert dutch.met_low < 0.5 < dutch.met_high
    assert (dutch.surely, dutch.missed, dutch.action_h) == (10, 10, None)
    (court,) = deadlines({"acme": told_once(ends, days=20, clock="legal_order", kind="legal_order")}, {}, until=UNTIL)
    assert (court.due, court.due_h, court.met) == (0, None, None)
    assert 6.0 < court.action_h < 19.0
    (plain,) = deadlines({"acme": told_once(ends, days=20)}, {}, until=UNTIL)
    assert (plain.kind, plain.due, plain.met) == ("ntd", 0, None)


def test_what_the_police_held_and_what_hides_meets_no_deadline():
    """Content that was to stay up misses nothing; with 20 more that nobody could decide there is no share."""
    ends = [6.0] * 20
    own = told_once(ends, days=20, clock="legal_order", kind="nl_order")
    held = told_once([None] * 20, start=20, days=20, clock="legal_order", kind="nl_order", held_for_police=True)
    (row,) = deadlines({"acme": [*own, *held]}, {}, until=UNTIL)
    assert (row.clocks, row.missed, row.met) == (20, 0, pytest.approx(1.0, abs=0.01))
    dark = [never_seen(f"dark {n}", hours(24 * n)) for n in range(20)]
    (row,) = deadlines({"acme": own}, {}, until=UNTIL, hidden={"acme": dark})
    assert (row.met, row.surely) == (None, 20)


def test_an_orders_own_time_comes_before_the_laws():
    """Twenty orders state 20 hours each: content gone after 18 met them, though the law would have given 12."""
    stays = [episode(n, 1 + 18 - 0.5, 1 + 18 + 0.5, "removed", at=24.0 * n) for n in range(20)]
    orders = [notice(n, 24.0 * n + 1, kind="nl_order", due_at=hours(24.0 * n + 21)) for n in range(20)]
    own = takedown_clocks(stays, told_of(*orders), key="acme", clock="legal_order")
    (row,) = deadlines({"acme": own}, {}, until=UNTIL)
    assert (row.due_h, row.met, row.surely, row.missed) == (20.0, pytest.approx(1.0, abs=0.01), 20, 0)
    known = notice(1, 5, kind="tco")
    assert known.deadline == (hours(6), "law")
    assert notice(1, None, sent=5, kind="tco").deadline is None


def test_few_clusters_give_no_number():
    """Nine sites are too few, and so are twenty in one batch."""
    few = compliance({"a": told_once([6.0] * 9)}, {}, until=UNTIL)
    batch = compliance({"a": told_once([6.0] * 20, batch="b")}, {}, until=UNTIL)
    assert {(row.removed, row.rank_class) for row in (*few, *batch)} == {(None, "too few followed")}


def test_hiding_gives_a_range():
    """With 20 more of which no check could be decided, shares run from none to all of these, in their week alone."""
    clocks = told_once([6.0] * 20)
    dark = {"acme": [never_seen(f"d{n}", hours(1)) for n in range(20)]}
    rows = compliance({"acme": clocks}, {}, until=UNTIL, within_h=(24.0,), hidden=dark)
    (row,) = rows
    assert (row.removed, row.removed_worst, row.removed_best, row.rank_class) == (None, 0.5, 1.0, "too few days")
    later = {"acme": [never_seen(f"d{n}", hours(400)) for n in range(20)]}
    whole, week = compliance({"acme": clocks}, {}, until=UNTIL, weeks=True, within_h=(24.0,), hidden=later)
    assert (whole.removed, whole.removed_worst, whole.removed_best) == (None, 0.5, 1.0)
    assert (week.removed, week.removed_low, week.removed_high) == (1.0, None, None)


def test_what_was_lost_from_sight_may_have_been_removed():
    """Forty URLs never decided again after an hour, or gone where others alone answered: perhaps removed in time."""
    stays = [episode(n, 2, None) for n in range(40)]
    lost = takedown_clocks(stays, told_of(*(notice(n, 1) for n in range(40))), key="acme", clock="notice_delivered")
    (row,) = compliance({"acme": lost}, {}, until=UNTIL, within_h=(24.0,))
    assert (row.rank_class, row.surely, row.possibly) == ("unmeasurable", 0, 40)
    (row,) = compliance({"acme": lost}, {}, until=hours(20), within_h=(24.0,))
    assert (row.surely, row.possibly) == (0, 0), "none could be followed for a day"
    elsewhere = [episode(n, 2, 3, "lost") for n in range(40)]
    lost = takedown_clocks(elsewhere, told_of(*(notice(n, 1) for n in range(40))), key="acme", clock="notice_delivered")
    (row,) = compliance({"acme": lost}, {}, until=UNTIL, within_h=(24.0,))
    assert (row.rank_class, row.surely, row.possibly) == ("unmeasurable", 0, 40)


def test_a_deadline_is_measured_over_as_long_a_time():
    """Orders of a week, the newest still running: what was given a day less than its week is in no share."""
    ends = [100.0] * 90
    own = told_once(ends, days=45, clock="legal_order", kind="nl_order", due_at=None)
    weeks = [replace(clock, due_h=168.0) for clock in own]
    last = [replace(clock, due_h=168.0) for clock in told_once([None] * 30, start=90, at=45 * 24.0, days=3,
                                                               clock="legal_order", kind="nl_order")]  # fmt: skip
    until = hours(48 * 24)
    running = [replace(clock, left_h=(until - clock.origin).total_seconds() / 3600) for clock in last]
    (row,) = deadlines({"acme": [*weeks, *running]}, {}, until=until)
    assert (row.due, row.surely, row.missed) == (120, 90, 0)
    assert row.met == pytest.approx(1.0, abs=0.01)


def test_gone_before_the_notice_is_to_its_credit():
    """What was removed before the notice counts in a column of its own, and in no share."""
    stays = [episode(n, 3, 4, "removed") for n in range(3)] + [episode(3, 3, 4, "name")]
    gone = takedown_clocks(stays, told_of(*(notice(n, 9) for n in range(4))), key="acme", clock="notice_delivered")
    (row,) = compliance({"acme": [*gone, *told_once([None] * 10, start=20)]}, {}, until=UNTIL, within_h=(24.0,))
    assert (row.before, row.removed_before, row.clocks, row.removed) == (4, 3, 10, 0.0)
    (alone,) = compliance({"acme": gone}, {}, until=UNTIL, within_h=(24.0,))
    assert (alone.clocks, alone.rank_class) == (0, "unmeasurable")


def weekly(shares, sites=12):
    """Clocks of one hoster that removes this share of each week's notices."""
    found = []
    for week, share in enumerate(shares):
        quick = round(share * sites)
        ends = [6.0] * quick + [200.0] * (sites - quick)
        found += told_once(ends, at=week * 168.0, start=100 * week)
    return found


def test_each_week_has_a_row_and_the_trend_its_slope():
    """Five weeks, ten points better each: the slope is ten points a week, and its interval holds it."""
    shares = [0.25, 1 / 3, 0.5, 7 / 12, 2 / 3]
    group = {"acme": weekly(shares)}
    rows = [row for row in compliance(group, {}, until=UNTIL, weeks=True) if row.within_h == 24.0]
    assert [row.week for row in rows] == [None, "2026-W09", "2026-W10", "2026-W11", "2026-W12", "2026-W13"]
    assert [row.removed for row in rows[1:]] == pytest.approx(shares, abs=1e-5)
    (trend,) = trends(group, {}, until=UNTIL, rng=np.random.default_rng(1))
    assert (trend.weeks, trend.rank_class, trend.clusters) == (5, "ranked", 60)
    assert trend.slope == pytest.approx(np.polyfit(range(5), shares, 1)[0], abs=1e-5)
    assert 0 < trend.slope_low < trend.slope < trend.slope_high


def test_few_weeks_or_clusters_have_no_trend():
    """Three weeks are too few, and so are many weeks of few sites."""
    for group in (weekly([0.5] * 3), weekly([1.0] * 6, sites=1)):
        (trend,) = trends({"acme": group}, {}, until=UNTIL, rng=np.random.default_rng(1))
        assert trend.slope is None
        assert trend.rank_class in ("too few days", "too few followed")


def test_a_flat_hoster_has_a_flat_trend():
    """The interval of a hoster that does not change holds zero."""
    (trend,) = trends({"acme": weekly([0.5] * 6)}, {}, until=UNTIL, rng=np.random.default_rng(2))
    assert trend.slope_low <= 0 <= trend.slope_high


def test_a_hoster_that_removes_all_may_still_change():
    """All removed in each week: the slope is 0, and its interval has the width that so few clusters leave."""
    (trend,) = trends({"acme": weekly([1.0] * 6)}, {}, until=UNTIL, rng=np.random.default_rng(2))
    assert trend.slope == 0
    assert trend.slope_low < -0.002 < 0.002 < trend.slope_high


def test_silence_is_listed():
    """Told, not answered, and still up after the time: with its reminders, the longest first."""
    quick, slow, up = told_once([6.0]), told_once([100.0], start=1), told_once([None], start=2)
    answered = told_once([None], start=3, acknowledged_at=hours(2))
    found = unanswered({"acme": [*quick, *slow, *up, *answered]}, {"acme": "Acme"}, after_h=72)
    assert [(one.url_id, one.ended) for one in found] == [("u2", None), ("u1", "removed")]
    assert found[1].up_h == 99.5
    orders = told_once([20.0], clock="legal_order", kind="legal_order", acknowledged_at=hours(2))
    assert [one.url_id for one in unanswered({"acme": orders}, {}, after_h=12)] == ["u0"]


def test_weeks_are_those_of_the_standard():
    """The first days of a year may belong to the last week of the one before."""
    assert week_of(hours(0).replace(year=2027, month=1, day=1)) == "2026-W53"
