"""What rows say held against the truth: an oracle is right as often as it says, and each falsehood is counted."""

from dataclasses import replace

import numpy as np
import pytest

from waterbed.lab.score.claims import Said, score
from waterbed.lab.simulate.grammar_truth import TrueHoster


def true(share: float, **parts: object) -> TrueHoster:
    """A hoster with a true share."""
    made = TrueHoster(
        reported=np.array([10.0, 200.0]),
        expected=np.array([share, share]),
        reports=40,
        sites=30,
        days=20.0,
        shown=True,
        hides=False,
        constant=True,
        together=1.0,
    )
    return replace(made, **parts)  # type: ignore[arg-type]  # fields by name


def test_an_oracle_with_normal_errors_holds_95_percent() -> None:
    """Intervals of 1.96 errors about an estimate with that error hold in 95%, and miss either side alike."""
    rng = np.random.default_rng(5)
    rows = []
    for _ in range(1_000):
        shares = rng.uniform(0.3, 0.7, 6)
        middle = shares + 0.05 * rng.standard_normal(6)
        said = [Said(rank_class="ranked", low=m - 0.098, high=m + 0.098, worst=m, best=m + 0.02) for m in middle]
        rows += score(said, [true(float(one)) for one in shares], norm=0.5).rows
    held = np.mean([row.holds for row in rows])
    assert held == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / len(rows)))
    assert np.mean([row.above for row in rows]) == pytest.approx(0.025, abs=0.008)
    assert {round(row.width or 0.0, 9) for row in rows} == {0.196}
    assert {round(row.gap or 0.0, 9) for row in rows} == {0.02}


def test_orders_and_names_are_counted() -> None:
    """Of three hosters one order is right, one false, one of equals; one name is right, one false."""
    hosters = [true(0.2), true(0.6), true(0.605)]
    said = [
        Said(rank_class="ranked", low=0.1, high=0.3, first=1, last=1, below_norm=True),
        Said(rank_class="ranked", low=0.5, high=0.7, first=2, last=2, below_norm=True),
        Said(rank_class="ranked", low=0.5, high=0.7, first=3, last=3),
    ]
    found = score(said, hosters, norm=0.5)
    assert (found.names, found.false_names, found.below) == (2, 1, 1)
    assert (found.orders, found.false_orders, found.right) == (3, 1, 2)
    assert (found.different, found.quick_different) == (2, 0)
    turned = score(said[::-1], hosters, norm=0.5)
    assert (turned.orders, turned.false_orders) == (3, 3)
    unsure = score([replace(one, first=1, last=3) for one in said], hosters, norm=0.5)
    assert (unsure.orders, unsure.false_orders) == (0, 0)
    pairs = [replace(said[0], last=3, slower_than=(1,)), replace(said[1], first=1, last=3, slower_than=(0,)), said[2]]
    assert (score(pairs, hosters, norm=0.5).orders, score(pairs, hosters, norm=0.5).false_orders) == (2, 1)


def test_the_quickest_third_is_counted_apart() -> None:
    """Of six hosters two are the quickest third: their pair counts apart."""
    hosters = [true(0.1 * n) for n in range(1, 7)]
    said = [Said(rank_class="ranked", first=n, last=n) for n in range(1, 7)]
    found = score(said, hosters, norm=0.5)
    assert (found.different, found.right) == (15, 15)
    assert (found.quick_different, found.quick_right) == (1, 1)


def test_a_row_is_held_against_the_reports_that_it_speaks_of() -> None:
    """A share since a change is true if it holds that of the reports since then."""
    changed = true(0.5, expected=np.array([0.1, 0.9]), constant=False)
    whole, since = Said(rank_class="ranked", low=0.4, high=0.6), Said(rank_class="changed", low=0.8, high=1.0)
    assert score([whole], [changed], norm=0.5).rows[0].holds
    assert not score([since], [changed], norm=0.5).rows[0].holds
    assert score([replace(since, since_h=100.0)], [changed], norm=0.5).rows[0].holds


@pytest.mark.parametrize(
    ("rank_class", "parts", "false"),
    [
        ("views differ", {}, True),
        ("views differ", {"hides": True}, False),
        ("changed", {}, True),
        ("changed", {"constant": False}, False),
        ("too few days", {}, True),
        ("too few days", {"days": 5.0}, False),
        ("too few", {}, True),
        ("too few", {"sites": 9}, False),
        ("unmeasurable", {}, False),
        ("ranked", {}, False),
    ],
)
def test_a_class_may_be_a_false_sentence(rank_class: str, parts: dict[str, object], false: bool) -> None:
    """A class that says something of hoster or reports that is not so counts as false."""
    (row,) = score([Said(rank_class=rank_class)], [true(0.5, **parts)], norm=0.5).rows
    assert row.false_class == false
    assert row.holds is row.width is None


def test_the_sensitivity_line_is_held_against_the_truth() -> None:
    """The interval for so many sites decided on at once counts apart."""
    said = Said(rank_class="ranked", low=0.4, high=0.45, together_low=0.3, together_high=0.7)
    (row,) = score([said], [true(0.6)], norm=0.5).rows
    assert (row.holds, row.together) == (False, True)
