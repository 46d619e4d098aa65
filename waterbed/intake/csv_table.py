"""CSV files, read line by line; bad lines are rejected."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from waterbed.model.errors import BadUrl, InputError
from waterbed.model.redaction import names_something, redact, shown
from waterbed.model.spelling import counted
from waterbed.model.window import iso_time
from waterbed.store.bounded.limits import MOST_LINE

Line = TypeVar("Line")
Cells = Mapping[str, str]
"""Stripped cells of a line, by field of the header."""

_WORD = re.compile(r"\w[\w -]{0,63}")
_ENDINGS = re.compile(r"(?:\.(?:csv|tsv|txt|log|json|jsonl|ndjson|gz|bz2|xz|zst|zip))+$", re.IGNORECASE)
"""Endings of files of reports: some of them are top-level domains too."""
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Stand-ins for bytes that are not UTF-8."""
DATE_ORDERS: Final = ("day-first", "month-first")
"""Orders of day and month in dates that end with the year."""
_YEAR_LAST = re.compile(
    r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:,?\s+(\d{1,2}):(\d\d)(?::(\d\d))?(?:\s?([ap])\.?m\.?)?)?",
    re.IGNORECASE | re.ASCII,
)
"""A date that ends with the year, with or without a time of day: spreadsheets write it in a country's order."""
_YEAR_FIRST = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})(?=\s|\Z)", re.ASCII)
"""The day of a date that begins with the year, with slashes: only one order of the rest is in use."""
_TRUTH = {"1": True, "true": True, "yes": True, "y": True, "0": False, "false": False, "no": False, "n": False}


class BadCell(Exception):
    """An invalid cell; the message never quotes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One rejected line: number and reason, never its text."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutUrl:
    """An indicator that names no URL: an address, a name or a checksum alone; counted, never made one."""

    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns that a file must and can have."""

    names: Mapping[str, Sequence[str]]
    """Accepted header names of each field, in lower case."""
    needed: tuple[tuple[str, ...], ...]
    """Groups of fields; each group needs at least one."""
    alone: str | None = None
    """A field in place of all that are needed."""
    page: str
    """The documentation page of the columns."""
    delimiter: str | None = None
    """What stands between cells; None: a comma, a semicolon or a tab, whichever the header has."""
    escape: str | None = None
    """The escape character; None if quotes are doubled instead."""
    header: tuple[str, ...] | None = None
    """The columns of a file that has no header line."""
    short: bool = False
    """True if lines can end early; missing cells are empty."""
    others: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Names that, beside a URL alone, tell a file of another kind, and what that is."""
    otherwise: str = ""
    """What to do where a needed column has another name."""
    headed: bool = False
    """True if a file without a header line is refused."""


def read_lines(
    lines: Iterable[str], name: str, columns: Columns, parse: Callable[[int, Cells], Line]
) -> Iterator[Line | Rejected]:
    """Yield a value or a rejection for each line.

    `name` stands for the file in errors. `parse` gets the line's number and cells, and raises BadCell or BadUrl for
    invalid ones. A quoted field cannot span lines, so that one broken quote costs one line. InputError if the file is
    not CSV with the needed columns.
    """
    header = _Header(_positions(columns.header, columns), len(columns.header)) if columns.header else None
    for number, text in enumerate(lines, 1):
        if not text.strip() or text.startswith("#"):
            continue
        if header is None:
            columns = _delimited(text, columns)
            header = _header(text, name, columns)
            continue
        yield _line(number, text.rstrip("\r\n"), header, columns, parse)
    if header is None and columns.headed:
        raise InputError(f"{name} has no header line; a CSV file with one was expected ({columns.page})")


def too_long(number: int, text: str) -> Rejected | None:
    """The rejection of a line of more than MOST_LINE characters."""
    if len(text) <= MOST_LINE:
        return None
    return Rejected(line=number, reason=f"line of more than {MOST_LINE} characters")


def fields_of(text: str, columns: Columns) -> set[str]:
    """The fields that a header line names."""
    columns = _delimited(text, columns)
    return set(_positions(_names(text, columns), columns))


def first_values(lines: Iterable[str], columns: Columns) -> dict[str, str]:
    """Return the names in a header, each with its first cell that is not empty, if any."""
    rows = (text for text in lines if text.strip() and not text.startswith("#"))
    header = next(rows, "")
    columns = _delimited(header, columns)
    names = _names(header, columns)
    found = dict.fromkeys(filter(None, names), "")
    for text in rows:
        with suppress(csv.Error, StopIteration):
            for name, cell in zip(names, _cells(text.rstrip("\r\n"), columns), strict=False):
                if name:
                    found[name] = found[name] or cell.strip()
    return found


_DELIMITERS: Final = (",", ";", "\t")
_SEPARATOR: Final = re.compile("sep=[,;\t|]?", re.IGNORECASE)


def _delimited(text: str, columns: Columns) -> Columns:
    """The columns with the delimiter by which a header has most of them, else most cells."""
    if columns.delimiter is not None:
        return columns
    tried = [replace(columns, delimiter=one) for one in _DELIMITERS]
    read = [_names(text, one) for one in tried]
    return max(zip(tried, read, strict=True), key=lambda one: (len(_positions(one[1], one[0])), len(one[1])))[0]


def _names(text: str, columns: Columns) -> list[str]:
    """The names in a header, in lower case; none if it is no CSV."""
    try:
        return [] if too_long(1, text) else [name.strip().lower() for name in _cells(text.rstrip("\r\n"), columns)]
    except (csv.Error, StopIteration):
        return []


class _Header(NamedTuple):
    """The index of each field's column, and the number of all columns."""

    positions: Mapping[str, int]
    width: int


def _header(text: str, path: str, columns: Columns) -> _Header:
    told = {one: one if one.lower() in names else names[0] for one, names in columns.names.items()}
    wanted = [" or ".join(told.get(one, one) for one in fields) for fields in columns.needed]
    if text.lstrip().startswith(("<", "{", "[")):
        raise InputError(
            f"{path} is HTML or JSON, not CSV; a header line with a {wanted[0]} column was expected ({columns.page})"
        )
    if _SEPARATOR.fullmatch(text.strip()):
        raise InputError(
            f"{path} begins with a line that is for Excel alone, sep=; a header line was expected there: delete the "
            f"first line ({columns.page})"
        )
    if too_long(1, text):
        raise InputError(
            f"{path} has a first line of more than {MOST_LINE} characters; a header line within that was expected "
            f"({columns.page})"
        )
    names = _names(text, columns)
    positions = _positions(names, columns)
    for known, kind in columns.others.items():
        if set(known) <= set(names) and set(positions) <= {"url"}:
            raise InputError(f"{path} has columns named {' and '.join(known)}: it is {kind}")
    lacking = [
        told
        for fields, told in zip(columns.needed, wanted, strict=True)
        if columns.alone not in positions and not any(field in positions for field in fields)
    ]
    if lacking:
        raise InputError(
            f"{path} lacks {'columns' if len(lacking) > 1 else 'a column'} named {redact(', '.join(lacking))} in its "
            f"first line ({_found(names)}); a CSV file with a header line was expected{columns.otherwise} "
            f"({columns.page})"
        )
    spelled = [_spelled(name) for name in names]
    for twice in sorted({spelled[at] for at in positions.values() if spelled.count(spelled[at]) > 1}):
        raise InputError(
            f"{path} has {spelled.count(twice)} columns named {twice} in its first line; one was expected "
            f"({columns.page})"
        )
    return _Header(positions, len(names))


def _found(names: Sequence[str]) -> str:
    """The names in a first line, which may be no header: what may be data other than a word is left out."""
    some = [name if _WORD.fullmatch(name) and not names_something(name) else "[not shown]" for name in names if name]
    told = ", ".join(some[:_MOST_NAMED]) + (", ..." if len(some) > _MOST_NAMED else "")
    return f"{counted(len(names), 'column')} there{': ' if told else ''}{told}"


_MOST_NAMED: Final = 20


def _spelled(name: str) -> str:
    """A header's name as it is compared: people write spaces for underscores."""
    return name.lower().replace(" ", "_")


def _positions(names: Sequence[str], columns: Columns) -> dict[str, int]:
    """The column index of each field; of several accepted names, the one listed first."""
    spelled = [_spelled(name) for name in names]
    found = {
        field: [spelled.index(one) for one in map(_spelled, known) if one in spelled]
        for field, known in columns.names.items()
    }
    return {field: at[0] for field, at in found.items() if at}


def _cells(text: str, columns: Columns) -> list[str]:
    return next(csv.reader([text], strict=True, delimiter=columns.delimiter or ",", escapechar=columns.escape))


def _line(
    number: int, text: str, header: _Header, columns: Columns, parse: Callable[[int, Cells], Line]
) -> Line | Rejected:
    if rejected := too_long(number, text):
        return rejected
    if _SURROGATE.search(text):
        return Rejected(line=number, reason=f"line is not valid UTF-8: save the file as CSV UTF-8 ({columns.page})")
    try:
        cells = _cells(text, columns)
        promised = max(header.positions.values()) + 1
        if columns.short:
            cells += [""] * (promised - len(cells))
        if len(cells) < promised:
            return Rejected(line=number, reason=f"{len(cells)} columns; the header promises at least {promised}")
        if is_wider(cells, header.width):
            return Rejected(line=number, reason=f"{len(cells)} columns; the header has {header.width}: {UNQUOTED}")
        return parse(number, {field: cells[at].strip() for field, at in header.positions.items()})
    except csv.Error as problem:
        return Rejected(line=number, reason=f"broken quoting ({problem})")
    except (BadUrl, BadCell) as problem:
        return Rejected(line=number, reason=str(problem))


UNQUOTED: Final = "quote cells that hold a separator"


def is_wider(cells: Sequence[str], width: int) -> bool:
    """True if a line has text beyond so many cells."""
    return any(cell.strip() for cell in cells[width:])


FIRST_YEAR: Final = 1985
"""The first domain was registered then; a time of 1970 is a number that is missing."""
_YEARS: Final = range(FIRST_YEAR, 2201)


def time_in(field: str, cells: Cells) -> datetime | None:
    """The time in a cell, aware UTC; None if empty.

    BadCell for what is no time, and for years in which no URL can have been reported.
    """
    text = cells.get(field)
    if not text:
        return None
    try:
        when = _utc(text, UTC)
    except (ValueError, OverflowError):
        raise BadCell(
            f"{field} must be an ISO 8601 date or time, like 2026-01-05 or 2026-01-05T09:30Z (docs/intake.md, Dates)"
        ) from None
    if when.year not in _YEARS:
        raise BadCell(f"{field} must lie in the years {_YEARS[0]} to {_YEARS[-1]}")
    return when


def _utc(text: str, zone: tzinfo) -> datetime:
    """A time in UTC, read in `zone` if it names none; ValueError or OverflowError for other texts."""
    if text.endswith(" UTC"):
        text, zone = text.removesuffix(" UTC"), UTC
    read = iso_time(_YEAR_FIRST.sub(_with_hyphens, text, count=1))
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)


def looks_dated(text: str) -> bool:
    """True for a text that is a date or a time, in any order of day, month and year."""
    try:
        return _YEAR_LAST.fullmatch(text) is not None or (text[4:5] in ("-", "/") and _utc(text, UTC).year in _YEARS)
    except (ValueError, OverflowError):
        return False


def _with_hyphens(found: re.Match[str]) -> str:
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}"


def same_header(one: str, other: str) -> bool:
    """True if two names of a column count as one."""
    return _spelled(one) == _spelled(other)


def in_future(field: str, now: datetime) -> str:
    """Return the reason to reject a later time."""
    return f"{field} is in the future: the clock of the study says {now:%Y-%m-%dT%H:%MZ} (docs/intake.md, Dates)"


def in_zone(cells: Cells, fields: Iterable[str], zone: tzinfo) -> Cells:
    """The cells, times without a zone read in `zone`; what is no time stays as it is."""
    return {**cells, **{field: _zoned(cells[field], zone) for field in fields if cells.get(field)}}


def _zoned(text: str, zone: tzinfo) -> str:
    try:
        return _utc(text, zone).isoformat()
    except (ValueError, OverflowError):
        return text  # rejected by time_in


def with_iso_dates(cells: Cells, fields: Sequence[str], order: str | None, zone: tzinfo | None = None) -> Cells:
    """The cells, with dates in ISO 8601, times without a zone read in `zone`; None: in UTC.

    `order` says whether the day or the month comes first in those that end with the year. BadCell without it, as that
    is never guessed, and for days that are in no calendar. Other texts stay as they are.
    """
    cells = _ordered(cells, fields, order)
    return in_zone(cells, fields, zone) if zone else cells


def _ordered(cells: Cells, fields: Iterable[str], order: str | None) -> Cells:
    found = {field: found for field in fields if (found := _YEAR_LAST.fullmatch(cells.get(field, "")))}
    if not found:
        return cells
    if order is None:
        raise BadCell(
            f"{next(iter(found))} is a date that ends with the year: say which number comes first, with --dates "
            f"{' or --dates '.join(DATE_ORDERS)} (docs/intake.md, Dates)"
        )
    return {**cells, **{field: _iso(field, text, order) for field, text in found.items()}}


def _iso(field: str, found: re.Match[str], order: str) -> str:
    first, _, second, year, clock, minute, seconds, half = found.groups()
    month, day = (second, first) if order == DATE_ORDERS[0] else (first, second)
    hour = int(clock or 0)
    if half and hour in range(1, 13):
        hour, half = hour % 12 + (12 if half.lower() == "p" else 0), None
    try:
        when = datetime(int(year), int(month), int(day), 24 if half else hour, int(minute or 0), int(seconds or 0))
    except ValueError:
        raise BadCell(
            f"{field} {found[0]} is no date with the {order.replace('-', ' ')} (docs/intake.md, Dates)"
        ) from None
    return when.isoformat()


def date_order(text: str) -> str:
    """Check the order of dates on a command line.

    InputError for other words.
    """
    if text not in DATE_ORDERS:
        raise InputError(f"--dates {shown(text)} is not {' or '.join(DATE_ORDERS)} (docs/intake.md, Dates)")
    return text


def word_in(field: str, cells: Cells) -> str | None:
    """The short word in a cell; None if empty.

    Such words are stored in the clear, so anything that could be a host name or URL is refused.
    """
    text = cells.get(field) or None
    if text is not None and not _WORD.fullmatch(text):
        raise BadCell(f"{field} must be 1 to 64 letters, digits, spaces, '_' or '-'")
    return text


def truth_in(field: str, cells: Cells) -> bool | None:
    """The yes or no in a cell; None if empty."""
    text = cells.get(field, "").lower()
    if not text:
        return None
    if text not in _TRUTH:
        raise BadCell(f"{field} must be yes or no")
    return _TRUTH[text]


def zone_of(text: str) -> tzinfo:
    """The time zone of a name; InputError if unknown."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"--zone {shown(text)} is not a time zone such as Europe/Amsterdam or UTC (docs/intake.md, Dates)"
        ) from None


def plain_word(field: str, text: str) -> str:
    """Check a command-line word that is stored in the clear.

    InputError if it has other characters than letters, digits, spaces, '_' and '-', or more than 64.
    """
    if not _WORD.fullmatch(text):
        raise InputError(
            f"--{field} must be 1 to 64 letters, digits, spaces, '_' or '-': it is stored in the clear (docs/intake.md)"
        )
    return text


def default_word(field: str, name: str) -> str:
    """Make a word for a field from a file's name.

    InputError if that holds a host name: the word is stored in the clear.
    """
    stem = _ENDINGS.sub("", name)
    if names_something(stem):
        raise InputError(
            f"the file's name seems to hold a host name and would be stored in the clear; give a word with --{field} "
            "(docs/intake.md)"
        )
    return as_plain_word(stem.partition(".")[0])


def file_name(name: str) -> str:
    """A file's name as messages can show it.

    In one line, and without what names an address; endings such as .zip, a top-level domain too, stay.
    """
    ending = _ENDINGS.search(name)
    at = ending.start() if ending else len(name)
    shown = redact(name[:at]) + name[at:]
    return shown if shown.isprintable() else shown.encode("unicode_escape").decode()


def as_plain_word(text: str) -> str:
    """Return the nearest word that `plain_word` accepts."""
    return re.sub(r"[^\w -]+", "-", text).strip("- ")[:64] or "unnamed"
