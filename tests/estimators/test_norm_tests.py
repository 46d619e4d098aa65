"""Shares below a norm, against second libraries and worlds with a known truth."""

import numpy as np
import pytest
from scipy import stats

from waterbed.estimators.norm_tests import below_norm

SURE = 1e6
"""Degrees of freedom of an error that is known."""


def test_exact_p_values_and_bounds_are_those_of_scipy():
    """Of whole counts the p value is at least the binomial test's, and equal to it where Student's is smaller."""
    counts, n = np.array([0, 3, 8, 14, 19, 20]), 20
    found = below_norm(counts / n, np.full(6, n), np.full(6, SURE), 0.5)
    exact = [stats.binomtest(int(k), n, 0.5, alternative="less").pvalue for k in counts]
    assert (found.p >= np.array(exact) - 1e-9).all()
    assert found.p == pytest.approx(exact, rel=0.35, abs=1e-4)
    z = stats.norm.ppf(0.99)
    assert found.bound[1] == pytest.approx(np.sin(np.arcsin(np.sqrt(3 / n)) + z / (2 * np.sqrt(n))) ** 2, rel=1e-4)


@pytest.mark.parametrize(("dependent", "method"), [(False, "fdr_bh"), (True, "fdr_by")])
def test_adjusted_p_values_are_those_of_statsmodels(dependent, method):
    """Benjamini and Hochberg's, and Benjamini and Yekutieli's where chance is shared."""
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(1)
    found = below_norm(rng.uniform(0.1, 0.9, 30), np.full(30, 50.0), np.full(30, 9.0), 0.5, dependent=dependent)
    assert found.adjusted == pytest.approx(multipletests(found.p, method=method)[1])


def worlds():
    """True shares of 40 hosters in each study: all at the norm, just above, and narrow and wide spreads."""
    return {
        "at the norm": lambda _: np.full(40, 0.5),
        "just above": lambda _: np.full(40, 0.51),
        "two slow": lambda _: np.r_[np.full(38, 0.52), 0.2, 0.2],
        "narrow": lambda rng: np.clip(rng.normal(0.5, 0.03, 40), 0.05, 0.95),
        "wide": lambda rng: rng.uniform(0.2, 0.9, 40),
    }


@pytest.mark.parametrize("world", worlds())
def test_few_of_the_named_are_named_wrongly(world):
    """The mean share of wrong names is at most 5%; hosters at 20% of 60 reports are nearly all named."""
    rng, wrong, found = np.random.default_rng(2), [], []
    for _ in range(400):
        true = worlds()[world](rng)
        seen = rng.binomial(60, true) / 60
        below = below_norm(seen, np.full(40, 60.0), np.full(40, 8.0), 0.5).below
        wrong.append((below & (true >= 0.5)).sum() / max(1, below.sum()))
        if world == "two slow":
            found.append(below[-2:].mean())
    assert np.mean(wrong) <= 0.05
    assert not found or np.mean(found) >= 0.8


@pytest.mark.parametrize(
    ("share", "number", "freedom", "norm"),
    [
        ([np.nan], [5], [5], 0.5),
        ([1.2], [5], [5], 0.5),
        ([0.5], [0], [5], 0.5),
        ([0.5], [5, 6], [5], 0.5),
        ([0.5], [5], [5], 1),
    ],
)
def test_impossible_shares_are_refused(share, number, freedom, norm):
    """Numbers that are missing or out of range, and unequal lengths."""
    with pytest.raises(ValueError):
        below_norm(share, number, freedom, norm)
