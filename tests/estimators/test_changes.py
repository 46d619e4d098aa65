"""A change beyond that of controls: its interval and test hold where nothing changed, and see what did."""

import numpy as np
import pytest

from waterbed.estimators.calendar_time import Worth
from waterbed.estimators.changes import Share, change_beyond, ends_beyond, p_beyond
from waterbed.estimators.survival.incidence import share_interval


def drawn(true: tuple[float, ...], n: int, rng: np.random.Generator) -> list[Share]:
    """Four shares of n independent reports each, as their estimator tells them."""
    found = []
    for chance in true:
        share = float((rng.random(n) < chance).mean())
        low, high = share_interval(share, n)
        found.append(Share(share=share, low=low, high=high, worth=Worth(number=n, freedom=1_000)))
    return found


def test_the_difference_of_differences_is_that_of_the_shares() -> None:
    """(0.9 - 0.2) - (0.5 - 0.4) = 0.6, and its interval holds it and leaves 0 out."""
    found = change_beyond(
        [
            Share(share=share, low=share - 0.05, high=share + 0.05, worth=Worth(number=300, freedom=30))
            for share in (0.2, 0.9, 0.4, 0.5)
        ]
    )
    assert (found.estimate, found.low, found.high) == pytest.approx((0.6, 0.5, 0.7))
    assert found.p < 0.001


@pytest.mark.long
@pytest.mark.parametrize("true", [(0.05, 0.05, 0.4, 0.4), (0.3, 0.3, 0.3, 0.3), (0.5, 0.5, 0.9, 0.9)])
def test_no_change_is_seldom_shown(true: tuple[float, ...]) -> None:
    """Of 2,000 studies without a change at most 5% reject, within the error of so many."""
    rng = np.random.default_rng(7)
    found = [change_beyond(drawn(true, 80, rng)) for _ in range(2_000)]
    most = 0.05 + 3 * (0.05 * 0.95 / 2_000) ** 0.5
    assert sum(one.p <= 0.05 for one in found) / 2_000 <= most
    assert sum(not one.low <= 0 <= one.high for one in found) / 2_000 <= most


def test_four_shares_are_needed() -> None:
    with pytest.raises(ValueError, match="four shares"):
        change_beyond([])


@pytest.mark.parametrize("true", [(0.02, 0.02, 0.3, 0.3), (0.0, 0.1, 0.05, 0.05)])
def test_few_clusters_that_agree_are_not_certain(true: tuple[float, ...]) -> None:
    """With 12 clusters each, shares near none: the interval holds the change, and p rejects when it leaves out 0."""
    rng = np.random.default_rng(8)
    change, held = (true[1] - true[0]) - (true[3] - true[2]), 0
    for number in range(600):
        shares = [one.share for one in drawn(true, 12, rng)]
        low, high = ends_beyond(shares, [12.0] * 4)
        held += low <= change <= high
        if number < 20:
            assert (p_beyond(shares, [12.0] * 4) < 0.05) == (not low <= 0.0 <= high)
    assert held / 600 >= 0.93
