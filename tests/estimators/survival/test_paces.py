"""Ends after a number of looks, and ends in time, told apart by looks of two paces."""

import numpy as np
import pytest

from waterbed.estimators.survival.paces import least_unhidden, pace_test

INF = np.inf
STEP = 2.0
"""Hours between two rare looks; the others are an hour apart."""


def clocks(rng, n, *, looks=None, chance=None, batch=None, share=1 / 3, missed=0.0, mean=33.0):
    """Clocks looked at for 48 hours, a third of them half as often; a part of the looks tells nothing.

    Ends are at random, in batches (so many hours apart on average), after a number of looks, or by chance at each.
    """
    rare = rng.random(n) < share
    end = rng.exponential(mean, n)
    if batch:
        at = np.cumsum(rng.exponential(batch, 400))
        came = rng.uniform(0, 700, n)
        end = at[np.searchsorted(at, came) + rng.geometric(0.5, n) - 1] - came
    hidden = rng.geometric(chance, n) if chance else np.full(n, looks or 10**6)
    left, right = np.zeros(n), np.full(n, INF)
    for i in range(n):
        step = STEP if rare[i] else STEP / 2
        seen = np.cumsum(step * rng.uniform(0.9, 1.1, int(48 / step)))
        seen = seen[rng.random(seen.size) >= missed]
        gone = np.flatnonzero((seen >= end[i]) | (np.arange(1, seen.size + 1) > hidden[i]))
        last = gone[0] if gone.size else seen.size
        left[i] = seen[last - 1] if last else 0.0
        right[i] = seen[last] if gone.size else INF
    return left, right, rare


def flagged(level, n, seeds, **world):
    """The share of studies in which looks are found to end clocks."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        p = pace_test(*clocks(rng, n, **world), rng, step=STEP, last=44.0, permutations=499).p
        found.append(p is not None and p <= level)
    return np.mean(found)


@pytest.mark.parametrize("world", [{}, {"batch": 30.0}, {"batch": 72.0}])
def test_honest_ends_are_hardly_ever_flagged(world):
    """At a level of 1%, ends in time and in batches are flagged in about as many of 300 studies."""
    assert flagged(0.01, 40, range(300), **world) <= 0.023


def test_many_honest_ends_are_not_taken_for_hidden_ones():
    """Of 20,000 clocks, a fifth of whose looks tell nothing, rare looks lack no ends, be they quick or slow."""
    for seed, mean in ((1, 4.0), (2, 12.0), (3, 33.0)):
        rng = np.random.default_rng(seed)
        found = pace_test(*clocks(rng, 20_000, missed=0.2, mean=mean), rng, step=STEP, last=40.0, permutations=199)
        assert found.missing < 0.04
    hiding = pace_test(*clocks(rng, 2_000, missed=0.2, looks=12), rng, step=STEP, last=40.0, permutations=199)
    assert hiding.p <= 0.01
    assert hiding.missing > 0.15


def test_far_ends_and_fine_steps_cost_no_more():
    """Of ends after the last time that counts only the order does; looks each second are no finer than is of use."""
    rng = np.random.default_rng(5)
    left, right, rare = clocks(rng, 400)
    far = np.where(np.isfinite(right) & (rng.random(400) < 0.2), right * 1e9, right)
    assert 0 < pace_test(left, far, rare, rng, step=STEP, last=40.0, permutations=99).p <= 1
    assert 0 < pace_test(left, far, rare, rng, step=1 / 1800, last=40.0, permutations=99).p <= 1


def test_ends_after_a_number_of_looks_are_found():
    """Thirty clocks that vanish after eight looks are nearly always found, after twenty mostly, by chance sometimes."""
    assert flagged(0.01, 30, range(100), looks=8) >= 0.97
    assert flagged(0.01, 30, range(100), looks=20) >= 0.8
    assert flagged(0.01, 300, range(30), chance=0.1) >= 0.6


def test_the_test_is_one_sided_and_needs_both_paces():
    """What is looked at rarely and ends sooner says nothing of hiding; one pace alone gives no p."""
    rng = np.random.default_rng(1)
    rare = np.arange(40) < 20
    right = np.where(rare, 4.0, 10.0)
    assert pace_test(right - 2, right, rare, rng, step=2.0, last=40.0).p > 0.5
    assert pace_test(right - 2, right, ~rare, rng, step=2.0, last=40.0).p <= 0.01
    found = pace_test(right - 2, right, np.zeros(40, bool), rng, step=2.0, last=40.0)
    assert (found.p, found.rare, found.often) == (None, 0, 40)


@pytest.mark.parametrize(
    ("left", "right", "rare", "step"),
    [
        ([1.0], [1.0], [True], 2.0),
        ([np.nan], [2.0], [True], 2.0),
        ([1.0], [2.0], [True, False], 2.0),
        ([1], [2], [1], 0),
    ],
)
def test_impossible_clocks_are_refused(left, right, rare, step):
    """Empty intervals, missing numbers and labels of others are refused."""
    with pytest.raises(ValueError):
        pace_test(left, right, rare, np.random.default_rng(1), step=step, last=9.0)


def test_what_looks_hid_is_added_back():
    """Of content that each look hides with a chance, two paces tell how much was removed; of honest, nearly all."""
    kept, hides, looks = 0.4, 0.05, (25.0, 13.0)
    shares = tuple(1.0 - kept * (1.0 - hides) ** number for number in looks)
    sure = least_unhidden(shares, (1e9, 1e9), looks)
    assert sure == pytest.approx(1.0 - kept, abs=1e-3)
    few = [least_unhidden(shares, (n, n / 2), looks) for n in (30, 100, 1_000, 10_000)]
    assert few == sorted(few)
    assert 0 <= few[0] < 0.2
    assert 0.5 < few[-1] < 1.0 - kept
    assert least_unhidden((1.0, 1.0), (30, 30), looks) < 0.2  # all gone by the first looks says little
    assert least_unhidden((0.0, 0.0), (1e6, 1e6), looks) == pytest.approx(0.0, abs=1e-3)


def test_the_bound_holds_where_looks_hide_by_chance_and_where_they_do_not():
    """In at least 93% of 400 studies a share that was removed is above its bound."""
    rng, held = np.random.default_rng(4), []
    for chance in [0.0, 0.03, 0.1, 0.2] * 100:
        share, n, looks = rng.uniform(0.2, 0.9), int(rng.integers(20, 400)), (25.0, 13.0)
        found = [
            rng.binomial(size, 1 - (1 - share) * (1 - chance) ** k) for size, k in zip((2 * n, n), looks, strict=True)
        ]
        held.append(least_unhidden((found[0] / (2 * n), found[1] / n), (2 * n, n), looks) <= share)
    assert np.mean(held) >= 0.93


@pytest.mark.parametrize(
    ("shares", "numbers", "looks"),
    [((1.1, 0.5), (9, 9), (25, 13)), ((0.5, 0.5), (0, 9), (25, 13)), ((0.5, 0.5), (9, 9), (13, 13))],
)
def test_impossible_shares_are_refused(shares, numbers, looks):
    """Shares beyond 0 to 1, worth nothing, or of one pace are refused."""
    with pytest.raises(ValueError, match="rare looks are fewer"):
        least_unhidden(shares, numbers, looks)
