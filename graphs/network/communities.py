"""Communities of keys that exchange content.

Tested against graphs with the same margins.
"""

from dataclasses import dataclass

import networkx as nx
import numpy as np

from waterbed.estimators.refusal import Refusal
from waterbed.estimators.strata import exchange
from waterbed.graphs.network.moves import Floats, Ints, Moves, sums_by
from waterbed.model.message import Count, Message, Number

LARGEST = 100
"""Keys that communities are sought among, the busiest: the null takes a partition of its own each time."""

LEAST_HOPS = 30
"""Fewer hops than this tell nothing of communities."""

_MIXING = 12
"""Exchanges before the first graph of the null; each lets every destination change its place once."""

_BETWEEN = 4
"""Exchanges between two graphs of the null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Communities:
    """A partition of keys, tested against a null.

    The null is the best partitions of graphs without communities. `members` are the keys of each community, largest
    first. `modularity` is that of the partition, `null` the mean and `null_high` the largest of the best partitions of
    graphs with the same margins. `p` is the share of these graphs, the data among them, that reach it; no p is below
    `smallest_p`. `hops` were between the `keys` considered.
    """

    members: tuple[tuple[str, ...], ...]
    modularity: float
    null: float
    null_high: float
    p: float
    smallest_p: float
    keys: int
    hops: int


def communities(
    moves: Moves, rng: np.random.Generator, *, nulls: int = 19, largest: int = LARGEST, seed: int = 0
) -> Communities | Refusal:
    """Partition the busiest keys by Louvain, and test the modularity.

    Modularity is the directed one (Leicht and Newman, Physical Review Letters 100, 2008), the algorithm that of Blondel
    and others (Journal of Statistical Mechanics, 2008) in NetworkX, with a seed. Any sparse graph has a high modularity
    (Guimera, Sales-Pardo and Amaral, Physical Review E 70, 2004), so the null keeps what left and what arrived at each
    key and lets hops exchange their destinations, never to the key they left. Hops within a key and those with several
    keys at an end are left out.
    """
    selected = np.flatnonzero(moves.possible & (moves.origin != moves.destination) & (moves.weight == 1.0))
    origin, destination, keys = _busiest(moves, selected, largest)
    if origin.size < LEAST_HOPS or len(keys) < 3:
        return Refusal(
            Message.of(
                "{hops} between {keys} keys, where {least} between 3 are needed",
                hops=Count(origin.size, "hop"),
                keys=Number(len(keys)),
                least=Number(LEAST_HOPS),
            )
        )
    groups, modularity = _partition(origin, destination, len(keys), seed)
    bits = max(1, (len(keys) - 1).bit_length())
    rows = (origin << bits | destination).reshape(1, -1)
    null_modularities = []
    for number in range(nulls):
        for _ in range(_BETWEEN if number else _MIXING):
            exchange(rows, bits, 0, rng)
        null_modularities.append(_partition(rows[0] >> bits, rows[0] & ((1 << bits) - 1), len(keys), seed)[1])
    null = np.array(null_modularities)
    return Communities(
        members=tuple(tuple(keys[index] for index in group) for group in groups),
        modularity=modularity,
        null=float(null.mean()),
        null_high=float(null.max()),
        p=float((1 + (null >= modularity).sum()) / (nulls + 1)),
        smallest_p=1.0 / (nulls + 1),
        keys=len(keys),
        hops=int(origin.size),
    )


def _busiest(moves: Moves, rows: Ints, largest: int) -> tuple[Ints, Ints, tuple[str, ...]]:
    """Hops among the keys with most hops, and these keys: chosen by margins, which the null keeps."""
    ends = np.concatenate([moves.origin[rows], moves.destination[rows]])
    busy: Floats = sums_by(ends, np.ones(ends.size), len(moves.keys))
    chosen = np.sort(np.argsort(-busy, kind="stable")[:largest])
    chosen = chosen[busy[chosen] > 0]
    number = np.full(len(moves.keys), -1, np.int64)
    number[chosen] = np.arange(chosen.size)
    origin, destination = number[moves.origin[rows]], number[moves.destination[rows]]
    among = (origin >= 0) & (destination >= 0)
    return origin[among], destination[among], tuple(moves.keys[index] for index in chosen)


def _partition(origin: Ints, destination: Ints, keys: int, seed: int) -> tuple[list[list[int]], float]:
    code, number = np.unique(origin * keys + destination, return_counts=True)
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(keys))
    graph.add_weighted_edges_from(zip((code // keys).tolist(), (code % keys).tolist(), number.tolist(), strict=True))
    groups = nx.community.louvain_communities(graph, seed=seed)
    modularity = float(nx.community.modularity(graph, groups))
    return sorted((sorted(group) for group in groups), key=lambda group: (-len(group), group)), modularity
