"""Displacement tests: 1,000 permutations over a million moves, and with --prove how often they reject."""

import argparse
import sys
import time
from multiprocessing import Pool

import numpy as np
from displacement_worlds import CAUTIOUS, NULLS, POWER, WARNINGS
from figures import Figure, tell

from waterbed.estimators.lifts import destination_null, step_down, timing_null
from waterbed.estimators.refusal import Refusal

TARGET_S = 30.0
LABELS, WEEKS, CATEGORIES = 2000, 52, 5
CHUNK = 25
TABLES = {"null": NULLS, "warning": WARNINGS, "power": POWER}


def million(rng, moves):
    """Moves between places of very unequal size, in weeks and categories."""
    share = 1.0 / np.arange(1, LABELS + 1)
    share /= share.sum()
    origin, destination = rng.choice(LABELS, moves, p=share), rng.choice(LABELS, moves, p=share)
    while (same := origin == destination).any():
        destination[same] = rng.choice(LABELS, int(same.sum()), p=share)
    return origin, destination, rng.integers(0, WEEKS, moves), rng.integers(0, CATEGORIES, moves)


def _timed(work):
    """Seconds by the clock and of the processor that one null takes, and what it says of the forty largest places."""
    name, moves, permutations, seed = work
    rng = np.random.default_rng(seed)
    origin, destination, week, category = million(rng, moves)
    pairs = np.array([(i, j) for i in range(40) for j in range(40) if i != j])
    number = np.where((origin < 40) & (destination < 40), origin * 40 + destination, -1)
    ended = 168.0 * week + rng.uniform(0, 168, moves)
    arrived = ended + rng.uniform(-200, 400, moves)
    wall, cpu = time.perf_counter(), time.process_time()
    if name == "destination":
        stratum = week * CATEGORIES + category
        draws = destination_null(origin, destination, stratum, pairs, rng, permutations=permutations)
    else:
        stratum = origin * WEEKS + week
        draws = timing_null(ended, arrived, stratum, number, rng, within=48, permutations=permutations)
    tests = step_down(draws)
    return name, time.perf_counter() - wall, time.process_time() - cpu, tests


def speed(moves, permutations, seed, target, processes):
    """Time both nulls with all ordered pairs of the forty largest places; returns what is wrong."""
    with Pool(min(processes, 2)) as pool:
        found = pool.map(_timed, [(name, moves, permutations, seed) for name in ("destination", "timing")], chunksize=1)
    for name, wall, cpu, tests in found:
        print(
            f"{name:11} {permutations:,} permutations of {moves:,} moves, {tests.seen.size:,} pairs: {wall:.1f} s, "
            f"processor {cpu:.1f} s; {(tests.p <= 0.05).mean():.1%} of pairs at 5%, "
            f"least adjusted p {tests.adjusted.min():.3f}, smallest attainable {tests.smallest_p:.4f}"
        )
    walls = [wall for _, wall, _, _ in found]
    whole = max(walls) if processes > 1 else sum(walls)
    print(f"both {'at once' if processes > 1 else 'in turn'}: {whole:.1f} s")
    work = "displacement, both nulls permuted"
    tell(Figure(work=work, ours=whole, unit="s", value=whole, bound="at most", target=target))
    return [f"both nulls took {whole:.1f} s, the target is {target:g} s"] if whole > target else []


def _rejected(work):
    """Of some worlds the rejections by the published p, by the one with ties broken by chance, and the refusals."""
    table, number, seed, worlds = work
    p = TABLES[table][number][2]
    found = [p(np.random.default_rng([seed, number, world])) for world in worlds]
    given = [one if isinstance(one, tuple) else (one, one) for one in found if not isinstance(one, Refusal)]
    return np.array(
        [sum(one[0] <= 0.05 for one in given), sum(one[1] <= 0.05 for one in given), len(found) - len(given)]
    )


def _verdict(table, name, share, worlds):
    error = 2 * (0.05 * 0.95 / worlds) ** 0.5
    if table == "null":
        if name in CAUTIOUS and share < 0.05:
            return "ok"
        return "ok" if 0.04 <= share <= 0.06 else "within two errors" if abs(share - 0.05) <= 0.01 + error else "MISSED"
    return ("ok" if share >= 0.8 else "WEAK") if table == "power" else ""


def prove(worlds, seed, processes, only):
    """Count rejections at 5% in simulated worlds of tests whose name holds `only`; returns what is wrong."""
    wrong = []
    print("table    test                           world                         worlds refused published  exact")
    with Pool(processes) as pool:
        for table, rows in TABLES.items():
            count = worlds if table == "null" else max(1, worlds // 4)
            for number, (name, kind, _) in enumerate(rows):
                if only not in f"{table} {name}, {kind}":
                    continue
                began = time.perf_counter()
                works = [(table, number, seed, range(at, min(at + CHUNK, count))) for at in range(0, count, CHUNK)]
                published, exact, refused = sum(pool.imap_unordered(_rejected, works))
                asked = max(count - refused, 1)
                verdict = _verdict(table, name, exact / asked, asked)
                if verdict in ("MISSED", "WEAK"):
                    wrong.append(f"{name}, {kind}: {exact / asked:.1%} at 5%")
                print(
                    f"{table:8} {name:30} {kind:29} {count:6,} {refused:7,} {published / asked:8.2%} "
                    f"{exact / asked:7.2%} {verdict:18} {time.perf_counter() - began:.0f} s",
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
        wrong = speed(asked.moves, asked.permutations, asked.seed, asked.target, asked.processes)
    for one in wrong:
        print("WRONG:", one)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
