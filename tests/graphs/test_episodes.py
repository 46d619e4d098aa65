"""Episodes of one URL, from its sightings."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.graphs.episodes import EpisodeRules, UrlHistory, episodes
from waterbed.graphs.runs import Sighting, runs_of
from waterbed.model.conclusions import Attribution, Episode, Verdict

START = datetime(2026, 1, 5, tzinfo=UTC)


def hour(n: float) -> datetime:
    return START + timedelta(hours=n)


def at(hosters: str, *, proxy: bool = False, places: str = "") -> Attribution:
    """Each hoster's own address; with `places`, the address of that letter in its place."""
    return Attribution(
        addresses=tuple(f"28.10.0.{ord(h)}" for h in places or hosters),
        address_hosters=tuple(hosters),
        suffix_id=None,
        day=START,
        origins=tuple(ord(h) for h in hosters),
        organisations=(),
        countries=("NL",),
        hosters=tuple(hosters),
        proxy=proxy,
        rule="r",
        routes_date=None,
        stale=False,
    )


def sightings(text: str) -> list[Sighting]:
    """One look an hour: `A` up at A, `AB` at both, `A*` behind proxy A, `-` down, `?` unknown; split by spaces.

    `!` is down and not confirmed; what is down without a letter is so at the place of the look before.

    `B@A` is up at B, with the address that was A's; `-B@A` is down there.
    """
    made, last = [], at("A")
    for n, word in enumerate(text.split()):
        state = {"-": "down", "!": "down", "?": "unknown"}.get(word[0], "up")
        verdict = Verdict(
            observation_id=f"{n}",
            url_id="u",
            observed_at=hour(n + 1),
            ruleset="r",
            rule="r",
            outcome=state,
            state=state,
            cause="removed" if state == "down" else None,
            layer="-",
        )
        hosters, _, places = word.strip("-!*").partition("@")
        answer = at(hosters, proxy=word.endswith("*"), places=places) if state != "unknown" and hosters else None
        answer = last if word in "-!" else answer
        last = answer or last
        made.append(Sighting(verdict=verdict, down=word[0] == "-", attribution=answer))
    return made


def found(text: str, *, until: float = 1000, reported: tuple[float, ...] = (0,), leave: int = 2) -> list[Episode]:
    known = UrlHistory(
        url_id="u", content_id="c", site_id="s", known_up_at=hour(min(reported)), reported=tuple(map(hour, reported))
    )
    rules = EpisodeRules(leave_looks=leave, until=hour(until))
    return sorted(episodes(known, runs_of(sightings(text)), rules), key=lambda e: (e.known_up_at, e.hoster))


def shape(text: str, **options) -> list[tuple]:
    """Hoster, last up, first down, cause of each episode; times in hours."""

    def hours(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - START) / timedelta(hours=1)

    return [(e.hoster, hours(e.last_up), hours(e.first_down), e.cause) for e in found(text, **options)]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("A A A", [("A", 3, None, None)]),
        ("A A - - -", [("A", 2, 3, "removed")]),
        ("- - -", [("A", 0, 1, "removed")]),
        ("A ? ? - -", [("A", 1, 4, "removed")]),
        ("A A B B", [("A", 2, 3, "moved"), ("B", 4, None, None)]),
        ("A A B A A", [("A", 5, None, None), ("B", 3, None, None)]),
        ("A B A B A B", [("A", 5, None, None), ("B", 6, None, None)]),
        ("AB AB A A", [("A", 4, None, None), ("B", 2, 3, "moved")]),
        ("A AB B B", [("A", 2, 3, "moved"), ("B", 4, None, None)]),
        ("A - - - B B", [("A", 1, 2, "removed"), ("B", 6, None, None)]),
        ("A - - - A A", [("A", 1, 2, "removed"), ("A", 6, None, None)]),
        ("A A P* P*", [("A", 2, 3, "masked"), ("P", 4, None, None)]),
        ("A A B@A B@A B@A", [("A", 2, 3, "lineage"), ("B", 5, None, None)]),
        ("A A B@A -B@A - -", [("A", 2, 3, "lineage"), ("B", 3, 4, "removed")]),
        ("A A C B@A -B@A - -", [("A", 2, 4, "lineage"), ("C", 3, 5, "moved"), ("B", 4, 5, "removed")]),
        ("A A B@A A A", [("A", 2, 3, "lineage"), ("B", 3, 4, "lineage"), ("A", 5, None, None)]),
        ("AC AC BC@AC BC@AC", [("A", 2, 3, "lineage"), ("C", 4, None, None), ("B", 4, None, None)]),
        ("A A -B@A -B@A -B@A", [("A", 2, 3, "lineage")]),
        ("A A - -B@A -B@A", [("A", 2, 3, "removed")]),
        ("AC AC -BC@AC - -", [("A", 2, 3, "lineage"), ("C", 2, 3, "removed")]),
        ("A A -C - -", [("A", 2, 3, "moved")]),
        ("A A -P* - -", [("A", 2, 3, "masked")]),
        ("A A C -C - -", [("A", 2, 4, "moved"), ("C", 3, 4, "removed")]),
        ("A A - -C -C", [("A", 2, 3, "removed")]),
        ("AC AC -C - -", [("A", 2, 3, "moved"), ("C", 2, 3, "removed")]),
        ("A C A C A -C - -", [("A", 5, 6, "lost"), ("C", 4, 6, "removed")]),
        ("A C A C A -C -A -C", [("A", 5, 7, "removed"), ("C", 4, 6, "removed")]),
        ("A C A C A -C@A -C@A", [("A", 5, 6, "lineage"), ("C", 4, 6, "removed")]),
        ("A C A C A -C A -A -A", [("A", 5, 6, "lost"), ("C", 4, 6, "removed"), ("A", 7, 8, "removed")]),
        ("AC AC C C", [("A", 2, 3, "moved"), ("C", 4, None, None)]),
        ("A B B A B B B A B", [("A", 8, None, None), ("B", 9, None, None)]),
        ("A A B B - - -", [("A", 2, 3, "moved"), ("B", 4, 5, "removed")]),
        ("A B B - - - A B", [("A", 1, 2, "moved"), ("B", 3, 4, "removed"), ("A", 7, None, None), ("B", 8, None, None)]),
        ("? ? ?", []),
        ("", []),
    ],
)
def test_sightings_collapse_to_episodes(seen: str, expected: list[tuple]) -> None:
    """Ends are intervals between looks; leaving a set takes two looks; alternating sets leave nothing."""
    assert shape(seen) == expected


def test_rare_looks_at_a_rotating_name_leave_nothing() -> None:
    """Once hosters came back soon, an absence of days is rotation; without that, it is leaving and coming back."""
    rotating = "A B A B A B " + "B " * 30 + "A B"
    assert [e.cause for e in found(rotating)] == [None, None]
    steady = "A A A A A A " + "B " * 30 + "A A"
    assert shape(steady)[:2] == [("A", 6, 7, "moved"), ("B", 36, 37, "moved")]
    assert len(found(steady)) == 3


def test_what_is_too_young_to_be_confirmed_is_censored_alike() -> None:
    """After the cut nothing opens, nothing ends, and everybody is last up at the cut."""
    assert shape("A A A A", until=2) == [("A", 2, None, None)]
    assert shape("A A A - -", until=3) == [("A", 3, None, None)]
    assert shape("A A - - -", until=3) == [("A", 2, 3, "removed")]
    assert shape("? ? A A -", until=2) == [("A", 3, None, None)]  # the first decided check is believed


def test_the_report_knew_it_up_before_our_first_look() -> None:
    """A URL that is down at our first look was up when it was reported."""
    (only,) = found("- - -", reported=(0,))
    assert (only.known_up_at, only.first_up, only.reported_at) == (hour(0), None, hour(0))


def test_a_report_after_the_first_look_begins_no_later_than_it() -> None:
    """A URL whose report came when a look had seen it gone was known up until that look, and not after."""
    (only,) = found("- - -", reported=(1.5,))
    assert (only.known_up_at, only.last_up, only.first_down) == (hour(1), hour(1), hour(1))


def test_a_report_belongs_to_the_stay_it_came_in() -> None:
    """A stay that nobody reported has no report; a second report belongs to the second stay."""
    first, second = found("A - - - - B B", reported=(0, 5.5))
    assert (first.reported_at, second.reported_at, second.known_up_at) == (hour(0), hour(5.5), hour(5.5))
    first, second = found("A - - - - B B", reported=(0,))
    assert (first.reported_at, second.reported_at, second.known_up_at) == (hour(0), None, hour(6))


@pytest.mark.parametrize(
    ("seen", "flaps"),
    [
        ("A ! A A", [(1, 2)]),
        ("A ! ! A ! A", [(1, 2)]),
        ("A ? ! ? A - - -", [(1, 3)]),
        ("! A A", [(0, 1)]),
        ("? ! A", [(0, 2)]),
        ("AB ! AB", [(1, 2), (1, 2)]),
        ("A - - - ! A A", [None, None]),
        ("A A ! !", [None]),
        ("A A", [None]),
    ],
)
def test_a_removal_that_is_not_confirmed_is_kept_beside(seen: str, flaps: list[tuple[int, int] | None]) -> None:
    """The first one after the report: it may have been a removal, and put back."""
    given = [None if flap is None else tuple(map(hour, flap)) for flap in flaps]
    plain = [e.flap_first_down and (e.flap_last_up, e.flap_first_down) for e in found(seen)]
    assert plain == given
    assert found("A ! A ! A", reported=(2.5,))[0].flap_first_down == hour(4)
    assert found("A A ! A", until=3)[0].flap_first_down is None


def test_an_arrival_remembers_the_last_absence() -> None:
    """An episode after an absence knows when the content was last known not to be there."""
    first, second = found("A - - - B B")
    assert (first.absent_at, second.absent_at) == (None, hour(4))


@pytest.mark.parametrize(
    ("seen", "reported"),
    [
        ("A B A B A B", {"A": 0, "B": 0}),
        ("A A B A A B B A", {"A": 0, "B": 0}),
        ("A AB B A AB B", {"A": 0, "B": 0}),
        ("B A C B A C B", {"A": 0, "B": 0, "C": 0}),
        ("A A -B -A -B -A", {"A": 0, "B": 0}),
        ("-A -B -A -B", {"A": 0, "B": 0}),
        ("A A A B B B", {"A": 0, "B": None}),
        ("A A A AB AB AB", {"A": 0, "B": None}),
        ("A " * 30 + "B A B A", {"A": 0, "B": None}),
        ("A A A A B C B C B C", {"A": 0, "B": None, "C": None}),
    ],
)
def test_a_hoster_that_a_name_points_to_by_turns_was_there_from_the_report_on(
    seen: str, reported: dict[str, float | None]
) -> None:
    """Whichever hoster the first answer named; one that others than the first ones take turns with came later."""
    made = found(seen)
    assert {e.hoster: e.reported_at for e in made} == {
        hoster: None if when is None else hour(when) for hoster, when in reported.items()
    }
    assert all((e.absent_at is None) == (e.reported_at is not None) for e in made)


def test_a_hoster_that_a_name_points_to_again_was_absent_until_the_url_was_back() -> None:
    """After a confirmed absence a report since then starts its clock, as that of the hoster named first."""
    made = found("A - - - A B A B A B", reported=(0, 4.5))[1:]
    assert [(e.hoster, e.absent_at, e.reported_at) for e in made] == [
        ("A", hour(4), hour(4.5)),
        ("B", hour(4), hour(4.5)),
    ]


@given(st.lists(st.sampled_from(["A", "B", "AB", "-", "!", "?", "P*"]), max_size=30), st.integers(-2, 30))
def test_episodes_of_a_hoster_never_overlap(words: list[str], until: int) -> None:
    """Whatever is seen, a hoster's episodes of a URL follow one another and every end comes after a last up."""
    by_hoster: dict[str, list[Episode]] = {}
    for episode in found(" ".join(words), until=until):
        by_hoster.setdefault(episode.hoster, []).append(episode)
        assert episode.known_up_at <= (episode.first_up or episode.known_up_at) <= episode.last_up
        assert episode.first_down is None or episode.last_up < episode.first_down
        assert (episode.first_down is None) == (episode.cause is None)
        if episode.flap_last_up and episode.flap_first_down and episode.reported_at:
            assert episode.known_up_at <= episode.flap_last_up < episode.flap_first_down
            assert episode.reported_at < episode.flap_first_down
            assert episode.first_down is None or episode.flap_first_down < episode.first_down
    for own in by_hoster.values():
        for before, after in pairwise(own):
            assert before.first_down is not None
            assert before.first_down <= after.known_up_at
