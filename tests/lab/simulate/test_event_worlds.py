"""Worlds around an event: what happens in each, and which sentences are true of it."""

import random
from datetime import timedelta

import pytest

from waterbed.lab.simulate.event_worlds import (
    AFTER,
    CONTROLS,
    KINDS,
    TARGET,
    Course,
    EventWorld,
    Kind,
    drawn,
    happened,
    sentences,
)
from waterbed.lab.world.records import Truth


def made(kind: Kind, sites: int = 150) -> tuple[EventWorld, Truth]:
    plan = drawn(kind, random.Random(f"a test of {kind}"), (sites, sites))
    return plan, happened(plan)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_makes_the_sentences_true_that_it_is_made_for(kind: Kind) -> None:
    """Nulls of a rise, of a difference, of a cause and of a move; a season may make the first two true or not."""
    said = sentences(*made(kind))
    pressed = kind in ("movers", "searches rise", "removal only", "displaced", "speeds up")
    assert said["by the event"] == pressed
    assert said["moved"] == (kind == "displaced")
    if pressed or kind in ("all speed up", "trend", "common trend"):
        assert said["removed more"]
    if kind in ("no event", "controls slow down", "mix shifts"):
        assert not said["removed more"]
    if pressed or kind == "trend":
        assert said["more than controls"]
    if kind in ("no event", "controls slow down", "mix shifts"):
        assert not said["more than controls"]


def test_speed_follows_its_course() -> None:
    """A step from the event on, a trend that doubles weekly, a season of four weeks: the product of all."""
    assert Course(step=3.0).speed(55.9, 56.0) == 1.0
    assert Course(step=3.0).speed(56.0, 56.0) == 3.0
    assert Course(weekly=0.5).speed(70.0, 56.0) == pytest.approx(2.718281828459045)
    assert Course(season=(1.0, 28.0, 0.0)).speed(7.0, 56.0) == pytest.approx(2.718281828459045)
    plan = drawn("controls slow down", random.Random(1), (10, 10))
    before, after = (plan.policy(CONTROLS[0], day, "phishing").median_hours for day in (55.0, 57.0))
    assert 2.0 <= after / before <= 5.0
    assert plan.policy(TARGET, 57.0, "phishing") == plan.policy(TARGET, 55.0, "phishing")


def test_a_mix_shifts_at_the_target_alone() -> None:
    """Feeds report mostly one category of its sites before the event and mostly the other after."""
    plan, truth = made("mix shifts", 400)
    at_target = {one.url for one in truth.episodes if one.hoster == TARGET}
    shares = []
    for late in (False, True):
        own = [one for one in truth.reports if one.url in at_target and (one.reported_at >= plan.at) == late]
        shares.append(sum(one.category == "phishing" for one in own) / len(own))
    others = [one for one in truth.reports if one.url not in at_target and one.reported_at < plan.at]
    assert shares[0] < 0.35
    assert shares[1] > 0.65
    assert 0.35 < sum(one.category == "phishing" for one in others) / len(others) < 0.65


def test_movers_move_as_often_before_and_searches_find_more_after() -> None:
    """Of the target's content as much comes up elsewhere in four weeks before as after; more of it is reported then."""
    plan, truth = made("searches rise", 400)
    own = {one.content_id for one in truth.episodes if one.hoster == TARGET}
    came = [one for one in truth.episodes if one.content_id in own and one.hoster != TARGET]
    reported = {one.url for one in truth.reports}
    before, after = (
        [one for one in came if plan.at + begin <= one.start < plan.at + begin + timedelta(days=AFTER)]
        for begin in (-timedelta(days=AFTER), timedelta())
    )
    assert 0.7 < len(after) / len(before) < 1.4
    found = [sum(one.url in reported for one in part) / len(part) for part in (before, after)]
    assert found[1] - found[0] > 0.15
