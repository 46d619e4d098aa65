"""Clocks cut into pieces."""

import numpy as np
import pytest

from waterbed.estimators.survival.pieces import cut

INF = np.inf


def test_cuts_at_bands_and_at_a_clocks_own_change():
    """A clock seen up at 30 and gone by 50, told at 40, with a band from 24: five pieces, two stretches."""
    found = cut([30], [50], cuts=[24], change=[40])
    rows = sorted(zip(found.stretch, found.band, found.after, found.length, strict=True))
    assert rows == [(0, 0, False, 24), (0, 1, False, 6), (1, 1, False, 10), (1, 1, True, 10)]
    assert found.ended.tolist() == [False, True]
    assert found.clock.tolist() == [0, 0]


def test_a_running_clock_has_no_end_and_a_late_one_no_past():
    """Of a running clock there is only what it lasted; before entry there is nothing."""
    found = cut([30, 5], [INF, 9], cuts=[], entry=[10, 5])
    assert found.length.tolist() == [20, 4]
    assert found.ended.tolist() == [False, True]
    assert found.clock.tolist() == [0, 1]


def test_pieces_add_up_to_what_was_watched():
    """Lengths by clock sum to right - entry, or to left - entry while it runs."""
    rng = np.random.default_rng(1)
    entry = rng.uniform(0, 10, 200)
    left = entry + rng.uniform(0, 50, 200)
    right = np.where(rng.random(200) < 0.3, INF, left + rng.uniform(1, 30, 200))
    found = cut(left, right, cuts=[12, 24, 48], entry=entry, change=rng.uniform(0, 60, 200))
    whole = np.bincount(found.clock[found.stretch], found.length, 200)
    assert whole == pytest.approx(np.where(np.isinf(right), left, right) - entry)


@pytest.mark.parametrize(
    ("left", "right", "entry"), [([1], [1], [0]), ([1], [2], [1.5]), ([1, 2], [3], [0]), ([INF], [INF], [0])]
)
def test_refuses_clocks_that_cannot_be(left, right, entry):
    """Empty intervals and entries after the last sight are refused."""
    with pytest.raises(ValueError):
        cut(left, right, cuts=[], entry=entry)


def test_a_clock_may_change_several_times():
    """A notice at 10 and a reminder at 40 make three phases; the order of the changes is that of time."""
    found = cut([30], [50], cuts=[], change=[[10, 40]])
    assert sorted(zip(found.stretch, found.after, found.length, strict=True)) == [
        (0, 0, 10),
        (0, 1, 20),
        (1, 1, 10),
        (1, 2, 10),
    ]
    with pytest.raises(ValueError, match="order of time"):
        cut([30], [50], cuts=[], change=[[40, 10]])
