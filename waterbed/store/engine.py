"""Runs one SQL text over tables and Parquet files.

DuckDB or Spark runs it, within a memory limit and without leaving files.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

import duckdb
import pyarrow as pa

from waterbed.model.errors import InputError, OwnFailure

Source: TypeAlias = pa.Table | Path | Sequence[Path]
"""A table in memory, or one or more Parquet files."""

Value: TypeAlias = int | float | str | bool | None

Engine: TypeAlias = Literal["duckdb", "spark"]


def run(
    sql: str,
    tables: Mapping[str, Source],
    values: Mapping[str, Value] | None = None,
    *,
    folder: Path,
    memory_mb: int = 4096,
    threads: int = 2,
    engine: Engine = "duckdb",
) -> pa.Table:
    """Run one SQL text, in DuckDB's dialect, over named tables.

    `values` are its parameters, written $name. What does not fit into `memory_mb` goes to a folder made inside
    `folder` and removed at the end. The text can read the given files and nothing else; nothing is installed, fetched
    or kept. URLs and host names have no place in what is given: ids only. Raises InputError for a file that is no
    Parquet, OwnFailure if the engine fails.
    """
    if engine == "spark":
        from waterbed.store.spark import run_on_spark  # noqa: PLC0415 (an optional library, and a slow one)

        return run_on_spark(sql, tables, values or {}, folder=folder, memory_mb=memory_mb, threads=threads)
    with (
        TemporaryDirectory(prefix="sql-", dir=folder) as spill,
        duckdb.connect(":memory:", config=_config(spill, memory_mb, threads)) as connection,
    ):
        _lock(connection, [str(path) for source in tables.values() for path in _files(source)], spill)
        for name, source in tables.items():
            _register(connection, name, source)
        try:
            result: pa.Table = connection.sql(sql, params=dict(values or {})).to_arrow_table()
        except duckdb.Error as problem:
            # its message repeats the text and may quote values
            raise OwnFailure(f"the SQL engine failed ({type(problem).__name__})") from None
        return result


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
    connection.execute(f"SET allowed_directories = {_list([spill])}")
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
            f"table {name}: its files are not readable Parquet files of one form; see docs/architecture.md, Storage"
        ) from None
