"""The accelerated EM."""

import numpy as np
import pytest

from waterbed.estimators.survival.em import Segments, _curvature, maximise
from waterbed.model.errors import OwnFailure


def held():
    """Two clocks: one holds cells 0 and 1, one holds 1 and 2."""
    return Segments(begin=np.array([0, 1]), stop=np.array([2, 3]), cell=np.arange(3))


def test_puts_the_mass_where_all_clocks_meet():
    """The one cell that both clocks hold gets everything."""
    mass, slack, _ = maximise(held(), np.array([1.0, 1.0]), tolerance=1e-8, max_rounds=1000)
    assert mass[1] == pytest.approx(1, abs=1e-4)
    assert slack <= 1e-8


def test_not_settling_is_our_own_failure():
    """Running out of rounds raises: a curve that is not the maximum is never handed out."""
    with pytest.raises(OwnFailure):
        maximise(held(), np.array([1.0, 1.0]), tolerance=1e-12, max_rounds=1)


def test_a_flat_likelihood_is_enough_where_rounds_end():
    """With a slack below 1e-4 the masses are handed out, however much less was asked for."""
    _, slack, rounds = maximise(held(), np.array([1.0, 1.0]), tolerance=-1.0, max_rounds=50)
    assert slack <= 1e-4
    assert rounds >= 50


def test_the_curvature_is_that_of_each_clock_s_cells_summed() -> None:
    """Minus the second derivatives, of clocks in both orders of the cells, are those of the formula."""
    rng = np.random.default_rng(4)
    cell = np.concatenate([np.arange(6), [4, 0, 5, 2]])
    begin, stop = np.array([0, 2, 1, 6, 8, 3]), np.array([3, 6, 2, 10, 9, 3])
    mass, weight = rng.dirichlet(np.ones(6)), rng.integers(1, 5, begin.size).astype(float)
    holds = np.array([np.bincount(cell[low:high], minlength=6) for low, high in zip(begin, stop, strict=True)])
    told = holds.any(axis=1)
    slopes = holds[told] / (holds[told] @ mass)[:, None]
    found = _curvature(Segments(begin=begin, stop=stop, cell=cell), weight, mass)
    assert np.allclose(found, slopes.T @ (weight[told, None] * slopes), rtol=1e-12)
