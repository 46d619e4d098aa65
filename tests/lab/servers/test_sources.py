"""Servers that answer by source: who asks decides."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from waterbed.lab.servers.process import LabServers
from waterbed.lab.servers.scene import WorldScene
from waterbed.lab.servers.state import Listener, WithCanary
from waterbed.lab.world.file import World
from waterbed.lab.world.records import TrueEpisode, Truth

_FIRST, _SECOND, _PROXY = "127.0.0.1", "127.0.0.2", "127.0.0.3"


def _at(truth: Truth, hoster: str, moment: datetime) -> tuple[str, str, str]:
    for url, shown in truth.shown.items():
        traits = truth.traits[shown.host]
        if truth.is_up(url, moment) and truth.places[shown.host].at(moment) == hoster and not traits.https_root:
            return (truth.hosts[shown.host].at(moment) or ("",))[0], shown.host, shown.target
    raise LookupError("nothing is up there")


def test_a_hoster_can_be_blind_to_one_place(strange, strange_truth: Truth, strange_world: World) -> None:
    """From its hour on a hoster serves the first place nothing, and the others as before."""
    before, after = (strange_world.start + timedelta(hours=hours) for hours in (23.9, 48))
    for moment, statuses in ((before, (200, 200, 200)), (after, (404, 200, 200))):
        strange.servers.set_time(moment)
        where = _at(strange_truth, "nevel", moment)
        assert tuple(strange.ask(*where, source=s).status for s in (_FIRST, _SECOND, _PROXY)) == statuses


@pytest.mark.parametrize("how", ["hang", "reset"])
def test_blindness_can_be_silence_or_a_reset(strange_truth: Truth, how: str) -> None:
    """A hoster can leave us waiting or break connections off."""
    world = strange_truth.world
    hosters = tuple(
        msgspec.structs.replace(h, blind_how=how, blind_to=("second",)) if h.key == "nevel" else h for h in world.hoster
    )
    scene = WorldScene(replace(strange_truth, world=msgspec.structs.replace(world, hoster=hosters)))
    listener = next(one for one in scene.listeners() if one.key == "nevel")
    moment = world.start + timedelta(hours=30)
    kinds = {source: scene.behaviour(listener, "x", "/", moment, source).kind for source in (_FIRST, _SECOND)}
    assert kinds == {_FIRST: "answer", _SECOND: how}


def test_an_outage_can_be_one_places_own(strange_scene: WorldScene, strange_world: World) -> None:
    """In an outage of one place the canary hangs for it and answers the others; names are resolved all along."""
    scene = WithCanary(strange_scene)
    canary = Listener(key="lab-canary", port=80, prefixes=())
    inside, outside = (strange_world.start + timedelta(hours=hours) for hours in (102, 105))
    host = "first.waterbed-canary.net"
    assert scene.behaviour(canary, host, "/", inside, _SECOND).kind == "hang"
    assert scene.behaviour(canary, host, "/", inside, _FIRST).status == 200
    assert scene.behaviour(canary, host, "/", outside, _SECOND).status == 200
    assert not scene.silent(inside)


def test_an_undisturbed_world_has_the_same_truth(strange_world: World, strange_truth: Truth) -> None:
    """What disturbs a measurement changes nothing of what is true."""
    from waterbed.lab.world.truth import simulate

    calm = strange_world.undisturbed()
    assert not calm.outage
    assert not any(hoster.blind_to for hoster in calm.hoster)
    truth = simulate(calm)
    assert (truth.reports, truth.episodes, truth.pages) == (
        strange_truth.reports,
        strange_truth.episodes,
        strange_truth.pages,
    )


def test_the_second_address_needs_no_setting_up(servers: LabServers, client) -> None:
    """All of 127.0.0.0/8 is this machine: a second outgoing address is just bound."""
    assert client.ask("28.1.0.1", "a.example", "/", source=_SECOND).status == 404


@pytest.mark.parametrize(("how", "status"), [("404", 404), ("403", 403), ("blank", 200)])
def test_a_hoster_can_hide_after_some_looks(strange_truth: Truth, how: str, status: int) -> None:
    """One place gets true answers for so many looks at a URL, then never again; the other place always does."""
    world = strange_truth.world
    hosters = tuple(
        msgspec.structs.replace(h, blind_how=how, blind_to=("first",), blind_from_hour=0.0, blind_after_looks=3)
        if h.key == "nevel"
        else h
        for h in world.hoster
    )
    scene = WorldScene(replace(strange_truth, world=msgspec.structs.replace(world, hoster=hosters)))
    episode = next(
        e
        for e in strange_truth.episodes
        if e.hoster == "nevel"
        and e.start >= world.start
        and (e.end or world.end) - e.start > timedelta(hours=9)
        and not _redirects(strange_truth, e)
    )
    shown = strange_truth.shown[episode.url]
    listener = next(one for one in scene.listeners() if one.key == "nevel" and one.port == 443)
    for look in range(8):
        moment = episode.start + timedelta(hours=look + 1)
        for second in (0, 1):
            asked = listener, shown.host, shown.target, moment + timedelta(seconds=second)
            here, there = scene.behaviour(*asked, "127.0.0.1"), scene.behaviour(*asked, "127.0.0.2")
            if look < 3:
                assert here.body[:15] == there.body[:15]
            else:
                assert (here.status, len(here.body) < 100, len(there.body) > 100) == (status, True, True)


@pytest.mark.parametrize(("how", "status"), [("301", 301), ("302", 302)])
def test_a_hoster_can_redirect_all_of_a_host_after_some_looks(strange_truth: Truth, how: str, status: int) -> None:
    """One place gets true answers for so many looks at a host, random paths too, then none; the other always does."""
    world = strange_truth.world
    hosters = tuple(
        msgspec.structs.replace(h, blind_how=how, blind_to=("first",), blind_from_hour=0.0, blind_after_looks=2)
        if h.key == "nevel"
        else h
        for h in world.hoster
    )
    scene = WorldScene(replace(strange_truth, world=msgspec.structs.replace(world, hoster=hosters)))
    episode = next(e for e in strange_truth.episodes if e.hoster == "nevel" and not _redirects(strange_truth, e))
    listener = next(one for one in scene.listeners() if one.key == "nevel" and one.port == 443)
    for check in range(4):
        moment = max(episode.start, world.start) + timedelta(hours=check + 1)
        for target in (strange_truth.shown[episode.url].target, "/nobody-knows"):
            asked = listener, strange_truth.shown[episode.url].host, target, moment
            here, there = (scene.behaviour(*asked, source).status for source in ("127.0.0.1", "127.0.0.2"))
            assert here == (there if check < 2 else status)
            assert there != status


def _redirects(truth: Truth, episode: TrueEpisode) -> bool:
    traits = truth.traits[truth.shown[episode.url].host]
    return traits.https_redirect or traits.https_root or traits.indistinct or traits.catch_all
