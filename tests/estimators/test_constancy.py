"""A test of constancy against published critical values, by hand, and on simulated hosters."""

from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.estimators.constancy import (
    BLOCK_DAYS,
    Constancy,
    _trend_p,
    constancy,
    normalised_cusum,
    normalised_p,
)
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.stretches import SHORTEST, stretches
from waterbed.model.formatter import OWN

Floats = npt.NDArray[np.float64]
MONTH_H = 24.0 * 30


def evenly(rng: np.random.Generator, n: int, days: float = 30.0) -> Floats:
    return np.sort(rng.uniform(0, 24 * days, n))


def shown(hits: npt.ArrayLike, at: Floats, site: npt.ArrayLike | None = None) -> Constancy:
    found = constancy(hits, hits, at, np.arange(at.size) if site is None else site)
    assert isinstance(found, Constancy)
    return found


def test_critical_values_are_the_published_ones() -> None:
    """Of independent normal series 10, 5 and 1% exceed the values of Shao and Zhang (2010), table 1."""
    rng, n, largest = np.random.default_rng(1), 250, []
    dates = np.arange(1, n)
    for _ in range(4_000):
        x = rng.standard_normal(n)
        sums = np.cumsum(x)
        change = (sums[-1] - sums[:-1]) / (n - dates) - sums[:-1] / dates
        largest.append(normalised_cusum(change, (x,), dates).max())
    for value, level in ((29.6, 0.10), (40.1, 0.05), (68.6, 0.01)):
        assert np.mean(np.array(largest) > value) == pytest.approx(level, abs=3 * np.sqrt(level / 4_000))
        assert normalised_p(value) == pytest.approx(level)
    assert 1e-12 < normalised_p(250.0) < 1e-4 < normalised_p(121.8)
    assert normalised_p(0.0) == 1.0


def test_the_statistic_is_its_formula() -> None:
    """Sums of squared bridges, forwards before each date and backwards after it."""
    rng, n = np.random.default_rng(2), 24
    x = (rng.random(n) < 0.5).astype(float)
    dates = np.array([5, 12, 20])
    change = np.array([x[k:].mean() - x[:k].mean() for k in dates])
    for k, found in zip(dates, normalised_cusum(change, (x,), dates), strict=True):
        before = sum((x[:t].sum() - t / k * x[:k].sum()) ** 2 for t in range(1, k + 1))
        since = sum((x[t:].sum() - (n - t) / (n - k) * x[k:].sum()) ** 2 for t in range(k, n))
        moved = (x[:k].sum() - k / n * x.sum()) ** 2 * n
        assert found == pytest.approx(moved / (before + since))


@settings(max_examples=40, deadline=None)
@given(hits=st.lists(st.integers(0, 1), min_size=2, max_size=11), penalty=st.floats(0.1, 8.0))
def test_stretches_are_the_best_of_all_splits(hits: list[int], penalty: float) -> None:
    """No other split of a short series has a higher penalised likelihood."""

    def value(lengths: list[int]) -> float:
        ends = np.cumsum([0, *lengths])
        total = 0.0
        for a, b in pairwise(ends):
            k, n = sum(hits[a:b]), b - a
            total += sum(2 * c * np.log(c / n) for c in (k, n - k) if c)
        return float(total - penalty * len(lengths))

    n = len(hits)
    every = [
        lengths
        for count in range(n)
        for cuts in combinations(range(1, n), count)
        if min(lengths := [int(one) for one in np.diff([0, *cuts, n])]) >= SHORTEST
    ]
    found = stretches(hits, penalty)
    assert value([length for _, length in found]) == pytest.approx(max(map(value, every)))
    ends = np.cumsum([0, *(length for _, length in found)])
    assert [share for share, _ in found] == pytest.approx([np.mean(hits[a:b]) for a, b in pairwise(ends)])


def test_a_change_is_found_with_its_date() -> None:
    """Nothing removed, then 95%: found in most studies, and the confidence set holds the date."""
    rng, changes, held = np.random.default_rng(3), 0, []
    for _ in range(60):
        at, date = evenly(rng, 120), rng.uniform(12, 18) * 24
        found = shown(rng.random(120) < np.where(at < date, 0.0, 0.95), at)
        if found.p <= 0.001 and found.date is not None:
            changes += 1
            held.append(found.date[0] < date <= found.date[1])
            assert found.date[1] - found.date[0] < 24 * 10
    assert changes >= 45
    assert np.mean(held) >= 0.9


def test_a_constant_share_seldom_seems_to_change() -> None:
    """Independent outcomes, sites of several URLs, and a queue: at most a few of a hundred below 1%."""
    rng, wrong = np.random.default_rng(4), np.zeros(3)
    for _ in range(100):
        at, chance, site = evenly(rng, 120), rng.beta(0.5, 0.5, 30), rng.integers(0, 30, 120)
        worked = np.cumsum(rng.exponential(30, 100))
        for n, (hits, sites) in enumerate(
            (
                (rng.random(120) < 0.4, np.arange(120)),
                (rng.random(120) < chance[site], site),
                (worked[np.searchsorted(worked, at)] - at <= 24, np.arange(120)),
            )
        ):
            wrong[n] += shown(hits, at, sites).p <= 0.01
    assert (wrong <= 4).all(), wrong


@pytest.mark.parametrize(("days_each", "days", "most"), [(7, 30, 0.09), (4, 30, 0.07), (7, 60, 0.07), (2, 30, 0.06)])
def test_a_desk_that_sleeps_and_wakes_has_not_changed(days_each: float, days: int, most: float) -> None:
    """On and off all the time, in four stretches or more: about one in twenty looks like one change."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(150):
        turns = np.zeros(0)
        while (turns < 24 * days).sum() < 3:
            turns = np.cumsum(rng.exponential(24 * days_each, 200))
        at = evenly(rng, 100, days)
        on = (np.searchsorted(turns, at) + rng.integers(2)) % 2 == 1
        found = constancy(*2 * [rng.random(100) < np.where(on, 0.02, 0.95)], at, np.arange(100))
        wrong += not isinstance(found, Refusal) and found.p <= 0.01
    assert wrong / 150 <= most


def test_a_slope_is_tested_as_another_library_does() -> None:
    """The p of a trend is that of a linear regression of the means of its blocks."""
    rng = np.random.default_rng(5)
    at = np.linspace(0.0, 24.0 * 8 * BLOCK_DAYS, 160)
    for end in (0.1, 0.5, 0.9):
        outcomes = (rng.random(160) < np.linspace(0.5, end, 160)).astype(float)
        means = [block.mean() for block in np.array_split(outcomes, 8)]
        found = scipy.stats.linregress(np.arange(8), means)
        assert _trend_p(outcomes, at, rises=bool(found.slope > 0)) == pytest.approx(found.pvalue, rel=1e-9)
        assert _trend_p(outcomes, at, rises=bool(found.slope <= 0)) == 1.0


def test_a_trend_gets_no_date() -> None:
    """A share that rises all the time changed, but not at a date."""
    rng, dated, changes = np.random.default_rng(6), 0, 0
    for _ in range(40):
        at = evenly(rng, 200, 60)
        found = shown(rng.random(200) < 1 / (1 + np.exp(-6 * (at / (24 * 60) - 0.5))), at)
        if found.p <= 0.01:
            changes += 1
            dated += found.date is not None
    assert changes >= 28
    assert dated <= 4


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), doubtful=st.floats(0.5, 1.0))
def test_what_is_in_doubt_shows_no_change(seed: int, doubtful: float) -> None:
    """Of outcomes most of which are in doubt a change of 40 points is not claimed: worst and best case overlap."""
    rng = np.random.default_rng(seed)
    at = evenly(rng, 120)
    hits, doubt = rng.random(120) < np.where(at < MONTH_H / 2, 0.3, 0.7), rng.random(120) < doubtful
    found = constancy(hits & ~doubt, hits | doubt, at, np.arange(120))
    assert isinstance(found, Constancy)
    assert found.p > 0.01


def test_reports_found_down_on_one_side_show_no_change() -> None:
    """Removed in the best case alone from the middle on, as fake reports are: constant for all that is known."""
    rng = np.random.default_rng(7)
    at = evenly(rng, 200, 60)
    surely = rng.random(200) < 0.1
    found = constancy(surely, surely | (at > 24 * 30), at, np.arange(200))
    assert isinstance(found, Constancy)
    assert found.p > 0.05
    assert shown(surely | (at > 24 * 30), at).p < 0.001


def test_refusals_depend_on_times_and_sites_alone() -> None:
    """Fewer than twenty days, or than ten sites on a side: refused whatever the outcomes."""
    rng = np.random.default_rng(8)
    short, few = evenly(rng, 200, 19), evenly(rng, 200, 60)
    for hits in (np.zeros(200), np.ones(200), rng.random(200) < 0.5):
        for at, site in ((short, np.arange(200)), (few, np.arange(200) % 9)):
            found = constancy(hits, hits, at, site)
            assert isinstance(found, Refusal)
            assert OWN.text(found.reason).startswith("no date has 10 days of reports and 10 sites before it")


def test_a_date_known_in_advance_is_tested_by_itself() -> None:
    """It needs a week on each side, takes part in the correction for several tests, and gives its own date."""
    rng = np.random.default_rng(9)
    at = evenly(rng, 150, 18)  # too short for a date that is not known
    hits = rng.random(150) < np.where(at < 24 * 9, 0.1, 0.9)
    split = (24 * 8.0, 24 * 9.0)
    assert isinstance(constancy(hits, hits, at, np.arange(150)), Refusal)
    one = constancy(hits, hits, at, np.arange(150), known_dates=[split])
    two = constancy(hits, hits, at, np.arange(150), known_dates=[split, split, (24 * 2.0, 24 * 3.0)])
    assert isinstance(one, Constancy)
    assert isinstance(two, Constancy)
    assert one.p < 0.01
    assert two.p == pytest.approx(2 * one.p)  # the third has no week before it
    assert one.date == split
    wrong = 0
    for _ in range(100):
        hits = rng.random(150) < 0.5
        found = constancy(hits, hits, at, np.arange(150), known_dates=[split])
        wrong += isinstance(found, Constancy) and found.p <= 0.05
    assert wrong <= 9


def test_order_of_the_reports_does_not_matter() -> None:
    """Series are put in the order of their times."""
    rng = np.random.default_rng(10)
    at = evenly(rng, 120)
    hits, site = rng.random(120) < np.where(at < MONTH_H / 2, 0.1, 0.8), rng.integers(0, 60, 120)
    mixed = rng.permutation(120)
    assert shown(hits, at, site) == shown(hits[mixed], at[mixed], site[mixed])


def test_bad_input_is_refused() -> None:
    """Lengths must agree, and what is sure is possible."""
    for bad in (([True], [True], [0.0, 1.0], [1, 2]), ([True, True], [True, False], [0.0, 1.0], [1, 2])):
        with pytest.raises(ValueError, match="test of constancy needs outcomes"):
            constancy(*bad)
