"""Who stands behind how many hosters, held against walks over the graph."""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from waterbed.graphs.network.graph import WRITERS
from waterbed.graphs.network.providers import provider_graph, provider_rows, reached_through
from waterbed.model.conclusions import Rent

CHAIN: list[tuple[str, str, Rent]] = [
    *[("shop", "host", "reseller of"), ("host", "carrier", "transit"), ("carrier", "top", "transit")],
    *[("other", "carrier", "transit"), ("other", "carrier", "reseller of"), ("top", "top", "transit")],
]


def test_a_chain_is_followed_to_its_top() -> None:
    """A reseller is reached through its host, that one's carrier, and the carrier's carrier; hosts are added up."""
    graph = provider_graph(CHAIN, {"shop": 3, "host": 1, "other": 5}, names={"top": "Top\x00"})
    assert reached_through(graph, "shop") == [
        *[("host", "reseller of", 1), ("carrier", "transit", 2), ("top", "transit", 3)]
    ]
    assert reached_through(graph, "other")[0] == ("carrier", "reseller of", 1)
    assert reached_through(graph, "nobody") == []
    rows = {row.provider: row for row in provider_rows(graph)}
    assert set(rows) == {"host", "carrier", "top"}
    told = {key: (row.resellers, row.customers, row.hosters, row.directly, row.hosts) for key, row in rows.items()}
    assert told == {"host": (1, 0, 1, 1, 3), "carrier": (1, 2, 3, 2, 9), "top": (0, 1, 3, 0, 9)}
    assert rows["top"].name == "Top "
    assert all(write(graph) for write in WRITERS.values())


rents = st.lists(st.tuples(*[st.sampled_from("abcdef")] * 2, st.sampled_from(["transit", "reseller of"])), max_size=12)


@given(rents, st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9)))
def test_hosters_below_are_those_with_a_path(pairs: list[tuple[str, str, Rent]], hosters: dict[str, int]) -> None:
    """Of each provider, in graphs with circles, those hosters from which a path leads to it."""
    graph = provider_graph(pairs, hosters, names={})
    for row in provider_rows(graph):
        below = {key for key in nx.ancestors(graph, row.provider) if key in hosters}
        assert (row.hosters, row.hosts) == (len(below), sum(hosters[key] for key in below))
    for key in graph:
        reached = [one for one, _, _ in reached_through(graph, key)]
        assert sorted(reached) == sorted(nx.descendants(graph, key))
