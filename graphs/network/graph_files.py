"""The graph as GEXF, GraphML and JSON, for Gephi, graphology and NetworkX."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Final

import networkx as nx
from networkx.readwrite.gexf import GEXFWriter


def gexf(graph: "nx.MultiDiGraph[str]") -> bytes:
    """The graph as dynamic GEXF 1.2: Gephi's timeline shows nodes and edges from `start` to `end`.

    The name goes to the description, since the schema allows none on a graph. The day of writing is left out: the same
    graph has the same bytes.
    """
    writer = GEXFWriter(graph, version="1.2draft", encoding="utf-8")
    whole = writer.graph_element
    whole.set("mode", "dynamic")
    whole.set("timeformat", "date")
    described = whole.makeelement("description", {})
    described.text = whole.attrib.pop("name", "")
    meta = writer.xml.find("meta")
    meta.append(described)
    del meta.attrib["lastmodifieddate"]
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def graphml(graph: "nx.MultiDiGraph[str]") -> bytes:
    """The graph as GraphML, times as text."""
    out = io.BytesIO()
    nx.write_graphml(graph, out, named_key_ids=True)
    return out.getvalue()


def node_link(graph: "nx.MultiDiGraph[str]") -> bytes:
    """The graph as node-link JSON, which NetworkX and D3 read: `nodes` with id, `edges` with source, target and key."""
    return (json.dumps(nx.node_link_data(graph, edges="edges"), ensure_ascii=False, indent=1) + "\n").encode()


WRITERS: Final[Mapping[str, Callable[["nx.MultiDiGraph[str]"], bytes]]] = {
    ".gexf": gexf,
    ".graphml": graphml,
    ".json": node_link,
}
"""The form that each file name ending stands for."""
