"""Hops, and all that is none."""

import io
from datetime import UTC, datetime, timedelta

import networkx as nx

from graphs.hops import find_hops
from graphs.network import displacement_graph, gexf, main_flows
from waterbed.model.conclusions import EndCause, Episode, Hop

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


def hops(*episodes: Episode) -> list[Hop]:
    return find_hops(episodes, home="NL", seats=SEATS)


def test_a_name_pointed_elsewhere_is_a_relocation_of_its_own_order_class() -> None:
    """Leaving and arriving share one interval: `repointed`, with the levels that changed."""
    (hop,) = hops(stay("A", 0, 5, 6, cause="moved"), stay("C", 6, 20, absent=5))
    assert (hop.kind, hop.order, hop.evidence) == ("relocation", "repointed", "same_url")
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
