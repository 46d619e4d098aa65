"""Covariates beside sizes: on frames whose truth is known."""

import numpy as np
import pytest

from tests.measures.episodes import appearance
from tests.measures.test_volume import ranked, size
from tests.model.said import said
from waterbed.measures.structure import TWINS, columns_of, twins_of
from waterbed.measures.volume import expectation


def frame(seed=1, keys=900, factor=6.0):
    """Hosters of two kinds; of one size those that resell have `factor` times the sites."""
    rng = np.random.default_rng(seed)
    v4 = np.exp(rng.normal(9.0, 1.0, keys)).astype(int) + 256
    resells = np.arange(keys) % 3 == 0
    counts = rng.poisson(0.001 * v4**0.9 * np.where(resells, factor, 1.0) * rng.gamma(5.0, 0.2, keys))
    named = [f"k{n}" for n in range(keys)]
    kinds = {key: "reseller" if own else "access" for key, own in zip(named, resells.tolist(), strict=True)}
    sizes = [size(key, int(one)) for key, one in zip(named, v4, strict=True)]
    return sizes, dict(zip(named, counts.tolist(), strict=True)), kinds


def test_a_kind_enters_the_expectation():
    """The ratio of two kinds of one size is found, and how much it explains beside size is told."""
    sizes, counts, kinds = frame()
    plain, told = expectation(sizes, counts), expectation(sizes, counts, {"business": kinds})
    assert plain.structure.names == ()
    assert told.structure.names == ("business",)
    assert abs(told.model.coefficients[-1]) == pytest.approx(np.log(6.0), abs=0.15)
    assert told.with_structure > told.explained + 0.1
    assert said(told.remark).startswith(f"sizes explain {told.explained:.0%} of the deviance, with business ")
    assert told.sites["k0"] > 2 * plain.sites["k0"]


def test_what_is_too_rare_or_follows_from_others_is_left_out():
    """Kinds without sites, words of few keys, constants and copies give no column, so no expectation becomes 0."""
    _, counts, kinds = frame()
    keys = list(counts)
    one = np.ones((len(keys), 1))
    rare = {key: "rare" if n < 5 else "access" for n, key in enumerate(keys)}
    silent = {key: "silent" if counts[key] == 0 else "loud" for key in keys}
    assert (
        columns_of(keys, list(counts.values()), {"a": rare, "b": silent, "c": dict.fromkeys(keys, 3.0)}, one).names
        == ()
    )
    twice = columns_of(keys, list(counts.values()), {"a": kinds, "b": kinds, "tag_x": {keys[0]: 1.0}}, one)
    assert twice.names == ("a",)


def test_numbers_that_are_not_known_have_their_own_mean():
    """A number enters as its log; keys without it are neither left out nor taken for zero."""
    sizes, counts, _ = frame(factor=1.0)
    price = {key: float(n % 7) for n, key in enumerate(counts) if n % 2}
    found = expectation(sizes, counts, {"price": price})
    assert found.structure.names == ("price", "price")
    assert found.structure.exact == (False, True)
    assert len(found.sites) == len(sizes)
    assert np.abs(found.model.coefficients[2:]).max() < 0.3


def test_twins_are_of_one_kind_and_near_in_size():
    """Ten others of the same kind, none farther in size than any left out; of a kind of four there are none."""
    sizes, counts, kinds = frame()
    keys, logs = list(counts), np.log([[row.announced_v4] for row in sizes])
    columns = columns_of(keys, list(counts.values()), {"business": kinds}, np.ones((len(keys), 1)))
    (own,) = twins_of(logs, columns, [30])
    assert own.size == TWINS
    assert 30 not in own
    assert {kinds[keys[n]] for n in own} == {kinds["k30"]}
    alike = [n for n, key in enumerate(keys) if kinds[key] == kinds["k30"] and n not in own and n != 30]
    assert np.abs(logs[own] - logs[30]).max() <= np.abs(logs[alike] - logs[30]).min()
    few = [0, 3, 6, 9]
    assert twins_of(logs[few], columns_of([keys[n] for n in few], [9] * 4, {}, np.ones((4, 1))), [0])[0].size == 0


def test_a_row_says_how_its_twins_fare():
    """A reseller with many sites is above most of all of its size, and like its twins."""
    sizes, counts, kinds = frame()
    seen = [appearance(f"{key}-{n}", key, site_id=f"{key}/{n}") for key, count in counts.items() for n in range(count)]
    key = max((key for key in counts if kinds[key] == "reseller"), key=counts.__getitem__)
    plain, told = (ranked(seen, sizes, structure=structure)[key] for structure in ({}, {"business": kinds}))
    assert told.twins == plain.twins == TWINS
    assert told.twins_sites > plain.twins_sites
    assert told.ratio < plain.ratio
