"""Our resolver against dnspython's on distinct names, A and AAAA both, over the wire.

Exit status: 0 the target is met, 1 it is missed, 2 it cannot be run here, 3 something broke or left work undone.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from figures import Figure, tell
from inside import HERE, enter, loopback_up

RESOLVER = ("127.0.0.1", 5300)
LONGEST_S = 600
PEERS = tuple(
    [("async", n) for n in (4, 16, 64, 256)]  # dnspython's own coroutines, so many names at once
    + [("threads", n) for n in (2, 8, 32)]  # its blocking resolver, in so many threads
)
TRIALS = 3
"""How often each of the peer's ways is tried before the rounds; the fastest one runs in them."""

KINDS = {"plain": "addresses of the very name", "cnames": "two CNAMEs, then addresses"}
_NSD = """
server:
  ip-address: {address}@{port}
  server-count: 1
  username: ""
  chroot: ""
  minimal-responses: yes
  zonesdir: "{folder}"
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  logfile: "/dev/null"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: yes
  control-interface: "{folder}/control"
zone:
  name: "example."
  zonefile: "example.zone"
"""
_ZONE = """$TTL 3600
@ IN SOA ns.invalid. admin.invalid. 1 3600 900 604800 3600
@ IN NS ns.invalid.
*.plain 300 IN A 192.0.2.1
*.plain 300 IN A 192.0.2.2
*.plain 300 IN AAAA 2001:db8::1
*.cnames 300 IN CNAME edge.shops
edge.shops 120 IN CNAME balancer.far
balancer.far 60 IN A 192.0.2.1
balancer.far 60 IN A 192.0.2.2
balancer.far 60 IN AAAA 2001:db8::1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One client's run: its seconds without start-up, what both sides used, and what came of it."""

    wall_s: float
    cpu_s: float
    server_cpu_s: float
    queries: int
    digest: str


def main() -> int:
    """Measure, print, and say by the exit status whether the target is met."""
    options = _options()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    gone = [name for name in ("nsd", "nsd-control", "unshare") if shutil.which(name) is None]
    if gone:
        print(f"{', '.join(gone)} not found; on Debian get them with: apt-get install nsd util-linux")
        return 2
    if not options.inside:
        return enter()
    try:
        with tempfile.TemporaryDirectory(prefix="waterbed-dns-") as name, _nsd(Path(name)) as folder:
            return _compare(options, folder)
    except (RuntimeError, subprocess.SubprocessError) as problem:
        print(f"the benchmark broke off: {problem}")
        return 3


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dns.py", description="Our resolver against dnspython's, on loopback")
    parser.add_argument("--names", type=int, default=6_000, help="how many distinct names in each run")
    parser.add_argument("--rounds", type=int, default=5, help="how often each resolver runs")
    parser.add_argument("--target", type=float, default=2.0, help="the ratio to reach, for each kind of answer")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if min(options.names, options.rounds) < 1:
        parser.error("--names and --rounds must be 1 or more")
    return options


@contextmanager
def _nsd(folder: Path) -> Iterator[Path]:
    """Play the recursive resolver until the block ends."""
    loopback_up()
    (folder / "nsd.conf").write_text(_NSD.format(address=RESOLVER[0], port=RESOLVER[1], folder=folder))
    (folder / "example.zone").write_text(_ZONE)
    server = subprocess.Popen(["nsd", "-d", "-c", folder / "nsd.conf"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if (folder / "control").exists() and _queries(folder) is not None:
                break
            time.sleep(0.05)
        else:
            raise RuntimeError("nsd did not start")
        yield folder
    finally:
        server.terminate()
        server.wait(20)


def _queries(folder: Path) -> int | None:
    """How many questions nsd has had; None if it does not tell."""
    command = ["nsd-control", "-c", folder / "nsd.conf", "stats_noreset"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    found = re.search(r"^num\.queries=(\d+)", done.stdout, re.MULTILINE)
    return int(found.group(1)) if found else None


def _server_cpu_s() -> float:
    """User and system time of every nsd process; only ours are in this namespace."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
        if name.startswith("nsd"):
            ticks += sum(map(int, rest.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _run(folder: Path, client: tuple[str, int], kind: str, names: int) -> Measured:
    """One client in a process of its own, on names that no run has had."""
    queries, used_s = _queries(folder) or 0, _server_cpu_s()
    command = [sys.executable, HERE / "resolving_clients.py", *map(str, client), kind, str(names), *map(str, RESOLVER)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LONGEST_S, check=True)
    asked = (_queries(folder) or 0) - queries
    return Measured(**json.loads(done.stdout), server_cpu_s=_server_cpu_s() - used_s, queries=asked)


def _compare(options: argparse.Namespace, folder: Path) -> int:
    print(f"work: A and AAAA of {options.names:,} distinct names, {options.rounds} rounds, nothing cached")
    told = subprocess.run(["nsd", "-v"], capture_output=True, text=True, check=False, timeout=20).stderr
    nsd = re.search(r"[0-9.]{5,}[0-9]", told)
    said = f"Python {platform.python_version()}, dnspython {version('dnspython')}, nsd {nsd.group() if nsd else '?'}"
    print(f"with: {said}, {os.cpu_count()} cores shared with nsd")
    least = []
    for kind, means in KINDS.items():
        few = max(options.names // 6, 1)
        trials = {peer: min(_run(folder, peer, kind, few).wall_s for _ in range(TRIALS)) for peer in PEERS}
        peer = min(trials, key=trials.__getitem__)
        print(f"\n{kind} ({means}); peer at its best of {len(PEERS)} ways: {peer[0]}, {peer[1]} at once")
        print(f"{'round':5}  {'resolver':12}{'wall s':>8}{'names/s':>9}{'CPU s':>8}{'nsd CPU s':>11}{'queries':>9}")
        ratios, rates = [], []
        for number in range(options.rounds):
            clients = {"Waterbed": ("ours", 200), "dnspython": peer}
            turn = list(clients) if number % 2 == 0 else list(clients)[::-1]
            done = {name: _run(folder, clients[name], kind, options.names) for name in turn}
            for name, m in done.items():
                times = f"{m.wall_s:8.2f}{options.names / m.wall_s:9,.0f}{m.cpu_s:8.2f}{m.server_cpu_s:11.2f}"
                print(f"{number + 1:5}  {name:12}{times}{m.queries:9,}", flush=True)
            ours, theirs = done["Waterbed"], done["dnspython"]
            if ours.digest != theirs.digest or min(ours.queries, theirs.queries) < 2 * options.names:
                print("the two did not come to the same answers, or did not ask for all: the ratio means nothing")
                return 3
            rates.append((options.names / ours.wall_s, options.names / theirs.wall_s))
            ratios.append((theirs.wall_s / ours.wall_s, theirs.cpu_s / ours.cpu_s, ours.cpu_s / ours.wall_s))
        wall, cpu, share = zip(*ratios, strict=True)
        print(f"ratio, peer's seconds / ours: wall {_spread(wall)}, CPU of the process {_spread(cpu)}")
        print(f"our process was on a core for {median(share):.0%} of its time")
        least.append(median(wall))
        _told(kind, rates, least[-1], options.target)
    print(f"\ntarget {options.target:.2f}x for each: {'met' if min(least) >= options.target else 'MISSED'}")
    return 0 if min(least) >= options.target else 1


def _told(kind: str, rates: list[tuple[float, float]], ratio: float, target: float) -> None:
    mine, theirs = (median(of) for of in zip(*rates, strict=True))
    tell(
        Figure(
            work=f"DNS over the wire, distinct names, {KINDS[kind]}",
            ours=mine,
            peer=theirs,
            peer_name=f"dnspython {version('dnspython')}",
            unit="names/s",
            value=ratio,
            bound="at least",
            target=target,
        )
    )


def _spread(values: tuple[float, ...]) -> str:
    return f"{median(values):.2f}x ({min(values):.2f}-{max(values):.2f})"


if __name__ == "__main__":
    sys.exit(main())
