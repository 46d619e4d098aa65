"""The lognormal fit to intervals."""

import numpy as np
import pytest

from docs.study.lognormal import fit_lognormal


def test_finds_a_lognormal_in_its_own_intervals():
    """Of 20,000 lognormal times, known to seven intervals, the parameters come back and the curve is believed."""
    time = np.random.default_rng(4).lognormal(3.0, 1.5, 20_000)
    edges = np.array([2, 6, 12, 24, 72, 240.0])
    counts = np.bincount(np.searchsorted(edges, time), minlength=7)
    found = fit_lognormal(edges, counts)
    assert (found.mu, found.sigma) == (pytest.approx(3.0, abs=0.05), pytest.approx(1.5, abs=0.05))
    assert found.p > 0.01


@pytest.mark.parametrize(
    ("edges", "counts"),
    [([1, 2], [1, 1, 1]), ([1, 3, 2], [1, 1, 1, 1]), ([1, 2, 3], [0, 1, 1, 1]), ([0, 2, 3], [1, 1, 1, 1])],
)
def test_refuses_what_no_lognormal_can_be_fitted_to(edges, counts):
    """Too few or falling edges, and nothing before the first edge, are refused."""
    with pytest.raises(ValueError):
        fit_lognormal(edges, counts)
