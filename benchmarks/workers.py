"""One to eight workers on one PostgreSQL database, each with a folder of its own, as on machines of their own.

Exit status: 0 each due look was done once and all targets are met, 1 not, 2 it cannot be run here, 3 it broke.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
from crawls import NOON, PROBE, report_line
from fault_bench import Server
from figures import Figure, tell
from inside import HERE, enter, loopback_up
from one_worker import Told
from servers import OUR_RESOLVER, WEB, Servers, missing, versions
from sqlalchemy import distinct, func, select
from work import Work, in_networks, spread_out

from waterbed.intake.reports import Defaults
from waterbed.model.bookkeeping import Due, Reserved
from waterbed.model.facts import Observation
from waterbed.store.config import Config, read_config, write_toml
from waterbed.store.folder import LAB
from waterbed.store.machine_settings import ConnectTo, Lab, StoreAt
from waterbed.store.own_files import SETTINGS
from waterbed.store.settings import Probe, Schedule
from waterbed.store.tables import TABLES
from waterbed.store.vault import KEYS_ENVIRONMENT, Keys
from waterbed.study.study import create_study, open_study

A_HOST = 5
"""URLs on each host where every host has a network of its own."""
BIG_SHARE = 0.3
"""Share of the hosts that the big network has."""
NETWORKS = (20, 200)
WORKERS = (1, 2, 4, 8)
PASSES = 2
"""Over the same URLs: in the first one nobody knows where they lie."""
LATER_ON = timedelta(minutes=30)
"""Between two passes, on the study's clock: its URLs are made due before their time."""
LEASE_S = 6.0
LONGEST_S = 1200
POLITE = Probe(controls=False, batch=250)
"""The manners of a new study; fewer looks are leased at once, since there are so few."""
OFF = msgspec.structs.replace(PROBE, controls=False, batch=250)
"""Bounds out of reach, and not absent: networks are reserved."""
SLOWER, CLAIMS_S, LATER, DEARER = 1.1, 20.0, 1.2, 1.25
"""Targets: wall time to that of fewer workers, claims a second, p95 to that without the big network, processor time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Hosts in networks, and the manners by which they are checked."""

    name: str
    work: Work = field(repr=False)
    probe: Probe
    networks: int = 0
    """0: each host has its own."""
    without: str | None = None
    """The world that has all of this one but the big network."""

    @property
    def least_s(self) -> float:
        """Seconds that a pass takes by the pauses at the fullest network alone."""
        fullest: dict[str, int] = defaultdict(int)
        for address in self.work.addresses.values():
            fullest[address.rpartition(".")[0]] += 1
        return max(fullest.values()) * len(self.work.urls) / len(self.work.addresses) * self.probe.network_delay_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One pass by some workers; `busy` is the machine's share of processor time, others' included."""

    wall_s: float
    cpu_s: float
    claims_s: float
    statements: int
    rest_s: float
    """p95 of the hosts outside the big network: when their last check was done."""
    big_s: float | None
    busy: float
    did: tuple[int, ...]
    wrong: str


Key = tuple[str, int, int]
"""A world's name, the number of the pass, the number of workers."""


class Machines:
    """A study in a database, which each measure starts from, and workers with folders of their own."""

    def __init__(self, world: World, folder: Path, server: Server) -> None:
        """Import the work once."""
        self.world, self._folder, self._server = world, folder, server
        folder.mkdir()
        os.environ["TMPDIR"] = str(folder)  # what a killed worker leaves goes with the rest
        os.environ[KEYS_ENVIRONMENT] = Keys.new().to_toml()
        listener = ConnectTo(prefix="0.0.0.0/0", port=WEB[1], listener=f"{WEB[0]}:{WEB[1]}")
        self._lab = Lab(resolver=f"{OUR_RESOLVER[0]}:{OUR_RESOLVER[1]}", clock=NOON, connect_to=(listener,))
        self._template = server.fresh()
        config = Config(study="c" * 32, store=StoreAt(url=self._template), schedule=Schedule(lease_s=LEASE_S))
        with create_study(folder / "study", config, self._lab) as study:
            lines = (report_line(n, url) for n, url in enumerate(world.work.urls, 1))
            study.import_lines(lines, Defaults(source="benchmark", category="phishing"))

    @contextmanager
    def at_work(self) -> Iterator[Path]:
        """A copy of the database, and the study whose settings name it."""
        settings = self._folder / "study" / SETTINGS
        config = read_config(settings)[0]
        store = StoreAt(url=self._server.copy(self._template))
        write_toml(settings, msgspec.structs.replace(config, store=store, probe=self.world.probe))
        write_toml(settings.parent / LAB, self._lab)
        yield settings.parent

    def measure(self, workers: int) -> Iterator[Measured]:
        """All workers together until nothing is due, in each pass."""
        with self.at_work() as study:
            for number in range(1, PASSES + 1):
                now = NOON + (number - 1) * LATER_ON
                write_toml(study / LAB, msgspec.structs.replace(self._lab, clock=now))
                with open_study(study) as opened:
                    opened.folder.store.make_all_due(now)
                before = _machine()
                told = _told(study, workers)
                after = _machine()
                began, ended = max(one.began for one in told), max(one.ended for one in told)
                yield Measured(
                    wall_s=ended - began,
                    cpu_s=sum(one.cpu_s for one in told),
                    claims_s=sum(one.claims for one in told) / (ended - began),
                    statements=sum(one.statements for one in told),
                    rest_s=_p95((one.rest for one in told), began) or 0.0,
                    big_s=_p95((one.big for one in told), began),
                    busy=(after[0] - before[0]) / (after[1] - before[1]),
                    did=tuple(one.looks for one in told),
                    wrong=_wrong(study, self.world.work, number),
                )


def _begin(study: Path, meet: Path, workers: int) -> list[subprocess.Popen[bytes]]:
    command = [sys.executable, HERE / "one_worker.py", study, meet, str(workers)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return [subprocess.Popen(command, **quiet) for _ in range(workers)]


def _told(study: Path, workers: int) -> list[Told]:
    """Start workers, which begin together, and return how it went; RuntimeError if one failed."""
    with tempfile.TemporaryDirectory() as meet:
        begun = _begin(study, Path(meet), workers)
        latest = time.monotonic() + LONGEST_S
        try:
            while any(process.poll() is None for process in begun):
                if any(process.poll() for process in begun):
                    raise RuntimeError(f"a worker of {workers} failed: {[process.poll() for process in begun]}")
                if time.monotonic() > latest:
                    raise RuntimeError(f"{workers} workers took longer than {LONGEST_S} s")
                time.sleep(0.1)
        finally:
            for process in begun:
                with suppress(ProcessLookupError):
                    process.kill()
                process.wait()
        return [Told(**json.loads(file.read_text())) for file in sorted(Path(meet).glob("*.json"))]


def _p95(times: Iterable[dict[str, float]], began: float) -> float | None:
    """The p95 of the hosts' last checks, seconds after the begin; None without hosts."""
    last: dict[str, float] = {}
    for one in times:
        for host, when in one.items():
            last[host] = max(when, last.get(host, when))
    late = sorted(last.values())
    return late[math.ceil(0.95 * len(late)) - 1] - began if late else None


def _machine() -> tuple[float, float]:
    """Processor time that the machine has spent, and that it has had: all cores."""
    ticks = [float(tick) for tick in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def _wrong(path: Path, work: Work, passes: int = 1) -> str:
    """What was not done once in each pass; empty if all was."""
    urls = len(work.urls)
    with open_study(path) as study, study.folder.store.reading() as connection:
        seen, due = TABLES[Observation].c, TABLES[Due].c
        looks, known = connection.execute(select(func.count(), func.count(distinct(seen.url_id)))).one()
        of_each = select(seen.url_id, func.count().label("looks")).group_by(seen.url_id).subquery()
        most = connection.scalar(select(func.max(of_each.c.looks)))
        left = connection.scalar(select(func.count()).where(due.due_at <= study.folder.clock()))
        held = connection.scalar(select(func.count()).where(due.lease_run_id.is_not(None)))
        kept = connection.scalar(select(func.count()).select_from(TABLES[Reserved]))
    if (looks, known, most, left, held, kept) == (urls * passes, urls, passes, 0, 0, 0):
        return ""
    return (
        f"{looks:,} looks at {known:,} URLs in {passes} passes, up to {most} at one; {left} still due, {held} leased, "
        f"{kept} networks reserved"
    )


def worlds(urls: int, a_host: int, network_delay_s: float) -> list[World]:
    """All worlds; `urls` are those of each world with a big network, the one without has those outside it."""
    alone = spread_out(urls * 5 // 2 // A_HOST * A_HOST, A_HOST)
    found = [World(name="manners off", work=alone, probe=OFF), World(name="spread", work=alone, probe=POLITE)]
    polite = msgspec.structs.replace(POLITE, network_delay_s=network_delay_s)
    hosts = urls // a_host
    big = round(hosts * BIG_SHARE)
    for n in NETWORKS:
        rest, both = in_networks(hosts - big, a_host, n), in_networks(hosts - big, a_host, n, big)
        found.append(World(name=f"{n}", work=rest, probe=polite, networks=n))
        found.append(World(name=f"{n}+big", work=both, probe=polite, networks=n, without=f"{n}"))
    return found


def measured(machines: Machines, counts: Sequence[int], rounds: int, found: dict[Key, list[Measured]]) -> int:
    """Print and keep each measure of a world; how many were not the work."""
    world, wrong = machines.world, 0
    urls = len(world.work.urls)
    bound = f"; its pauses alone take {world.least_s:.1f} s a pass" if world.networks else ""
    print(f"\n{world.name}: {urls:,} URLs on {world.work.hosts:,} hosts{bound}")
    head = (
        "pass",
        "workers",
        "wall s",
        "to fewer",
        "URLs/s",
        "ms CPU",
        "SQL/URL",
        "claims/s",
        "p95 s",
        "big p95",
        "busy",
    )
    print("".join(f"{word:>10}" for word in head) + "   checks of each", flush=True)
    for _ in range(rounds):
        for count in counts:
            for number, m in enumerate(machines.measure(count), 1):
                found[world.name, number, count].append(m)
                slower = to_fewer(found, (world.name, number, count))
                words = (
                    *(f"{number}", f"{count}", f"{m.wall_s:.2f}", f"{slower:.2f}" if slower else ""),
                    *(f"{urls / m.wall_s:,.0f}", f"{1000 * m.cpu_s / urls:.2f}"),
                    *(f"{m.statements / urls:.3f}", f"{m.claims_s:.1f}"),
                    *(f"{m.rest_s:.2f}", "" if m.big_s is None else f"{m.big_s:.2f}", f"{m.busy:.0%}"),
                )
                print("".join(f"{word:>10}" for word in words) + f"   {', '.join(f'{n:,}' for n in m.did)}", flush=True)
                if m.wrong:
                    print(f"  not the work: {m.wrong}")
                    wrong += 1
    return wrong


def _middle(found: dict[Key, list[Measured]], key: Key, name: str) -> float:
    return median(getattr(one, name) for one in found[key])


def to_fewer(found: dict[Key, list[Measured]], key: Key) -> float | None:
    """Wall time to the least of fewer workers in the same world and pass; None for the fewest."""
    fewer = [other for other in found if other[:2] == key[:2] and other[2] < key[2]]
    least = min((_middle(found, other, "wall_s") for other in fewer), default=None)
    return None if least is None else _middle(found, key, "wall_s") / least


def verdicts(chosen: Sequence[World], found: dict[Key, list[Measured]]) -> int:
    """Print the worst of each figure beside its target, and tell it; how many are missed."""
    without = {world.name: world.without for world in chosen if world.networks}
    polite = [key for key in found if key[0] in without]
    slower = {key: ratio for key in polite if (ratio := to_fewer(found, key)) is not None}
    claims = {key: _middle(found, key, "claims_s") for key in polite}
    later = {
        key: _middle(found, key, "rest_s") / _middle(found, alone, "rest_s")
        for key in polite
        if (alone := (str(without[key[0]]), *key[1:])) in found
    }
    cost = {key: _middle(found, key, "cpu_s") for key in found if key[0] == "manners off"}
    dearer = {key: cost[key] / cost[first] for key in cost if (first := (*key[:2], 1)) in cost and key[2] > 1}
    print("\nworst of each")
    missed = 0
    for said, ratios, target in (
        ("workers bound by politeness, wall time to fewer workers", slower, SLOWER),
        ("workers bound by politeness, statements a second that claim networks", claims, CLAIMS_S),
        ("p95 of hosts outside a big network, to a world without it", later, LATER),
        ("workers bound by the processor, processor time to one worker", dearer, DEARER),
    ):
        if not ratios:
            continue
        key = max(ratios, key=ratios.__getitem__)
        worst = ratios[key]
        figure = Figure(work=said, ours=worst, unit="", value=worst, bound="at most", target=target)
        tell(figure)
        missed += not figure.met
        where = f"{key[0]}, pass {key[1]}, {key[2]} workers"
        over = sum(ratio > target for ratio in ratios.values())
        print(
            f"{said}: {worst:.2f} ({where}); target {target:g}: {'met' if figure.met else 'missed'}, "
            f"{over} of {len(ratios)} above it"
        )
    return missed


def one_dies(machines: Machines) -> int:
    """Kill one of four in mid-run; whether not all due looks were done once."""
    urls = len(machines.world.work.urls)
    with machines.at_work() as study, open_study(study) as seen, tempfile.TemporaryDirectory() as meet:
        began = time.monotonic()
        workers = _begin(study, Path(meet), 4)
        store, due = seen.folder.store, TABLES[Due].c
        while store.count(Observation) < urls * 0.3:
            time.sleep(0.05)
        workers[0].kill()
        workers[0].wait()
        dead = time.monotonic()
        print(f"\none of four workers killed after {dead - began:.1f} s; leases lapse after {LEASE_S:g} s")
        while any(worker.poll() is None for worker in workers[1:]):
            left = store.count_due(NOON)
            leased = store.count(Due, due.lease_run_id.is_not(None))
            print(f"{time.monotonic() - dead:6.1f} s: {left:6,} looks due, {leased:5,} of them leased", flush=True)
            time.sleep(2.0)
        print(f"{time.monotonic() - dead:6.1f} s: all workers at their end")
        codes = [worker.wait() for worker in workers[1:]]
    wrong = _wrong(study, machines.world.work) or ("" if not any(codes) else f"exit codes {codes}")
    print(wrong or f"each of {urls:,} due looks was done once")
    return bool(wrong)


def _measure_all(chosen: Sequence[World], counts: Sequence[int], rounds: int) -> int:
    """Measure all worlds; how much went wrong or was missed."""
    found: dict[Key, list[Measured]] = defaultdict(list)
    wrong = 0
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as data:
        folder, server = Path(name), Server(Path(data))
        addresses = {label: its for world in chosen for label, its in world.work.addresses.items()}
        try:
            with Servers(folder, (), addresses):
                for number, world in enumerate(chosen):
                    machines = Machines(world, folder / f"world{number}", server)
                    wrong += measured(machines, counts, rounds, found)
                    if world.name == "spread":
                        wrong += one_dies(machines)
        finally:
            server.stop()
    return wrong + verdicts(chosen, found)


def main() -> int:
    """Measure, print, and say by the exit status whether each look was done once and the targets are met."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument(
        "--urls", type=int, default=4000, help="of a world with a big network; spread: 2.5 times as many"
    )
    words.add_argument("--a-host", type=int, default=1, help="URLs of each host in the worlds with few networks")
    words.add_argument("--network-delay", type=float, default=POLITE.network_delay_s, help="in these worlds, seconds")
    words.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    words.add_argument("--only", nargs="+", help="names of worlds, as printed")
    words.add_argument("--rounds", type=int, default=1)
    words.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = words.parse_args()
    if missing():
        print(f"{', '.join(missing())} not found; on Debian: apt-get install nginx-light nsd util-linux mount")
        return 2
    known = worlds(options.urls, options.a_host, options.network_delay)
    if strange := {*(options.only or ())} - {world.name for world in known}:
        print(f"--only {', '.join(sorted(strange))}: no such world; there are {', '.join(w.name for w in known)}")
        return 2
    if not options.inside:
        return enter()
    loopback_up()
    chosen = [world for world in known if not options.only or world.name in options.only]
    print(
        "work: HEAD of invented URLs, TLS off. Times from when all workers have begun; ms CPU: of workers, for a URL;"
    )
    print("p95: of hosts outside the big network and of those in it, when their last check was done.")
    print(f"with: {versions()}, Python {platform.python_version()}, PostgreSQL, {os.cpu_count()} cores for all of it")
    try:
        return 1 if _measure_all(chosen, sorted(options.workers), options.rounds) else 0
    except (RuntimeError, subprocess.SubprocessError) as problem:
        print(f"the benchmark broke off: {problem}")
        return 3


if __name__ == "__main__":
    sys.exit(main())
