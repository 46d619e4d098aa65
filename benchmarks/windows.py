"""Whether every table of a random window is that of the study cut to it and judged anew."""

import argparse
import sys
import time
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.study.windows import LabStudy, differences

STUDIES = (("quiet", False), ("churn", False), ("quiet", True), ("churn", True))
"""Scenario, and whether a loss takes three checks over two hours."""


def main() -> int:
    """Print how many windows of each study agreed; 1 if a table of any differs."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--windows", type=int, default=200, help="over all studies")
    asked.add_argument("--seed", type=int, default=0)
    words = asked.parse_args()
    each, rest = divmod(words.windows, len(STUDIES))
    differ = 0
    for (scenario, confirming), number in zip(STUDIES, count(), strict=False):
        began, windows = time.perf_counter(), each + (number < rest)
        study = LabStudy(scenario=scenario, confirming=confirming)
        found = list(differences(study, windows, seed=words.seed))
        differ += len(found)
        how = "confirmed by three checks" if confirming else "each check counts"
        done = f"{windows} windows of {len(study.facts.targets)} URLs, {len(found)} tables differ"
        print(f"{scenario}, {how}: {done}, {time.perf_counter() - began:.0f} s")
        print(*(f"  {one}" for one in found[:20]), sep="\n" if found else "", end="\n" if found else "")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
