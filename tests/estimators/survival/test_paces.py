"""Ends after a number of looks, and ends in time, told apart by looks of two paces."""

import numpy as np
import pytest

from waterbed.estimators.survival.paces import LookedAt, least_unhidden, look_test, pace_test

INF = np.inf
STEP = 2.0
"""Hours between two rare looks; the others are an hour apart."""


def clocks(rng, n, **world):
    """Clocks looked at for 48 hours, a third of them half as often."""
    return watched(rng, n, **world)[:3]


def watched(
    rng, n, *, looks=None, chance=None, batch=None, deadline=None, share=1 / 3, missed=0.0, mean=33.0, counts="all"
):
    """The same clocks, and the looks at them; a part of the looks tells nothing.

    Ends are at random, in batches (so many hours apart on average), all by a deadline, after a number of looks, or by
    chance at each; of all looks or of those that are answered.
    """
    rare = rng.random(n) < share
    end = rng.exponential(mean, n)
    if batch:
        at = np.cumsum(rng.exponential(batch, 400))
        came = rng.uniform(0, 700, n)
        end = at[np.searchsorted(at, came) + rng.geometric(0.5, n) - 1] - came
    if deadline:
        end = np.minimum(end, deadline)
    hidden = rng.geometric(chance, n) if chance else np.full(n, looks or 10**6)
    left, right, own = np.zeros(n), np.full(n, INF), np.zeros((n, 3), np.int64)
    ran, over = np.zeros(n), np.full(n, INF)
    for i in range(n):
        step = STEP if rare[i] else STEP / 2
        at = np.cumsum(step * rng.uniform(0.9, 1.1, int(48 / step)))
        told = rng.random(at.size) >= missed
        number = np.cumsum(told) if counts == "answered" else np.arange(1, at.size + 1)
        gone = np.flatnonzero(told & ((at >= end[i]) | (number > hidden[i])))
        last = gone[0] if gone.size else at.size
        up = np.flatnonzero(told[:last])
        left[i] = at[up[-1]] if up.size else 0.0
        right[i] = at[last] if gone.size else INF
        own[i] = up[-1] + 1 if up.size else 0, last, up.size
        ran[i], over[i] = max(0.0, left[i] - at[0]), right[i] - at[0]
    running, before, decided = own.T
    return left, right, rare, LookedAt(running=running, before=before, decided=decided, ran=ran, ended=over)


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


def ended_at_one(level, n, seeds, **world):
    """The share of studies in which clocks are found to end after one number of looks."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        *_, rare, looks = watched(rng, n, **world)
        test = look_test(looks, rare, rng, pace=2.0, permutations=199)
        found.append(test.p is not None and test.p <= level and test.alike >= 3 and test.outlasting > 0)
    return np.mean(found)


@pytest.mark.parametrize("counts", ["all", "answered"])
def test_few_clocks_that_end_after_one_number_of_looks_are_found(counts):
    """Of 40 clocks 18 outlast eight looks and are gone at the next: mostly found, whichever looks the hoster counts.

    How early they end finds much fewer.
    """
    world = {"looks": 8, "missed": 0.15, "mean": 10.0, "counts": counts}
    assert ended_at_one(0.1, 40, range(100), **world) >= 0.9
    assert flagged(0.01, 40, range(100), **world) <= 0.75


@pytest.mark.long
@pytest.mark.parametrize("world", [{}, {"batch": 30.0}, {"mean": 4.0}, {"deadline": 13.0}, {"deadline": 24.0}])
@pytest.mark.parametrize("n", [8, 40, 150])
def test_ends_in_time_are_not_taken_for_ends_after_looks(world, n):
    """Of 200 studies with ends at random, in batches, soon or all by a deadline at most 2% are found."""
    assert ended_at_one(0.1, n, range(200), missed=0.15, **world) <= 0.02


def test_looks_that_were_not_rarer_tell_nothing():
    """Where URLs drawn to be rare were looked at as often, as before a study drew any, a deadline is none of looks."""
    rng = np.random.default_rng(7)
    for deadline in (6.0, 12.5, 24.0):
        *_, looks = watched(rng, 150, deadline=deadline, share=0.0)
        assert look_test(looks, rng.random(150) < 1 / 3, rng, pace=2.0).outlasting == 0


def test_no_clock_outlasts_a_deadline():
    """Where all are removed after a day no rare look sees one later; where looks end clocks, many do."""
    rng = np.random.default_rng(3)
    *_, rare, looks = watched(rng, 200, deadline=24.0)
    assert look_test(looks, rare, rng, pace=2.0).outlasting == 0
    *_, rare, looks = watched(rng, 200, looks=12)
    found = look_test(looks, rare, rng, pace=2.0)
    assert found.alike > 100
    assert found.outlasting > 20
    assert found.p == 0.001


def test_looks_of_one_pace_and_clocks_never_seen_running_say_nothing():
    """Without two of each pace, or a look that saw one running, there is no p."""
    rng = np.random.default_rng(1)
    *_, rare, looks = watched(rng, 40, looks=8)
    assert look_test(looks, np.zeros(40, bool), rng, pace=2.0).p is None
    none = np.zeros(40, np.int64)
    unseen = LookedAt(running=none, before=none, decided=none, ran=np.zeros(40), ended=np.ones(40))
    assert look_test(unseen, rare, rng, pace=2.0).p is None


def test_impossible_looks_are_refused():
    """More decided looks than all, others' labels, and rare looks that are not rarer are refused."""
    one, two, hours = np.ones(2, np.int64), np.full(2, 2), np.ones(2)
    for values, why in (
        ((one, two, two, hours, hours), "0 <= decided <= running <= before"),
        ((one, one, one, hours, hours[:1]), "how long it ran"),
        ((one, one, one, hours, hours / 2), "ends no earlier"),
        ((one, one, one, hours * INF, hours * INF), "finite time"),
    ):
        with pytest.raises(ValueError, match=why):
            LookedAt(**dict(zip(("running", "before", "decided", "ran", "ended"), values, strict=True)))
    looks = LookedAt(running=one, before=two, decided=one, ran=hours, ended=hours * 2)
    flags = np.ones(2, bool)
    for rare, pace in ((flags[:1], 2.0), (flags, 1.0)):
        with pytest.raises(ValueError, match="needs a label"):
            look_test(looks, rare, np.random.default_rng(1), pace=pace)


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
    with pytest.raises(ValueError, match="rare checks are fewer"):
        least_unhidden(shares, numbers, looks)
