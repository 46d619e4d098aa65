"""Takedowns as units of the estimate: what came later, was there before, or is of open order."""

from dataclasses import replace
from typing import Any

import pytest

from tests.graphs.displacement.test_takedowns import EPISODE, HOP, HOUR, START
from waterbed.graphs.displacement.displaced import returns_of
from waterbed.graphs.displacement.takedowns import Takedown, takedowns

FEEDS = {"b": frozenset(("one", "two")), "x": frozenset(("one",))}
OPEN = {"order": "unknown", "arrived_after": None}


def taken(*hops: Any) -> list[Takedown]:
    return takedowns([EPISODE], hops, home="NL", seats={"new": "NL"}, within=24 * HOUR, until=START + 100 * HOUR)


def born(hours: float, kind: str = "creation") -> dict[str, Any]:
    """A hop of unknown order whose name was born so many hours after the start; the URL was last up after nine."""
    return {"order": "unknown", "arrived_after": START + hours * HOUR, "arrival_evidence": (kind,)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "after"),
        (OPEN, "open"),
        (born(8), "near"),
        (born(-20, "zone"), "before"),
        (born(9.5), "open"),
        ({**OPEN, "arrival_evidence": ("certificate_before",)}, "open"),
        ({**OPEN, "order": "parallel"}, "none"),
        ({"to_url_id": "a"}, "back"),
        ({"to_url_id": "a", **OPEN}, "none"),
        ({**OPEN, "arrived_after": START + 40 * HOUR}, "none"),
    ],
)
def test_each_arrival_is_of_one_sort(changes: dict[str, Any], said: str) -> None:
    """By its order, else by a name born before the loss; certificates tell nothing."""
    one = returns_of(taken(replace(HOP, **changes)), FEEDS)
    sorts = {"after": one.after, "before": one.before & ~one.near, "near": one.near, "open": one.order_open}
    told = [name for name, flags in sorts.items() if flags.any()] + (["back"] if one.back.any() else [])
    assert (told or ["none"]) == [said]
    assert not any(flags[:, 0].any() for flags in sorts.values())  # France is not home


def test_an_arrival_that_came_later_counts_before_another_on_its_side() -> None:
    """Of several on one side: later, then told, then open."""
    hops = (HOP, replace(HOP, to_url_id="x", **born(8)), replace(HOP, to_url_id="y", **OPEN))
    one = returns_of(taken(*hops), FEEDS)
    assert (one.after[0, 1], one.before[0, 1], one.near[0, 1], one.order_open[0, 1]) == (True, False, False, False)


def test_feeds_are_the_largest_and_all_others() -> None:
    """3: an arrival in both; ties by name; no source, no feed."""
    found = returns_of(taken(HOP) + taken(replace(HOP, to_url_id="x")) + taken(replace(HOP, to_url_id="z")), FEEDS)
    assert found.feeds.tolist() == [[0, 3], [0, 1], [0, 0]]
    assert returns_of([], {}).feeds.shape == (0, 2)
