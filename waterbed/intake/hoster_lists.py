"""A hoster's list of URLs, with optional date and channel."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Literal, get_args

from waterbed.intake.csv_table import UNQUOTED, Rejected, is_wider
from waterbed.model.errors import BadUrl, InputError
from waterbed.model.redaction import shown
from waterbed.model.urls import CanonicalUrl, canonicalize
from waterbed.store.bounded.limits import MOST_HELD_ROWS
from waterbed.store.bounded.text import open_entries

DayOrder = Literal["dmy", "mdy"]

_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/.]?)(\d\d?)\2(\d\d?)(?:[T ,].*)?")
_YEAR_LAST: Final = re.compile(r"(\d\d?)[-/.](\d\d?)[-/.](\d{4}|\d\d)(?:[T ,].*)?")
_NAMED: Final = re.compile(
    r"(?:(?P<day>\d\d?)[- .]*(?P<month>[A-Za-z]{3,9})|(?P<month2>[A-Za-z]{3,9})[- .]*(?P<day2>\d\d?))"
    r"[- .,]*(?P<year>\d{4})(?:[T ,].*)?"
)
_MONTHS: Final = {
    **{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10},
    **{"nov": 11, "dec": 12, "mrt": 3, "maa": 3, "mei": 5, "okt": 10},
}


def day_order(texts: Iterable[str], name: str, chosen: str | None = None) -> DayOrder | None:
    """Return which comes first in dates: day or month.

    One number above 12 decides for the whole file, else `chosen` does. None if no date is ambiguous. InputError if the
    dates contradict each other or `chosen`, or if they are ambiguous without it.
    """
    if chosen is not None and chosen not in get_args(DayOrder):
        raise InputError(
            f"--dates is {shown(chosen)}; dmy (5-1-2026) or mdy (1/5/2026) was expected (docs/reconcile.md)"
        )
    pairs = [(int(match[1]), int(match[2])) for text in texts if (match := _YEAR_LAST.fullmatch(text.strip()))]
    days_first = any(first > 12 for first, _ in pairs)
    months_first = any(second > 12 for _, second in pairs)
    if days_first and months_first:
        raise InputError(
            f"{name} has dates that only fit day first and others that only fit month first; correct the file"
        )
    if days_first or months_first:
        order: DayOrder = "dmy" if days_first else "mdy"
        if chosen and chosen != order:
            raise InputError(f"{name} has dates that do not fit --dates {chosen}; leave it out, or correct the file")
        return order
    if chosen:
        return "dmy" if chosen == "dmy" else "mdy"
    if any(first != second for first, second in pairs):
        raise InputError(
            f"{name} has {len(pairs)} dates such as 5-1-2026, in an unclear order; name --dates dmy or mdy"
        )
    return "dmy" if pairs else None


def written_date(text: str, order: DayOrder | None) -> date | None:
    """Return the date in a text, or None.

    A time with a zone counts by its day in UTC.
    """
    text = text.strip()
    try:
        if zoned := _zoned(text):
            return zoned
        if match := _YEAR_FIRST.fullmatch(text):
            return date(int(match[1]), int(match[3]), int(match[4]))
        if order and (match := _YEAR_LAST.fullmatch(text)):
            first, second, year = (int(part) for part in match.groups())
            day, month = (first, second) if order == "dmy" else (second, first)
            return date(year if year > 99 else 2000 + year, month, day)
        if match := _NAMED.fullmatch(text):
            month = _MONTHS.get((match["month"] or match["month2"])[:3].lower(), 0)
            return date(int(match["year"]), month, int(match["day"] or match["day2"]))
    except (ValueError, OverflowError):
        return None
    return None


def _zoned(text: str) -> date | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.astimezone(UTC).date() if read.tzinfo else None


_NAMES: Final = {
    "url": ("url", "uri", "link", "address", "website", "reported url", "reported_url"),
    "date": (
        *("date", "datum", "received", "received_at", "date received", "reported", "reported_at", "sent", "sent_at"),
        *("time", "timestamp", "ontvangen"),
    ),
    "channel": ("channel", "kanaal", "via", "medium", "source"),
}
_SEPARATORS: Final = ",;\t|"
_ADDRESS: Final = re.compile(r"\s*(?:https?|hxxps?|h\*\*ps?)\W", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HosterLine:
    """One valid line. Secret: repr gives only its number."""

    line: int
    canonical: CanonicalUrl
    day: date | None
    channel: str | None

    def __repr__(self) -> str:
        """Give only the line number."""
        return f"<HosterLine {self.line}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class HosterList:
    """A hoster's list: rows as received, and parsed. Secret."""

    separator: str
    header: Sequence[str] | None
    rows: Sequence[tuple[int, Sequence[str]]]
    """Line number and cells of each row, unchanged."""
    read: Sequence[HosterLine | Rejected]
    """The same rows, parsed."""

    def __repr__(self) -> str:
        """Give only the number of rows."""
        return f"<HosterList of {len(self.rows)} rows>"


def read_hoster_list(path: Path, dates: str | None = None) -> HosterList:
    """Read a hoster's list, with or without a header.

    Separators are commas, semicolons, tabs or bars. `dates` (dmy or mdy) decides where the file's dates are ambiguous.
    A row whose URL may go on behind a separator is rejected. InputError if no column has URLs.
    """
    lines = [text.rstrip("\r\n") for text in open_entries(path, "a hoster's list", "docs/reconcile.md", MOST_HELD_ROWS)]
    numbered = [(number, text) for number, text in enumerate(lines, 1) if text.strip()]
    separator = _separator([text for _, text in numbered[:50]])
    texts, rows = dict(numbered), [(number, _cells(text, separator)) for number, text in numbered]
    header = rows[0][1] if rows and _is_header(numbered[0][1]) else None
    body = rows[1:] if header else rows
    columns = _named(header) if header else _by_content([cells for _, cells in body[:200]])
    if "url" not in columns and body:
        raise InputError(
            f"{path} lacks a column of URLs: a column named url, link or address, or cells that begin with http "
            "(docs/reconcile.md)"
        )
    width = len(header) if header else _known_width(columns)
    if not header and columns == {"url": 0} and _usual([cells for _, cells in body])[0] == 1:
        body = [(number, [texts[number]] if _ADDRESS.match(texts[number]) else cells) for number, cells in body]
    order = day_order((_cell(cells, columns.get("date")) for _, cells in body), str(path), dates)
    return HosterList(
        separator=separator,
        header=header,
        rows=body,
        read=[_read(number, cells, columns, order, width) for number, cells in body],
    )


def _known_width(columns: Mapping[str, int]) -> int | None:
    """The number of cells up to the URL in a list without a header, as the text behind it may be the rest of it.

    None where a date comes next.
    """
    url = columns.get("url", 0)
    return None if columns.get("date") == url + 1 else url + 1


def _is_header(text: str) -> bool:
    """True for a line without an address, whatever separates its cells."""
    return not any(_ADDRESS.match(cell) for separator in _SEPARATORS for cell in _cells(text, separator))


def _separator(sample: Sequence[str]) -> str:
    """The separator that cuts a header into most known columns; without one, most lines into as many cells.

    URLs can contain any of them.
    """
    if sample and _is_header(sample[0]):
        heads = {candidate: _cells(sample[0], candidate) for candidate in _SEPARATORS}
        return max(heads, key=lambda candidate: (len(_named(heads[candidate])), len(heads[candidate])))
    best, most = ",", (0, 0)
    for candidate in _SEPARATORS if sample else ():
        cells, lines = _usual([_cells(text, candidate) for text in sample])
        if cells > 1 and (lines, cells) > most:
            best, most = candidate, (lines, cells)
    return best


def _usual(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """The number of cells of most rows, and how many have it."""
    return max(Counter(map(len, rows)).items(), key=lambda pair: (pair[1], pair[0]), default=(1, 0))


def _cells(text: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=separator), [])
    except csv.Error:
        return [text]


def _named(header: Sequence[str]) -> dict[str, int]:
    words = [cell.strip().lower() for cell in header]
    return {
        field: words.index(next(name for name in names if name in words))
        for field, names in _NAMES.items()
        if any(name in words for name in names)
    }


def _by_content(rows: Sequence[Sequence[str]]) -> dict[str, int]:
    """The columns of URLs and dates in a list without a header."""
    columns: dict[str, int] = {}
    for at in range(max((len(cells) for cells in rows), default=0)):
        held = [cells[at] for cells in rows if at < len(cells) and cells[at].strip()]
        if "url" not in columns and any(_ADDRESS.match(cell) for cell in held):
            columns["url"] = at
        elif "date" not in columns and 2 * sum(map(_is_date, held)) > len(held):
            columns["date"] = at
    return columns


def _is_date(text: str) -> bool:
    return bool(written_date(text, "dmy") or written_date(text, "mdy"))


def _cell(cells: Sequence[str], at: int | None) -> str:
    return cells[at].strip() if at is not None and at < len(cells) else ""


def _read(
    number: int, cells: Sequence[str], columns: Mapping[str, int], order: DayOrder | None, width: int | None
) -> HosterLine | Rejected:
    if width is not None and is_wider(cells, width):
        return Rejected(line=number, reason=f"{len(cells)} columns, not {width}: {UNQUOTED}, and add a header")
    text = _cell(cells, columns.get("date"))
    day = written_date(text, order)
    if text and day is None:
        return Rejected(line=number, reason="the date cannot be read")
    try:
        canonical = canonicalize(_cell(cells, columns["url"]))
    except BadUrl as problem:
        return Rejected(line=number, reason=str(problem))
    return HosterLine(line=number, canonical=canonical, day=day, channel=_cell(cells, columns.get("channel")) or None)


def with_answers(
    hoster_list: HosterList, answers: Sequence[tuple[str, ...]], names: tuple[str, ...]
) -> Iterator[list[str]]:
    """Append our answers to the hoster's rows.

    The rows stay as received; a header is written only if the list has one.
    """
    if hoster_list.header is not None:
        yield [*hoster_list.header, *names]
    for (_, cells), answer in zip(hoster_list.rows, answers, strict=True):
        yield [*cells, *answer]
