"""The truth of a world: invariants that any measurement may rely on."""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest

from waterbed.lab.world.events import Events
from waterbed.lab.world.file import BEYOND, Movement, World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import TrueEpisode, Truth
from waterbed.lab.world.truth import simulate


@pytest.fixture(params=["small", "strange", "quiet", "waterbed", "hostile", "outage", "soft404", "cloaks"])
def any_truth(request: pytest.FixtureRequest, truth: Truth, strange_truth: Truth) -> Truth:
    own = {"small": truth, "strange": strange_truth}
    return own[request.param] if request.param in own else simulate(read_world(scenario_path(request.param)))


def _by_url(truth: Truth) -> dict[str, list[TrueEpisode]]:
    found: dict[str, list[TrueEpisode]] = defaultdict(list)
    for episode in truth.episodes:
        found[episode.url].append(episode)
    return found


def test_same_seed_same_truth(world: World, truth: Truth) -> None:
    """A world gives the same truth each time."""
    assert simulate(world) == truth


def test_other_seed_other_truth(world: World, truth: Truth) -> None:
    """Another seed gives other names and other times."""
    other = simulate(msgspec.structs.replace(world, seed=8))
    assert not set(other.hosts) & set(truth.hosts)
    assert [r.reported_at for r in other.reports] != [r.reported_at for r in truth.reports]


def test_episodes_of_a_url_do_not_overlap(any_truth: Truth) -> None:
    """A URL is at one hoster at a time, and only its last episode may be open."""
    for episodes in _by_url(any_truth).values():
        for before, after in pairwise(episodes):
            assert before.end is not None
            assert before.start < before.end <= after.start
        assert all((e.end is None) == (e.cause is None) for e in episodes)


def test_hops_connect_episodes(any_truth: Truth) -> None:
    """Each hop leaves where one episode ends and arrives where another of the same content starts."""
    ends = {(e.url, e.hoster, e.content_id, e.end) for e in any_truth.episodes}
    starts = {(e.url, e.hoster, e.content_id, e.start) for e in any_truth.episodes}
    for hop in any_truth.hops:
        assert (hop.from_url, hop.from_hoster, hop.content_id, hop.left) in ends
        assert (hop.to_url, hop.to_hoster, hop.content_id, hop.arrived) in starts
        assert hop.from_hoster != hop.to_hoster
        assert hop.parallel == (hop.arrived < hop.left)
        assert (hop.kind in ("relocation", "reappearance")) == (hop.from_url == hop.to_url)
        assert not hop.detectable or hop.reported


def test_pages_agree_with_episodes(any_truth: Truth) -> None:
    """A URL's timeline says up exactly while an episode runs, but for a move that leaves it up."""
    for url, episodes in _by_url(any_truth).items():
        host = any_truth.shown[url].host
        for episode in episodes:
            assert any_truth.pages[url].at(episode.start) == "up"
            assert any_truth.places[host].at(episode.start) == episode.hoster
            if episode.cause == "removed":
                assert any_truth.pages[url].at(episode.end or any_truth.world.end) != "up"
            if episode.cause == "name":
                gone = episode.end or any_truth.world.end
                assert any_truth.hosts[host].at(gone) is None or any_truth.places[host].at(gone) == "parking"


def test_first_reports_find_content_up(any_truth: Truth) -> None:
    """Reports lie within the world, none before its page was up, but those of what never was."""
    false = {hoster.key for hoster in any_truth.world.hoster if hoster.false_reports}
    first: dict[str, TrueEpisode] = {url: episodes[0] for url, episodes in _by_url(any_truth).items()}
    for report in any_truth.reports:
        assert any_truth.world.start <= report.reported_at <= any_truth.world.end
        if report.url in first:
            assert first[report.url].start <= report.reported_at
        else:
            assert any_truth.places[any_truth.shown[report.url].host].at(report.reported_at) in false


def test_addresses_lie_in_their_hosters_prefixes(any_truth: Truth) -> None:
    """Every address of a host is in a prefix of the hoster whose place it is."""
    from ipaddress import ip_address, ip_network

    networks = {hoster.key: hoster.networks() for hoster in any_truth.world.hoster}
    networks |= {key: (ip_network(network),) for key, network in BEYOND.items()}
    for host, timeline in any_truth.hosts.items():
        for start, addresses in zip(timeline.starts, timeline.values, strict=True):
            key = any_truth.places[host].at(start)
            for address in addresses or ():
                assert any(ip_address(address) in network for network in networks[key or ""])


def test_quiet_world_has_no_hops() -> None:
    """Without movement, content that is taken down stays away."""
    assert simulate(read_world(scenario_path("quiet"))).hops == ()


def test_waterbed_has_every_kind_of_hop() -> None:
    """The waterbed scenario moves names, up or down, and copies content: home and abroad, reported and not."""
    truth = simulate(read_world(scenario_path("waterbed")))
    home = {hoster.key for hoster in truth.world.hoster if hoster.country == "NL"}
    assert Counter(hop.kind for hop in truth.hops).keys() == {"relocation", "reappearance", "copy"}
    assert {hop.parallel for hop in truth.hops} == {True, False}
    assert {hop.to_hoster in home for hop in truth.hops} == {True, False}
    copies = [hop for hop in truth.hops if hop.kind == "copy"]
    assert 0.2 <= sum(not hop.reported for hop in copies) / len(copies) <= 0.5


def test_intervention_makes_the_hoster_act() -> None:
    """After the intervention everything reported to the hoster goes within its hours."""
    world = read_world(scenario_path("waterbed"))
    truth = simulate(world)
    (event,) = world.intervention
    acted = world.start + timedelta(days=event.day, hours=event.within_hours)
    for report in truth.reports:
        late = max(acted, report.reported_at + timedelta(hours=event.within_hours))
        for episode in truth.episodes:
            up_then = episode.start <= report.reported_at and (episode.end is None or episode.end > report.reported_at)
            if episode.url == report.url and episode.hoster == event.hoster and up_then and late <= world.end:
                assert episode.end is not None
                assert episode.end <= late


def test_removal_share_counts_clocks_from_reports(world: World) -> None:
    """The share within 24 hours follows from reports and episodes alone."""
    still = simulate(msgspec.structs.replace(world, movement=Movement()))
    first = {report.url: report.reported_at for report in reversed(still.reports)}
    expected: dict[str, list[bool]] = defaultdict(list)
    for episode in still.episodes:
        reported = first[episode.url]
        if reported > world.end - timedelta(days=1) or (episode.end and episode.end <= reported):
            continue
        in_time = episode.end is not None and episode.end - reported <= timedelta(days=1)
        expected[episode.hoster].append(in_time and episode.cause == "removed")
    assert {key: (sum(v), len(v)) for key, v in expected.items()} == {
        key: (share.removed, share.urls) for key, share in still.removal.items()
    }


def test_campaigns_come_together_at_one_hoster(world: World) -> None:
    """Sites of one campaign are first reported within half a day, at one hoster."""
    sites = msgspec.structs.replace(world.sites, count=80, campaigns=20, sources=("hotline",), big_site=0, split=0.0)
    drawn = Events(msgspec.structs.replace(world, sites=sites, movement=Movement()))
    drawn.run()
    first: dict[str, int] = {}
    for second, leaf in drawn.reports:
        first.setdefault(leaf.site.host, min(second, first.get(leaf.site.host, second)))
    of = [site for site in drawn.sites if site.host in first]
    for number in range(20):
        campaign = of[number::20]
        assert len({site.operator.key for site in campaign}) == 1
        times = [first[site.host] for site in campaign]
        assert max(times) - min(times) <= 12 * 3600
    assert len({site.operator.key for site in of}) > 1


def test_nothing_says_a_name(truth: Truth) -> None:
    """No repr of the truth's values shows a URL or a host."""
    shown = [truth, truth.reports[0], truth.episodes[0], truth.hops[0], *list(truth.shown.values())[:3]]
    for value in shown:
        assert not any(host in repr(value) for host in truth.hosts)
