"""Text files, compressed or plain, in UTF-8 or UTF-16."""

import bz2
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from waterbed.model.errors import InputError

_DAMAGED: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile, UnicodeError)


def open_lines(path: Path, what: str) -> Iterator[str]:
    """Yield the lines of a text file.

    Reads gzip, bzip2, a zip with one file, a byte-order mark, UTF-16 and any line ending. InputError if the file
    cannot be read or breaks off; it names `what` was expected.
    """
    with _open(path, what) as file:
        try:
            yield from file
        except _DAMAGED:
            raise InputError(f"{path} breaks off: its compression or encoding is damaged; get the file again") from None


def _open(path: Path, what: str) -> IO[str]:
    try:
        packed: IO[bytes] = path.open("rb")
        magic = packed.read(4)
        packed.seek(0)
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); {what} was expected") from None
    data = io.BufferedReader(_unpacked(packed, magic, path))  # type: ignore[type-var]  # each reads like a raw file
    try:
        mark = data.peek(2)[:2]
    except _DAMAGED:
        mark = b""  # reported when its lines are read
    if mark in (b"\xff\xfe", b"\xfe\xff"):
        return io.TextIOWrapper(data, encoding="utf-16", newline=None)
    return io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline=None)


def _unpacked(packed: IO[bytes], magic: bytes, path: Path) -> IO[bytes]:
    if magic[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=packed)  # type: ignore[return-value]  # a GzipFile reads like any binary file
    if magic[:3] == b"BZh":
        return bz2.BZ2File(packed)
    if magic == b"PK\x03\x04":
        return _only_file(packed, path)
    return packed


def _only_file(packed: IO[bytes], path: Path) -> IO[bytes]:
    """The one file in a zip."""
    try:
        archive = zipfile.ZipFile(packed)
        files = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")]
        if len(files) != 1:
            raise InputError(f"{path} is a zip with {len(files)} files; one with a single file was expected")
        return archive.open(files[0])
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError):
        raise InputError(
            f"{path} is a zip that cannot be opened: damaged, or locked with a password; unpack it first"
        ) from None
