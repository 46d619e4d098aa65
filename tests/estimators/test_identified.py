"""Intervals of a value known between bounds: against the formula, and how often they hold each value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from waterbed.estimators.identified import critical_value


@given(st.floats(0, 20), st.floats(0.01, 5), st.integers(2, 10_000), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_it_solves_the_equation_or_is_the_two_sided_quantile(width: float, error: float, n: int, level: float) -> None:
    """Imbens and Manski's equation where the width stands out, and a point's quantile where it does not."""
    c = critical_value(width, error, n, level=level)
    if width <= error * np.sqrt(np.log(n)):
        assert c == pytest.approx(stats.norm.ppf((1 + level) / 2))
    else:
        assert stats.norm.cdf(c + width / error) - stats.norm.cdf(-c) == pytest.approx(level)
    assert stats.norm.ppf(level) - 1e-9 <= c <= stats.norm.ppf((1 + level) / 2) + 1e-9


def test_a_wide_set_needs_the_one_sided_quantile() -> None:
    """No value lies near both ends."""
    assert critical_value(10.0, 0.1, 100) == pytest.approx(1.6449, abs=1e-4)
    assert critical_value(1.0, 0.0, 100) == pytest.approx(1.6449, abs=1e-4)
    assert critical_value(0.0, 0.0, 100) == pytest.approx(1.96, abs=1e-3)


@pytest.mark.parametrize(
    ("width", "correlation"), [(0.0, 1.0), (0.02, 1.0), (0.1, 0.9), (0.3, 0.5), (1.0, 0.0), (0.15, 0.0)]
)
def test_each_value_of_the_set_is_held(width: float, correlation: float) -> None:
    """At both ends and between them, with bounds estimated in order and their errors correlated."""
    rng, n, worlds = np.random.default_rng(3), 100, 20_000
    spread = np.array([[1.0, correlation], [correlation, 1.0]]) / n
    drawn = rng.multivariate_normal([0.0, width], spread, worlds)
    low, high = drawn.min(axis=1), drawn.max(axis=1)
    margin = np.array([critical_value(b - a, 0.1, n) for a, b in zip(low, high, strict=True)]) * 0.1
    for value in (0.0, width / 2, width):
        assert np.mean((low - margin <= value) & (value <= high + margin)) >= 0.945


@pytest.mark.parametrize(
    "given_", [(-0.1, 1.0, 9, 0.95), (0.1, -1.0, 9, 0.95), (0.1, 1.0, 0, 0.95), (0.1, 1.0, 9, 0.4)]
)
def test_what_makes_no_sense_is_a_mistake(given_: tuple[float, float, int, float]) -> None:
    """Negative widths and errors, no units, and levels below one half."""
    width, error, n, level = given_
    with pytest.raises(ValueError, match="a critical value needs"):
        critical_value(width, error, n, level=level)
