"""Graph of who rents from whom: carriers and resellers (NetworkX)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import networkx as nx

from waterbed.model.conclusions import Rent


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """A provider, and the hosters it stands behind."""

    provider: Annotated[str, "its key"]
    name: Annotated[str, "name for people"]
    resellers: Annotated[int, "companies whose networks lie in its networks, or are announced by its ASes"]
    customers: Annotated[int, "companies whose ASes it carries as customers"]
    hosters: Annotated[int, "hosters of the study that rent from it, directly or over others"]
    directly: Annotated[int, "of these, directly"]
    hosts: Annotated[int, "reported hosts at these hosters"]


def provider_graph(
    rents: Iterable[tuple[str, str, Rent]], hosters: Mapping[str, int], *, names: Mapping[str, str]
) -> "nx.MultiDiGraph[str]":
    """Return a MultiDiGraph from customers to providers.

    `rents` are pairs with their kind, each once; `hosters` are those of the study with their reported hosts. Node
    attributes: label, hosts (0 of those that are no hoster of the study). Edge attribute: kind.
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name="who rents from whom")
    for key in sorted(hosters):
        graph.add_node(key)
    for customer, provider, kind in sorted(set(rents)):
        if customer != provider:
            graph.add_edge(customer, provider, key=kind, kind=kind)
    for key, attributes in graph.nodes(data=True):
        attributes["label"] = "".join(c if c.isprintable() else " " for c in names.get(key, key))
        attributes["hosts"] = hosters.get(key, 0)
    return graph


def provider_rows(graph: "nx.MultiDiGraph[str]") -> list[ProviderRow]:
    """Rows of all providers, those behind most hosters first.

    Linear in edges times hosters, in words of bits: each node's hosters are one number, joined along a condensation, so
    that those who rent from each other in a circle count as one.
    """
    reported = {
        key: index
        for index, key in enumerate(sorted(key for key, attributes in graph.nodes(data=True) if attributes["hosts"]))
    }
    hosts = [graph.nodes[key]["hosts"] for key in reported]
    below = _below(graph, reported)
    rows = []
    for key in graph:
        edges = list(graph.in_edges(key, data="kind"))
        if not edges:
            continue
        reached = below[key] & ~(1 << reported[key] if key in reported else 0)
        rows.append(
            ProviderRow(
                provider=key,
                name=graph.nodes[key]["label"],
                resellers=len({a for a, _, kind in edges if kind == "reseller of"}),
                customers=len({a for a, _, kind in edges if kind == "transit"}),
                hosters=reached.bit_count(),
                directly=len({a for a, _, _ in edges if a in reported}),
                hosts=sum(hosts[index] for index in _bits(reached)),
            )
        )
    return sorted(rows, key=lambda row: (-row.hosts, -row.hosters, row.provider))


def reached_through(graph: "nx.MultiDiGraph[str]", key: str) -> list[tuple[str, Rent, int]]:
    """Providers of one: key, kind, and steps to it.

    Over others too, nearest first; the kind is that of the last step, `reseller of` where both kinds are.
    """
    if key not in graph:
        return []
    steps = nx.single_source_shortest_path_length(graph, key)
    providers: list[tuple[str, Rent, int]] = []
    for other, distance in steps.items():
        last = {kind for a, _, kind in graph.in_edges(other, data="kind") if steps.get(a, distance) == distance - 1}
        if distance:
            providers.append((other, "reseller of" if "reseller of" in last else "transit", distance))
    return sorted(providers, key=lambda provider: (provider[2], provider[1], provider[0]))


def _below(graph: "nx.MultiDiGraph[str]", reported: Mapping[str, int]) -> dict[str, int]:
    """Of each node the hosters that lead to it, itself included, as bits."""
    condensed = nx.condensation(nx.DiGraph(graph))
    bits: dict[int, int] = {}
    for part in nx.topological_sort(condensed):
        members = condensed.nodes[part]["members"]
        mask = sum(1 << reported[key] for key in members if key in reported)
        for predecessor in condensed.predecessors(part):
            mask |= bits[predecessor]
        bits[part] = mask
    return {key: bits[part] for key, part in condensed.graph["mapping"].items()}


def _bits(number: int) -> Iterable[int]:
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low
