"""Reports from JSON: object lines, arrays, PhishTank and URLhaus dumps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final

from waterbed.intake.csv_reports import COLUMNS, ReportLine, checked_report, named_columns
from waterbed.intake.csv_table import Rejected, too_long
from waterbed.model.errors import InputError
from waterbed.store.bounded.json_text import BadJson, JsonText, KeyTwice, json_in

PAGE: Final = "docs/intake.md"
_LISTS: Final = ("urls", "reports", "data", "results")
"""Keys under which an object can hold its reports."""
_ALSO: Final[Mapping[str, tuple[str, ...]]] = {"verified_at": ("last_online",)}
"""Names of fields in JSON beside those in CSV."""


def parse_json_lines(
    lines: Iterable[str], name: str, columns: Mapping[str, str] = MappingProxyType({})
) -> Iterator[ReportLine | Rejected]:
    """Read one report from each JSON line.

    A line is an object with a url; empty lines are skipped. `columns` are the file's own names by field.
    """
    del name  # lines are rejected one by one, never the whole file
    names = _names(columns)
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        if rejected := too_long(number, text):
            yield rejected
            continue
        try:
            entry = json_in(text)
        except KeyTwice:
            yield Rejected(line=number, reason="a key occurs twice in the line, and nobody knows which counts")
            continue
        except BadJson:
            yield Rejected(line=number, reason="line is not a JSON object")
            continue
        yield entry_report(number, entry, names)


def parse_json(
    pieces: Iterable[str], name: str, columns: Mapping[str, str] = MappingProxyType({})
) -> Iterator[ReportLine | Rejected]:
    """Read one report from each object of an array.

    Entries are numbered from 1. The array can be in an object under urls, reports, data or results, or be URLhaus's:
    arrays by number. `columns` are the file's own names by field.
    """
    text, names = JsonText(pieces, name), _names(columns)
    for number, _ in enumerate(_entries(text, name), 1):
        yield entry_report(number, text.value(), names)
    text.end()


def _names(columns: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The accepted names of each field, in lower case."""
    return {
        field: own if field in columns else (*own, *_ALSO.get(field, ()))
        for field, own in named_columns(columns).items()
    }


def values_in_json(text: str, form: str) -> dict[str, str]:
    """Return the names in the first objects, each with its first value that is not empty, if any.

    `text` is the beginning of a file of lines (jsonl) or of an array (json), read as far as it is whole.
    """
    found: dict[str, str] = {}
    for entry in _whole_lines(text) if form == "jsonl" else _whole_entries(text):
        for key, value in entry.items() if isinstance(entry, dict) else ():
            found[key] = found.get(key) or plain_text(value)
    return found


def _whole_lines(beginning: str) -> Iterator[Any]:
    for line in beginning.splitlines():
        with suppress(BadJson):
            yield json_in(line)


def _whole_entries(beginning: str) -> Iterator[Any]:
    text = JsonText([beginning], "the beginning")
    with suppress(InputError):
        for _ in _entries(text, "the beginning"):
            yield text.value()


def _entries(text: JsonText, name: str) -> Iterator[None]:
    """Step to each report."""
    kind, found, keys = text.kind(), False, 0
    if kind == "[":
        yield from text.items()
        return
    if kind == "{":
        for key in text.members():
            keys += 1
            if (key in _LISTS or key.isdigit()) and text.kind() == "[":
                found = True
                yield from text.items()
            else:
                text.skip()
    elif not kind:
        text.value()  # it says that there is no JSON
    if kind != "{" or (keys and not found):
        raise InputError(f"{name} is JSON without an array of reports ({PAGE})")


def is_report(text: str) -> bool:
    """True if a line is an object with a url."""
    try:
        entry = json_in(text)
    except KeyTwice:
        return True  # the line is rejected, not the file
    except BadJson:
        return False
    return isinstance(entry, dict) and any(key.lower() in COLUMNS["url"] for key in entry)


def entry_report(number: int, entry: Any, names: Mapping[str, Sequence[str]]) -> ReportLine | Rejected:
    """Return the report of one object, keyed like CSV columns; `names` are those of each field."""
    if not isinstance(entry, dict):
        return Rejected(line=number, reason="entry is not a JSON object")
    lowered = {str(key).lower(): value for key, value in entry.items()}
    cells = {}
    for field, known in names.items():
        value = next((lowered[one] for one in known if one in lowered), None)
        if isinstance(value, (list, dict)):
            return Rejected(line=number, reason=f"{field} must be a text or number")
        cells[field] = plain_text(value)
    if not cells.get("url"):
        return Rejected(line=number, reason="entry lacks a url")
    return checked_report(number, cells)


def plain_text(value: Any) -> str:
    """A JSON scalar as cell text; else the empty text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip() if isinstance(value, (str, int, float)) else ""
