"""Sites that mislead, change, redirect and move: what each answers while it is up and afterwards."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import msgspec

from tests.lab.strange import STRANGE
from waterbed.lab.servers.scene import WorldScene
from waterbed.lab.servers.state import Behaviour
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import parse_world
from waterbed.lab.world.records import Shown, SiteTraits, TrueEpisode, Truth
from waterbed.lab.world.truth import simulate

_HERE = "127.0.0.1"


def _ended(
    truth: Truth, hoster: str, wanted: Callable[[SiteTraits, Shown], bool]
) -> Iterator[tuple[TrueEpisode, Shown, datetime]]:
    """Episodes that ended at a hoster, with what they showed and the time they ended."""
    for episode in truth.episodes:
        shown = truth.shown[episode.url]
        if episode.end and episode.hoster == hoster and wanted(truth.traits[shown.host], shown):
            yield episode, shown, episode.end


def _ask(scene: WorldScene, truth: Truth, host: str, target: str, moment: datetime, port: int = 443) -> Behaviour:
    key = truth.places[host].at(moment)
    listener = next(one for one in scene.listeners() if one.key == key and one.port == port)
    return scene.behaviour(listener, host, target, moment, _HERE)


def _location(answer: Behaviour) -> str:
    return dict(answer.headers)["Location"]


def _plain(traits: SiteTraits, shown: Shown) -> bool:
    return not traits.spa and not traits.echo and traits.dynamic == "no"


def test_a_catch_all_hoster_shows_one_page_everywhere(strange_scene: WorldScene, strange_truth: Truth) -> None:
    """All hosts of such a hoster show the same page for what is not there, before, after, and when nobody is there."""
    seen = set()
    for _, shown, end in _ended(strange_truth, "always", _plain):
        for target in (shown.target, "/never-there"):
            answer = _ask(strange_scene, strange_truth, shown.host, target, end)
            assert answer.status == 200
            seen.add(answer.body)
    listener = next(one for one in strange_scene.listeners() if one.key == "always")
    seen.add(strange_scene.behaviour(listener, "stranger.example", "/", strange_truth.world.start, _HERE).body)
    assert len(seen) == 1


def test_an_echoing_page_has_no_fixed_length(strange_scene: WorldScene, strange_truth: Truth) -> None:
    """Where the default page repeats the asked path, two paths of other lengths give other lengths and ETags."""
    found = list(
        _ended(strange_truth, "always", lambda traits, _: traits.echo and not traits.spa and traits.dynamic == "no")
    )
    for _, shown, end in found:
        short, long = (_ask(strange_scene, strange_truth, shown.host, t, end) for t in ("/a", "/a-longer-one"))
        assert b"/a-longer-one" in long.body
        assert len(short.body) < len(long.body)
        assert short.headers != long.headers or strange_truth.traits[shown.host].no_etag
    assert found


def test_a_dynamic_page_is_never_the_same(strange_scene: WorldScene, strange_truth: Truth) -> None:
    """Each answer has another body, and other ETags where there are any; for some the words differ too."""
    kinds = set()
    for episode in strange_truth.episodes:
        shown = strange_truth.shown[episode.url]
        traits = strange_truth.traits[shown.host]
        if traits.dynamic == "no" or shown.image or episode.hoster in ("nevel", "pictures") or traits.spa:
            continue
        first, second = (_ask(strange_scene, strange_truth, shown.host, shown.target, episode.start) for _ in range(2))
        assert first.body != second.body
        assert first.headers != second.headers or traits.no_etag
        kinds.add(traits.dynamic)
    assert kinds == {"numbers", "words"}


def test_a_root_stays_live_or_is_denied(strange_scene: WorldScene, strange_truth: Truth) -> None:
    """A removed root shows the default page at catch-all hosters, and 404 or 403 elsewhere."""

    def root(traits: SiteTraits, shown: Shown) -> bool:
        return shown.target == "/" and not traits.spa and not traits.https_root

    for hoster, statuses in (("always", {200}), ("polder", {403, 404})):
        found = list(_ended(strange_truth, hoster, root))
        assert {_ask(strange_scene, strange_truth, s.host, "/", end).status for _, s, end in found} == statuses


def test_a_single_page_site_is_one_page(strange_scene: WorldScene, strange_truth: Truth) -> None:
    """While anything is up there, each path of a single-page site has the same page; then nothing is there."""
    seen = 0
    for episode, shown, end in _ended(strange_truth, "polder", lambda traits, shown: traits.spa and not shown.image):
        traits = strange_truth.traits[shown.host]
        first = _ask(strange_scene, strange_truth, shown.host, shown.target, episode.start)
        assert first.status == 200
        if traits.dynamic == "no":
            other = _ask(strange_scene, strange_truth, shown.host, "/any/other", episode.start)
            assert other.body == first.body
        last = max(e.end or end for e in strange_truth.episodes if strange_truth.shown[e.url].host == shown.host)
        gone = [_ask(strange_scene, strange_truth, shown.host, shown.target, last).status]
        ended = all(e.end for e in strange_truth.episodes if strange_truth.shown[e.url].host == shown.host)
        assert gone[0] in (403, 404) or not ended
        seen += 1
    assert seen


def test_http_can_lead_to_the_root_on_https(strange_scene: WorldScene, strange_truth: Truth) -> None:
    """Some sites redirect each path asked with http to their root on https, where a page of their own is."""
    found = list(_ended(strange_truth, "polder", lambda traits, shown: traits.https_root and shown.target != "/"))
    for episode, shown, _ in found:
        answer = _ask(strange_scene, strange_truth, shown.host, shown.target, episode.start, port=80)
        assert (answer.status, _location(answer)) == (301, f"https://{shown.host}/")
    assert found


def test_a_moved_site_leads_to_its_content(strange_scene: WorldScene, strange_truth: Truth) -> None:
    """After a move each path redirects for good, and the old URL to one at which its content is up."""
    found = [e for e in strange_truth.episodes if e.hoster == "mover" and e.cause == "moved" and e.end]
    assert found
    for episode in found:
        shown, end = strange_truth.shown[episode.url], episode.end or strange_truth.world.end
        answer = _ask(strange_scene, strange_truth, shown.host, shown.target, end)
        new = _location(answer)
        assert answer.status == 301
        assert strange_truth.shown[new].content_id == shown.content_id
        assert strange_truth.shown[new].host != shown.host
        assert strange_truth.is_up(new, end)
        assert not strange_truth.is_up(episode.url, end)
        other = _ask(strange_scene, strange_truth, shown.host, "/other", end)
        assert _location(other) == f"{new.partition('://')[0]}://{strange_truth.shown[new].host}/other"


def test_an_image_host_says_what_is_there(strange_scene: WorldScene, strange_truth: Truth) -> None:
    """Its link check gives 204 for an image that is up and 404 for any other; HEAD on the image is refused."""
    found = list(_ended(strange_truth, "pictures", lambda traits, shown: shown.image))
    for episode, shown, end in found:
        name = shown.target.removeprefix("/i/").removesuffix(".jpg")
        check = f"/api/exists/{name}"
        assert _ask(strange_scene, strange_truth, shown.host, check, episode.start).status == 204
        assert _ask(strange_scene, strange_truth, shown.host, check, end).status == 404
        assert _ask(strange_scene, strange_truth, shown.host, "/api/exists/other", episode.start).status == 404
        assert _ask(strange_scene, strange_truth, shown.host, shown.target, episode.start).head == "refused"
    assert found


def test_head_can_lie(strange, strange_truth: Truth) -> None:
    """Some servers answer HEAD with an error and GET with the page."""
    moment = strange_truth.world.start
    for url, shown in strange_truth.shown.items():
        traits = strange_truth.traits[shown.host]
        start = strange_truth.pages[url].starts[0]
        if traits.head_lie and not traits.https_root and start > moment:
            strange.servers.set_time(start)
            where = (strange_truth.hosts[shown.host].values[0] or ("",))[0], shown.host, shown.target
            assert strange.ask(*where, method="HEAD").status == traits.head_lie
            assert strange.ask(*where).status == 200
            return
    raise LookupError("no server lies")


def test_a_page_can_come_without_a_length(strange, strange_truth: Truth) -> None:
    """Without a stated length a page ends by chunks or with the connection, and HEAD states none either."""
    seen = set()
    for url, shown in strange_truth.shown.items():
        traits, start = strange_truth.traits[shown.host], strange_truth.pages[url].starts[0]
        wanted = traits.length != "stated" and traits.head == "plain" and not traits.head_lie
        if not wanted or traits.https_root or traits.length in seen or start < strange_truth.world.start:
            continue
        strange.servers.set_time(start)
        where = (strange_truth.hosts[shown.host].values[0] or ("",))[0], shown.host, shown.target
        head, page = strange.ask(*where, method="HEAD"), strange.ask(*where)
        assert "content-length" not in head.headers
        assert "content-length" not in page.headers
        assert page.body.endswith(b"\r\n0\r\n\r\n") == (traits.length == "chunked")
        assert ("transfer-encoding" in page.headers) == (traits.length == "chunked")
        seen.add(traits.length)
    assert seen == {"chunked", "close"}


def test_one_content_has_the_same_text_at_all_places(strange_truth: Truth) -> None:
    """A copy shows the text of its original, and other content another one; every body is full of the marker."""
    scene = WorldScene(strange_truth, marker="a-marker")
    traits = SiteTraits(https=False, https_redirect=False, catch_all=False, indistinct=False, head="plain")
    by_content: dict[str, set[bytes]] = {}
    for shown in strange_truth.shown.values():
        body = scene._pages.content(traits, replace(shown, image=False)).body
        assert body.count(b"a-marker") > 100
        by_content.setdefault(shown.content_id, set()).add(body)
    assert all(len(bodies) == 1 for bodies in by_content.values())
    assert len({body for (body,) in by_content.values()}) == len(by_content)
    assert any(len([s for s in strange_truth.shown.values() if s.content_id == content]) > 1 for content in by_content)


def test_a_new_trait_changes_no_other_draw(strange_world: World, strange_truth: Truth) -> None:
    """Turning further traits on or off leaves names, reports and episodes as they were."""
    servers = msgspec.structs.replace(
        strange_world.servers, no_length=0.0, no_etag=1.0, echo=0.0, dynamic=0.9, spa=0.0, head_lies=0.7, https_root=0.0
    )
    other = simulate(msgspec.structs.replace(strange_world, servers=servers))
    assert (other.reports, other.episodes) == (strange_truth.reports, strange_truth.episodes)


def test_roots_add_to_those_by_chance() -> None:
    """With `roots` at 1 the first URL of every site is its root, image hosts apart."""
    truth = simulate(parse_world(STRANGE.replace("roots = 0.4", "roots = 1.0")))
    first = {shown.host for shown in truth.shown.values() if shown.target == "/"}
    sites = {h for h, place in truth.places.items() if place.values[0] not in ("pictures",)}
    moved = {url.partition("://")[2].partition("/")[0] for url in truth.moved_urls.values()}
    assert sites - moved <= first
