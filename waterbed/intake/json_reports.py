"""Reports from JSON: object lines, arrays, PhishTank and URLhaus dumps."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from waterbed.intake.csv_reports import COLUMNS, ReportLine, checked_report
from waterbed.intake.csv_table import MAX_LINE, Rejected
from waterbed.model.errors import InputError

PAGE: Final = "docs/intake.md"
_LISTS: Final = ("urls", "reports", "data", "results")
"""Keys under which an object can hold its reports."""
_ALSO: Final[Mapping[str, tuple[str, ...]]] = {"verified_at": ("last_online",)}
"""Names of fields in JSON beside those in CSV."""


def parse_json_lines(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Read one report from each JSON line.

    A line is an object with a url; empty lines are skipped.
    """
    del name  # lines are rejected one by one, never the whole file
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        if len(text) > MAX_LINE:
            yield Rejected(line=number, reason=f"line of {len(text)} characters; at most {MAX_LINE} are accepted")
            continue
        try:
            entry = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            yield Rejected(line=number, reason="line is not a JSON object")
            continue
        yield entry_report(number, entry)


def parse_json(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Read one report from each object of an array.

    Entries are numbered from 1. The array can be in an object under urls, reports, data or results, or be URLhaus's:
    arrays by number.
    """
    for number, entry in enumerate(_entries(decoded(lines, name), name), 1):
        yield entry_report(number, entry)


def decoded(lines: Iterable[str], name: str) -> Any:
    """The JSON value of a whole file; InputError if invalid."""
    try:
        return msgspec.json.decode("".join(lines))
    except (msgspec.DecodeError, UnicodeEncodeError) as problem:
        where = str(problem).rpartition("(")[2].rstrip(")") if "(" in str(problem) else "not UTF-8"
        raise InputError(f"{name} is not JSON ({where}); get the file again, or name its --format ({PAGE})") from None


def entry_report(number: int, entry: Any) -> ReportLine | Rejected:
    """Return the report of one object, keyed like CSV columns."""
    if not isinstance(entry, dict):
        return Rejected(line=number, reason="entry is not a JSON object")
    lowered = {str(key).lower(): value for key, value in entry.items()}
    cells = {}
    for field, names in COLUMNS.items():
        value = next((lowered[known] for known in (*names, *_ALSO.get(field, ())) if known in lowered), None)
        cells[field] = plain_text(value)
    if not cells["url"]:
        return Rejected(line=number, reason="entry lacks a url")
    return checked_report(number, cells)


def plain_text(value: Any) -> str:
    """A JSON scalar as cell text; else the empty text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def _entries(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
        return
    if isinstance(value, dict):
        held = next((value[key] for key in _LISTS if isinstance(value.get(key), list)), None)
        if held is not None:
            yield from held
            return
        if all(key.isdigit() and isinstance(each, list) for key, each in value.items()):
            for each in value.values():
                yield from each
            return
    raise InputError(f"{name} is JSON without an array of reports; see {PAGE} for the accepted formats")
