"""Power of tests, against published multipliers."""

import pytest
import scipy

from waterbed.estimators.power import least_effect, needed, power_at, power_of


def test_the_least_effect_is_blooms_multiple_of_the_error() -> None:
    """2.80 standard errors at 5%, two-sided, and 80% (Bloom 1995, table 1: 2.80)."""
    effects = tuple(n / 100 for n in range(1, 60))
    assert least_effect(lambda effect: power_at(effect, 0.1), effects) == pytest.approx(0.280, abs=0.001)
    assert power_at(0.28, 0.1) == pytest.approx(0.8, abs=0.001)
    assert needed(100, 0.14, 0.1) == pytest.approx(400, rel=0.01)


def test_power_without_an_effect_is_half_the_error() -> None:
    """A two-sided test errs at either side; an effect in the other direction is not shown."""
    assert power_at(0.0, 1.0) == pytest.approx(0.025)
    assert power_at(-1.0, 1.0) < 0.01
    assert (power_at(0.1, 0.0), power_at(0.0, 0.0)) == (1.0, 0.0)
    with pytest.raises(ValueError, match="not negative"):
        power_at(0.1, -1.0)


def test_power_of_a_p_is_that_of_its_deviate() -> None:
    """At p = 0.05 it is a half; p = 0.005 has the power of an effect of 2.81 errors."""
    assert power_of(0.05) == pytest.approx(0.5)
    assert power_of(0.005) == pytest.approx(power_at(float(scipy.special.ndtri(0.9975)), 1.0))
    assert power_of(0.05, level=0.01) < power_of(0.05)


def test_no_effect_may_have_the_power() -> None:
    """None where even the largest is shown too seldom; the first where it is shown already."""
    assert least_effect(lambda effect: effect, (0.1, 0.5)) is None
    assert least_effect(lambda _: 0.9, (0.1, 0.5)) == 0.1
