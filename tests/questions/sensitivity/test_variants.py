"""Undecided looks are taken for up or removed only where nothing else is known."""

from dataclasses import replace

import pytest

from tests.study.facts import hour
from waterbed.graphs.runs import Run, Sighting, runs_of
from waterbed.model.conclusions import Attribution, Verdict
from waterbed.questions.sensitivity.variants import taken_for

_VERDICT = Verdict(
    observation_id="",
    url_id="u",
    observed_at=hour(0),
    ruleset="",
    rule="",
    outcome="",
    state="up",
    cause=None,
    layer="",
)
_ANSWER = Attribution(
    addresses=("28.0.0.1",),
    suffix_id=None,
    day=hour(0),
    origins=(64500,),
    organisations=(),
    countries=(),
    hosters=("a",),
    proxy=False,
    rule="",
    routes_date=None,
    stale=False,
)


def seen(states: str, *, nowhere: bool = False) -> list[Run]:
    """`u` up, `d` confirmed absent, `f` absent and not confirmed, `?` undecided; one an hour."""
    state = {"u": "up", "d": "down", "f": "down", "?": "unknown"}
    return runs_of(
        Sighting(
            verdict=replace(_VERDICT, observed_at=hour(n), state=state[one]),  # type: ignore[arg-type]  # a State
            down=one == "d",
            attribution=None if nowhere else _ANSWER,
        )
        for n, one in enumerate(states)
    )


def spelled(runs: list[Run]) -> str:
    """The runs as `seen` takes them."""
    return "".join("d" if one.down else {"up": "u", "down": "f", "unknown": "?"}[one.state] for one in runs)


@pytest.mark.parametrize(
    ("states", "as_up", "as_removed"),
    [
        ("uu??", "uuuu", "uudd"),
        ("u??u", "u??u", "u??u"),
        ("u??d", "uuud", "uddd"),
        ("??d", "uud", "ddd"),
        ("??u", "??u", "??u"),
        ("ud??", "ud??", "ud??"),
        ("udu?", "uduu", "udud"),
        ("u?f?", "uufu", "udfd"),
        ("???", "uuu", "ddd"),
        ("uuu", "uuu", "uuu"),
    ],
)
def test_only_what_evidence_leaves_open_is_taken(states: str, as_up: str, as_removed: str) -> None:
    """Looks between two that saw it up stay undecided, and so do those after it went; all others are taken."""
    runs = {"u": seen(states)}
    assert spelled(list(taken_for(runs, "up")["u"])) == as_up
    assert spelled(list(taken_for(runs, "removed")["u"])) == as_removed


def test_what_was_never_anywhere_stays_undecided() -> None:
    """Without an address, neither before nor now, there is no hoster to hold to account."""
    assert spelled(list(taken_for({"u": seen("??", nowhere=True)}, "removed")["u"])) == "??"


def test_removed_is_a_removal_by_whoever_had_it() -> None:
    """A look taken for an absence has the cause of a removal and the hoster that had the content last."""
    last = list(taken_for({"u": seen("u?")}, "removed")["u"])[-1]
    assert (last.cause, last.answer(0)) == ("removed", _ANSWER)
