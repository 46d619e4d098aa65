"""Shares as people read them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from waterbed.model.spelling import percent, percents


@given(share=st.floats(0, 1), digits=st.integers(0, 2))
@example(share=0.996, digits=0)
@example(share=0.9996, digits=1)
@example(share=0.004, digits=0)
def test_nothing_is_all_or_none_unless_it_is(share: float, digits: int) -> None:
    """0 and 100% are told of such shares alone, to a hundredth of a percent; any other number is within half a unit."""
    told = percent(share, digits)
    number = float(told.strip("<>%"))
    if number in (0, 100):
        assert abs(share * 100 - number) <= 0.0101
    if told[0] in "<>":
        assert 0 < (share if told[0] == "<" else 1 - share) * 100 <= 0.5 * 10**-digits + 1e-9
    else:
        assert abs(share * 100 - number) <= 0.5 * 10**-digits + 1e-9


@pytest.mark.parametrize(
    ("ends", "told"),
    [((0.331, 0.58), "33-58%"), ((0.83, 0.996), "83->99%"), ((0.0, 1.0), "0-100%"), ((0.004, 0.0), "<1-0%")],
)
def test_ends_of_a_share_are_told_alike(ends: tuple[float, float], told: str) -> None:
    """Two ends have one sign, and are no more all or none than a share is."""
    assert percents(*ends) == told
    assert (percent(None), percent(-0.001), percent(0.99995)) == ("\N{EN DASH}", "0%", "100%")
