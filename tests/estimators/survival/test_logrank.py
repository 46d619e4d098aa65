"""Whether groups differ."""

import numpy as np
import pytest

from waterbed.estimators.survival.logrank import log_rank, scores

INF = np.inf


def world(rng, clusters, *, ratio=1.0, gap=6.0, entry=False):
    """Two groups of clusters of one to four clocks; hazards of the second are `ratio` times the first's."""
    group_of = rng.integers(0, 2, clusters)
    label = np.repeat(np.arange(clusters), rng.integers(1, 5, clusters))
    group = group_of[label]
    time = rng.exponential(30.0, label.size) / np.where(group == 1, ratio, 1.0)
    came = (
        np.where(rng.random(label.size) < 0.4, rng.uniform(0, 20, label.size), 0.0) if entry else np.zeros(label.size)
    )
    seen = time > came
    time, came, group, label = time[seen], came[seen], group[seen], label[seen]
    left = np.maximum(np.minimum(np.floor(time / gap) * gap, 60.0), came)
    right = np.where(time > 60, INF, np.floor(time / gap) * gap + gap)
    return left, right, group, label, came


def test_scores_sum_to_zero_and_rise_with_the_end():
    """Scores are centred at the pooled estimate, and later intervals have higher ones."""
    left, right, _, _, entry = world(np.random.default_rng(1), 80, entry=True)
    score = scores(left, right, entry)
    assert score.sum() == pytest.approx(0, abs=0.05)
    plain = scores([0, 4, 8, 12], [4, 8, 12, INF])
    assert (np.diff(plain) > 0).all()


@pytest.mark.parametrize("entry", [False, True])
def test_level_is_kept_without_a_difference(entry):
    """Over 300 worlds without a difference, 5% tests reject in 2 to 9%."""
    rng = np.random.default_rng(21)
    rejected = 0
    for _ in range(300):
        left, right, group, label, came = world(rng, 30, entry=entry)
        rejected += log_rank(left, right, group, label, rng, entry=came, permutations=99).p <= 0.05
    assert 6 <= rejected <= 27


def test_finds_a_difference_and_its_direction():
    """Hazards twice as high are found, and the group with them has early ends."""
    rng = np.random.default_rng(3)
    left, right, group, label, _ = world(rng, 150, ratio=2.0)
    found = log_rank(left, right, group, label, rng)
    assert found.p <= 0.005
    assert found.p_chi2 < 0.005
    assert found.excess[1] < 0 < found.excess[0]
    assert found.clusters == np.unique(label).size


def test_agrees_with_the_log_rank_test_of_exact_times():
    """With times known to a hair, the large-sample value is near lifelines' log-rank value."""
    from lifelines.statistics import logrank_test

    rng = np.random.default_rng(5)
    time = np.concatenate([rng.exponential(30, 150), rng.exponential(22, 150)])
    group = np.repeat([0, 1], 150)
    ours = log_rank(time - 1e-6, time + 1e-6, group, np.arange(300), rng, permutations=1)
    theirs = logrank_test(time[group == 0], time[group == 1])
    assert ours.distance == pytest.approx(theirs.test_statistic, rel=0.1)


def test_three_groups_with_any_names():
    """Groups keep their numbers; the smallest p is one in permutations + 1."""
    rng = np.random.default_rng(6)
    left = np.repeat([0.0, 8.0, 16.0], 12)
    found = log_rank(left, left + 4, np.repeat([40, 7, 19], 12), np.arange(36), rng, permutations=199)
    assert found.groups.tolist() == [7, 19, 40]
    assert found.p == 1 / 200


@pytest.mark.parametrize(
    ("group", "cluster"), [([0, 0, 0], [0, 1, 2]), ([0, 1, 1], [0, 0, 1]), ([0, 1], [0, 1, 2]), ([0, 1, 1], [0, 1])]
)
def test_refuses_one_group_and_clusters_across_groups(group, cluster):
    """One group, a cluster in two groups, and labels for others are refused."""
    with pytest.raises(ValueError):
        log_rank([0, 1, 2], [1, 2, 3], group, cluster, np.random.default_rng(1))
