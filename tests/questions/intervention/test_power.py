"""Power of an event's tests in a simulated study that ends before the event."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.model.said import said
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.event import Detection, Event
from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.study import virtual_study
from waterbed.lab.world.file import Movement, Removal, Sites
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.questions.intervention.plan import movements_of
from waterbed.questions.intervention.power import EventPower
from waterbed.questions.intervention.power_rows import power_rows
from waterbed.store.config import Config

DAYS = 40.0
KEYS = {"moerashost", "polderhost", "dijkserver", "terpdata"}


def _told(found: float | Refusal | None) -> float:
    assert isinstance(found, float), found
    return found


@pytest.fixture(scope="module")
def power() -> EventPower:
    """Four hosters that remove some, and nothing that moves; the event would be on the last day."""
    base = read_world(scenario_path("waterbed"))
    hosters = tuple(
        msgspec.structs.replace(
            one,
            weight=2.0 if one.key == "moerashost" else 1.0,
            removal=Removal(removes=0.6, median_hours=30.0, sigma=1.0),
            catch_all=False,
        )
        for one in base.hoster
        if one.key in KEYS
    )
    world = msgspec.structs.replace(
        base,
        days=DAYS,
        hoster=hosters,
        sites=Sites(count=260, urls_per_site=(1, 2), reported_over_days=(0.0, DAYS - 1), sources=("hotline",)),
        movement=Movement(),
        **dict.fromkeys(("intervention", "sale", "renaming", "fronting", "renumbering", "outage", "vantages"), ()),
        empty_delivery_hours=(),
        beside="nothing",
    )
    study = virtual_study(simulate(world), LookPlan(every_hours=4.0, late_hours=24.0), random.Random(5))
    at = world.start + timedelta(days=DAYS)
    event = Event(
        target="moerashost",
        date=at,
        chosen_until=at - timedelta(days=1),
        controls=tuple(sorted(KEYS - {"moerashost"})),
        before=20,
        after=10,
    )
    config = Config(study="v", home=world.home)
    return EventPower(
        event=event, conclusions=study.conclusions, movements=movements_of(study.conclusions, config, event)
    )


def _with(power: EventPower, **changes: Any) -> EventPower:
    return replace(power, event=msgspec.structs.replace(power.event, **changes))


def test_the_fall_is_shown_the_more_surely_the_more_is_removed(power: EventPower) -> None:
    """More than now, or there is nothing to show; the least that is shown lies between now and all."""
    now = _told(power.removes_now)
    found = [_told(power.fall_power(removed)) for removed in (now + 0.1, 0.8, 1.0)]
    assert found == sorted(found)
    assert found[0] < 0.3
    assert found[-1] > 0.7
    least = _told(power.least_fall())
    assert now < least <= 1.0
    assert _told(power.fall_power(least)) == pytest.approx(0.8, abs=0.12)
    refused = power.fall_power(now)
    assert isinstance(refused, Refusal)
    assert "is no more than the" in said(refused)


def test_displacement_is_shown_the_more_surely_the_more_moves(power: EventPower) -> None:
    """What is up at the event adds content; undetected moves and several read dates take power away."""
    small, large = (_told(power.primary_power(0.9, share, stock=False)) for share in (0.05, 0.5))
    assert small < 0.5 < large
    assert _told(power.primary_power(0.9, 0.05, stock=True)) >= small
    seen = _with(power, detection=Detection(home=(0.4, 0.6), abroad=(0.4, 0.6)))
    assert seen.found == 0.5
    assert _told(seen.primary_power(0.9, 0.4, stock=False)) < _told(power.primary_power(0.9, 0.4, stock=False))
    reads = tuple(power.event.date + timedelta(days=20 + n) for n in range(4))
    assert _told(_with(power, read=reads).primary_power(0.9, 0.3, stock=False)) < _told(
        power.primary_power(0.9, 0.3, stock=False)
    )
    assert _told(power.takedowns_needed(0.9, 0.5)) < _told(power.takedowns_needed(0.9, 0.2))


def test_a_plan_is_told_in_sentences_with_its_numbers(power: EventPower) -> None:
    """Each number stands in its sentence; power of another outcome is not worked out, which a sentence says."""
    rows = {row.topic: row for row in power_rows(power, 0.95, 0.4)}
    both = (rows["power, fall"].value or 0.0) * (rows["power, primary"].value or 0.0)
    assert rows["power, report"].value == pytest.approx(both)
    for topic in ("power, fall", "power, primary", "power, report"):
        assert f"{rows[topic].value:.2f}" in said(rows[topic].text)
    assert rows["placebo dates"].value == 1.0
    assert rows["least p, stretches"].value == pytest.approx(1 / 49)
    assert "their least p = 0.021" in said(rows["least p, stretches"].text), "rounded up, as every p"
    other = {row.topic: row for row in power_rows(_with(power, primary="mean change"), 0.95, 0.4)}
    assert other["power, primary"].value is None
    assert said(other["power, primary"].text) == "Power of mean change is not worked out, only of excess reappearance."


def test_too_short_a_time_before_gives_no_power_but_the_reason(power: EventPower) -> None:
    """The window after the event and its horizon must fit before it."""
    long = _with(power, after=60)
    for found in (long.fall_power(1.0), long.primary_power(0.9, 0.3, stock=False), long.takedowns_needed(0.9, 0.3)):
        assert isinstance(found, Refusal)
        assert "63.0 are needed for one window as long as that after it" in said(found)
