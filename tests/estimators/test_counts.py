"""Regression of counts and shrinkage, against a second library and known truths."""

import numpy as np
import pytest
from scipy import integrate, stats

from waterbed.estimators.counts import gamma_poisson, log_design, negative_binomial


def drawn(seed, rows=4_000, slope=0.9, level=-8.0, dispersion=1.5):
    """Sizes, and counts whose mean is exp(level) * size^slope."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.normal(8.0, 1.5, rows))
    mean = np.exp(level) * sizes**slope
    return sizes, rng.poisson(mean * rng.gamma(1 / dispersion, dispersion, rows))


def test_regression_is_that_of_statsmodels():
    """Coefficients, their errors, dispersion and likelihood agree with statsmodels, with two sizes and an offset."""
    import statsmodels.api as sm

    sizes, counts = drawn(1)
    second, effort = np.random.default_rng(2).lognormal(3, 1, sizes.size), np.linspace(0.0, 1.0, sizes.size)
    design = log_design(sizes, second)
    ours = negative_binomial(counts, design, effort)
    theirs = sm.NegativeBinomial(counts, design, offset=effort).fit(disp=0, maxiter=500)
    assert ours.coefficients == pytest.approx(theirs.params[:-1], abs=1e-3)
    assert ours.dispersion == pytest.approx(theirs.params[-1], rel=1e-3)
    assert ours.log_likelihood == pytest.approx(theirs.llf, abs=1e-4)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.bse[:-1], rel=0.03)
    assert ours.expected(design, effort) == pytest.approx(theirs.predict(), rel=1e-3)


def test_deviance_is_that_of_statsmodels():
    """At the fitted dispersion, of the model and of one mean for all."""
    import statsmodels.api as sm

    sizes, counts = drawn(4)
    design = log_design(sizes)
    ours = negative_binomial(counts, design)
    family = sm.families.NegativeBinomial(alpha=ours.dispersion)
    theirs = sm.GLM(counts, design, family=family).fit()
    assert ours.deviance(counts, design) == pytest.approx(theirs.deviance, rel=1e-3)


def test_slope_is_found_with_zeros_and_bent_without():
    """Over the whole frame the slope on log size is 0.90; among rows with a count it reads about 0.67."""
    found = []
    for seed in range(8):
        sizes, counts = drawn(10 + seed, level=-6.5)
        some = counts > 0
        found.append(
            [
                negative_binomial(counts, log_design(sizes)).coefficients[1],
                negative_binomial(counts[some], log_design(sizes[some])).coefficients[1],
            ]
        )
    whole, without = np.mean(found, axis=0)
    assert whole == pytest.approx(0.90, abs=0.02)
    assert without == pytest.approx(0.67, abs=0.03)


def test_counts_without_overdispersion_are_poisson():
    """Where the variance is the mean, the fit is Poisson regression's."""
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    design = log_design(rng.lognormal(2, 1, 2_000))
    counts = rng.poisson(np.exp(design @ [-1.0, 0.8]))
    ours = negative_binomial(counts, design)
    theirs = sm.Poisson(counts, design).fit(disp=0)
    assert ours.dispersion < 0.02
    assert ours.coefficients == pytest.approx(theirs.params, abs=0.01)


@pytest.mark.parametrize(
    ("counts", "design"),
    [([0, 0], [[1.0], [1.0]]), ([1, -1], [[1.0], [1.0]]), ([1], [[1.0], [1.0]]), ([1, 2], [[1.0, 2.0], [1.0, 2.0]])],
)
def test_what_cannot_be_fitted_is_refused(counts, design):
    """All zeros, negative counts, unequal lengths and dependent columns are errors of the caller."""
    with pytest.raises(ValueError):
        negative_binomial(counts, design)


def test_a_size_of_zero_has_no_logarithm():
    """A row without a size cannot be in the design."""
    with pytest.raises(ValueError):
        log_design([1.0, 0.0])


def by_moments(observed, expected):
    """Rates shrunk by moments alone (Marshall, Applied Statistics 40, 1991)."""
    mean, raw = observed.sum() / expected.sum(), observed / expected
    spread = (expected * np.square(raw - mean)).sum() / expected.sum() - mean / expected.mean()
    return mean + spread / (spread + mean / expected) * (raw - mean)


def test_shrinkage_finds_the_distribution_it_was_drawn_from():
    """Shape and rate come back, posterior intervals hold 95% of the true rates, and errors are less than raw."""
    rng = np.random.default_rng(4)
    true = rng.gamma(2.0, 0.5, 4_000)
    expected = rng.lognormal(0.5, 1.0, true.size)
    observed = rng.poisson(true * expected)
    found = gamma_poisson(observed, expected)
    assert (found.prior_shape, found.prior_rate) == (pytest.approx(2.0, rel=0.1), pytest.approx(2.0, rel=0.1))
    assert np.mean((found.low <= true) & (true <= found.high)) == pytest.approx(0.95, abs=0.01)
    raw = np.mean(np.square(observed / expected - true))
    moments = np.mean(np.square(by_moments(observed, expected) - true))
    assert np.mean(np.square(found.rate - true)) < moments < raw


def test_prior_maximises_the_marginal_likelihood():
    """The likelihood that is maximised is the integral of Poisson over Gamma."""
    observed, expected = np.array([0, 3, 1, 9, 2, 14]), np.array([1.0, 2.0, 1.5, 3.0, 2.5, 4.0])
    found = gamma_poisson(observed, expected)

    def chance(o, e, shape, rate):
        gamma = stats.gamma(shape, scale=1 / rate)
        return integrate.quad(lambda t: stats.poisson.pmf(o, e * t) * gamma.pdf(t), 0, 30)[0]

    def likelihood(shape, rate):
        return sum(np.log(chance(o, e, shape, rate)) for o, e in zip(observed, expected, strict=True))

    best = likelihood(found.prior_shape, found.prior_rate)
    for up, across in ((1.1, 1.0), (0.9, 1.0), (1.0, 1.1), (1.0, 0.9), (1.1, 1.1)):
        assert likelihood(found.prior_shape * up, found.prior_rate * across) < best


def test_rates_that_chance_explains_shrink_to_their_mean():
    """Without variance between groups nothing but the common rate is left."""
    expected = np.full(50, 20.0)
    observed = np.full(50, 30)
    assert gamma_poisson(observed, expected).rate == pytest.approx(1.5, abs=0.01)


def test_small_expected_counts_shrink_most():
    """The same ratio is believed more where more was expected."""
    found = gamma_poisson([2, 20, 200, 5, 60, 1, 0, 3], [1.0, 10.0, 100.0, 5.0, 60.0, 1.0, 1.0, 3.0])
    assert found.rate[0] < found.rate[1] < found.rate[2] < 2.0
    assert found.high[0] - found.low[0] > found.high[2] - found.low[2]


def test_shrinkage_refuses_what_was_not_expected():
    """An expected count of zero, or nothing observed at all, is the caller's error."""
    with pytest.raises(ValueError):
        gamma_poisson([1], [0.0])
    with pytest.raises(ValueError):
        gamma_poisson([0, 0], [1.0, 1.0])
