"""Files taken apart: their raw bytes, and what their format packs."""

import bz2
import io
import lzma
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

_NESTED = 4
_LARGEST = 1 << 31
"""Most bytes that one packed file may unpack to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some bytes to search. `where` may hold a secret: it is shown only after a search of its own."""

    where: str
    data: bytes
    guessed: bool = False
    """Whether its format is guessed from chance bytes (a cell), so that failing to take it apart means nothing."""

    def __repr__(self) -> str:
        """Say how long it is."""
        return f"<Piece of {len(self.data)} bytes>"


class Unreadable(Exception):
    """A file or a part of it that could not be read; its text may hold a secret, so only its class is told."""


Refused = Callable[[str, Exception], None]
"""Told where something could not be read, and why."""


def pieces(path: Path, refused: Refused) -> Iterator[Piece]:
    """A file's raw bytes, then everything packed in them."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        refused(str(path), problem)
        return
    yield from _unpacked(Piece(where=str(path), data=data), refused, path=path)


def _unpacked(piece: Piece, refused: Refused, *, path: Path | None = None, depth: int = 0) -> Iterator[Piece]:
    yield piece
    unpack = next((found for magic, found in _FORMATS if piece.data.startswith(magic)), None)
    if unpack is None:
        return
    if depth == _NESTED:
        refused(piece.where, Unreadable("packed too deeply"))
        return
    try:
        for part in unpack(piece, path):
            yield from _unpacked(part, refused, depth=depth + 1)
    except Exception as problem:  # a damaged file is told and counted; its raw bytes are searched all the same
        if not piece.guessed:
            refused(piece.where, problem)


def _inflated(open_: Callable[[], object], suffix: str) -> Callable[[Piece, Path | None], Iterator[Piece]]:
    def unpack(piece: Piece, _: Path | None) -> Iterator[Piece]:
        out, rest = io.BytesIO(), piece.data
        while rest:
            stream = open_()
            try:
                out.write(stream.decompress(rest, max(1, _LARGEST - out.tell())))  # type: ignore[attr-defined]  # all three have it
            except (zlib.error, OSError, EOFError, lzma.LZMAError):
                if not out.tell():
                    raise
                break  # what follows the last member is no member
            rest = stream.unused_data  # type: ignore[attr-defined]  # all three have it
            if not stream.eof:  # type: ignore[attr-defined]  # all three have it
                yield Piece(where=f"{piece.where}!{suffix}", data=out.getvalue())
                raise Unreadable("breaks off, or is too large")
        yield Piece(where=f"{piece.where}!{suffix}", data=out.getvalue())

    return unpack


def _zip(piece: Piece, _: Path | None) -> Iterator[Piece]:
    with zipfile.ZipFile(io.BytesIO(piece.data)) as archive:
        for member in archive.infolist():
            if member.file_size > _LARGEST:
                raise Unreadable("too large")
            yield Piece(where=f"{piece.where}!{member.filename}", data=archive.read(member))


def _sqlite(piece: Piece, path: Path | None) -> Iterator[Piece]:
    """All cells, read from a copy: opening the original would change it, or its write-ahead log."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        copy.write_bytes(piece.data)
        log = path.with_name(path.name + "-wal") if path else None
        if log is not None and log.is_file():
            copy.with_name("copy.db-wal").write_bytes(log.read_bytes())
        with closing(sqlite3.connect(copy)) as connection:
            connection.text_factory = bytes
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                quoted = table.decode().replace('"', '""')
                cursor = connection.execute(f'SELECT * FROM "{quoted}"')
                names = [column[0] for column in cursor.description]
                columns: list[list[bytes]] = [[] for _ in names]
                for row in cursor:
                    for cell, column in zip(row, columns, strict=True):
                        if isinstance(cell, bytes):
                            column.append(cell)
                for name, cells in zip(names, columns, strict=True):
                    yield from _cells(f"{piece.where}!{quoted}.{name}", cells)


def _cells(where: str, cells: list[bytes]) -> Iterator[Piece]:
    """A column's cells in one piece, and each one apart that is a packed file itself."""
    yield Piece(where=where, data=b"\n".join(cells))
    magics = tuple(magic for magic, _ in _FORMATS)
    for number, cell in enumerate(cells):
        if len(cell) > 8 and cell.startswith(magics):
            yield Piece(where=f"{where}[{number}]", data=cell, guessed=True)


def _parquet(piece: Piece, _: Path | None) -> Iterator[Piece]:
    with pa.parquet.ParquetFile(pa.BufferReader(piece.data)) as file:
        yield _schema(piece, file.schema_arrow)
        yield from _columns(piece, file.read())


def _arrow_file(piece: Piece, _: Path | None) -> Iterator[Piece]:
    yield from _table(piece, pa.ipc.open_file(pa.BufferReader(piece.data)).read_all())


def _arrow_stream(piece: Piece, _: Path | None) -> Iterator[Piece]:
    yield from _table(piece, pa.ipc.open_stream(pa.BufferReader(piece.data)).read_all())


def _table(piece: Piece, table: pa.Table) -> Iterator[Piece]:
    yield _schema(piece, table.schema)
    yield from _columns(piece, table)


def _schema(piece: Piece, schema: pa.Schema) -> Piece:
    kept = [dict(schema.metadata or {}), *(dict(f.metadata or {}) for f in schema)]
    lines = [part for metadata in kept for pair in metadata.items() for part in pair]
    return Piece(where=f"{piece.where}!metadata", data=b"\n".join([*lines, *(f.name.encode() for f in schema)]))


def _columns(piece: Piece, table: pa.Table) -> Iterator[Piece]:
    for name, column in zip(table.column_names, table.columns, strict=True):
        for chunk in column.chunks:
            yield from _array(f"{piece.where}!{name}", chunk)


def _array(where: str, array: pa.Array) -> Iterator[Piece]:
    """Texts and bytes cell by cell, everything else (numbers, lists of bytes) as its buffers."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        yield from _array(where, array.storage)
    elif pa.types.is_dictionary(kind):
        yield from _array(where, array.dictionary)
    elif pa.types.is_struct(kind):
        for number in range(kind.num_fields):
            yield from _array(f"{where}.{kind.field(number).name}", array.field(number))
    elif pa.types.is_map(kind):
        yield from _array(f"{where}.key", array.keys)
        yield from _array(f"{where}.value", array.items)
    elif hasattr(array, "values") and pa.types.is_nested(kind):
        yield from _array(where, array.values)
    elif _texts(kind):
        cells = array.cast(pa.large_binary() if not pa.types.is_fixed_size_binary(kind) else pa.binary()).to_pylist()
        yield from _cells(where, [cell for cell in cells if cell])
    else:
        raw = b"\n".join(bytes(buffer) for buffer in array.buffers() if buffer is not None)
        yield Piece(where=where, data=raw, guessed=True)


def _texts(kind: pa.DataType) -> bool:
    tests = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view", "fixed_size_binary")
    return any(getattr(pa.types, f"is_{name}")(kind) for name in tests)


def _numpy(piece: Piece, _: Path | None) -> Iterator[Piece]:
    """An array of texts is UTF-32 in the file; all else shows in the raw bytes."""
    array = np.load(io.BytesIO(piece.data), allow_pickle=False)
    if array.dtype.kind == "U":
        yield Piece(where=f"{piece.where}!texts", data="\n".join(array.ravel().tolist()).encode("utf-8", "replace"))


_FORMATS: tuple[tuple[bytes, Callable[[Piece, Path | None], Iterator[Piece]]], ...] = (
    (b"\x1f\x8b\x08", _inflated(lambda: zlib.decompressobj(31), "gzip")),
    (b"BZh", _inflated(bz2.BZ2Decompressor, "bzip2")),
    (b"\xfd7zXZ\x00", _inflated(lzma.LZMADecompressor, "xz")),
    (b"PK\x03\x04", _zip),
    (b"PAR1", _parquet),
    (b"ARROW1\x00\x00", _arrow_file),
    (b"\xff\xff\xff\xff", _arrow_stream),
    (b"\x93NUMPY", _numpy),
    (b"SQLite format 3\x00", _sqlite),
)
"""What a file begins with, and how it is taken apart."""
