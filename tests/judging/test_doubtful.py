"""Looks in doubt become cases, and codes restate them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.judging.test_judge import NOW, RULES, look
from waterbed.judging.doubtful import cases, recoded
from waterbed.judging.judge import restated
from waterbed.model.conclusions import Verdict
from waterbed.model.errors import InputError
from waterbed.model.facts import Observation

STATUS = {"up": 200, "gone": 404, "soft_gone": 200, "server_error": 500, "challenge": 403, "our_fault": None}


def seen(*outcomes: str, url: str = "u") -> tuple[list[Observation], list[Verdict]]:
    """Looks of one URL an hour apart, with the outcome that each is judged to have."""
    looks = [
        look(
            observation_id=f"{url}{n}",
            url_id=url,
            observed_at=NOW + timedelta(hours=n),
            status=STATUS.get(outcome, 302),
        )
        for n, outcome in enumerate(outcomes)
    ]
    plain = Verdict(
        observation_id="",
        url_id=url,
        observed_at=NOW,
        ruleset=RULES.name,
        rule="",
        outcome="up",
        state="up",
        cause=None,
        layer="-",
    )
    return looks, [restated(plain, outcome, RULES, outcome) for outcome in outcomes]


def doubts(*outcomes: str) -> list[tuple[int, int, str]]:
    """The doubtful cases: first look, last look, kind of doubt."""
    return [(case.first, case.last, case.doubt) for case in cases(*seen(*outcomes)) if case.doubt]


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        (["up", "up"], []),
        (["up", "server_error", "up"], []),
        (["server_error", "up"], []),
        (["up", "server_error", "server_error"], [(1, 2, "undecided")]),
        (["up", "server_error", "gone"], [(1, 1, "undecided")]),
        (["server_error", "server_error"], [(0, 1, "undecided")]),
        (["gone", "server_error", "gone"], []),
        (["up", "server_error", "challenge", "gone"], [(1, 1, "undecided"), (2, 2, "undecided")]),
        (["up", "soft_gone", "soft_gone", "up"], [(1, 2, "soft-gone")]),
        (["up", "moved"], [(1, 1, "redirect")]),
        (["up", "redirected"], [(1, 1, "redirect")]),
        (["up", "indistinct", "changed"], [(1, 1, "catch-all"), (2, 2, "catch-all")]),
        (["up", "quarantined", "gone"], [(1, 1, "quarantined")]),
        (["up", "unobserved", "disputed"], [(2, 2, "disputed")]),
        (["up", "our_fault", "gone"], []),
        (["up", "unwatched", "unwatched"], []),
        (["up", "unobserved", "unobserved"], []),
        (["up", "refused_by_us"], []),
        (["up", "gone"], []),
    ],
)
def test_what_is_in_doubt_is_what_matters_and_nobody_could_decide(
    outcomes: Sequence[str], found: list[tuple[int, int, str]]
) -> None:
    """Undecided looks after the URL was up and not before it was up again, and removals though something answers."""
    assert doubts(*outcomes) == found


@pytest.mark.parametrize("code", ["up", "gone", "moved", "no_name", "unreachable"])
@pytest.mark.parametrize("outcome", ["our_fault", "refused_by_us", "unwatched", "unobserved"])
def test_no_code_makes_our_own_failure_an_end(outcome: str, code: str) -> None:
    """A look that saw nothing of the URL stays unknown, whatever two people agree on."""
    looks, verdicts = seen("up", outcome, outcome)
    assert recoded(looks, verdicts, {"u1": code, "u2": code}, RULES) == verdicts


@pytest.mark.parametrize(
    ("code", "state"), [("up", "unknown"), ("gone", "unknown"), ("moved", "unknown"), ("no_name", "down")]
)
def test_what_no_server_answered_is_not_coded_as_an_answer(code: str, state: str) -> None:
    """Without a status a look can be coded as its name being gone, not as removed, moved or up."""
    looks, verdicts = seen("up", "disputed")
    silent = [looks[0], replace(looks[1], status=None)]
    assert recoded(silent, verdicts, {"u1": code}, RULES)[1].state == state
    assert recoded(looks, verdicts, {"u1": code}, RULES)[1].state != "unknown"


def test_a_code_restates_the_looks_that_were_answered_alike() -> None:
    """From the coded look to the end of its case, with the rule told; other cases and URLs stay as they were."""
    looks, verdicts = seen("up", "server_error", "server_error", "challenge", "gone")
    others = seen("up", "server_error", url="v")
    looks, verdicts = looks + others[0], verdicts + others[1]
    made = recoded(looks, verdicts, {"u2": "gone"}, RULES)
    assert [one.outcome for one in made[:5]] == ["up", "server_error", "gone", "challenge", "gone"]
    assert (made[2].state, made[2].cause, made[2].rule) == ("down", "removed", f"{verdicts[2].rule}+coded")
    assert made[5:] == verdicts[5:]
    assert [one.state for one in recoded(looks, verdicts, {"u1": "up"}, RULES)[:4]] == ["up", "up", "up", "unknown"]


def test_codes_that_say_nothing_change_nothing() -> None:
    """Unsure, a look that is in no doubt, and one that is not there leave all verdicts alone."""
    looks, verdicts = seen("up", "server_error", "gone")
    assert recoded(looks, verdicts, {"u1": "unsure", "u0": "gone", "u2": "up", "x": "gone"}, RULES) == verdicts


def test_a_code_that_the_rules_do_not_know_is_told() -> None:
    """A rule set without the coded outcome is named, and nothing is concluded."""
    with pytest.raises(InputError, match=r"hacked.*default-6"):
        recoded(*seen("up", "server_error"), {"u1": "hacked"}, RULES)
