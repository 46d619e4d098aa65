"""Pages that were there and now lead elsewhere."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judging.test_judge import NOW, RULES, canary, control, look
from waterbed.judging.judge import CanaryRecord, judge
from waterbed.model.conclusions import Verdict
from waterbed.model.facts import ControlLook, Observation

ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "page": {"status": 200},
    "other page": {"status": 200, "content_length": 7},
    "missing": {"status": 404, "content_length": 9},
    "refused": {"status": 403, "content_length": 0},
    "front": {"status": 302, "redirect": "front", "redirect_site_id": "s", "content_length": 0},
    "front, its path in the body": {"status": 302, "redirect": "front", "redirect_site_id": "s", "content_length": 40},
    "login": {"status": 302, "redirect": "site", "redirect_site_id": "s", "content_length": 0},
    "elsewhere": {"status": 301, "redirect": "other", "redirect_site_id": "x", "content_length": 0},
    "elsewhere for now": {"status": 302, "redirect": "other", "redirect_site_id": "x", "content_length": 0},
    "third place": {"status": 301, "redirect": "other", "redirect_site_id": "y", "content_length": 0},
    "nothing": {"status": None, "phase": "http", "failure": "timeout", "media_type": None, "content_length": None},
}
"""What a server may answer, to the URL and to a random path."""
Seen = tuple[str, str | None, tuple[str, ...], str]
"""A look's answer, that of its control, in what two random paths differed, and where the look was made."""


def drawn(chance: random.Random) -> list[Seen]:
    """The looks at one URL: mostly a page and something that takes its place, mostly with a control."""
    leads = [name for name in ANSWERS if "redirect" in ANSWERS[name]]
    some = ["page", "page", "page", chance.choice(leads), chance.choice(list(ANSWERS))]
    others = [name for name in (*some[3:], "missing", "missing", "other page") if name != "nothing"]
    found = []
    for _ in range(chance.randint(1, 8)):
        answer = chance.choice(some)
        beside = chance.choice([None if answer == "nothing" else answer, *others, "failed", None])
        unstable = chance.choice([(), (), (), ("content_length",), ("redirect",), ("status",)])
        found.append((answer, beside, unstable, chance.choice(["here", "here", "here", "there"])))
    return found


def history(seen: list[Seen]) -> tuple[list[Observation], dict[str, ControlLook], list[Verdict]]:
    """Looks at one URL, an hour apart, with their controls and verdicts."""
    looks, controls = [], {}
    for n, (answer, beside, unstable, vantage) in enumerate(seen):
        name = None if beside is None else f"c{n}"
        if beside is not None:
            said = {"status": None, "failure": "timeout"} if beside == "failed" else ANSWERS[beside]
            controls[f"c{n}"] = control(control_id=f"c{n}", unstable=unstable, **said)
        when = NOW + timedelta(hours=n)
        made = look(observation_id=f"{n}", control_id=name, vantage=vantage, observed_at=when)
        looks.append(replace(made, **ANSWERS[answer]))
    healthy = CanaryRecord([canary(0), canary(1e6)], within_s=1e6, need=0.5)
    return looks, controls, judge(looks, controls, {"here": healthy, "there": healthy}, RULES)


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_a_page_that_leads_to_its_site_is_at_most_unknown(seed: int) -> None:
    """Once it answered by itself it is never up so; and gone only if it goes to the front page, and other paths do not.

    Nobody but a report saw the others up, and a login, or a question of age or language, is no removal.
    """
    chance = random.Random(seed)
    for _ in range(100):
        looks, controls, verdicts = history(drawn(chance))
        answered = was_up = False
        for one, verdict in zip(looks, verdicts, strict=True):
            if one.redirect in ("front", "site"):
                beside = controls.get(one.control_id or "")
                assert verdict.state != "up" or (not answered and one.redirect == "site")
                if verdict.state == "down":
                    assert was_up
                    assert one.redirect == "front"
                    assert beside is not None
                    assert beside.redirect is None
            answered |= one.status == 200
            was_up |= one.status == 200 and verdict.state == "up"


@pytest.mark.parametrize("before", ["missing", "other page"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_page_that_leads_to_the_front_page_is_gone(before: str, times: int) -> None:
    """Whatever its site says of what it has not, while it says the same of random paths."""
    _, _, verdicts = history([("page", before, (), "here")] * times + [("front", before, (), "here")] * 3)
    assert [one.rule for one in verdicts[-3:]] == ["F1-front-page"] * 3
    assert {one.cause for one in verdicts[-3:]} == {"removed"}


def test_a_page_behind_a_wall_is_unknown() -> None:
    """Its login, or the front page to which everything goes: for as long as that lasts."""
    for now, beside in (("login", "missing"), ("login", "login"), ("front", "front"), ("front", "login")):
        _, _, verdicts = history([("page", "missing", (), "here"), *[(now, beside, (), "here")] * 3])
        assert [one.state for one in verdicts] == ["up", "unknown", "unknown", "unknown"]


def test_a_redirect_of_an_early_version_is_unknown() -> None:
    """It says of the goal only that it is on the site; a page that only ever led on is up there."""
    _, _, verdicts = history([("page", "missing", (), "here"), ("login", "missing", (), "here")])
    assert [one.outcome for one in verdicts] == ["up", "redirected"]
    _, _, verdicts = history([("login", "missing", (), "here")] * 2)
    assert [one.outcome for one in verdicts] == ["up", "up"]
