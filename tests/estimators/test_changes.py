"""A change beyond that of controls: its interval and test hold where nothing changed, and see what did."""

import numpy as np
import pytest
import scipy

from waterbed.estimators.calendar_time import Worth
from waterbed.estimators.changes import Share, beyond_earlier, change_beyond, ends_beyond, own_change, p_beyond
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


def test_a_change_of_its_own_is_that_of_two_shares() -> None:
    """Controls have no part in it: they may slow down, and a target that stayed as it was did not remove more."""
    rng = np.random.default_rng(9)
    before, after, fast, slow = drawn((0.4, 0.4, 0.7, 0.2), 150, rng)
    own, beyond = own_change([before, after]), change_beyond([before, after, fast, slow])
    assert own.estimate == pytest.approx(after.share - before.share)
    assert own.low <= 0 <= own.high
    assert own.p > 0.05
    assert beyond.p < 0.01
    with pytest.raises(ValueError, match="two shares"):
        own_change([before])


def test_a_change_that_all_share_is_none_beyond_controls_on_each_scale() -> None:
    """A fourfold speed-up of all takes shares of 5 and 40% to 17 and 73%: in log odds both rise alike."""
    shares = drawn((0.05, 0.174, 0.4, 0.727), 4_000, np.random.default_rng(10))
    found = change_beyond(shares)
    assert abs(found.estimate) > 0.15
    assert p_beyond([one.share for one in shares], [4_000.0] * 4) < 0.001
    assert found.p > 0.05


@pytest.mark.parametrize("sign", [1, -1])
def test_what_nobody_saw_makes_no_change(sign: int) -> None:
    """A rise from 20 to 60% that is one of 45 to 40% in the cases against it is not shown, and so is a fall."""
    sure = Worth(number=200.0, freedom=100)
    shares = [
        Share(share=0.2, low=0.1, high=0.5, worth=sure, worst=0.15, best=0.45),
        Share(share=0.6, low=0.3, high=0.7, worth=sure, worst=0.4, best=0.65),
    ]
    assert own_change(shares[::sign]).p == 1.0
    bare = [Share(share=one.share, low=one.low, high=one.high, worth=sure) for one in shares[::sign]]
    assert own_change(bare).p < 0.001


def test_a_step_is_larger_than_earlier_changes_and_a_trend_is_not() -> None:
    """Of four stretches: a step, a trend of equal steps, a fall before that was as large, and noise."""
    numbers = [40.0] * 4

    def p(*shares: float) -> float:
        return beyond_earlier([(one, one) for one in shares], numbers).p

    assert p(0.1, 0.12, 0.1, 0.9) < 0.001
    assert p(0.0, 0.0, 0.0, 0.9) < 0.01
    assert p(0.1, 0.35, 0.6, 0.85) > 0.3
    assert p(0.9, 0.9, 0.1, 0.9) > 0.3
    assert p(0.1, 0.15, 0.1, 0.2) > 0.2
    assert p(0.5, 0.5, 0.5, 0.2) == 1.0
    found = beyond_earlier([(0.1, 0.1), (0.3, 0.3), (0.2, 0.2), (0.9, 0.9)], numbers)
    assert (found.estimate, found.largest, found.changes) == (pytest.approx(0.5), pytest.approx(0.2), 2)
    hidden = [(0.1, 0.1), (0.12, 0.12), (0.1, 0.1), (0.15, 0.95)]
    assert beyond_earlier(hidden, numbers).p > 0.2
    for wrong in (hidden[:2], hidden):
        with pytest.raises(ValueError, match="two stretches"):
            beyond_earlier(wrong, numbers[:2] if len(wrong) < 3 else numbers[:3])


@pytest.mark.long
def test_a_steady_trend_seldom_looks_like_a_step() -> None:
    """Of 400 hosters whose speed doubles in one stretch: at most 5% show a change beyond earlier ones."""
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(400):
        speed = rng.uniform(-2.5, -0.5) + 0.7 * np.arange(4)
        shares = rng.binomial(25, scipy.special.ndtr(speed)) / 25
        wrong += beyond_earlier([(one, one) for one in shares], [25.0] * 4).p <= 0.05
    assert wrong / 400 <= 0.05
