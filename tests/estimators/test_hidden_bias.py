"""Hidden bias against published numbers, the worst of all biases, and simulated ones."""

from itertools import product

import numpy as np
import pytest
import scipy

from tests.estimators.test_reappearance import world
from tests.model.said import said
from waterbed.estimators.hidden_bias import Sets, explaining_bias, highest_p, matched_sets
from waterbed.estimators.reappearance import Units
from waterbed.estimators.refusal import Refusal


def pairs(treated: int, control: int) -> Sets:
    """Pairs of which one has the outcome: so often the treated one, so often its control."""
    both = treated + control
    return Sets(size=np.full(both, 2), positive=np.full(both, 1), treated=np.arange(both) < treated)


def test_pairs_have_the_binomial_of_the_published_program() -> None:
    """Of 122 pairs with one death 110 are the smoker's (Hammond): rbounds' example, its binomial by another library."""
    for bias in (1.0, 2.0, 4.0, 5.0, 6.0):
        assert highest_p(pairs(110, 12), bias) == pytest.approx(scipy.stats.binom.sf(109, 122, bias / (1 + bias)))
    found = explaining_bias(pairs(110, 12))
    assert not isinstance(found, Refusal)
    assert 4.5 < found.estimate < 6.0
    assert 2 * highest_p(pairs(110, 12), found.estimate) == pytest.approx(0.05, rel=1e-3)


def test_no_bias_within_the_factor_makes_a_higher_p() -> None:
    """Of all ways to give each of nine units the odds 1 or 3 in three sets, none exceeds the bound; one reaches it."""
    sets = Sets(size=np.array([3, 3, 3]), positive=np.array([1, 2, 1]), treated=np.array([True, True, False]))
    outcomes = [(1, 0, 0), (1, 1, 0), (1, 0, 0)]
    highest = 0.0
    for odds in product((1.0, 3.0), repeat=9):
        chances = []
        for number, outcome in enumerate(outcomes):
            own = np.array(odds[3 * number : 3 * number + 3])
            chances.append(float(own @ np.array(outcome)) / own.sum())
        one, two, three = chances
        least_two = one * two + one * three + two * three - 2 * one * two * three
        highest = max(highest, least_two)
    assert highest_p(sets, 3.0) == pytest.approx(highest)


def test_a_bias_of_that_strength_explains_it_and_no_more() -> None:
    """Where an unmeasured trait triples the odds of an end and is the outcome, 5% reject at a bias of 3, most at 1."""
    rng, rejected = np.random.default_rng(1), np.zeros(2)
    for _ in range(400):
        trait = rng.random((80, 4)) < 0.4
        chance = np.where(trait, 3.0, 1.0) / np.where(trait, 3.0, 1.0).sum(axis=1, keepdims=True)
        ended = (chance.cumsum(axis=1) > rng.random((80, 1))).argmax(axis=1)
        sets = Sets(size=np.full(80, 4), positive=trait.sum(axis=1), treated=trait[np.arange(80), ended])
        rejected += [highest_p(sets, bias) <= 0.05 for bias in (3.0, 1.0)]
    assert rejected[0] / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert rejected[1] / 400 > 0.9


def asked(units: Units, rng: np.random.Generator) -> Sets:
    return matched_sets(units, rng, horizon=14.0, observed_until=150.0, age_within=3.0)


def test_matched_sets_share_no_cluster_and_are_alike() -> None:
    """Sites of one owner are in one set at most; each control was up, and none is needed twice."""
    units = world(np.random.default_rng(2))
    sets = asked(units, np.random.default_rng(3))
    assert sets.size.min() >= 2
    assert sets.size.sum() <= np.unique(units.cluster).size
    assert (sets.positive >= sets.treated).all()
    assert (sets.positive <= sets.size).all()


def test_without_effect_and_bias_the_sets_keep_their_level() -> None:
    """Of 60 worlds without an effect few have a p of 5%; of those with one, the bias is well above 1."""
    rng = np.random.default_rng(4)
    none = [explaining_bias(asked(world(rng), rng)) for _ in range(60)]
    some = [explaining_bias(asked(world(rng, extra=0.4), rng)) for _ in range(10)]
    assert sum(not isinstance(one, Refusal) and one.without <= 0.05 for one in none) <= 9
    assert all(not isinstance(one, Refusal) and one.estimate == 1.0 for one in none if one.without > 0.05)
    assert all(not isinstance(one, Refusal) and one.estimate > 1.2 for one in some)


def test_few_sets_are_refused() -> None:
    """Below ten independent sets, and without any unit, there is no number."""
    assert "9 matched sets" in said(explaining_bias(pairs(9, 0)))
    nothing = np.zeros(0)
    empty = Units(
        started=nothing,
        ended=nothing,
        category=np.zeros(0, int),
        cluster=np.zeros(0, int),
        arrivals=(np.zeros(0, int), nothing),
    )
    assert isinstance(explaining_bias(asked(empty, np.random.default_rng(5))), Refusal)
