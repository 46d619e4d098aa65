"""Hops in drawn worlds against the truth: by kind, worlds without hops, and bounds of the displaced share.

Usage: python benchmarks/hop_worlds.py [--part kinds|none|bounds] [--worlds N] [--seed S] [--workers W]. No network, no
server: looks are taken in virtual time, and concluded from by the production's code. Exit 1 if a target is missed.
"""

import argparse
import random
import sys
import time
from multiprocessing import get_context

import msgspec
import numpy as np
from scipy import stats

from waterbed.estimators.detection import displaced_bounds
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.takedowns import detection_by_way
from waterbed.lab.score.hop_score import KINDS, KindTally
from waterbed.lab.simulate.displaced_worlds import DETECTION, displaced_world
from waterbed.lab.simulate.draw import draw_hop_world
from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.study import score_virtual, virtual_study
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate

SURE, COVERED = 0.95, 0.94
NO_HOPS = ("quiet", "renumbering", "cdn", "lineage", "churn")
HOW_MANY = {"kinds": 60, "none": 12, "bounds": 2_000}
"""Worlds of each part; of each scenario for those without hops."""
BASE = "waterbed"
NARROW = 0.1
"""Half of the range of a study that knows its detection better."""


def kinds_of(which):
    """Hops by kind of one drawn world full of hops."""
    seed, number = which
    chance = random.Random(f"hop world {seed} {number}")
    drawn = draw_hop_world(read_world(scenario_path(BASE)), chance)
    truth = simulate(drawn.world)
    return len(truth.hops), score_virtual(truth, virtual_study(truth, drawn.plan, chance))


def kinds(pool, worlds, seed):
    """Precision and recall of each kind over drawn worlds."""
    true, tallies = 0, {kind: KindTally() for kind in KINDS}
    for hops, of_world in pool.imap_unordered(kinds_of, [(seed, n) for n in range(worlds)]):
        true += hops
        tallies = {kind: tallies[kind] + of_world[kind] for kind in KINDS}
    print(f"{worlds} worlds full of hops, {true:,} true ones")
    for kind, tally in tallies.items():
        good = (tally.precision or 0.0) >= SURE and (tally.recall or 0.0) >= SURE
        yield (
            f"{kind}: {tally.measured:,} measured, {tally.right:,} right, precision {tally.precision or 0.0:.3f}; "
            f"{tally.detectable:,} detectable, {tally.found:,} found, recall {tally.recall or 0.0:.3f}",
            good,
        )


def hops_of(which):
    """Hops of a scenario that has none, at another seed, with looks that miss things and late reports."""
    name, seed, number = which
    world = msgspec.structs.replace(read_world(scenario_path(name)), seed=seed * 100_000 + number)
    truth = simulate(world)
    if truth.hops:
        raise ValueError(f"the scenario {name} has hops at seed {world.seed}")
    chance = random.Random(f"no hops {seed} {number}")
    plan = LookPlan(every_hours=chance.uniform(1.0, 1.5), missed=chance.uniform(0.05, 0.2), late=0.3)
    found = virtual_study(truth, plan, chance).conclusions
    return name, len(found.hops), len(found.facts.looks), len(found.episodes)


def none(pool, worlds, seed):
    """Hops where nothing moves."""
    hops, looks, episodes = ({name: [] for name in NO_HOPS} for _ in range(3))
    work = [(name, seed, number) for name in NO_HOPS for number in range(worlds)]
    for name, *found in pool.imap_unordered(hops_of, work):
        for kept, one in zip((hops, looks, episodes), found, strict=True):
            kept[name].append(one)
    for name in NO_HOPS:
        yield (
            f"{name}: {sum(hops[name])} hops in {worlds} worlds, {sum(looks[name]):,} looks, "
            f"{sum(episodes[name]):,} episodes",
            not any(hops[name]),
        )


def _declared(of_new):
    """Detection of each way, with that of new URLs at home and abroad."""
    return [DETECTION[0], *detection_by_way(*of_new)[1:]]


def bounds_of(which):
    """True displaced shares of one drawn world, and the bounds that a study would publish in several ways."""
    seed, number = which
    found = displaced_world(read_world(scenario_path(BASE)), random.Random(f"displaced {seed} {number}"))
    units = found.takedowns
    sure, maybe = [one.certain for one in units], [one.possible for one in units]
    sites = [one.site_id for one in units]
    least, most = sum(map(any, sure)), sum(map(any, maybe))
    whole = DETECTION[1]
    near = _declared([(max(0.01, d - NARROW), min(1.0, d + NARROW)) for d in found.reported])
    known = _declared([(d, d) for d in found.reported])
    ends = {
        "order alone": (least / len(units), most / len(units)),
        "order and detection, one range, no clusters": (
            min(1.0, _exact(least, len(units)).low / whole[1]),
            min(1.0, _exact(most, len(units)).high / whole[0]),
        ),
    }
    for name, detection in (("combined", DETECTION), ("detection within 0.1", near), ("detection known", known)):
        both = displaced_bounds(sure, maybe, sites, detection=detection)
        ends[name] = None if isinstance(both, Refusal) else (both.low, both.high)
    return len(units), (found.seen, found.all, found.process), ends


def _exact(some, of):
    """The Clopper-Pearson interval of a share."""
    return stats.binomtest(some, of).proportion_ci(0.95, "exact")


def bounds(pool, worlds, seed):
    """How often bounds hold the true displaced share, and how wide they are."""
    results = list(pool.imap_unordered(bounds_of, [(seed, n) for n in range(worlds)]))
    true = np.array([of for _, of, _ in results])
    print(
        f"{worlds} worlds, {sum(n for n, _, _ in results):,} takedowns; true share {true[:, 0].min():.2f} to "
        f"{true[:, 0].max():.2f}, mean {true[:, 0].mean():.3f}"
    )
    for name in results[0][2]:
        answered = [(of, ends[name]) for _, of, ends in results if ends[name] is not None]
        low, high = np.array([ends for _, ends in answered]).T
        held = [
            float(np.mean([(low[i] <= of[column] <= high[i]) for i, (of, _) in enumerate(answered)]))
            for column in range(3)
        ]
        width = high - low
        yield (
            f"{name}: hold the share of the study's takedowns {held[0]:.4f}, of all {held[1]:.4f}, the process's "
            f"{held[2]:.4f}; width mean {width.mean():.3f}, median {np.median(width):.3f}, below 1 at the high end "
            f"{np.mean(high < 1):.2f}, above 0 at the low end {np.mean(low > 0):.2f}; "
            f"{worlds - len(answered)} refused",
            min(held) >= COVERED if name == "combined" else None,
        )


PARTS = {"kinds": kinds, "none": none, "bounds": bounds}


def main():
    """Run each part, print its figures, count what was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--worlds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    missed = 0
    with get_context("spawn").Pool(asked.workers) as pool:
        for name in asked.part or PARTS:
            began = time.perf_counter()
            for said, good in PARTS[name](pool, asked.worlds or HOW_MANY[name], asked.seed):
                missed += good is False
                print(f"{'      ' if good is None else 'ok    ' if good else 'MISSED'}  {said}", flush=True)
            print(f"          {name}: {time.perf_counter() - began:.0f} s, seed {asked.seed}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
