"""The graph's views, and its files."""

import io
import json
from collections.abc import Callable
from dataclasses import replace

import networkx as nx
import pytest

from graphs.network.graph import WRITERS, content_graph, displacement_graph, flow_graph, gexf, graphml, node_link
from graphs.network.moves import origins_index
from graphs.network.weeks import week_window
from tests.graphs.hop_makers import hop, stay, sure

SEATS = {"A": "NL", "B": "NL", "C": "RU"}
STAYS = [stay("A", 0, 6), stay("B", 20, 31), stay("C", 40), stay("A", 8, url="v")]
_SAME = {"from_url_id": "u", "to_url_id": "u", "kind": "reappearance", "evidence": ("same_url", "path")}
HOPS = [hop("A", "B", (5, 6), (19, 20), **_SAME), hop("B", "C", (30, 31), (None, 40), **_SAME)]
NAMES = {"A": 'Hoster <A> & "co" é'}

Read = Callable[[bytes], "nx.MultiDiGraph[str]"]


def _gexf(text: bytes) -> "nx.MultiDiGraph[str]":
    return nx.read_gexf(io.BytesIO(text))


def _graphml(text: bytes) -> "nx.MultiDiGraph[str]":
    return nx.read_graphml(io.BytesIO(text), force_multigraph=True)


def _json(text: bytes) -> "nx.MultiDiGraph[str]":
    return nx.node_link_graph(json.loads(text), edges="edges")


def views() -> "list[nx.MultiDiGraph[str]]":
    told = {"names": NAMES, "seats": SEATS, "home": "NL"}
    both = [*HOPS, sure("A", "B", 3, before=("NL", "DE"))]
    return [
        displacement_graph(both, **told),
        displacement_graph(both, **told, by="country"),
        displacement_graph(HOPS, **told, by="as", origins=origins_index(STAYS)),
        displacement_graph(both, **told, window=week_window("2026-W02")),
        content_graph(HOPS, STAYS, names=NAMES),
    ]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize(("write", "read"), [(gexf, _gexf), (graphml, _graphml), (node_link, _json)])
def test_files_are_read_back_as_they_were(
    write: Callable[["nx.MultiDiGraph[str]"], bytes], read: Read, number: int
) -> None:
    """Nodes, edges and all their attributes come back equal from each form, for each view."""
    graph = views()[number]
    again = read(write(graph))
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))

    def edges(of: "nx.MultiDiGraph[str]") -> list[tuple[str, str, list[tuple[str, object]]]]:
        told = [(a, b, sorted((k, v) for k, v in data.items() if k != "id")) for a, b, data in of.edges(data=True)]
        return sorted(told, key=repr)

    assert edges(again) == edges(graph)


@pytest.mark.parametrize("number", range(5))
def test_attributes_are_of_kinds_that_gexf_has(number: int) -> None:
    """Text, whole numbers, fractions and truth values only: no None, no list."""
    graph = views()[number]
    held = [value for _, data in graph.nodes(data=True) for value in data.values()]
    held += [value for _, _, data in graph.edges(data=True) for value in data.values()]
    assert {type(value) for value in held} <= {str, int, float, bool}


@pytest.mark.parametrize("number", range(5))
def test_no_edge_is_there_when_one_of_its_ends_is_not(number: int) -> None:
    """Gephi's timeline hides such edges: a node's span holds those of its edges."""
    graph = views()[number]
    for a, b, data in graph.edges(data=True):
        assert data["start"] <= data["end"]
        for node in (graph.nodes[a], graph.nodes[b]):
            assert node["start"] <= data["start"]
            assert data["end"] <= node["end"]


def test_gexf_is_dynamic_and_keeps_to_its_schema() -> None:
    """The graph element has only attributes that GEXF 1.2 knows; times are dates, the name is the description."""
    text = gexf(views()[0]).decode()
    assert '<graph defaultedgetype="directed" mode="dynamic" timeformat="date">' in text
    assert "<description>displacement between hosters</description>" in text
    assert 'start="2026-01-05T05:00:00+00:00"' in text


@pytest.mark.parametrize("end", WRITERS)
def test_an_empty_graph_is_a_file_too(end: str) -> None:
    """No hop at all gives a valid file of each form."""
    read: dict[str, Read] = {".gexf": _gexf, ".graphml": _graphml, ".json": _json}
    graph = displacement_graph([], names={}, seats={}, home="NL")
    assert read[end](WRITERS[end](graph)).number_of_nodes() == 0


@pytest.mark.parametrize(("write", "read"), [(gexf, _gexf), (graphml, _graphml)])
def test_names_that_xml_cannot_hold_do_no_harm(write: Callable[["nx.MultiDiGraph[str]"], bytes], read: Read) -> None:
    """A registry's name with control characters or half a surrogate pair still makes a file that opens."""
    graph = displacement_graph(HOPS, names={"A": "a\x00\x0bb\udc80\ufffe"}, seats=SEATS, home="NL")
    assert read(write(graph)).nodes["A"]["label"].split() == ["a", "b"]


def test_a_hop_of_several_countries_is_an_edge_for_each_pair() -> None:
    """Their weights add up to the hop."""
    graph = displacement_graph([sure("A", "B", 3, before=("NL", "DE"))], names={}, seats={}, home="NL", by="country")
    assert sorted((a, b, data["weight"]) for a, b, data in graph.edges(data=True)) == [
        ("DE", "US", 0.5),
        ("NL", "US", 0.5),
    ]
    assert [graph.nodes[key]["home"] for key in ("NL", "DE")] == [True, False]


def test_a_window_keeps_what_can_have_arrived_in_it() -> None:
    """Hops outside are left out, the others say how sure it is."""
    hops = [sure("A", "B", 3), sure("B", "C", 200), hop("A", "C", (150, 160), (160, 180))]
    graph = displacement_graph(hops, names={}, seats={}, home="NL", window=week_window("2026-W02"))
    assert {(a, b): data["within"] for a, b, data in graph.edges(data=True)} == {
        ("A", "B"): "surely",
        ("A", "C"): "possibly",
    }


def test_the_time_line_of_a_content_has_its_stays_as_nodes() -> None:
    """Each URL at each hoster is a node with the time it was up, joined by hops; stays without a hop are there, too."""
    graph = content_graph(HOPS, STAYS, names=NAMES)
    assert set(graph) == {"u A", "u B", "u C", "v A"}
    assert [(a, b) for a, b in graph.edges()] == [("u A", "u B"), ("u B", "u C")]
    told = graph.nodes["u A"]
    assert (told["up_from"], told["up_until"]) == ("2026-01-05T00:00:00+00:00", "2026-01-05T06:00:00+00:00")
    assert (told["label"], told["cause"], graph.nodes["v A"]["cause"]) == (NAMES["A"], "removed", "")


def test_unnamed_ends_of_a_view_by_as_are_unknown() -> None:
    """An AS that no table knew is a node of its own, not a lost hop."""
    graph = displacement_graph(HOPS, names={}, seats={}, home="NL", by="as", origins=origins_index([]))
    assert set(graph) == {"unknown"}
    assert graph.number_of_edges() == len(HOPS)


def test_flows_have_one_edge_a_pair_and_tell_days_alone() -> None:
    """Hops of the pairs asked for are added up, parallel ones and other pairs left out; no time, no content."""
    parallel = replace(sure("A", "B", 3), order="parallel")
    hops = [*HOPS, sure("A", "B", 3), parallel]
    graph = flow_graph(hops, {("A", "B")}, names=NAMES, seats=SEATS, home="NL", name="flows")
    ((left, right, edge),) = graph.edges(data=True)
    assert (left, right, edge["hops"], edge["weight"]) == ("A", "B", 2, 2.0)
    assert set(edge) == {"hops", "weight", "certain", "start", "end"}
    assert {len(edge["start"]), len(edge["end"])} == {10}
    assert set(graph.nodes) == {"A", "B"}
    assert graph.nodes["B"]["home"]
    assert graph.nodes["B"]["country"] == "NL"
