"""The accelerated EM."""

import numpy as np
import pytest

from waterbed.estimators.survival.em import Segments, maximise
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
