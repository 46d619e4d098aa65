"""How a database is opened, and what is said if it cannot be."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError

from waterbed.model.errors import InputError, StoreFailure

_LEAST_SQLITE = (3, 38)
"""Since then it reads JSON in every build, and updates from a list of values."""


def unreachable(problem: DatabaseError) -> str:
    """Why a database cannot be opened, in one sentence."""
    # a driver's text may name user and host of the server, never anything of the study
    why = str(problem.orig).strip().partition("\n")[0]
    return f"the study's store cannot be opened ({why}); check [store] in waterbed.toml (docs/operations.md)"


@contextmanager
def failures_told() -> Iterator[None]:
    """What the database itself cannot do (damaged, full, read-only, gone) is one sentence; our own mistakes are not."""
    try:
        yield
    except DatabaseError as problem:
        if type(problem) not in (DatabaseError, OperationalError):
            raise
        why = str(problem.orig).strip().partition("\n")[0]
        raise StoreFailure(
            f"the study's store failed ({why}); see what waterbed doctor says (docs/operations.md)"
        ) from None


def opened(url: Any, *, sqlite: bool) -> Engine:
    """An engine with this project's settings: nothing of a statement's values in messages, whole writes, no leftovers.

    On SQLite `secure_delete` overwrites what is removed, so that a forgotten URL stands on no free page.
    """
    if not sqlite:
        return create_engine(url, hide_parameters=True)
    if sqlite3.sqlite_version_info < _LEAST_SQLITE:
        raise InputError(
            f"this Python's SQLite is {sqlite3.sqlite_version}, 3.38 or newer is needed; install a newer one, or use "
            "PostgreSQL (docs/operations.md, PostgreSQL)"
        )
    # statements of hundreds of rows are long, and no two batches have equally many: keeping them would only cost memory
    engine = create_engine(url, connect_args={"timeout": 60, "cached_statements": 0}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def settings(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "secure_delete=ON",
        ):
            try:
                connection.execute(f"PRAGMA {pragma}")
            except Exception as problem:
                connection.close()
                raise InputError(
                    f"the study's store cannot be opened as an SQLite database ({problem}); "
                    "restore it from a backup or check [store] in waterbed.toml"
                ) from None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.info.get("begin", "BEGIN"))

    return engine
