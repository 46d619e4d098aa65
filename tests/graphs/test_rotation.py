"""Names that point to several hosters by turns, and names that move."""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate, groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphs.test_episodes import START, at, sightings
from tests.reference import episodes as plain
from waterbed.graphs.episodes import EpisodeRules, UrlHistory, episodes
from waterbed.graphs.hops import HopContext, find_hops
from waterbed.graphs.runs import Run, Sighting, runs_of
from waterbed.model.conclusions import Episode

RULES = EpisodeRules(leave_looks=2, until=START + timedelta(days=3650))
KNOWN = UrlHistory(url_id="u", content_id="c", site_id="s", known_up_at=START, reported=(START,))


def weights(chance: random.Random, hosters: str) -> list[float]:
    """Uneven shares of answers."""
    return [chance.gammavariate(1, 1) + 0.05 for _ in hosters]


def checked(answers: Sequence[str], every: timedelta, chance: random.Random) -> list[Sighting]:
    """The checks of a URL, by the answers of the resolver."""
    times = accumulate((every * chance.uniform(0.9, 1.1) for _ in answers), initial=START)
    return [seen_at(answer, when) for answer, when in zip(answers, times, strict=False)]


def seen_at(answer: str, when: datetime) -> Sighting:
    """One check: `AB` up at both, `-A` gone by an answer that names A, `?A` undecided."""
    (one,) = sightings(answer)
    named = at(answer.strip("-?!")) if answer.strip("-?!") else None
    return replace(one, verdict=replace(one.verdict, observed_at=when), attribution=named)


def concluded(seen: list[Sighting]) -> list[Episode]:
    """The episodes of a URL, by both implementations."""
    found = episodes(KNOWN, runs_of(seen), RULES)
    assert found == plain.episodes(KNOWN, seen, RULES)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_name_that_points_to_several_leaves_none(seed: int) -> None:
    """Two to four hosters in random order, with uneven shares, checked each hour or each day: at most 2% seem to."""
    chance, left = random.Random(seed), 0
    for _ in range(100):
        hosters = "ABCD"[: chance.randint(2, 4)]
        answers = chance.choices(hosters, weights(chance, hosters), k=chance.randint(20, 90))
        found = concluded(checked(answers, timedelta(hours=chance.uniform(1, 24)), chance))
        left += any(one.cause is not None for one in found)
    assert left <= 2


@pytest.mark.parametrize("seed", range(4))
def test_what_is_removed_under_such_a_name_is_removed_at_each_hoster_that_answers(seed: int) -> None:
    """However few checks saw it up: at most 2% of the episodes end otherwise, and none is a hop.

    It is removed at the hosters that answer when it is gone, by the first of their own answers; at others nobody
    knows. Nine in ten of all to which the name points have a clock from the report on, whichever the first check named.
    """
    chance, ends = random.Random(seed), []
    with_clock = pointed_to = 0
    for _ in range(100):
        hosters = "ABC"[: chance.randint(2, 3)]
        drawn = chance.choices(hosters, k=chance.randint(13, 40))
        ups = chance.randint(1, 12)
        seen = checked(
            [*drawn[:ups], *("-" + one for one in drawn[ups:])], timedelta(hours=chance.uniform(1, 24)), chance
        )
        found = concluded(seen)
        first = {hoster: seen[n].verdict.observed_at for n, hoster in reversed([*enumerate(drawn)][ups:])}
        known = {one.hoster for one in found}
        assert set(drawn[:ups]) <= known <= set(drawn)
        for one in found:
            asked = one.cause == "removed" and one.first_down == first.get(one.hoster)
            nobody = one.cause == "lost" and one.first_down == seen[ups].verdict.observed_at
            ends.append(nobody if one.hoster not in first else asked)
            assert one.seen == (one.hoster in drawn[:ups])
        with_clock += sum(one.reported_at == START for one in found)
        pointed_to += len(set(drawn))
        assert not find_hops(found, HopContext(home="NL", seats={}))
    assert ends.count(False) <= 0.02 * len(ends)
    assert with_clock >= 0.9 * pointed_to


@pytest.mark.parametrize("hours", [4, 12, 24])
@pytest.mark.parametrize("days", [4, 15, 30])
@pytest.mark.parametrize("named", ["V", "VQ", "VQVQ", "VPVQVQ"])
@pytest.mark.parametrize("after", ["QP" * 3, "-V-Q-P-V-Q-P", "Q-Q-P-V-Q-P-V", "QQQ"])
def test_a_hoster_that_a_rotating_name_first_names_days_later_has_no_clock(
    hours: int, days: int, named: str, after: str
) -> None:
    """However often and however near the end: an owner cannot have another's clock run from before it was asked."""
    before = [*"QP" * (days * 12 // hours)]
    answers = [*before, *named, *re.findall(r"-?\w", after)]
    found = concluded(checked(answers, timedelta(hours=hours), random.Random(1)))
    assert {one.hoster for one in found if one.reported_at} == {"Q", "P"}
    assert [one.hoster for one in found if not one.reported_at] == ["V"]


@pytest.mark.parametrize("seed", range(4))
def test_a_name_that_moves_is_found_to(seed: int) -> None:
    """From one hoster or several to others: those that half of the answers named end as moved, within their bounds.

    A hoster that few answers named may come again for all that the checks say; answers that never came back before the
    move are like several moves.
    """
    chance = random.Random(seed)
    seen_often = found_left = ends = within = 0
    for _ in range(60):
        before, after = "ABC"[: chance.randint(1, 3)], "DEF"[: chance.randint(1, 3)]
        first = chance.randint(8, 40)
        answers = [
            *chance.choices(before, weights(chance, before), k=first),
            *chance.choices(after, weights(chance, after), k=60),
        ]
        seen = checked(answers, timedelta(hours=chance.uniform(6, 24)), chance)
        moved_after, moved_by = (seen[place].verdict.observed_at for place in (first - 1, first))
        for one in concluded(seen):
            if one.hoster in before:
                often = answers.count(one.hoster) >= first / 2
                seen_often += often
                found_left += often and one.cause == "moved"
                if one.first_down is not None:
                    ends += 1
                    within += one.last_up <= moved_after and moved_by <= one.first_down
            elif len(after) == 1:
                assert one.cause is None
    assert found_left >= 0.97 * seen_often
    assert within >= 0.97 * ends


def test_a_move_from_a_name_that_rotates_is_one_hop() -> None:
    """From two hosters by turns to a third, for good: one relocation to it, and none between the two, in 98%."""
    chance, single = random.Random(5), 0
    for _ in range(100):
        answers = [*chance.choices("AB", k=chance.randint(10, 30)), *"C" * 50]
        found = concluded(checked(answers, timedelta(hours=12), chance))
        hops = find_hops(found, HopContext(home="NL", seats={}))
        single += [(one.kind, one.to_hoster) for one in hops] == [("relocation", "C")]
    assert single >= 98


def test_a_hoster_that_is_left_for_weeks_and_returned_to_was_left() -> None:
    """Stays of many checks are no turns."""
    answers = [*"A" * 20, *"B" * 20, *"A" * 20]
    found = concluded(checked(answers, timedelta(days=1), random.Random(1)))
    assert [(one.hoster, one.cause) for one in found] == [("A", "moved"), ("B", "moved"), ("A", None)]


def test_a_page_that_is_gone_at_another_hoster_for_good_has_moved() -> None:
    """Answers after the absence count: those that never name the hoster again are no turns."""
    chance = random.Random(2)
    found = concluded(checked([*"AAAA", *["-B"] * 20], timedelta(hours=3), chance))
    assert [(one.hoster, one.cause) for one in found] == [("A", "moved")]
    found = concluded(checked(["A", "A", "B", "-B", "-A", "-B", "-B", "-A"], timedelta(hours=3), chance))
    assert [(one.hoster, one.cause) for one in found] == [("A", "removed"), ("B", "removed")]


DRAWN = st.lists(
    st.tuples(
        st.sampled_from(["A", "A", "B", "B", "AB", "C", "-", "-A", "-B", "?", "?A", "?B"]),
        st.sampled_from([0.0, 0.1, 1.0, 5.0, 30.0, 200.0]),
        st.integers(1, 6),
    ),
    max_size=12,
)


@given(DRAWN)
def test_same_episodes_by_the_plain_implementation(drawn: list[tuple[str, float, int]]) -> None:
    """Whatever checks saw, in whatever order: both implementations agree, and so do runs joined and split."""
    when, seen = START, []
    for answer, hours, times in drawn:
        for _ in range(times):
            when += timedelta(hours=hours)
            seen.append(seen_at(answer, when))
    found = concluded(seen)
    assert episodes(KNOWN, joined(runs_of(seen)), RULES) == found
    for one in found:
        assert one.first_down is None or one.last_up <= one.first_down


def joined(runs: Sequence[Run]) -> list[Run]:
    """Consecutive checks that saw the same, as one run."""

    def same(run: Run) -> tuple[object, ...]:
        return run.state, run.cause, run.down, run.answered, run.hosters

    groups = (list(of) for _, of in groupby(runs, key=same))
    return [replace(of[0], at=tuple(when for run in of for when in run.at)) for of in groups]
