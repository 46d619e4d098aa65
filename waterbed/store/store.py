"""One store on SQLite (WAL) or PostgreSQL."""

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import Connection, PoolProxiedConnection, Update, delete, func, inspect, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from waterbed.model.bookkeeping import Due, Forgotten, Run, RunEnd, Sealed
from waterbed.model.codec import columns as fields_of
from waterbed.model.errors import InputError, ReadOnly, StoreFailure
from waterbed.model.facts import ControlLook, Observation, Report, Resolution
from waterbed.store.bulk import among, fetch, insert, shared
from waterbed.store.database import (
    CONNECTIONS,
    IMMEDIATE,
    failures_explained,
    not_opened,
    opened,
    read_only,
    writable,
)
from waterbed.store.tables import TABLES, metadata

Fact = TypeVar("Fact")
LOCK: Final = 0x7761746572
"""The number of Waterbed's advisory lock in a PostgreSQL database."""
_CACHE_MIB = 2
"""SQLite's own default."""
FORGETTABLE: dict[type, tuple[str, ...]] = {Sealed: ("entry_id",), Due: ("url_id", "host_id")}
"""What may not come back once it is forgotten, and by which ids it is known."""


Sync = Literal["within", "after", "never"]
"""When a transaction waits for the disk: while others wait for it, once they can go on, or not at all.

What never waited may be undone if the machine itself dies, and so is all that followed.
"""


class Store:
    """The facts of one study, in one database."""

    def __init__(self, url: str) -> None:
        """Open the database at a SQLAlchemy URL, creating nothing."""
        try:
            self.url = make_url(url)
        except (ArgumentError, ValueError):
            raise InputError("the store in waterbed.toml is not a database URL (docs/operations.md)") from None
        if self.url.get_backend_name() == "postgresql":
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if not self.sqlite and self.url.get_backend_name() != "postgresql":
            raise InputError("the store is neither sqlite nor a postgresql:// URL (docs/operations.md, PostgreSQL)")
        self.engine = opened(self.url, sqlite=self.sqlite)
        self._watch: PoolProxiedConnection | None = None
        self._locks: list[tuple[str, int]] = []
        """Locks of the server's that are held: how they are shared, in its words, and their numbers."""
        self._locking = Lock()
        self.waited_s = self.longest_wait_s = 0.0
        """Seconds until transactions that write could begin, since others wrote, and the most of these (SQLite)."""

    @property
    def file(self) -> Path | None:
        """The SQLite file, None for a server."""
        return Path(self.url.database) if self.sqlite and self.url.database else None

    def close(self) -> None:
        """Give all connections back."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self.engine.dispose()

    def version(self) -> str | None:
        """Return a mark that every commit changes, whoever makes it.

        A server's own tidying may change it as well. None where the database does not tell: a place that cannot be
        written.
        """
        if self.file is None:  # the transactions that a server had begun, and those of them that go on
            with self.reading() as connection:
                return str(connection.scalar(text("SELECT CAST(pg_current_snapshot() AS text)")))
        if not writable(self.file):
            return None
        try:
            if self._watch is None:  # a connection's own commits do not count, so this one makes none
                self._watch = self.engine.raw_connection()
            cursor = self._watch.cursor()
            cursor.execute("PRAGMA data_version")
            row = cursor.fetchone()
            return str(row[0]) if row else None
        except (sqlite3.Error, DatabaseError):  # whoever reads the facts says what it is
            return None

    def clear(self) -> None:
        """Remove every row, of all tables."""
        with self.writing() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))

    def migrate(self, to: str = "head") -> None:
        """Migrate to this version's schema, or an earlier one, atomically."""
        self.revision()  # one that cannot be reached is the user's to mend, and is reported as such
        with self.writing() as connection:
            self.migrate_in(connection, to)

    def migrate_in(self, connection: Connection, to: str = "head") -> None:
        """The same within a transaction that goes on."""
        from alembic import command  # noqa: PLC0415 (a third of a second that no other call should pay)
        from alembic.config import Config as AlembicConfig  # noqa: PLC0415 (the same)

        config = AlembicConfig()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, to)

    def revision(self) -> str | None:
        """Return the schema's revision, None if the database is empty."""
        try:
            with self.engine.connect() as connection, failures_explained():
                connection.info["begin"] = "BEGIN"
                if not inspect(connection).has_table("alembic_version"):
                    return None
                found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
                return found
        except DatabaseError as problem:
            raise not_opened(problem) from None

    @contextmanager
    def writing(self, cache_mib: int = _CACHE_MIB, *, sync: Sync = "within") -> Iterator[Connection]:
        """Open a write transaction: all or nothing.

        `cache_mib` of pages are kept at hand meanwhile, and `sync` says when the disk is waited for (both SQLite).
        """
        with failures_explained(), self.engine.connect() as connection:
            connection.info["begin"] = IMMEDIATE
            level = "FULL" if sync == "within" else "NORMAL"
            if self.sqlite and connection.info.get("level", "FULL") != level:
                connection.connection.cursor().execute(f"PRAGMA synchronous = {level}")
                connection.info["level"] = level
            self._refuse_read_only()
            began = perf_counter()
            with self._keeping(cache_mib, connection), connection.begin():
                if self.sqlite:
                    waited = perf_counter() - began
                    self.waited_s += waited
                    self.longest_wait_s = max(self.longest_wait_s, waited)
                yield connection

        if sync == "after" and self.file:
            _sync(self.file.with_name(f"{self.file.name}-wal"))

    @contextmanager
    def _keeping(self, cache_mib: int, connection: Connection) -> Iterator[None]:
        if not self.sqlite or cache_mib == _CACHE_MIB:
            yield
            return
        driver = connection.connection.cursor()
        driver.execute(f"PRAGMA cache_size = {-1024 * cache_mib}")
        try:
            yield
        finally:
            driver.execute(f"PRAGMA cache_size = {-1024 * _CACHE_MIB}")

    def _refuse_read_only(self) -> None:
        """Raise ReadOnly early if the file cannot be written."""
        if self.file is not None and not writable(self.file):
            raise ReadOnly(read_only(f"{self.file.name} or its folder is read-only"))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads a consistent state."""
        with failures_explained(), self.engine.connect() as connection:
            connection.info["begin"] = "BEGIN"
            yield connection

    def add(self, facts: Iterable[Any], connection: Connection | None = None) -> None:
        """Add facts in one transaction; known ones stay unchanged.

        What was forgotten is not sealed again, whoever comes across it.
        """
        if connection is None:
            with self.writing() as own:
                self.add(facts, own)
            return
        by_class: dict[type, list[Any]] = defaultdict(list)
        for fact in facts:
            by_class[type(fact)].append(fact)
        if Sealed in by_class and self.anything_forgotten(connection):
            self._leave_forgotten(by_class, connection)
        for cls, found in by_class.items():
            if found:
                insert(cls, found, connection)

    def _leave_forgotten(self, by_class: dict[type, list[Any]], connection: Connection) -> None:
        """Drop forgotten entries from facts to be added."""
        named = [getattr(fact, name) for cls, names in FORGETTABLE.items() for fact in by_class[cls] for name in names]
        gone = self.forgotten_among(named, connection)
        for cls, names in FORGETTABLE.items() if gone else ():
            by_class[cls] = [fact for fact in by_class[cls] if not any(getattr(fact, name) in gone for name in names)]

    def forgotten(self, ids: Iterable[str]) -> set[str]:
        """Return those of the ids that bear a tombstone."""
        with self.reading() as connection:
            return self.forgotten_among(ids, connection)

    def forgotten_among(self, ids: Iterable[str], connection: Connection) -> set[str]:
        """Return those of the ids that bear a tombstone.

        It costs nearly nothing while nothing was ever forgotten.
        """
        if not self.anything_forgotten(connection):
            return set()
        return self.known_ids(Forgotten, "entry_id", ids, connection)

    def anything_forgotten(self, connection: Connection) -> bool:
        """True if anything bears a tombstone."""
        return connection.scalar(select(TABLES[Forgotten].c.entry_id).limit(1)) is not None

    def known_ids(self, cls: type, column: str, ids: Iterable[str], connection: Connection) -> set[str]:
        """Return those of the ids that a table has already."""
        its = TABLES[cls].c[column]
        return set(connection.scalars(select(its).where(among(its, ids, connection))))

    def cells(
        self, cls: type, names: Sequence[str], column: str, ids: Iterable[str], connection: Connection
    ) -> set[tuple[Any, ...]]:
        """Return some cells of the facts with these ids."""
        its = TABLES[cls].c
        query = select(*(its[name] for name in names)).where(among(its[column], ids, connection))
        return {tuple(row) for row in connection.execute(query)}

    def all(self, cls: type[Fact], *conditions: Any, order: Sequence[str] = ()) -> list[Fact]:
        """All facts of a class that meet the SQL conditions."""
        table = TABLES[cls]
        query = select(table).where(*conditions).order_by(*(table.c[name] for name in order))
        with self.reading() as connection:
            return list(shared(cls, query, connection))

    def by_ids(
        self, cls: type[Fact], column: str, ids: Iterable[str], connection: Connection | None = None
    ) -> list[Fact]:
        """Return facts whose column is one of the ids."""
        table = TABLES[cls]
        with nullcontext(connection) if connection else self.reading() as connection:  # noqa: PLR1704 (the one in use)
            return fetch(cls, select(table).where(among(table.c[column], ids, connection)), connection)

    def count(self, cls: type, *conditions: Any) -> int:
        """Count the facts of a class that meet the conditions."""
        with self.reading() as connection:
            return connection.scalar(select(func.count()).select_from(TABLES[cls]).where(*conditions)) or 0

    def newest_of(self, cls: type, *conditions: Any) -> tuple[Any, ...]:
        """Count facts, and find their newest times."""
        table = TABLES[cls]
        times = [table.c[name] for name, (kind, _, _) in fields_of(cls).items() if kind is datetime]
        query = select(func.count(), *map(func.max, times)).select_from(table).where(*conditions)
        with self.reading() as connection:
            return tuple(connection.execute(query).one())

    def distinct(self, cls: type, column: str) -> list[str]:
        """All values of a column, in order."""
        of = TABLES[cls].c[column]
        with self.reading() as connection:
            return sorted(connection.scalars(select(of).distinct()))

    @contextmanager
    def locked(self, *, alone: bool, number: int = LOCK) -> Iterator[bool]:
        """Hold a database server's lock; yields False if taken.

        Shared or exclusive.

        SQLite serves one machine, where a lock on a file does. A server that goes away drops the lock itself. The lock
        is a session's, which does other work meanwhile: a process has few of them.
        """
        if self.sqlite:
            yield True
            return
        lock = ("" if alone else "_shared", number)
        with self._locking:
            free = self._lock(*lock)
        try:
            yield free
        finally:
            if free:
                with self._locking, suppress(DatabaseError, StoreFailure):  # no two wait for each other's connection
                    self._locks.remove(lock)
                    self._unlock(*lock)

    def _lock(self, shared: str, number: int) -> bool:
        if any(other == number and "" in (how, shared) for how, other in self._locks):
            return False  # the session that holds it would get it once more
        with failures_explained(), self.engine.connect() as connection:
            plain = connection.execution_options(isolation_level="AUTOCOMMIT")
            free = bool(plain.scalar(text(f"SELECT pg_try_advisory_lock{shared}(:key)"), {"key": number}))
            if free:
                self._locks.append((shared, number))
                connection.info.setdefault("locks", []).append((shared, number))
            return free

    def _unlock(self, shared: str, number: int) -> None:
        """Unlock in the session that holds it; if that broke off, none does."""
        with failures_explained(), ExitStack() as held:
            for _ in range(CONNECTIONS):
                connection = held.enter_context(self.engine.connect())
                if (shared, number) in connection.info.get("locks", ()):
                    connection.info["locks"].remove((shared, number))
                    plain = connection.execution_options(isolation_level="AUTOCOMMIT")
                    plain.execute(text(f"SELECT pg_advisory_unlock{shared}(:key)"), {"key": number})
                    return

    def make_all_due(self, when: datetime) -> None:
        """Make every URL due now at the latest.

        Those being looked at are left alone.
        """
        with self.writing() as connection:
            connection.execute(_sooner(when))

    def make_due(self, when: datetime, url_ids: Iterable[str], connection: Connection) -> None:
        """Make some URLs due now at the latest.

        Those being looked at are left alone.
        """
        connection.execute(_sooner(when).where(among(TABLES[Due].c.url_id, url_ids, connection)))

    def set_category(self, category: str, url_ids: Iterable[str], connection: Connection) -> None:
        """Change the category by which URLs are looked at."""
        due = TABLES[Due]
        connection.execute(update(due).where(among(due.c.url_id, url_ids, connection)).values(category=category))

    def count_due(self, due_by: datetime) -> int:
        """Count due URLs at a time on the study's clock."""
        return self.count(Due, TABLES[Due].c.due_at <= due_by)

    def latest_controls(self, host_ids: Iterable[str], vantage: str, since: datetime) -> list[ControlLook]:
        """The control looks of some hosts since a time.

        Those of a known place alone: the others may stand for any.
        """
        table = TABLES[ControlLook]
        with self.reading() as connection:
            chosen = among(table.c.host_id, host_ids, connection)
            recent = (table.c.vantage == vantage, table.c.observed_at >= since, table.c.place_id.is_not(None))
            query = select(table).where(chosen, *recent).order_by(table.c.observed_at)
            return fetch(ControlLook, query, connection)

    def latest_name_servers(self, host_ids: Iterable[str], since: datetime) -> list[Resolution]:
        """Return resolutions with name servers since a time, oldest first.

        Of some hosts.
        """
        table = TABLES[Resolution]
        with self.reading() as connection:
            chosen = among(table.c.host_id, host_ids, connection)
            recent = (table.c.resolved_at >= since, table.c.name_servers_at.is_not(None))
            return fetch(Resolution, select(table).where(chosen, *recent).order_by(table.c.resolved_at), connection)

    def next_due(self) -> datetime | None:
        """Return the next due time, on the study's clock."""
        with self.reading() as connection:
            when: datetime | None = connection.scalar(select(func.min(TABLES[Due].c.due_at)))
            return when

    def newest_runs(self, kind: str, limit: int) -> list[Run]:
        """The newest runs of a kind."""
        table = TABLES[Run]
        newest = (table.c.started_at.desc(), table.c.run_id.desc())
        query = select(table).where(table.c.kind == kind).order_by(*newest).limit(limit)
        with self.reading() as connection:
            return [Run(**row._mapping) for row in connection.execute(query)]

    def first(self, cls: type, column: str) -> datetime | None:
        """The earliest time in a column, None without a row."""
        return self.span(cls, column)[0]

    def span(self, cls: type, column: str) -> tuple[datetime | None, datetime | None]:
        """The earliest and the latest time in a column."""
        when = TABLES[cls].c[column]
        with self.reading() as connection:
            # in queries of their own each is the end of an index
            first, last = (connection.scalar(select(end(when))) for end in (func.min, func.max))
            return first, last

    def first_reported(self, since: datetime) -> datetime | None:
        """The earliest time of a report from then on."""
        report = TABLES[Report].c
        when = func.coalesce(report.reported_at, report.received_at)
        with self.reading() as connection:
            first: datetime | None = connection.scalar(select(func.min(when)).where(when >= since))
            return first

    def observed_span(self) -> tuple[datetime | None, datetime | None]:
        """Return the times of the first and the last look."""
        return self.span(Observation, "observed_at")

    def unfinished_runs(self) -> list[str]:
        """Runs that started and have no end on record."""
        run, end = TABLES[Run], TABLES[RunEnd]
        query = select(run.c.run_id).where(run.c.run_id.not_in(select(end.c.run_id)))
        with self.reading() as connection:
            return list(connection.scalars(query))


def _sync(log: Path) -> None:
    """Wait until all that was committed is on the disk.

    SQLite locks other files than its log, so none of its locks is lost when this one is closed.
    """
    handle = os.open(log, os.O_WRONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sooner(when: datetime) -> Update:
    due = TABLES[Due]
    return update(due).where(due.c.due_at > when, due.c.lease_run_id.is_(None)).values(due_at=when)
