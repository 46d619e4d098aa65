"""Formats of reports files: their detection and their parsers."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import partial
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
from waterbed.model.errors import InputError
from waterbed.store.bounded.text import TextFile

Parser = Callable[[Iterable[str], str], Iterator[ReportLine | Rejected]]

FORMATS: Final[Mapping[str, Parser]] = {
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
"""The parser of each format, by name."""

_IN_PIECES: Final = ("json", "misp", "stix")
"""Formats whose parsers take a text in pieces, which end anywhere; the others take lines."""

_HEAD = 200
"""Lines read to detect a format; comments at the top of a feed are a few dozen."""
_ADDRESS = re.compile(r"\s*(?:https?|hxxps?|h\*\*ps?)[^\s,;|\"]{3,}\s*", re.IGNORECASE)
"""A lone URL; with a comma or semicolon it could be a row of a file without a header."""
_DATED = re.compile(r'\s*"?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"?,"?[\d.]*"?,')


def read_reports(
    path: Path, file_format: str | None = None, zone: tzinfo | None = None
) -> Iterator[ReportLine | Rejected]:
    """Read a reports file in the named or detected format.

    `zone` is the time zone of SCART's times. InputError if the format is unknown or the file does not have it.
    """
    if file_format is not None and file_format not in FORMATS:
        raise InputError(
            f"--format {file_format!r} is not known; one of {', '.join(FORMATS)} was expected (docs/intake.md)"
        )
    text = TextFile(path, "a reports file")
    file_format = file_format or detect_format(text.head(_HEAD))
    if zone and file_format != "scart":
        raise InputError(
            f"--zone is for SCART's times, and {path} is {file_format}; leave it out (docs/intake.md, SCART)"
        )
    parse = partial(parse_scart, zone=zone) if zone else FORMATS[file_format]
    yield from parse(text.texts() if file_format in _IN_PIECES else text.lines(), str(path))


def detect_format(head: Sequence[str]) -> str:
    """Detect the format from first lines; CSV by default."""
    text = [line for line in head if line.strip()]
    if any(is_urlhaus_header(line) for line in text):
        return "urlhaus"
    rows = [line for line in text if not line.startswith("#")]
    if not rows:
        return "csv"
    first = rows[0].lstrip()
    if first.startswith(("{", "[")):
        return _json_format(first, "".join(rows))
    if _ADDRESS.fullmatch(rows[0].rstrip("\r\n")):
        return "urls"
    if _DATED.match(first) or is_phishstats_header(first):
        return "phishstats"
    return "scart" if first.count(";") > first.count(",") else "csv"


def _json_format(first: str, head: str) -> str:
    if re.search(r'"type"\s*:\s*"bundle"|"id"\s*:\s*"bundle--', head):
        return "stix"
    if re.search(r'"Event"\s*:\s*\{', head):
        return "misp"
    return "jsonl" if first.startswith("{") and first.rstrip().endswith("}") and '"url"' in first else "json"
