"""The displacement graph: hosters as nodes, hops as edges (NetworkX)."""

import io
from collections import Counter
from collections.abc import Iterable, Mapping

import networkx as nx

from waterbed.model.conclusions import Hop


def displacement_graph(
    hops: Iterable[Hop], *, names: Mapping[str, str], seats: Mapping[str, str], home: str
) -> "nx.MultiDiGraph[str]":
    """A MultiDiGraph with one edge a hop; attributes hold no None, so that Gephi opens it.

    Node attributes: label, country ("" if unknown), home. Edge attributes: kind, order, evidence, levels, times (ISO
    text).
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name="displacement between hosters")
    for hop in hops:
        for key in (hop.from_hoster, hop.to_hoster):
            country = seats.get(key, "")
            graph.add_node(key, label=names.get(key, key), country=country, home=country == home)
        graph.add_edge(
            hop.from_hoster,
            hop.to_hoster,
            kind=hop.kind,
            order=hop.order,
            evidence=hop.evidence,
            levels=" ".join(hop.levels),
            left_after=hop.left_after.isoformat(),
            left_before=hop.left_before.isoformat(),
            arrived_after=hop.arrived_after.isoformat() if hop.arrived_after else "",
            arrived_before=hop.arrived_before.isoformat(),
        )
    return graph


def main_flows(graph: "nx.MultiDiGraph[str]") -> list[tuple[str, str, int]]:
    """From, to and number of hops of each pair, most first."""
    counted = Counter((a, b) for a, b in graph.edges())
    return [(a, b, n) for (a, b), n in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]


def gexf(graph: "nx.MultiDiGraph[str]") -> bytes:
    """The graph as GEXF 1.2, which Gephi and graphology read."""
    out = io.BytesIO()
    nx.write_gexf(graph, out, version="1.2draft")
    return out.getvalue()
