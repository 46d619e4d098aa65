"""Opens databases and explains failures to open them."""

import os
import random
import re
import select
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree

from waterbed.model.errors import InputError, ReadOnly, StoreFailure, StoreGone

IMMEDIATE = "BEGIN IMMEDIATE"
"""Begins a transaction that writes: on SQLite one at a time."""
_PATIENCE_S = 60
"""Longest time that a transaction waits for another one, or for a connection, seconds."""
CONNECTIONS = 2
"""Connections to a server that a process has at most: whoever wants a third one waits."""
_SERVER = {
    "connect_timeout": 10,
    **{"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000},
}
"""Until a server that is silent counts as gone, unless its URL says so: seconds, the last in milliseconds."""
_LOG_PAGES = 8192
"""Pages of the write-ahead log, 32 MiB, after which they are copied: whoever does so keeps other writers waiting."""
_RETRY_S = (0.001, 0.003)
_LEAST_SQLITE = (3, 38)
"""Since then it reads JSON in every build, and updates from a list of values."""


_CHECK = "check its address, as [store] in waterbed.toml or --store (docs/operations.md, PostgreSQL)"


def not_opened(problem: DatabaseError) -> InputError | StoreGone:
    """The reason that a database cannot be opened, one sentence."""
    # a driver's text may name user and host of the server, never anything of the study
    why = str(problem.orig).strip().partition("\n")[0]
    return (
        StoreGone(_away(why, file=_of_file(problem)))
        if _gone(problem)
        else InputError(f"the study's store cannot be opened ({why}); {_CHECK}")
    )


def _away(why: str, *, file: bool = False) -> str:
    server = f"see that it is there and has connections free, or {_CHECK}"
    cure = "another program holds it for itself; end that (docs/architecture.md, Storage)" if file else server
    return f"the study's store cannot be opened now ({why}), and what was recorded is safe: {cure}"


def _of_file(problem: DatabaseError) -> bool:
    return isinstance(problem.orig, sqlite3.Error)


_OF_THE_DISK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


@contextmanager
def failures_explained() -> Iterator[None]:
    """Turn failures of the database itself into one sentence.

    It may be damaged, full, read-only or gone; our own mistakes are raised unchanged.
    """
    try:
        yield
    except NoneFree:
        raise StoreGone(_away(f"this process has used its {CONNECTIONS} connections for {_PATIENCE_S} s")) from None
    except DatabaseError as problem:
        why = str(problem.orig).strip().partition("\n")[0]
        if _read_only(problem):
            raise ReadOnly(read_only(why)) from None
        gone = _gone(problem)
        if type(problem) not in (DatabaseError, OperationalError) and not gone:
            raise
        if _full(problem):
            raise StoreFailure(
                f"there is no room left for the study's store ({why}): what was recorded before is safe, this step "
                "was not; make room and start again (docs/operations.md, Full disk)"
            ) from None
        if gone:
            raise StoreGone(_away(why, file=_of_file(problem))) from None
        raise StoreFailure(
            f"the study's store failed ({why}); see what waterbed doctor says (docs/operations.md)"
        ) from None


def read_only(why: str) -> str:
    """Return the error that a store is read-only, one sentence."""
    return (
        f"the study's store can be read, not written to ({why}), and nothing was changed; rankings and other "
        "conclusions can be had all the same (docs/operations.md, Read only)"
    )


def _read_only(problem: DatabaseError) -> bool:
    # 25006: https://www.postgresql.org/docs/current/errcodes-appendix.html; a read-only replica says it too
    code = getattr(problem.orig, "sqlite_errorcode", 0) & 0xFF
    return code == sqlite3.SQLITE_READONLY or getattr(problem.orig, "sqlstate", None) == "25006"


_PASSES = ("08", "53", "57P01", "57P02", "57P03", "57P05", "25P03")
"""How codes of what may heal begin: no connection; no room, memory or connection left; stopped or starting; we stood
still (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


def _gone(problem: DatabaseError) -> bool:
    """True if a database cannot be used at present, and may be later."""
    if "psycopg" not in type(problem.orig).__module__:
        return getattr(problem.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    code = getattr(problem.orig, "sqlstate", None)
    lost = code is not None and code.startswith(_PASSES)
    # one out of reach gives no code
    return problem.connection_invalidated or lost or (code is None and type(problem) is OperationalError)


def _full(problem: DatabaseError) -> bool:
    code = getattr(problem.orig, "sqlite_errorcode", 0) & 0xFF
    return code == sqlite3.SQLITE_FULL or getattr(problem.orig, "sqlstate", None) == "53100"


def writable(file: Path) -> bool:
    """True if an SQLite file and log can be written."""
    return os.access(file.parent, os.W_OK) and (not file.exists() or os.access(file, os.W_OK))


def _opened_for_reading(file: Path) -> sqlite3.Connection:
    """Open a file in a read-only place.

    With its log if there is one, else as an immutable file.
    """
    log, index = (file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm"))
    logged = log.exists() and log.stat().st_size > 0
    if logged and not index.exists():
        raise InputError(
            f"{log} has facts that {file.name} lacks, and they cannot be read where nothing can be written; copy the "
            "study folder to a place of your own (docs/operations.md, Read only)"
        )
    still = "" if logged else "&immutable=1"
    connection = sqlite3.connect(
        f"file:{quote(str(file))}?mode=ro{still}",
        uri=True,
        timeout=_PATIENCE_S,
        cached_statements=0,
        check_same_thread=False,
        isolation_level=None,
    )
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection


def opened(url: Any, *, sqlite: bool) -> Engine:
    """Make an engine with this project's settings.

    Messages hold no values of statements, writes are whole, and nothing removed is left over.

    On SQLite `secure_delete` overwrites what is removed, so that a forgotten URL stands on no free page.
    """
    if not sqlite:
        return _of_server(url)
    if sqlite3.sqlite_version_info < _LEAST_SQLITE:
        raise InputError(
            f"this Python's SQLite is {sqlite3.sqlite_version}, 3.38 or newer is needed; install a newer one, or use "
            "PostgreSQL (docs/operations.md, PostgreSQL)"
        )
    file = Path(url.database) if url.database else None
    if file is not None and not writable(file):
        # asked anew for each connection, since others may write there
        return create_engine(url, creator=lambda: _opened_for_reading(file), poolclass=NullPool, hide_parameters=True)
    # statements of hundreds of rows are long, and no two batches have equally many: keeping them would only cost memory
    engine = create_engine(url, connect_args={"timeout": _PATIENCE_S, "cached_statements": 0}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def settings(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        try:
            if not _of_another_program(connection):
                connection.execute("PRAGMA journal_mode=WAL")
            for pragma in (
                "synchronous=FULL",
                f"wal_autocheckpoint={_LOG_PAGES}",
                "foreign_keys=ON",
                "temp_store=MEMORY",
                "secure_delete=ON",
            ):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as problem:
            connection.close()
            if getattr(problem, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise StoreGone(_away(str(problem), file=True)) from None
            if getattr(problem, "sqlite_errorcode", 0) & 0xFF in _OF_THE_DISK:
                raise StoreFailure(
                    f"the study's store cannot be opened ({problem}): its disk is full or failed, and nothing was "
                    "changed; look after the disk and start again (docs/operations.md, Full disk)"
                ) from None
            raise InputError(
                f"the study's store cannot be opened as an SQLite database ({problem}); restore "
                f"{url.database} from a backup, or move it away if it is no study's (docs/backup.md)"
            ) from None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        how = connection.info.get("begin", "BEGIN")
        if how == "BEGIN" or not _begun(connection):
            connection.exec_driver_sql(how)

    return engine


def _of_server(url: Any) -> Engine:
    """An engine for a database server, whose failures to connect all have a code."""
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,  # a server may have been restarted since a connection was used last
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=_PATIENCE_S,
        pool_use_lifo=True,  # the second one is opened only when two are needed at once
        connect_args={name: value for name, value in _SERVER.items() if name not in url.query},
    )

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, _: Any, args: Any, params: dict[str, Any]) -> Any:
        driver = dialect.loaded_dbapi
        try:
            return driver.connect(*args, **params)
        except driver.OperationalError as problem:
            from psycopg import conninfo  # noqa: PLC0415 (only a server needs it)

            asked = conninfo.make_conninfo(*args, **{name: params[name] for name in params if name != "context"})
            raise _coded(problem, asked) from None

    return engine


def _coded(problem: Exception, asked: str) -> Exception:
    """A failure to connect, as the driver's class for the server's code.

    libpq gives such a failure no code (https://github.com/psycopg/psycopg/issues/1188), so it is asked for once more.
    """
    from psycopg import ProgrammingError, errors, pq  # noqa: PLC0415 (the same)

    answer = pq.PGconn.ping(asked.encode())
    if answer == pq.Ping.NO_ATTEMPT:  # what was asked is no address
        return ProgrammingError(str(problem))
    code = "57P03" if answer == pq.Ping.REJECT else _refusal(asked) if answer == pq.Ping.OK else None
    try:
        return errors.lookup(code)(str(problem)) if code else problem
    except KeyError:  # a code that PostgreSQL does not have
        return problem


_ERROR = re.compile(rb'\tErrorResponse\t.*? C "([0-9A-Z]{5})"')


def _refusal(asked: str) -> str | None:
    """Return the code with which a server refuses to be connected to; None if it does not, or is not heard.

    It stands in libpq's trace of all messages: in memory only, for a password may be one of them.
    """
    from psycopg import pq  # noqa: PLC0415 (the same)

    if sys.platform != "linux":  # elsewhere psycopg has no trace
        return None
    trace, ends = os.memfd_create("trace"), monotonic() + _SERVER["connect_timeout"]
    try:
        connection = pq.PGconn.connect_start(asked.encode())
        connection.trace(trace)
        while connection.status != pq.ConnStatus.BAD and monotonic() < ends:
            state = connection.connect_poll()
            if state not in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
                break
            ready = [connection.socket]
            select.select(*((ready, []) if state == pq.PollingStatus.READING else ([], ready)), [], 1.0)
        unanswered = connection.needs_password
        connection.untrace()
        connection.finish()
        code = _ERROR.search(os.pread(trace, 1 << 16, 0))
    finally:
        os.close(trace)
    return "28P01" if unanswered else code[1].decode() if code else None


OURS = ("alembic_version", "observation")
"""Tables that together only a study's store has, from its first revision on."""


def _of_another_program(connection: sqlite3.Connection) -> bool:
    """True for tables that are no study's: the way in which a file is written stays in it."""
    tables, ours = connection.execute("SELECT count(*), total(name IN (?, ?)) FROM sqlite_schema", OURS).fetchone()
    return bool(tables and ours < len(OURS))


def _begun(connection: Connection) -> bool:
    """Begin a transaction that writes, as soon as nobody else writes; False if that failed.

    Asked by itself to wait, SQLite would try ever more rarely, at last ten times a second, and most transactions are
    over in less.
    """
    driver = connection.connection.cursor()
    ends = monotonic() + _PATIENCE_S
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                driver.execute(IMMEDIATE)
            except sqlite3.OperationalError as problem:
                if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() >= ends:
                    return False  # asked once more, it is told in the usual way
                sleep(random.uniform(*_RETRY_S))  # noqa: S311 (nothing secret)
            else:
                return True
    finally:
        driver.execute(f"PRAGMA busy_timeout = {1000 * (_PATIENCE_S if monotonic() < ends else 0)}")
