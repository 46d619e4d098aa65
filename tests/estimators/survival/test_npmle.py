"""The interval estimate: known answers, other libraries, what no cell could better."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.estimators.survival.em import ascend
from waterbed.estimators.survival.incidence import NOTHING, cumulative_incidence
from waterbed.estimators.survival.intervals import intervals
from waterbed.estimators.survival.npmle import turnbull
from waterbed.model.errors import OwnFailure

INF = np.inf
JUST = 1e-6
"""What makes a half-open interval closed for a library that knows only closed ones."""


def looked_at(rng, n, *, gap=8.0, last=60.0, scale=30.0):
    """Exponential ends seen by looks about every `gap`, given up at `last`."""
    time = rng.exponential(scale, n)
    left = np.floor(time / gap) * gap
    right = left + gap + rng.integers(0, 5, n)
    left = left + np.minimum(rng.integers(0, 3, n), time - left)
    return np.where(time > last, last, left), np.where(time > last, INF, right)


def log_likelihood(survival, left, right, entry):
    """Of any curve, straight from the definition, with each cell's mass at its right end."""

    def mass_after(time):
        return np.array([survival.mass[survival.end > t].sum() for t in time])

    kept = np.where(np.isinf(right), 0.0, mass_after(right))
    return float(np.log((mass_after(left) - kept) / mass_after(entry)).sum())


def test_adjacent_looks_share_no_time():
    """Ends in (0, 24] and (24, 48] are two halves: half is gone by 24."""
    found = turnbull([0, 24], [24, 48])
    assert found.at(24).middle == pytest.approx(0.5, abs=1e-4)
    assert found.median == (0, 24)


def test_puts_mass_where_intervals_meet():
    """Of (0, 10], (5, 15] and one running at 20, two thirds lie in (5, 10]."""
    found = turnbull([0, 5, 20], [10, 15, INF])
    assert list(zip(found.start, found.end, strict=True)) == [(5, 10), (20, INF)]
    assert found.mass == pytest.approx([2 / 3, 1 / 3], abs=1e-4)
    assert found.known_until == 20


def test_says_how_far_a_number_rests_on_where_in_a_cell_the_mass_lies():
    """Inside a cell the curve is between all and none of its mass, the even spread between them."""
    found = turnbull([0, 5, 20], [10, 15, INF], tolerance=1e-9)
    inside = found.at(7.5)
    assert (inside.low, inside.middle, inside.high) == pytest.approx((1 / 3, 2 / 3, 1))
    mean = found.rmst(30)
    assert (mean.low, mean.middle, mean.high) == pytest.approx(
        (5 * 2 / 3 + 20 / 3, 7.5 * 2 / 3 + 10, 10 * 2 / 3 + 10), abs=1e-5
    )
    early = found.rmst(7.5)
    assert early.middle == pytest.approx((6.25 / 2 + 7.5 / 2) * 2 / 3 + 7.5 / 3, abs=1e-5)


def test_a_quantile_that_nobody_reached_is_open():
    """With a third running on, the last tenth ends somewhere after 20."""
    found = turnbull([0, 5, 20], [10, 15, INF])
    assert found.quantile(0.9) == (20, INF)
    with pytest.raises(ValueError):
        found.quantile(1.0)


def test_entry_makes_late_comers_count_only_from_their_entry():
    """One of two ends in (0, 1]; at 5 two more come, one of which ends in (5, 6]: of three at risk then, two stay."""
    found = turnbull([0, 20, 5, 8], [1, INF, 6, INF], [0, 0, 5, 5], tolerance=1e-8)
    assert found.at(1).middle == pytest.approx(1 / 2, abs=1e-4)
    assert found.at(6).middle == pytest.approx(1 / 3, abs=1e-4)
    assert turnbull([5, 5], [6, INF], [3, 4]).since == 3


def test_what_comes_after_nobody_was_left_is_known_given_that():
    """All early ones end at once: S is nothing from then on, but S(t | 5) is that of those who came at 5."""
    found = turnbull([0, 0, 5, 8], [1, 9, 6, INF], [0, 0, 5, 5], tolerance=1e-8)
    assert found.at(5).high == pytest.approx(0, abs=1e-6)
    assert found.given(5).at(6).middle == pytest.approx(1 / 2, abs=1e-4)


def test_conditions_on_having_been_there():
    """S(t | v) is S(t) / S(v)."""
    found = turnbull([0, 24, 48, 48], [24, 48, 72, INF], tolerance=1e-9)
    later = found.given(24)
    assert later.since == 24
    assert later.at(48).middle == pytest.approx(2 / 3, abs=1e-5)
    with pytest.raises(ValueError):
        turnbull([0], [1]).given(1)


def test_entry_undoes_the_bias_of_seeing_only_what_lasts():
    """Half of all are seen only if they last to their entry: heeding it gives the truth, ignoring it too long lives."""
    rng = np.random.default_rng(5)
    time = rng.exponential(30.0, 8000)
    entry = np.where(rng.random(8000) < 0.5, rng.uniform(0, 90, 8000), 0.0)
    seen = time > entry
    time, entry = time[seen], entry[seen]
    left = np.maximum(np.floor(time / 4) * 4, entry)
    right = np.floor(time / 4) * 4 + 4
    assert turnbull(left, right, entry, step=1.0).at(24).middle == pytest.approx(np.exp(-24 / 30), abs=0.015)
    assert turnbull(left, right, step=1.0).at(24).middle > np.exp(-24 / 30) + 0.05


@pytest.mark.parametrize("seed", [1, 2])
def test_agrees_with_lifelines_on_intervals_made_closed(seed):
    """On (L + a little, R] the masses are those of lifelines' estimate."""
    from lifelines.fitters.npmle import npmle

    left, right = looked_at(np.random.default_rng(seed), 60)
    ours = turnbull(left, right, tolerance=1e-8)
    masses, cells = npmle(left + JUST, right, tol=1e-12)[:2]
    for time in range(5, 60, 5):
        theirs = 1 - sum(mass for mass, cell in zip(masses, cells, strict=True) if cell.right <= time)
        assert ours.at(time).high == pytest.approx(theirs, abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_surpyval(seed):
    """The survival at all of surpyval's times is surpyval's, with its product limit named."""
    from surpyval import Turnbull

    left, right = looked_at(np.random.default_rng(seed), 60)
    ours = turnbull(left, right, tolerance=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = Turnbull.fit(xl=left, xr=right, turnbull_estimator="Kaplan-Meier", max_iter=20_000)
    for time, survival in zip(theirs.x, theirs.R, strict=True):
        if time in ours.end:
            assert ours.at(time).high == pytest.approx(survival, abs=1e-3)


def test_agrees_with_the_incidence_of_one_cause():
    """On an hour grid survival is 1 minus the cumulative incidence, which another iteration finds."""
    left, right = looked_at(np.random.default_rng(9), 400)
    ours = turnbull(left, right, step=1.0, tolerance=1e-7)
    curves = cumulative_incidence(left, right, np.where(np.isinf(right), NOTHING, 0), causes=1)
    for hour in range(1, 60):
        assert ours.at(hour).middle == pytest.approx(curves.survival[hour], abs=2e-3)


def test_lifelines_is_biased_where_looks_are_periodic():
    """Looks every 24 h: lifelines' closed intervals meet at the looks, and S(24 h) comes out far too low."""
    from lifelines.fitters.npmle import npmle

    rng = np.random.default_rng(8)
    ours, theirs = [], []
    for _ in range(10):
        time = rng.exponential(48.0, 300)
        left = np.floor(time / 24) * 24
        right = np.where(time > 96, INF, left + 24)
        left = np.minimum(left, 96)
        masses, cells = npmle(left, right, tol=1e-9)[:2]
        gone = sum(mass for mass, cell in zip(masses, cells, strict=True) if cell.right <= 24)
        ours.append(turnbull(left, right).at(24).middle)
        theirs.append(1 - gone)
    truth = np.exp(-0.5)
    assert np.mean(ours) == pytest.approx(truth, abs=0.02)
    assert np.mean(theirs) < truth - 0.06


def test_a_grid_puts_an_end_into_the_hour_that_holds_it():
    """On hours, an end at 24.0 is in by 24, one at 24.1 is not."""
    found = turnbull([23.0, 24.0], [24.0, 24.1], step=1.0)
    assert found.at(24).middle == pytest.approx(0.5, abs=1e-4)


CLOCKS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 12), st.booleans()), min_size=1, max_size=30
)


@given(CLOCKS, st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_nothing_likelier_is_near(clocks, seed):
    """Masses sum to 1, the slack is kept, and no mixture with another curve is likelier by more than it allows."""
    entry = np.array([enter for enter, _, _, _ in clocks], float)
    left = entry + [wait for _, wait, _, _ in clocks]
    right = np.where([runs for _, _, _, runs in clocks], INF, left + [width for _, _, width, _ in clocks])
    found = turnbull(left, right, entry, tolerance=1e-7)
    assert found.mass.sum() == pytest.approx(1)
    assert (found.mass >= 0).all()
    assert found.slack <= 1e-7
    best = log_likelihood(found, left, right, entry)
    rng = np.random.default_rng(seed)
    for part in (0.001, 0.1, 1.0):
        other = found.mass * (1 - part) + part * rng.dirichlet(np.ones(found.mass.size))
        moved = type(found)(start=found.start, end=found.end, mass=other, since=0, slack=0, rounds=0)
        assert log_likelihood(moved, left, right, entry) <= best + 1e-4


@given(CLOCKS)
@settings(max_examples=60, deadline=None)
def test_many_weightings_at_once_are_each_what_they_are_alone(clocks):
    """Weights in columns give the masses that each column gives alone."""
    left = np.array([low for low, _, _, _ in clocks], float)
    right = np.where([runs for _, _, _, runs in clocks], INF, left + [width for _, _, width, _ in clocks])
    held = intervals(left, right, None, None)
    weight = (
        np.random.default_rng(1).multinomial(20, np.full(held.weight.size, 1 / held.weight.size), 4).T.astype(float)
    )
    together = ascend(held, weight, tolerance=1e-7, max_rounds=5000)
    heights = []
    for column in range(4):
        alone = ascend(held, weight[:, [column]], tolerance=1e-7, max_rounds=5000)
        heights.append(
            (
                _height(held, together.mass[:, column], weight[:, column]),
                _height(held, alone.mass[:, 0], weight[:, column]),
            )
        )
    assert all(a == pytest.approx(b, abs=1e-4) for a, b in heights)


def _height(held, mass, weight):
    below = np.concatenate([[0], np.cumsum(mass)])
    counted = weight > 0
    return float(weight[counted] @ np.log((below[held.stop] - below[held.begin])[counted]))


@pytest.mark.parametrize(
    ("left", "right", "entry"),
    [([], [], None), ([0], [1, 2], None), ([2], [2], None), ([INF], [INF], None), ([1], [2], [1.5]), ([1], [2], [-1])],
)
def test_refuses_intervals_that_cannot_be(left, right, entry):
    """Empty input, empty intervals and entries after the left end are refused."""
    with pytest.raises(ValueError):
        turnbull(left, right, entry)


def test_refuses_a_grid_without_width():
    """A step of zero is no grid."""
    with pytest.raises(ValueError):
        turnbull([0], [1], step=0.0)


def test_not_settling_is_our_own_failure():
    """Running out of rounds raises: a curve that is not the maximum is never handed out."""
    left, right = looked_at(np.random.default_rng(1), 60)
    with pytest.raises(OwnFailure):
        turnbull(left, right, tolerance=1e-12, max_rounds=1)
