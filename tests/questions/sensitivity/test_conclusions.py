"""Conclusions over a curve made by hand: where they hold, what flips them, and where the truth lies."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from waterbed.model.specifications import ConclusionRow, FlipRow
from waterbed.questions.sensitivity.conclusions import (
    conclusion_rows,
    conclusions_of,
    curve_rows,
    level_rows,
    slow,
    value_rows,
)
from waterbed.questions.sensitivity.curve import Curve, Outcomes, removed
from waterbed.questions.sensitivity.design import DIMENSIONS, Levels, Spec, every_spec, size
from waterbed.questions.sensitivity.grid import Grid
from waterbed.questions.sensitivity.outcomes import Value

LEVELS: Levels = {
    "clock": ("reported", "first_seen"),
    "role": ("hoster",),
    "dedup": ("url", "host", "site"),
    "confirmation": ("3 looks over 2 h",),
    "moved": ("competing", "removed"),
    "unknown": ("censored",),
    "first_down": ("bounds",),
    "proxy": ("own class",),
    "merges": ("on",),
    "assessment": ("decides",),
    "hoster_word": ("counts",),
}
KEYS = ("a", "b", "c")


def value(share: float | None, half: float = 0.02) -> Value:
    """A share with a narrow interval; None: not told."""
    if share is None:
        return Value(estimability="unmeasurable")
    return Value(estimability="told", estimate=share, low=share - half, high=share + half)


def curve(share_of_a: Callable[[Spec], float | None], **others: float) -> Curve:
    """A curve in which b removes 0.6 and c 0.9 throughout, and a as told."""
    shares = {"b": 0.6, "c": 0.9} | others
    outcomes = []
    for spec in every_spec(LEVELS):
        values = {removed("a"): value(share_of_a(spec))} | {removed(key): value(n) for key, n in shares.items()}
        outcomes.append(Outcomes(spec=spec, values=values, keys={key: key for key in KEYS}))
    grid = Grid(levels=LEVELS, why_not={("role", "asn"): "the same groups as hoster"})
    return Curve(grid=grid, whole=size(LEVELS), outcomes=outcomes, ranked=KEYS, names={"a": "Alpha"})


def rows(
    made: Curve, truths: Outcomes | None = None
) -> tuple[dict[str, ConclusionRow], dict[tuple[str, str], FlipRow]]:
    """Conclusions by name; flips by name and dimension."""
    asked = conclusions_of(made, hoster="a", than="b", slowest=1)
    conclusions, flips = conclusion_rows(made, asked, truths)
    return {row.conclusion: row for row in conclusions}, {(row.conclusion, row.dimension): row for row in flips}


def test_what_nothing_changes_holds_everywhere() -> None:
    """A conclusion that all specifications draw holds in all, surely, and nothing flips it."""
    found, flips = rows(curve(lambda _: 0.3))
    half = found["half:a"]
    assert (half.says, half.holds, half.surely) == ("Alpha removes less than half within 24 h", 1.0, 1.0)
    assert (half.flipped_by, half.flips, half.told, half.untold) == ("", None, 12, 0)
    assert found["slowest:a"].holds == found["slowest"].holds == found["order:a:b"].holds == 1.0
    assert {row.flips for row in flips.values()} == {0}


def test_the_choice_that_flips_is_named() -> None:
    """Where the clock alone decides, every pair that differs in it alone flips, and no other pair does."""
    found, flips = rows(curve(lambda spec: 0.7 if spec.clock == "first_seen" else 0.3))
    assert (found["half:a"].holds, found["half:a"].flipped_by, found["half:a"].flips) == (0.5, "clock", 1.0)
    clock, dedup = flips["half:a", "clock"], flips["half:a", "dedup"]
    assert (clock.pairs, clock.flips, clock.share, clock.from_reference) == (6, 6, 1.0, ("first_seen",))
    assert (dedup.pairs, dedup.flips, dedup.from_reference) == (12, 0, ())
    assert found["slowest:a"].holds == 0.5
    assert found["order:a:b"].holds == 0.5


def test_a_choice_that_flips_with_another_only_is_seen() -> None:
    """An interaction flips from no level of the reference, and still in a part of the pairs."""
    found, flips = rows(curve(lambda spec: 0.7 if (spec.clock, spec.moved) == ("first_seen", "removed") else 0.3))
    assert found["half:a"].holds == 0.75
    assert flips["half:a", "clock"].share == flips["half:a", "moved"].share == 0.5
    assert flips["half:a", "clock"].from_reference == ()


def test_untold_specifications_are_counted_apart() -> None:
    """A specification without a number neither holds nor flips; the pair is lost."""
    found, flips = rows(curve(lambda spec: None if spec.dedup == "site" else 0.3))
    assert (found["half:a"].holds, found["half:a"].told, found["half:a"].untold) == (1.0, 8, 4)
    assert (flips["half:a", "dedup"].pairs, flips["half:a", "dedup"].lost) == (4, 8)
    assert found["slowest"].told == 8


def test_reference_without_a_number_draws_no_conclusion() -> None:
    """Where the reference does not tell, nothing is said to hold, and the range is given all the same."""
    made = curve(lambda spec: None if spec.dedup == "url" else 0.3)
    found, _ = rows(made)
    half = found["half:a"]
    assert (half.says, half.holds, half.surely, half.truly, half.reference) == ("", None, None, None, None)
    assert (half.least, half.most) == (0.3, 0.3)


def test_surely_needs_the_interval_on_that_side() -> None:
    """A share whose interval holds one half is on its side, but not surely."""
    found, _ = rows(curve(lambda spec: 0.49 if spec.moved == "removed" else 0.3))
    assert (found["half:a"].holds, found["half:a"].surely) == (1.0, 0.5)


def test_ties_are_all_among_the_slowest() -> None:
    """Of two that are equally slow both are the slowest."""
    made = curve(lambda _: 0.6)
    assert slow(made.reference, 1) == {"a", "b"}
    assert slow(made.reference, 3) == {"a", "b", "c"}


def test_two_hosters_that_one_group_stands_for_have_no_order() -> None:
    """Where one key stands for both there is nothing to compare."""
    made = curve(lambda _: 0.3)
    merged = [
        replace(one, keys={**one.keys, "b": "a"}) if one.spec.clock == "first_seen" else one for one in made.outcomes
    ]
    found, _ = rows(replace(made, outcomes=merged))
    assert (found["order:a:b"].told, found["order:a:b"].untold) == (6, 6)


def test_truth_has_its_place_in_the_curve() -> None:
    """The share of the numbers below the true one, and whether what the reference says is true."""
    made = curve(lambda spec: {"url": 0.3, "host": 0.4, "site": 0.55}[spec.dedup])
    truths = replace(made.reference, values={**made.reference.values, removed("a"): value(0.5, 0.0)})
    found, _ = rows(made, truths)
    half = found["half:a"]
    assert (half.truth, half.truly) == (0.5, False)
    assert half.below_truth == pytest.approx(2 / 3, abs=1e-4)
    assert found["slowest"].truly is True


def test_tables_are_of_one_curve() -> None:
    """The curve is in order and whole, each outcome is there, and levels count their specifications."""
    made = curve(lambda spec: None if spec.dedup == "site" else 0.3 if spec.moved == "removed" else 0.2)
    points = curve_rows(made, removed("a"), "a")
    assert [row.place for row in points] == [*range(1, 9), None, None, None, None]
    assert [row.estimate for row in points] == [0.2] * 4 + [0.3] * 4 + [None] * 4
    assert {row.spec for row in points} == set(range(12))
    assert all(getattr(row, d) == made.outcomes[row.spec].spec.level(d) for row in points for d in DIMENSIONS)
    assert len(value_rows(made)) == 12 * 3
    levels = {(row.dimension, row.level): row for row in level_rows(made, removed("a"))}
    assert (levels["dedup", "site"].specs, levels["dedup", "site"].middle) == (4, None)
    assert (levels["moved", "removed"].specs, levels["moved", "removed"].middle) == (6, 0.3)
    assert (levels["role", "asn"].specs, levels["role", "asn"].why_not) == (0, "the same groups as hoster")
    assert [key for key, row in levels.items() if row.reference] == [(d, LEVELS[d][0]) for d in DIMENSIONS]
