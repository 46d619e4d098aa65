"""Pages that were there and now lead elsewhere."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judging.columns import combined
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
    """Looks at one URL, an hour apart, with their controls and verdicts.

    Those from `beside` come a minute after the one before, and are of the same network; those from `there` of another.
    """
    looks, controls, when = [], dict[str, ControlLook](), NOW
    for n, (answer, beside, unstable, vantage) in enumerate(seen):
        name = None if beside is None else f"c{n}"
        if beside is not None:
            said = {"status": None, "failure": "timeout"} if beside == "failed" else ANSWERS[beside]
            controls[f"c{n}"] = control(control_id=f"c{n}", unstable=unstable, **said)
        when += timedelta(hours=1) if vantage == "here" else timedelta(minutes=1)
        network = "two" if vantage == "there" else "one"
        made = look(observation_id=f"{n}", control_id=name, vantage=vantage, network=network, observed_at=when)
        looks.append(replace(made, **ANSWERS[answer]))
    healthy = CanaryRecord([canary(0), canary(1e6)], within_s=1e6, need=0.5)
    alone = judge(looks, controls, dict.fromkeys(("here", "beside", "there"), healthy), RULES)
    return looks, controls, combined(looks, alone, RULES, networks=2, within_s=900)


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


CLOAKS: Final[dict[str, dict[str, Any]]] = {
    "elsewhere": ANSWERS["elsewhere"],
    "elsewhere for now": ANSWERS["elsewhere for now"],
    "a banner elsewhere": {**ANSWERS["elsewhere for now"], "marks": ("seized",)},
    "a suspension elsewhere": {**ANSWERS["elsewhere for now"], "marks": ("suspended",)},
    "a sale elsewhere": {**ANSWERS["elsewhere"], "marks": ("parked",)},
    "a missing page elsewhere": {**ANSWERS["elsewhere"], "marks": ("removed",)},
    "a banner": {"status": 200, "content_length": 5000, "marks": ("seized",)},
    "a page, the same everywhere": {"status": 200, "content_length": 5000},
}
"""What a host may show us on every path instead of all its content."""


def cloaked(
    cloak: str, missing: str, *, times: int, profile: str, scattered: bool, places: tuple[str, ...] = ("here",)
) -> list[Verdict]:
    """Verdicts of checks of a page that is up some times, and then cloaked with all of its host to all places.

    Its random paths were missing in some way before. Where they are `scattered`, each is sent to another site.
    """
    looks, controls = [], {}
    for n in range(times + 4):
        shown, beside = (CLOAKS[cloak], CLOAKS[cloak]) if n >= times else (ANSWERS["page"], ANSWERS[missing])
        beside = {name: value for name, value in beside.items() if name != "marks"}
        unstable = ("redirect_site_id",) if scattered and n >= times else ()
        controls[f"c{n}"] = control(control_id=f"c{n}", unstable=unstable, **beside)
        for vantage in places if n >= times else places[:1]:
            made = look(
                observation_id=f"{n}{vantage}",
                control_id=None if profile == "strict" else f"c{n}",
                vantage=vantage,
                network="two" if vantage == "there" else "one",
                observed_at=NOW + timedelta(hours=n),
                profile=profile,
            )
            looks.append(replace(made, **shown))
    healthy = CanaryRecord([canary(0), canary(1e6)], within_s=1e6, need=0.5)
    alone = judge(looks, controls, dict.fromkeys(("here", "beside", "there"), healthy), RULES)
    return combined(looks, alone, RULES, networks=2, within_s=900)[times:]


_MISSING = ("missing", "other page", "front", "front, its path in the body", "login", "third place", "refused")
_WORLDS = st.fixed_dictionaries(
    {
        "cloak": st.sampled_from(list(CLOAKS)),
        "missing": st.sampled_from(_MISSING),
        "times": st.integers(1, 4),
        "profile": st.sampled_from(["strict", "headers", "text"]),
        "scattered": st.booleans(),
    }
)


@settings(max_examples=400)
@given(_WORLDS, st.sampled_from([("here",), ("here", "beside")]))
def test_all_of_a_host_at_once_is_no_removal(world: dict[str, Any], places: tuple[str, ...]) -> None:
    """Whatever it shows, however its missing pages looked, in every profile, as long as one network saw it.

    Nor is it up, but in the profile strict, which asks no random path: there a 200 is believed until it changes.
    """
    states = {verdict.state for verdict in cloaked(**world, places=places)}
    assert "down" not in states
    if world["profile"] != "strict" or "redirect" in CLOAKS[world["cloak"]]:
        assert states == {"unknown"}


@settings(max_examples=200)
@given(_WORLDS)
def test_two_networks_that_see_the_same_are_believed(world: dict[str, Any]) -> None:
    """A banner is a seizure then, another site a move, and a removal only what a removal says of itself."""
    found = cloaked(**{**world, "profile": "headers", "scattered": False}, places=("here", "there"))
    causes = {
        "elsewhere": "moved",
        "elsewhere for now": "moved",
        "a banner elsewhere": "seized",
        "a suspension elsewhere": "removed",
        "a sale elsewhere": "name",
        "a missing page elsewhere": "removed",
        "a banner": "seized",
        "a page, the same everywhere": "removed",
    }
    assert {verdict.cause for verdict in found} == {causes[world["cloak"]]}


def test_two_networks_that_see_it_differently_are_not() -> None:
    """Where the other one sees the page, they dispute it; where it is refused, nothing is known."""
    before = ("page", "missing", (), "here")
    for there, outcome in (("page", "disputed"), ("refused", "unconfirmed"), ("third place", "unconfirmed")):
        seen = [before, ("elsewhere", "elsewhere", (), "here"), (there, "elsewhere", (), "there")]
        _, _, verdicts = history(seen)
        assert [verdicts[1].outcome, verdicts[1].state] == [outcome, "unknown"]


@pytest.mark.parametrize("missing", ["other page", "third place"])
def test_a_page_that_is_answered_as_missing_ones_always_were_is_gone(missing: str) -> None:
    """Its host shows all missing pages so, at the time when this one was up, too."""
    _, _, verdicts = history([("page", missing, (), "here"), *[(missing, missing, (), "here")] * 3])
    assert [one.outcome for one in verdicts] == ["up", *["soft_gone"] * 3]


def test_one_page_that_leads_elsewhere_alone_has_moved() -> None:
    """Its random paths are missing or go to the front page; if they lead anywhere else, nothing is known."""
    for beside, outcome in (("missing", "moved"), ("front", "moved"), ("third place", "redirected")):
        _, _, verdicts = history([("page", "missing", (), "here"), ("elsewhere", beside, (), "here")])
        assert verdicts[-1].outcome == outcome
