"""Bounds of a displaced share: against formulas, at their edges, and how often they hold the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from waterbed.estimators.detection import Bounds, displaced_bounds
from waterbed.estimators.refusal import Refusal

ONE = ((1.0, 1.0),)


def _column(*flags: bool) -> np.ndarray:
    return np.array(flags, dtype=bool)[:, None]


def test_one_way_seen_in_full_has_the_limits_of_a_poisson_count() -> None:
    """With full detection and known order the ends are those of the exact interval of a count."""
    seen = _column(*[True] * 7, *[False] * 93)
    found = displaced_bounds(seen, seen, np.arange(100), detection=ONE)
    assert isinstance(found, Bounds)
    assert found.low == pytest.approx(stats.chi2.ppf(0.025, 14) / 200)
    assert found.high == pytest.approx(stats.chi2.ppf(0.975, 16) / 200)
    binomial = stats.binomtest(7, 100).proportion_ci(0.95, "exact")
    assert found.low <= binomial.low
    assert found.high >= binomial.high


def test_order_and_detection_widen_the_ends_that_they_concern() -> None:
    """What is not certain moves the high end; a wide set needs one-sided limits, a little nearer than an interval's."""
    sure, maybe = _column(*[True] * 10, *[False] * 90), _column(*[True] * 20, *[False] * 80)
    sites = np.arange(100)
    known = displaced_bounds(sure, sure, sites, detection=ONE)
    open_order = displaced_bounds(sure, maybe, sites, detection=ONE)
    half = displaced_bounds(sure, sure, sites, detection=((0.5, 0.8),))
    assert isinstance(known, Bounds)
    assert isinstance(open_order, Bounds)
    assert isinstance(half, Bounds)
    assert known.low < open_order.low < 0.1
    assert open_order.low == pytest.approx(stats.chi2.ppf(0.05, 20) / 200, rel=0.01)
    assert open_order.high == pytest.approx(stats.chi2.ppf(0.95, 42) / 200, rel=0.01)
    assert known.low / 0.8 <= half.low < 0.1 / 0.8
    assert 0.1 / 0.5 < half.high <= known.high / 0.5


def test_a_way_that_is_seen_in_full_is_not_blown_up() -> None:
    """Moves on a sure way count once; the same moves on a way that is rarely seen count for more."""
    on_sure = np.array([[True, False]] * 30 + [[False, False]] * 70)
    on_rare = on_sure[:, ::-1]
    ways = ((0.9, 1.0), (0.3, 0.8))
    sure = displaced_bounds(on_sure, on_sure, np.arange(100), detection=ways)
    rare = displaced_bounds(on_rare, on_rare, np.arange(100), detection=ways)
    assert isinstance(sure, Bounds)
    assert isinstance(rare, Bounds)
    assert sure.low < 0.3 < sure.high < 0.6
    assert sure.low / 0.8 <= rare.low < 0.3 / 0.8
    assert rare.high == 1.0


def test_a_cluster_counts_once() -> None:
    """A site with a thousand pages weighs as much as one with a single page."""
    seen = _column(*[True] * 1000, *[False] * 39)
    label = np.array([0] * 1000 + list(range(1, 40)))
    found = displaced_bounds(seen, seen, label, detection=ONE)
    alone = displaced_bounds(seen[999:], seen[999:], np.arange(40), detection=ONE)
    assert found == alone


def test_too_few_clusters_and_too_many_moves_are_refused() -> None:
    """Nine sites give no number, nor does more than the highest detection allows."""
    seen = _column(*[True] * 60)
    assert isinstance(displaced_bounds(seen[:9], seen[:9], np.arange(9), detection=ONE), Refusal)
    assert isinstance(displaced_bounds(seen, seen, np.repeat(np.arange(6), 10), detection=ONE), Refusal)
    assert isinstance(displaced_bounds(seen, seen, np.arange(60), detection=((0.2, 0.4),)), Refusal)


@pytest.mark.parametrize(
    ("certain", "possible", "detection"),
    [
        (_column(True, False), _column(False, False), ONE),
        (_column(True), _column(True, False), ONE),
        (_column(True, True), _column(True, True), ((0.8, 0.3),)),
        (_column(True, True), _column(True, True), ((0.0, 0.3),)),
        (_column(True, True), _column(True, True), ((0.5, 0.6), (0.5, 0.6))),
    ],
)
def test_what_makes_no_sense_is_a_mistake(certain, possible, detection) -> None:
    """Certain but impossible moves, shapes that differ, and detection outside 0..1 raise."""
    with pytest.raises(ValueError):
        displaced_bounds(certain, possible, np.arange(2), detection=detection)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 30)), min_size=40, max_size=80))
def test_ends_are_in_order_and_do_not_depend_on_the_order_of_units(units: list[tuple[bool, bool, int]]) -> None:
    """The low end lies below the high one, whatever comes in, in whatever order."""
    found = []
    for rows in (units, units[::-1]):
        sure, maybe = _column(*(a and b for a, b, _ in rows)), _column(*(a for a, _, _ in rows))
        found.append(displaced_bounds(sure, maybe, [site for *_, site in rows], detection=((0.4, 1.0),)))
    if isinstance(found[0], Refusal):
        assert found[0] == found[1]
        return
    assert isinstance(found[1], Bounds)
    assert 0.0 <= found[0].low < found[0].high <= 1.0
    assert (found[0].low, found[0].high) == pytest.approx((found[1].low, found[1].high))


@pytest.mark.parametrize("end", [0, 1])
def test_the_truth_is_held_even_where_detection_is_at_the_end_of_its_range(end: int) -> None:
    """With every order known and detection at the worst end of its range, at least 95% of bounds hold the share."""
    rng, ways, held, worlds = np.random.default_rng(5), ((0.9, 1.0), (0.3, 0.8)), 0, 400
    for _ in range(worlds):
        share, sites = rng.uniform(0.05, 0.25), 120
        size = rng.integers(1, 4, sites)
        label = np.repeat(np.arange(sites), size)
        moved = (rng.random(sites) < share)[label]
        way = rng.integers(0, 2, sites)[label]
        detected = rng.random(sites)[label] < np.array(ways)[way, end]
        seen = (moved & detected)[:, None] & (way[:, None] == np.arange(2))
        found = displaced_bounds(seen, seen, label, detection=ways)
        assert isinstance(found, Bounds)
        held += found.low <= share <= found.high
    assert held / worlds >= 0.95
