"""Countries of hosters as arrays: their true shares, and the figures of the list "worth a look" in them."""

import numpy as np
import pytest

from waterbed.estimators.borrowed import blocks, borrowed_shares
from waterbed.lab.simulate.countries import (
    A_WEEK,
    DEPENDENCES,
    HOSTERS,
    NORM,
    SPREADS,
    WEEKS,
    Country,
    draw_country,
)


@pytest.mark.parametrize("dependence", DEPENDENCES)
def test_over_repetitions_a_hoster_removes_its_true_share(dependence):
    """Whatever removals depend on: hits less their expected number are 0 in the mean, within chance."""
    excess = []
    for number in range(60):
        country = draw_country("half and half", dependence, np.random.default_rng([number, 5]))
        excess.append(np.bincount(country.hoster, country.possibly - country.true[country.hoster], HOSTERS))
    for kind in (excess, [sum(one[:5]) for one in excess]):
        sums = np.array(kind).reshape(60, -1).sum(axis=1)
        assert abs(sums.mean()) <= 4 * sums.std() / np.sqrt(60)


def test_reports_are_as_many_as_said_and_mostly_at_large_hosters():
    """60 a week for half a year, sizes by Zipf; most sites have one report, and of removals some were never seen up."""
    drawn = [draw_country("wide", "none", np.random.default_rng([number, 6]), unseen=0.3) for number in range(30)]
    assert np.mean([one.hoster.size for one in drawn]) == pytest.approx(A_WEEK * WEEKS, rel=0.02)
    first, tenth = (np.mean([(one.hoster == number).mean() for one in drawn]) for number in (0, 9))
    assert 8 < first / tenth < 12.5
    assert np.mean([np.unique(one.site).size / one.site.size for one in drawn]) == pytest.approx(0.91, abs=0.02)
    assert np.mean([one.surely.sum() / one.possibly.sum() for one in drawn]) == pytest.approx(0.7, abs=0.02)
    assert not any((one.surely & ~one.possibly).any() for one in drawn)


@pytest.mark.parametrize("spread", SPREADS)
def test_few_of_those_worth_a_look_are_named_wrongly(spread):
    """In the mean over studies at most 5%, where removals are independent and where they share their fate."""
    for dependence in ("none", "some queues"):
        false, holds = [], []
        for number in range(25):
            country = draw_country(spread, dependence, np.random.default_rng([number, 7]))
            names, held = _looked_at(country)
            false.append((country.true[names] >= NORM).sum() / max(1, names.size))
            holds.append(held)
        assert np.mean(false) <= 0.05 + 2 * np.std(false) / 5
        assert np.mean(holds) >= 0.9


def _looked_at(country: Country) -> tuple[np.ndarray, float]:
    """The hosters worth a look, and the part of the intervals that hold the true share."""
    labels = [blocks(country.at_h), country.site]
    found = borrowed_shares(country.surely, country.possibly, country.hoster, labels, HOSTERS, norm=NORM)
    assert found is not None
    holds = (found.low <= country.true) & (country.true <= found.high)
    return np.flatnonzero(found.named), float(holds[np.isfinite(found.number)].mean())
