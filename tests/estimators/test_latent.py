"""A latent trait behind counts by several sources, on worlds whose trait is known."""

import numpy as np
import pytest
import scipy

from waterbed.estimators.latent import Latent, _loss, latent_trait
from waterbed.estimators.refusal import Refusal


def world(seed: int, *, groups: int = 400, loadings: tuple[float, ...] = (1.0, 0.8, 0.6, 0.0), alpha: float = 0.3):
    """Counts by sources that tell the trait as far as their loadings say; the last one tells nothing of it."""
    rng = np.random.default_rng(seed)
    sizes, trait = rng.normal(9.0, 1.5, groups), rng.normal(0.0, 1.0, groups)
    b = np.array(loadings)
    mean = np.exp(np.log(4.0) + 0.9 * (sizes - 9.0)[:, None] + b * trait[:, None])
    counts = rng.poisson(mean * rng.gamma(1 / alpha, alpha, mean.shape))
    return counts, sizes, trait, b


def test_the_trait_is_found_and_its_intervals_hold():
    """Over ten worlds 95% intervals hold, loadings are found, and all together tell more than the best source alone."""
    held, loadings, near = [], [], []
    for seed in range(10):
        counts, sizes, trait, _ = world(seed)
        found = latent_trait(counts, sizes)
        assert isinstance(found, Latent)
        held.append(np.mean((found.low <= trait) & (trait <= found.high)))
        loadings.append(found.loading)
        alone = [np.log(own + 0.5) - 0.9 * sizes for own in counts.T]
        near.append(np.corrcoef(found.trait, trait)[0, 1] - max(np.corrcoef(one, trait)[0, 1] for one in alone))
    assert 0.93 <= np.mean(held) <= 0.97
    assert np.mean(loadings, axis=0) == pytest.approx([1.0, 0.8, 0.6, 0.0], abs=0.06)
    assert np.mean(near) > 0.05


def test_groups_without_any_count_belong_into_it():
    """Thousands of silent groups, of which rows of one size are one, have a trait below the middle."""
    counts, sizes, _, _ = world(3, groups=300)
    silent = np.zeros((5_000, 4), int)
    found = latent_trait(np.vstack([counts, silent]), np.append(sizes, np.linspace(2.0, 9.0, 5_000)))
    assert isinstance(found, Latent)
    assert found.trait[300:].max() < found.trait[:300].max()
    assert found.trait[-1] < 0


def test_the_likelihood_is_that_of_numerical_integration_and_its_slope_that_of_differences():
    """One group by quadrature of scipy's negative binomial; every derivative by finite differences."""
    counts, sizes, _, _ = world(1, groups=12)
    y, s, weight = counts.astype(float), sizes - sizes.mean(), np.ones(12)
    flat = np.concatenate([np.full(4, 1.0), np.full(4, 0.8), np.array([0.9, 0.5, 0.3, 0.1]), np.full(4, -1.0)])
    value, slope = _loss(flat, y, s, weight)
    step = 1e-6
    for place in range(flat.size):
        up, down = (_loss(flat + sign * step * np.eye(flat.size)[place], y, s, weight)[0] for sign in (1, -1))
        assert slope[place] == pytest.approx((up - down) / (2 * step), abs=1e-6)
    r = np.exp(1.0)

    def joint(t: float, row: int) -> float:
        mean = np.exp(1.0 + 0.8 * s[row] + flat[8:12] * t)
        return float(np.prod(scipy.stats.nbinom.pmf(y[row], r, r / (r + mean))) * np.exp(-(t**2) / 2))

    whole = sum(np.log(scipy.integrate.quad(joint, -5, 5, args=(row,), limit=200)[0]) for row in range(12))
    penalty = 0.02 * float(np.square(flat[8:]).sum())
    step_of_grid = 0.25
    assert value * 12 == pytest.approx(penalty - whole + 12 * np.log(step_of_grid), abs=1e-3)


def test_what_cannot_be_told_is_refused():
    """Two sources share one number, a few groups nothing; counts below zero are no counts."""
    counts, sizes, _, _ = world(2)
    assert isinstance(latent_trait(counts[:, :2], sizes), Refusal)
    assert isinstance(latent_trait(np.column_stack([counts[:, :2], 0 * sizes]), sizes), Refusal)
    assert isinstance(latent_trait(counts[:20], sizes[:20]), Refusal)
    with pytest.raises(ValueError, match="groups x sources"):
        latent_trait(-counts, sizes)
