"""Parquet files that others wrote, in bounded batches.

A page of a few bytes can stand for gigabytes, whatever the file's own metadata say, and no reader of Parquet has a
bound. So each file is first read in a process of its own that may take MOST_PARQUET_MEMORY bytes; only what passes is
read here, in the same batches.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from waterbed.model.errors import InputError
from waterbed.store.bounded.files import opened
from waterbed.store.bounded.limits import (
    MOST_COLUMNS,
    MOST_FOOTER,
    MOST_PARQUET_MEMORY,
    MOST_PARQUET_RATIO,
    MOST_PARQUET_S,
    SMALL,
    most_bytes,
)
from waterbed.store.bounded.memory import memory_limit

_ROWS: Final = 256
_START: Final = (
    "import json, sys; first = json.load(sys.stdin); sys.path[:] = first['path'];"
    "from waterbed.store.bounded.parquet import serve; serve(first['files'], first['text'])"
)
_SCALARS: Final = (pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.int32(), pa.timestamp("us", tz="UTC"))
_ALLOWED: Final = (*_SCALARS, *map(pa.list_, _SCALARS))


class _Refused(Exception):
    """A file exceeds a bound, or is no Parquet of ours; the message says which, and quotes nothing."""


def check(paths: Sequence[Path], text: int, what: str, see: str) -> None:
    """Refuse files that are no Parquet within bounds.

    InputError names the first.

    `text` is the most characters of a text in them. `what` was expected; `see` is the page on it.
    """
    for path in paths:
        with opened(path, what, see):
            pass
    told = faults(paths, text)
    for path in paths:
        if told[path]:
            raise InputError(f"{path} is not {what}: {told[path]} ({see})")


def faults(paths: Sequence[Path], text: int) -> dict[Path, str]:
    """The fault of each file, empty if none.

    A process that is bounded in memory and time finds it.
    """
    order = json.dumps({"path": sys.path, "files": [str(path) for path in paths], "text": text})
    told: dict[str, str] = {}
    with suppress(subprocess.TimeoutExpired):
        done = subprocess.run(  # noqa: S603 (this interpreter, a text of our own)
            [sys.executable, "-c", _START],
            input=order,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=MOST_PARQUET_S * max(1, len(paths)),
            env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"},
        )
        told = dict(json.loads(line) for line in done.stdout.splitlines())
    return {path: told.get(str(path), "it cannot be read within bounds of memory and time") for path in paths}


def serve(paths: Sequence[str], text: int) -> None:
    """Check files in this process; print their faults.

    It is bounded in memory.
    """
    with memory_limit(MOST_PARQUET_MEMORY):
        for path in paths:
            why = ""
            try:
                for _ in _batches(Path(path), text):
                    pass
            except _Refused as problem:
                why = str(problem)
            except (OSError, ValueError, MemoryError, RecursionError, NotImplementedError, OverflowError, TypeError):
                why = "it is damaged, or larger in memory than its bound"
            print(json.dumps([path, why]), flush=True)  # noqa: T201 (this process answers so)


def batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a checked file.

    Some hundred come at a time; texts may be dictionaries.
    """
    with pq.ParquetFile(path, read_dictionary=[], pre_buffer=False) as file:
        yield from file.iter_batches(_ROWS, columns=columns, use_threads=False)


def columns_of(path: Path) -> pa.Schema:
    """The columns of a file that was checked."""
    with pq.ParquetFile(path, pre_buffer=False) as file:
        return file.schema_arrow


def _batches(path: Path, text: int) -> Iterator[pa.RecordBatch]:
    size = path.stat().st_size
    if size > most_bytes():
        raise _Refused("it is too large")
    with path.open("rb") as plain:
        plain.seek(-8, os.SEEK_END)
        end = plain.read(8)
    if end[4:] != b"PAR1" or int.from_bytes(end[:4], "little") > MOST_FOOTER:
        raise _Refused("it is no Parquet, or its description is too long")
    limits: Mapping[str, int] = {
        "thrift_string_size_limit": MOST_FOOTER,
        "thrift_container_size_limit": MOST_FOOTER,
    }
    with pq.ParquetFile(path, pre_buffer=False, **limits) as file:
        schema = file.schema_arrow
        if len(schema) > MOST_COLUMNS or len(file.schema) > MOST_COLUMNS:
            raise _Refused(f"it has more than {MOST_COLUMNS} columns")
        if any(field.type not in _ALLOWED for field in schema):
            raise _Refused("it has a column of a type that no table of ours has")
        taken = 0
        for batch in file.iter_batches(_ROWS, use_threads=False):
            taken += batch.nbytes
            if taken > SMALL + MOST_PARQUET_RATIO * size:
                raise _Refused(f"it unpacks to more than {MOST_PARQUET_RATIO} times its size")
            for column in batch.columns:
                flat = column.flatten() if pa.types.is_list(column.type) else column
                if pa.types.is_string(flat.type) and (pc.max(pc.binary_length(flat)).as_py() or 0) > text:
                    raise _Refused(f"it holds a text of more than {text:,} bytes")
            yield batch
