"""Positions of places in a drawing of hops."""

from collections.abc import Sequence

import networkx as nx

Position = tuple[float, float]


def positions(shells: Sequence[Sequence[str]]) -> dict[str, Position]:
    """Positions of places in shells, from the inside out.

    Coordinates are from -1 to 1, rounded to a thousandth. Empty shells are left out (NetworkX's shell layout).
    """
    filled = [list(shell) for shell in shells if shell]
    if not filled:
        return {}
    graph = nx.Graph()
    graph.add_nodes_from(key for shell in filled for key in shell)
    placed = nx.shell_layout(graph, nlist=filled, scale=1.0)
    return {str(key): (round(float(x), 3), round(float(y), 3)) for key, (x, y) in sorted(placed.items())}
