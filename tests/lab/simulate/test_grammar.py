"""Worlds drawn from a grammar: every choice occurs, and what is called true is what happens over repetitions."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy

from waterbed.lab.simulate.grammar import RANGES, WEIGHTS, World, draw_world, numbered_world
from waterbed.lab.simulate.grammar_checks import AWAY, FRONT, GONE, UNKNOWN, UP
from waterbed.lab.simulate.grammar_process import NORM, WITHIN_H, Policies, draw_policies
from waterbed.lab.simulate.grammar_study import NOBODY, draw_study
from waterbed.lab.simulate.grammar_truth import true_hosters

PLAIN = replace(
    numbered_world(1, 1),
    dependence="independent",
    label="none",
    regime_h=0.0,
    hiding="none",
    checks_before=0,
    hides_at_random=False,
    fakes="none",
    drift="constant",
    lag="minutes",
    delivery_h=0.0,
    sources=1,
    second_category=1.0,
    verified="none",
    mover="none",
    moves=0.0,
    returns="none",
    night_h=0.0,
    put_back=0.0,
    cloak="none",
    answer="404",
    shares="different",
    servers="own",
    arrivals="steady",
    hosters=3,
    clocks=200,
    zipf=0.2,
    days=30.0,
    tail_h=30.0,
    every_h=2.0,
    missed=0.05,
    customers=20,
    customer_tail=0.5,
)
"""A world without any difficulty, from which tests draw apart what they look at."""


@pytest.mark.parametrize("part", WEIGHTS)
def test_weights_are_probabilities(part: str) -> None:
    """The weights of each part add up to one, and none is zero."""
    weights = WEIGHTS[part]
    assert sum(weights.values()) == pytest.approx(1.0)
    assert min(weights.values()) > 0


def test_every_choice_is_drawn_as_often_as_it_weighs() -> None:
    """Of two thousand worlds each choice has its share; numbers stay in their ranges."""
    worlds = [numbered_world(3, number) for number in range(2_000)]
    for part, weights in WEIGHTS.items():
        some = [world for world in worlds if part != "label" or world.dependence == "customers"]
        drawn = Counter(getattr(world, part) for world in some)
        for choice, weight in weights.items():
            expected = weight
            if part == "lag":  # customers whose reports are one delivery come in files
                files = WEIGHTS["dependence"]["customers"] * WEIGHTS["label"]["delivery"]
                expected = weight * (1 - files) + files * (choice == "files")
            error = np.sqrt(expected * (1 - expected) / len(some))
            assert drawn[choice] / len(some) == pytest.approx(expected, abs=4 * error), (part, choice)
    for name in ("days", "every_h", "missed", "zipf", "tail_h", "hosters", "clocks", "customers"):
        low, high = RANGES[name]
        assert all(low <= getattr(world, name) <= high for world in worlds)
    assert all(world.label == "none" or world.dependence == "customers" for world in worlds)
    assert all(not world.delivery_h or world.lag == "files" for world in worlds)


def test_a_world_and_a_study_are_their_numbers() -> None:
    """The same numbers give the same world and the same study, others give others."""
    world = numbered_world(4, 7)
    assert world == draw_world(np.random.default_rng([4, 7])) != numbered_world(4, 8)
    one, same, other = (draw_study(PLAIN, np.random.default_rng(seed)).columns() for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert one["url_id"].tolist() != other["url_id"].tolist()


KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sites": {"dependence": "sites"},
    "customers": {"dependence": "customers", "label": "content"},
    "customers of deliveries": {"dependence": "customers", "label": "delivery", "lag": "files"},
    "weekly": {"dependence": "weekly", "regime_h": 168.0},
    "queue": {"dependence": "queue", "regime_h": 30.0},
    "desk": {"dependence": "desk", "regime_h": 72.0},
    "step": {"drift": "step"},
    "trend of a desk": {"drift": "trend", "dependence": "desk", "regime_h": 48.0},
    "owners leave": {"mover": "rotation", "moves": 2.0, "lag": "hours"},
    "owners leave a queue": {"mover": "rotation", "moves": 2.0, "dependence": "queue", "regime_h": 30.0},
    "displaced": {"mover": "displaced", "moves": 0.8},
    "two sources": {"sources": 2, "second_category": 0.5},
    "fakes": {"fakes": "some"},
    "put back": {"returns": "put back", "put_back": 0.8},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_true_share_is_what_happens_over_repetitions(kind: str) -> None:
    """Over many studies the share removed within a day differs from the expected one by chance alone."""
    world = replace(PLAIN, days=60.0, clocks=100, **KINDS[kind])
    off = []
    for seed in range(40):
        given = draw_study(world, np.random.default_rng([seed, 5])).reported
        off.append(float(np.mean(given.removed - given.reported <= WITHIN_H) - given.expected.mean()))
    assert abs(np.mean(off)) < 4 * np.std(off) / np.sqrt(len(off)) + 1e-3


def _removed_by(policies: Policies, n: int, hours: float) -> float:
    """The chance by adaptive integration, whatever the wait after the delay."""
    ready = scipy.stats.lognorm(policies.sigma[n], scale=policies.median_h[n])
    waits = policies.queue_h[n] > 0 or np.isfinite(policies.off_h[n])
    if not waits or not hours:
        return float(ready.cdf(hours))
    mean = policies.queue_h[n] or policies.off_h[n]
    middle = [min(hours / 2, ready.median())]
    waited, _ = scipy.integrate.quad(
        lambda s: np.exp((s - hours) / mean) / mean * ready.cdf(s), 0.0, hours, points=middle
    )
    part = 1.0 if policies.queue_h[n] else policies.off_h[n] / (policies.on_h[n] + policies.off_h[n])
    return float((1.0 - part) * ready.cdf(hours) + part * waited)


def _removed_first(policies: Policies, n: int, lag: float) -> float:
    """The chance that it is removed in a day, and before its owner leaves, by adaptive integration."""
    stay = policies.stay_h
    left, _ = scipy.integrate.quad(
        lambda t: _removed_by(policies, n, t) * np.exp((lag - t) / stay) / stay, lag, WITHIN_H, epsabs=1e-5
    )
    whole = _removed_by(policies, n, WITHIN_H)
    return float(policies.acts[n] * (np.exp((lag - WITHIN_H) / stay) * whole + left))


@pytest.mark.parametrize("kind", ["independent", "queue", "desk"])
def test_chances_have_a_closed_form(kind: str) -> None:
    """Alone a lognormal distribution, with an exponential wait its convolution, with owners who leave its transform."""
    world = replace(PLAIN, dependence=kind, regime_h=60.0, mover="rotation", moves=3.0, hosters=2)
    policies = draw_policies(world, np.random.default_rng(3))
    for n in range(world.hosters):
        found = policies.removed_by(np.array([WITHIN_H]))[n, 0]
        assert found == pytest.approx(_removed_by(policies, n, WITHIN_H), abs=2e-4)
        first = policies.chances(np.array([n]), np.array([5.0]))[0]
        assert first == pytest.approx(_removed_first(policies, n, 5.0), abs=5e-4)


def test_hosters_are_as_the_world_says() -> None:
    """Equal hosters have one chance, those at the norm exactly it, different ones their own."""
    for kind in ("independent", "queue", "desk"):
        for shares in WEIGHTS["shares"]:
            world = replace(PLAIN, dependence=kind, regime_h=48.0, shares=shares, hosters=6)
            policies = draw_policies(world, np.random.default_rng(8))
            chances = policies.chances(np.arange(6), np.zeros(6))
            several = len(np.unique(chances.round(6)))
            assert several == (6 if shares == "different" else 1)
            if shares == "at the norm":
                assert chances == pytest.approx(np.full(6, NORM), abs=1e-6)
            assert ((chances > 0.04) & (chances < 0.96)).all()
            assert (policies.acts <= 1.0).all()


def test_checks_see_what_is_there_and_what_hides() -> None:
    """Without difficulties checks see the truth; fakes are never up, cloaks and nights hide what is there."""
    study = draw_study(PLAIN, np.random.default_rng(5))
    checks, given = study.checks, study.reported
    gone = checks.at >= given.removed[checks.url]
    decided = checks.seen != UNKNOWN
    assert (checks.seen[decided & gone] == GONE).all()
    assert (checks.seen[decided & ~gone] == UP).all()
    assert np.mean(~decided) == pytest.approx(PLAIN.missed, abs=0.01)
    assert (checks.at >= given.received[checks.url]).all()
    assert not study.hidden.any()

    fakes = draw_study(replace(PLAIN, fakes="some"), np.random.default_rng(5))
    of_fakes = fakes.reported.fake[fakes.checks.url]
    assert of_fakes.any()
    assert not (fakes.checks.seen[of_fakes] == UP).any()

    agent = draw_study(replace(PLAIN, cloak="agent"), np.random.default_rng(5))
    assert agent.hidden.any()
    assert not (agent.checks.seen[agent.hidden[agent.checks.url]] == UP).any()

    led = draw_study(replace(PLAIN, cloak="redirect", missed=0.0), np.random.default_rng(5))
    of_led = led.hidden[led.checks.url]
    first = np.append(True, led.checks.url[1:] != led.checks.url[:-1])
    assert (led.checks.seen[of_led & ~first] == AWAY).all()
    assert (led.checks.seen[of_led & first] != AWAY).all()

    front = draw_study(replace(PLAIN, answer="front page"), np.random.default_rng(5))
    assert (front.checks.seen == FRONT).any()

    nights = draw_study(replace(PLAIN, returns="nights", night_h=6.0, missed=0.0), np.random.default_rng(5))
    there = nights.checks.at < nights.reported.removed[nights.checks.url]
    away = (nights.checks.seen == GONE) & there
    assert 0.05 < np.mean(away[there]) < 0.6

    hiding = replace(PLAIN, hiding="after a few checks", checks_before=2, missed=0.0)
    hidden = draw_study(hiding, np.random.default_rng(5))
    nth = np.arange(hidden.checks.url.size) - np.searchsorted(hidden.checks.url, hidden.checks.url)
    of_hidden = hidden.hidden[hidden.checks.url]
    assert (hidden.checks.seen[of_hidden & (nth >= 2)] == GONE).all()
    assert (hidden.checks.seen[of_hidden & (nth < 2)] == UP).any()


def test_labels_are_of_customers() -> None:
    """The label of a world tells its customers apart; in other worlds none does."""
    for label in WEIGHTS["label"]:
        lag = "files" if label == "delivery" else "minutes"
        world = replace(PLAIN, dependence="customers", label=label, lag=lag, servers="own")
        study = draw_study(world, np.random.default_rng(9))
        given, labels = study.reported, study.labels
        columns = {
            "content": given.content,
            "address": labels.address,
            "range": labels.address // 8,
            "registration": labels.registration,
            "delivery": given.delivery,
        }
        for name, column in columns.items():
            both = len(np.unique(np.stack([given.customer, column]), axis=1).T)
            tells = both == len(np.unique(column)) == len(np.unique(given.customer))
            implied = label == "address" and name == "range"  # who has an address has its range
            assert tells == (name == label or implied), (label, name)
        if label == "delivery":
            late = given.received - given.reported
            assert (late > 0).all()
            assert len(np.unique(given.received.round(9))) == len(np.unique(given.customer))


def test_truth_knows_where_dependence_is_shown() -> None:
    """A label of ten clusters or four regimes show it; what is decided on as one is counted in sites."""
    cases: list[tuple[dict[str, Any], bool]] = [
        ({}, True),
        ({"dependence": "customers", "label": "content"}, True),
        ({"dependence": "customers", "label": "content", "customers": 6}, False),
        ({"dependence": "customers", "label": "none"}, False),
        ({"dependence": "weekly", "regime_h": 168.0, "days": 60.0}, True),
        ({"dependence": "weekly", "regime_h": 168.0, "days": 15.0}, False),
        ({"dependence": "desk", "regime_h": 24.0, "days": 100.0}, True),
        ({"dependence": "desk", "regime_h": 330.0, "days": 10.0}, False),
    ]
    for parts, shown in cases:
        world = replace(PLAIN, zipf=0.0, **parts)
        true = true_hosters(draw_study(world, np.random.default_rng(4)))
        assert [one.shown for one in true] == [shown] * world.hosters, parts
        alone = world.dependence == "independent"
        assert all((one.together == 1.0) == alone for one in true)
        assert all(one.share() == pytest.approx(one.expected.mean()) for one in true)


def test_a_name_that_turns_counts_at_both_hosters() -> None:
    """A name that points to two hosters all the time is reported content of both, and answered by either."""
    world: World = replace(PLAIN, mover="round robin", moves=0.5)
    study = draw_study(world, np.random.default_rng(6))
    given, turned = study.reported, study.reported.turns[study.checks.url]
    assert 0.3 < np.mean(given.turns) < 0.7
    assert 0.4 < np.mean(study.checks.second[turned]) < 0.6
    assert not study.checks.second[~turned].any()
    assert (given.second[~given.turns] == NOBODY).all()
    assert sum(one.reports for one in true_hosters(study)) == given.site.size + int(given.turns.sum())
