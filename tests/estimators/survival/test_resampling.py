"""How sure a survival estimate is."""

import numpy as np
import pytest

from waterbed.estimators.survival.npmle import turnbull
from waterbed.estimators.survival.resampling import resample

INF = np.inf


def clusters(rng, count, *, most=6, between=0.0):
    """Exponential ends of mean 30, seen every 4; clusters of up to `most` whose means differ by exp(between * z)."""
    sizes = rng.integers(1, most + 1, count)
    label = np.repeat(np.arange(count), sizes)
    time = rng.exponential(30 * np.exp(between * rng.normal(size=count)))[label] if between else None
    if time is None:
        time = rng.exponential(30.0, label.size)
    left = np.floor(time / 4) * 4
    return np.minimum(left, 80), np.where(left >= 80, INF, left + 4), label


def test_estimate_is_that_of_all_and_lies_in_its_interval():
    """What is resampled is the plain estimate, and each interval holds it."""
    rng = np.random.default_rng(1)
    left, right, label = clusters(rng, 50)
    found = resample(left, right, label, rng, step=1.0)
    assert found.estimate.mass == pytest.approx(turnbull(left, right, step=1.0).mass)
    assert found.clusters == 50
    assert found.resampled.shape == (found.estimate.mass.size, 200)
    for sure in (found.at(24), found.median(), found.rmst(72)):
        assert sure.low <= sure.estimate <= sure.high
    assert found.at(24).estimate == pytest.approx(found.estimate.at(24).middle)
    assert found.rmst(72).estimate == pytest.approx(found.estimate.rmst(72).middle)


def test_one_seed_gives_one_answer():
    """The generator decides, nothing else."""
    left, right, label = clusters(np.random.default_rng(1), 30)
    once, again = (resample(left, right, label, np.random.default_rng(7), bca=True).at(24) for _ in range(2))
    assert once == again


@pytest.mark.parametrize("bca", [False, True])
def test_intervals_cover_the_truth(bca):
    """Over 200 worlds of 60 clusters, 95% intervals of S(24) hold the truth in 90 to 99%."""
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(200):
        left, right, label = clusters(rng, 60)
        sure = resample(left, right, label, rng, step=4.0, resamples=200, bca=bca).at(24)
        inside += sure.low <= np.exp(-24 / 30) <= sure.high
    assert 180 <= inside <= 198


def test_means_of_few_clusters_are_covered():
    """Over 200 worlds of 12 clusters, 95% intervals of the mean within 72 hold the truth in 91 to 98%."""
    rng = np.random.default_rng(12)
    inside = 0
    for _ in range(200):
        left, right, label = clusters(rng, 12)
        sure = resample(left, right, label, rng, step=4.0).rmst(72)
        inside += sure.low <= 30 * (1 - np.exp(-72 / 30)) <= sure.high
    assert 182 <= inside <= 196


def test_clusters_that_go_together_make_wider_intervals():
    """The same clocks are less sure if those of one cluster end together."""
    rng = np.random.default_rng(2)
    left, right, label = clusters(rng, 40, most=12, between=0.5)
    together = resample(left, right, label, rng, step=4.0).at(24)
    alone = resample(left, right, np.arange(label.size), rng, step=4.0).at(24)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_an_end_that_was_not_seen_has_no_upper_bound():
    """If half never ended in some resamples, the median's interval is open above."""
    found = resample([0] * 6 + [10] * 5, [4] * 6 + [INF] * 5, np.arange(11), np.random.default_rng(3), bca=True)
    assert found.median().high == INF
    assert found.median().estimate == 2


def test_gap_is_what_the_intervals_say_themselves():
    """Surely gone by 24 is one of four, possibly three."""
    found = resample([2, 20, 5, 30], [4, 30, INF, INF], [0, 1, 2, 3], np.random.default_rng(1), resamples=2)
    assert (found.gap(24).surely, found.gap(24).possibly) == (0.25, 0.75)


def test_heeds_entry_in_every_resample():
    """With late entry the resamples lie around the estimate that heeds it."""
    rng = np.random.default_rng(4)
    time = rng.exponential(30.0, 600)
    entry = np.where(rng.random(600) < 0.5, rng.uniform(0, 60, 600), 0.0)
    time, entry = time[time > entry], entry[time > entry]
    left, right = np.maximum(np.floor(time / 4) * 4, entry), np.floor(time / 4) * 4 + 4
    sure = resample(left, right, np.arange(time.size), rng, entry=entry, step=1.0).at(24)
    assert sure.low < np.exp(-24 / 30) < sure.high
    assert sure.high - sure.low < 0.2


@pytest.mark.parametrize("bca", [True, False])
def test_one_cluster_gives_no_interval(bca):
    """A single cluster drawn again is itself: an interval without width would tell what nobody knows."""
    found = resample([0, 4, 8], [4, 8, INF], [5, 5, 5], np.random.default_rng(1), bca=bca)
    assert found.clusters == 1
    for sure in (found.at(4), found.median(), found.rmst(8)):
        assert (sure.low, sure.high) == (None, None)
        assert sure.estimate > 0


@pytest.mark.parametrize(("label", "count"), [([0], 10), ([0.5, 1.5], 10), ([0, 1], 0)])
def test_refuses_labels_that_are_none(label, count):
    """Too few labels, labels that are no whole numbers and no resample are refused."""
    with pytest.raises(ValueError):
        resample([0, 1], [2, 3], label, np.random.default_rng(1), resamples=count)
