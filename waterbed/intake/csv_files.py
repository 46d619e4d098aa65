"""CSV files with a header line, read line by line: one bad line costs itself alone."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TypeVar

from waterbed.model.errors import BadUrl, InputError

Line = TypeVar("Line")
Cells = Mapping[str, str]
"""The cells of one line by field, stripped; only fields that the header has."""

MAX_LINE = 65_536
"""Longest line accepted, characters."""

_WORD = re.compile(r"\w[\w -]{0,63}")
_SURROGATE = re.compile("[\ud800-\udfff]")
"""What bytes that are no UTF-8 are read as."""
_TRUTH = {"1": True, "true": True, "yes": True, "y": True, "0": False, "false": False, "no": False, "n": False}


class BadCell(Exception):
    """A cell that cannot be used; the message never repeats it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One bad line: its number in the file, and why. Never its text."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What a file's header must and may have."""

    names: Mapping[str, Sequence[str]]
    """What each field may be called, in lower case."""
    needed: tuple[tuple[str, ...], ...]
    """Of each of these, one field at least must be there."""
    page: str
    """Where the columns are described."""


def opened_lines(path: Path, what: str) -> Iterator[str]:
    """The lines of a text file.

    Understands gzip, a byte-order mark, UTF-16 and any line ending. InputError if it cannot be read, or breaks off.
    """
    with _open(path, what) as file:
        try:
            yield from file
        except (OSError, EOFError, zlib.error, UnicodeError):
            raise InputError(f"{path} breaks off: its compression or encoding is damaged; get the file again") from None


def read_lines(
    lines: Iterable[str], name: str, columns: Columns, made: Callable[[int, Cells], Line]
) -> Iterator[Line | Rejected]:
    """One value for each good line, and a reason for each bad one; `name` is what errors call the file.

    `made` gets the line's number and cells, and raises BadCell or BadUrl for what it cannot use. A quoted field may
    not span lines, so that one broken quote costs one line. InputError if the file is no such CSV at all.
    """
    header: dict[str, int] | None = None
    for number, text in enumerate(lines, 1):
        if not text.strip() or text.startswith("#"):
            continue
        if header is None:
            header = _header(text, name, columns)
            continue
        yield _line(number, text.rstrip("\r\n"), header, made)


def _open(path: Path, what: str) -> IO[str]:
    try:
        data: IO[bytes] = path.open("rb")
        magic = data.read(2)
        data.seek(0)
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); {what} was expected") from None
    if magic == b"\x1f\x8b":
        data = gzip.GzipFile(fileobj=data)  # type: ignore[assignment]  # a GzipFile reads like any binary file
    if magic in (b"\xff\xfe", b"\xfe\xff"):
        return io.TextIOWrapper(data, encoding="utf-16", newline=None)
    return io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline=None)


def _header(text: str, path: str, columns: Columns) -> dict[str, int]:
    wanted = [" or ".join(fields) for fields in columns.needed]
    if text.lstrip().startswith(("<", "{", "[")):
        raise InputError(
            f"{path} is HTML or JSON, not CSV; a header line with a {wanted[0]} column was expected ({columns.page})"
        )
    try:
        names = [name.strip().lower() for name in next(csv.reader([text], strict=True))]
    except (csv.Error, StopIteration):
        names = []
    found = {field: names.index(name) for field, known in columns.names.items() for name in known if name in names}
    for fields, shown in zip(columns.needed, wanted, strict=True):
        if not any(field in found for field in fields):
            raise InputError(
                f"{path} has no column named {shown} in its first line ({len(names)} columns there); "
                f"a CSV file with a header line was expected ({columns.page})"
            )
    return found


def _line(number: int, text: str, header: dict[str, int], made: Callable[[int, Cells], Line]) -> Line | Rejected:
    if len(text) > MAX_LINE:
        return Rejected(line=number, reason=f"line of {len(text)} characters; at most {MAX_LINE} are accepted")
    if _SURROGATE.search(text):
        return Rejected(line=number, reason="line is not valid UTF-8")
    try:
        cells = next(csv.reader([text], strict=True))
        if len(cells) <= max(header.values()):
            promised = max(header.values()) + 1
            return Rejected(line=number, reason=f"{len(cells)} columns; the header promises at least {promised}")
        return made(number, {field: cells[at].strip() for field, at in header.items()})
    except csv.Error as problem:
        return Rejected(line=number, reason=f"broken quoting ({problem})")
    except (BadUrl, BadCell) as problem:
        return Rejected(line=number, reason=str(problem))


def time_in(field: str, cells: Cells) -> datetime | None:
    """The time in a cell, aware UTC; null if it is empty."""
    text = cells.get(field)
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell(f"{field} is no ISO 8601 date or time") from None


def word_in(field: str, cells: Cells) -> str | None:
    """A short plain word: these are kept in the clear, so nothing that could be a host name or URL gets in."""
    text = cells.get(field) or None
    if text is not None and not _WORD.fullmatch(text):
        raise BadCell(f"{field} is no short word of letters, digits, spaces, _ and -")
    return text


def truth_in(field: str, cells: Cells) -> bool | None:
    """The yes or no in a cell, null if it is empty."""
    text = cells.get(field, "").lower()
    if not text:
        return None
    if text not in _TRUTH:
        raise BadCell(f"{field} is neither yes nor no")
    return _TRUTH[text]


def plain_word(field: str, text: str) -> str:
    """A word from the command line that may be kept in the clear; InputError if it may not."""
    if not _WORD.fullmatch(text):
        raise InputError(
            f"--{field} is no short word of letters, digits, spaces, _ and -: it is kept in the clear (docs/intake.md)"
        )
    return text


def as_plain_word(text: str) -> str:
    """The nearest word that may be kept in the clear."""
    return re.sub(r"[^\w -]+", "-", text).strip("- ")[:64] or "unnamed"
