"""Displacement tests: 1,000 permutations over a million moves, and with --prove how often they reject."""

import argparse
import sys
import time
from multiprocessing import Pool

import numpy as np
from displacement_worlds import NULLS, POWER, WARNINGS

from waterbed.estimators.lifts import destination_null, step_down, timing_null

TARGET_S = 30.0
LABELS, WEEKS, CATEGORIES = 2000, 52, 5
CHUNK = 25


def million(rng, moves):
    """Moves between places of very unequal size, in weeks and categories."""
    share = 1.0 / np.arange(1, LABELS + 1)
    share /= share.sum()
    origin, destination = rng.choice(LABELS, moves, p=share), rng.choice(LABELS, moves, p=share)
    while (same := origin == destination).any():
        destination[same] = rng.choice(LABELS, int(same.sum()), p=share)
    return origin, destination, rng.integers(0, WEEKS, moves), rng.integers(0, CATEGORIES, moves)


def speed(moves, permutations, seed, target):
    """Time both nulls with all ordered pairs of the forty largest places; returns what is wrong."""
    rng = np.random.default_rng(seed)
    origin, destination, week, category = million(rng, moves)
    pairs = np.array([(i, j) for i in range(40) for j in range(40) if i != j])
    number = np.where((origin < 40) & (destination < 40), origin * 40 + destination, -1)
    ended = 168.0 * week + rng.uniform(0, 168, moves)
    arrived = ended + rng.uniform(-200, 400, moves)
    wrong = []
    for name, draw in (
        (
            "destination",
            lambda: destination_null(
                origin, destination, week * CATEGORIES + category, pairs, rng, permutations=permutations
            ),
        ),
        (
            "timing",
            lambda: timing_null(
                ended, arrived, origin * WEEKS + week, number, rng, within=48, permutations=permutations
            ),
        ),
    ):
        wall, cpu = time.perf_counter(), time.process_time()
        tests = step_down(draw())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"{name:11} {permutations:,} permutations of {moves:,} moves, {tests.seen.size:,} pairs: {wall:.1f} s, "
            f"processor {cpu:.1f} s; {(tests.p <= 0.05).mean():.1%} of pairs at 5%, "
            f"least adjusted p {tests.adjusted.min():.3f}, smallest attainable {tests.smallest_p:.4f}"
        )
        if wall > target:
            wrong.append(f"the {name} null took {wall:.1f} s, the target is {target:g} s")
    return wrong


def _share(work):
    table, number, seed, worlds = work
    _, _, p = {"null": NULLS, "warning": WARNINGS, "power": POWER}[table][number]
    return sum(p(np.random.default_rng([seed, number, world])) <= 0.05 for world in worlds)


def prove(worlds, seed, processes, only):
    """Count rejections at 5% in simulated worlds of tests whose name holds `only`; returns what is wrong."""
    wrong = []
    error = (0.05 * 0.95 / worlds) ** 0.5
    low, high = 0.04 - 2 * error, 0.06 + 2 * error
    with Pool(processes) as pool:
        for table, rows, count in (
            ("null", NULLS, worlds),
            ("warning", WARNINGS, max(1, worlds // 4)),
            ("power", POWER, max(1, worlds // 10)),
        ):
            for number, (name, kind, _) in enumerate(rows):
                if only not in name:
                    continue
                began = time.perf_counter()
                starts = range(0, count, CHUNK)
                works = [(table, number, seed, range(at, min(at + CHUNK, count))) for at in starts]
                share = sum(pool.imap_unordered(_share, works)) / count
                verdict = ""
                if table == "null":
                    verdict = (
                        "ok" if 0.04 <= share <= 0.06 else "within two errors" if low <= share <= high else "MISSED"
                    )
                    if verdict == "MISSED":
                        wrong.append(f"{name}, {kind}: {share:.1%} at 5%")
                elif table == "power":
                    verdict = "ok" if share >= 0.8 else "weak"
                print(
                    f"{table:8} {name:30} {kind:30} {count:6,} worlds {share:7.2%} {verdict:18} "
                    f"{time.perf_counter() - began:.0f} s",
                    flush=True,
                )
    return wrong


def main() -> int:
    """Measure or prove, and say what is wrong."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--moves", type=int, default=1_000_000)
    words.add_argument("--permutations", type=int, default=1000)
    words.add_argument("--target", type=float, default=TARGET_S)
    words.add_argument("--prove", action="store_true")
    words.add_argument("--only", default="", help="part of a test's name")
    words.add_argument("--worlds", type=int, default=2000)
    words.add_argument("--processes", type=int, default=2)
    words.add_argument("--seed", type=int, default=int(time.time()))
    asked = words.parse_args()
    print(f"seed {asked.seed}")
    if asked.prove:
        wrong = prove(asked.worlds, asked.seed, asked.processes, asked.only)
    else:
        wrong = speed(asked.moves, asked.permutations, asked.seed, asked.target)
    for one in wrong:
        print("WRONG:", one)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
