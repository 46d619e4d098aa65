"""From looks on disk to a ranking and hops, as commands: processor time and memory, beside another version.

Usage: python benchmarks/conclusions.py [--looks N] [--looks-a-url N] [--study DIR] [--beside CHECKOUT].
`--beside` is a checkout of another version, run on the same study by the same interpreter. Exit status: 0 all targets
met, 1 one missed, 3 a command failed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))
from conclusions_world import Messy, write_study
from figures import Figure, tell

ROOT = Path(__file__).parents[1]
MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a command took."""

    processor_s: float
    peak_mib: float


def cost(study: Path, *words: str, source: Path = ROOT) -> Cost:
    """Run one command in a process of its own; its children count in."""
    sites = [path for path in sys.path if path.endswith("site-packages")]
    there = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), *sites])}
    command = (sys.executable, "-m", "waterbed.cli", "-C", str(study), *words)
    with subprocess.Popen(command, env=there, cwd=study, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print(f"{' '.join(words)} failed with exit code {process.returncode}")
        sys.exit(3)
    return Cost(processor_s=used.ru_utime + used.ru_stime, peak_mib=used.ru_maxrss / 1024)


def main() -> int:
    """Make the study if it is not there, run the commands, print a table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--looks", type=int, default=MILLION)
    words.add_argument("--looks-a-url", type=int, default=100)
    words.add_argument("--study", type=Path, help="kept, and used again; else one is made and removed")
    words.add_argument("--beside", type=Path, help="a checkout of another version")
    words.add_argument("--most-s", type=float, default=12.0, help="processor seconds of rank for a million looks")
    words.add_argument("--most-mib", type=float, default=800.0, help="memory of rank for a million looks")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as made:
        study = asked.study or Path(made) / "study"
        if not (study / "waterbed.toml").exists():
            write_study(study, Messy(looks=asked.looks, looks_a_url=asked.looks_a_url)).close()
        rank, hops = cost(study, "rank"), cost(study, "hops")
        print(f"{asked.looks:,} looks, {asked.looks_a_url} a URL: processor s, peak MiB")
        for name, its in (("rank", rank), ("hops", hops)):
            print(f"  {name:6} {its.processor_s:8.1f} {its.peak_mib:8.0f}")
        if asked.beside:
            peer = cost(study, "rank", source=asked.beside.resolve())
            print(f"  {'beside':6} {peer.processor_s:8.1f} {peer.peak_mib:8.0f}  rank of the other version: ", end="")
            print(f"{peer.processor_s / rank.processor_s:.1f} times the time, ", end="")
            print(f"{peer.peak_mib / rank.peak_mib:.1f} times the memory")
        if asked.looks != MILLION:
            return 0
        figures = [
            Figure(
                work="rank of a million looks, cold", ours=rank.processor_s, unit="processor s",
                value=rank.processor_s, bound="at most", target=asked.most_s,
            ),
            Figure(
                work="memory of rank, a million looks", ours=rank.peak_mib, unit="MiB",
                value=rank.peak_mib, bound="at most", target=asked.most_mib,
            ),
        ]  # fmt: skip
        for figure in figures:
            tell(figure)
            print(f"  {figure.work}: {figure.ours:.1f} {figure.unit}, {'met' if figure.met else 'MISSED'}")
        return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
