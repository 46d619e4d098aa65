"""What names and servers answer at an instant."""

from datetime import datetime, timedelta

import pytest

from waterbed.lab.servers.scene import WorldScene
from waterbed.lab.servers.state import Behaviour, Listener
from waterbed.lab.world.records import SiteTraits, Truth

_HOUR = timedelta(hours=1)


def _ask(scene: WorldScene, truth: Truth, url: str, moment: datetime, *, other: str | None = None) -> Behaviour:
    shown = truth.shown[url]
    key = truth.places[shown.host].at(moment)
    listener = next(one for one in scene.listeners() if one.key == key and one.port == 443)
    return scene.behaviour(listener, shown.host, other or shown.target, moment, "127.0.0.1")


def _plain(traits: SiteTraits) -> bool:
    return not traits.catch_all and not traits.indistinct


def test_names_exist_from_appearance_on(scene: WorldScene, truth: Truth) -> None:
    """A host has no name before it appears, and addresses from that instant on."""
    host, timeline = next(iter(truth.hosts.items()))
    assert scene.addresses(host, timeline.starts[0] - _HOUR) is None
    assert scene.addresses(host, timeline.starts[0])
    assert scene.addresses("never.example", timeline.starts[0]) is None


def test_a_page_is_up_and_then_removed(scene: WorldScene, truth: Truth) -> None:
    """A removed URL answers 200 in its episode and 404 behind it; its neighbour path is 404 all along."""
    seen = 0
    for episode in truth.episodes:
        if episode.hoster != "polder" or episode.cause != "removed" or not episode.end:
            continue
        if not _plain(truth.traits[truth.shown[episode.url].host]):
            continue
        assert _ask(scene, truth, episode.url, episode.start).status == 200
        assert _ask(scene, truth, episode.url, episode.start, other="/no-such").status == 404
        assert _ask(scene, truth, episode.url, episode.end).status == 404
        seen += 1
    assert seen


def test_suspension_takes_the_whole_account(scene: WorldScene, truth: Truth) -> None:
    """At a hoster that suspends, every path of the host redirects to the suspension page afterwards."""
    ended = [e for e in truth.episodes if e.hoster == "fjord" and e.cause == "removed" and e.end]
    for episode in ended:
        for path in (None, "/anything"):
            answer = _ask(scene, truth, episode.url, episode.end or episode.start, other=path)
            assert answer.status == 302
            assert dict(answer.headers)["Location"].endswith("/cgi-sys/suspendedpage.cgi")
    assert ended


def test_catch_all_never_says_404(scene: WorldScene, truth: Truth) -> None:
    """A catch-all site answers 200 after the removal too, then like any path of it."""
    ended = [
        e
        for e in truth.episodes
        if e.end and e.cause == "removed" and e.hoster == "polder" and truth.traits[truth.shown[e.url].host].catch_all
    ]
    for episode in ended:
        after = _ask(scene, truth, episode.url, episode.end or episode.start)
        assert after.status == 200
        assert after == _ask(scene, truth, episode.url, episode.end or episode.start, other="/anything")
        if not truth.traits[truth.shown[episode.url].host].indistinct:
            assert after != _ask(scene, truth, episode.url, episode.start)
    assert ended


def test_a_hoster_does_not_answer_for_another(scene: WorldScene, truth: Truth) -> None:
    """Asked at a place where the site is not, the server knows nothing of it."""
    episode = next(e for e in truth.episodes if e.hoster == "polder")
    shown = truth.shown[episode.url]
    elsewhere = Listener(key="fjord", port=80, prefixes=())
    assert scene.behaviour(elsewhere, shown.host, shown.target, episode.start, "127.0.0.1").status == 404


def test_the_outage_has_its_hours(scene: WorldScene, truth: Truth) -> None:
    """Our network is down from the first hour of an outage up to, not including, its last."""
    start = truth.world.start
    at = {hour: scene.silent(start + hour * _HOUR) for hour in (49.9, 50, 55.9, 56)}
    assert at == {49.9: False, 50: True, 55.9: True, 56: False}


@pytest.mark.parametrize("number", range(5))
def test_a_behaviour_names_no_host(scene: WorldScene, truth: Truth, number: int) -> None:
    """A behaviour's repr shows its status alone."""
    episode = truth.episodes[number]
    answer = _ask(scene, truth, episode.url, episode.start)
    assert truth.shown[episode.url].host not in repr(answer)
