"""Hops as coded arrays."""

import numpy as np
import pytest

from tests.graphs.hop_makers import hop, hour, stay, sure
from waterbed.graphs.network.moves import UNKNOWN, ends_of, moves_of, origins_index


def test_hops_are_coded_by_sorted_keys_with_their_times() -> None:
    """Keys are sorted, times are seconds, and an arrival without a beginning reaches back for ever."""
    moves = moves_of([sure("b", "a", 0), hop("a", "c", (5, 6), (None, 7), content="d")])
    assert moves.keys == ("a", "b", "c")
    assert [moves.origin.tolist(), moves.destination.tolist()] == [[1, 0], [0, 2]]
    assert moves.left_after.tolist() == [hour(0).timestamp(), hour(5).timestamp()]
    assert moves.arrived_after.tolist() == [hour(1).timestamp(), -np.inf]
    assert (moves.contents, moves.certain.tolist(), moves.possible.tolist()) == (2, [True, False], [True, True])


def test_a_hop_with_several_countries_is_shared_among_their_pairs() -> None:
    """Weights of a hop add up to one; an end without a country is `unknown`, not lost."""
    hops = [sure("x", "y", 0, before=("NL", "US"), after=("DE",)), sure("x", "y", 5, before=(), after=("DE", "FR"))]
    moves = moves_of(hops, by="country")
    pairs = [(moves.keys[a], moves.keys[b]) for a, b in zip(moves.origin, moves.destination, strict=True)]
    assert pairs == [("NL", "DE"), ("US", "DE"), (UNKNOWN, "DE"), (UNKNOWN, "FR")]
    assert np.bincount(moves.hop, moves.weight).tolist() == [1.0, 1.0]


def test_origin_ases_are_those_of_the_stay_at_that_time() -> None:
    """The AS of an end is looked up in the episodes: the latest stay there that had begun."""
    stays = [stay("A", 0, 6, url="u1"), stay("B", 6, url="u2")]
    origins = origins_index(stays)
    one = hop("A", "B", (5, 6), (None, 6))
    assert ends_of(one, "as", origins) == (("AS65",), ("AS66",))
    assert origins("u1", "A", hour(-1)) == ()
    assert ends_of(hop("A", "Z", (5, 6), (None, 6)), "as", origins)[1] == (UNKNOWN,)
    with pytest.raises(ValueError, match="needs the episodes"):
        ends_of(one, "as")


def test_no_hop_gives_empty_arrays() -> None:
    """An empty study has moves, too: none."""
    assert moves_of([]).size == 0
