"""Survival in real feeds, against published and computed numbers."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.phishtank import Cohort, read_cohort
from benchmarks.platforms import platforms
from docs.study.lognormal import fit_lognormal
from waterbed.estimators.survival.npmle import kaplan_meier, turnbull

pytestmark = pytest.mark.realdata

FOLDER = Path(os.environ.get("WATERBED_REALDATA", "."))
TWO_HUNDREDTHS_D = 0.02


@pytest.fixture(scope="module")
def oracle() -> dict[str, Any]:
    """The numbers to be reached."""
    return json.loads((FOLDER / "oracles.json").read_text())["phishtank_2018_2019"]


@pytest.fixture(scope="module")
def everyone() -> Cohort:
    """All ids of the feed."""
    return read_cohort(FOLDER)


def test_the_cohort_is_the_one_described(everyone):
    """150,473 new ids, 8,703 of them still there at the end, of 178,312."""
    assert everyone.left.size == 178_312
    assert everyone.new.sum() == 150_473
    assert np.isinf(everyone.right[everyone.new]).sum() == 8_703


def test_medians_by_every_treatment_of_the_interval(everyone, oracle):
    """Left ends, middles, right ends, the ended alone: each median within 0.02 days."""
    left, right = everyone.left[everyone.new], everyone.right[everyone.new]
    ended = np.isfinite(right)
    found = {
        "naive_dropping_censored": float(np.median((left + right)[ended] / 2)),
        "km_lower": kaplan_meier(left, np.where(ended, left, right)).median[1],
        "km_midpoint": kaplan_meier(left, right, midpoint=True).median[1],
        "km_upper": kaplan_meier(np.where(ended, right, left), right).median[1],
    }
    print(found)
    for name, median in found.items():
        assert median == pytest.approx(oracle["median_days"][name], abs=TWO_HUNDREDTHS_D), name


def test_the_interval_estimate_has_the_published_median(everyone, oracle):
    """The cell of the exact-time estimate that holds the median is 5.41 days; there are 59,936 cells."""
    found = turnbull(everyone.left[everyone.new], everyone.right[everyone.new])
    print(found.median, found.start.size, found.slack, found.rounds)
    assert found.start.size == 59_936
    assert found.slack <= 1e-4
    for end, published in zip(found.median, oracle["median_days"]["npmle"], strict=True):
        assert end == pytest.approx(published, abs=TWO_HUNDREDTHS_D)


def test_late_entry_matters_and_is_ignored_only_aloud(everyone, oracle):
    """All ids: 5.54 days with entry, 8.46 without, the latter with a warning."""
    heeded = kaplan_meier(everyone.left, everyone.right, everyone.entry, midpoint=True)
    with pytest.warns(UserWarning, match="late entry is ignored"):
        ignored = kaplan_meier(everyone.left, everyone.right, everyone.entry, midpoint=True, ignore_entry=True)
    print(heeded.median[1], ignored.median[1])
    medians = oracle["median_days"]
    assert heeded.median[1] == pytest.approx(medians["all_ids_delayed_entry"], abs=TWO_HUNDREDTHS_D)
    assert ignored.median[1] == pytest.approx(medians["all_ids_ignoring_entry"], abs=TWO_HUNDREDTHS_D)


def test_the_midpoint_curve_is_the_published_one(everyone, oracle):
    """Survival at nine days within 0.002."""
    curve = kaplan_meier(everyone.left[everyone.new], everyone.right[everyone.new], midpoint=True)
    for day, published in oracle["km_midpoint_survival_by_day"].items():
        assert curve.at(float(day)).middle == pytest.approx(published, abs=0.002), day


def test_platforms_have_their_own_medians(everyone, oracle):
    """The median of each named platform within 2%."""
    for name, published in oracle["platform_median_days"].items():
        its = everyone.new & (everyone.platform == name)
        median = kaplan_meier(everyone.left[its], everyone.right[its], midpoint=True).median[1]
        print(name, its.sum(), median, turnbull(everyone.left[its], everyone.right[its]).median)
        assert median == pytest.approx(published, rel=0.02), name


def test_platforms_remove_in_bursts_and_intervals_say_so(everyone):
    """Ends a day vary more than their mean, the more the wider today's interval is against that of 0.1.0."""
    found = {one.name: one for one in platforms(everyone)}
    spread = {name: one.dispersion for name, one in found.items()}
    print(found)
    expected = {"000webhostapp.com": 9.4, "wixsite.com": 11.7, "blogspot.com": 2.9, "windows.net": 1.8}
    assert spread == pytest.approx(expected, abs=0.06)
    for one in found.values():
        for share in one.shares:
            assert share.today is not None
            assert share.today[0] <= share.share <= share.today[1]
            assert share.today[1] - share.today[0] >= share.before[1] - share.before[0]


def test_the_published_curve_of_2021_is_refitted_and_rejected():
    """From six published points: mu, sigma and chi-square as computed before; lognormality is rejected."""
    told = json.loads((FOLDER / "oracles.json").read_text())["kaspersky_2021"]
    edges = [float(hours) for hours in told["gone_by_hours"]]
    shares = list(told["gone_by_hours"].values())
    for days, alive in told["alive_at_days"].items():
        edges.append(24.0 * float(days))
        shares.append(1.0 - alive)
    found = fit_lognormal(edges, told["n"] * np.diff([0.0, *shares, 1.0]))
    print(found)
    expected = told["lognormal_fit"]
    assert found.mu == pytest.approx(expected["mu_log_hours"], abs=5e-4)
    assert found.sigma == pytest.approx(expected["sigma"], abs=5e-4)
    assert found.chi2 == pytest.approx(expected["chi2"], abs=0.05)
    assert found.df == expected["df"]
    assert found.p < 0.001
