"""Takedown clocks and the share removed."""

import pytest

from waterbed.measures.constancy import Part
from waterbed.measures.removal import removal, removals
from waterbed.measures.removal_curves import MARKS_H, hourly, removal_curves
from waterbed.measures.takedown import (
    CAUSES,
    REMOVED,
    clocks,
    episode_keys,
    episodes_by_key,
)

from .episodes import SPREAD_H, episode, hours, spread

INF = float("inf")


def shape(clock):
    return clock.left_h, clock.right_h, CAUSES[clock.cause] if clock.cause >= 0 else None


def test_clock_runs_from_the_report_to_the_interval_of_the_end():
    """Hours count from reported_at; the end is (last_up, first_down]; a running episode has no end."""
    group = clocks([episode(1, 3, 5, "removed", at=10), episode(2, 40, None, reported_at=hours(4))])
    assert [shape(c) for c in group] == [(3, 5, "removed"), (36, INF, None)]
    assert group[0].origin == hours(10)


def test_report_after_the_last_look_that_saw_it_up_starts_at_zero():
    """Reported between the last look up and the first down, it ended at most so long after the report."""
    group = clocks([episode(1, 3, 9, "removed", reported_at=hours(5))])
    assert [shape(c) for c in group] == [(0, 4, "removed")]


def test_what_was_never_reported_there_has_no_clock():
    """Nobody was asked to remove it, so it tells nothing of compliance."""
    assert clocks([episode(1, 3, 5, "removed", reported_at=None)]) == []


def test_overlapping_episodes_end_with_the_later_one():
    """Two overlapping stays in one country end when both have; the report of either starts the clock."""
    pair = [
        episode(1, 25, 26, "removed", hoster="a", reported_at=None),
        episode(1, 10, 20, "removed", hoster="b", at=10, reported_at=hours(28)),
    ]
    assert [shape(c) for c in clocks(pair)] == [(0, 2, "removed")]
    running = [pair[0], episode(1, 12, None, hoster="b", at=10, reported_at=hours(12))]
    assert [shape(c) for c in clocks(running)] == [(13, INF, None)]


def test_masked_counts_as_moved_and_an_end_without_cause_as_lost():
    """Going behind a proxy is leaving; an end nobody can explain is never credited as removal."""
    group = clocks([episode(1, 1, 2, "masked"), episode(2, 1, 2, None), episode(3, 1, 2, "name")])
    assert [CAUSES[c.cause] for c in group] == ["moved", "lost", "name"]


def test_proxies_have_no_takedown_clock():
    """An episode at a reverse proxy gives no clock."""
    assert clocks([episode(1, 1, 2, "removed", proxy=True)]) == []


def test_move_within_a_group_does_not_end_its_clock():
    """Content that goes from one hoster to another of the same country stays up in that country."""
    first = episode(1, 5, 6, "moved", hoster="a")
    then = episode(1, 3, 4, "removed", hoster="b", at=6)
    groups = episodes_by_key([first, then], "country")
    assert [shape(c) for c in clocks(groups["NL"])] == [(9, 10, "removed")]
    by_hoster = episodes_by_key([first, then], "hoster")
    assert [shape(c) for c in clocks(by_hoster["a"])] == [(5, 6, "moved")]


def test_content_back_after_removal_has_a_second_clock():
    """A reappearance is a takedown of its own."""
    group = clocks([episode(1, 5, 6, "removed"), episode(1, 3, 4, "removed", at=50, absent_at=hours(49))])
    assert [shape(c) for c in group] == [(5, 6, "removed"), (3, 4, "removed")]


@pytest.mark.parametrize(
    ("absent", "back", "ends", "flaps"), [(12, 14, 1, INF), (28, 29, 1, INF), (28, 40, 1, 5), (31, 40, 2, INF)]
)
def test_content_back_within_a_day_was_not_removed(absent, back, ends, flaps):
    """Gone at 6 h: back by 29 h it went on; perhaps away for a day it was removed at best; later, there are two."""
    later = episode(1, 30, 31, "removed", at=back, absent_at=hours(absent), reported_at=None)
    group = clocks([episode(1, 5, 6, "removed"), later])
    assert len(group) == 1
    assert shape(group[0]) == ((back + 30, back + 31, "removed") if ends == 1 else (5, 6, "removed"))
    assert group[0].flap_left_h == flaps


def test_two_hosters_at_once_give_each_one_clock():
    """A URL at two hosters has two episodes; each hoster counts only its own, an AS both as one."""
    pair = [
        episode(1, 5, 6, "removed", hoster="a", hosters=("a", "b")),
        episode(1, 9, 10, "removed", hoster="b", hosters=("a", "b")),
    ]
    groups = episodes_by_key(pair, "hoster")
    assert [shape(c) for c in clocks(groups["a"])] == [(5, 6, "removed")]
    assert [shape(c) for c in clocks(groups["b"])] == [(9, 10, "removed")]
    assert [shape(c) for c in clocks(episodes_by_key(pair, "asn")["AS64500"])] == [(9, 10, "removed")]
    assert list(episodes_by_key(pair[:1], "hoster")) == ["a", "b"]


def test_keys_are_spelled_as_in_the_ranking():
    """AS numbers carry their prefix, hosters come once."""
    one = episode(1, 1, 2, hoster="a", hosters=("a", "b"), origins=(64500, 64501), countries=("DE", "NL"))
    assert episode_keys(one, "asn") == ("AS64500", "AS64501")
    assert episode_keys(one, "country") == ("DE", "NL")
    assert episode_keys(one, "hoster") == ("a", "b")


def test_share_and_its_upper_bound():
    """Of 20 sites 10 are removed, 4 move and 6 stay: 50%, at most 70%."""
    group = clocks(
        spread(
            [episode(n, 2, 3, "removed") for n in range(10)]
            + [episode(n, 2, 3, "moved") for n in range(10, 14)]
            + [episode(n, 80, None) for n in range(14, 20)]
        )
    )
    told = removal(group, until=hours(SPREAD_H + 90))
    assert told.estimable
    assert told.removed == pytest.approx(0.5, abs=1e-3)
    assert told.removed_or_moved == pytest.approx(0.7, abs=1e-3)
    assert 0.15 < told.low < 0.29
    assert 0.71 < told.high < 0.85
    assert (told.clocks, told.sites, told.removals) == (20, 20, 10)


def test_nine_sites_are_too_few_however_many_urls_they_hold():
    """Site clusters are counted, not clocks."""
    told = removal(clocks([episode(n, 2, 3, "removed", site_id=f"s{n % 9}") for n in range(90)]), until=hours(90))
    assert (told.estimability, told.removed, told.sites) == ("too few followed", None, 9)


def test_one_giant_site_widens_the_interval():
    """A site with most clocks leaves hardly more certainty than one site alone."""
    ends = [(2, 3) if n % 3 else (80, None) for n in range(40)]
    even = [episode(n, *end, "removed") for n, end in enumerate(ends)]
    uneven = [episode(n, *end, "removed", site_id=f"s{max(0, n - 29)}") for n, end in enumerate(sorted(ends)[::-1])]
    one, other = (removal(clocks(spread(group)), until=hours(SPREAD_H + 90)) for group in (even, uneven))
    assert other.estimable
    assert other.high - other.low > 2 * (one.high - one.low)


def test_a_week_of_reports_is_needed_to_say_how_a_hoster_works():
    """Reports of one day tell what happened to them, without an interval; the batches are the fewest instants."""
    group = clocks([episode(n, 2 + n % 2 * 2, 3 + n % 2 * 2, "removed") for n in range(20)])
    told = removal(group, until=hours(200))
    assert (told.estimability, told.removed, told.low, told.high) == ("too few days", pytest.approx(1.0), None, None)
    assert (told.removals, told.batches) == (20, 2)


def test_removals_in_batches_widen_the_interval():
    """The same shares and sites: where whole days are removed or not, the interval is wider than where each is."""
    alone = [episode(n, *((2, 3) if n % 2 else (80, None)), "removed", at=6.0 * n) for n in range(120)]
    quick = (1, 2, 3, 7, 9)
    days = [episode(n, *((2, 3) if n // 12 in quick else (80, None)), "removed", at=6.0 * n) for n in range(120)]
    one, other = (removal(clocks(group), until=hours(900)) for group in (alone, days))
    assert one.removed == other.removed == pytest.approx(0.5)
    assert other.high - other.low > 1.5 * (one.high - one.low)


def test_checks_too_far_apart_leave_a_range():
    """When a fifth of the ends straddle 24 h, the share is from four fifths to all."""
    group = [episode(n, 2, 3, "removed") for n in range(16)] + [episode(n, 6, 60, "removed") for n in range(16, 20)]
    told = removal(clocks(spread(group)), until=hours(SPREAD_H + 90))
    assert (told.estimability, told.removed) == ("told", None)
    assert (told.worst, told.best) == pytest.approx((0.8, 1.0))
    assert told.low < 0.8
    assert told.high == pytest.approx(1.0)


def test_losing_sight_of_a_hoster_is_not_removal():
    """Clocks that stop early long before the end of the measurement make the share unmeasurable."""
    told = removal(clocks([episode(n, 2, None) for n in range(20)]), until=hours(500))
    assert (told.estimability, told.removed) == ("unmeasurable", None)


def test_fresh_reports_at_the_end_do_not_make_looks_sparse():
    """Reports of the last day are still running and only weigh less; the share stands."""
    group = spread([episode(n, 2, 3, "removed") for n in range(15)] + [episode(n, 80, None) for n in range(15, 20)])
    fresh = [episode(n, 5, None, at=SPREAD_H + 85) for n in range(20, 60)]
    told = removal(clocks(group + fresh), until=hours(SPREAD_H + 90))
    assert told.estimable
    assert told.sites == 20


def test_curves_stop_where_follow_up_does():
    """A curve has one point an hour, ends with the last follow-up, and leaves out groups without clocks."""
    seen = [episode(n, 2, 3, "removed") for n in range(5)] + [episode(n, 30, None) for n in range(5, 10)]
    parts = {"acme": Part(clocks(seen), []), "nobody": Part([], [])}
    (curve,) = removal_curves(parts, names={"acme": "Acme"}, until=hours(30))
    assert (curve.key, curve.name, curve.clocks) == ("acme", "Acme", 10)
    assert curve.hours == tuple(float(h) for h in range(31))
    assert curve.removed[2] == pytest.approx(0)
    assert curve.removed[30] == pytest.approx(0.5, abs=1e-3)


def test_curves_stop_where_few_sites_are_known():
    """Of twelve sites two could be followed beyond five hours: a share after that would rest on these two."""
    late = [episode(n, 5, None, at=20) for n in range(10)]
    seen = clocks(late + [episode(n, 20, 24, "removed") for n in range(10, 12)])
    (curve,) = removal_curves({"acme": Part(seen, [])}, names={}, until=hours(25))
    assert curve.hours[-1] == 5.0
    assert hourly(seen[:9], [REMOVED], 168, {}) is hourly([], [REMOVED], 168, {}) is None
    assert removal_curves({"acme": Part(seen[:9], [])}, names={}, until=hours(25)) == []
    removed = clocks([episode(n, 2, 3, "removed") for n in range(10)])
    expected = tuple(map(float, range(169))), {REMOVED: (0.0,) * 3 + (1.0,) * 166, 1: (0.0,) * 169}
    assert hourly(removed, range(2), 168, {}) == expected


def test_no_curve_gives_what_is_withheld():
    """Hours up to one at which worst and best case are far apart are left out; if that is one day, all are."""
    removed, lost = ([episode(n, 2, 30, "removed") for n in range(10)], [episode(n, 40, None) for n in range(10, 20)])
    day = clocks(removed + lost)
    assert removals(day, MARKS_H, until=hours(400))[24.0].open
    assert removal_curves({"acme": Part(day, [])}, names={}, until=hours(400)) == []
    later = clocks([episode(n, 2, 10, "removed") for n in range(10)] + lost)
    (curve,) = removal_curves({"acme": Part(later, [])}, names={}, until=hours(400))
    assert curve.hours == (0.0, 1.0, *map(float, range(2, 25)))
    assert [hour for hour, its in removals(later, MARKS_H, until=hours(400)).items() if its.open] == [72.0, 168.0]


def test_no_curve_falls_to_nothing_where_follow_up_ends():
    """Ended clocks are known for ever; once none that runs was followed longer, an hour has no share, and never 0%."""
    seen = [episode(n, 2, 3, "removed") for n in range(17)] + [episode(n, 30, None) for n in range(17, 20)]
    (curve,) = removal_curves({"acme": Part(clocks(seen), [])}, names={}, until=hours(30))
    assert curve.hours[-1] == 30.0
    assert sorted(curve.removed) == list(curve.removed)
    found = hourly(clocks(seen), range(len(CAUSES)), 168, {})
    assert found is not None
    assert {len(its) for its in found[1].values()} == {31}
