"""Cells of hops: nothing about too few sites can be read from them, nor worked out of any two choices."""

from collections import Counter
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs.hop_makers import hop, hour
from waterbed.graphs.network.moves import Level
from waterbed.model.conclusions import Hop
from waterbed.publish.hop_cells import LEVELS, CellDisclosure, HopCell, HopCells, hop_cells
from waterbed.publish.hop_sums import WAYS, cell_flows, cell_places, week_sums

WEEK = 168.0
HOSTERS = {"a": ("NL", 1), "b": ("NL", 2), "c": ("DE", 3), "d": ("DE", 4), "e": ("US", 5)}
KEYS: dict[Level, list[str]] = {
    "hoster": list(HOSTERS),
    "as": [f"AS{number}" for _, number in HOSTERS.values()],
    "country": ["NL", "DE", "US"],
}


def moved(number: int, left: str, arrived: str, week: int, **more: Any) -> Hop:
    """A hop of a site of its own, first seen in that week."""
    gone = (week * WEEK + 1, week * WEEK + 2)
    made: dict[str, Any] = {
        "content": f"c{number}",
        "from_url_id": f"from{number}",
        "to_url_id": f"to{number}",
        "before": (HOSTERS[left][0],),
        "after": (HOSTERS[arrived][0],),
        **more,
    }
    return hop(left, arrived, gone, (gone[1], week * WEEK + 3), **made)


def disclosure(hops: list[Hop], **changes: Any) -> CellDisclosure:
    """Every URL a site of its own, every key with a name, three sites at least."""
    urls = {url for one in hops for url in (one.from_url_id, one.to_url_id)}
    made: dict[str, Any] = {
        "sites": {url: url for url in urls},
        "named": KEYS,
        "origins": lambda url_id, hoster, when: (HOSTERS[hoster][1],),
        "home": "NL",
        "least": 3,
        "span": (hour(0), hour(4 * WEEK + 1)),
        **changes,
    }
    return CellDisclosure(**made)


def cells_of(hops: list[Hop], **changes: Any) -> HopCells:
    return hop_cells(hops, disclosure(hops, **changes))


moves = st.lists(
    st.tuples(
        st.sampled_from("aab"), st.sampled_from("bcde"), st.integers(0, 4), st.sampled_from(["sequential", "unknown"])
    ),
    max_size=60,
).map(lambda drawn: [moved(n, a, b, week, order=order) for n, (a, b, week, order) in enumerate(drawn) if a != b])


def ranges(weeks: int) -> list[tuple[int, int]]:
    return list(combinations_with_replacement(range(weeks), 2))


@settings(max_examples=150, deadline=None)
@given(moves)
def test_cells_add_up_to_all_hops(hops: list[Hop]) -> None:
    """On each level, and over all passages, flows add up to the hops that there are, or there is no cell at all."""
    found = cells_of(hops)
    expected = (len(hops), sum(one.order == "sequential" for one in hops)) if len(hops) >= 3 else (0, 0)
    for level in LEVELS:
        rows = cell_flows(found.cells, level)
        assert (sum(row.hops for row in rows), sum(row.certain for row in rows)) == pytest.approx(expected)
        by_way = [sum(row.hops for row in cell_flows(found.cells, level, ways=[way])) for way in WAYS]
        assert sum(by_way) == pytest.approx(expected[0])
        assert all(row.hops == row.most for row in rows)


def test_evidence_is_named_where_hops_of_enough_sites_rest_on_it() -> None:
    """Two sites' evidence is not told, however many hops they have; that of three is, and flows unite their cells'."""
    kinds = [("path",), ("path",), ("path", "label"), ("label",), ("label", "title"), ("title",)]
    hops = [moved(number, "a", "c", 0, evidence=own) for number, own in enumerate(kinds)]
    hops += [replace(hops[-1], to_url_id=f"again {number}") for number in range(3)]  # of one site that is left
    found = cells_of(hops)
    (cell,) = found.cells
    assert cell.evidence == ("label", "path")
    assert cell_flows(found.cells, "hoster")[0].evidence == ("label", "path")
    other = replace(cell, evidence=("etag",))
    assert cell_flows([cell, other], "country")[0].evidence == ("etag", "label", "path")


@pytest.mark.parametrize(
    ("left", "after", "named", "passage"),
    [
        ("a", ("DE",), ["NL"], "leaves home"),
        ("a", ("DE",), ["DE"], None),
        ("c", ("DE",), [], "stays abroad"),
        ("a", (), ["NL", "unknown"], "unknown"),
        ("a", (), ["NL"], None),
    ],
)
def test_a_passage_tells_of_no_country_that_is_held_back(
    left: str, after: tuple[str, ...], named: list[str], passage: str | None
) -> None:
    """Where home, or what lies in no known country, is not named, no cell says that hops cross its border."""
    hops = [moved(number, left, "d", 0, after=after) for number in range(4)]
    (cell,) = cells_of(hops, named={**KEYS, "country": named}).cells
    assert cell.passage == passage


@settings(max_examples=150, deadline=None)
@given(moves)
def test_no_two_choices_differ_by_too_few_sites(hops: list[Hop]) -> None:
    """Every flow, and every difference between two spans one in the other, is of no site or of three or more."""
    found = cells_of(hops)
    spans = ranges(len(found.weeks))
    for level in LEVELS:
        flows = {
            span: Counter(
                {
                    (row.from_key, row.to_key, row.passage): row.hops
                    for row in cell_flows(found.cells, level, weeks=span)
                }
            )
            for span in spans
        }
        for outer in spans:
            for inner in spans:
                if outer[0] <= inner[0] and inner[1] <= outer[1]:
                    differences = [flows[outer][pair] - flows[inner][pair] for pair in flows[outer]]
                    assert all(size == 0 or size >= 3 for size in differences), (level, outer, inner)


@settings(max_examples=150, deadline=None)
@given(moves)
def test_no_level_gives_another_away(hops: list[Hop]) -> None:
    """What of a flow between countries is between none of the hosters named is of no site or of three or more."""
    found = cells_of(hops)
    for span in ranges(len(found.weeks)):
        countries = Counter(
            {(row.from_key, row.to_key): row.hops for row in cell_flows(found.cells, "country", weeks=span)}
        )
        for row in cell_flows(found.cells, "hoster", weeks=span):
            if row.from_key is not None and row.to_key is not None:
                pair = HOSTERS[row.from_key][0], HOSTERS[row.to_key][0]
                if pair in countries:
                    countries[pair] -= row.hops
        assert all(size <= 0 or size >= 3 for size in countries.values())


@settings(max_examples=100, deadline=None)
@given(moves)
def test_hops_stand_in_the_weeks_told(hops: list[Hop]) -> None:
    """Up to the end of each week, no more are told of than there are, and at most as many as there are or more."""
    found = cells_of(hops)
    if not found.cells:
        return
    for week in range(len(found.weeks)):
        truly = sum(one.arrived_before < hour((week + 1) * WEEK) for one in hops)
        rows = cell_flows(found.cells, "hoster", weeks=(0, week))
        assert sum(row.hops for row in rows) <= truly <= sum(row.most for row in rows)


def test_many_hops_of_one_site_are_few() -> None:
    """Twenty hops from one site's URLs are one site's, and so are twenty to one site's: neither names its hosters."""
    others = [moved(n, "c", "d", 0) for n in range(100, 120)]
    for name in ("from_url_id", "to_url_id"):
        hops = [moved(n, "a", "b", 0, **{name: f"one{n}"}) for n in range(20)] + others
        sites = {url: url[:3] for one in hops for url in (one.from_url_id, one.to_url_id) if url.startswith("one")}
        cells = cells_of(hops, sites=disclosure(hops).sites | sites).cells
        assert {cell.hoster for cell in cells} == {None}
        assert sum(cell.hops for cell in cells) == 40


def test_a_hoster_without_a_name_stands_nowhere() -> None:
    """A key that is not named is in no cell, however many sites moved there; what left for it is told together."""
    hops = [moved(n, "a", "e" if n % 2 else "b", n % 3) for n in range(40)]
    cells = cells_of(hops, named=KEYS | {"hoster": ["a", "b"]}).cells
    assert {cell.hoster for cell in cells} == {(("a",), ()), (("a",), ("b",))}
    assert {cell.country for cell in cells} == {(("NL",), ("NL",)), (("NL",), ("US",))}


def test_what_is_too_small_alone_is_told_together() -> None:
    """Two pairs of two sites lose their names and keep their countries; a week of two loses the week."""
    hops = [moved(n, "a", "c", 0) for n in range(2)] + [moved(n, "b", "d", 0) for n in range(2, 4)]
    hops += [moved(n, "a", "e", 1) for n in range(10, 15)] + [moved(n, "a", "e", 3) for n in range(20, 22)]
    shown = [(cell.hoster, cell.country, cell.first, cell.last, cell.hops) for cell in cells_of(hops).cells]
    assert shown == [
        ((("a",), ("e",)), (("NL",), ("US",)), 0, 4, 7),
        (None, (("NL",), ("DE",)), 0, 0, 4),
    ]


def test_fewer_sites_than_may_be_told_give_nothing() -> None:
    """Two hops of two sites are no cell, and neither is none; parallel copies are none."""
    assert cells_of([moved(n, "a", "b", 0) for n in range(2)]) == HopCells(weeks=(), cells=())
    assert cells_of([]) == HopCells(weeks=(), cells=())
    assert cells_of([moved(n, "a", "b", 0, order="parallel") for n in range(9)]) == HopCells(weeks=(), cells=())


def test_a_host_in_two_countries_is_shared() -> None:
    """A hop from two countries is half a hop of each, so that flows add up."""
    hops = [moved(n, "a", "e", 0, before=("BE", "NL")) for n in range(3)]
    cells = cells_of(hops, named=KEYS | {"country": ["BE", "NL", "US"]}).cells
    assert [(row.from_key, row.to_key, row.hops) for row in cell_flows(cells, "country")] == [
        ("BE", "US", 1.5),
        ("NL", "US", 1.5),
    ]


def test_sinks_and_sources_have_bounds_of_order() -> None:
    """Net flow is what arrived less what left; doubtful hops count or not, each for itself."""
    hops = [moved(n, "a", "b", 0) for n in range(4)] + [moved(n, "b", "a", 0, order="unknown") for n in range(10, 13)]
    rows = {row.key: row for row in cell_places(cell_flows(cells_of(hops).cells, "hoster"))}
    assert (rows["b"].arrived, rows["b"].left, rows["b"].low, rows["b"].high) == (4, 3, 1, 4)
    assert (rows["a"].arrived, rows["a"].left, rows["a"].low, rows["a"].high) == (3, 4, -4, -1)


def test_weeks_have_a_least_and_a_most() -> None:
    """A week's least are cells of that week alone, its most all cells that reach into it."""

    def cell(first: int, last: int, hops: int) -> HopCell:
        return HopCell(
            first=first, last=last, hoster=None, systems=None, country=None, passage=None, hops=hops, certain=1
        )

    assert week_sums([cell(0, 0, 5), cell(0, 1, 4), cell(1, 1, 3)], 3) == [(5, 1, 9), (3, 1, 7), (0, 0, 0)]
