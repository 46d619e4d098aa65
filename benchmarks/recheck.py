"""The command `waterbed recheck`, whole process, against stock Scrapy, a bare aiohttp loop and curl, which only HEAD.

Exit status: 0 the targets are met, 1 it is missed, 2 it cannot be run here, 3 something broke or left work undone.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from crawls import PROBE, Crawls, Measured
from figures import Figure, tell
from inside import enter, loopback_up, own_names
from servers import PEER_RESOLVER, Servers, missing, versions
from work import Work, from_feed, invented

from waterbed.model.errors import InputError

OURS, CONTROLS, WORKERS = "waterbed recheck", "waterbed recheck, controls", "waterbed recheck --processes"
STOCK, AIOHTTP, CURL = "stock Scrapy", "bare aiohttp loop", "curl --parallel"
LIBRARIES = ("scrapy", "aiohttp")
TARGET, WORKERS_TARGET = 5.5, 0.8
"""Ratios, of the whole process: one process to stock Scrapy, several to the bare aiohttp loop."""
Round = dict[str, Measured]


def main() -> int:
    """Measure, print, and say by the exit status whether the target is met."""
    options = _options()
    gone = missing("curl")
    if gone:
        print(f"{', '.join(gone)} not found; on Debian: apt-get install nginx-light nsd curl util-linux mount")
        return 2
    try:
        libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    except PackageNotFoundError as problem:
        print(f"{problem.name} not found; get it with: pip install -e '.[bench]'")
        return 2
    if not options.inside:
        return enter()
    try:
        work = (
            from_feed(options.feed, options.urls) if options.feed else invented(options.urls or 10_000, options.hosts)
        )
    except InputError as problem:
        print(problem)
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="waterbed-recheck-") as name:
            folder = Path(name)
            loopback_up()
            own_names(folder, PEER_RESOLVER[0])
            with Servers(folder, work.zones) as servers:
                _introduce(work, libraries)
                rounds = _rounds(Crawls(work, servers, folder), len(work.urls), options)
    except (RuntimeError, subprocess.SubprocessError) as problem:
        print(f"the benchmark broke off: {problem}")
        return 3
    return _conclude(rounds, options, f"recheck: HEAD of {len(work.urls):,} URLs on {work.hosts:,} hosts")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="the command `waterbed recheck` against its peers, on loopback")
    parser.add_argument("--urls", type=int, help="how many URLs at most (invented: 10,000)")
    parser.add_argument("--hosts", type=int, default=2_000, help="how many invented hosts")
    parser.add_argument("--feed", type=Path, help="take the distinct URLs of this CSV file instead (column URL)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each crawler runs")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count(), help="workers of the pass in several processes"
    )
    parser.add_argument("--target", type=float, default=TARGET, help="the ratio of one process to stock Scrapy")
    parser.add_argument("--workers-target", type=float, default=WORKERS_TARGET, help="that of several to aiohttp")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for number in ("urls", "hosts", "rounds", "processes"):
        if (getattr(options, number) or 1) < 1:
            parser.error(f"--{number} must be 1 or more")
    return options


def _introduce(work: Work, libraries: str) -> None:
    print(f"work: HEAD of {len(work.urls):,} URLs on {work.hosts:,} hosts ({work.said}), TLS off")
    print(f"with: {versions()}, {libraries}, Python {platform.python_version()}")
    print(f"      {os.cpu_count()} cores shared with the servers, load {os.getloadavg()[0]:.1f} before")
    print(f"ours: lease, resolve, guard, probe, judge, record, advance; {PROBE.hosts_at_once} hosts at once, no delay")
    print("peers: 256 requests at once (Scrapy: 8 a domain); they ask and count, and keep nothing\n")
    heads = f"{'wall s':>9}{'crawl s':>9}{'CPU s':>8}{'MiB':>6}{'URLs/s':>9}{'DNS':>8}{'HTTP':>8}{'load':>7}"
    print(f"{'round':5}  {'crawler':28}{heads}")


def _rounds(crawls: Crawls, urls: int, options: argparse.Namespace) -> list[Round]:
    """Each crawler once a round, another one first each time."""
    processes = ("--processes", str(options.processes))
    crawlers: list[tuple[str, Callable[[], Measured]]] = [
        (OURS, lambda: crawls.ours(controls=False)),
        (STOCK, crawls.stock),
        (WORKERS, lambda: crawls.ours(controls=False, words=processes)),
        (AIOHTTP, crawls.aiohttp),
        (CURL, crawls.curl),
        (CONTROLS, lambda: crawls.ours(controls=True)),
    ]
    done: list[Round] = []
    for number in range(options.rounds):
        turn = number % len(crawlers)
        done.append({})
        for name, run in crawlers[turn:] + crawlers[:turn]:
            m = done[-1][name] = run()
            times = f"{m.wall_s:9.2f}{m.crawl_s:9.2f}{m.cpu_s:8.2f}{m.peak_mib:6.0f}{urls / m.wall_s:9,.0f}"
            print(f"{number + 1:5}  {name:28}{times}{m.queries:8,}{m.requests:8,}{os.getloadavg()[0]:7.1f}", flush=True)
            if m.wrong:
                print(f"{'':7}not the work: {m.wrong}")
    return done


def _conclude(rounds: list[Round], options: argparse.Namespace, said: str) -> int:
    print()
    for name in rounds[0]:
        found = [done[name] for done in rounds]
        wall, cpu = _spread([m.wall_s for m in found], "s"), _spread([m.cpu_s for m in found], "s")
        print(f"{name:28} {wall} wall, {cpu} CPU, {_spread([m.peak_mib for m in found], 'MiB', 0)} at its peak")
    measures: dict[str, Callable[[Measured], float]] = {
        "whole process": lambda m: m.wall_s,
        "without start-up": lambda m: m.crawl_s,
        "CPU": lambda m: m.cpu_s,
    }
    print("\nratio, peer's seconds / ours, median of the rounds (least-most):")
    for name, peer in [(ours, peer) for ours in (OURS, CONTROLS, WORKERS) for peer in (STOCK, AIOHTTP, CURL)]:
        ratios = {said: [of(done[peer]) / of(done[name]) for done in rounds] for said, of in measures.items()}
        values = ", ".join(f"{said} {_spread(values, 'x')}" for said, values in ratios.items())
        print(f"{name:28} to {peer:18} {values}")
    gains = {said: [of(done[OURS]) / of(done[WORKERS]) for done in rounds] for said, of in measures.items()}
    print(f"\n{options.processes} processes, one process's seconds / theirs (the servers have the same cores):")
    print(", ".join(f"{said} {_spread(values, 'x')}" for said, values in gains.items()))
    if any(measured.wrong for done in rounds for measured in done.values()):
        print("a crawl did not do the work it was given: the ratio means nothing")
        return 3
    several = f"{options.processes} processes"
    figures = [
        _figure(rounds, f"{said}, whole process", OURS, STOCK, options.target),
        _figure(rounds, f"{said}, {several}", WORKERS, AIOHTTP, options.workers_target),
        _figure(rounds, f"{said}, {several} beside one", WORKERS, OURS),
        _figure(rounds, f"{said}, whole process", OURS, AIOHTTP),
        _figure(rounds, f"{said}, {several}", WORKERS, CURL),
    ]
    for figure in figures:
        tell(figure)
        if figure.target is not None:
            verdict = "met" if figure.met else "MISSED"
            print(f"{figure.work} to {figure.peer_name}: {figure.value:.2f}x, target {figure.target:.2f}x: {verdict}")
    return 1 if any(figure.met is False for figure in figures) else 0


def _figure(rounds: list[Round], work: str, ours: str, peer: str, target: float | None = None) -> Figure:
    """The whole processes of two crawlers, and the median of the rounds' ratios."""
    walls = {name: median(done[name].wall_s for done in rounds) for name in (ours, peer)}
    return Figure(
        work=work,
        ours=walls[ours],
        peer=walls[peer],
        peer_name=peer,
        unit="s",
        value=median(done[peer].wall_s / done[ours].wall_s for done in rounds),
        bound="at least" if target else "none",
        target=target,
    )


def _spread(values: list[float], unit: str, digits: int = 2) -> str:
    return f"{median(values):.{digits}f} {unit} ({min(values):.{digits}f}-{max(values):.{digits}f})"


if __name__ == "__main__":
    sys.exit(main())
