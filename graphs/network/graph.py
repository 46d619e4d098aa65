"""The displacement graph in NetworkX: places and hops.

Nodes are hosters, origin ASes or countries; edges are hops.
"""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

import networkx as nx
from networkx.readwrite.gexf import GEXFWriter

from waterbed.graphs.network.moves import CERTAIN, Level, OriginsOf, ends_of
from waterbed.graphs.network.weeks import arrived_within
from waterbed.model.conclusions import Episode, Hop

Attribute = str | int | float | bool


def displacement_graph(
    hops: Iterable[Hop],
    *,
    names: Mapping[str, str],
    seats: Mapping[str, str],
    home: str,
    by: Level = "hoster",
    origins: OriginsOf | None = None,
    window: tuple[datetime | None, datetime] | None = None,
) -> "nx.MultiDiGraph[str]":
    """Return a MultiDiGraph with hops as edges.

    One edge for each pair of keys of a hop; no attribute is None, so that Gephi opens it. Node attributes: label,
    country ("" if unknown), home, start, end. Edge attributes: those of `edge_attributes`, weight, 1 / pairs of that
    hop, and its bounds `certain` and `possible`: how much of the weight is displacement, at least and at most.
    `origins` is needed for origin ASes. With a `window` [start, end) only hops that can have arrived in it, and
    `within` says surely or possibly.
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=f"displacement between {_PLURALS[by]}")
    for hop in hops:
        keys_before, after = ends_of(hop, by, origins)
        attributes = edge_attributes(hop)
        if window is not None:
            attributes["within"] = arrived_within(hop, *window)
            if attributes["within"] == "no":
                continue
        for key in (*keys_before, *after):
            country = key if by == "country" else seats.get(key, "")
            graph.add_node(key, label=_label(key, names), country=country, home=country == home)
            _stretch(graph, key, "start", "end", attributes["start"], attributes["end"])
        weight = 1.0 / (len(keys_before) * len(after))
        attributes |= _weighed(hop, weight)
        graph.add_edges_from((a, b, attributes) for a in keys_before for b in after)
    return graph


def add_takeovers(
    graph: "nx.MultiDiGraph[str]",
    takeovers: Iterable[tuple[str, str, date, bool]],
    *,
    names: Mapping[str, str],
    seats: Mapping[str, str],
    home: str,
) -> None:
    """Add an edge for each network that changed hands.

    Beside the hops, which say that content moved: old and new hoster, the day, and whether two people accepted it. Its
    `kind` is `lineage` and its weights are 0; other attributes are those of a hop. Takeovers between hosters
    that the graph does not have are left out.
    """
    for old, new, since, accepted in takeovers:
        if old not in graph and new not in graph:
            continue
        when = f"{since.isoformat()}T00:00:00+00:00"
        for key in (old, new):
            country = seats.get(key, "")
            graph.add_node(key, label=_label(key, names), country=country, home=country == home)
            _stretch(graph, key, "start", "end", when, when)
        attributes: dict[str, Attribute] = dict.fromkeys(("arrival_evidence", "content", "arrived_after"), "")
        attributes |= {"kind": "lineage", "order": "", "evidence": "decision", "levels": "organisation", "sources": 0}
        attributes |= {"strength": "accepted" if accepted else "unreviewed"}
        attributes |= dict.fromkeys(("left_after", "left_before", "arrived_before", "start", "end"), when)
        graph.add_edge(old, new, **attributes, weight=0.0, certain=0.0, possible=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedFlow:
    """Hops from one hoster to another, and their days."""

    from_key: str
    to_key: str
    hops: Annotated[int, "hops that are not known to be parallel: the most that is displacement"]
    certain: Annotated[int, "of these, surely displacement: the least"]
    evidence: Annotated[tuple[str, ...], "kinds of evidence that link their contents"]
    spans: Annotated[tuple[tuple[date, date], ...], "first and last days (UTC) of the times in which they arrived"]


def flow_graph(
    flows: Iterable[TimedFlow], *, names: Mapping[str, str], seats: Mapping[str, str], home: str, name: str
) -> "nx.DiGraph[str]":
    """Return a graph with one edge for each flow.

    Nodes are hosters; no single hop is in it. `name` says what the graph is. Node attributes: label, country ("" if
    unknown), home, start, end. Edge attributes: weight and hops, certain, evidence, spells (spans as 2026-03-16/
    2026-03-22, with spaces between), start and end (first and last day of all spans).
    """
    graph: nx.DiGraph[str] = nx.DiGraph(name=name)
    for flow in flows:
        spans = [(first.isoformat(), last.isoformat()) for first, last in sorted(flow.spans)]
        start, end = spans[0][0], max(last for _, last in spans)
        for key in (flow.from_key, flow.to_key):
            country = seats.get(key, "")
            graph.add_node(key, label=_label(key, names), country=country, home=country == home)
            _stretch(graph, key, "start", "end", start, end)
        graph.add_edge(
            flow.from_key,
            flow.to_key,
            hops=flow.hops,
            weight=float(flow.hops),
            certain=flow.certain,
            evidence=" ".join(flow.evidence),
            spells=" ".join(f"{first}/{last}" for first, last in spans),
            start=start,
            end=end,
        )
    return graph


_PLURALS: Mapping[Level, str] = {"hoster": "hosters", "as": "origin ASes", "country": "countries"}


def content_graph(
    hops: Iterable[Hop], episodes: Iterable[Episode], *, names: Mapping[str, str]
) -> "nx.MultiDiGraph[str]":
    """Return a timeline of contents: spells, linked by hops.

    A spell is a URL at a hoster, however often it came back there. Node attributes: label (hoster's name), hoster, url
    (keyed id), content, up_from and up_until (first and last time it can have been up there), cause (of the last end,
    "" if none), start and end (the same, stretched over its hops: Gephi shows an edge only while both of its ends are
    shown). Spells without a hop are nodes, too.
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name="stays of content")
    for episode in sorted(episodes, key=lambda episode: episode.known_up_at):
        up = episode.known_up_at, episode.first_down or episode.last_up
        node = _spell_node(graph, (episode.url_id, episode.hoster, episode.content_id), up, names)
        graph.nodes[node]["cause"] = episode.cause or ""
    for hop in hops:
        departure, arrived = (hop.left_after, hop.left_before), (hop.arrived_before, hop.arrived_before)
        old = _spell_node(graph, (hop.from_url_id, hop.from_hoster, hop.content_id), departure, names)
        new = _spell_node(graph, (hop.to_url_id, hop.to_hoster, hop.content_id), arrived, names)
        attributes = edge_attributes(hop)
        for node in (old, new):
            _stretch(graph, node, "start", "end", attributes["start"], attributes["end"])
        graph.add_edge(old, new, **attributes, **_weighed(hop, 1.0))
    return graph


def _weighed(hop: Hop, weight: float) -> dict[str, Attribute]:
    """A hop's weight, and how much of it is displacement: at least and at most."""
    possible = 0.0 if hop.order == "parallel" else weight
    return {"weight": weight, "certain": weight if hop.order in CERTAIN else 0.0, "possible": possible}


def edge_attributes(hop: Hop) -> dict[str, Attribute]:
    """Return a hop's edge attributes: text, integers and booleans.

    No attribute is None. kind, order, evidence, arrival_evidence, strength, sources, levels, content, and the four
    times (ISO 8601, UTC; arrived_after is "" without an earlier check or birth). `start` and `end` span all that the
    intervals leave open.
    """
    began = min(hop.left_after, hop.arrived_after or hop.left_after, hop.arrived_before)
    return {
        "kind": hop.kind,
        "order": hop.order,
        "evidence": " ".join(hop.evidence),
        "arrival_evidence": " ".join(hop.arrival_evidence),
        "strength": hop.strength,
        "sources": hop.sources,
        "levels": " ".join(hop.levels),
        "content": hop.content_id,
        "left_after": _iso(hop.left_after),
        "left_before": _iso(hop.left_before),
        "arrived_after": _iso(hop.arrived_after) if hop.arrived_after else "",
        "arrived_before": _iso(hop.arrived_before),
        "start": _iso(began),
        "end": _iso(max(hop.left_before, hop.arrived_before)),
    }


def main_flows(graph: "nx.MultiDiGraph[str]") -> list[tuple[str, str, int]]:
    """Return origin, destination and hops of pairs, most first."""
    counted = Counter((a, b) for a, b in graph.edges())
    return [(a, b, n) for (a, b), n in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]


def _spell_node(
    graph: "nx.MultiDiGraph[str]", spell: tuple[str, str, str], up: tuple[datetime, datetime], names: Mapping[str, str]
) -> str:
    url_id, hoster, content = spell
    node = f"{url_id} {hoster}"
    if node not in graph:
        graph.add_node(node, label=_label(hoster, names), hoster=hoster, url=url_id, content=content, cause="")
    for start, end in (("up_from", "up_until"), ("start", "end")):
        _stretch(graph, node, start, end, _iso(up[0]), _iso(up[1]))
    return node


def _stretch(
    graph: "nx.MultiDiGraph[str]", node: str, start: str, end: str, since: Attribute, until: Attribute
) -> None:
    """Let a span of a node hold another."""
    attributes = graph.nodes[node]
    attributes[start] = min(attributes.get(start, since), since)
    attributes[end] = max(attributes.get(end, until), until)


def _label(key: str, names: Mapping[str, str]) -> str:
    """A name without characters that XML does not have: anyone can write to a registry."""
    return "".join(c if c.isprintable() else " " for c in names.get(key, key))


def _iso(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds")


def gexf(graph: "nx.MultiDiGraph[str]") -> bytes:
    """Return the graph as dynamic GEXF 1.3.

    Gephi's timeline shows nodes and edges from `start` to `end`, those with `spells` in these alone. The name goes to
    the description, since the schema allows none on a graph. The day of writing is left out: the same graph has the
    same bytes.
    """
    writer = GEXFWriter(_with_spells(graph), version="1.3", encoding="utf-8")
    for name in [name for name in writer.xml.attrib if name.startswith(("xsi:", "xmlns:xsi"))]:
        del writer.xml.attrib[name]  # NetworkX spells this name space otherwise than the schema's
    element = writer.graph_element
    element.set("mode", "dynamic")
    element.set("timeformat", "date")
    element.set("timerepresentation", "interval")
    described = element.makeelement("description", {})
    described.text = element.attrib.pop("name", "")
    meta = writer.xml.find("meta")
    meta.append(described)
    del meta.attrib["lastmodifieddate"]
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _with_spells(graph: "nx.MultiDiGraph[str]") -> "nx.MultiDiGraph[str]":
    """The same graph with spells as pairs of times; one without any is not copied."""
    texts: Mapping[Any, str] = nx.get_edge_attributes(graph, "spells")
    if not texts:
        return graph
    graph = graph.copy()
    spells = {edge: [tuple(span.split("/")) for span in text.split()] for edge, text in texts.items()}
    nx.set_edge_attributes(graph, spells, "spells")
    return graph


def graphml(graph: "nx.MultiDiGraph[str]") -> bytes:
    """The graph as GraphML, times as text."""
    out = io.BytesIO()
    nx.write_graphml(graph, out, named_key_ids=True)
    return out.getvalue()


def node_link(graph: "nx.MultiDiGraph[str]") -> bytes:
    """Return the graph as node-link JSON.

    NetworkX and D3 read it: `nodes` with id, `edges` with source, target and key.
    """
    return (json.dumps(nx.node_link_data(graph, edges="edges"), ensure_ascii=False, indent=1) + "\n").encode()


WRITERS: Final[Mapping[str, Callable[["nx.MultiDiGraph[str]"], bytes]]] = {
    ".gexf": gexf,
    ".graphml": graphml,
    ".json": node_link,
}
"""The form that each file name ending stands for."""
