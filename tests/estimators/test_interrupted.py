"""Interrupted time series against sums by hand and simulated autocorrelated series."""

import numpy as np
import pytest

from tests.model.said import said
from waterbed.estimators.interrupted import (
    EventWindow,
    half_life,
    interrupted,
    peak_check,
    placebo_units,
    placebo_windows,
    rates,
    shifted_blocks,
    spread_by_size,
    synthetic_weights,
)
from waterbed.estimators.refusal import Refusal


def shocks(rng, periods, units, *, memory=0.6):
    """Autocorrelated series around zero, one a column, that share some of their shocks."""
    noise = rng.normal(size=(periods + 50, units)) + rng.normal(size=(periods + 50, 1))
    series = np.zeros_like(noise)
    for t in range(1, len(noise)):
        series[t] = memory * series[t - 1] + noise[t]
    return series[50:]


WINDOW = EventWindow(event=100, before=20, after=6, anticipation=2)


def test_a_step_and_a_slope_done_by_hand():
    """Without noise the step, the change of trend and the weights are those put in; anticipation is not checked."""
    time = np.arange(40.0)
    controls = np.column_stack([np.sin(time), np.cos(time / 3)])
    target = 5 + controls @ [0.3, 0.7]
    target[30:] += -4 - 0.5 * np.arange(10)
    target[28:30] += 99
    found = interrupted(target, controls, EventWindow(event=30, before=20, after=10, anticipation=2))
    assert found.level == pytest.approx(-4, abs=1e-4)
    assert found.slope == pytest.approx(-0.5, abs=1e-4)
    assert found.weights == pytest.approx([0.3, 0.7], abs=1e-4)
    assert found.mean_gap == pytest.approx(-6.25, abs=1e-3)


def test_weights_are_no_debts_and_sum_to_one():
    """A control that moves against the target gets nothing; flat ones share equally."""
    time = np.arange(12.0)
    assert synthetic_weights(time, np.column_stack([time, -time])) == pytest.approx([1, 0], abs=1e-6)
    assert synthetic_weights(np.ones(12), np.ones((12, 4))) == pytest.approx([0.25] * 4, abs=1e-6)


def test_more_searching_is_no_more_content():
    """Reports that double from the event on, with counts that follow, leave the rate as it was."""
    effort = np.where(np.arange(40) < 30, 500.0, 1000.0)
    target = rates(0.4 * effort, effort)
    controls = rates(np.tile(0.2 * 500.0, (40, 3)), np.full((40, 3), 500.0))
    found = interrupted(target, controls, EventWindow(event=30, before=20, after=10))
    assert found.level == pytest.approx(0, abs=0.01)
    assert rates([2], [4], log=False) == [0.5]
    with pytest.raises(ValueError, match="effort"):
        rates([2], [0], log=False)


def test_an_effect_stands_out_and_the_least_p_is_printed():
    """A large step has the smallest attainable p: one over placebos plus one; twelve placebos give 0.077."""
    rng = np.random.default_rng(1)
    series = shocks(rng, 110, 13)
    series[100:, 0] -= 15
    units = placebo_units(series[:, 0], series[:, 1:], WINDOW)
    assert units.p == units.smallest_p == pytest.approx(0.077, abs=5e-4)
    windows = placebo_windows(series[:, 0], series[:, 1:], WINDOW)
    assert windows.p == windows.smallest_p == 1 / (windows.placebos.size + 1)
    assert windows.placebos.size == 12


def test_placebos_keep_their_level_with_autocorrelated_shocks():
    """Without effect 19 placebo units and 19 placebo windows reject near 5%."""
    rng, worlds, hits = np.random.default_rng(2), 150, np.zeros(2)
    for _ in range(worlds):
        series = shocks(rng, 110, 20)
        hits[0] += placebo_units(series[:, 0], series[:, 1:], WINDOW).p <= 0.05
        window = EventWindow(event=101, before=20, after=4, anticipation=2)
        found = placebo_windows(series[:, 0], series[:, 1:6], window)
        assert found.placebos.size == 19
        hits[1] += found.p <= 0.05
    assert (hits / worlds < 0.1).all()


def test_series_that_do_not_reach_are_refused():
    """A window outside the series and too few placebos have reasons."""
    series = shocks(np.random.default_rng(3), 40, 4)
    assert "do not hold" in said(interrupted(series[:, 0], series[:, 1:], EventWindow(event=38, before=20, after=6)))
    assert "3 placebos" in said(placebo_units(series[:, 0], series[:, 1:], EventWindow(event=30, before=20, after=6)))
    assert isinstance(placebo_windows(series[:, 0], series[:, 1:], EventWindow(event=30, before=20, after=6)), Refusal)
    with pytest.raises(ValueError, match="8 periods"):
        EventWindow(event=30, before=3, after=6)


def test_a_peak_falls_back_by_itself():
    """An event at the highest point of noise is followed by a fall, nearly all of which was to be expected."""
    rng = np.random.default_rng(4)
    beyond, observed, ranks = [], [], []
    for _ in range(60):
        series = shocks(rng, 160, 6, memory=0.3)
        event = 100 + int(np.argmax(series[100:150, 0])) + 1
        found = peak_check(series[:, 0], series[:, 1:], EventWindow(event=event, before=20, after=6), recent=1)
        beyond.append(found.beyond)
        observed.append(found.observed)
        ranks.append(found.rank)
    assert np.mean(ranks) > 0.95
    assert np.mean(observed) < -2
    assert np.mean(beyond) == pytest.approx(0, abs=0.15 * abs(np.mean(observed)))


def test_a_half_life_is_found():
    """An effect that halves every three periods is measured so; a lasting one has no upper end; none is refused."""
    rng = np.random.default_rng(5)
    time = np.arange(16)
    found = half_life(-8 * 2.0 ** (-time / 3) + rng.normal(0, 0.3, 16))
    assert found.low < 3 < found.high < 6
    assert found.start == pytest.approx(-8, abs=1)
    assert half_life(np.full(16, -8.0) + rng.normal(0, 0.3, 16)).high == float("inf")
    assert isinstance(half_life(rng.normal(0, 1, 16)), Refusal)
    assert "3 periods" in said(half_life([1, 1, 1]))


def test_series_that_grow_noisier_keep_their_level():
    """Noise that doubles over the series makes the last window no finding."""
    rng, worlds, hits = np.random.default_rng(6), 200, 0
    window = EventWindow(event=101, before=20, after=4, anticipation=2)
    for _ in range(worlds):
        series = rng.normal(size=(105, 6)) * np.linspace(0.5, 1.0, 105)[:, None]
        hits += placebo_windows(series[:, 0], series[:, 1:], window).p <= 0.05
    assert hits / worlds < 0.1


def test_shifts_of_the_series_by_hand():
    """Twenty flat periods and a step of three: no other stretch is as far off, and p is one over the periods."""
    target = np.r_[np.zeros(20), 4.0, 4.0, 4.0]
    found = shifted_blocks(target, np.zeros((23, 2)), EventWindow(event=20, before=12, after=3))
    assert found.p == found.smallest_p == pytest.approx(1 / 23)
    flat = shifted_blocks(np.zeros(23), np.zeros((23, 2)), EventWindow(event=20, before=12, after=3))
    assert flat.p == 1.0


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_shifts_keep_their_level_with_autocorrelated_shocks(correlation):
    """Of 1,500 series without an effect about 5% reject at 5%, with a correlation of 0.7 from day to day, too."""
    rng = np.random.default_rng(1907)
    rejected = 0
    for _ in range(1_500):
        shocks = rng.normal(size=(140, 5))
        for t in range(1, 140):
            shocks[t] += correlation * shocks[t - 1]
        found = shifted_blocks(shocks[40:, 0], shocks[40:, 1:], EventWindow(event=86, before=28, after=14))
        rejected += found.p <= 0.05
    assert rejected / 1_500 <= 0.05 + 3 * (0.05 * 0.95 / 1_500) ** 0.5


def test_shifts_see_what_one_placebo_cannot():
    """One and a half standard deviations are seen in most of 100 series, of which four placebos say nothing."""
    rng = np.random.default_rng(8)
    seen = 0
    for _ in range(100):
        shocks = rng.normal(size=(70, 5))
        shocks[56:, 0] += 1.5
        seen += shifted_blocks(shocks[:, 0], shocks[:, 1:], EventWindow(event=56, before=28, after=14)).p <= 0.05
    assert seen >= 90


def test_the_spread_of_a_size_is_its_own():
    """Gaps whose squares are 2 + 30 / size are found to be so; alike sizes leave the order of the gaps."""
    sizes = np.array([1.0, 2.0, 5.0, 10.0, 30.0])
    assert spread_by_size(np.sqrt(2 + 30 / sizes), sizes) ** 2 == pytest.approx(2 + 30 / sizes)
    series = shocks(np.random.default_rng(11), 110, 13)
    series[100:, 0] -= 15
    found = placebo_units(series[:, 0], series[:, 1:], WINDOW, sizes=np.full(13, 7.0))
    assert found.p == found.smallest_p
    with pytest.raises(ValueError, match="above 0"):
        spread_by_size([1.0], [0.0])


def test_a_large_place_among_small_ones_keeps_its_level():
    """Without effect 5% reject with the correction for size, and far more without it."""
    rng, window, hits = np.random.default_rng(12), EventWindow(event=50, before=28, after=10), np.zeros(2)
    for _ in range(120):
        means = rng.uniform(2, 6, 20)
        means[0] = 60.0
        noise, own = rng.normal(0, 0.1, (100, 20)), np.zeros((100, 20))
        for t in range(1, 100):
            own[t] = 0.7 * own[t - 1] + noise[t]
        counts = rng.poisson(np.exp(own[40:]) * means)
        series = rates(counts, np.ones_like(counts))
        for number, sizes in enumerate((counts[22:50].mean(axis=0) + 0.5, None)):
            hits[number] += placebo_units(series[:, 0], series[:, 1:], window, sizes=sizes).p <= 0.05
    assert hits[0] / 120 <= 0.1
    assert hits[1] > hits[0]
