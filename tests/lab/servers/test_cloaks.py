"""Servers that look as if content were removed, to us alone or for reports of what never was there."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
import pytest

from waterbed.lab.servers.scene import WorldScene
from waterbed.lab.servers.state import Behaviour, Listener
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import Shown, Truth
from waterbed.lab.world.truth import simulate

FIRST, SECOND = "127.0.0.1", "127.0.0.2"
CHECKS = 6
CONTROL = "/no-such-page-4f1d"


@pytest.fixture(scope="module")
def cloaks() -> World:
    """The shipped scenario with as many sites as the test needs, all of them at one hoster that removes nothing."""
    world = read_world(scenario_path("cloaks"))
    (one,) = (hoster for hoster in world.hoster if hoster.key == "nevelnet")
    quiet = msgspec.structs.replace(one, removal=msgspec.structs.replace(one.removal, removes=0.0))
    sites = msgspec.structs.replace(world.sites, count=120, urls_per_site=(2, 2))
    return msgspec.structs.replace(world, hoster=(quiet,), sites=sites)


def _with(world: World, **changes: object) -> tuple[Truth, WorldScene]:
    (hoster,) = world.hoster
    truth = simulate(msgspec.structs.replace(world, hoster=(msgspec.structs.replace(hoster, **changes),)))
    return truth, WorldScene(truth)


def _shown(truth: Truth) -> Iterator[tuple[Shown, datetime]]:
    """Each reported URL, and its first report."""
    first = {report.url: report.reported_at for report in reversed(truth.reports)}
    yield from ((truth.shown[url], at) for url, at in first.items())


def _ask(scene: WorldScene, shown: Shown, target: str, moment: datetime, source: str) -> Behaviour:
    port = 443 if shown.url.startswith("https") else 80
    return scene.behaviour(_listener(scene, port), shown.host, target, moment, source)


def _listener(scene: WorldScene, port: int) -> Listener:
    return next(one for one in scene.listeners() if one.port == port)


@pytest.mark.parametrize("share", [0.6, 1.0])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_share_of_urls_is_hidden_from_a_check_on(cloaks: World, after: int, share: float) -> None:
    """From that check on we get 404 at these URLs, and the other place never; other URLs are answered to both."""
    truth, scene = _with(cloaks, blind_share=share, blind_after_looks=after)
    hidden = 0
    for shown, reported in _shown(truth):
        moments = [reported + timedelta(hours=number) for number in range(CHECKS)]
        here, there = (
            [_ask(scene, shown, shown.target, moment, source).status for moment in moments]
            for source in (FIRST, SECOND)
        )
        assert there == [200] * CHECKS
        assert here in (there, [200] * after + [404] * (CHECKS - after))
        assert truth.is_up(shown.url, moments[-1])
        hidden += here != there
    assert hidden / len(truth.shown) == pytest.approx(share, abs=0.1)


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("how", ["301", "302", "seized"])
def test_each_path_of_a_host_is_answered_alike(cloaks: World, how: str, after: int) -> None:
    """After a check of the host each of its paths redirects us to one other site, or shows a banner of a seizure."""
    truth, scene = _with(cloaks, blind_share=1.0, blind_after_looks=after, blind_how=how)
    (hoster,) = truth.world.hoster
    # a host has several URLs, and a check of any of them counts: one URL of each
    for shown, reported in {shown.host: (shown, at) for shown, at in _shown(truth)}.values():
        moments = [reported + timedelta(hours=number) for number in range(3)]
        for number, moment in enumerate(moments):
            own, control = (_ask(scene, shown, target, moment, FIRST) for target in (shown.target, CONTROL))
            assert _ask(scene, shown, shown.target, moment, SECOND).status == 200
            assert _ask(scene, shown, CONTROL, moment, SECOND).status == 404
            if number >= after:
                assert (own.status, own.headers, own.body) == (control.status, control.headers, control.body)
                assert _leads(own) == (None if how == "seized" else f"http://www.{hoster.domain}/")
                assert own.status == (200 if how == "seized" else int(how))
                assert (b"domain has been seized" in own.body) == (how == "seized")


def _leads(answer: Behaviour) -> str | None:
    return dict(answer.headers).get("Location")


@pytest.mark.parametrize("share", [0.0, 0.7, 1.0])
def test_what_is_reported_falsely_was_never_there(cloaks: World, share: float) -> None:
    """Such a site has a name and an address, each of its URLs is 404 to everybody, and no true episode."""
    truth, scene = _with(cloaks, false_reports=share, blind_to=())
    ever = {episode.url for episode in truth.episodes}
    false = [(shown, reported) for shown, reported in _shown(truth) if shown.url not in ever]
    for shown, reported in false:
        assert truth.hosts[shown.host].at(reported)
        assert not truth.is_up(shown.url, reported)
        for source in (FIRST, SECOND):
            assert _ask(scene, shown, shown.target, reported, source).status == 404
    assert len({shown.host for shown, _ in false}) / len(truth.hosts) == pytest.approx(share, abs=0.12)
    assert not false or all(shown.host not in {truth.shown[url].host for url in ever} for shown, _ in false)
    assert sum(one.urls for one in truth.removal.values()) <= len(ever)


def test_false_reports_change_nothing_else(cloaks: World) -> None:
    """The same sites are reported at the same times, whether something was there or not."""
    honest, false = (_with(cloaks, false_reports=share, blind_to=())[0] for share in (0.0, 1.0))
    assert honest.reports == false.reports
    assert honest.hosts.keys() == false.hosts.keys()
    assert (len(honest.episodes) > 0, false.episodes) == (True, ())
