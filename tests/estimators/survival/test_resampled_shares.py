"""The share within a time under weights, against the whole incidence curve."""

import numpy as np
import pytest

from waterbed.estimators.survival import resampling
from waterbed.estimators.survival.incidence import cumulative_incidence, share_within
from waterbed.estimators.survival.resampling import resampled_share


def clocks(seed, count=60, every=5.0, lost=0.2):
    """Clocks of two causes seen at looks some hours apart, part of them lost from sight early."""
    rng = np.random.default_rng(seed)
    ends = rng.exponential(20, count)
    own = rng.random(count) < 0.6
    left = np.floor(ends / every) * every
    right = left + every
    stop = np.where(rng.random(count) < lost, rng.integers(1, 24, count), 200.0)
    running = stop <= right
    left = np.where(running, np.minimum(left, stop), left)
    return left, np.where(running, np.inf, right), own & ~running, running


@pytest.mark.parametrize("seed", range(8))
def test_share_is_that_of_the_incidence_curve(seed):
    """With equal weights the share is what the whole curve says at that time."""
    left, right, own, running = clocks(seed)
    cause = np.where(running, -1, np.where(own, 0, 1))
    whole = share_within(cumulative_incidence(left, right, cause, causes=2), 0, 24.0)
    found = resampled_share(left, right, own, 24.0, np.ones((3, left.size)))
    assert found.share == pytest.approx(whole, abs=0.01)
    assert found.draws == pytest.approx([found.share] * 3, abs=0.002)
    assert found.parts.mean() == pytest.approx(found.share)


def test_whole_weights_are_repeated_clocks():
    """A clock of weight two is two clocks, one of weight zero none."""
    left, right, own, _ = clocks(20)
    weights = np.random.default_rng(21).poisson(1.0, (4, left.size))
    found = resampled_share(left, right, own, 24.0, weights)
    for row, draw in zip(weights, found.draws, strict=True):
        again = resampled_share(*(np.repeat(a, row) for a in (left, right, own)), 24.0, np.ones((1, row.sum())))
        assert draw == pytest.approx(again.share, abs=0.01)


def test_clocks_that_leave_nothing_open_are_counted():
    """Where every clock tells, a share is a quotient, in every resample."""
    left, right = np.array([1.0, 2.0, 30.0, 40.0]), np.array([2.0, 3.0, np.inf, 41.0])
    own = np.array([True, False, False, True])
    found = resampled_share(left, right, own, 24.0, [[1, 1, 1, 1], [2, 0, 1, 1], [0, 0, 0, 0]])
    assert found.draws == pytest.approx([0.25, 0.5, 0.25])
    assert found.parts == pytest.approx([1, 0, 0, 0])


def test_weights_must_fit():
    """Weights of another number of clocks are the caller's error."""
    with pytest.raises(ValueError):
        resampled_share([0.0], [1.0], [True], 24.0, [[1, 1]])


def test_each_resample_is_fitted_to_its_end(monkeypatch):
    """A share that turns round on its way is not taken for settled: hardly a draw is off by a hundredth."""
    off, draws = 0, 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        left = rng.exponential(30.0, 60)
        right = left + rng.exponential(60.0, 60)
        right[rng.random(60) < 0.3] = np.inf
        own = rng.random(60) < 0.7
        weights = rng.multinomial(20, np.ones(20) / 20, size=200)[:, rng.integers(0, 20, 60)]
        found = resampled_share(left, right, own, 24.0, weights)
        with monkeypatch.context() as patched:
            patched.setattr(resampling, "_SETTLED", 1e-9)
            patched.setattr(resampling, "_MOST_ROUNDS", 20_000)
            end = resampled_share(left, right, own, 24.0, weights)
        assert found.share == pytest.approx(end.share, abs=2e-3)
        off += int((np.abs(found.draws - end.draws) > 0.01).sum())
        draws += len(found.draws)
    assert off <= draws * 0.02
