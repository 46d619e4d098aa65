"""Sets of places on simulated hosters whose true places are known, and the time that they take.

Usage: python benchmarks/ranking.py [STUDIES [SEED]]. For each world: how often the sets hold all true places at once
(they are to do so in at least 94% of studies), how wide they are, and in how many studies percentile ranks of the same
resamples would hold them. Then 400 groups with 1,000 resamples. Exit code 1 if a bar is missed.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from waterbed.estimators.cluster_shares import pooled_correlation, ratio_error
from waterbed.estimators.counts import gamma_poisson
from waterbed.estimators.rank_sets import PlaceSets, cluster_weights, place_sets, resampled_sums, widened
from waterbed.estimators.survival.resampling import resampled_share

SEED = 117_646
RESAMPLES = 300
LEAST_COVERED = 0.94
LONGEST_S = 20.0

Floats = npt.NDArray[np.float64]
Drawn = tuple[Floats, Floats, Floats]
"""True values, estimates, and draws."""


@dataclass(frozen=True, slots=True)
class World:
    """One kind of study."""

    name: str
    study: Callable[[np.random.Generator], Drawn]


def speeds(shares: Floats, rng: np.random.Generator, *, giant: bool = False) -> Drawn:
    """Groups of 10 to 60 clusters of unequal size with these true shares; a cluster mostly shares one fate.

    With `giant` one cluster holds 93% of the first group.
    """
    groups, cluster, group, removed = shares.size, [], [], []
    number = 0
    for at, share in enumerate(shares):
        sizes = np.minimum(rng.geometric(0.4, rng.integers(10, 60)), 20)
        if giant and at == 0:
            sizes[0] = int(sizes[1:].sum() * 0.93 / 0.07)
        for size in sizes:
            fate = rng.random() < share
            members = np.where(rng.random(size) < 0.7, fate, rng.random(size) < share)
            cluster += [number] * size
            group += [at] * size
            removed += members.tolist()
            number += 1
    of, at_group, gone = np.array(cluster), np.array(group), np.array(removed)
    weights = cluster_weights(number, RESAMPLES, rng)
    values, draws, counted = np.empty(groups), np.empty((RESAMPLES, groups)), []
    for at in range(groups):
        own = at_group == at
        left = np.where(gone[own], 2.0, 100.0)
        found = resampled_share(left, np.where(gone[own], 3.0, np.inf), gone[own], 24.0, weights[:, of[own]])
        values[at] = np.arcsin(np.sqrt(found.share))
        draws[:, at] = np.arcsin(np.sqrt(np.clip(found.draws, 0.0, 1.0)))
        _, inner = np.unique(of[own], return_inverse=True)
        counted.append((np.bincount(inner, gone[own]), np.bincount(inner)))
    alike = pooled_correlation(counted).value
    errors = [ratio_error(hits, sizes, least_correlation=alike) for hits, sizes in counted]
    return shares, values, widened(draws, errors, rng)


def volumes(rng: np.random.Generator) -> Drawn:
    """400 hosters of unequal size and true ratio, seen in clusters of sites; those with 10 sites or more are placed."""
    expected = np.exp(rng.normal(1.0, 1.5, 400))
    ratio = rng.gamma(4.0, 0.25, expected.size)
    clusters = rng.poisson(ratio * expected / 1.2)
    group = np.repeat(np.arange(expected.size), clusters)
    sites = np.where(rng.random(group.size) < 0.1, 3, 1)
    observed = np.bincount(group, sites, expected.size)
    prior = gamma_poisson(observed, expected)
    placed = np.flatnonzero(observed >= 10)
    weights = cluster_weights(group.size, RESAMPLES, rng)
    sums = resampled_sums(weights, np.arange(group.size), group, sites, expected.size)[:, placed]
    a, b = prior.prior_shape, prior.prior_rate + expected[placed]
    least = np.sqrt(special.polygamma(1, a + observed[placed]))
    return ratio[placed], np.log((a + observed[placed]) / b), widened(np.log((a + sums) / b), least, rng)


WORLDS = (
    World("20 hosters, all equal", lambda rng: speeds(np.full(20, 0.6), rng)),
    World("20 hosters, all equal and quick", lambda rng: speeds(np.full(20, 0.95), rng)),
    World("20 hosters, half quick, half slow", lambda rng: speeds(np.repeat([0.9, 0.2], 10), rng)),
    World("20 hosters, spread evenly", lambda rng: speeds(np.linspace(0.1, 0.95, 20), rng)),
    World("20 hosters, one site of 93%", lambda rng: speeds(np.full(20, 0.6), rng, giant=True)),
    World("volume of 400 hosters against size", volumes),
)


def holds(sets: PlaceSets, true: Floats) -> bool:
    """Whether all true places are held; equal values may have any of their places."""
    best = 1 + (true[None, :] > true[:, None]).sum(axis=1)
    last = (true[None, :] >= true[:, None]).sum(axis=1)
    return bool(np.all((sets.low <= best) & (last <= sets.high)))


def percentile(draws: Floats) -> PlaceSets:
    """What ranks of the resamples would say."""
    places = 1 + (-draws).argsort(axis=1).argsort(axis=1)
    low, high = np.quantile(places, [0.025, 0.975], axis=0, method="inverted_cdf")
    return PlaceSets(low=low.astype(np.int64), high=high.astype(np.int64), above=high[:, None] < low[None, :])


def held_shares(sets: PlaceSets, true: Floats) -> float:
    """Part of the single true places that are held."""
    best = 1 + (true[None, :] > true[:, None]).sum(axis=1)
    last = (true[None, :] >= true[:, None]).sum(axis=1)
    return float(np.mean((sets.low <= best) & (last <= sets.high)))


def coverage(world: World, studies: int, seed: int) -> float:
    """Part of the studies in which all true places are held; printed beside width and percentile ranks."""
    rng = np.random.default_rng([seed, WORLDS.index(world)])
    all_held, width, naive, groups = 0, 0.0, 0.0, 0.0
    for _ in range(studies):
        true, estimates, draws = world.study(rng)
        sets = place_sets(estimates, draws)
        all_held += holds(sets, true)
        width += float(np.mean(sets.high - sets.low + 1))
        naive += held_shares(percentile(draws), true)
        groups += true.size
    share = all_held / studies
    error = np.sqrt(share * (1 - share) / studies)
    print(
        f"{world.name:36} all places held {share:.3f} (+-{error:.3f}), mean width {width / studies:5.1f} of "
        f"{groups / studies:.0f}; single places by percentile ranks {naive / studies:.2f}",
        flush=True,
    )
    return share


def timed() -> float:
    """Seconds for 400 groups of 50,000 clusters' rows with 1,000 resamples, joint and own sets."""
    rng = np.random.default_rng(SEED)
    cluster, group = rng.integers(0, 20_000, 50_000), rng.integers(0, 400, 50_000)
    began = time.perf_counter()
    sums = resampled_sums(cluster_weights(20_000, 1_000, rng), cluster, group, np.ones(group.size), 400)
    drawn = time.perf_counter()
    values = np.bincount(group, minlength=400).astype(float)
    place_sets(values, sums)
    joint = time.perf_counter()
    place_sets(values, sums, marginal=True)
    end = time.perf_counter()
    print(
        f"400 groups, 1,000 resamples: {drawn - began:.1f} s to draw, {joint - drawn:.1f} s joint sets, "
        f"{end - joint:.1f} s own sets"
    )
    return end - began


def main() -> int:
    """Print all figures; 1 if a bar is missed."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    shares = [coverage(world, studies, seed) for world in WORLDS]
    seconds = timed()
    print(f"{studies:,} studies each, seed {seed}; bars: all places held in {LEAST_COVERED:.0%}, {LONGEST_S:.0f} s")
    return int(min(shares) < LEAST_COVERED or seconds > LONGEST_S)


if __name__ == "__main__":
    sys.exit(main())
