"""Rows by number, in memory or in files."""

import os
import re
import secrets
import shutil
import tempfile
import time
import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa

from waterbed.store.whole.files import locked

IN_MEMORY: Final = 96 << 20
"""Bytes that a spool holds before it writes files."""

_PREFIX: Final = ".spool-"
_FORMER: Final = re.compile(r"sql-[a-z0-9_]{8}")
"""Folders of the SQL engine up to version 0.2.0, which hold nothing but files named as the next."""
_ENGINES: Final = "duckdb_temp_"
_UNUSED_S: Final = 86_400
"""Those were not locked: they are remains when nothing was written there for so long."""
Column: TypeAlias = Any
"""A NumPy array of numbers, or an Arrow array of texts."""


class Spool:
    """Columns of rows under numbers, kept in pieces.

    What does not fit into memory lies in a folder made inside `folder` (where the system keeps temporary files, if that
    can only be read), and is removed with the spool. All pieces have the same columns.
    """

    def __init__(self, folder: Path, most: int | None = None) -> None:
        """Start empty."""
        self._folder, self._most = folder, IN_MEMORY if most is None else most
        self._held: dict[int, list[pa.RecordBatch]] = defaultdict(list)
        self._bytes = 0
        self._files: Path | None = None
        self._numbers: set[int] = set()

    def add(self, number: int, columns: Mapping[str, Column]) -> None:
        """Add rows under a number."""
        batch = pa.RecordBatch.from_arrays([_array(column) for column in columns.values()], names=list(columns))
        if not batch.num_rows:
            return
        self._held[number].append(batch)
        self._numbers.add(number)
        self._bytes += batch.get_total_buffer_size()
        if self._bytes > self._most:
            self._write()

    def numbers(self) -> list[int]:
        """All numbers with rows, ascending."""
        return sorted(self._numbers)

    def get(self, number: int) -> dict[str, Column]:
        """The rows under a number, in their order."""
        pieces = self._pieces(number)
        if not pieces:
            return {}
        return {name: _column([piece.column(name) for piece in pieces]) for name in pieces[0].schema.names}

    def table(self, number: int) -> pa.Table:
        """The same as a table; there must be rows."""
        return pa.Table.from_batches(self._pieces(number))

    def _pieces(self, number: int) -> list[pa.RecordBatch]:
        return [*self._read(number), *self._held.get(number, ())]

    def pop(self, number: int) -> dict[str, Column]:
        """The same, and forget them."""
        found = self.get(number)
        self._bytes -= sum(piece.get_total_buffer_size() for piece in self._held.pop(number, ()))
        self._numbers.discard(number)
        if self._files is not None:
            (self._files / str(number)).unlink(missing_ok=True)
        return found

    def _read(self, number: int) -> Iterator[pa.RecordBatch]:
        if self._files is None or not (self._files / str(number)).exists():
            return
        with pa.OSFile(str(self._files / str(number))) as file:
            while file.tell() < file.size():
                yield from pa.ipc.open_stream(file)

    def _write(self) -> None:
        if self._files is None:
            self._files, lock = _new_folder(self._folder)
            weakref.finalize(self, _remove_own, os.getpid(), self._files, lock)
        for number, pieces in self._held.items():
            whole = pa.Table.from_batches(pieces).combine_chunks()
            with (
                (self._files / str(number)).open("ab") as file,
                pa.ipc.new_stream(file, whole.schema) as stream,
            ):
                stream.write_table(whole)
        self._held.clear()
        self._bytes = 0


@contextmanager
def spill_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder that is removed after use.

    It lies inside `folder`, or where the system keeps temporary files if that can only be read.
    """
    process = os.getpid()
    made, lock = _new_folder(folder)
    try:
        yield made
    finally:
        _remove_own(process, made, lock)


def remove_remains(folder: Path) -> int:
    """Remove the folders that killed commands left; how many."""
    found = 0
    for path in [*folder.glob(f"{_PREFIX}*"), *filter(_is_former, folder.glob("sql-*"))]:
        with suppress(OSError):  # one in use is locked
            lock = locked(path)
            _remove(path, lock)
            found += 1
    return found


def _is_former(path: Path) -> bool:
    """True if a former version's SQL engine left it; False if it cannot be told."""
    with suppress(OSError):
        unused = path.stat().st_mtime < time.time() - _UNUSED_S
        return bool(_FORMER.fullmatch(path.name)) and unused and all(_engines(file) for file in path.iterdir())
    return False


def _engines(file: Path) -> bool:
    return file.name.startswith(_ENGINES) and file.stat().st_mtime < time.time() - _UNUSED_S


def _new_folder(folder: Path) -> tuple[Path, int | None]:
    """A folder with a lock for as long as this process lives: it has its name once it is locked."""
    folder = folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    remove_remains(folder)
    made, lock = Path(tempfile.mkdtemp(prefix=".new", dir=folder)), None
    with suppress(OSError):  # where folders cannot be locked, remains stay
        lock = locked(made)
    return made.rename(folder / f"{_PREFIX}{secrets.token_hex(8)}"), lock


def _remove_own(process: int, folder: Path, lock: int | None) -> None:
    """Remove a folder, but not from a process that was forked since."""
    if os.getpid() == process:
        _remove(folder, lock)


def _remove(folder: Path, lock: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)


def _array(column: Column) -> pa.Array:
    return column if isinstance(column, pa.Array) else pa.array(np.ascontiguousarray(column))


def _column(pieces: list[pa.Array]) -> Column:
    whole = pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces)
    if pa.types.is_string(whole.type) or pa.types.is_boolean(whole.type):
        return whole if pa.types.is_string(whole.type) else whole.to_numpy(zero_copy_only=False)
    return whole.to_numpy()
