"""All that content does in a world, and all that only looks like it."""

from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from waterbed.lab.servers.zones import Names
from waterbed.lab.world.allocations import Allocations
from waterbed.lab.world.file import Movement, World
from waterbed.lab.world.reading import parse_world, read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate
from waterbed.model.errors import InputError
from waterbed.model.urls import registrable_domain

NOTHING_MOVES = ("renumbering", "cdn", "lineage", "churn")


def _moving(world: World, **changes: float) -> Truth:
    """The small world with all kinds of movement."""
    movement = Movement(after_takedown=0.8, same_label=0.5, flight=0.5, redirect=0.5, parallel=0.3)
    movement = msgspec.structs.replace(movement, **changes)
    hosters = tuple(
        msgspec.structs.replace(h, removal=msgspec.structs.replace(h.removal, answer_after_removal="404"))
        for h in world.hoster
    )
    sites = msgspec.structs.replace(world.sites, count=80)
    return simulate(msgspec.structs.replace(world, movement=movement, hoster=hosters, sites=sites))


def _label(truth: Truth, url: str) -> tuple[str, str]:
    label, _, suffix = registrable_domain(truth.shown[url].host).partition(".")
    return label, suffix


def test_each_kind_of_hop_is_what_it_is_called(world: World) -> None:
    """Names are pointed elsewhere while up or come back up; new names keep the label, are led to, or are just new."""
    truth = _moving(world)
    assert Counter(hop.kind for hop in truth.hops).keys() == {
        "relocation",
        "reappearance",
        "redirect",
        "tld",
        "copy",
    }
    for hop in truth.hops:
        assert (hop.from_url == hop.to_url) == (hop.kind in ("relocation", "reappearance"))
        assert (hop.left == hop.arrived) or hop.kind not in ("relocation", "redirect")
        assert (truth.moved_urls.get(hop.from_url) == hop.to_url) == (hop.kind == "redirect")
        old, new = _label(truth, hop.from_url), _label(truth, hop.to_url)
        if hop.kind == "tld":
            assert old[0] == new[0]
            assert old[1] != new[1]
        elif hop.kind == "copy":
            assert old[0] != new[0]


def test_who_has_fled_once_stays(world: World) -> None:
    """With flight alone no site moves twice under one name."""
    truth = _moving(world, flight=1.0, redirect=0.0, after_takedown=0.0, parallel=0.0)
    moves = Counter((hop.from_url, hop.kind) for hop in truth.hops)
    assert moves
    assert set(moves.values()) == {1}


def test_what_comes_back_where_it_was_is_no_hop(world: World) -> None:
    """Removed pages that come back at their hoster are up again, and nothing moved."""
    truth = _moving(world, relocation=0.0, copy=0.0, back=1.0, flight=0.0, parallel=0.0)
    again = Counter(episode.url for episode in truth.episodes)
    assert truth.hops == ()
    assert max(again.values()) > 1
    assert {e.hoster for e in truth.episodes if again[e.url] > 1} <= {hoster.key for hoster in truth.world.hoster}


@pytest.mark.parametrize("name", NOTHING_MOVES)
def test_nothing_moves_in_worlds_that_only_look_so(name: str) -> None:
    """Worlds full of changes have no hop at any seed, and content is taken down in them all the same."""
    base = read_world(scenario_path(name))
    for seed in (base.seed, 1, 2, 3):
        truth = simulate(msgspec.structs.replace(base, seed=seed))
        assert truth.hops == ()
        assert sum(episode.cause in ("removed", "name") for episode in truth.episodes) > 30


def test_renumbered_sites_stay_at_their_hoster() -> None:
    """New addresses lie in the prefix that was named, which is the hoster's on that day, bought or its own."""
    truth = simulate(read_world(scenario_path("renumbering")))
    allocations = Allocations(truth.world)
    for event in truth.world.renumbering:
        moment = truth.world.start + timedelta(days=event.day)
        before, after = moment - timedelta(seconds=1), moment + timedelta(seconds=1)
        changed = [
            host
            for host, said in truth.hosts.items()
            if said.at(before) != said.at(after) and moment in said.starts and said.at(after)
        ]
        for host in changed:
            owners = {
                owner.key for one in truth.hosts[host].at(after) or () if (owner := allocations.owner(one, after))
            }
            assert owners == {truth.places[host].at(after)}


def test_a_proxy_that_is_taken_away_leaves_the_site_where_it_was() -> None:
    """Behind a proxy for two days, sites answer from their hoster again; both changes end episodes and are no hop."""
    truth = simulate(read_world(scenario_path("cdn")))
    causes = Counter(episode.cause for episode in truth.episodes)
    assert causes["masked"] > 5
    assert causes["unmasked"] > 5
    by_url: dict[str, list[str]] = {}
    for episode in truth.episodes:
        by_url.setdefault(episode.url, []).append(episode.hoster)
    assert any(places == [places[0], "brumenet", places[0]] for places in by_url.values() if len(places) == 3)


def test_failing_name_servers_fail_by_the_hour() -> None:
    """In some hours some names fail, are denied or have no address; at other times they are as they were."""
    truth = simulate(read_world(scenario_path("churn")))
    names, start = Names(truth), truth.world.start
    seen = Counter(names.trouble(host, start + timedelta(hours=h)) for host in truth.hosts for h in range(100))
    assert {"servfail", "nxdomain", "nodata"} < seen.keys()
    assert 0.03 < 1 - seen[""] / seen.total() < 0.10
    assert all(names.trouble("elsewhere.example", start + timedelta(hours=h)) == "" for h in range(50))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('[[renumbering]]\nhoster = "nobody"\nprefix = "28.1.0.0/20"\nday = 1.0', "renumbering of nobody"),
        ('[[renumbering]]\nhoster = "polderhost"\nprefix = "28.9.0.0/20"\nday = 1.0', "28.9.0.0/20"),
        ('[[fronting]]\nproxy = "veil"\nday = 2.0\nuntil_day = 1.0\nshare = 0.5', "after day 2"),
    ],
)
def test_mistakes_are_named(line: str, says: str) -> None:
    """A renumbering of nobody or to nowhere and a proxy that goes before it comes are refused."""
    veil = (
        '[[hoster]]\nkey = "veil"\nname = "Veil"\nasn = 64510\ncountry = "US"\nkind = "proxy"\nv4 = ["28.8.0.0/20"]\n'
    )
    text = scenario_path("quiet").read_text()
    with pytest.raises(InputError, match=says):
        parse_world(f"{text}\n{veil}\n{line}\n")
