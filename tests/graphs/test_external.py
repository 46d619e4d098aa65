"""Episodes as another observer tells them: intervals, censoring, moves, and what nobody can say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.graphs.episodes import UrlHistory
from waterbed.graphs.external import external_episodes
from waterbed.model import facts
from waterbed.model.conclusions import Attribution, ExternalEpisode

START = datetime(2025, 3, 1, tzinfo=UTC)
HOSTERS = {"192.0.2.1": "alpha", "192.0.2.2": "alpha", "198.51.100.1": "beta"}
DAY = timedelta(hours=24)


def hour(n: float) -> datetime:
    return START + timedelta(hours=n)


def word(first: float | None, last: float | None, status: str | None = None, **other: Any) -> facts.ExternalObservation:
    """What an observer says of URL u, hours after the start."""
    plain = facts.ExternalObservation(
        testimony_id="t",
        url_id="u",
        observer="scart",
        source="hotline",
        reference=None,
        first_seen=None if first is None else hour(first),
        last_seen=None if last is None else hour(last),
        status=status,
        gone=status == "close_offline",
        since=None,
        address="192.0.2.1",
        looks=None,
        received_at=hour(1000),
    )
    return replace(plain, **other)


def attribution(address: str, when: datetime, hoster: str, **other: Any) -> Attribution:
    return Attribution(
        addresses=(address,),
        suffix_id=None,
        day=when,
        origins=(64500,),
        organisations=(),
        countries=("NL",),
        hosters=(hoster,),
        proxy=False,
        rule="A",
        routes_date=when,
        stale=False,
        **other,
    )


def answered(_: str, address: str, when: datetime) -> Attribution | None:
    """Who answers for an address at any time."""
    hoster = HOSTERS.get(address)
    return attribution(address, when, hoster) if hoster else None


def told(
    *words: facts.ExternalObservation, within: timedelta | None = DAY, attribute: Any = answered
) -> list[ExternalEpisode]:
    known = UrlHistory(url_id="u", content_id="c", site_id="s", known_up_at=hour(0), reported=(hour(0.5),))
    return external_episodes(words, {"u": known}, attribute, within=within)


def ends(*words: facts.ExternalObservation, **other: Any) -> list[tuple[str, float, float, float | None, str | None]]:
    """Each episode: hoster, begin, last up, first down, cause."""
    return [
        (
            one.hoster,
            (one.known_up_at - START) / timedelta(hours=1),
            (one.last_up - START) / timedelta(hours=1),
            (one.first_down - START) / timedelta(hours=1) if one.first_down else None,
            one.cause,
        )
        for one in told(*words, **other)
    ]


def test_a_case_closed_as_gone_ends_in_an_interval() -> None:
    """From the last time it was seen up, for as long as the settings say that the observer waits."""
    assert ends(word(0, 40, "close_offline")) == [("alpha", 0, 40, 64, "removed")]


def test_an_earlier_claim_of_a_report_stands_beside_its_first_episode() -> None:
    """It is about the first stay: one after an absence has reports of its own."""
    known = UrlHistory(
        url_id="u",
        content_id="c",
        site_id="s",
        known_up_at=hour(0),
        reported=(hour(0.5), hour(90)),
        claimed_at=hour(-20),
    )
    words = [word(0, 40, "close_offline"), word(100, 120)]
    found = external_episodes(words, {"u": known}, answered, within=DAY)
    assert [(one.reported_at, one.claimed_at) for one in found] == [(hour(0.5), hour(-20)), (hour(90), None)]


def test_each_hoster_of_an_address_was_there_when_it_was_reported() -> None:
    """An address of two hosters is an episode at both, each with the report."""

    def both(_: str, address: str, when: datetime) -> Attribution:
        return replace(attribution(address, when, "alpha"), hosters=("alpha", "beta"))

    found = told(word(0, 40), attribute=both)
    assert [(one.hoster, one.reported_at) for one in found] == [("alpha", hour(0.5)), ("beta", hour(0.5))]


def test_without_a_word_on_how_often_it_looked_the_interval_ends_with_the_import() -> None:
    """Nothing is assumed: the case was closed before its file came."""
    assert ends(word(0, 40, "close_offline"), within=None) == [("alpha", 0, 40, 1000, "removed")]
    assert ends(word(0, 990, "close_offline")) == [("alpha", 0, 990, 1000, "removed")]


def test_a_known_time_of_closing_ends_the_interval() -> None:
    """The history's time of closing comes before the assumption, earlier or later."""
    for closed in (45.0, 90.0):
        history = word(None, None, "close_offline", since=hour(closed), address=None)
        assert ends(word(0, 40, "close_offline"), history) == [("alpha", 0, 40, closed, "removed")]


@pytest.mark.parametrize("status", ["close", "close_double", "scheduler_checkonline", None])
def test_any_other_state_is_no_removal(status: str | None) -> None:
    """A case that is open, or closed for another reason, is censored where it was last seen up."""
    assert ends(word(0, 40, status)) == [("alpha", 0, 40, None, None)]


def test_a_closing_that_nobody_looked_for_is_censored_unless_its_time_is_known() -> None:
    """Closed by hand: known up when it was first seen, and gone by the time of closing if that is told."""
    by_hand = word(0, None, "close_offline")
    assert ends(by_hand) == [("alpha", 0, 0, None, None)]
    told_when = word(None, None, "close_offline", since=hour(70), address=None)
    assert ends(by_hand, told_when) == [("alpha", 0, 0, 70, "removed")]


def test_a_move_is_an_interval_between_two_looks() -> None:
    """It left between the last look at the old address and the first at the new one."""
    assert ends(word(0, 24), word(0, 48, "close_offline", address="198.51.100.1")) == [
        ("alpha", 0, 24, 48, "moved"),
        ("beta", 48, 48, 72, "removed"),
    ]
    (arrived,) = [one for one in told(word(0, 24), word(0, 48, address="198.51.100.1")) if one.hoster == "beta"]
    assert arrived.absent_at == hour(24)


def test_a_new_address_of_one_hoster_is_no_move() -> None:
    """The episode goes on, with the address it began with."""
    (one,) = told(word(0, 24), word(0, 48, address="192.0.2.2"))
    assert (one.hoster, one.last_up, one.addresses, one.looks) == ("alpha", hour(48), ("192.0.2.1",), 3)


def test_an_address_of_the_history_holds_from_then_on() -> None:
    """A change of address that the history dates puts the looks after it elsewhere."""
    moved = word(None, None, address="198.51.100.1", since=hour(30))
    assert [one.hoster for one in told(word(0, 24), moved, word(0, 36, address=None))] == ["alpha", "beta"]


def test_a_stored_address_with_a_scope_is_passed_over() -> None:
    """An older version stored them; the address before it holds, and without one the hoster is unknown."""
    scoped = word(10, 20, address="2a00:1450::1%victim.example.com")
    assert [one[0] for one in ends(word(0, 5), scoped)] == ["alpha"]
    (one,) = told(scoped, attribute=lambda *_: pytest.fail("it was attributed"))
    assert (one.hoster, one.addresses) == ("unknown", ())


def test_an_address_that_went_to_another_company_is_no_removal() -> None:
    """Same address, two known hosters: lineage, which counts as no loss."""

    def sold(_: str, address: str, when: datetime) -> Attribution:
        return attribution(address, when, "alpha" if when < hour(20) else "gamma")

    assert ends(word(0, 40), attribute=sold) == [("alpha", 0, 0, 40, "lineage"), ("gamma", 40, 40, None, None)]


@pytest.mark.parametrize("late", [True, False])
def test_without_a_table_of_the_time_nobody_moved(late: bool) -> None:
    """At one address it stays where it was, known or not: a table that ends or begins is no move."""

    def half(_: str, address: str, when: datetime) -> Attribution | None:
        return attribution(address, when, "alpha") if (when > hour(20)) is late else None

    assert [row[0] for row in ends(word(0, 40, "close_offline"), attribute=half)] == ["unknown" if late else "alpha"]


def test_what_nobody_can_place_is_at_no_known_hoster() -> None:
    """No address, or one that no table of the time knows: the key unknown, never a guess."""
    assert ends(word(0, 40, address=None)) == [("unknown", 0, 40, None, None)]
    assert ends(word(0, 40, address="203.0.113.1")) == [("unknown", 0, 40, None, None)]


def test_what_came_back_is_an_episode_of_its_own() -> None:
    """A second case of the URL begins after the first was closed; in between it is known to have been gone."""
    assert ends(word(0, 40, "close_offline"), word(100, 120)) == [
        ("alpha", 0, 40, 64, "removed"),
        ("alpha", 100, 120, None, None),
    ]
    assert told(word(0, 40, "close_offline"), word(100, 120))[1].absent_at == hour(64)


def test_a_closing_that_a_later_look_denies_does_not_count() -> None:
    """Seen up again within the interval: it was not gone by its end, and nobody knows that it ever was."""
    assert ends(word(0, 40, "close_offline"), word(50, 120)) == [("alpha", 0, 120, None, None)]


def test_observers_and_sources_stay_apart() -> None:
    """Two hotlines tell of one URL: each has its episodes, marked as its own."""
    found = told(word(0, 40, "close_offline"), word(0, 60, source="other"), word(0, 50, observer="third"))
    assert {(one.observer, one.source, one.last_up) for one in found} == {
        ("scart", "hotline", hour(40)),
        ("scart", "other", hour(60)),
        ("third", "hotline", hour(50)),
    }


@given(
    st.lists(
        st.builds(
            word,
            st.one_of(st.none(), st.integers(0, 20)),
            st.one_of(st.none(), st.integers(20, 60)),
            st.sampled_from([None, "close", "close_offline"]),
            address=st.sampled_from([None, *HOSTERS, "203.0.113.1"]),
            since=st.one_of(st.none(), st.integers(0, 90).map(hour)),
        ),
        max_size=6,
    )
)
def test_ends_are_intervals_and_order_does_not_matter(words: list[facts.ExternalObservation]) -> None:
    """Whatever is told: last up before first down, nothing overlaps, and the order of lines changes nothing."""
    found = told(*words)
    assert found == told(*reversed(words))
    for one in found:
        assert one.known_up_at <= one.last_up
        assert one.first_down is None or one.last_up < one.first_down
        assert (one.first_down is None) == (one.cause is None)
    for one, other in pairwise(found):
        assert one.first_down is not None
        assert one.first_down <= other.known_up_at
