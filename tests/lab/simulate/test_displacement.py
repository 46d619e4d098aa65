"""Hops of virtual studies against the truth: by kind, where nothing moves, and bounds of the displaced share."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from waterbed.estimators.detection import Bounds, displaced_bounds
from waterbed.lab.score.hop_score import KindTally, looked_at, score_hops, sight_of
from waterbed.lab.simulate.displaced_worlds import DETECTION, displaced_world
from waterbed.lab.simulate.draw import UNREPORTED, draw_hop_world
from waterbed.lab.simulate.facts import LookPlan, facts_in_stretches, virtual_facts
from waterbed.lab.simulate.single_facts import url_id_of
from waterbed.lab.simulate.study import VirtualStudy, score_virtual, virtual_study
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate
from waterbed.model.conclusions import Hop
from waterbed.model.facts import Report

PLAN = LookPlan(every_hours=1.0, missed=0.1, late=0.2)


@pytest.fixture(scope="module")
def base() -> World:
    return read_world(scenario_path("waterbed"))


@pytest.fixture(scope="module")
def full(base: World) -> tuple[Truth, VirtualStudy]:
    """One drawn world full of hops, and a virtual study of it."""
    chance = random.Random("a test's hop world")
    drawn = draw_hop_world(base, chance, sites=60)
    truth = simulate(drawn.world)
    return truth, virtual_study(truth, drawn.plan, chance)


def _tally(truth: Truth, study: VirtualStudy, change: Callable[[Hop], Hop | None]) -> dict[str, KindTally]:
    hops = [changed for hop in study.conclusions.hops if (changed := change(hop))]
    looked = looked_at(study.conclusions.verdicts)
    sight = sight_of(study.judge, study.conclusions.until)
    return dict(score_hops(truth, hops, looked, sight, study.url_ids.__getitem__))


def test_hops_of_all_kinds_are_found_and_right(base: World) -> None:
    """Over three drawn worlds nearly all measured hops are right, and nearly all detectable ones are found."""
    total = KindTally()
    for number in range(3):
        chance = random.Random(f"a test's hop worlds {number}")
        drawn = draw_hop_world(base, chance, sites=45)
        truth = simulate(drawn.world)
        for tally in score_virtual(truth, virtual_study(truth, drawn.plan, chance)).values():
            total += tally
    assert total.detectable > 60
    assert (total.precision or 0.0) >= 0.95
    assert (total.recall or 0.0) >= 0.95


def test_wrong_kinds_and_wrong_places_are_wrong(full: tuple[Truth, VirtualStudy]) -> None:
    """A hop of another kind or from another place is not right, and what is not measured not found."""
    truth, study = full
    good = _tally(truth, study, lambda hop: hop)
    assert all(tally.found <= tally.detectable for tally in good.values())
    assert sum(tally.right for tally in good.values()) > 20
    renamed = _tally(truth, study, lambda hop: replace(hop, kind="tld" if hop.kind == "copy" else "copy"))
    assert renamed["copy"].right == renamed["tld"].right == 0
    moved = _tally(truth, study, lambda hop: replace(hop, from_hoster="nobody"))
    assert sum(tally.right for tally in moved.values()) == 0
    nothing = _tally(truth, study, lambda hop: None)
    assert [tally.detectable for tally in nothing.values()] == [tally.detectable for tally in good.values()]
    assert sum(tally.found + tally.measured for tally in nothing.values()) == 0
    assert nothing["copy"].precision is None


def test_nothing_is_detectable_without_looks(full: tuple[Truth, VirtualStudy]) -> None:
    """Whoever did not look could see no hop."""
    truth, study = full
    sight = sight_of(study.judge, study.conclusions.until)
    unseen = score_hops(truth, [], {}, sight, study.url_ids.__getitem__)
    assert sum(tally.detectable for tally in unseen.values()) == 0
    never = sight_of(study.judge, None)
    early = score_hops(truth, [], looked_at(study.conclusions.verdicts), never, study.url_ids.__getitem__)
    assert sum(tally.detectable for tally in early.values()) == 0


@pytest.mark.parametrize("name", ["quiet", "renumbering", "cdn", "lineage", "churn"])
def test_no_hop_where_nothing_moves(name: str) -> None:
    """Renumbering, proxies, sold networks, rotating names and returns are no hops, at a seed of the test's own."""
    world = read_world(scenario_path(name))
    sites = msgspec.structs.replace(world.sites, count=45)
    truth = simulate(msgspec.structs.replace(world, seed=424_242, sites=sites))
    found = virtual_study(truth, PLAN, random.Random(name)).conclusions
    assert len(found.episodes) > 40
    assert found.hops == []
    assert {episode.hoster for episode in found.episodes} <= {hoster.key for hoster in world.hoster}


def test_virtual_facts_follow_the_truth(base: World) -> None:
    """Looks say what was true when they were taken, each chance gives the same facts, and no name is in them."""
    world = draw_hop_world(base, random.Random("facts"), sites=20).world
    world = msgspec.structs.replace(world, sites=msgspec.structs.replace(world.sites, dns_errors=0.0))
    truth = simulate(world)
    plan = LookPlan(missed=0.2, outages=((30.0, 40.0),))
    facts = virtual_facts(truth, plan, random.Random(1))
    urls = {url_id_of(url): url for url in truth.shown}
    states = Counter()
    for look in facts.looks:
        url = urls[look.url_id]
        if look.status == 200 and not look.marks:
            assert truth.is_up(url, look.observed_at)
        elif look.status in (301, 404, 410) or look.failure == "nxdomain":
            assert not truth.is_up(url, look.observed_at)
        hour = (look.observed_at - world.start) / timedelta(hours=1)
        assert (look.failure == "timeout") == (30.0 <= hour < 40.0)
        states[look.status or look.failure] += 1
    assert 0.15 < states[503] / states.total() < 0.25
    again = virtual_facts(truth, plan, random.Random(1))
    assert (again.looks, again.reports, again.targets) == (facts.looks, facts.reports, facts.targets)
    text = repr((facts.targets, facts.reports, facts.looks[:200], list(facts.controls.values())))
    assert not any(shown.host in text for shown in truth.shown.values())


def test_what_is_reported_again_is_looked_at_often_again(base: World) -> None:
    """A look comes with the report, and looks that had become rare are frequent for two days."""
    truth = simulate(draw_hop_world(base, random.Random("again"), sites=40).world)
    first = {report.url: report for report in sorted(truth.reports, key=lambda one: one.reported_at, reverse=True)}
    days = timedelta(days=3)
    again = [replace(one, reported_at=one.reported_at + days) for one in first.values()]
    truth = replace(truth, reports=(*first.values(), *again))
    facts = virtual_facts(truth, LookPlan(every_hours=2.0, late_hours=24.0), random.Random(1))
    came: dict[str, list[datetime]] = defaultdict(list)
    for report in facts.reports:
        came[report.url_id].append(report.received_at)
    seen: dict[str, list[datetime]] = defaultdict(list)
    up: set[tuple[str, datetime]] = set()
    for look in facts.looks:
        seen[look.url_id].append(look.observed_at)
        if look.status == 200 and not look.marks:
            up.add((look.url_id, look.observed_at))
    frequent = 0
    for url_id, (_, second) in ((url_id, sorted(times)) for url_id, times in came.items()):
        if second >= truth.world.end:
            continue
        assert second in seen[url_id]
        after = [when for when in seen[url_id] if second <= when < second + timedelta(days=2)]
        if all((url_id, when) in up for when in after) and second + timedelta(days=2) < truth.world.end:
            frequent += 1
            assert max(b - a for a, b in pairwise(after)) <= timedelta(hours=2.2)
    assert frequent > 5


def test_stretches_hold_each_fact_once_in_its_time(base: World) -> None:
    """Facts in stretches of time are all that a whole study has, each once and in its stretch, controls renewed."""
    world = draw_hop_world(base, random.Random("stretches"), sites=20).world
    truth = simulate(world)
    plan, stretch = LookPlan(late_hours=24.0, late=0.3, control_hours=12.0), timedelta(days=3)
    parts = list(facts_in_stretches(truth, plan, random.Random(1), stretch))
    whole = virtual_facts(truth, plan, random.Random(1))
    assert len(parts) == -(-round(world.days) // 3)
    assert {name for part in parts for name in part.targets} == set(whole.targets)
    assert sum(len(part.reports) for part in parts) == len(whole.reports)
    for part in parts:
        known = {look.control_id for look in part.looks if look.control_id}
        assert known == set(part.controls)
        assert {look.resolution_id for look in part.looks} == set(part.resolutions)
    seen: set[str] = set()
    for number, part in enumerate(parts):
        for fact in (*part.looks, *part.reports, *part.canaries, *part.controls.values()):
            (key,) = (getattr(fact, name) for name in fact.KEY)
            when = fact.received_at if isinstance(fact, Report) else fact.observed_at
            assert min((when - world.start) // stretch, len(parts) - 1) == number
            assert key not in seen
            seen.add(key)


def test_drawn_worlds_stay_in_their_ranges(base: World) -> None:
    """What is drawn lies in the stated ranges; home and abroad both have hosters."""
    for number in range(20):
        drawn = draw_hop_world(base, random.Random(number))
        movement, plan = drawn.world.movement, drawn.plan
        for reported in (movement.reported_home, movement.reported_abroad):
            assert UNREPORTED[0] <= 1.0 - reported <= UNREPORTED[1]
        assert 0.05 <= plan.missed <= 0.2
        assert 1.0 <= plan.every_hours <= 3.0 <= plan.late_hours <= 6.0
        assert {hoster.country == base.home for hoster in drawn.world.hoster} == {True, False}


def test_bounds_hold_the_true_displaced_share(base: World) -> None:
    """In twelve worlds whose arrivals mostly go unreported, bounds hold what truly was displaced in all but one."""
    held = narrow = 0
    for number in range(12):
        found = displaced_world(base, random.Random(f"a test's displaced worlds {number}"), sites=60)
        units = found.takedowns
        assert len(units) > 15
        bounds = displaced_bounds(
            [one.certain for one in units],
            [one.possible for one in units],
            [one.site_id for one in units],
            detection=DETECTION,
        )
        assert isinstance(bounds, Bounds)
        held += bounds.low <= min(found.seen, found.all) and max(found.seen, found.all) <= bounds.high
        narrow += bounds.high < 1.0
        assert 0.0 <= found.process <= 0.7
    assert held >= 11
    assert narrow > 0
