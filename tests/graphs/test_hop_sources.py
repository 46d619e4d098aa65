"""Names at two places by turns, told by every answer of their name servers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.graphs.displacement.test_returns import HOP, HOUR
from waterbed.graphs.hop_sources import without_alternating
from waterbed.graphs.runs import Sighting, runs_of
from waterbed.model.conclusions import Attribution, Verdict

START = datetime(2025, 4, 1, tzinfo=UTC)
MOVED = replace(HOP, to_url_id="a", from_hoster="A", to_hoster="B", kind="relocation", order="repointed")


def _sightings(answers: str, every_h: float, addresses: str = "") -> list[Sighting]:
    """One look a letter: A or B up there, a or b down there, + at both, C elsewhere, - no address.

    Each at the address of its place in `addresses`, if any.
    """
    made = []
    for number, letter in enumerate(answers):
        when = START + number * timedelta(hours=every_h)
        hosters = {"+": ("A", "B"), "-": ()}.get(letter, (letter.upper(),))
        state = "down" if letter.islower() or letter == "-" else "up"
        verdict = Verdict(
            observation_id=str(number),
            url_id="a",
            observed_at=when,
            ruleset="r",
            rule="r",
            outcome=state,
            state=state,
            cause=None,
            layer="-",
        )
        answer = Attribution(
            addresses=tuple(addresses[number : number + 1]),
            address_hosters=hosters if addresses else (),
            suffix_id=None,
            day=when,
            origins=(),
            organisations=(),
            countries=(),
            hosters=hosters,
            proxy=False,
            rule="r",
            routes_date=None,
            stale=False,
        )
        made.append(Sighting(verdict=verdict, down=state == "down", attribution=answer if hosters else None))
    return made


@pytest.mark.parametrize(
    ("answers", "every_h", "stays"),
    [
        ("AAABBB", 1, True),
        ("AAaa--BBB", 1, True),
        ("AA+BB", 1, True),
        ("AACBB", 1, True),
        ("AAABBB" + "A" * 6, 10, True),
        ("AAABAAA", 1, False),
        ("AAaabab", 1, False),
        ("ABA", 24, False),
        ("ABA", 24.5, True),
        ("ABAB", 100, False),
        ("A+BA+B", 100, False),
        ("", 1, True),
    ],
)
def test_three_changes_or_one_soon_undone_are_turns(answers: str, every_h: float, stays: bool) -> None:
    """A name that went once, or came back days later, moved; one that goes to and fro, up or down, did not."""
    found = without_alternating([MOVED], {"a": runs_of(_sightings(answers, every_h))}, soon=timedelta(hours=24))
    assert found == ([MOVED] if stays else [])


@pytest.mark.parametrize(
    ("answers", "addresses", "stays"),
    [
        ("AAABBBAAABBB", "111222333444", True),
        ("AaabbbAaabbb", "111222333444", True),
        ("AAABBBAAABBB", "111222111222", False),
        ("AAABBBAAABBB", "111222333222", False),
        ("AAABBBAAABBB", "111222345666", False),
        ("AAABBAAABBB", "11122333444", False),
        ("AAABBBAAABBB", "", False),
    ],
)
def test_who_is_each_time_at_another_address_moved(answers: str, addresses: str, stays: bool) -> None:
    """A name that goes to and fro moved if it stays each time, for three looks at least, at an address it never had."""
    runs = {"a": runs_of(_sightings(answers, 13, addresses))}
    assert without_alternating([MOVED], runs, soon=timedelta(hours=24)) == ([MOVED] if stays else [])


def test_hops_to_other_urls_stay() -> None:
    """A copy under another name is one, wherever the name of the original points by turns."""
    runs = {"a": runs_of(_sightings("ABABAB", 1)), "b": runs_of(_sightings("ABABAB", 1))}
    assert without_alternating([HOP], runs, soon=timedelta(hours=24)) == [HOP]


@pytest.mark.parametrize(("before", "after", "stays"), [("A", "B", True), ("AC", "BC", False), ("AC", "BD", True)])
def test_a_third_hoster_that_stays_means_that_nothing_went(before: str, after: str, stays: bool) -> None:
    """A URL that was at a third hoster before and after has other addresses beside, and is where it was."""
    looks = _sightings("AB", 1)
    answers = [replace(one.attribution, hosters=tuple(keys)) for one, keys in zip(looks, (before, after), strict=True)]
    seen = [replace(one, attribution=answer) for one, answer in zip(looks, answers, strict=True)]
    hop = replace(MOVED, left_after=START, left_before=START + HOUR, arrived_before=START + HOUR)
    assert without_alternating([hop], {"a": runs_of(seen)}, soon=timedelta(hours=24)) == ([hop] if stays else [])
