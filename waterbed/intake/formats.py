"""Which form a file of reports has, and how each is read."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import tzinfo
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Final

from waterbed.intake.csv_reports import (
    ReportLine,
    is_phishstats_header,
    is_urlhaus_header,
    parse_csv_reports,
    parse_phishstats,
    parse_url_list,
    parse_urlhaus,
)
from waterbed.intake.csv_table import Rejected
from waterbed.intake.json_reports import parse_json, parse_json_lines
from waterbed.intake.misp_stix import parse_misp, parse_stix
from waterbed.intake.scart import parse_scart, parse_scart_input
from waterbed.intake.text_files import opened_lines
from waterbed.model.errors import InputError

Parse = Callable[[Iterable[str], str], Iterator[ReportLine | Rejected]]

FORMS: Final[Mapping[str, Parse]] = {
    "csv": parse_csv_reports,
    "urls": parse_url_list,
    "openphish": parse_url_list,
    "urlhaus": parse_urlhaus,
    "phishtank": parse_csv_reports,
    "phishstats": parse_phishstats,
    "scart": parse_scart,
    "scart-input": parse_scart_input,
    "jsonl": parse_json_lines,
    "json": parse_json,
    "misp": parse_misp,
    "stix": parse_stix,
}
"""How each form is read, by its name."""

_HEAD = 200
"""Lines that are looked at to tell a form; comments at the top of a feed are a few dozen."""
_ADDRESS = re.compile(r"\s*(?:https?|hxxps?|h\*\*ps?)[^\s,;|\"]{3,}\s*", re.IGNORECASE)
"""An address alone: with a comma or semicolon in it, it may as well be a row of a file without a header."""
_DATED = re.compile(r'\s*"?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"?,"?[\d.]*"?,')


def read_reports(path: Path, form: str | None = None, zone: tzinfo | None = None) -> Iterator[ReportLine | Rejected]:
    """Read a file of reports in the form named, else in the one that it looks like.

    `zone` is that of SCART's times. InputError if there is no such form, or the file does not have it.
    """
    if form is not None and form not in FORMS:
        raise InputError(f"--format {form!r} is not known; one of {', '.join(FORMS)} was expected (docs/intake.md)")
    lines = opened_lines(path, "a reports file")
    head = list(islice(lines, _HEAD))
    form = form or form_of(head)
    if zone and form != "scart":
        raise InputError(f"--zone is about SCART's times, and {path} is {form}; leave it out (docs/intake.md, SCART)")
    parse = partial(parse_scart, zone=zone) if zone else FORMS[form]
    yield from parse(chain(head, lines), str(path))


def form_of(head: list[str]) -> str:
    """The form that the first lines of a file have; what is like nothing else counts as CSV."""
    text = [line for line in head if line.strip()]
    if any(is_urlhaus_header(line) for line in text):
        return "urlhaus"
    rows = [line for line in text if not line.startswith("#")]
    if not rows:
        return "csv"
    first = rows[0].lstrip()
    if first.startswith(("{", "[")):
        return _json_form(first, "".join(rows))
    if _ADDRESS.fullmatch(rows[0].rstrip("\r\n")):
        return "urls"
    if _DATED.match(first) or is_phishstats_header(first):
        return "phishstats"
    return "scart" if first.count(";") > first.count(",") else "csv"


def _json_form(first: str, head: str) -> str:
    if re.search(r'"type"\s*:\s*"bundle"', head):
        return "stix"
    if re.search(r'"Event"\s*:\s*\{', head):
        return "misp"
    return "jsonl" if first.startswith("{") and first.rstrip().endswith("}") and '"url"' in first else "json"
