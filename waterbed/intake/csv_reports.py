"""Reports from a CSV file with a header line, one report a line."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import IO

from waterbed.model.canonical import Spelled, spell
from waterbed.model.errors import BadUrl, InputError

MAX_LINE = 65_536
"""Longest line accepted, characters."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "url": ("url", "uri", "reported_url"),
    "reported_at": ("reported_at", "date", "submission_time", "first_seen", "dateadded", "date_added"),
    "source": ("source", "feed"),
    "category": ("category", "threat", "type"),
    "content_id": ("content_id", "content"),
    "site_type": ("site_type",),
    "commercial": ("commercial",),
    "assessed_illegal": ("assessed_illegal", "illegal"),
    "verified_at": ("verified_at", "verification_time"),
    "origin_address": ("origin_address", "origin_ip"),
}
"""What each field may be called in a header, in lower case."""

_WORD = re.compile(r"\w[\w -]{0,63}")
_SURROGATE = re.compile("[\ud800-\udfff]")
"""What bytes that are no UTF-8 are read as."""
_TRUTH = {"1": True, "true": True, "yes": True, "y": True, "0": False, "false": False, "no": False, "n": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One good line. Secret: its repr says the line number alone."""

    line: int
    spelled: Spelled
    reported_at: datetime | None
    verified_at: datetime | None
    source: str | None
    category: str | None
    content_id: str | None
    site_type: str | None
    commercial: bool | None
    assessed_illegal: bool | None
    origin_address: str | None = None

    def __repr__(self) -> str:
        """Say the line number alone."""
        return f"<ReportLine {self.line}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One bad line: its number in the file, and why. Never its text."""

    line: int
    reason: str


def read_csv_reports(path: Path) -> Iterator[ReportLine | Rejected]:
    """Read reports line by line: good ones, and bad ones with a reason.

    Understands gzip, a byte-order mark, UTF-16 and any line ending. A quoted field may not span lines, so that one
    broken quote costs one line. InputError if the file is no such CSV at all; an empty file holds no report.
    """
    with _open(path) as file:
        try:
            yield from parse_csv_reports(file, str(path))
        except (OSError, EOFError, zlib.error, UnicodeError):
            raise InputError(f"{path} breaks off: its compression or encoding is damaged; get the file again") from None


def parse_csv_reports(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """The same from lines of text; `name` is what errors call them."""
    header: dict[str, int] | None = None
    for number, text in enumerate(lines, 1):
        if not text.strip() or text.startswith("#"):
            continue
        if header is None:
            header = _header(text, name)
            continue
        yield _line(number, text.rstrip("\r\n"), header)


def _open(path: Path) -> IO[str]:
    try:
        data: IO[bytes] = path.open("rb")
        magic = data.read(2)
        data.seek(0)
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); a reports file was expected") from None
    if magic == b"\x1f\x8b":
        data = gzip.GzipFile(fileobj=data)  # type: ignore[assignment]  # a GzipFile reads like any binary file
    if magic in (b"\xff\xfe", b"\xfe\xff"):
        return io.TextIOWrapper(data, encoding="utf-16", newline=None)
    return io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline=None)


def _header(text: str, path: str) -> dict[str, int]:
    if text.lstrip().startswith(("<", "{", "[")):
        raise InputError(
            f"{path} is HTML or JSON, not CSV; a header line with a url column was expected (docs/intake.md)"
        )
    try:
        names = [name.strip().lower() for name in next(csv.reader([text], strict=True))]
    except (csv.Error, StopIteration):
        names = []
    found = {field: names.index(name) for field, known in COLUMNS.items() for name in known if name in names}
    if "url" not in found:
        raise InputError(
            f"{path} has no column named url in its first line ({len(names)} columns there); "
            "a CSV file with a header line was expected (docs/intake.md)"
        )
    return found


def _line(number: int, text: str, header: dict[str, int]) -> ReportLine | Rejected:
    if len(text) > MAX_LINE:
        return Rejected(line=number, reason=f"line of {len(text)} characters; at most {MAX_LINE} are accepted")
    if _SURROGATE.search(text):
        return Rejected(line=number, reason="line is not valid UTF-8")
    try:
        cells = next(csv.reader([text], strict=True))
        return _report(number, cells, header)
    except csv.Error as problem:
        return Rejected(line=number, reason=f"broken quoting ({problem})")
    except BadUrl as problem:
        return Rejected(line=number, reason=str(problem))
    except _BadCell as problem:
        return Rejected(line=number, reason=str(problem))


class _BadCell(Exception):
    """A cell that cannot be used."""


def _report(number: int, cells: list[str], header: dict[str, int]) -> ReportLine:
    if len(cells) <= max(header.values()):
        raise _BadCell(f"{len(cells)} columns; the header promises at least {max(header.values()) + 1}")
    cell = {field: cells[at].strip() for field, at in header.items()}
    return ReportLine(
        line=number,
        spelled=spell(cell["url"]),
        reported_at=_time("reported_at", cell),
        verified_at=_time("verified_at", cell),
        source=_word("source", cell),
        category=_word("category", cell),
        content_id=cell.get("content_id") or None,
        site_type=_word("site_type", cell),
        commercial=_bool("commercial", cell),
        assessed_illegal=_bool("assessed_illegal", cell),
        origin_address=_address("origin_address", cell),
    )


def _address(field: str, cell: dict[str, str]) -> str | None:
    text = cell.get(field)
    if not text:
        return None
    try:
        return str(ip_address(text))
    except ValueError:
        raise _BadCell(f"{field} is no IP address") from None


def _time(field: str, cell: dict[str, str]) -> datetime | None:
    text = cell.get(field)
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _BadCell(f"{field} is no ISO 8601 date or time") from None


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


def _word(field: str, cell: dict[str, str]) -> str | None:
    """A short plain word: these are kept in the clear, so nothing that could be a host name or URL gets in."""
    text = cell.get(field) or None
    if text is not None and not _WORD.fullmatch(text):
        raise _BadCell(f"{field} is no short word of letters, digits, spaces, _ and -")
    return text


def _bool(field: str, cell: dict[str, str]) -> bool | None:
    text = cell.get(field, "").lower()
    if not text:
        return None
    if text not in _TRUTH:
        raise _BadCell(f"{field} is neither yes nor no")
    return _TRUTH[text]
