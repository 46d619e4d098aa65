"""Borrowed shares against scipy's beta-binomial and numeric integration, and the properties of their list."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from waterbed.estimators.borrowed import (
    FEWEST_GROUPS,
    Borrowed,
    blocks,
    borrowed_shares,
    effective_numbers,
    is_shown,
    largest_errors,
    listed,
    log_likelihoods,
    own_p,
    quantiles,
)

NORM = 0.5
PRIORS = np.array([[0.3, 0.9], [2.0, 2.0], [40.0, 9.5]])


def test_the_likelihood_of_whole_counts_is_scipys_beta_binomial():
    """But for the binomial coefficient, which no prior changes."""
    n = np.array([1, 7, 30])
    for hits in (np.array([0, 3, 11]), np.array([1, 7, 0])):
        found = log_likelihoods(hits.astype(float), n.astype(float), *PRIORS.T)
        for row, (a, b) in zip(found, PRIORS, strict=True):
            coefficient = stats.binom.logpmf(hits, n, 0.5) - n * np.log(0.5)
            assert row == pytest.approx(stats.betabinom.logpmf(hits, n, a, b) - coefficient, abs=1e-9)


@pytest.mark.parametrize(("hits", "number"), [(0.0, 0.7), (2.25, 6.5), (13.1, 13.4)])
def test_the_likelihood_of_other_counts_is_the_integral_over_the_prior(hits, number):
    """Of x^hits (1 - x)^(number - hits), by numeric integration."""
    for a, b in PRIORS:
        prior = stats.beta(a, b)
        made, _ = integrate.quad(lambda x, prior=prior: x**hits * (1 - x) ** (number - hits) * prior.pdf(x), 0, 1)
        found = log_likelihoods(np.array([hits]), np.array([number]), np.array([a]), np.array([b]))
        assert float(found[0, 0]) == pytest.approx(np.log(made), abs=1e-6)


def test_the_error_is_the_largest_of_all_near_priors():
    """Worked out again prior by prior, with scipy's distributions, for twelve groups of which some are slow."""
    hits, n = np.array([0, 1, 2, 0, 9, 8, 7, 5, 6, 3, 9, 10]), np.full(12, 10)
    at = stats.binom.pmf(hits, n, NORM)
    below = stats.uniform(0, NORM)
    low = np.array(
        [integrate.quad(lambda x, k=k: stats.binom.pmf(k, 10, x) * below.pdf(x), 0, NORM)[0] for k in hits.tolist()]
    )
    sizes = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    tried = []
    for mean in np.linspace(0.02, 0.98, 33)[::2]:
        for worth in np.geomspace(0.5, 1000.0, 18)[::2]:
            a, b = mean * worth, (1 - mean) * worth
            beta, under = stats.betabinom.pmf(hits, n, a, b), stats.beta.cdf(NORM, a + hits, b + n - hits)
            for level in sizes:
                for slow in sizes:
                    rest = max(0.0, 1.0 - level - slow)
                    if level + slow <= 1.0 + 1e-9:
                        whole = rest * beta + level * at + slow * low
                        tried.append((np.log(whole).sum(), (rest * beta * (1 - under) + level * at) / whole))
    best = max(likelihood for likelihood, _ in tried)
    largest = np.max([error for likelihood, error in tried if likelihood >= best - 0.12], axis=0)
    assert largest_errors(hits.astype(float), n.astype(float), NORM) == pytest.approx(largest, abs=1e-6)
    assert largest[[0, 3]].max() < 0.05 < largest[4:].min()


@pytest.mark.parametrize("groups", [11, 30, 200])
def test_a_lone_slow_group_among_good_ones_is_not_called_one_at_the_norm(groups):
    """Nothing removed of twelve, beside groups that all removed eleven."""
    errors = largest_errors(np.append(np.full(groups, 11.0), 0.0), np.full(groups + 1, 12.0), NORM)
    assert errors[-1] < 0.01
    assert (errors[:-1] > 0.99).all()


def test_the_own_p_value_of_whole_counts_is_the_exact_binomial_one():
    """One-sided, of so few hits or fewer."""
    hits = np.array([0, 4, 9, 10])
    exact = [stats.binomtest(int(k), 10, NORM, alternative="less").pvalue for k in hits]
    assert own_p(hits.astype(float), np.full(4, 10.0), NORM) == pytest.approx(exact)


def test_outcomes_that_are_alike_within_a_label_are_worth_its_clusters():
    """Independent outcomes keep nearly all of their worth; of several labels the most dependent decides."""
    rng = np.random.default_rng(3)
    group, label = np.repeat(np.arange(30), 40), np.tile(np.repeat(np.arange(10), 4), 30)
    alike = (rng.random((30, 10)) < 0.6)[group, label].astype(float)
    single = np.arange(group.size)
    assert effective_numbers(alike, group, [label]) == pytest.approx(np.full(30, 10.0))
    assert effective_numbers(alike, group, [single, label]) == pytest.approx(np.full(30, 10.0))
    free = (rng.random(group.size) < 0.6).astype(float)
    assert np.median(effective_numbers(free, group, [label])) > 0.85 * 40
    assert effective_numbers(free, group, [single]) == pytest.approx(np.full(30, 40.0))


def test_a_group_that_is_more_alike_than_others_is_worth_less():
    """The correlation is pooled, but what one group shows beyond chance counts for it alone."""
    rng = np.random.default_rng(4)
    group, label = np.repeat(np.arange(30), 40), np.tile(np.repeat(np.arange(10), 4), 30)
    hits = np.where(group == 0, (np.arange(10) % 2)[label], rng.random(group.size) < 0.5).astype(float)
    found = effective_numbers(hits, group, [label])
    assert found[0] == pytest.approx(10.0)
    assert np.median(found[1:]) > 0.8 * 40


def test_a_label_counts_where_outcomes_show_it_and_no_other_label_explains_it():
    """Decisions by customer show over all blocks; a label that nothing depends on does not, whatever campaigns do."""
    rng = np.random.default_rng(5)
    group, block = np.repeat(np.arange(30), 40), np.tile(np.repeat(np.arange(10), 4), 30)
    customer = rng.integers(0, 6, group.size)
    decided = (rng.random((30, 6)) < 0.6)[group, customer].astype(float)
    assert is_shown(decided, group, customer, [block])
    assert effective_numbers(decided, group, [block], [customer]).max() < 7.0
    shown = 0
    for _ in range(40):
        by_campaign = (rng.random((30, 10)) < 0.6)[group, block].astype(float)
        shown += is_shown(by_campaign, group, rng.integers(0, 4, group.size), [block])
    assert shown <= 6
    assert not is_shown(decided, group, np.arange(group.size), [block])


def test_blocks_are_36_hours_long_and_begin_with_the_first_report():
    """Nothing has no block."""
    assert blocks([50.0, 14.0, 49.9]).tolist() == [1, 0, 0]
    assert blocks([]).size == 0


@st.composite
def studies(draw):
    """Outcomes of 10 to 16 groups with shares of their own, in both cases, and a label."""
    groups = draw(st.integers(FEWEST_GROUPS, 16))
    sizes = draw(st.lists(st.integers(1, 25), min_size=groups, max_size=groups))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    group = np.repeat(np.arange(groups), sizes)
    possibly = rng.random(group.size) < rng.choice([0.1, 0.3, 0.5, 0.9], groups)[group]
    surely = possibly & (rng.random(group.size) < draw(st.sampled_from([0.7, 1.0])))
    return groups, group, surely, possibly, rng.integers(0, 12, group.size)


def made(groups, group, surely, possibly, label) -> Borrowed:
    found = borrowed_shares(surely, possibly, group, [label], groups, norm=NORM)
    assert found is not None
    return found


@settings(max_examples=60, deadline=None)
@given(studies(), st.randoms())
def test_the_order_of_groups_changes_nothing(study, random):
    """Each group has the same numbers under another number."""
    groups, group, surely, possibly, label = study
    new = list(range(groups))
    random.shuffle(new)
    there, here = made(groups, np.array(new)[group], surely, possibly, label), made(*study)
    for name in ("number", "worst", "best", "low", "high", "p", "error"):
        assert getattr(there, name)[new] == pytest.approx(getattr(here, name), abs=1e-7), name
    assert there.named[new].tolist() == here.named.tolist()


@settings(max_examples=60, deadline=None)
@given(studies())
def test_nobody_is_named_for_the_sake_of_others(study):
    """Whatever other groups do: a named one rejects the norm by its own outcomes, and hits are few in the best case."""
    groups, group, _, possibly, _ = study
    found = made(*study)
    best = np.bincount(group, possibly, groups) / np.bincount(group, minlength=groups)
    assert (best[found.named] < NORM).all()
    assert (found.p[found.named] <= 0.05).all()
    assert not found.named.any() or found.error[found.named].mean() <= 0.05
    assert (found.low <= found.worst).all()
    assert (found.worst <= found.best).all()
    assert (found.best <= found.high).all()


@settings(max_examples=60, deadline=None)
@given(studies())
def test_what_is_out_of_sight_changes_no_name(study):
    """The list rests on the best case: gaps accuse nobody, and hiding removes nobody whose best case is as low."""
    groups, group, _, possibly, label = study
    named = made(*study).named
    for surely in (possibly, np.zeros_like(possibly)):
        assert made(groups, group, surely, possibly, label).named.tolist() == named.tolist()


@given(
    st.lists(st.tuples(st.floats(0.5, 60.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0)), min_size=1, max_size=8),
    st.floats(0.05, 30.0),
    st.floats(0.05, 30.0),
)
def test_more_hits_never_lower_an_interval(groups, a, b):
    """Of so many outcomes, under the same priors: both ends rise with the hits, or stay."""
    n = np.array([number for number, _, _ in groups])
    fewer, more = (n * np.array([sorted(shares)[which] for _, *shares in groups]) for which in (0, 1))
    priors = np.array([a, 2 * a]), np.array([b, b])
    for before, after in zip(quantiles(fewer, n, *priors, 0.95), quantiles(more, n, *priors, 0.95), strict=True):
        assert (after >= before - 1e-9).all()


def test_equal_errors_are_listed_all_or_not_at_all():
    """So that the order of groups decides nothing."""
    errors = np.array([0.01, 0.08, 0.08, 0.08, 0.5])
    assert listed(errors, np.ones(5, dtype=bool), 0.05).tolist() == [True, False, False, False, False]
    assert listed(errors, np.ones(5, dtype=bool), 0.07).tolist() == [True, True, True, True, False]
    assert listed(errors, np.array([False, True, True, True, True]), 0.07).sum() == 0


def test_nothing_is_borrowed_from_few_groups():
    """And a group without an outcome has no share among others."""
    group = np.repeat(np.arange(FEWEST_GROUPS - 1), 5)
    hits = np.zeros(group.size, dtype=bool)
    assert borrowed_shares(hits, hits, group, [group], FEWEST_GROUPS - 1, norm=NORM) is None
    group = np.repeat(np.arange(FEWEST_GROUPS), 5)
    hits = np.arange(group.size) % 2 == 0
    found = borrowed_shares(hits, hits, group, [np.arange(group.size)], FEWEST_GROUPS + 1)
    assert found is not None
    assert np.isnan(found.best).tolist() == [False] * FEWEST_GROUPS + [True]
    assert np.isnan(found.p).all()
    assert not found.named.any()


@pytest.mark.parametrize(
    ("surely", "possibly", "group", "norm"),
    [([1.0], [0.0], [0], NORM), ([0.0], [1.0], [3], NORM), ([0.0, 1.0], [1.0], [0], NORM), ([0.0], [1.0], [0], 1.0)],
)
def test_outcomes_that_cannot_be_are_refused(surely, possibly, group, norm):
    """More sure hits than possible ones, an unknown group, unequal lengths, a norm of all."""
    with pytest.raises(ValueError, match=r"two cases|numbered from 0|between 0 and 1"):
        borrowed_shares(surely, possibly, group, [group], 2, norm=norm)
