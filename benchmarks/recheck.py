"""The command `waterbed recheck`, whole process, against a stock Scrapy spider that only HEADs.

Exit status: 0 the target is met, 1 it is missed, 2 it cannot be run here, 3 something broke or left work undone.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median

from crawls import PROBE, Crawls, Measured
from figures import Figure, tell
from inside import enter, loopback_up, own_names
from servers import PEER_RESOLVER, Servers, missing, versions
from work import Work, from_feed, invented

from waterbed.model.errors import InputError

OURS, PEER, CONTROLS = "waterbed recheck", f"stock Scrapy {version('scrapy')}", "waterbed recheck, controls"
TWO = "waterbed recheck, twice"
Round = dict[str, Measured]


def main() -> int:
    """Measure, print, and say by the exit status whether the target is met."""
    options = _options()
    gone = missing()
    if gone:
        print(f"{', '.join(gone)} not found; on Debian get them with: apt-get install nginx-light nsd util-linux mount")
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
                _introduce(work)
                rounds = _rounds(Crawls(work, servers, folder), len(work.urls), options.rounds)
    except (RuntimeError, subprocess.SubprocessError) as problem:
        print(f"the benchmark broke off: {problem}")
        return 3
    return _conclude(rounds, options.target, f"recheck: HEAD of {len(work.urls):,} URLs on {work.hosts:,} hosts")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="the command `waterbed recheck` against stock Scrapy, on loopback")
    parser.add_argument("--urls", type=int, help="how many URLs at most (invented: 10,000)")
    parser.add_argument("--hosts", type=int, default=2_000, help="how many invented hosts")
    parser.add_argument("--feed", type=Path, help="take the distinct URLs of this CSV file instead (column URL)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each crawler runs")
    parser.add_argument("--target", type=float, default=4.7, help="the ratio to reach, whole process")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for number in ("urls", "hosts", "rounds"):
        if (getattr(options, number) or 1) < 1:
            parser.error(f"--{number} must be 1 or more")
    return options


def _introduce(work: Work) -> None:
    print(f"work: HEAD of {len(work.urls):,} URLs on {work.hosts:,} hosts ({work.said}), TLS off")
    print(f"with: {versions()}, Python {platform.python_version()}, {os.cpu_count()} cores shared with the servers")
    print(f"ours: lease, resolve, guard, probe, judge, record, advance; {PROBE.hosts_at_once} hosts at once, no delay")
    print("peer: 256 requests at once, 8 a domain; asks and counts, keeps nothing\n")
    heads = f"{'wall s':>9}{'crawl s':>9}{'CPU s':>8}{'MiB':>6}{'URLs/s':>9}{'DNS':>8}{'HTTP':>8}"
    print(f"{'round':5}  {'crawler':28}{heads}")


def _rounds(crawls: Crawls, urls: int, count: int) -> list[Round]:
    """Each crawler once a round, another one first each time."""
    crawlers: list[tuple[str, Callable[[], Measured]]] = [
        (OURS, lambda: crawls.ours(controls=False)),
        (PEER, crawls.peer),
        (CONTROLS, lambda: crawls.ours(controls=True)),
        (TWO, lambda: crawls.ours(controls=False, processes=2)),
    ]
    done: list[Round] = []
    for number in range(count):
        turn = number % len(crawlers)
        done.append({})
        for name, run in crawlers[turn:] + crawlers[:turn]:
            m = done[-1][name] = run()
            times = f"{m.wall_s:9.2f}{m.crawl_s:9.2f}{m.cpu_s:8.2f}{m.peak_mib:6.0f}{urls / m.wall_s:9,.0f}"
            print(f"{number + 1:5}  {name:28}{times}{m.queries:8,}{m.requests:8,}", flush=True)
            if m.wrong:
                print(f"{'':7}not the work: {m.wrong}")
    return done


def _conclude(rounds: list[Round], target: float, said: str) -> int:
    print()
    for name in (OURS, PEER, CONTROLS, TWO):
        found = [done[name] for done in rounds]
        wall, cpu = _spread([m.wall_s for m in found], "s"), _spread([m.cpu_s for m in found], "s")
        print(f"{name:28} {wall} wall, {cpu} CPU, {_spread([m.peak_mib for m in found], 'MiB', 0)} at its peak")
    measures: dict[str, Callable[[Measured], float]] = {
        "whole process": lambda m: m.wall_s,
        "without start-up": lambda m: m.crawl_s,
        "CPU": lambda m: m.cpu_s,
    }
    print("\nratio, peer's seconds / ours, median of the rounds (least-most):")
    for name in (OURS, CONTROLS):
        ratios = {said: [of(done[PEER]) / of(done[name]) for done in rounds] for said, of in measures.items()}
        print(f"{name:28} " + ", ".join(f"{said} {_spread(values, 'x')}" for said, values in ratios.items()))
    print("\ntwo processes, one process's seconds / theirs (no target: the servers have the same cores):")
    gains = {said: [of(done[OURS]) / of(done[TWO]) for done in rounds] for said, of in measures.items()}
    share = min(min(one["answered"] for one in done[TWO].said) / (done[TWO].answered or 1) for done in rounds)
    print(", ".join(f"{said} {_spread(values, 'x')}" for said, values in gains.items()), end="")
    print(f"; the one that did less did {share:.0%} or more")
    if any(measured.wrong for done in rounds for measured in done.values()):
        print("a crawl did not do the work it was given: the ratio means nothing")
        return 3
    reached = median(done[PEER].wall_s / done[OURS].wall_s for done in rounds)
    _told(rounds, f"{said}, whole process", reached, target)
    _told(rounds, f"{said}, two processes beside one", median(gains["whole process"]), None, TWO, OURS)
    print(f"target {target:.2f}x, whole process, control looks off: {'met' if reached >= target else 'MISSED'}")
    return 0 if reached >= target else 1


def _told(
    rounds: list[Round], work: str, ratio: float, target: float | None, ours: str = OURS, peer: str = PEER
) -> None:
    walls = {name: median(done[name].wall_s for done in rounds) for name in (ours, peer)}
    tell(
        Figure(
            work=work,
            ours=walls[ours],
            peer=walls[peer],
            peer_name=peer,
            unit="s",
            value=ratio,
            bound="at least" if target else "none",
            target=target,
        )
    )


def _spread(values: list[float], unit: str, digits: int = 2) -> str:
    return f"{median(values):.{digits}f} {unit} ({min(values):.{digits}f}-{max(values):.{digits}f})"


if __name__ == "__main__":
    sys.exit(main())
