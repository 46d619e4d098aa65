"""Hops, and all that is none."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphs.test_episodes import found
from waterbed.graphs.hops import HopContext, HopCount, count_hops, find_hops
from waterbed.graphs.linking.clusters import cluster
from waterbed.graphs.linking.evidence import Evidence, Link
from waterbed.graphs.network.graph import displacement_graph, gexf, main_flows
from waterbed.model.conclusions import EndCause, Episode, EvidenceKind, Hop, LinkStrength

START = datetime(2026, 1, 5, tzinfo=UTC)
SEATS = {"A": "NL", "B": "NL", "C": "RU"}


def hour(n: float) -> datetime:
    return START + timedelta(hours=n)


def stay(
    hoster: str,
    up: float,
    last_up: float,
    down: float | None = None,
    *,
    cause: EndCause | None = "removed",
    url: str = "u",
    content: str = "c",
    absent: float | None = None,
    proxy: bool = False,
) -> Episode:
    return Episode(
        url_id=url,
        content_id=content,
        site_id="s",
        hoster=hoster,
        hosters=(hoster,),
        origins=(ord(hoster),),
        countries=(SEATS.get(hoster, "US"),),
        addresses=(f"28.10.0.{ord(hoster)}",),
        proxy=proxy,
        known_up_at=hour(up),
        reported_at=hour(up),
        absent_at=None if absent is None else hour(absent),
        first_up=hour(up),
        last_up=hour(last_up),
        first_down=None if down is None else hour(down),
        cause=None if down is None else cause,
        looks=3,
        unknown_looks=0,
    )


def hops(*episodes: Episode, labels: dict[str, str] | None = None, links: Sequence[Link] = ()) -> list[Hop]:
    return find_hops(episodes, HopContext(home="NL", seats=SEATS, labels=labels or {}, clusters=cluster(links)))


def link(a: str, b: str, kind: EvidenceKind, *, source: str | None = None, strength: LinkStrength = "strong") -> Link:
    times = {name: hour(0) for name in ("a_first", "a_last", "b_first", "b_last")}
    evidence = (Evidence(kind=kind, key="k", frequency=2, weight=8.0, **times),)
    rank = (1 if strength == "strong" else 3, -8.0, a, b)
    return Link(a=a, b=b, strength=strength, weight=8.0, evidence=evidence, source=source, kept=False, rank=rank)


def seen(text: str) -> list[Hop]:
    """The hops of one URL, from its looks."""
    return hops(*found(text))


def test_a_name_pointed_elsewhere_is_a_relocation_of_its_own_order_class() -> None:
    """Leaving and arriving share one interval: `repointed`, with the levels that changed."""
    (hop,) = hops(stay("A", 0, 5, 6, cause="moved"), stay("C", 6, 20, absent=5))
    assert (hop.kind, hop.order, hop.evidence) == ("relocation", "repointed", ("same_url",))
    assert hop.levels == ("address", "as", "organisation", "country", "home_abroad")
    assert (hop.left_after, hop.left_before, hop.arrived_after, hop.arrived_before) == (
        hour(5),
        hour(6),
        hour(5),
        hour(6),
    )


def test_a_removed_url_that_is_back_elsewhere_is_a_sequential_reappearance() -> None:
    """Known absent after the removal, then up at another hoster."""
    (hop,) = hops(stay("A", 0, 5, 6), stay("B", 20, 30, absent=19))
    assert (hop.kind, hop.order) == ("reappearance", "sequential")
    assert "home_abroad" not in hop.levels


def test_a_copy_has_no_known_absence_before_it() -> None:
    """Another URL of the content: seen after the loss it is of unknown order, seen before it is parallel."""
    (after,) = hops(stay("A", 0, 5, 6), stay("B", 20, 30, url="v"))
    assert (after.kind, after.order, after.arrived_after) == ("copy", "unknown", None)
    (before,) = hops(stay("A", 0, 5, 6), stay("B", 3, 30, url="v"))
    assert before.order == "parallel"


def test_a_copy_answers_the_latest_loss_before_it() -> None:
    """Of several losses the nearest before the arrival is taken; a URL's own loss comes first."""
    found = hops(
        stay("A", 0, 5, 6),
        stay("B", 1, 10, 11, url="v"),
        stay("C", 12, 40, url="w"),
        stay("C", 50, 60, url="u", absent=49),
    )
    assert [(h.from_hoster, h.to_url_id) for h in found if h.to_url_id == "w"] == [("B", "w")]


def test_what_is_no_hop() -> None:
    """No loss, no gain, a proxy in front, the same hoster again, other content: none of them is a hop."""
    assert hops(stay("A", 0, 5), stay("B", 3, 30, url="v")) == []
    assert hops(stay("A", 0, 5, 6), stay("A", 20, 30, absent=19)) == []
    assert hops(stay("A", 0, 5, 6, cause="masked"), stay("P", 6, 30, proxy=True)) == []
    assert hops(stay("A", 0, 5, 6, cause="masked"), stay("B", 6, 30)) == []


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 40), st.integers(1, 9), st.booleans()), max_size=9))
def test_what_nobody_saw_up_changes_no_hop(drawn: list[tuple[str, int, int, bool]]) -> None:
    """Reports of URLs of the content that never existed, anywhere and at any time: no arrival, no loss, no return."""
    stays = [stay(at, up, up + long, up + long + 1, url=f"u{n}") for n, (at, up, long, _) in enumerate(drawn)]
    told = [
        replace(one, first_up=None, absent_at=hour(up - 0.1), last_up=one.known_up_at)
        for one, (_, up, _, is_told) in zip(stays, drawn, strict=True)
        if is_told
    ]
    real = [one for one, (*_, is_told) in zip(stays, drawn, strict=True) if not is_told]
    assert hops(*real, *told) == hops(*real)


def test_a_sighting_that_an_analyst_dated_is_an_arrival() -> None:
    """It was seen up, though no check of ours did."""
    left, arrived = stay("A", 0, 5, 6), stay("B", 20, 20, 21, url="v")
    assert not hops(left, replace(arrived, first_up=None))
    assert len(hops(left, replace(arrived, first_up=None, confirmed_at=hour(20)))) == 1
    assert not hops(replace(left, first_up=None), arrived)


def test_a_network_s_new_owner_is_no_hop() -> None:
    """Who answers for the same addresses changed: nothing moved."""
    assert hops(stay("A", 0, 5, 6, cause="lineage"), stay("B", 6, 30)) == []
    assert hops(stay("A", 0, 5, 6), stay("B", 20, 30, content="other", url="v")) == []
    assert hops(stay("A", 0, 5, 6), stay("A", 1, 30, url="v")) == []


def test_a_second_page_at_a_hoster_that_has_the_content_is_no_arrival() -> None:
    """Content that is up at B already does not arrive there again with another URL."""
    found = hops(stay("A", 0, 5, 6), stay("B", 8, 30, url="v"), stay("B", 10, 30, url="w"))
    assert [hop.to_url_id for hop in found] == ["v"]


def test_the_graph_has_an_edge_a_hop_and_opens_elsewhere() -> None:
    """Edges keep kind, order and times; GEXF is read back by NetworkX with the same counts and no null."""
    found = hops(stay("A", 0, 5, 6), stay("B", 20, 30, 31, absent=19), stay("C", 40, 50, absent=39))
    graph = displacement_graph(found, names={"A": "Hoster <A> & co"}, seats=SEATS, home="NL")
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (3, 2)
    assert main_flows(graph) == [("A", "B", 1), ("B", "C", 1)]
    again = nx.read_gexf(io.BytesIO(gexf(graph)))
    assert again.nodes["A"]["label"] == "Hoster <A> & co"
    assert again.number_of_edges() == 2
    assert all(value is not None for _, _, data in again.edges(data=True) for value in data.values())


def test_an_empty_graph_is_still_a_graph() -> None:
    """No hop at all gives a valid, empty file."""
    graph = displacement_graph([], names={}, seats={}, home="NL")
    assert nx.read_gexf(io.BytesIO(gexf(graph))).number_of_nodes() == 0


def test_a_redirect_away_and_a_later_return_elsewhere_is_a_reappearance() -> None:
    """A lasting redirect ends a stay as moved too; known away in between, the return is no repointing."""
    (hop,) = hops(stay("A", 0, 5, 6, cause="moved"), stay("C", 20, 30, absent=19))
    assert (hop.kind, hop.order) == ("reappearance", "sequential")


def test_what_stood_together_and_ended_together_moved_nowhere() -> None:
    """A URL at two hosters that is removed at both is no hop between them, whichever was seen first."""
    assert hops(stay("A", 0, 9, 10), stay("B", 3, 9, 10)) == []
    assert hops(stay("A", 0, 5, 6, cause="moved"), stay("B", 0, 30)) == []
    (gradual,) = hops(stay("A", 0, 5, 6, cause="moved"), stay("B", 3, 30))
    assert (gradual.from_hoster, gradual.to_hoster) == ("A", "B")


def test_a_url_that_redirects_says_where_it_went() -> None:
    """The loss of the URL that redirects is answered, though another is nearer in time: kind and evidence say so."""
    (hop,) = hops(
        stay("A", 0, 5, 6, cause="moved", url="old"),
        stay("B", 0, 18, 19, url="mirror"),
        stay("C", 20, 30, url="new"),
        links=[link("new", "old", "redirect_url", source="old"), link("mirror", "new", "page")],
    )
    assert (hop.kind, hop.from_url_id, hop.evidence, hop.sources) == ("redirect", "old", ("redirect_url",), 1)


def test_a_label_under_another_suffix_is_a_tld_hop() -> None:
    """The same exact label on another site is its source before others, and the level `tld` changed."""
    (hop,) = hops(
        stay("A", 0, 5, 6, url="u"),
        stay("B", 0, 18, 19, url="mirror"),
        replace(stay("C", 20, 30, url="v"), site_id="other suffix"),
        labels={"u": "brand", "v": "brand", "mirror": "else"},
    )
    assert (hop.kind, hop.from_url_id, hop.levels[-1]) == ("tld", "u", "tld")


def test_another_url_of_the_same_site_is_a_copy() -> None:
    """One label and one site: no suffix changed."""
    (hop,) = hops(stay("A", 0, 5, 6), stay("C", 20, 30, url="v"), labels={"u": "brand", "v": "brand"})
    assert (hop.kind, "tld" in hop.levels) == ("copy", False)


def test_a_hop_is_as_sure_as_its_least_sure_link() -> None:
    """Between two URLs the weakest link on the way gives strength and evidence."""
    links = [link("u", "v", "page"), link("v", "w", "title", strength="weak")]
    (hop,) = hops(stay("A", 0, 5, 6), stay("A", 0, 7, url="v"), stay("C", 9, 30, url="w"), links=links)
    assert (hop.from_url_id, hop.to_url_id, hop.strength, hop.evidence) == ("u", "w", "weak", ("title",))


def test_several_possible_sources_are_counted_and_leave_the_order_open() -> None:
    """A loss nearer in time that came after the arrival is named; one that was over keeps it from being parallel."""
    (hop,) = [h for h in hops(stay("A", 0, 5, 6), stay("B", 1, 21, 22, url="v"), stay("C", 20, 30, url="w"))
              if h.to_url_id == "w"]  # fmt: skip
    assert (hop.from_hoster, hop.sources, hop.order) == ("B", 2, "unknown")
    (alone,) = hops(stay("B", 1, 21, 22, url="v"), stay("C", 20, 30, url="w"))
    assert (alone.sources, alone.order) == (1, "parallel")


def test_a_copy_on_a_url_that_was_known_absent_is_sequential() -> None:
    """A new URL that was looked at before, and was not there after the loss, came after it."""
    (hop,) = hops(stay("A", 0, 5, 6), stay("B", 20, 30, url="v", absent=10))
    assert (hop.kind, hop.order, hop.arrived_after) == ("copy", "sequential", hour(10))


def test_levels_need_both_sides() -> None:
    """What is not known on one side is not said to have changed; one routed range in common keeps the prefix."""
    left = replace(stay("A", 0, 5, 6), prefixes=("28.10.0.0/24",), origins=(), countries=())
    (hop,) = hops(left, replace(stay("B", 9, 30, url="v"), prefixes=("28.10.0.0/24", "29.0.0.0/8")))
    assert hop.levels == ("address", "organisation")
    (other,) = hops(left, replace(stay("B", 9, 30, url="v"), prefixes=("29.0.0.0/8",)))
    assert other.levels == ("address", "prefix", "organisation")


def test_a_hop_says_whether_the_registrar_changed() -> None:
    """Only where both are known, each as of its time: another domain's, or the same one's after a transfer."""
    left, arrived = replace(stay("A", 0, 5, 6), site_id="a"), replace(stay("B", 9, 30, url="v"), site_id="b")
    known = {("a", hour(5)): "iana:1", ("b", hour(9)): "iana:2", ("c", hour(9)): "iana:1"}
    for site, changed in (("b", True), ("c", False), ("d", False)):
        context = HopContext(home="NL", seats=SEATS, registrar=lambda site_id, when: known.get((site_id, when)))
        (hop,) = find_hops([left, replace(arrived, site_id=site)], context)
        assert ("registrar" in hop.levels) == changed


def test_counts_are_bounds() -> None:
    """Sequential and repointed at least, all that are not parallel at most."""
    found_hops = [
        *hops(stay("A", 0, 5, 6, cause="moved"), stay("C", 6, 20, absent=5)),
        *hops(stay("A", 0, 5, 6), stay("B", 20, 30, absent=19)),
        *hops(stay("A", 0, 5, 6), stay("B", 20, 30, url="v")),
        *hops(stay("A", 0, 5, 6), stay("B", 3, 30, url="v")),
    ]
    assert [hop.order for hop in found_hops] == ["repointed", "sequential", "unknown", "parallel"]
    assert count_hops(found_hops) == HopCount(least=2, most=3)


def test_new_addresses_inside_a_hoster_are_no_hop() -> None:
    """Address churn: the hoster stays the same."""
    assert seen("A A@X A@Y A A@Z A - - -") == []


def test_a_name_that_rotates_between_networks_hops_nowhere() -> None:
    """A CDN's or balancer's rotation: each hoster is found again."""
    assert seen("A B A B AB A B A B A") == []
    assert seen("AB A B AB - - - -") == []


def test_a_proxy_put_in_front_is_no_hop() -> None:
    """The origin is hidden, not left; behind the proxy nothing is told, nor when it is taken away again."""
    assert seen("A A A P* P* P* P*") == []
    assert seen("A A A P* P* P* A A A") == []
    assert seen("P* P* P* P* A A A A") == []


def test_a_hoster_that_renumbers_is_no_hop() -> None:
    """All its customers get other addresses at one instant, and stay with it."""
    assert seen("A A A A@X A@X A@X A@X") == []


def test_a_network_that_changes_hands_is_no_hop() -> None:
    """Lineage: the address stays, and another answers for it."""
    assert seen("A A A B@A B@A B@A B@A") == []


def test_a_name_that_was_lost_at_all_its_places_is_back_at_one() -> None:
    """Up at two hosters by turns and removed at both, it left none of them for the other."""
    lost = [stay("A", 0, 9, 10), stay("B", 0.5, 9, 10)]
    assert hops(*lost, stay("A", 20, 30, absent=19)) == []
    (elsewhere,) = hops(*lost, stay("C", 20, 30, absent=19))
    assert elsewhere.to_hoster == "C"


def test_of_two_places_at_once_the_one_that_ended_last_was_left() -> None:
    """A name that was at B for a while beside A left A, though it came to B later."""
    (hop,) = hops(stay("A", 0, 20, 21), stay("B", 5, 8, 9, cause="moved"), stay("C", 30, 40, absent=29))
    assert (hop.from_hoster, hop.to_hoster) == ("A", "C")


def test_a_place_is_left_for_the_next_one_alone() -> None:
    """From A it went to B; what comes up beside B while it stays there left nothing."""
    found_hops = hops(stay("A", 0, 5, 6, cause="moved"), stay("B", 6, 30), stay("C", 20, 30, absent=19))
    assert [(hop.from_hoster, hop.to_hoster) for hop in found_hops] == [("A", "B")]


def test_a_new_url_at_several_hosters_arrives_at_each_that_had_not_the_content() -> None:
    """Whether there is a hop does not depend on the name of another hoster of the URL."""
    lost = stay("X", 0, 9, 10)
    both = [stay(hoster, 20, 30, url="w") for hoster in ("A", "B")]
    assert [(hop.from_hoster, hop.to_hoster) for hop in hops(lost, *both)] == [("X", "A"), ("X", "B")]
    for had, new in (("A", "B"), ("B", "A")):
        found_hops = hops(lost, stay(had, 1, 30, url="v"), *both)
        assert [(hop.to_url_id, hop.to_hoster, hop.order) for hop in found_hops] == [
            ("v", had, "parallel"),
            ("w", new, "unknown"),
        ]


@given(
    st.permutations("ABCD"),
    st.lists(st.tuples(st.sampled_from("uv"), st.sampled_from("ABCD"), st.integers(0, 9)), min_size=1, max_size=4),
    st.sets(st.sampled_from("ABCD"), min_size=1),
    st.integers(5, 30),
)
def test_hops_do_not_depend_on_the_names_of_hosters(
    names: list[str], drawn: list[tuple[str, str, int]], places: set[str], came: int
) -> None:
    """Under other names of hosters the same content makes the same hops."""
    other = dict(zip("ABCD", names, strict=True))

    def ways(name: Callable[[str], str]) -> set[tuple[str, str, str, str, str]]:
        # no two end at one time, so that no order of names decides between them
        gone = [
            stay(name(hoster), up, 10 + 3 * at, 11 + 3 * at, url=f"{url}{at}")
            for at, (url, hoster, up) in enumerate(drawn)
        ]
        found_hops = hops(*gone, *(stay(name(hoster), came, 90, url="w") for hoster in places))
        return {(hop.from_url_id, hop.to_url_id, hop.to_hoster, hop.kind, hop.order) for hop in found_hops}

    renamed = {(left, to, other[hoster], kind, order) for left, to, hoster, kind, order in ways(str)}
    assert ways(other.__getitem__) == renamed


@pytest.mark.parametrize(("hoster", "places", "changed"), [("B", (), False), ("C", (), True), ("Q", (), False)])
def test_home_or_abroad_is_known_on_both_sides(hoster: str, places: tuple[str, ...], changed: bool) -> None:
    """Addresses without a country are where the hoster's seat is; without a seat nothing is said to have changed."""
    (hop,) = hops(stay("A", 0, 5, 6), replace(stay(hoster, 9, 30, url="v"), countries=places))
    assert ("home_abroad" in hop.levels) == changed
    (back,) = hops(replace(stay(hoster, 0, 5, 6), countries=places), stay("A", 9, 30, url="v"))
    assert ("home_abroad" in back.levels) == changed


def test_a_hop_to_or_from_addresses_that_no_table_knows_is_never_sure() -> None:
    """They may be the other hoster's own: such a hop counts at most, and no organisation is said to have changed."""
    for left, arrived in (("A", "unknown"), ("unknown", "A")):
        ends = replace(unknown(stay("A", 0, 5, 6)), hoster=left), replace(unknown(stay("A", 20, 30)), hoster=arrived)
        (back,) = hops(ends[0], replace(ends[1], absent_at=hour(19)))
        assert (back.kind, back.order, back.levels) == ("reappearance", "unknown", ())
        (pointed,) = hops(replace(ends[0], cause="moved"), replace(ends[1], absent_at=hour(5)))
        assert (pointed.kind, pointed.order) == ("relocation", "unknown")
        assert count_hops([back, pointed]) == HopCount(least=0, most=2)
        (copy,) = hops(ends[0], replace(ends[1], url_id="v", absent_at=hour(19)))
        assert copy.order == "unknown"
        (beside,) = hops(ends[0], replace(ends[1], url_id="v", known_up_at=hour(3)))
        assert beside.order == "parallel"


def unknown(episode: Episode) -> Episode:
    """The same at addresses of which nothing is known."""
    return replace(episode, origins=(), countries=(), addresses=())
