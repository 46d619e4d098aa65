"""Where the processor time of a pass goes: one plain pass, then one under the profiler; no target.

Exit status: 0 measured, 2 it cannot be run here, 3 something broke or left work undone.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from crawls import Crawls
from inside import HERE, enter, loopback_up
from servers import Servers, missing
from work import invented

SAID = {
    "connections": "connect, send, receive, close",
    "loop": "event loop, with the reads it completes",
    "engine": "Scrapy's engine, tasks, batches",
    "looks": "steps of a look: guard, manners, follow",
    "facts": "features, keyed ids, facts",
    "names": "names and domains",
    "heads": "reading heads",
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Where the processor time of a pass goes, on loopback")
    parser.add_argument("--urls", type=int, default=10_000, help="how many invented URLs")
    parser.add_argument("--hosts", type=int, default=2_000, help="on how many invented hosts")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    gone = missing()
    if gone:
        print(f"{', '.join(gone)} not found; on Debian get them with: apt-get install nginx-light nsd util-linux mount")
        return 2
    if not options.inside:
        return enter()
    loopback_up()
    work = invented(options.urls, options.hosts)
    try:
        with tempfile.TemporaryDirectory(prefix="waterbed-where-") as name, Servers(Path(name), work.zones) as servers:
            crawls = Crawls(work, servers, Path(name))
            plain = crawls.ours(controls=False, script=[HERE / "watched_pass.py"])
            profiled = crawls.ours(controls=False, script=[HERE / "watched_pass.py", "--profile"])
    except (RuntimeError, subprocess.SubprocessError) as problem:
        print(f"the benchmark broke off: {problem}")
        return 3
    if plain.wrong or profiled.wrong:
        print(f"not the work: {plain.wrong or profiled.wrong}")
        return 3
    _tell(plain.cpu_s, plain.wall_s, plain.said[0], profiled.said[0]["parts"])
    return 0


def _tell(cpu_s: float, wall_s: float, said: dict[str, Any], parts: dict[str, float]) -> None:
    used, kernel = said["used"], said["kernel_s"] / cpu_s
    print(f"plain pass: {wall_s:.2f} s wall, {cpu_s:.2f} s on a processor, {kernel:.0%} of it in the kernel\n")
    print(f"{'share':>6}  {'s':>5}  {'of it kernel':>12}  what")
    rows = [(said["start_s"], None, "start-up: interpreter, imports, opening the study")]
    rows += [(sum(both), both[1], f"{name}, in a thread of its own") for name, both in used.items() if name != "loop"]
    rows.append((sum(used["loop"]), used["loop"][1], "the loop's thread"))
    rest = cpu_s - sum(seconds for seconds, _, _ in rows)
    rows.append((rest, None, "the rest: counting, other threads, the end"))
    for seconds, system, what in rows:
        inside = "" if system is None else f"{system / seconds:.0%}" if seconds else "-"
        print(f"{seconds / cpu_s:6.0%}  {seconds:5.2f}  {inside:>12}  {what}")
    print("\nthe loop's thread by part, of its time under the profiler:")
    for name, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"{seconds / sum(parts.values()):6.0%}  {SAID[name]}")


if __name__ == "__main__":
    sys.exit(main())
