"""Simulated studies with the production's test give the power of a study."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.lab.simulate.power import Plan, PowerRow, least_effect, one_test, power_curve
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.model.errors import InputError

PLAN = Plan(sites=30, share=0.3, level=0.05, big=False)


@pytest.fixture(scope="module")
def base() -> World:
    """The world whose ranges studies are drawn from."""
    return read_world(scenario_path("waterbed"))


def test_a_large_difference_is_seen_and_none_is_not(base: World) -> None:
    """Of twelve studies nearly all see a share of 0.85 beside 0.3, and few see a difference where there is none."""
    none, large = power_curve(base, PLAN, [0.0, 0.55], 12, seed=3)
    assert none.studies == large.studies == 12
    assert none.power <= 0.25
    assert large.power >= 0.9
    assert none.low <= none.power <= none.high


def test_the_same_seed_gives_the_same_numbers(base: World) -> None:
    """A study depends on its seed and number alone."""
    job = (base, PLAN, 0.2, 7, 4)
    assert one_test(job) == one_test(job)
    assert one_test(job) != one_test((base, PLAN, 0.2, 8, 4))


@pytest.mark.parametrize(("share", "effect"), [(0.5, 0.5), (0.5, -0.5), (0.95, 0.0), (0.0, 0.1)])
def test_shares_that_cannot_be_are_refused(base: World, share: float, effect: float) -> None:
    """A share outside 0.01 to 0.95 is one sentence with both numbers."""
    plan = Plan(sites=30, share=share, level=0.05, big=False)
    with pytest.raises(InputError, match=f"a share of {share:g} and an effect of {effect:g}"):
        power_curve(base, plan, [effect], 1, seed=1)


def row(effect: float, power: float) -> PowerRow:
    return PowerRow(effect=effect, studies=100, power=power, low=0.0, high=1.0, clocks=50.0)


def test_the_least_effect_lies_on_the_line_between() -> None:
    """Between 0.1 (40%) and 0.2 (90%) four of five see 0.18; nothing is said beyond what was simulated."""
    assert least_effect([row(0.2, 0.9), row(0.0, 0.05), row(0.1, 0.4)]) == pytest.approx(0.18)
    assert least_effect([row(0.1, 0.4)]) is None
    assert least_effect([row(0.1, 0.9)]) == 0.1
    assert least_effect([]) is None


@given(st.lists(st.tuples(st.floats(0, 0.9), st.floats(0, 1)), max_size=6, unique_by=lambda one: one[0]))
def test_the_least_effect_is_one_of_the_simulated_range(grid: list[tuple[float, float]]) -> None:
    """It lies within the effects that were simulated, and is there iff one of them has the power."""
    found = least_effect([row(effect, power) for effect, power in grid])
    assert (found is None) == (not any(power >= 0.8 for _, power in grid))
    if found is not None:
        assert min(effect for effect, _ in grid) <= found <= max(effect for effect, _ in grid)
