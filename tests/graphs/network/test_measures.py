"""The hop matrix, sinks and sources, returns, home and abroad."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphs.hop_makers import hop, sure
from waterbed.graphs.network.measures import Returns, bounded_share, hop_matrix, net_flows, returns
from waterbed.graphs.network.moves import moves_of
from waterbed.graphs.network.weeks import abroad_shares
from waterbed.model.conclusions import Hop


def doubtful(left: str, arrived: str, **more: object) -> Hop:
    return hop(left, arrived, (0, 5), (None, 8), **more)  # type: ignore[arg-type]


SOME = [sure("a", "b", 0), sure("a", "b", 3), doubtful("a", "c"), sure("b", "a", 9), doubtful("c", "a")]
PARALLEL = hop("a", "c", (10, 11), (None, 4))


def test_rows_of_the_matrix_add_up_to_one() -> None:
    """Shares of what left one key are of all that left it; parallel hops are in none."""
    found = hop_matrix(moves_of([*SOME, PARALLEL]))
    cells = {
        (found.keys[a], found.keys[b]): (hops, left, share)
        for a, b, hops, left, share in zip(
            found.origin, found.destination, found.hops, found.left, found.share, strict=True
        )
    }
    assert cells["a", "b"] == (2, 3.0, pytest.approx(2 / 3))
    assert cells["a", "c"] == (1, 3.0, pytest.approx(1 / 3))
    assert sum(share for (left, _), (_, _, share) in cells.items() if left == "a") == pytest.approx(1.0)


def each_choice(hops: list[Hop]) -> list[list[Hop]]:
    """All ways in which the doubtful hops can be displacement or not."""
    certain = [one for one in hops if one.order == "sequential"]
    others = [one for one in hops if one.order == "unknown"]
    return [
        [*certain, *(one for one, taken in zip(others, chosen, strict=True) if taken)]
        for chosen in product((False, True), repeat=len(others))
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("cde"), st.booleans(), st.booleans()), min_size=1, max_size=7
    )
)
def test_bounds_are_the_least_and_the_most_of_all_choices(drawn: list[tuple[str, str, bool, bool]]) -> None:
    """Whichever doubtful hops are displacement, shares and net flows lie in the bounds, and both ends are reached."""
    hops = [
        sure(a, b, 0, after=("NL" if home else "US",)) if known else doubtful(a, b, after=("NL" if home else "US",))
        for a, b, known, home in drawn
    ]
    matrix, net = hop_matrix(moves_of(hops)), net_flows(moves_of(hops))
    abroad = abroad_shares(hops, "NL")["home"]
    choices = each_choice(hops)
    for place, (a, b) in enumerate(zip(matrix.origin, matrix.destination, strict=True)):
        left, arrived = matrix.keys[a], matrix.keys[b]
        shares = [
            sum(one.from_hoster == left and one.to_hoster == arrived for one in choice) / out
            for choice in choices
            if (out := sum(one.from_hoster == left for one in choice))
        ]
        assert (matrix.low[place], matrix.high[place]) == pytest.approx((min(shares), max(shares)))
    for key, low, high in zip(net.keys, net.low, net.high, strict=True):
        flows = [sum(one.to_hoster == key for one in c) - sum(one.from_hoster == key for one in c) for c in choices]
        assert (low, high) == (min(flows), max(flows))
    out = [sum(one.to_countries == ("US",) for one in choice) / len(choice) for choice in choices if choice]
    assert (abroad.low, abroad.high) == pytest.approx((min(out), max(out)))


def test_sinks_and_sources_have_signs_and_efficiency() -> None:
    """Net is arrived less left, efficiency that over both; hops within a key count in neither."""
    found = net_flows(moves_of([sure("a", "b", 0), sure("a", "b", 2), sure("b", "a", 4), sure("a", "a", 6)]))
    assert (found.net.tolist(), found.efficiency.tolist()) == ([-1.0, 1.0], pytest.approx([-1 / 3, 1 / 3]))


def test_a_return_is_sure_only_if_it_had_left_before_it_can_have_arrived() -> None:
    """Back at A after A was left for certain; an arrival without a beginning may have been there all along."""
    there = sure("a", "b", 0)
    assert returns(moves_of([there, sure("b", "a", 5)])).surely == 1
    back = hop("b", "a", (5, 6), (None, 9))
    assert (returns(moves_of([there, back])).surely, returns(moves_of([there, back])).possibly) == (0, 1)
    other = sure("b", "a", 5, content="d")
    assert returns(moves_of([there, other])).possibly == 0
    assert returns(moves_of([sure("b", "a", 0), sure("a", "b", 5)])).surely == 1


def test_content_that_stays_in_a_country_returns_to_none() -> None:
    """Hops between hosters of one country neither leave nor reach it, nor do those that keep one of several."""
    within = [sure("a", "b", 0, after=("NL",)), sure("b", "c", 5, after=("NL",)), sure("c", "a", 9, after=("NL",))]
    assert (returns(moves_of(within)).surely, returns(moves_of(within, by="country"))) == (
        1,
        Returns(hops=3, surely=0, possibly=0),
    )
    beside = [sure("a", "b", 0, after=("DE", "NL")), sure("b", "a", 5, before=("DE", "NL"), after=("NL",))]
    assert returns(moves_of(beside, by="country")) == Returns(hops=2, surely=0, possibly=0)


def test_nothing_surely_returns_to_an_unknown_country() -> None:
    """Two ends without a known country may be two places."""
    hops = [sure("a", "b", 0, before=(), after=("NL",)), sure("b", "c", 5, after=())]
    assert returns(moves_of(hops, by="country")) == Returns(hops=2, surely=0, possibly=1)


SIDES = st.sampled_from([("NL",), ("DE",), ("US",), ("DE", "NL"), ("DE", "US")])


@given(
    st.lists(
        st.tuples(
            SIDES, SIDES, st.integers(0, 9), st.sampled_from(["sequential", "unknown", "parallel"]), st.booleans()
        ),
        max_size=7,
    )
)
def test_returns_are_those_of_the_plain_definition(
    drawn: list[tuple[tuple[str, ...], tuple[str, ...], int, str, bool]],
) -> None:
    """A return reaches a key that it did not leave, and that another hop of the content had left for others."""
    hops = [
        hop("a", "b", (at, at + 1), (at + 1, at + 2), order=order, before=before, after=after, content=f"c{other}")
        for before, after, at, order, other in drawn
    ]
    may = [one for one in hops if one.order != "parallel"]
    surely = possibly = 0
    for one in may:
        reached = {*one.to_countries} - {*one.from_countries}
        earlier = [
            other
            for other in may
            if other.content_id == one.content_id and reached & ({*other.from_countries} - {*other.to_countries})
        ]
        possibly += any(other.left_after < one.arrived_before for other in earlier)
        surely += one.order == "sequential" and any(
            other.order == "sequential" and one.arrived_after is not None and other.left_before <= one.arrived_after
            for other in earlier
        )
    assert returns(moves_of(hops, by="country")) == Returns(hops=len(may), surely=surely, possibly=possibly)


def test_shares_abroad_leave_out_unknown_countries_and_parallel_hops() -> None:
    """Where the country of an end is not known nothing is claimed; home and abroad are told apart."""
    hops = [
        sure("a", "b", 0),
        sure("a", "b", 0, after=("NL",)),
        sure("a", "b", 0, after=()),
        hop("a", "b", (10, 11), (None, 4)),
        sure("a", "b", 0, before=("US",), after=("DE",)),
    ]
    found = abroad_shares(hops, "NL")
    assert (found["home"].possible, found["home"].n_possible) == (0.5, 2.0)
    assert (found["abroad"].possible, found["abroad"].n_possible) == (1.0, 1.0)
    assert np.isnan(abroad_shares(hops, None)["home"].possible)


def test_a_share_of_doubtful_hops_alone_is_open() -> None:
    """Hits and misses that are all in doubt leave everything between none and all."""
    share = bounded_share(0, 0, 2, 4)
    assert (share.low, share.possible, share.high) == (0.0, 0.5, 1.0)


def test_nothing_moved() -> None:
    """Without hops the measures are empty, not errors."""
    none = moves_of([])
    assert (hop_matrix(none).share.size, net_flows(none).net.size, returns(none).hops) == (0, 0, 0)
