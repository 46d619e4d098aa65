"""Time-respecting paths, sure and possible."""

from itertools import pairwise, permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs.hop_makers import hop, sure
from waterbed.graphs.network.moves import Moves, moves_of
from waterbed.graphs.network.paths import chains
from waterbed.model.conclusions import Hop


def test_a_chain_is_sure_if_each_stay_was_seen_between_its_hops() -> None:
    """A to B to C to D, each seen arrived before it was last seen there."""
    moves = moves_of([sure("a", "b", 0), sure("b", "c", 5), sure("c", "d", 9), sure("d", "e", 2)])
    found = chains(moves, surely=True)
    assert found.ending.tolist() == [1, 2, 3, 1]
    assert (found.at_least(3), found.at_least(4)) == (1, 0)


def test_a_chain_is_possible_if_some_times_in_the_intervals_are_in_order() -> None:
    """Overlapping intervals allow a path that is not sure; times that cannot be in order do not."""
    first, second = hop("a", "b", (0, 4), (None, 6)), hop("b", "c", (5, 9), (None, 12))
    moves = moves_of([first, second])
    assert chains(moves, surely=True).at_least(1) == 0
    assert chains(moves, surely=False).at_least(2) == 1
    late = hop("b", "c", (1, 3), (None, 12))
    assert chains(moves_of([sure("a", "b", 5), late]), surely=False).at_least(2) == 0


def test_pairs_that_are_possible_each_need_not_be_possible_together() -> None:
    """The earliest arrival is carried along the path: b is reached too late for the third hop."""
    hops = [hop("a", "b", (8, 9), (9, 20)), hop("b", "c", (2, 15), (None, 21)), hop("c", "d", (1, 9), (None, 22))]
    moves = moves_of(hops)
    assert chains(moves_of(hops[1:]), surely=False).at_least(2) == 1
    assert chains(moves, surely=False).longest.tolist() == [2]


def test_parallel_copies_and_other_contents_make_no_path() -> None:
    """A path is of one content, over hops that may be displacement."""
    parallel = hop("b", "c", (10, 11), (None, 4))
    assert chains(moves_of([sure("a", "b", 0), parallel]), surely=False).at_least(2) == 0
    assert chains(moves_of([sure("a", "b", 0), sure("b", "c", 5, content="d")]), surely=False).at_least(2) == 0


def test_ends_with_several_keys_are_left_out_of_paths() -> None:
    """A hop from two countries has no one beginning."""
    moves = moves_of(
        [sure("a", "b", 0, before=("NL", "BE")), sure("b", "c", 5, before=("US",), after=("DE",))], by="country"
    )
    assert chains(moves, surely=True).longest.tolist() == [1]


def test_without_hops_there_is_no_path() -> None:
    """Nothing moved, nothing is counted."""
    assert chains(moves_of([]), surely=False).at_least(1) == 0


def possible(moves: Moves, path: tuple[int, ...]) -> bool:
    """Whether some times are in order and the rows were first seen in order: the definition, path by path."""
    rank = {
        row: at for at, row in enumerate(np.lexsort((np.arange(moves.size), moves.left_before, moves.arrived_before)))
    }
    if any(rank[a] > rank[b] or moves.destination[a] != moves.origin[b] for a, b in pairwise(path)):
        return False
    now = -np.inf
    for row in path:
        left = max(now, moves.left_after[row])
        now = max(left, moves.arrived_after[row])
        if left >= moves.left_before[row] or now >= moves.arrived_before[row]:
            return False
    return True


def surely(moves: Moves, path: tuple[int, ...]) -> bool:
    """Whether each arrival was seen no later than the next was last seen up."""
    return all(
        moves.destination[a] == moves.origin[b] and moves.arrived_before[a] <= moves.left_after[b]
        for a, b in pairwise(path)
    )


@st.composite
def wandering(draw: st.DrawFn) -> list[Hop]:
    """A few hops of one or two contents among four hosters, at whole hours: ties are common."""
    hops = []
    for _ in range(draw(st.integers(1, 6))):
        a, b = draw(st.permutations("abcd"))[:2]
        leave, took = draw(st.integers(0, 8)), draw(st.integers(1, 6))
        since = draw(st.one_of(st.none(), st.integers(0, 16)))
        seen = draw(st.integers(max(1, (since or 0) + 1), 24))
        hops.append(hop(a, b, (leave, leave + took), (since, seen), content=draw(st.sampled_from("xy"))))
    return hops


@settings(max_examples=150, deadline=None)
@given(wandering())
def test_counts_at_scale_equal_all_paths_tried_one_by_one(hops: list[Hop]) -> None:
    """The longest path of each content, by arrays and by trying every order of its hops."""
    moves = moves_of(hops)
    for certain, in_order in ((True, surely), (False, possible)):
        found = chains(moves, surely=certain)
        longest = dict(zip(found.contents.tolist(), found.longest.tolist(), strict=True))
        usable = moves.certain if certain else moves.possible
        for content in range(moves.contents):
            rows = np.flatnonzero(usable & (moves.content == content)).tolist()
            best = max(
                (size for size in range(1, len(rows) + 1) for p in permutations(rows, size) if in_order(moves, p)),
                default=0,
            )
            assert longest.get(content, 0) == best
