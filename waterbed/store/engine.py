"""Runs one SQL text over tables and Parquet files.

DuckDB runs it, within a memory limit and without leaving files.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final, Self, TypeAlias

import duckdb
import pyarrow as pa

from waterbed.model.errors import InputError, OwnFailure
from waterbed.store.spool import spill_folder

Source: TypeAlias = pa.Table | Path | Sequence[Path]
"""A table in memory, or one or more Parquet files."""

Value: TypeAlias = int | float | str | bool | None

MEMORY_MB: Final = 256
"""What a step takes before it goes to the disk."""

Days: TypeAlias = Mapping[date, Sequence[Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Facts of one kind by day, in files and tables.

    `once` are files whose facts are nowhere else; those of `again` may also be in another file of that day or in the
    tables. `rows` is how many facts each day has, or somewhat more.
    """

    once: Days
    again: Days
    stored: frozenset[date]
    """Days with facts in tables."""
    here: frozenset[date]
    """Those of them whose tables no other process can read."""
    read: Callable[[frozenset[date]], Iterable[pa.Table]]
    """Gives the tables of some days."""
    rows: Mapping[date, int]
    until: int | None = None
    """Microseconds: only facts from before it; None: all."""

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """One table, as if all of one day."""
        day = date(1970, 1, 1)
        return cls(
            once={},
            again={},
            stored=frozenset({day}),
            here=frozenset({day}),
            read=lambda _: (table,),
            rows={day: table.num_rows},
        )

    def between(self, first: date, last: date) -> Self:
        """The facts of some days alone."""

        def within(days: Days) -> Days:
            return {day: paths for day, paths in days.items() if first <= day <= last}

        return replace(
            self,
            once=within(self.once),
            again=within(self.again),
            stored=frozenset(day for day in self.stored if first <= day <= last),
            here=frozenset(day for day in self.here if first <= day <= last),
            rows={day: rows for day, rows in self.rows.items() if first <= day <= last},
        )

    def files(self) -> tuple[list[Path], list[Path]]:
        """All files, `once` and `again`."""
        once, again = ([path for paths in days.values() for path in paths] for days in (self.once, self.again))
        return once, again

    def tables(self) -> Iterable[pa.Table]:
        """The tables of all its days."""
        return self.read(self.stored) if self.stored else ()


def run(
    sql: str,
    tables: Mapping[str, Source],
    values: Mapping[str, Value] | None = None,
    *,
    folder: Path,
    memory_mb: int = 4096,
    threads: int = 2,
) -> pa.Table:
    """Run one SQL text, in DuckDB's dialect, over named tables.

    `values` are its parameters, written $name. What does not fit into `memory_mb` goes to a folder made inside
    `folder` and removed at the end. The text can read the given files and nothing else; nothing is installed, fetched
    or kept. URLs and host names have no place in what is given: ids only. Raises InputError for a file that is no
    Parquet, OwnFailure if the engine fails.
    """
    readable = [path for source in tables.values() for path in _files(source)]
    with opened(readable, folder=folder, memory_mb=memory_mb, threads=threads) as connection:
        for name, source in tables.items():
            _register(connection, name, source)
        return Duck(connection).table(sql, values)


class Duck:
    """DuckDB with named tables."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take an open connection."""
        self.connection = connection

    def add(self, name: str, table: pa.Table) -> None:
        """Add a table in memory."""
        self.connection.register(name, table)

    def table(self, text: str, values: Mapping[str, Value] | None = None) -> pa.Table:
        """The rows of a query; OwnFailure if it fails."""
        with failures_told():
            found: pa.Table = self.connection.sql(text, params=dict(values or {})).to_arrow_table()
        return found

    def batches(self, text: str, rows: int, values: Mapping[str, Value] | None = None) -> Iterator[pa.Table]:
        """The rows in tables of at most so many.

        One without rows if there is none.
        """
        with failures_told():
            reader = self.connection.sql(text, params=dict(values or {})).to_arrow_reader(rows)
            found = False
            for batch in reader:
                found = True
                yield pa.Table.from_batches([batch])
            if not found:
                yield reader.schema.empty_table()


@contextmanager
def opened(
    readable: Sequence[Path], *, folder: Path, memory_mb: int = 4096, threads: int = 2
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open DuckDB, able to read the given files alone.

    What does not fit into `memory_mb` lies in a folder made inside `folder` (where the system keeps temporary files, if
    that can only be read) and is removed at the end.
    """
    with (
        spill_folder(folder) as spill,
        duckdb.connect(":memory:", config=_config(str(spill), memory_mb, threads)) as connection,
    ):
        _lock(connection, [str(path) for path in readable], str(spill))
        yield connection


@contextmanager
def at_hand() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an empty connection to the process's one engine.

    It is for few rows: to begin an engine takes longer than to use it on these. It can read no file and spill nothing;
    threads may have connections at the same time. What is in them has to be temporary, and is gone at the end.
    """
    pid = os.getpid()  # a forked process has a copy without its threads: never used, nor ended
    connection = (_engines.get(pid) or _engines.setdefault(pid, _begun())).cursor()
    try:
        yield connection
    finally:
        connection.close()


_engines: Final[dict[int, duckdb.DuckDBPyConnection]] = {}
"""The engine of each process, by its id."""


def _begun() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(":memory:", config=_config("", MEMORY_MB, 1))
    _lock(engine, [], "")
    return engine


@contextmanager
def failures_told() -> Iterator[None]:
    """Turn a failure of the engine into OwnFailure.

    Its message repeats the text and may quote values.
    """
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as problem:
        raise OwnFailure(f"the SQL engine failed ({type(problem).__name__})") from None


def _config(spill: str, memory_mb: int, threads: int) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": f"{memory_mb}MB",
        "threads": threads,
        "temp_directory": spill,
        "preserve_insertion_order": False,
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


def _lock(connection: duckdb.DuckDBPyConnection, readable: Sequence[str], spill: str) -> None:
    """Shut everything but the given files."""
    connection.execute(f"SET allowed_paths = {_list(readable)}")
    connection.execute(f"SET allowed_directories = {_list([spill] if spill else [])}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _list(names: Sequence[str]) -> str:
    quoted = (name.replace("'", "''") for name in names)
    return "[" + ", ".join(f"'{name}'" for name in quoted) + "]"


def _files(source: Source) -> Sequence[Path]:
    if isinstance(source, pa.Table):
        return ()
    return (source,) if isinstance(source, Path) else source


def _register(connection: duckdb.DuckDBPyConnection, name: str, source: Source) -> None:
    if isinstance(source, pa.Table):
        connection.register(name, source)
        return
    try:
        connection.read_parquet([str(path) for path in _files(source)]).create_view(name)
    except duckdb.Error:
        raise InputError(
            f"table {name}: its files are not readable Parquet files of one form (docs/architecture.md, Storage)"
        ) from None
