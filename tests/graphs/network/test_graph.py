"""The graph's views, and its files."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from xml.etree import ElementTree

import networkx as nx
import pytest

from tests.graphs.hop_makers import hop, stay, sure
from waterbed.graphs.network.graph import (
    WRITERS,
    TimedFlow,
    add_takeovers,
    content_graph,
    displacement_graph,
    flow_graph,
    gexf,
    graphml,
    node_link,
)
from waterbed.graphs.network.moves import origins_index
from waterbed.graphs.network.weeks import week_window

SEATS = {"A": "NL", "B": "NL", "C": "RU"}
STAYS = [stay("A", 0, 6), stay("B", 20, 31), stay("C", 40), stay("A", 8, url="v")]
_SAME = {"from_url_id": "u", "to_url_id": "u", "kind": "reappearance", "evidence": ("same_url", "path")}
HOPS = [hop("A", "B", (5, 6), (19, 20), **_SAME), hop("B", "C", (30, 31), (None, 40), **_SAME)]
NAMES = {"A": 'Hoster <A> & "co" é'}

GEXF = "{http://gexf.net/1.3}"
ATTRIBUTES = {
    "graph": {"mode", "timeformat", "timerepresentation", "defaultedgetype"},
    "attributes": {"class", "mode"},
    "attribute": {"id", "title", "type"},
    "nodes": {"count"},
    "node": {"id", "label", "start", "end"},
    "edges": {"count"},
    "edge": {"id", "source", "target", "weight", "start", "end"},
    "spells": set[str](),
    "spell": {"start", "end"},
    "attvalues": set[str](),
    "attvalue": {"for", "value"},
}
"""What we write of the schema of GEXF 1.3, and in what."""
WITHIN = {
    "graph": "gexf", "attributes": "graph", "attribute": "attributes", "nodes": "graph", "node": "nodes",
    "edges": "graph", "edge": "edges", "spells": "edge", "spell": "spells", "attvalues": "node edge",
    "attvalue": "attvalues",
}  # fmt: skip


def span(first: str, last: str) -> tuple[date, date]:
    return date.fromisoformat(first), date.fromisoformat(last)


FLOWS = [
    TimedFlow(
        from_key="A",
        to_key="B",
        hops=5,
        certain=2,
        evidence=("label", "path"),
        spans=(span("2026-01-19", "2026-02-01"), span("2026-01-05", "2026-01-11")),
    ),
    TimedFlow(from_key="B", to_key="C", hops=3, certain=0, evidence=(), spans=(span("2026-02-02", "2026-02-08"),)),
]

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
        with_takeovers(displacement_graph(both, **told)),
    ]


def with_takeovers(graph: "nx.MultiDiGraph[str]") -> "nx.MultiDiGraph[str]":
    """The graph, beside whose hops networks changed hands; a pair of strangers is none of its."""
    known = [
        ("A", "Z", date(2026, 1, 8), True),
        ("B", "A", date(2026, 3, 1), False),
        ("X", "Y", date(2026, 1, 8), True),
    ]
    add_takeovers(graph, known, names=NAMES, seats=SEATS, home="NL")
    return graph


@pytest.mark.parametrize("number", range(6))
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


@pytest.mark.parametrize("number", range(6))
def test_attributes_are_of_kinds_that_gexf_has(number: int) -> None:
    """Text, whole numbers, fractions and truth values only: no None, no list."""
    graph = views()[number]
    held = [value for _, data in graph.nodes(data=True) for value in data.values()]
    held += [value for _, _, data in graph.edges(data=True) for value in data.values()]
    assert {type(value) for value in held} <= {str, int, float, bool}


@pytest.mark.parametrize("number", range(6))
def test_no_edge_is_there_when_one_of_its_ends_is_not(number: int) -> None:
    """Gephi's timeline hides such edges: a node's span holds those of its edges."""
    graph = views()[number]
    for a, b, data in graph.edges(data=True):
        assert data["start"] <= data["end"]
        for node in (graph.nodes[a], graph.nodes[b]):
            assert node["start"] <= data["start"]
            assert data["end"] <= node["end"]


@pytest.mark.parametrize("number", range(6))
def test_gexf_is_dynamic_and_keeps_to_its_schema(number: int) -> None:
    """Only elements, attributes and types that GEXF 1.3 has; times are dates, in the order of the calendar."""
    graph = flow_graph(FLOWS, names=NAMES, seats=SEATS, home="NL", name="flows") if number == 5 else views()[number]
    whole = ElementTree.fromstring(gexf(graph))
    assert (whole.tag, whole.attrib) == (f"{GEXF}gexf", {"version": "1.3"})
    drawn = whole.find(f"{GEXF}graph")
    assert drawn is not None
    given = {"mode": "dynamic", "timeformat": "date", "timerepresentation": "interval", "defaultedgetype": "directed"}
    assert drawn.attrib == given
    assert whole.findtext(f"{GEXF}meta/{GEXF}description") == graph.graph["name"]
    parents = {child: parent for parent in whole.iter() for child in parent}
    for one in drawn.iter():
        name = one.tag.removeprefix(GEXF)
        assert set(one.attrib) <= ATTRIBUTES[name], name
        assert parents[one].tag.removeprefix(GEXF) in WITHIN[name].split(), name
        if name == "attribute":
            assert one.get("type") in {"string", "long", "double", "float", "boolean"}
        if "start" in one.attrib:
            start, end = (datetime.fromisoformat(one.attrib[side]) for side in ("start", "end"))
            assert start <= end
    ids = [edge.get("id") for edge in drawn.iter(f"{GEXF}edge")]
    assert len(ids) == len(set(ids)) == graph.number_of_edges()


def test_the_timeline_plays_a_flow_in_its_weeks_alone() -> None:
    """Spells are in the file as elements of GEXF, and as text in GraphML; they lie within both ends of the flow."""
    graph = flow_graph(FLOWS, names=NAMES, seats=SEATS, home="NL", name="flows")
    read = _gexf(gexf(graph))
    (edge,) = read.get_edge_data("A", "B").values() if read.is_multigraph() else [read.get_edge_data("A", "B")]
    assert edge["spells"] == [("2026-01-05", "2026-01-11"), ("2026-01-19", "2026-02-01")]
    told = _graphml(graphml(graph)).get_edge_data("A", "B")[0]
    assert told["spells"] == "2026-01-05/2026-01-11 2026-01-19/2026-02-01"
    assert (told["certain"], told["hops"], told["evidence"]) == (2, 5, "label path")
    for node in ("A", "B"):
        assert read.nodes[node]["start"] <= "2026-01-05"
        assert read.nodes[node]["end"] >= "2026-02-01"
    assert _gexf(gexf(graph)).nodes["C"]["start"] == "2026-02-02"


def test_an_edge_tells_its_evidence_and_what_of_it_is_displacement() -> None:
    """The weight of a hop counts surely, possibly or not at all, by its order."""
    orders = ("sequential", "repointed", "unknown", "parallel")
    hops = [replace(sure("A", "B", 3), order=order, evidence=("path", "label")) for order in orders]
    graph = displacement_graph(hops, names={}, seats={}, home="NL")
    told = [(data["certain"], data["possible"], data["evidence"]) for _, _, data in graph.edges(data=True)]
    assert told == [
        (1.0, 1.0, "path label"),
        (1.0, 1.0, "path label"),
        (0.0, 1.0, "path label"),
        (0.0, 0.0, "path label"),
    ]


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
    """Each flow is an edge with its hops, of these the certain ones, its evidence and days; no time, no content."""
    graph = flow_graph(FLOWS, names=NAMES, seats=SEATS, home="NL", name="flows")
    assert [(left, right, edge["hops"], edge["weight"]) for left, right, edge in graph.edges(data=True)] == [
        ("A", "B", 5, 5.0),
        ("B", "C", 3, 3.0),
    ]
    edge = graph.edges["A", "B"]
    assert set(edge) == {"hops", "weight", "certain", "evidence", "spells", "start", "end"}
    assert (edge["start"], edge["end"]) == ("2026-01-05", "2026-02-01")
    assert set(graph.nodes) == {"A", "B", "C"}
    assert graph.nodes["B"]["home"]
    assert graph.nodes["B"]["country"] == "NL"


def test_a_network_that_changed_hands_is_an_edge_of_its_own() -> None:
    """Its kind is lineage, it weighs nothing, has all attributes of a hop, and says if two people accepted it."""
    graph = with_takeovers(displacement_graph(HOPS, names=NAMES, seats=SEATS, home="NL"))
    taken = {(a, b): data for a, b, data in graph.edges(data=True) if data["kind"] == "lineage"}
    assert {ends: (data["strength"], data["weight"], data["start"]) for ends, data in taken.items()} == {
        ("A", "Z"): ("accepted", 0.0, "2026-01-08T00:00:00+00:00"),
        ("B", "A"): ("unreviewed", 0.0, "2026-03-01T00:00:00+00:00"),
    }
    hop = next(data for _, _, data in graph.edges(data=True) if data["kind"] != "lineage")
    assert all(set(data) == set(hop) for data in taken.values())
    assert "X" not in graph
