"""Whether a pass over twenty times the URLs needs more memory.

Exit status: 0 it does not, 1 it does, 2 it cannot be run here, 3 something broke or left work undone.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from crawls import Crawls, Measured
from figures import Figure, tell
from inside import enter, loopback_up
from servers import Servers, missing, versions
from work import spread_out

A_HOST = 5
"""URLs on each host."""


def main() -> int:
    """Measure, print, and say by the exit status whether the peak of memory stays where it was."""
    options = _options()
    gone = missing()
    if gone:
        print(f"{', '.join(gone)} not found; on Debian get them with: apt-get install nginx-light nsd util-linux mount")
        return 2
    if not options.inside:
        return enter()
    print(f"work: a pass over invented URLs, {A_HOST} a host, TLS off, control looks on, no delay; every host with a")
    print("domain, an address and a network of its own")
    print(f"with: {versions()}, Python {platform.python_version()}, {os.cpu_count()} cores shared with the servers\n")
    print(f"{'URLs':>9}{'hosts':>9}{'wall s':>9}{'URLs/s':>9}{'peak MiB':>10}")
    loopback_up()
    peaks: list[float] = []
    try:
        for urls in options.urls:
            alike: list[float] = []
            for _ in range(options.rounds if urls == options.urls[0] else 1):
                m = _one(urls)
                hosts, rate = urls // A_HOST, urls / m.wall_s
                print(f"{urls:9,}{hosts:9,}{m.wall_s:9.2f}{rate:9,.0f}{m.peak_mib:10.0f}", flush=True)
                if m.wrong:
                    print(f"not the work: {m.wrong}")
                    return 3
                alike.append(m.peak_mib)
            peaks.append(median(alike))
    except (RuntimeError, subprocess.SubprocessError) as problem:
        print(f"the benchmark broke off: {problem}")
        return 3
    grown = peaks[-1] / peaks[0]
    work = f"peak of memory, {options.urls[-1] / options.urls[0]:.0f} times the URLs of a pass beside few"
    few = f"{options.urls[0]:,} URLs"
    tell(
        Figure(
            work=work,
            ours=peaks[-1],
            peer=peaks[0],
            peer_name=few,
            unit="MiB",
            value=grown,
            bound="at most",
            target=options.most,
        )
    )
    print(f"\n{options.urls[-1] / options.urls[0]:.0f} times the URLs, {grown:.2f} times the peak of memory")
    print(f"at most {options.most:.2f} times: {'met' if grown <= options.most else 'MISSED'}")
    return 0 if grown <= options.most else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Peak of memory of passes over few and many URLs, on loopback")
    parser.add_argument("--urls", type=int, nargs="+", default=[10_000, 50_000, 200_000], help="rising numbers of URLs")
    parser.add_argument("--most", type=float, default=1.25, help="how many times the first peak the last may be")
    parser.add_argument("--rounds", type=int, default=3, help="of the fewest; the median counts")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if len(options.urls) < 2 or options.urls != sorted(options.urls) or any(n < 1 or n % A_HOST for n in options.urls):
        parser.error(f"--urls must be two or more rising numbers that {A_HOST} divides")
    return options


def _one(urls: int) -> Measured:
    """One pass, in a process of its own, over a study of its own."""
    with tempfile.TemporaryDirectory(prefix="waterbed-memory-") as name:
        folder, work = Path(name), spread_out(urls, A_HOST)
        with Servers(folder, work.zones, work.addresses) as servers:
            return Crawls(work, servers, folder).ours(controls=True)


if __name__ == "__main__":
    sys.exit(main())
