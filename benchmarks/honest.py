"""Whether shares, ranks and names are true as their reader reads them, in worlds drawn from a grammar."""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.honest_figures import over_in, report
from benchmarks.honest_study import KEY, NEW, OLD, one_study
from benchmarks.honest_worst import worst_tenth
from benchmarks.resumed import resumed
from waterbed.lab.simulate.grammar import numbered_world

PARTS = ("shares", "worst")
FRESH = 10_000
"""Number of the first study that decides about a world; those before it chose it."""
DECIDING, SCORING, SEARCHING = 400, 200, 3_000
"""Fresh studies of a world with too much false, and of one of the worst; most studies of the search for these."""


def studied(
    numbers: Iterable[int], studies: Iterable[int], options: argparse.Namespace
) -> dict[int, list[dict[str, Any]]]:
    """The studies of some worlds; those in the results file are not made again."""
    some = list(studies)
    wanted = [(options.seed, world, number) for world in numbers for number in some]
    work = partial(one_study, tree=options.old)
    have = resumed(wanted, work, options.results, names=KEY, workers=options.workers, chunk=4)
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for key in wanted:
        found[key[1]].append(have[key])
    return found


def parts(options: argparse.Namespace) -> Iterator[str]:
    """Measure and print; yield what does not hold."""
    drawn = {number: numbered_world(options.seed, number) for number in range(options.worlds)}
    worlds = studied(drawn, range(options.studies), options)
    if "shares" in options.parts:
        fresh = range(FRESH, FRESH + options.deciding)
        decided = studied(over_in(worlds, drawn), fresh, options) if options.deciding else {}
        yield from report(worlds, drawn, decided)
    if "worst" in options.parts:
        make = partial(studied, options=options)
        yield from worst_tenth(worlds, make, most=options.searching, fresh=range(FRESH, FRESH + options.scoring))
    made = [study for some in worlds.values() for study in some]
    seconds = [fmean(study[version]["seconds"] for study in made) for version in (NEW, OLD)]
    print(f"a study {seconds[0]:.2f} s, by the old version {seconds[1]:.2f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, required=True, help="tree of version 0.2.0, as git worktree makes it")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--studies", type=int, default=50)
    parser.add_argument("--deciding", type=int, default=DECIDING, help="fresh studies of a world with too much false")
    parser.add_argument("--searching", type=int, default=SEARCHING, help="most studies in search of worse worlds")
    parser.add_argument("--scoring", type=int, default=SCORING, help="fresh studies of each of the worst worlds")
    parser.add_argument("--seed", type=int, default=51_001)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("honest.jsonl"), help="resumed if it is there")
    options = parser.parse_args()
    began = time.perf_counter()
    wrong = list(parts(options))
    print(f"{time.perf_counter() - began:.0f} s, seed {options.seed}")
    print("\n".join(wrong) if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
