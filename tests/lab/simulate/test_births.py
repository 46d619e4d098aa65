"""Births and feeds of simulated worlds, and what the estimates make of them."""

import random
from collections import Counter

import pytest

from waterbed.estimators.displaced import Estimate, displaced_estimate
from waterbed.graphs.displacement.displaced import returns_of
from waterbed.lab.simulate.births import BirthFiles, Feeds, draw_births
from waterbed.lab.simulate.displaced_worlds import LookedWorld
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate


@pytest.fixture(scope="module")
def base() -> World:
    return read_world(scenario_path("waterbed"))


@pytest.mark.parametrize(("odds", "detected"), [(1.0, 0.5), (3.0, 0.5), (1.0, 0.8), (0.5, 0.3)])
def test_two_feeds_have_the_odds_ratio_and_the_detection_of_the_world(odds: float, detected: float) -> None:
    """Of what is reported at all, one or both feeds have it; both are equally large."""
    rng, drawn = random.Random(1), 40_000
    by = Counter(Feeds(odds=odds).of_one(detected, rng) for _ in range(drawn))
    both, first, second = (
        by[frozenset(names)] / drawn * detected for names in (("first", "second"), ("first",), ("second",))
    )
    assert both * (1 - detected) / (first * second) == pytest.approx(odds, rel=0.1)
    assert first == pytest.approx(second, abs=0.02)


def test_births_are_never_after_the_content_but_for_renewed_certificates(base: World) -> None:
    """Creations lie before the first content of their name, old ones by months; a share of names is known."""
    truth = simulate(base)
    began = {}
    for episode in truth.episodes:
        began.setdefault(truth.shown[episode.url].host, episode.start)
    files = BirthFiles(old=0.3, again=0.3, backdated=0.2, certified=0.5, wildcard=0.3)
    births = list(draw_births(truth, files, random.Random(2)))
    created = {one.name_id for one in births if one.kind == "creation"}
    assert 0.6 < len(created) / len(began) < 0.8
    assert all(one.born_at <= began[one.name_id] for one in births if one.kind == "creation")
    certified = [one.born_at > began[one.name_id] for one in births if one.kind == "certificate"]
    assert 0 < sum(certified) < len(certified)
    fewer = {one.name_id for one in draw_births(truth, BirthFiles(known_if_moved=0.0), random.Random(2))}
    moved = {truth.shown[hop.to_url].host for hop in truth.hops if not hop.parallel}
    assert not fewer & moved


def test_births_order_what_looks_alone_leave_open(base: World) -> None:
    """More takedowns have a sure arrival, none that truly had none, and the estimate is within its range."""
    sure = Counter[bool]()
    held = answered = 0
    for number in range(4):
        files = BirthFiles(known=1.0, certified=1.0, old=0.1, again=0.2)
        world = LookedWorld(base, random.Random(f"a test's births {number}"), sites=80)
        for known in (False, True):
            found = world.displaced(random.Random(number), files=files if known else None)
            sure[known] += sum(any(one.certain) for one in found.takedowns)
            assert found.falsely_certain == 0
        estimate = displaced_estimate(
            returns_of(found.takedowns, found.sources_of), detection=[(one, one) for one in found.reported]
        )
        if isinstance(estimate, Estimate):
            answered += 1
            held += estimate.least <= found.process <= estimate.most
    assert sure[True] > sure[False]
    assert answered >= 2
    assert held == answered
