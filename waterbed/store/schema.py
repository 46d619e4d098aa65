"""The study's lock; makes, checks and migrates its store's schema."""

import errno
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Final

from sqlalchemy import func, inspect, select, text

from waterbed.model.errors import InputError, ReadOnly
from waterbed.model.spelling import counted
from waterbed.store.database import OURS
from waterbed.store.store import LOCK, Store
from waterbed.store.tables import metadata

_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
"""What a folder says that cannot be written to."""


@contextmanager
def held(path: Path, store: Store, *, alone: bool) -> Iterator[bool]:
    """Hold a study's lock; False if others hold it.

    On this machine and at the database server.

    The kernel drops it when the process dies. A folder that cannot be written to is held shared without a file:
    nobody can work there who would have to wait.
    """
    file = _opened(path / "lock", alone=alone)
    if file is None:
        with store.locked(alone=alone) as free:
            yield free
        return
    with file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        with store.locked(alone=alone) as free:
            yield free


def _opened(lock: Path, *, alone: bool) -> IO[str] | None:
    """Open the lock's file, creating it; None where that fails."""
    try:
        return lock.open("a")
    except OSError as problem:
        if problem.errno not in _CLOSED:
            raise
        if alone:
            raise ReadOnly(
                f"{lock.parent} cannot be written to ({problem.strerror}), and nothing was changed "
                "(docs/operations.md, Read only)"
            ) from None
    try:
        return lock.open()
    except OSError:
        return None


_WAIT_S: Final = 10.0
"""How long another command is waited for that may be doing the same."""


@cache
def revisions() -> tuple[str, ...]:
    """All revisions that this version knows, oldest first."""
    versions = Path(__file__).parent / "migrations" / "versions"
    return tuple(sorted(file.name.partition("_")[0] for file in versions.glob("[0-9]*.py")))


def refuse_unknown(revision: str | None, what: str) -> None:
    """InputError if a newer version made a schema."""
    if revision not in revisions():
        raise InputError(
            f"{what} has schema {revision}, and this version of Waterbed knows none after {revisions()[-1]}: it was "
            "written by a newer one; install that (docs/backup.md, Upgrades)"
        )


def create(store: Store) -> None:
    """Make the newest tables in an empty database.

    They are those that all migrations make, but for defaults that the server has. InputError if it holds tables of
    another program.
    """
    store.revision()  # one that cannot be reached is the user's to mend, and is reported as such
    with store.writing() as connection:
        if not store.sqlite:  # an SQLite file has one writer
            connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
        there = inspect(connection).get_table_names()
        if set(OURS) <= set(there):  # another init made them meanwhile
            return
        if there:
            raise InputError(
                f"{store.file or 'the store named by --store'} holds {counted(len(there), 'table')} of another "
                "program; an empty database was expected (docs/operations.md, PostgreSQL)"
            )
        if not store.sqlite:
            for index in (each for table in metadata.sorted_tables for each in table.indexes):
                index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
        metadata.create_all(connection, checkfirst=False)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revisions()[-1]})


def bring_forward(path: Path, store: Store) -> None:
    """Migrate an older store.

    InputError if a newer version wrote it.

    One transaction: killed in the middle, the old schema stands. A study at work is not touched.
    """
    revision, until = store.revision(), time.monotonic() + _WAIT_S
    while revision != revisions()[-1]:
        refuse_unknown(revision, "the study's store")
        with held(path, store, alone=True) as free:
            if free:
                if store.revision() == revision:
                    store.migrate()
            elif time.monotonic() > until:
                raise InputError(
                    f"the study's store has schema {revision} and must be brought to {revisions()[-1]}, but a run of "
                    "this study is alive; end it first (docs/backup.md, Upgrades)"
                )
        if not free:
            time.sleep(0.1)
        revision = store.revision()
