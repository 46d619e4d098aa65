"""Names that the police take over, in a virtual study with known truth."""

import random
from datetime import datetime

import msgspec
import pytest

from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.study import VirtualStudy, virtual_study
from waterbed.lab.world.file import BEYOND, SEIZED, Seizure
from waterbed.lab.world.names import beyond_of
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate


@pytest.fixture(scope="module")
def seized() -> tuple[Truth, VirtualStudy]:
    """A third of all names are seized in the middle of the study, and some of their content goes on elsewhere."""
    plain = read_world(scenario_path("waterbed"))
    world = msgspec.structs.replace(
        plain,
        sites=msgspec.structs.replace(plain.sites, count=80, big_site=0),
        movement=msgspec.structs.replace(plain.movement, flight=0.0),
        seizure=(Seizure(day=plain.days / 2, share=0.35),),
    )
    truth = simulate(world)
    return truth, virtual_study(truth, LookPlan(every_hours=3.0), random.Random(2))


def test_a_seizure_is_an_end_of_its_own(seized: tuple[Truth, VirtualStudy]) -> None:
    """Every seized URL that was looked at ends as seized, and nothing else does."""
    truth, study = seized
    when = _seized_at(truth)
    ours = {study.url_ids[one.url] for one in truth.episodes if one.cause == SEIZED}
    ended = [one for one in study.conclusions.episodes if one.first_down and one.first_down >= when]
    assert {one.cause for one in ended if one.url_id in ours} == {SEIZED}
    assert len({one.url_id for one in ended if one.url_id in ours}) > 10
    assert SEIZED not in {one.cause for one in study.conclusions.episodes if one.url_id not in ours}


def test_a_banner_holds_no_content(seized: tuple[Truth, VirtualStudy]) -> None:
    """No episode and no hop leads to the network of the banner."""
    truth, study = seized
    conclusions = study.conclusions
    assert {
        beyond_of(address) for places in truth.hosts.values() for held in places.values for address in held or ()
    } >= {SEIZED}
    assert not any(beyond_of(address) for one in conclusions.episodes for address in one.addresses)
    named = {hop.to_hoster for hop in conclusions.hops} | {hop.from_hoster for hop in conclusions.hops}
    assert named <= {hoster.key for hoster in truth.world.hoster}
    assert "AS65534" not in named
    assert BEYOND[SEIZED] not in named


def test_content_goes_on_after_a_seizure(seized: tuple[Truth, VirtualStudy]) -> None:
    """A hop of seized content under a new name is found."""
    truth, study = seized
    gone = {one.url for one in truth.episodes if one.cause == SEIZED}
    true = {(study.url_ids[hop.from_url], study.url_ids[hop.to_url]) for hop in truth.hops if hop.from_url in gone}
    found = {(hop.from_url_id, hop.to_url_id) for hop in study.conclusions.hops}
    assert true & found


def _seized_at(truth: Truth) -> datetime:
    return min(one.end for one in truth.episodes if one.cause == SEIZED and one.end)
