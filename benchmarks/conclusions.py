"""From looks on disk to a ranking and hops, as commands: time and memory by size, cold and warm.

Usage: python benchmarks/conclusions.py [--looks N ...] [--looks-a-url N] [--studies DIR] [--beside CHECKOUT] [--day]
[--spark].
Cold: nothing is kept of earlier conclusions; warm: the same command once more. `--beside` is a checkout of another
version, run on the smallest study by the same interpreter. `--spark` also draws the conclusions of the largest study by
two workers of a Spark cluster, and compares. `--day` ranks the largest study, of two million looks at least, without
its last day with reports, then with it, and compares with what is worked out anew. Exit status: 0 all targets met, 1
one missed, 3 a command failed.
"""

import argparse
import hashlib
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from msgspec import structs

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))
from conclusions_world import START, Messy, write_study
from figures import Figure, tell

from waterbed.store.forked import in_own_process
from waterbed.store.lake import manifest as manifests

ROOT = Path(__file__).parents[1]
MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a command took."""

    processor_s: float
    wall_s: float
    peak_mib: float
    """Of the largest process."""
    told: str
    """Checksum of what it printed."""


def cost(study: Path, *words: str, source: Path = ROOT) -> Cost:
    """Run one command in a process of its own; its children count in."""
    sites = [path for path in sys.path if path.endswith("site-packages")]
    there = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), *sites])}
    began = time.monotonic()
    command = (sys.executable, "-m", "waterbed.cli", "-C", str(study), *words)
    with subprocess.Popen(command, env=there, cwd=study, stdout=subprocess.PIPE) as process:
        told = hashlib.sha256(process.stdout.read() if process.stdout else b"").hexdigest()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print(f"{' '.join(words)} failed with exit code {process.returncode}")
        sys.exit(3)
    return Cost(
        processor_s=used.ru_utime + used.ru_stime,
        wall_s=time.monotonic() - began,
        peak_mib=used.ru_maxrss / 1024,
        told=told,
    )


@contextmanager
def until_day(study: Path, day: int) -> Iterator[None]:
    """The study as it was before a day of its world: its lake's manifest lacks the days from then on."""
    file = study / "lake" / "manifest.json"
    whole = file.read_bytes()
    found, end = manifests.read(whole), START.date() + timedelta(days=day)
    before = {kind: {one: its for one, its in days.items() if one < end} for kind, days in found.facts.items()}
    try:
        file.write_bytes(manifests.to_json(structs.replace(found, facts=before)))
        yield
    finally:
        file.write_bytes(whole)


def day_more(study: Path, looks: int) -> tuple[Cost, Cost]:
    """`rank` of the study before the last day with reports, of that day more, and of the same anew."""
    shutil.rmtree(study / "kept", ignore_errors=True)
    last = Messy(looks=looks).reported_over_days - 1
    with until_day(study, last):
        cost(study, "rank")
    with until_day(study, last + 1):
        more = cost(study, "rank")
        shutil.rmtree(study / "kept")
        anew = cost(study, "rank")
    for name, its in (("more", more), ("anew", anew)):
        print(f"  {looks:>13,} a day {name} {its.processor_s:9.1f} {its.wall_s:9.1f} {its.peak_mib:9,.0f}", flush=True)
    if more.told != anew.told:
        print("  a day more is NOT EQUAL to all anew")
        sys.exit(3)
    return more, anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What the commands took on a study of so many looks."""

    looks: int
    rank: Cost
    """Cold, as `hops`."""
    warm: Cost
    hops: Cost


def costs(study: Path, looks: int) -> Costs:
    """Run the commands."""
    found = []
    for words, cold in ((("rank",), True), (("rank",), False), (("hops",), True)):
        if cold:
            shutil.rmtree(study / "kept", ignore_errors=True)
        found.append(cost(study, *words))
        print(f"  {looks:>13,} {words[0]:5} {'cold' if cold else 'warm'} ", end="")
        print(f"{found[-1].processor_s:9.1f} {found[-1].wall_s:9.1f} {found[-1].peak_mib:9,.0f}", flush=True)
    return Costs(looks=looks, rank=found[0], warm=found[1], hops=found[2])


def by_spark(study: Path, looks: int, ours: Costs) -> bool:
    """Run `rank` and `hops` by two workers of a Spark cluster; whether they print what one machine does."""
    settings, equal = study / "waterbed.toml", True
    before = settings.read_text()
    os.environ.setdefault("WATERBED_SPARK_MASTER", "local-cluster[2,1,2048]")
    try:
        settings.write_text(re.sub(r'engine = "\w+"', 'engine = "spark"', before))
        for words, alone in (("rank", ours.rank), ("hops", ours.hops)):
            shutil.rmtree(study / "kept", ignore_errors=True)
            found = cost(study, words)
            equal &= found.told == alone.told
            print(f"  {looks:>13,} {words:5} Spark", end="")
            print(f"{found.processor_s:9.1f} {found.wall_s:9.1f} {found.peak_mib:9,.0f}, ", end="")
            print("equal" if found.told == alone.told else "NOT EQUAL", flush=True)
    finally:
        settings.write_text(before)
    return equal


def figures(small: Costs, large: Costs) -> list[Figure]:
    """What was aimed at, as far as these sizes tell."""
    found = []
    if small.looks == MILLION:
        for name, value, unit, target in (
            ("rank of a million looks, cold", small.rank.processor_s, "processor s", 12.0),
            ("rank of a million looks, warm", small.warm.processor_s, "processor s", 1.5),
            ("memory of rank, a million looks", small.rank.peak_mib, "MiB", 800.0),
        ):
            found.append(Figure(work=name, ours=value, unit=unit, value=value, bound="at most", target=target))
    if large.looks == 100 * MILLION:
        for name, value, unit, target in (
            ("rank of a hundred million looks, cold", large.rank.wall_s, "s", 1200.0),
            ("memory of that", large.rank.peak_mib, "MiB", 8192.0),
        ):
            found.append(Figure(work=name, ours=value, unit=unit, value=value, bound="at most", target=target))
    if large.looks > small.looks:
        times = math.log(large.looks / small.looks)
        for name, value, target in (
            ("exponent of rank's time", math.log(large.rank.processor_s / small.rank.processor_s) / times, 1.05),
            ("exponent of rank's memory", math.log(large.rank.peak_mib / small.rank.peak_mib) / times, 0.3),
        ):
            found.append(Figure(work=name, ours=value, unit="", value=value, bound="at most", target=target))
    return found


def _write(study: Path, world: Messy) -> None:
    write_study(study, world).close()


def main() -> int:
    """Make the studies that are not there, run the commands, print a table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--looks", type=int, nargs="+", default=[MILLION])
    words.add_argument("--looks-a-url", type=int, default=100)
    words.add_argument("--studies", type=Path, help="a folder of studies that are kept, and used again")
    words.add_argument("--beside", type=Path, help="a checkout of another version")
    words.add_argument("--day", action="store_true", help="a day more on top of the largest study, too")
    words.add_argument("--spark", action="store_true", help="the largest study by two workers of Spark too")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as made:
        found = []
        print(f"{asked.looks_a_url} looks a URL: looks, command, processor s, s by the clock, peak MiB")
        for looks in sorted(asked.looks):
            study = (asked.studies or Path(made)) / f"{looks}-{asked.looks_a_url}"
            if not (study / "waterbed.toml").exists():
                # in a process of its own: a command's peak begins at that of its starter
                in_own_process(partial(_write, study, Messy(looks=looks, looks_a_url=asked.looks_a_url)))
            found.append(costs(study, looks))
            if asked.beside and len(found) == 1:
                peer, rank = cost(study, "rank", source=asked.beside.resolve()), found[0].rank
                print(f"  rank of the other version {peer.processor_s:.1f} s, {peer.peak_mib:,.0f} MiB: ", end="")
                print(f"{peer.processor_s / rank.processor_s:.1f} times the time, ", end="")
                print(f"{peer.peak_mib / rank.peak_mib:.1f} times the memory")
        equal = not asked.spark or by_spark(study, looks, found[-1])
        held = figures(found[0], found[-1])
        if asked.day:
            more, _ = day_more(study, looks)
            bound = {"bound": "at most", "target": 180.0}
            held.append(Figure(work="rank after a day more", ours=more.wall_s, unit="s", value=more.wall_s, **bound))
    for figure in held:
        tell(figure)
        print(f"  {figure.work}: {figure.ours:.2f} {figure.unit}, {'met' if figure.met else 'MISSED'}")
    return 0 if equal and all(figure.met for figure in held) else 1


if __name__ == "__main__":
    sys.exit(main())
