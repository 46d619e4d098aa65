"""CSV files, read line by line: one bad line costs itself alone."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
    delimiter: str = ","
    escape: str | None = None
    """What makes the character after it plain; None: quotes are doubled."""
    header: tuple[str, ...] | None = None
    """The columns of a file that has no header line."""
    short: bool = False
    """Whether a line may end early: what is missing is empty."""


def read_lines(
    lines: Iterable[str], name: str, columns: Columns, made: Callable[[int, Cells], Line]
) -> Iterator[Line | Rejected]:
    """One value for each good line, and a reason for each bad one; `name` is what errors call the file.

    `made` gets the line's number and cells, and raises BadCell or BadUrl for what it cannot use. A quoted field may
    not span lines, so that one broken quote costs one line. InputError if the file is no such CSV at all.
    """
    header = _found(columns.header, columns) if columns.header else None
    for number, text in enumerate(lines, 1):
        if not text.strip() or text.startswith("#"):
            continue
        if header is None:
            header = _header(text, name, columns)
            continue
        yield _line(number, text.rstrip("\r\n"), header, columns, made)


def _header(text: str, path: str, columns: Columns) -> dict[str, int]:
    wanted = [" or ".join(fields) for fields in columns.needed]
    if text.lstrip().startswith(("<", "{", "[")):
        raise InputError(
            f"{path} is HTML or JSON, not CSV; a header line with a {wanted[0]} column was expected ({columns.page})"
        )
    try:
        names = [name.strip().lower() for name in _cells(text.rstrip("\r\n"), columns)]
    except (csv.Error, StopIteration):
        names = []
    found = _found(names, columns)
    for fields, shown in zip(columns.needed, wanted, strict=True):
        if not any(field in found for field in fields):
            raise InputError(
                f"{path} has no column named {shown} in its first line ({len(names)} columns there); "
                f"a CSV file with a header line was expected ({columns.page})"
            )
    return found


def _found(names: Sequence[str], columns: Columns) -> dict[str, int]:
    """Where each field stands: of several names that occur, the one that is listed first."""
    return {
        field: names.index(next(name for name in known if name in names))
        for field, known in columns.names.items()
        if any(name in names for name in known)
    }


def _cells(text: str, columns: Columns) -> list[str]:
    return next(csv.reader([text], strict=True, delimiter=columns.delimiter, escapechar=columns.escape))


def _line(
    number: int, text: str, header: dict[str, int], columns: Columns, made: Callable[[int, Cells], Line]
) -> Line | Rejected:
    if len(text) > MAX_LINE:
        return Rejected(line=number, reason=f"line of {len(text)} characters; at most {MAX_LINE} are accepted")
    if _SURROGATE.search(text):
        return Rejected(line=number, reason="line is not valid UTF-8")
    try:
        cells = _cells(text, columns)
        if columns.short:
            cells += [""] * (max(header.values()) + 1 - len(cells))
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
        read = datetime.fromisoformat(text.removesuffix(" UTC"))
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


def zone_of(text: str) -> tzinfo:
    """The time zone of a name like Europe/Amsterdam; InputError if there is none."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"--zone {text!r} is no time zone like Europe/Amsterdam or UTC (docs/intake.md, SCART)"
        ) from None


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
