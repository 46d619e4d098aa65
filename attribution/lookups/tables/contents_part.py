"""What is in a table's file: its bytes, plain or gzip, and its first lines."""

import zlib
from pathlib import Path

from waterbed.model.errors import InputError

MAX_BYTES = 1 << 30
"""Largest table accepted, bytes after decompression."""

SAMPLE = 65_536
"""Bytes at a file's start by which its kind is told."""

SEE = "docs/tables.md"
"""The page that says what each kind of file looks like."""

_CONTROLS = dict.fromkeys([*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], " ")
"""Control characters, those that turn the direction of writing included."""


def plain_text(text: str) -> str:
    """A text without control characters: names come from registries that anyone can write to, and end on terminals."""
    return text.translate(_CONTROLS).strip()


def content(path: Path) -> bytes:
    """The bytes of a file, unpacked if it is gzip.

    Raises InputError if it cannot be read, is damaged, or is larger than MAX_BYTES unpacked.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); see {SEE}") from None
    if data[:2] == b"\x1f\x8b":
        data = _unzipped(data, path)
    if len(data) > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES} bytes, more than any such table ({SEE})")
    return data


def as_utf8(data: bytes) -> bytes:
    """Text as UTF-8 without a byte order mark; what is not UTF-8 is taken as Latin-1."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()
    return data


def first_lines(data: bytes) -> list[str]:
    """The first lines that are neither empty nor comments."""
    text = data[:SAMPLE].decode(errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith((";", "#"))]
    return lines if len(data) <= SAMPLE or len(lines) < 2 else lines[:-1]


def _unzipped(data: bytes, path: Path) -> bytes:
    """All members of a gzip file, up to MAX_BYTES."""
    pieces, size = [], 0
    try:
        while data and size <= MAX_BYTES:
            member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            pieces.append(member.decompress(data, MAX_BYTES + 1 - size))
            size += len(pieces[-1])
            if size <= MAX_BYTES and not member.eof:
                raise InputError(f"{path} is a gzip file that breaks off; fetch it again ({SEE})")
            data = member.unused_data.lstrip(b"\x00")
    except zlib.error:
        raise InputError(f"{path} is a damaged gzip file; fetch it again ({SEE})") from None
    return b"".join(pieces)
