"""A million reports from a CSV file into a new study: parsed, spelled, encrypted, keyed, held against what is known.

Exit status: 0 the target is met, 1 it is missed, 3 the import did not do the work.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, tell

from waterbed.study.study import create_study

URLS_A_HOST = 5
AGAIN = 10
"""One line in so many names a URL that another line has named."""
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def write(path: Path, reports: int) -> None:
    """A feed of invented reports, each with its date."""
    with path.open("w", encoding="ascii") as file:
        file.write("url,reported_at\n")
        for n in range(reports):
            url = n // 2 if n % AGAIN == 0 else n
            host = url // URLS_A_HOST
            day = f"2026-01-{1 + n % 28:02}T{n % 24:02}:00:00Z"
            file.write(f"http://www.shop{host}.z{host % 4000}.example/p{url}/login,{day}\n")


def one(folder: Path, file: Path) -> dict[str, float]:
    """Import; seconds by the clock and of the processor, the most memory of both processes, bytes on disk."""
    with create_study(folder / "study") as study:
        began, worked = time.perf_counter(), _worked()
        report = study.import_reports(file, source="benchmark")
        wall, cpu = time.perf_counter() - began, _worked() - worked
        began = time.perf_counter()
        again = study.import_reports(file, source="benchmark").imported
        again_s = time.perf_counter() - began
        database = study.folder.store.file
    if report.rejected or again:
        raise SystemExit(f"{len(report.rejected)} lines rejected, {again} taken in twice")
    size = sum(found.stat().st_size for found in database.parent.glob(f"{database.name}*")) if database else 0
    peak = sum(resource.getrusage(who).ru_maxrss for who in WHO) / 1024
    return {
        "imported": report.imported,
        "wall_s": wall,
        "cpu_s": cpu,
        "again_s": again_s,
        "peak_mib": peak,
        "bytes": size,
    }


def _worked() -> float:
    """Seconds of the processor, of this process and of those that have ended below it."""
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, WHO))


def measured(reports: int) -> dict[str, float]:
    """The same in a process of its own, over a new study."""
    with tempfile.TemporaryDirectory(prefix="waterbed-imports-") as made:
        file = Path(made) / "reports.csv"
        write(file, reports)
        environment = {**os.environ, "XDG_CONFIG_HOME": str(Path(made) / "keys")}
        command = [sys.executable, __file__, "--one", made]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found


def main() -> int:
    """Measure, print, and say by the exit status whether the target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=1_000_000)
    parser.add_argument("--target", type=float, default=60.0, help="most seconds by the clock")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reports < 1:
        parser.error("--reports must be 1 or more")
    if options.one:
        print(json.dumps(one(options.one, options.one / "reports.csv")))
        return 0
    try:
        m = measured(options.reports)
    except subprocess.CalledProcessError:
        return 3
    wall, cpu = m["wall_s"], m["cpu_s"]
    print(f"{options.reports:,} reports into a new study on SQLite, {m['imported']:,.0f} of them new")
    print(f"{wall:.1f} s ({options.reports / wall:,.0f}/s), processor {cpu:.1f} s, peak {m['peak_mib']:.0f} MiB")
    print(f"the same file again, all of it known: {m['again_s']:.1f} s")
    print(f"{m['bytes'] / options.reports:.0f} bytes on disk a report")
    work = "import of CSV reports: encrypted, canonical, deduplicated"
    tell(Figure(work=work, ours=wall, unit="s", value=wall, bound="at most", target=options.target))
    print(f"target {options.target:g} s: {'met' if wall <= options.target else 'MISSED'}")
    return 0 if wall <= options.target else 1


if __name__ == "__main__":
    sys.exit(main())
