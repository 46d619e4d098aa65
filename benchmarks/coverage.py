"""How often 95% intervals hold the truth: thousands of simulated studies of hard worlds, without a network."""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from waterbed.cli.scores import print_campaign
from waterbed.lab.simulate.coverage import Campaign, summarise
from waterbed.lab.simulate.draw import PLANS
from waterbed.lab.simulate.studies import simulate_studies
from waterbed.lab.world.reading import read_world, scenario_path

LEAST = 0.93
WIDEST = 1.6
"""Against the interval of exact times: 13 days leave few degrees of freedom to either."""
AMONG = ("all", *PLANS, "some reports late", "no report late", "10 to 19 sites", "20 to 39 sites", "40 sites or more")


def missed(found: Campaign) -> list[str]:
    """What does not hold, in words: coverage counts as missed when it is beyond two standard errors of its range."""
    wrong = []
    for row in found.coverage:
        if row.among not in AMONG:
            continue
        if row.covered < LEAST - 2 * row.error:
            wrong.append(f"{row.what}, {row.among}: {row.covered:.1%} hold the truth, {LEAST:.0%} wanted")
        if row.width_ratio is not None and row.width_ratio > WIDEST:
            wrong.append(f"{row.what}, {row.among}: {row.width_ratio:.2f} times as wide as with exact times")
    for end in ("first, wrongly", "first, by chance"):
        if found.blind.get(end):
            wrong.append(f"a hoster that lets us hang was {end} in {found.blind[end]} studies")
    if found.credited and found.credited[0] > found.credited[1] + 0.02:
        wrong.append("a hoster whose names go is credited with their ends")
    if found.size_speed and abs(found.size_speed[0]) > 2 * found.size_speed[1]:
        wrong.append("size and speed are correlated among equal hosters")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="quiet")
    parser.add_argument("--studies", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=394_445)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    began = time.perf_counter()
    world = read_world(scenario_path(options.scenario))
    found = summarise(simulate_studies(world, options.studies, seed=options.seed, workers=options.workers))
    print_campaign(found)
    print(f"{time.perf_counter() - began:.0f} s, seed {options.seed}, scenario {options.scenario}")
    wrong = missed(found)
    print("\n".join(wrong) if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
