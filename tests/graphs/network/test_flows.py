"""Hops added up to flows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from waterbed.graphs.network.flows import flows
from waterbed.graphs.network.weeks import cross_border
from waterbed.model.conclusions import Hop

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def hop(left, right, before=("NL",), after=("US",), order="sequential"):
    return Hop(
        content_id="c",
        from_url_id="u1",
        to_url_id="u2",
        from_hoster=left,
        to_hoster=right,
        from_countries=before,
        to_countries=after,
        left_after=DAY,
        left_before=DAY,
        arrived_after=None,
        arrived_before=DAY,
        kind="copy",
        order=order,
        levels=(),
        evidence=("content_id",),
    )


@pytest.mark.parametrize(
    ("before", "after", "home", "expected"),
    [
        (("NL",), ("US",), "NL", "leaves home"),
        (("NL",), ("NL", "US"), "NL", "stays home"),
        (("US",), ("NL",), "NL", "comes home"),
        (("US",), ("RU",), "NL", "stays abroad"),
        ((), ("RU",), "NL", "unknown"),
        (("NL",), (), "NL", "unknown"),
        (("NL",), ("US",), None, "unknown"),
    ],
)
def test_cross_border_kind_follows_from_the_countries_before_and_after(before, after, home, expected):
    """A host is at home while any address is; without countries or a home nothing is claimed."""
    assert cross_border(hop("a", "b", before, after), home) == expected


def test_flows_leave_out_parallel_copies_and_bound_the_rest():
    """Parallel copies are no movement; unknown order counts, but not as certain."""
    hops = [hop("a", "b", order=order) for order in ("sequential", "repointed", "unknown", "parallel")]
    hops += [hop("a", "b", ("US",), ("US",)), hop("b", "a")]
    hops[0] = replace(hops[0], evidence=("path", "label"))
    found = flows(hops, names={"a": "Acme"}, home="NL")
    assert [f.evidence for f in found][:1] == [tuple(sorted({"path", "label", *hops[1].evidence}))]
    assert [(f.from_name, f.to_name, f.passage, f.hops, f.certain) for f in found] == [
        ("Acme", "b", "leaves home", 3, 2),
        ("Acme", "b", "stays abroad", 1, 1),
        ("b", "Acme", "leaves home", 1, 1),
    ]
