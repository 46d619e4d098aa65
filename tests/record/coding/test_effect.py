"""What unresolved cases can do to shares and places, against brute force."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.record.coding.test_coding import SEEN, give_all, rows, run, states
from tests.study.facts import written
from waterbed.measures.ranking_tables import ranking_of
from waterbed.record.coding.cases import unresolved
from waterbed.record.coding.effect import effect, place_bounds, places

SHARE = st.integers(0, 4).map(lambda n: n / 4)


@given(st.lists(st.tuples(SHARE, SHARE, SHARE, st.booleans()), min_size=1, max_size=5))
def test_places_are_bounded_as_by_trying_every_share(drawn: list[tuple[float, float, float, bool]]) -> None:
    """First and last place are those over all ways to take each hoster's share from its ends."""
    ends = [sorted(one[:3]) for one in drawn]
    low, high = (np.array([one[n] for one in ends]) for n in (0, 2))
    among = np.array([one[3] for one in drawn])
    first, last = place_bounds(low, high, among)
    for i in range(len(ends)):
        own = [
            1 + sum(shares[j] < shares[i] for j in range(len(ends)) if j != i and among[j])
            for shares in product(*({one[0], one[2]} for one in ends))
        ]
        assert (first[i], last[i]) == (min(own), max(own))


def test_places_leave_out_what_has_no_share() -> None:
    """Equal shares have one place; what has none has place 0, and no bounds."""
    assert places(np.array([0.5, np.nan, 0.1, 0.5])).tolist() == [2, 0, 1, 2]
    nothing = np.array([np.nan, 0.2])
    first, last = place_bounds(nothing, nothing, np.array([True, True]))
    assert (first.tolist(), last.tolist()) == ([0, 1], [0, 1])


def test_bounds_hold_every_way_to_settle_the_cases(tmp_path: Path) -> None:
    """Each mix of codes for three cases gives a share within the bounds, and both ends are reached."""
    seen = {**SEEN, **{url: "u" * 2 + "d" * 38 if url > "b02" else told for url, told in states("b", "?").items()}}
    seen |= {f"b{n:02}": ("u" * (1 + n)).ljust(40, "d") for n in range(3, 12)}
    with written(tmp_path, seen, apart=16) as study:
        conclusions = study.conclude()
        cases = [case.item_id for case in unresolved(conclusions)]
        assert len(cases) == 3
        row = next(one for one in effect(conclusions) if one.key == "AS64501")
        assert (row.cases, row.removed_24h) == (3, None)
        found = []
        for codes in product(("up", "gone"), repeat=3):
            settled = conclusions.with_(codes=dict(zip(cases, codes, strict=True)))
            found.append(next(one for one in ranking_of(settled) if one.key == "AS64501").removed_24h)
        assert (row.against, row.in_favour) == (pytest.approx(min(found)), pytest.approx(max(found)))
        assert min(found) < max(found)


def test_the_command_tells_shares_and_places(tmp_path: Path) -> None:
    """All of b in doubt: from nothing to everything removed, from the first to the last place; the others stand."""
    with written(tmp_path, SEEN, apart=16) as study:
        told = {row["key"]: row for row in rows(study, "effect")}
        b = told["AS64501"]
        assert (b["cases"], float(b["against"]), float(b["in_favour"])) == ("12", 0.0, 1.0)
        assert (b["place"], b["place_low"], b["place_high"]) == ("", "1", "2")
        assert [told[key]["place"] for key in ("AS64502", "AS64500")] == ["1", "2"]
        assert "12 cases are unresolved" in run(study, "effect", "--top", "1").stdout
        cases = [case.item_id for case in unresolved(study.conclude())]
        for coder in ("ann", "ben"):
            give_all(study, coder, dict.fromkeys(cases, "gone"))
        settled = {row["key"]: row for row in rows(study, "effect")}["AS64501"]
        assert (settled["cases"], settled["against"], settled["in_favour"]) == ("0", "1.0", "1.0")
        assert settled["removed_24h"] == "1.0"
