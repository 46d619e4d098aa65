"""One, two and four workers on one PostgreSQL database, each with a folder of its own, as on machines of their own.

Exit status: 0 each due look was done once, 1 not, 2 it cannot be run here, 3 something broke.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
from crawls import NOON, PROBE, report_line
from fault_bench import Server
from figures import Figure, tell
from inside import HERE, enter, loopback_up
from servers import OUR_RESOLVER, WEB, Servers, missing, versions
from sqlalchemy import distinct, func, select
from work import spread_out

from waterbed.crawler.recheck import session
from waterbed.crawler.recheck.run import run_recheck
from waterbed.intake.reports import Defaults
from waterbed.model.bookkeeping import Due, Reserved
from waterbed.model.facts import Observation
from waterbed.store.config import Config, read_config, write_toml
from waterbed.store.machine_settings import ConnectTo, Lab, StoreAt
from waterbed.store.own_files import SETTINGS
from waterbed.store.settings import Probe, Schedule
from waterbed.store.tables import TABLES
from waterbed.store.vault import KEYS_ENVIRONMENT, Keys
from waterbed.study.study import create_study, open_study

A_HOST = 5
"""URLs on each host; every host has a domain, an address and a network of its own."""
LEASE_S = 6.0
POLITE = Probe(controls=False, batch=250)
"""The manners of a new study; fewer looks are leased at once, since there are so few."""
OFF = msgspec.structs.replace(PROBE, controls=False, batch=250)
"""Bounds out of reach, and not absent: networks are reserved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measure: until the last worker ended, their processor time, how busy the machine was, what each did."""

    wall_s: float
    cpu_s: float
    busy: float
    did: tuple[int, ...]
    wrong: str


class Machines:
    """A study in a database, which each measure starts from, and workers with folders of their own."""

    def __init__(self, urls: int, folder: Path, server: Server) -> None:
        """Import the work once."""
        self.urls, self._folder, self._server = urls, folder, server
        os.environ["TMPDIR"] = str(folder)  # what a killed worker leaves goes with the rest
        os.environ[KEYS_ENVIRONMENT] = Keys.new().to_toml()
        listener = ConnectTo(prefix="0.0.0.0/0", port=WEB[1], listener=f"{WEB[0]}:{WEB[1]}")
        lab = Lab(resolver=f"{OUR_RESOLVER[0]}:{OUR_RESOLVER[1]}", clock=NOON, connect_to=(listener,))
        self._template = server.fresh()
        config = Config(study="c" * 32, store=StoreAt(url=self._template), schedule=Schedule(lease_s=LEASE_S))
        with create_study(folder / "study", config, lab) as study:
            lines = (report_line(n, url) for n, url in enumerate(spread_out(urls, A_HOST).urls, 1))
            study.import_lines(lines, Defaults(source="benchmark", category="phishing"))

    @contextmanager
    def at_work(self, probe: Probe) -> Iterator[Path]:
        """A copy of the database, and the study whose settings name it."""
        settings = self._folder / "study" / SETTINGS
        config = read_config(settings)[0]
        store = StoreAt(url=self._server.copy(self._template))
        write_toml(settings, msgspec.structs.replace(config, store=store, probe=probe))
        yield settings.parent

    def measure(self, workers: int, probe: Probe, *, shared: bool = True) -> Measured:
        """All workers together, until nothing is due; `shared`: they reserve networks."""
        with self.at_work(probe) as study:
            before = _machine()
            starter = [sys.executable, "-I", "-S", HERE / "copies.py", str(workers)]
            command = [sys.executable, Path(__file__).resolve(), "--work", study, *([] if shared else ["--alone"])]
            done = subprocess.run(
                [*starter, *command],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                check=True,
                timeout=900,
            )
            after = _machine()
            *said, used = (json.loads(line) for line in done.stdout.splitlines())
            return Measured(
                wall_s=used["wall_s"],
                cpu_s=used["cpu_s"],
                busy=(after[0] - before[0]) / (after[1] - before[1]),
                did=tuple(one["looks"] for one in said),
                wrong=_wrong(study, self.urls),
            )


def _machine() -> tuple[float, float]:
    """Processor time that the machine has spent, and that it has had: all cores."""
    ticks = [float(tick) for tick in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def _wrong(path: Path, urls: int) -> str:
    """What was not done once; empty if all was."""
    with open_study(path) as study, study.folder.store.reading() as connection:
        seen, due = TABLES[Observation].c, TABLES[Due].c
        looks, known = connection.execute(select(func.count(), func.count(distinct(seen.url_id)))).one()
        left = connection.scalar(select(func.count()).where(due.due_at <= NOON))
        held = connection.scalar(select(func.count()).where(due.lease_run_id.is_not(None)))
        kept = connection.scalar(select(func.count()).select_from(TABLES[Reserved]))
    if (looks, known, left, held, kept) == (urls, urls, 0, 0, 0):
        return ""
    return f"{looks:,} looks at {known:,} URLs, {left} still due, {held} leased, {kept} networks reserved"


def work(study: Path, *, shared: bool) -> int:
    """One worker: passes until nothing is due, from a folder of its own."""
    if not shared:
        session.reservations_of = lambda *_: None
    looks = 0
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as own:
        copy = Path(own) / "study"
        shutil.copytree(study, copy, ignore=shutil.ignore_patterns("runs"))
        with open_study(copy) as opened:
            while True:
                looks += run_recheck(opened.folder).looks
                if not opened.folder.store.count_due(NOON):
                    break
                time.sleep(0.1)
    print(json.dumps({"looks": looks, "seconds": time.perf_counter() - began}))
    return 0


def _rounds(machines: Machines, rounds: int) -> int:
    """Print each measure, and the medians' ratios; how many were wrong."""
    wrong, found = 0, {}
    plans = [("manners off", OFF, n, True) for n in (1, 2, 4)] + [("manners off, not shared", OFF, 1, False)]
    plans += [("manners of a new study", POLITE, n, True) for n in (1, 2, 4)]
    print(f"{'':28}{'workers':>8}{'wall s':>9}{'URLs/s':>9}{'CPU s':>8}{'cores busy':>12}   looks of each")
    for _ in range(rounds):
        for name, probe, workers, shared in plans:
            m = machines.measure(workers, probe, shared=shared)
            found.setdefault((name, workers), []).append(m.wall_s)
            figures = f"{workers:8}{m.wall_s:9.2f}{machines.urls / m.wall_s:9,.0f}{m.cpu_s:8.2f}{m.busy:12.0%}"
            print(f"{name:28}{figures}   {', '.join(f'{n:,}' for n in m.did)}", flush=True)
            if m.wrong:
                print(f"  not the work: {m.wrong}")
                wrong += 1
    middle = {key: median(values) for key, values in found.items()}
    for name in ("manners off", "manners of a new study"):
        one = middle[name, 1]
        print(
            f"{name}: 2 workers {one / middle[name, 2]:.2f} times one, 4 workers {one / middle[name, 4]:.2f} times one"
        )
        for n in (2, 4):
            tell(
                Figure(
                    work=f"{n} workers on PostgreSQL, {name}",
                    ours=middle[name, n],
                    peer=one,
                    peer_name="one worker",
                    unit="s",
                    value=one / middle[name, n],
                    bound="none",
                )
            )
    cost = middle["manners off", 1] / middle["manners off, not shared", 1]
    print(f"sharing the bounds on networks: {cost:.2f} times the wall time of one worker without")
    return wrong


def _one_dies(machines: Machines) -> int:
    """Kill one of four in mid-run; whether all due looks were done once."""
    with machines.at_work(POLITE) as study, open_study(study) as seen:
        command = [sys.executable, Path(__file__).resolve(), "--work", study]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        began = time.monotonic()
        workers = [subprocess.Popen(command, **quiet) for _ in range(4)]
        store, due = seen.folder.store, TABLES[Due].c
        while store.count(Observation) < machines.urls * 0.3:
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
    wrong = _wrong(study, machines.urls) or ("" if not any(codes) else f"exit codes {codes}")
    print(wrong or f"each of {machines.urls:,} due looks was done once")
    return bool(wrong)


def main() -> int:
    """Measure, print, and say by the exit status whether each look was done once."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--urls", type=int, default=10_000)
    words.add_argument("--rounds", type=int, default=2)
    words.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    words.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    words.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.work:
        return work(options.work, shared=not options.alone)
    if missing():
        print(f"{', '.join(missing())} not found; on Debian: apt-get install nginx-light nsd util-linux mount")
        return 2
    if not options.inside:
        return enter()
    loopback_up()
    print(f"work: HEAD of {options.urls:,} invented URLs, {A_HOST} a host, each host in a network of its own, TLS off")
    print(f"with: {versions()}, Python {platform.python_version()}, PostgreSQL, {os.cpu_count()} cores for all of it\n")
    try:
        with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as data:
            folder, server = Path(name), Server(Path(data))
            try:
                with Servers(folder, spread_out(options.urls, A_HOST).zones, options.urls // A_HOST):
                    machines = Machines(options.urls, folder, server)
                    wrong = _rounds(machines, options.rounds) + _one_dies(machines)
            finally:
                server.stop()
    except (RuntimeError, subprocess.SubprocessError) as problem:
        print(f"the benchmark broke off: {problem}")
        return 3
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
