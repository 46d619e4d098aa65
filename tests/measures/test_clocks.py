"""Takedown clocks with an explicit origin."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.measures.episodes import START, episode, hours
from tests.measures.sent_notices import notice, told_of
from waterbed.graphs.episodes import EpisodeRules, UrlHistory, episodes
from waterbed.graphs.runs import Sighting, runs_of
from waterbed.measures.clocks import clocks_of_groups, clusters_of, running_clocks, takedown_clocks
from waterbed.measures.takedown import CAUSES, REMOVED, clocks, episodes_by_key
from waterbed.model.conclusions import Attribution, Verdict


def of_acme(stays, told, clock="notice_delivered"):
    return takedown_clocks(stays, told, key="acme", clock=clock)


def shape(one):
    return one.left_h, one.right_h, one.cause, one.timing


def test_the_first_delivered_notice_starts_the_clock():
    """Later ones and reminders are told with their hours; a bounced one and one of unknown arrival start nothing."""
    stay = episode(1, 30, 33, "removed")
    told = told_of(
        notice(1, None, sent=1, bounced=True),
        notice(1, None, sent=2),
        notice(1, 20, reminder=True),
        notice(1, 5, batch="hotline: 7", acknowledged_at=hours(6)),
    )
    (one,) = of_acme([stay], told)
    assert shape(one) == (25, 28, "removed", "after")
    assert (one.origin, one.batch, one.reminders_h, one.acknowledged_h) == (hours(5), "hotline: 7", (15.0,), 1.0)
    (sent,) = of_acme([stay], told, "notice_sent")
    assert (sent.origin, sent.reminders_h) == (hours(2), (3.0, 18.0))


def test_gone_before_the_notice_is_told_apart():
    """An end before the notice is no clock for an estimator; one around it is, from the origin on."""
    before = episode(1, 3, 5, "removed")
    around = episode(2, 3, 9, "removed")
    told = told_of(notice(1, 6), notice(2, 6))
    first, second = of_acme([before, around], told)
    assert (shape(first), shape(second)) == ((-3, -1, "removed", "before"), (-3, 3, "removed", "open"))
    assert [(c.left_h, c.right_h, c.cause) for c in running_clocks([first, second])] == [(0.0, 3.0, REMOVED)]


def test_a_notice_before_the_study_knew_is_a_late_entry():
    """The time under study begins later than the clock: it is carried, and left out of what knows no entry."""
    stay = episode(1, 20, 22, "removed", at=10)
    (one,) = of_acme([stay], told_of(notice(1, 4), since={"u1": hours(11)}))
    assert (one.entered_h, one.left_h, one.right_h) == (7.0, 26.0, 28.0)
    assert running_clocks([one]) == []


def test_what_nobody_saw_starts_by_its_report_or_first_notice():
    """Bounced notices and orders start only what they would start for a URL that was seen."""
    told = told_of(
        notice(1, 3, bounced=True),
        notice(1, 9, sent=7),
        notice(1, 12, kind="legal_order"),
        since={"u1": hours(2)},
    )
    clocks = ("reported", "notice_sent", "notice_delivered", "legal_order")
    assert [told.since("u1", clock) for clock in clocks] == [hours(2), hours(7), hours(9), hours(12)]
    assert [told.since("u2", clock) for clock in clocks] == [None] * 4


def test_only_the_hoster_of_the_time_is_told():
    """Misaddressed and indirect notices start nothing; indirect ones are told with their hours."""
    stay = episode(1, 30, 33, "removed")
    astray = notice(1, 1, recipient="other", addressed="misaddressed", role=None)
    upstream = notice(1, 2, recipient="transit", addressed="indirect", role="upstream")
    assert of_acme([stay], told_of(astray, upstream)) == []
    (one,) = of_acme([stay], told_of(astray, upstream, notice(1, 4)))
    assert (one.origin, one.indirect_h) == (hours(4), (-2.0,))


def test_the_analyst_last_saw_it_up():
    """Down at our first look after the notice: the interval begins when an analyst last saw it up before."""
    stay = episode(1, 0, 9, "removed")
    told = replace(told_of(notice(1, 6)), confirmed={"u1": [(hours(n), hours(n)) for n in (5, 7, 10)]})
    assert [shape(one) for one in of_acme([stay], told)] == [(1, 3, "removed", "after")]
    assert [one.left_h for one in of_acme([stay], told, "reported")] == [0]
    running = episode(1, 2, None)
    assert [one.left_h for one in of_acme([running], told)] == [-4]


def test_each_stay_has_its_own_notice():
    """Content that came back has a clock of its own, from the notice after it was back."""
    stays = [episode(1, 5, 6, "removed"), episode(1, 8, 9, "removed", at=50, absent_at=hours(49))]
    first, second = of_acme(stays, told_of(notice(1, 2), notice(1, 52), notice(1, 7, reminder=True)))
    assert (shape(first), shape(second)) == ((3, 4, "removed", "after"), (6, 7, "removed", "after"))
    assert first.reminders_h == (5.0,)


def test_legal_orders_have_a_clock_of_their_own():
    """A notice never starts it, an order never starts the notices' clock, and citizens may have told before."""
    stay = episode(1, 30, 33, "removed")
    told = told_of(notice(1, 2, kind="citizen"), notice(1, 8, kind="legal_order"), notice(1, 3))
    (order,) = of_acme([stay], told, "legal_order")
    assert (order.origin, order.left_h, order.citizens_before) == (hours(8), 22.0, 1)
    assert of_acme([stay], told)[0].origin == hours(2)
    assert of_acme([stay], told_of(notice(1, 3)), "legal_order") == []
    assert of_acme([stay], told_of(notice(1, 3, kind="legal_order"))) == []


def test_a_hoster_that_handed_over_is_censored():
    """A change of who answers for the addresses ends no clock: it stops being watched."""
    (one,) = of_acme([episode(1, 10, 12, "lineage")], told_of(notice(1, 2)))
    assert shape(one) == (8, None, None, "after")


def test_first_seen_and_episode_start():
    """The first counts what came to be known before the report, as a late entry; the second every stay."""
    first = episode(1, 20, 22, "moved", reported_at=hours(6))
    later = episode(1, 3, 4, "removed", at=22, absent_at=hours(20), reported_at=None)
    told = told_of(since={"u1": hours(6)})
    (seen,) = of_acme([first], told, "first_seen")
    assert (seen.origin, seen.entered_h, seen.left_h) == (START, 6.0, 20.0)
    assert of_acme([later], told, "first_seen") == []
    assert [one.entered_h for one in of_acme([later], told, "episode_start")] == [0.0]


def test_an_as_is_told_by_a_notice_to_its_hoster():
    """By AS or country any notice to the hoster of that time starts the clock."""
    stay = episode(1, 30, 33, "removed")
    found = clocks_of_groups(
        episodes_by_key([stay], "asn"), told_of(notice(1, 3)), hosters=False, clock="notice_delivered"
    )
    assert [(key, one.left_h) for key, group in found.items() for one in group] == [("AS64500", 27.0)]


def test_batches_are_clusters_where_they_are_fewer():
    """Many sites in one batch are worth one cluster; one site in many batches as well."""
    stays = [episode(n, 30, 33, "removed") for n in range(4)]
    one_batch = of_acme(stays, told_of(*(notice(n, 2, batch="b") for n in range(4))))
    assert set(clusters_of(one_batch)) == {"batch b"}
    one_site = [replace(one, site_id="s", batch=f"{n}") for n, one in enumerate(one_batch)]
    assert set(clusters_of(one_site)) == {"s"}


ends = st.sampled_from([None, "removed", "name", "moved", "network", "lineage", "masked"])


@st.composite
def stays_and_notices(draw):
    """Some stays of some URLs at one hoster, and notices about them."""
    stays = []
    for n in range(draw(st.integers(1, 3))):
        at = 0.0
        for _ in range(draw(st.integers(1, 2))):
            left = draw(st.integers(0, 40))
            cause = draw(ends)
            right = None if cause is None else left + draw(st.integers(1, 9))
            absent = None if at == 0 else hours(at - 1)
            stays.append(episode(n, left, right, cause, at=at, absent_at=absent))
            if right is None:
                break
            at += right + draw(st.integers(2, 30))
    notices = [
        notice(
            draw(st.integers(0, 2)),
            draw(st.one_of(st.none(), st.integers(-20, 120))),
            sent=-30,
            notice_id=f"n{number}",
            kind=draw(st.sampled_from(["ntd", "legal_order", "citizen", "dsa"])),
            bounced=draw(st.booleans()),
            reminder=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    return stays, notices


CLOCKS = ["first_seen", "reported", "notice_sent", "notice_delivered", "legal_order", "episode_start"]


@given(stays_and_notices(), st.sampled_from(CLOCKS), st.integers(-10_000, 10_000))
def test_clocks_do_not_depend_on_the_calendar(drawn, clock, minutes):
    """Everything moved by one time: the same clocks, moved."""
    stays, notices = drawn
    by = timedelta(minutes=minutes)

    def later(value):
        times = {
            name: getattr(value, name) + by
            for name in value.__dataclass_fields__
            if name.endswith(("_at", "_up", "_down")) and getattr(value, name) is not None
        }
        return replace(value, **times)

    plain = of_acme(stays, told_of(*notices), clock)
    moved = of_acme([later(s) for s in stays], told_of(*map(later, notices)), clock)
    assert [later(replace(one, origin=one.origin + by)) for one in plain] == moved


@given(stays_and_notices(), st.sampled_from(CLOCKS), st.randoms(use_true_random=False))
def test_the_order_of_notices_does_not_matter(drawn, clock, random):
    """Notices and stays in any order give the same clocks."""
    stays, notices = drawn
    plain = of_acme(stays, told_of(*notices), clock)
    random.shuffle(stays)
    random.shuffle(notices)
    assert of_acme(stays, told_of(*notices), clock) == plain


@given(stays_and_notices(), st.sampled_from(CLOCKS))
def test_clocks_are_what_estimators_take(drawn, clock):
    """Each running clock has 0 <= left < right and a cause if and only if it ended."""
    stays, notices = drawn
    for one in running_clocks(of_acme(stays, told_of(*notices), clock)):
        assert 0 <= one.left_h < one.right_h
        assert (one.cause >= 0) == (one.right_h != float("inf"))


@given(stays_and_notices())
def test_the_clock_from_the_report_is_the_one_of_the_ranking(drawn):
    """`reported` gives what `clocks` always gave."""
    stays, notices = drawn
    mine = running_clocks(of_acme(stays, told_of(*notices), "reported"))
    theirs = sorted(clocks(stays), key=lambda one: (one.site_id, one.origin))
    assert [(c.left_h, c.right_h, c.cause, c.origin) for c in mine] == [
        (c.left_h, c.right_h, c.cause, c.origin) for c in theirs
    ]


@pytest.mark.parametrize("clock", ["first_seen", "episode_start", "notice_delivered"])
@pytest.mark.parametrize("told", [0.5, 1.0, 1.02, 1.5])
@pytest.mark.parametrize("reported", [1.0, 1.25])
def test_gone_at_a_look_before_its_report_is_before_the_origin(clock, told, reported):
    """A URL first looked at when it was gone, and not yet reported, is credited as gone before and stops nothing."""
    known = UrlHistory(
        url_id="u1", content_id="u1", site_id="s1", known_up_at=hours(reported), reported=(hours(reported),)
    )
    looks = [sighting(n, "down") for n in (1, 2, 3)]
    (stay,) = episodes(known, runs_of(looks), EpisodeRules(leave_looks=2, until=hours(100)))
    about = told_of(notice(1, told), since={"u1": hours(reported)})
    for spell in (stay, replace(stay, known_up_at=hours(reported), last_up=hours(reported))):
        (one,) = of_acme([spell], about, clock)
        earlier = clock == "notice_delivered" and told < 1
        assert one.timing == ("after" if earlier else "before")
        assert [(c.left_h, c.right_h) for c in running_clocks([one])] == ([(0.0, 0.5)] if earlier else [])


def sighting(n, state):
    attribution = Attribution(
        addresses=("28.0.0.1",),
        suffix_id=None,
        day=hours(n),
        origins=(64500,),
        organisations=(),
        countries=(),
        hosters=("acme",),
        proxy=False,
        rule="r",
        routes_date=None,
        stale=False,
    )
    verdict = Verdict(
        observation_id=f"o{n}",
        url_id="u1",
        observed_at=hours(n),
        ruleset="r",
        rule="r",
        outcome=state,
        state=state,
        cause="removed" if state == "down" else None,
        layer="",
    )
    return Sighting(verdict=verdict, down=state == "down", attribution=attribution)


@pytest.mark.parametrize("clock", CLOCKS)
@given(
    states=st.lists(st.sampled_from(["up", "down", "unknown"]), min_size=1, max_size=12),
    told=st.lists(st.integers(-3, 14), max_size=3),
)
def test_an_unknown_look_never_ends_a_clock(clock, states, told):
    """Without its unknown looks a URL has the same clocks, whatever they run from."""
    known = UrlHistory(url_id="u1", content_id="u1", site_id="s1", known_up_at=START, reported=(START,))
    rules = EpisodeRules(leave_looks=2, until=hours(100))
    about = told_of(*(notice(1, when, notice_id=f"{k}") for k, when in enumerate(told)), since={"u1": START})
    looks = [sighting(n + 1, state) for n, state in enumerate(states)]
    decided = [look for look in looks if look.verdict.state != "unknown"]
    found = [of_acme(episodes(known, runs_of(seen), rules), about, clock) for seen in (looks, decided)]
    assert found[0] == found[1]
    assert all(one.cause is None or CAUSES.index(one.cause) >= 0 for one in found[0])
