"""The specification curve of the `waterbed` scenario: how many specifications, how long, and where the truth lies.

Usage: python benchmarks/sensitivity.py [STUDY] [--alone N]. STUDY is a finished lab study of that scenario; without one
it is run first, in a temporary folder. The peer is each specification by itself, all drawn from the facts again; N of
them (default 6) are timed in the same run, and their numbers must be equal. Exit code 1 if there are fewer than 64
specifications, 600 s are not enough, a number differs, or the truth is missing.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import Figure, tell

from waterbed.lab.run import run_scenario
from waterbed.lab.score.specification import true_outcomes, truth_of
from waterbed.questions.sensitivity.conclusions import conclusion_rows, conclusions_of
from waterbed.questions.sensitivity.curve import Curve, curve_of, removed
from waterbed.questions.sensitivity.grid import reference_of
from waterbed.questions.sensitivity.outcomes import Grouped
from waterbed.questions.sensitivity.variants import Variants
from waterbed.store.vault import KEYS_ENVIRONMENT, Keys
from waterbed.study.study import Study, open_study

SCENARIO = "waterbed"
FEWEST, LONGEST_S = 64, 600.0


@contextmanager
def studied(folder: Path | None) -> Iterator[Study]:
    """The study named, else one of a run of the scenario."""
    if folder is not None:
        with open_study(folder) as study:
            yield study
        return
    os.environ[KEYS_ENVIRONMENT] = Keys.new().to_toml()  # never on disk
    with tempfile.TemporaryDirectory(prefix="waterbed-sensitivity-") as name:
        run_scenario(SCENARIO, Path(name) / "study")
        with open_study(Path(name) / "study") as study:
            yield study


def alone(study: Study, curve: Curve, count: int) -> tuple[float, int]:
    """Seconds for each of some specifications drawn from all facts again, and how many of their numbers differ."""
    step = max(1, len(curve.outcomes) // count)
    chosen, differing = curve.outcomes[::step][:count], 0
    began = time.perf_counter()
    for outcomes in chosen:
        spec, reference = outcomes.spec, reference_of(study)
        conclusions = Variants(study, study.conclude(), reference).of(spec)
        grouped = Grouped(study, conclusions, spec)
        for key, other in outcomes.keys.items():
            differing += grouped.removed(other, spec) != outcomes.values[removed(key)]
    return (time.perf_counter() - began) / len(chosen), differing


def main() -> int:
    """Run the curve, then some specifications alone; print both beside each other."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("study", nargs="?", type=Path)
    words.add_argument("--alone", type=int, default=6)
    asked = words.parse_args()
    with studied(asked.study) as study:
        began = time.perf_counter()
        conclusions = study.conclude()
        curve = curve_of(study, conclusions=conclusions)
        seconds = time.perf_counter() - began
        truth = true_outcomes(truth_of(study.folder, SCENARIO, conclusions.facts.targets.keys()), curve)
        first, second = curve.ranked[:2]
        rows, _ = conclusion_rows(curve, conclusions_of(curve, hoster=first, than=second, slowest=3), truth)
        each, differing = alone(study, curve, asked.alone)
        looks = len(conclusions.facts.looks)
    specs, main_row = len(curve.outcomes), rows[0]
    for row in rows:
        below = "-" if row.below_truth is None else f"{row.below_truth:.0%} below the truth"
        print(f"{row.conclusion:32} holds {row.holds or 0:4.0%}  flipped by {row.flipped_by or '-':12} {below}")
    print(f"{specs} specifications of {curve.whole}, {looks:,} looks: {seconds:.1f} s, {seconds / specs:.3f} s each")
    print(f"each by itself: {each:.2f} s; ratio {each * specs / seconds:.1f}; numbers that differ: {differing}")
    tell(
        Figure(
            work=f"{specs} specifications of the `{SCENARIO}` scenario",
            ours=seconds,
            peer=each * specs,
            peer_name="each from all facts again",
            unit="s",
            value=seconds,
            bound="at most",
            target=LONGEST_S,
        )
    )
    wrong = [
        said
        for said, found in (
            (f"{specs} specifications, and {FEWEST} are asked for", specs < FEWEST),
            (f"{seconds:.0f} s, and {LONGEST_S:.0f} s are allowed", seconds > LONGEST_S),
            (f"{differing} numbers differ from those of a specification by itself", differing > 0),
            ("the truth has no place in the curve", main_row.below_truth is None),
        )
        if found
    ]
    print("; ".join(wrong) or "targets met")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
