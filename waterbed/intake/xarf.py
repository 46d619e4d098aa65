"""Reports from X-ARF, versions 3 and 4: one object, an array of them, or one a line.

Evidence and attachments, which hold content, are dropped at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from waterbed.intake.csv_reports import ReportLine, checked_report
from waterbed.intake.csv_table import Rejected, WithoutUrl, as_plain_word
from waterbed.intake.json_reports import PAGE, plain_text
from waterbed.model.errors import InputError
from waterbed.store.bounded.json_text import JsonText
from waterbed.store.settings import ABUSE_MATERIAL

_PARTS: Final[Mapping[str, str]] = {
    "reporter": "reporter.",
    "ReporterInfo": "reporter.",
    "Report": "",
    "Source": "Source.",
}
"""Objects of a report that are read, and what stands before the names in them."""
_READ: Final = (
    *("xarf_version", "timestamp", "type", "url", "reporter.org"),  # version 4
    *("reporter.ReporterOrg", "Date", "ReportType", "Source.URL", "Source.Value"),  # version 3
)
_STRICT: Final = ("csam", "csem", "ncii")
"""Types of content that is only ever asked for by HEAD."""


def parse_xarf(pieces: Iterable[str], name: str) -> Iterator[ReportLine | Rejected | WithoutUrl]:
    """Read one report from each object with a URL, numbered from 1.

    Reported at the report's own time; the source is the reporter's organisation, the category its type.
    InputError for JSON that is no X-ARF.
    """
    text, number = JsonText(pieces, name), 0
    for _ in text.items() if text.kind() == "[" else _lines(text):
        number += 1
        if text.kind() != "{":
            text.skip()
            yield Rejected(line=number, reason="entry is not a JSON object")
            continue
        told = dict(_fields(text))
        if "xarf_version" not in told and "ReportType" not in told:
            if number == 1:
                raise InputError(f"{name} is JSON, but its first entry is no X-ARF report of version 3 or 4 ({PAGE})")
            yield Rejected(line=number, reason="entry is no X-ARF report of version 3 or 4")
            continue
        yield _report(number, told)
    text.end()


def _lines(text: JsonText) -> Iterator[None]:
    """Step through values that follow each other."""
    while text.kind():
        yield


def _fields(text: JsonText, before: str = "") -> Iterator[tuple[str, str]]:
    """The fields that are read, of an object and of those in it."""
    for key in text.members():
        if key in _PARTS and text.kind() == "{":
            yield from _fields(text, _PARTS[key])
        elif (named := f"{before}{key}") in _READ and text.kind() not in ("{", "["):
            yield named, plain_text(text.value())
        else:
            text.skip()


def _report(number: int, told: Mapping[str, str]) -> ReportLine | Rejected | WithoutUrl:
    kind = (told.get("type") or told.get("ReportType") or "").strip().lower()
    url = told.get("url") or told.get("Source.URL") or told.get("Source.Value") or ""
    if "://" not in url:
        return WithoutUrl(line=number)
    org = told.get("reporter.org") or told.get("reporter.ReporterOrg") or ""
    return checked_report(
        number,
        {
            "url": url,
            "reported_at": told.get("timestamp") or told.get("Date") or "",
            "source": as_plain_word(org) if org else "",
            "category": ABUSE_MATERIAL if kind in _STRICT else as_plain_word(kind) if kind else "",
        },
    )
