"""Log-rank test of interval-censored times between groups.

Whole clusters are permuted.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.survival.intervals import Floats, Ints, intervals, sums
from waterbed.estimators.survival.npmle import maximum

TIGHT = 1e-5
"""Slack of the pooled estimate: scores have logarithms in them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogRank:
    """A log-rank test: scores by group, distance and p.

    Sums of scores by group, their distance from no difference, and the share of permutations that go farther. `excess`
    is positive where ends come late. `p` is by permutation and never below 1 / (permutations + 1); `p_chi2` is the
    large-sample value on groups - 1 degrees of freedom.
    """

    groups: Ints
    excess: Floats
    distance: float
    p: float
    p_chi2: float
    clusters: int
    permutations: int


def log_rank(
    left_end: npt.ArrayLike,
    right: npt.ArrayLike,
    group: npt.ArrayLike,
    cluster: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    entry: npt.ArrayLike | None = None,
    step: float | None = None,
    permutations: int = 999,
) -> LogRank:
    """Test whether all groups have one survival function.

    Scores are the derivative of each log likelihood towards proportionally other hazards, at the pooled estimate
    (Finkelstein, Biometrics 42, 1986; beside the others' in Fay, Statistics in Medicine 18, 1999).
    Group labels are permuted among clusters, so a cluster lies in one group. The test is exact if, without a
    difference, clusters could change groups: looks must not be spaced by group. Raises ValueError for impossible input.
    """
    score = scores(left_end, right, entry, step)
    groups, of_cluster, total = _by_cluster(score, np.asarray(group), np.asarray(cluster))
    if groups.size < 2 or permutations < 1:
        raise ValueError("a test needs two groups and at least one permutation")
    sizes = np.bincount(of_cluster, minlength=groups.size)
    centred = total - total.mean()
    spread = float(np.square(centred).sum()) / max(1, total.size - 1)
    excess = sums(of_cluster, centred, groups.size)
    distance = _distance(excess, sizes, spread)
    farther = sum(
        _distance(sums(rng.permutation(of_cluster), centred, groups.size), sizes, spread) >= distance * (1.0 - 1e-12)
        for _ in range(permutations)
    )
    return LogRank(
        groups=groups,
        excess=excess,
        distance=distance,
        p=(1 + farther) / (permutations + 1),
        p_chi2=float(scipy.special.chdtrc(groups.size - 1, distance)),
        clusters=int(total.size),
        permutations=permutations,
    )


def scores(
    left: npt.ArrayLike, right: npt.ArrayLike, entry: npt.ArrayLike | None = None, step: float | None = None
) -> Floats:
    """Return the log-rank score of each interval.

    At the pooled estimate; they sum to zero. [S(L) log S(L) - S(R) log S(R)] / [S(L) - S(R)] - log S(V): near 1 for the
    earliest ends, negative for what lasts. The sign is turned, so that a high score is a late end.
    """
    grouped = intervals(left, right, entry, step)
    estimate = maximum(grouped, grouped.weight, tolerance=TIGHT)
    tail = np.append(np.cumsum(estimate.mass[::-1])[::-1], 0.0)
    logs = np.log(np.maximum(tail, 1e-300))
    lost = tail * logs
    inside = np.maximum(tail[grouped.begin] - tail[grouped.stop], 1e-300)
    score = (lost[grouped.begin] - lost[grouped.stop]) / inside - logs[grouped.enter]
    return np.asarray(-score[grouped.which], dtype=np.float64)


def _by_cluster(
    score: Floats, group: npt.NDArray[np.int64], cluster: npt.NDArray[np.int64]
) -> tuple[Ints, Ints, Floats]:
    """The groups, which of them each cluster is in, and the sum of scores of each cluster."""
    if group.shape != score.shape or cluster.shape != score.shape:
        raise ValueError("each interval needs a group and a cluster")
    groups, number = np.unique(group, return_inverse=True)
    _, first, member = np.unique(cluster, return_index=True, return_inverse=True)
    of_cluster = number[first]
    if (of_cluster[member] != number).any():
        raise ValueError("a cluster lies in more than one group")
    return groups, of_cluster, sums(member, score, of_cluster.size)


def _distance(excess: Floats, sizes: npt.NDArray[np.int64], spread: float) -> float:
    """Squared excess of each group over its permutation variance: chi-square on groups - 1, for many clusters."""
    return float((np.square(excess) / sizes).sum() / spread) if spread > 0 else 0.0
