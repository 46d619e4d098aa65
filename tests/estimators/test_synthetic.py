"""Effects against synthetic controls, beside published ones and synthetic difference-in-differences."""

import csv
from pathlib import Path

import numpy as np
import pytest
import scipy

from waterbed.estimators.interrupted import EventWindow, interrupted


@pytest.fixture(scope="module")
def cigarettes() -> tuple[np.ndarray, np.ndarray]:
    """Packs sold a head, 1970 to 2000, in California and in 38 states (Abadie, Diamond and Hainmueller 2010)."""
    with (Path(__file__).parent / "cigarettes.csv").open() as file:
        table = {row[0]: np.array(row[1:], float) for row in list(csv.reader(file))[1:]}
    target = table.pop("California")
    return target, np.column_stack(list(table.values()))


def weights(target: np.ndarray, columns: np.ndarray, ridge: float) -> np.ndarray:
    """Weights, none negative and with a sum of 1, of columns that follow the target but for a level."""
    own, other = target - target.mean(), columns - columns.mean(axis=0)
    heavy = 1e4 * float(np.abs(other).max())
    size = columns.shape[1]
    rows = np.vstack([other, np.full((1, size), heavy), np.sqrt(ridge) * np.eye(size)])
    found = scipy.optimize.nnls(rows, np.r_[own, heavy, np.zeros(size)])[0]
    return found / found.sum()


def synthetic_difference(target: np.ndarray, controls: np.ndarray, before: int) -> float:
    """The effect by algorithm 1 of Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), of one target."""
    early, late = controls[:before], controls[before:].mean(axis=0)
    noise = float(np.diff(early, axis=0).std(ddof=1))
    zeta = (target.size - before) ** 0.25 * noise
    units = weights(target[:before], early, zeta**2 * before)
    times = weights(late, early.T, (1e-6 * noise) ** 2 * early.shape[1])
    gap = target - controls @ units
    return float(gap[before:].mean() - gap[:before] @ times)


def test_the_oracle_has_the_published_effect(cigarettes: tuple[np.ndarray, np.ndarray]) -> None:
    """Proposition 99 by synthetic difference-in-differences: 15.6 packs fewer."""
    assert synthetic_difference(*cigarettes, 19) == pytest.approx(-15.6, abs=0.05)


def test_our_effect_is_the_published_one(cigarettes: tuple[np.ndarray, np.ndarray]) -> None:
    """Synthetic control with a level of its own, in the same table of theirs: 11.1 packs fewer."""
    target, controls = cigarettes
    found = interrupted(target, controls, EventWindow(event=19, before=19, after=12))
    assert found.mean_gap == pytest.approx(-11.1, abs=0.05)
    plain = interrupted(
        target, controls, EventWindow(event=19, before=19, after=12), weights=np.full(controls.shape[1], 1 / 38)
    )
    assert plain.mean_gap == pytest.approx(-27.3, abs=0.05)


def test_ours_and_the_oracle_find_the_same_in_simulated_series() -> None:
    """Twelve places that share two courses, with an effect of 2: both are right on average, and alike."""
    rng, ours, theirs = np.random.default_rng(99), [], []
    for _ in range(60):
        courses = np.cumsum(rng.normal(0, 0.5, (40, 2)), axis=0)
        series = courses @ rng.uniform(0, 1, (2, 12)) + rng.normal(0, 0.4, (40, 12)) + rng.normal(0, 2, 12)
        series[30:, 0] += 2.0
        ours.append(interrupted(series[:, 0], series[:, 1:], EventWindow(event=30, before=30, after=10)).mean_gap)
        theirs.append(synthetic_difference(series[:, 0], series[:, 1:], 30))
    assert np.mean(ours) == pytest.approx(2.0, abs=0.15)
    assert np.mean(theirs) == pytest.approx(2.0, abs=0.15)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.5
