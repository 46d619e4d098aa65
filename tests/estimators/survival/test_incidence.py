"""The incidence estimate against other libraries, sums by hand and simulated truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from waterbed.estimators.survival.incidence import (
    cumulative_incidence,
    share_interval,
    share_within,
    sparse,
)

INF = float("inf")


def exact(times, causes):
    """Whole hours known exactly: (t - 1, t] for an end, running at t otherwise."""
    times, causes = np.asarray(times, float), np.asarray(causes)
    return np.where(causes < 0, times, times - 1), np.where(causes < 0, INF, times), causes


def draw(rng, n, *, gap, last):
    """Two exponential causes (60% and 40% of ends), looks every `gap` hours from a random phase until `last`."""
    when, cause = rng.exponential(30, n), (rng.random(n) < 0.4).astype(int)
    phase = rng.uniform(0, gap, n)
    looks = np.concatenate([np.zeros((n, 1)), phase[:, None] + gap * np.arange(int(200 / gap))], axis=1)
    seen = looks <= last[:, None]
    up = seen & (looks < when[:, None])
    left = np.where(up, looks, 0).max(axis=1)
    right = np.where(seen & ~(looks < when[:, None]), looks, INF).min(axis=1)
    return left, right, np.where(np.isinf(right), -1, cause)


def test_equals_kaplan_meier_on_exact_right_censored_data():
    """With exact ends and one cause it is the Kaplan-Meier estimate."""
    from lifelines import KaplanMeierFitter

    rng = np.random.default_rng(11)
    times, ended = rng.integers(1, 60, 150), rng.random(150) < 0.6
    curves = cumulative_incidence(*exact(times, np.where(ended, 0, -1)), causes=1, tolerance=1e-10)
    oracle = KaplanMeierFitter().fit(times, ended)
    for hour in range(0, int(min(curves.known_until_h, 59)) + 1):
        assert share_within(curves, 0, hour) == pytest.approx(1 - oracle.predict(hour), abs=1e-5)


def test_equals_aalen_johansen_on_exact_competing_causes():
    """With exact, untied ends of two causes it is the Aalen-Johansen estimate."""
    from lifelines import AalenJohansenFitter

    rng = np.random.default_rng(12)
    times = rng.permutation(np.arange(1, 121))
    causes = rng.choice([-1, 0, 1], 120, p=[0.3, 0.4, 0.3])
    curves = cumulative_incidence(*exact(times, causes), causes=2, tolerance=1e-10)
    for cause in (0, 1):
        oracle = AalenJohansenFitter(calculate_variance=False).fit(times, causes + 1, event_of_interest=cause + 1)
        known = oracle.cumulative_density_.iloc[:, 0]
        for hour in range(1, 110):
            assert share_within(curves, cause, hour) == pytest.approx(known[known.index <= hour].iloc[-1], abs=1e-5)


def test_equals_turnbull_of_lifelines_where_no_left_meets_a_right():
    """Interval-censored with one cause it is lifelines' NPMLE, as long as open and closed intervals coincide."""
    from lifelines import KaplanMeierFitter

    rng = np.random.default_rng(13)
    left = 2 * rng.integers(0, 20, 60)
    right = left + 1 + 2 * rng.integers(0, 8, 60)
    curves = cumulative_incidence(left, right, np.zeros(60, int), causes=1, tolerance=1e-9)
    oracle = KaplanMeierFitter().fit_interval_censoring(left, right, tol=1e-9)
    steps = oracle.survival_function_["NPMLE_estimate_lower"]
    for hour in sorted(set(right)):
        assert 1 - share_within(curves, 0, hour) == pytest.approx(steps[hour], abs=1e-4)


def test_matches_a_sum_done_by_hand():
    """Ends in (0, 2], (1, 3] and one running at 3: masses 2/3 on hour 2 and 1/3 after all follow-up."""
    curves = cumulative_incidence([0, 1, 3], [2, 3, INF], [0, 0, -1], causes=1, tolerance=1e-12)
    assert share_within(curves, 0, 1) == pytest.approx(0)
    assert share_within(curves, 0, 2) == pytest.approx(2 / 3, abs=1e-6)
    assert curves.survival[2] == pytest.approx(1 / 3, abs=1e-6)
    assert curves.known_until_h == 3


def test_competing_ends_take_away_from_a_cause():
    """Of 10 clocks 6 end by another cause at once: the rest cannot all be credited to the first."""
    causes = [1] * 6 + [0] * 3 + [-1]
    curves = cumulative_incidence(*exact([1] * 6 + [2] * 3 + [5], causes), causes=2)
    assert share_within(curves, 0, 5) == pytest.approx(0.3, abs=1e-4)
    assert share_within(curves, 1, 5) == pytest.approx(0.6, abs=1e-4)


def test_says_nothing_past_the_last_follow_up():
    """A share at 24 h is null when every running clock was last seen before."""
    curves = cumulative_incidence([0, 5, 7], [3, INF, INF], [0, -1, -1], causes=1)
    assert share_within(curves, 0, 7) == pytest.approx(1 / 3, abs=1e-4)
    assert share_within(curves, 0, 24) is None


def test_knows_everything_when_all_ended():
    """When nothing runs on, the share after the last end is known: all."""
    curves = cumulative_incidence([0, 2], [1, 4], [0, 0], causes=1)
    assert share_within(curves, 0, 1000) == pytest.approx(1)


def test_counts_an_end_in_the_hour_that_holds_its_right_end():
    """An end seen at 24.0 h is within 24 h, one seen at 24.1 h is not."""
    curves = cumulative_incidence([23.0, 24.0], [24.0, 24.1], [0, 0], causes=1)
    assert share_within(curves, 0, 24) == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("gap", [1.0, 4.0])
def test_finds_the_true_share_whatever_the_spacing_of_looks(gap):
    """Over 20 worlds of 800 clocks the share at 24 h is within a point of the truth."""
    rng = np.random.default_rng(14)
    shares = []
    for _ in range(20):
        left, right, cause = draw(rng, 800, gap=gap, last=rng.uniform(10, 120, 800))
        shares.append(share_within(cumulative_incidence(left, right, cause, causes=2), 0, 24))
    assert np.mean(shares) == pytest.approx(0.6 * (1 - np.exp(-24 / 30)), abs=0.01)


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 30), st.integers(-1, 2)),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=60, deadline=None)
def test_is_a_distribution_and_no_cell_could_do_better(clocks):
    """Curves rise from 0, sum with survival to 1, and the derivative towards any (hour, cause) is at most n."""
    left = np.array([low for low, _, _ in clocks], float)
    cause = np.array([why for _, _, why in clocks])
    right = np.where(cause < 0, INF, left + [width for _, width, _ in clocks])
    curves = cumulative_incidence(left, right, cause, causes=3)
    assert (np.diff(curves.incidence, axis=1) >= -1e-12).all()
    assert np.allclose(curves.incidence[:, 0], 0)
    assert (curves.survival >= -1e-9).all()
    density = np.diff(curves.incidence, axis=1)
    hour = np.arange(1, curves.hours.size)
    held = (hour > left[:, None]) & (hour <= right[:, None])
    got = np.array(
        [
            (density[why] * inside).sum() if why >= 0 else (density * inside).sum() + max(0.0, curves.survival[-1])
            for why, inside in zip(cause, held, strict=True)
        ]
    )
    for why in range(3):
        mine = held & ((cause == why) | (cause < 0))[:, None]
        assert ((mine / got[:, None]).sum(axis=0) <= cause.size * (1 + 1e-4)).all()


def test_groups_identical_intervals_without_changing_the_answer():
    """Every clock a hundred times over gives the same curves."""
    one = cumulative_incidence([0, 1, 2, 4], [3, 4, INF, 6], [0, 1, -1, 0], causes=2, tolerance=1e-10)
    many = cumulative_incidence(
        [0, 1, 2, 4] * 100, [3, 4, INF, 6] * 100, [0, 1, -1, 0] * 100, causes=2, tolerance=1e-10
    )
    assert np.allclose(one.incidence, many.incidence, atol=1e-6)


@pytest.mark.parametrize(
    ("left", "right", "cause"),
    [
        ([], [], []),
        ([0], [1, 2], [0]),
        ([-1], [1], [0]),
        ([2], [2], [0]),
        ([0], [1], [3]),
        ([0], [1], [-1]),
        ([0], [INF], [0]),
        ([INF], [INF], [-1]),
    ],
)
def test_refuses_clocks_that_cannot_be(left, right, cause):
    """Empty input, empty intervals and causes that contradict the interval are refused."""
    with pytest.raises(ValueError):
        cumulative_incidence(left, right, cause, causes=2)


def test_gap_is_what_the_looks_leave_open():
    """Of four clocks one surely ended within 24 h, one straddles, one runs unseen, one is seen past it."""
    gap = sparse([2, 20, 5, 30], [4, 30, INF, INF], 24)
    assert (gap.surely, gap.possibly, gap.width) == (0.25, 0.75, 0.5)
    with pytest.raises(ValueError):
        sparse([], [], 24)


@pytest.mark.parametrize("n", [10, 20, 50])
def test_interval_covers_the_truth_in_19_of_20(n):
    """Averaged over true shares, the exact coverage of the 95% interval is within a point and a half of 95%."""
    shares = np.linspace(0.02, 0.98, 97)
    ends = [share_interval(x / n, n) for x in range(n + 1)]
    inside = [sum(stats.binom.pmf(x, n, p) for x in range(n + 1) if ends[x][0] <= p <= ends[x][1]) for p in shares]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_interval_stays_honest_at_the_ends():
    """None of ten is still compatible with some, all of ten with not all, and the share lies inside."""
    assert share_interval(0.0, 10) == (0.0, pytest.approx(stats.beta.ppf(0.975, 0.5, 10.5)))
    assert share_interval(1.0, 10)[1] == 1.0
    for share in (0.001, 0.03, 0.5, 0.999):
        low, high = share_interval(share, 10.5)
        assert low <= share <= high
    for share, n in ((1.2, 10), (-0.1, 10), (0.5, 0)):
        with pytest.raises(ValueError):
            share_interval(share, n)


@pytest.mark.parametrize("seed", [7, 12, 29, 33])
def test_along_a_ridge_of_the_likelihood_the_estimate_settles(seed: int) -> None:
    """Clocks of sparse and dense looks, for which EM alone takes thousands of rounds, settle in a thousand."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(60, 600))
    time = np.where(rng.random(n) < 0.5, rng.exponential(60, n), rng.weibull(0.7, n) * 300)
    step = rng.choice([1.0, 3, 24, 72], n)
    off = rng.random(n) * step
    left = np.maximum(np.floor((time - off) / step) * step + off, 0)
    right = left + step * rng.choice([1, 1, 2, 3], n)
    cause = rng.choice([0, 1], n, p=[0.8, 0.2])
    running = rng.random(n) < 0.35
    clocks = left, np.where(running, np.inf, right), np.where(running, -1, cause)
    found = cumulative_incidence(*clocks, causes=2, max_rounds=1_100)
    long = cumulative_incidence(*clocks, causes=2, tolerance=1e-5)
    assert found.slack <= 1e-6
    assert found.survival[-1] + found.incidence[:, -1].sum() == pytest.approx(1.0)
    assert np.abs(found.incidence[:, 24] - long.incidence[:, 24]).max() < 1e-3
