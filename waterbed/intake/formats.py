"""Formats of reports files: their detection and their parsers."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Final

from waterbed.intake.batches import Line
from waterbed.intake.csv_reports import (
    COLUMNS,
    ReportLine,
    checked_again,
    is_bare_address,
    is_dated,
    is_phishstats_header,
    is_tweetfeed_row,
    is_urlhaus_header,
    is_urlhaus_row,
    lone_address,
    parse_csv_reports,
    parse_phishstats,
    parse_tweetfeed,
    parse_url_list,
    parse_urlhaus,
)
from waterbed.intake.csv_table import Rejected, plain_word
from waterbed.intake.iccam import parse_iccam
from waterbed.intake.json_reports import is_report, parse_json, parse_json_lines
from waterbed.intake.misp_stix import parse_misp, parse_stix
from waterbed.intake.scart import EXPORT, INPUT, parse_scart, parse_scart_input
from waterbed.intake.xarf import parse_xarf
from waterbed.model.errors import InputError
from waterbed.model.plugins import INTERFACE, SEE, added, called, named
from waterbed.model.redaction import redact_dotted, shown
from waterbed.store.bounded.text import TextFile
from waterbed.store.settings import ABUSE_MATERIAL

Parser = Callable[[Iterable[str], str], Iterator[Line]]

HEAD: Final = 200
"""Lines read to detect a format; comments at the top of a feed are a few dozen."""
_ADDRESS = re.compile(r"\s*(?:https?|hxxps?|h\*\*ps?)[^\s,;|\"]{3,}\s*", re.IGNORECASE)
"""A lone URL; with a comma or semicolon it could be a row of a file without a header."""
_DATED = re.compile(r'\s*"?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"?,"?[\d.]*"?,')


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportForm:
    """A form of reports files.

    `parse` takes a text, in lines or in `pieces` that end anywhere, and the file's name; it yields reports and rejected
    lines. `is_head` tells the form by first lines that are not blank; without it the form must be named.
    """

    parse: Parser
    pieces: bool = False
    category: str | None = None
    """The category of its reports where nobody names one; None: that of any file."""
    is_head: Callable[[Sequence[str]], bool] | None = None
    interface: int = INTERFACE


def _rows(head: Sequence[str]) -> list[str]:
    return [line for line in head if not line.startswith("#")]


def _json_form(head: Sequence[str]) -> str | None:
    rows = _rows(head)
    first, text = rows[0].lstrip() if rows else "", "".join(rows)
    if not first.startswith(("{", "[")):
        return None
    if re.search(r'"type"\s*:\s*"bundle"|"id"\s*:\s*"bundle--', text):
        return "stix"
    if re.search(r'"xarf_version"\s*:|"ReporterInfo"\s*:\s*\{', text):
        return "xarf"
    if re.search(r'"Event"\s*:\s*\{|"Attribute"\s*:\s*\[', text):
        return "misp"
    if re.search(r'"contentItems"\s*:\s*\[', text):
        return "iccam"
    return "jsonl" if is_report(first) else "json"


def _is_json(name: str) -> Callable[[Sequence[str]], bool]:
    return lambda head: _json_form(head) == name


def _is_urls(head: Sequence[str]) -> bool:
    return any(_ADDRESS.fullmatch(lone_address(row)) or is_bare_address(row) for row in _rows(head)[:1])


def _is_urlhaus(head: Sequence[str]) -> bool:
    return any(map(is_urlhaus_header, head)) or any(map(is_urlhaus_row, _rows(head)[:1]))


def _is_phishstats(head: Sequence[str]) -> bool:
    return any(_DATED.match(row.lstrip()) or is_phishstats_header(row.lstrip()) for row in _rows(head)[:1])


def _is_scart(head: Sequence[str]) -> bool:
    """True for a first line of one of SCART's files.

    An export's header names more of its fields than of a CSV file's, and none that would be lost. A file for its import
    has no header, an address first, and at least five semicolons.
    """
    for row in _rows(head)[:1]:
        names = [cell.strip(' \t\r\n"').lower() for cell in row.split(";")]
        if "://" in names[0]:
            return len(names) > len(INPUT.names) + 2
        own, csv = (_named(names, fields) for fields in (EXPORT.names, COLUMNS))
        return len(own) > len(csv) and not csv & _NEVER_LOST and not {"recipient", "to"} & set(names)
    return False


_NEVER_LOST: Final = {"category", "content_id", "parent", "assessed_illegal"}
"""Fields that no export of SCART has, and that decide how a URL is asked or what is one content."""


def _named(names: Sequence[str], fields: Mapping[str, Sequence[str]]) -> set[str]:
    """The fields that a header names; `type` alone is the type of a site."""
    return {field for field, own in fields.items() if not {*own}.isdisjoint({*names} - {"type"})}


FORMATS: Final[Mapping[str, ReportForm]] = {
    "csv": ReportForm(parse=parse_csv_reports),
    "urls": ReportForm(parse=parse_url_list, is_head=_is_urls),
    "openphish": ReportForm(parse=parse_url_list),
    "urlhaus": ReportForm(parse=parse_urlhaus, is_head=_is_urlhaus),
    "tweetfeed": ReportForm(parse=parse_tweetfeed, is_head=lambda head: any(map(is_tweetfeed_row, _rows(head)[:1]))),
    "phishtank": ReportForm(parse=parse_csv_reports),
    "phishstats": ReportForm(parse=parse_phishstats, is_head=_is_phishstats),
    "scart": ReportForm(parse=parse_scart, is_head=_is_scart, category=ABUSE_MATERIAL),
    "scart-input": ReportForm(parse=parse_scart_input, category=ABUSE_MATERIAL),
    "iccam": ReportForm(parse=parse_iccam, pieces=True, is_head=_is_json("iccam"), category=ABUSE_MATERIAL),
    "jsonl": ReportForm(parse=parse_json_lines, is_head=_is_json("jsonl")),
    "json": ReportForm(parse=parse_json, pieces=True, is_head=_is_json("json")),
    "xarf": ReportForm(parse=parse_xarf, pieces=True, is_head=_is_json("xarf")),
    "misp": ReportForm(parse=parse_misp, pieces=True, is_head=_is_json("misp")),
    "stix": ReportForm(parse=parse_stix, pieces=True, is_head=_is_json("stix")),
}
"""The forms that are built in, by name; plug-ins add others."""
_ASKED = ("urlhaus", "tweetfeed", "stix", "xarf", "misp", "iccam", "jsonl", "json", "urls", "phishstats", "scart")
"""The order in which they are asked if a file is of their form; what none knows is CSV."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The way to read a reports file."""

    form: str | None = None
    """Its form by name; None: it is detected."""
    category: str | None = None
    """The category of reports without one; None: that of the form."""
    zone: tzinfo | None = None
    """The time zone of times that name none, in CSV and in SCART's files."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The file's own name of fields, in CSV and JSON; empty for a field that is not read."""
    dates: str | None = None
    """The order of dates that end with the year, in CSV: day-first or month-first."""


def columns_of(words: Sequence[str]) -> dict[str, str]:
    """Header names by field, of words like url=link; only that of the URL must not be empty.

    InputError for other words.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, header = (part.strip() for part in word.partition("="))
        if name not in COLUMNS or not equals or (name == "url" and not header) or name in found:
            raise InputError(
                f"--column {shown(word)} is not FIELD=HEADER, each field once; the fields are {', '.join(COLUMNS)} "
                "(docs/intake.md, Columns)"
            )
        found[name] = header
    return found


def form_of(how: Reading, head: Sequence[str]) -> str:
    """The form of a file by name: as named, else as its first lines tell."""
    form = how.form or detect_format(head)
    # semicolons may stand in CSV, too
    return "csv" if how.form is None and form == "scart" and (how.columns or how.dates) else form


def read_reports(path: Path, how: Reading = Reading()) -> Iterator[Line]:
    """Read a reports file in the named or detected format.

    InputError if the format is unknown or the file does not have it.
    """
    if how.form is not None:
        named("reports", ReportForm, FORMATS, how.form, "--format", "docs/intake.md")
    text = TextFile(path, "a reports file")
    head = text.head(HEAD)
    file_format = form_of(how, head)
    form = named("reports", ReportForm, FORMATS, file_format, "--format", "docs/intake.md")
    parse = form.parse
    for option, value, forms, told, section in (
        ("--zone", how.zone, ("csv", "scart"), "CSV and SCART's times", "Dates"),
        ("--column", how.columns, ("csv", "json", "jsonl"), "CSV and JSON", "Columns"),
        ("--dates", how.dates, ("csv",), "CSV", "Dates"),
    ):
        if value and file_format not in forms:
            raise InputError(
                f"{option} is for {told}, and {path} is {file_format}; leave it out, or name the --format "
                f"(docs/intake.md, {section})"
            )
    if file_format == "csv":
        if (how.dates or how.zone) and not is_dated(head, how.columns):
            raise InputError(
                f"{'--dates' if how.dates else '--zone'} is given, and no column of {path} is read as a date; name it "
                "with --column reported_at=NAME, or leave the option out (docs/intake.md, Dates)"
            )
        parse = partial(parse_csv_reports, columns=how.columns, dates=how.dates, zone=how.zone)
    elif how.columns:
        parse = partial(parse_json if file_format == "json" else parse_json_lines, columns=how.columns)
    elif how.zone:
        parse = partial(parse_scart, zone=how.zone)
    pieces = text.texts() if form.pieces else text.lines()
    built_in = file_format in FORMATS
    found = parse(pieces, str(path)) if built_in else _added(file_format, partial(parse, pieces, str(path)))
    category = how.category or (form.category if built_in else _category(file_format, form))
    for one in found:
        if isinstance(one, ReportLine) and one.category is None and category is not None:
            yield replace(one, category=category)
        else:
            yield one


def _added(name: str, parse: Callable[[], Iterable[object]]) -> Iterator[ReportLine | Rejected]:
    """What a plug-in reads, one by one, each checked.

    InputError if it fails or yields anything else.
    """
    found = called(name, lambda: iter(parse()))
    while (one := called(name, lambda: _checked(next(found, None)))) is not None:
        if not isinstance(one, ReportLine | Rejected):
            raise InputError(f"the plug-in {name} read a {type(one).__name__}, not a report ({SEE})")
        if type(one.line) is not int:
            raise InputError(f"the plug-in {name} read a report whose line is no number ({SEE})")
        yield one


def _checked(one: object) -> object:
    """A report whose fields were checked, a rejected line without addresses in its reason; else what it is."""
    if isinstance(one, Rejected):
        return Rejected(line=one.line, reason=redact_dotted(one.reason))
    return checked_again(one) if isinstance(one, ReportLine) else one


def _category(name: str, form: ReportForm) -> str | None:
    """The category of a plug-in's form; InputError if it may not be stored in the clear."""
    try:
        return called(name, lambda: form.category and plain_word("category", form.category))
    except InputError:
        raise InputError(
            f"the plug-in {name} has a category that is not 1 to 64 letters, digits, spaces, '_' or '-' ({SEE})"
        ) from None


def detect_format(head: Sequence[str]) -> str:
    """Detect the format from first lines; CSV by default.

    Plug-ins are asked first: who installs one has such files.
    """
    text = [line for line in head if line.strip()]
    for name, form in added("reports", ReportForm, FORMATS).items():
        if form.is_head and called(name, partial(form.is_head, text)):
            return name
    if not any(map(is_urlhaus_header, text)) and not _rows(text):
        return "csv"
    forms = ((name, FORMATS[name].is_head) for name in _ASKED)
    return next((name for name, is_head in forms if is_head and is_head(text)), "csv")
