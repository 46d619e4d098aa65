"""Copies whole stores between databases and SQLite files.

It is the form of backups: of one schema with all studies, so that it is brought forward by the same migrations.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import Connection, Table, func, inspect, select
from sqlalchemy.exc import DatabaseError

from waterbed.model.errors import InputError, OwnFailure, StoreFailure
from waterbed.model.progress import stage
from waterbed.store.database import failures_explained
from waterbed.store.store import Store
from waterbed.store.tables import metadata
from waterbed.store.whole.files import sync

_CACHE_KIB: Final = 2_048
_AT_ONCE: Final = 5_000
"""Rows that are in memory at the same time."""


def copy_out(store: Store, file: Path) -> dict[str, int]:
    """Copy a store consistently; return row counts by table.

    The copy is a new SQLite file; passes go on meanwhile.

    The file is checked as a whole before it counts. StoreFailure if the store is damaged, OSError-like failures of the
    file's own disk as one sentence.
    """
    with failures_explained(), _explained(file):
        if store.sqlite:
            with closing(store.engine.raw_connection()) as pooled, closing(sqlite3.connect(file)) as made:
                # all pages in one step: a copy in several begins anew whenever somebody writes
                cast(sqlite3.Connection, pooled.driver_connection).backup(made)
                made.execute("PRAGMA journal_mode=DELETE")
        else:
            _rows_out(store, file)
    complaints = damage(file)
    if complaints:
        raise StoreFailure(
            f"the study's store is damaged ({len(complaints)} complaints of its integrity check), so no backup was "
            "made of it and none was removed; restore the last one (docs/backup.md)"
        )
    sync(file)
    return rows_in(file)


def _connected(file: Path) -> sqlite3.Connection:
    """Open an SQLite file; its own wishes for memory do not count."""
    opened = sqlite3.connect(file)
    opened.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return opened


def acting_in(file: Path) -> list[str]:
    """Triggers, views and modules, that act by themselves.

    No store has any.
    """
    with closing(_connected(file)) as opened:
        told = "type IN ('trigger', 'view') OR sql LIKE 'CREATE VIRTUAL%'"
        return [name for (name,) in opened.execute(f"SELECT name FROM sqlite_master WHERE {told}")]  # noqa: S608 (a text of our own)


def rows_in(file: Path) -> dict[str, int]:
    """The rows of each table of an SQLite file."""
    with closing(_connected(file)) as opened:
        names = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: _count(opened, name) for name in sorted(names)}


def rows_of(store: Store, connection: Connection) -> dict[str, int]:
    """The rows of each table of a store."""
    names = sorted(inspect(connection).get_table_names())
    known = {name: metadata.tables[name] for name in names if name in metadata.tables}
    found = {name: connection.scalar(select(func.count()).select_from(table)) or 0 for name, table in known.items()}
    return found | {name: 1 for name in names if name == "alembic_version"}


def damage(file: Path) -> list[str]:
    """Return the complaints of an SQLite file's integrity check.

    Empty if it is whole.
    """
    try:
        with closing(_connected(file)) as opened:
            said = [str(line) for (line,) in opened.execute("PRAGMA integrity_check")]
            return [line for line in said if line != "ok"]
    except sqlite3.DatabaseError as problem:  # so damaged that the check itself cannot read it
        return [type(problem).__name__]


def fill(store: Store, file: Path) -> None:
    """Copy all rows into an empty PostgreSQL database.

    The file has this version's schema; all rows are taken, or none.
    """
    with closing(_connected(file)) as opened:
        total = sum(_count(opened, name) for name in metadata.tables)
        with store.writing() as connection, stage("rows restored", total) as advance:
            if inspect(connection).get_table_names():
                raise InputError(
                    "the database to restore into is not empty; each study needs a database of its own (docs/backup.md)"
                )
            store.migrate_in(connection)
            for table in metadata.sorted_tables:
                for rows in _batches(opened.execute(_every_row(table))):
                    _copy(table, rows, connection)
                    advance(len(rows))
            if sum(rows_of(store, connection).values()) != total + 1:  # and the row of the schema's revision
                raise OwnFailure("rows were lost on the way into the database; nothing was kept")
    with store.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def _rows_out(store: Store, file: Path) -> None:
    """Copy a PostgreSQL database's rows at one instant."""
    made = Store(f"sqlite:///{file}")
    made.migrate()
    made.close()
    with store.engine.connect() as plain, closing(sqlite3.connect(file, isolation_level=None)) as into:
        for pragma in ("journal_mode=OFF", "synchronous=OFF"):  # a file that is not whole is thrown away
            into.execute(f"PRAGMA {pragma}")
        connection = plain.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True, stream_results=True, max_row_buffer=_AT_ONCE
        )
        into.execute("BEGIN")
        with stage("rows copied", sum(rows_of(store, connection).values())) as advance:
            for table in metadata.sorted_tables:
                places = ", ".join("?" * len(table.c))
                insert = f'INSERT INTO "{table.name}" ({_names(table)}) VALUES ({places})'  # noqa: S608 (names of our own tables)
                for rows in _batches(connection.exec_driver_sql(_every_row(table))):
                    into.executemany(insert, [tuple(row) for row in rows])
                    advance(len(rows))
        into.execute("COMMIT")
        into.execute("PRAGMA journal_mode=DELETE")


def _copy(table: Table, rows: Sequence[Any], connection: Connection) -> None:
    """Copy rows into a table by COPY.

    It reads SQLite's 0 and 1 as booleans.
    """
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f'COPY "{table.name}" ({_names(table)}) FROM STDIN') as into:
        for row in rows:
            into.write_row(row)


def _batches(result: Any) -> Iterator[Sequence[Any]]:
    while rows := result.fetchmany(_AT_ONCE):
        yield rows


def _names(table: Table) -> str:
    return ", ".join(f'"{name}"' for name in table.columns.keys())  # noqa: SIM118 (no dict)


def _every_row(table: Table) -> str:
    return f'SELECT {_names(table)} FROM "{table.name}"'  # noqa: S608 (names of our own tables)


def _count(opened: sqlite3.Connection, name: str) -> int:
    quoted = name.replace('"', '""')  # a backup may have been put together by hand
    return int(opened.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0])  # noqa: S608 (quoted)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Turn disk and driver failures into one sentence each.

    They are failures of the file's disk, and the driver's complaints about a damaged store.
    """
    try:
        yield
    except DatabaseError:
        raise
    except sqlite3.DatabaseError as problem:
        if problem.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
            raise StoreFailure(
                f"{file.parent.parent} has no room for the backup or cannot be written ({problem}); older backups are "
                "as they were (docs/backup.md)"
            ) from None
        raise StoreFailure(f"the study's store cannot be read whole ({problem}; docs/backup.md)") from None
