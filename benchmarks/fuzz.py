"""Coverage-guided fuzzing: the same bytes read by us and by a peer, from the corpus in tests/fuzz on.

Usage: python benchmarks/fuzz.py [--minutes N] [--only WORD]. Each target gets so many minutes. What reaches new
code is added to the corpus, and so is a finding, which then fails a test. Exit 1 if there is a finding, 2 without the
engine, Atheris.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fuzz.corpus import MOST_INPUT, TARGETS, file_of, keep, kept

ROOT = Path(__file__).parents[1]
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_SAID = re.compile(r"^(?:Finding|\w+Error|ERROR: libFuzzer): .*", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+)")
_BOUNDS = (f"-max_len={MOST_INPUT}", "-timeout=120", "-rss_limit_mb=1024")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed:
    """What came of one target."""

    target: str
    executions: int
    minutes: float
    covered: int
    inputs: int
    size: int
    finding: str | None

    def __str__(self) -> str:
        """One line of figures."""
        return (
            f"{self.target}: {self.executions:,} executions, {self.minutes:.1f} minutes, {self.covered:,} branches, "
            f"corpus {self.inputs:,} inputs, {self.size:,} bytes, {int(self.finding is not None)} findings"
        )


def engine(target: str, *words: object) -> str:
    """Run the engine on a target, and give what it said."""
    line = [sys.executable, "-W", "ignore", "-m", "tests.fuzz", target, *_BOUNDS, *map(str, words)]
    done = subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode("utf-8", "replace")


def fuzz(target: str, minutes: float) -> Fuzzed:
    """Fuzz one target from its corpus on, and keep what is new."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        inputs, found, least = (Path(name) / what for what in ("inputs", "found", "least"))
        for folder in (inputs, found, least):
            folder.mkdir()
        for number, data in enumerate(kept(target)):
            (inputs / f"{number}").write_bytes(data)
        said = engine(
            target, inputs, f"-max_total_time={60 * minutes:.0f}", "-print_final_stats=1", f"-artifact_prefix={found}/"
        )
        runs, covered = _RUNS.search(said), _COVERED.findall(said)
        findings = [file.read_bytes() for file in sorted(found.iterdir())]
        if runs is None or not (covered or findings):
            raise RuntimeError(f"the engine said of {target}: {said[-2_000:]}")
        engine(target, "-merge=1", least, inputs)
        keep(target, findings, [file.read_bytes() for file in least.iterdir()] or kept(target))
    return Fuzzed(
        target=target,
        executions=int(runs[1]),
        minutes=(time.monotonic() - began) / 60,
        covered=int(covered[-1]) if covered else 0,
        inputs=len(kept(target)),
        size=file_of(target).stat().st_size,
        finding="\n".join([*_SAID.findall(said)[-1:], *map(repr, findings)]) or None,
    )


def main() -> int:
    """Fuzz each target, and print what came of it."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--minutes", type=float, default=5, help="minutes for each target")
    words.add_argument("--only", default="", help="targets whose names hold this")
    asked = words.parse_args()
    if find_spec("atheris") is None:
        print("Atheris is not installed: it has wheels for Python 3.11 to 3.14 on Linux x86_64 (requirements-dev.lock)")
        return 2
    made = []
    for target in TARGETS:
        if asked.only in target:
            made.append(fuzz(target, asked.minutes))
            print(made[-1], made[-1].finding or "", sep="\n" if made[-1].finding else "", flush=True)
    executions, minutes = sum(one.executions for one in made), sum(one.minutes for one in made)
    findings = sum(one.finding is not None for one in made)
    print(f"all: {executions:,} executions, {minutes:.1f} minutes, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
