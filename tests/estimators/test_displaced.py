"""The displaced share under assumptions: by hand, how often it holds the truth, and where assumptions fail."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.model.said import said
from waterbed.estimators.detection import chapman
from waterbed.estimators.displaced import Estimate, Returns, displaced_estimate
from waterbed.estimators.refusal import Refusal


def drawn(
    rng: np.random.Generator,
    units: int = 200,
    *,
    share: float = 0.4,
    copied: float = 0.3,
    find: tuple[float, float] = (0.7, 0.5),
    known: tuple[float, float] = (0.7, 0.7),
    copies_of_reports: float = 0.0,
) -> Returns:
    """Units that move with a probability, at once or with a copy from before; two feeds, and births of some.

    `find` is what each feed finds on each side; with `copies_of_reports` the second feed repeats the first.
    """
    cluster = np.repeat(np.arange(units), rng.integers(1, 4, units))
    later = (rng.random(units) < share)[cluster]
    before = ~later & (rng.random(units) < copied)[cluster]
    side = rng.integers(0, 2, units)[cluster]
    first, second = (rng.random(cluster.size) < np.array(find)[side] for _ in range(2))
    second |= first & (rng.random(cluster.size) < copies_of_reports)
    caught = np.where(later | before, first + 2 * second, 0)
    born = rng.random(cluster.size) < np.where(later, *known)
    on = side[:, None] == np.arange(2)
    seen = (caught > 0)[:, None] & on
    return Returns(
        cluster=cluster,
        back=np.zeros(cluster.size, bool),
        after=seen & (later & born)[:, None],
        before=seen & (before & born)[:, None],
        near=np.zeros_like(on),
        order_open=seen & ~born[:, None],
        feeds=np.where(on, caught[:, None], 0),
    )


def estimated(returns: Returns, **named: Any) -> Estimate:
    found = displaced_estimate(returns, **named)
    assert isinstance(found, Estimate)
    return found


def test_it_is_the_formula() -> None:
    """What is back for sure, and on each side what came later, with its part of what is open, over detection."""
    one = replace(drawn(np.random.default_rng(1)), cluster=np.arange(drawn(np.random.default_rng(1)).cluster.size))
    one = replace(one, back=np.arange(one.cluster.size) < 5)
    found, at = estimated(one), ~one.back
    later, before, unknown = (flags[at].sum(axis=0) / at.size for flags in (one.after, one.before, one.order_open))
    detection = []
    for side in (0, 1):
        first, second = (int(np.isin(one.feeds[:, side], caught).sum()) for caught in ((1, 3), (2, 3)))
        both = int((one.feeds[:, side] == 3).sum())
        population = chapman(first, second, both)
        assert not isinstance(population, Refusal)
        detection.append(population.seen / population.estimate)
    part = later.sum() / (later.sum() + before.sum())
    assert found.detection == pytest.approx(tuple(detection))
    assert found.estimate == pytest.approx(5 / at.size + ((later + part * unknown) / detection).sum())
    assert 0.0 <= found.least <= found.low < found.estimate < found.high <= found.most <= 1.0


@pytest.mark.long
@pytest.mark.parametrize("units", [80, 250])
def test_where_the_assumptions_hold_so_does_the_interval(units: int) -> None:
    """In 250 drawn studies nearly 95% of intervals hold the share, with feeds and with known detection."""
    rng, held, known = np.random.default_rng(4), 0, 0
    both = tuple((p, p) for p in (1 - 0.3**2, 1 - 0.5**2))
    for _ in range(250):
        share = rng.uniform(0.15, 0.6)
        one = drawn(rng, units, share=share)
        by_feeds, by_hand = estimated(one), estimated(one, detection=both)
        held += by_feeds.low <= share <= by_feeds.high
        known += by_hand.low <= share <= by_hand.high
    assert 0.92 <= held / 250 <= 0.98
    assert 0.92 <= known / 250 <= 0.98


@pytest.mark.parametrize(("units", "share", "find"), [(300, 0.8, (0.04, 0.85)), (100, 0.8, (0.12, 0.85))])
def test_the_interval_holds_where_one_feed_is_small(units: int, share: float, find: tuple[float, float]) -> None:
    """Where a large feed often holds all of a small one, what both miss is unsure, and the interval says so."""
    rng, found = np.random.default_rng(11), []
    one_side = np.array([True, False])
    while len(found) < 150:
        later = rng.random(units) < share
        first, second = (later & (rng.random(units) < chance) for chance in find)
        seen = (first | second)[:, None] & one_side
        nothing = np.zeros_like(seen)
        one = Returns(
            cluster=np.arange(units),
            back=nothing[:, 0],
            after=seen,
            before=nothing,
            near=nothing,
            order_open=nothing,
            feeds=np.where(one_side, (first + 2 * second)[:, None], 0),
        )
        answer = displaced_estimate(one)
        if isinstance(answer, Estimate):
            found.append(answer.low <= share <= answer.high)
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize(
    "broken", [{"known": (0.4, 0.8)}, {"known": (0.8, 0.4)}, {"copies_of_reports": 0.4}, {"find": (0.8, 0.3)}]
)
def test_where_they_do_not_hold_the_range_does(broken: dict[str, Any]) -> None:
    """Births known half or twice as often, a feed that copies, detection by destination: the range holds the share."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(100):
        found = estimated(drawn(rng, 150, share=0.35, **broken))
        held += found.least <= 0.35 <= found.most
    assert held >= 95


def test_names_born_shortly_before_the_end_may_have_been_made_for_it() -> None:
    """They count as before, and the range has both."""
    one = drawn(np.random.default_rng(6))
    near = estimated(replace(one, near=one.before))
    assert (near.estimate, near.low) == (estimated(one).estimate, estimated(one).low)
    assert near.most > estimated(one).most


def test_a_declared_range_takes_the_place_of_feeds() -> None:
    """Its middle gives the estimate, its ends the range."""
    one = drawn(np.random.default_rng(7))
    middle = estimated(one, detection=[(0.9, 0.9), (0.7, 0.7)])
    wide = estimated(one, detection=[(0.85, 0.95), (0.6, 0.8)])
    assert (wide.estimate, wide.low, wide.high) == pytest.approx((middle.estimate, middle.low, middle.high))
    assert wide.least < middle.least < middle.most < wide.most


def test_too_few_of_anything_is_refused() -> None:
    """Clusters, births that tell an order, arrivals in both feeds; what is back for sure needs no birth."""
    one = drawn(np.random.default_rng(8))
    nothing = np.zeros_like(one.after)
    for less, reason in (
        (replace(one, back=(one.after | one.before).any(axis=1)), "arrivals from 0 clusters"),
        (replace(one, cluster=one.cluster % 9), "9 clusters"),
        (replace(one, after=nothing, before=nothing), "arrivals from 0 clusters"),
        (replace(one, feeds=np.minimum(one.feeds, 2)), "0 arrivals are in both feeds"),
    ):
        refused = displaced_estimate(less)
        assert isinstance(refused, Refusal)
        assert reason in said(refused)


def test_what_makes_no_sense_is_a_mistake() -> None:
    """A side that is before and after, near but not before, detection outside 0..1."""
    one = drawn(np.random.default_rng(9))
    for changes in ({"before": one.after}, {"near": one.after}):
        with pytest.raises(ValueError, match=r"before"):
            displaced_estimate(replace(one, **changes))
    with pytest.raises(ValueError, match=r"lowest first"):
        displaced_estimate(one, detection=[(0.9, 0.8), (0.5, 0.6)])
