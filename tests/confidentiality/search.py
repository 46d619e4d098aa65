"""Every byte of files and folders, decoded in every way we write, searched for names."""

import contextlib
import gzip
import io
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.confidentiality.names import Hit, Secrets

_DEPTH = 3
"""How deep archives in archives are opened."""

_ESCAPED = re.compile(rb"\\u00([0-9a-fA-F]{2})")


@dataclass(slots=True)
class Found:
    """What a search read and found."""

    files: int = 0
    bytes_read: int = 0
    hits: list[Hit] = field(default_factory=list)


def search(paths: list[Path], secrets: Secrets) -> Found:
    """Search files and all files below folders."""
    found = Found()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found.files += 1
                for part, data in parts(file):
                    found.bytes_read += len(data)
                    found.hits += secrets.search(data, str(file), part)
    return found


def parts(file: Path) -> Iterator[tuple[str, bytes]]:
    """The bytes of a file, and of all that can be decoded from it."""
    data = file.read_bytes()
    yield "raw", data
    if data.startswith(b"SQLite format 3\0"):
        yield "sqlite cells", _cells(file)
    yield from _decoded(data, _DEPTH)


def _decoded(data: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    if _ESCAPED.search(data):
        yield "json escapes", _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), data)
    if depth == 0:
        return
    inner: list[tuple[str, bytes]] = []
    if data.startswith(b"\x1f\x8b"):
        with contextlib.suppress(OSError, EOFError, zlib.error):
            inner.append(("gzip", gzip.decompress(data)))
    elif data.startswith(b"PK\x03\x04"):
        with contextlib.suppress(zipfile.BadZipFile, OSError), zipfile.ZipFile(io.BytesIO(data)) as archive:
            inner += [(f"zip {name}", name.encode() + b"\n" + archive.read(name)) for name in archive.namelist()]
    elif data.startswith(b"PAR1"):
        inner.append(("parquet", _table(pq.read_table(io.BytesIO(data)))))
    elif data.startswith(b"ARROW1"):
        inner.append(("arrow", _table(pa.ipc.open_file(io.BytesIO(data)).read_all())))
    for name, content in inner:
        yield name, content
        yield from _decoded(content, depth - 1)


def _table(table: pa.Table) -> bytes:
    """All text and binary cells of a table, and its metadata."""
    lines = [repr(table.schema).encode(), repr(table.schema.metadata).encode()]
    for column in table.columns:
        if pa.types.is_nested(column.type):
            lines += [repr(cell).encode() for cell in column.to_pylist()]
        elif not pa.types.is_primitive(column.type):
            lines += [cell if isinstance(cell, bytes) else str(cell).encode() for cell in column.to_pylist()]
    return b"\n".join(lines)


def _cells(file: Path) -> bytes:
    """All text and binary cells of an SQLite database, its WAL included."""
    lines: list[bytes] = []
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        database.text_factory = bytes
        names = [row[0].decode() for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            for row in database.execute(f'SELECT * FROM "{name}"'):
                lines += [cell for cell in row if isinstance(cell, bytes)]
    return b"\n".join(lines)
