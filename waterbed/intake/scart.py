"""SCART's files: its import, its exports, its history, and the log of its notices."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import partial
from ipaddress import ip_address
from itertools import chain
from typing import Final

from waterbed.intake.csv_reports import ReportLine, Witnessed, report
from waterbed.intake.csv_table import BadCell, Cells, Columns, Rejected, as_plain_word, read_lines, time_in, word_in

OBSERVER: Final = "scart"
PAGE: Final = "docs/intake.md"
TIMES: Final = ("received", "first_seen", "last_seen", "since")
"""Fields that hold a time; SCART writes them without a zone."""

EXPORT: Final = Columns(
    names={
        "url": ("url",),
        "received": ("received", "received_at", "received time"),
        "first_seen": ("first seen", "firstseen_at", "firstseen"),
        "last_seen": ("last seen", "lastseen_at", "lastseen"),
        "grade": ("classification", "grade_code"),
        "status": ("status", "status_code"),
        "site_type": ("type", "type_code"),
        "reference": ("filenumber",),
        "address": ("ip", "url_ip"),
        "looks": ("online counter", "online_counter"),
        "told": ("abuse type",),
        "tag": ("tag",),
        "new": ("new",),
        "since": ("timestamp", "updated_at", "created_at"),
    },
    needed=(("url",),),
    page=PAGE,
    delimiter=";",
    escape="\\",
    short=True,
)
"""Semicolons, a header, a semicolon at the end of each line, quotes behind a backslash."""

INPUT: Final = Columns(
    names={"url": ("url",), "site_type": ("type",)},
    needed=(("url",),),
    page=PAGE,
    delimiter=";",
    header=("url", "referer", "workuser", "reference", "source", "type"),
    short=True,
)
"""An address and up to five fields, no header."""

_ASSESSED: Final = {"illegal": "yes", "not_illegal": "no"}
_GONE: Final = ("close_offline", "close_offline_manual")
_UNCHECKED: Final = re.compile(r"first_police\w*|\w+_manual")
"""States in which SCART moves `last seen` on without looking: the case waits for the police, or is checked by hand."""


def parse_scart(lines: Iterable[str], name: str, zone: tzinfo = UTC) -> Iterator[ReportLine | Rejected]:
    """Reports from any of SCART's files, with what SCART itself saw; `zone` is that of its times.

    A file whose first line has an address in its first field is one for SCART's import: it has no header.
    """
    rest, head = iter(lines), []
    for text in rest:
        head.append(text)
        if text.strip() and not text.startswith("#"):
            break
    if head and "://" in head[-1].partition(";")[0]:
        yield from parse_scart_input(chain(head, rest), name)
    else:
        yield from read_lines(chain(head, rest), name, EXPORT, partial(_exported, zone))


def parse_scart_input(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Reports from a file made for SCART's import."""
    yield from read_lines(lines, name, INPUT, report)


def in_zone(cells: Cells, fields: Iterable[str], zone: tzinfo) -> dict[str, str]:
    """The cells with each time that names no zone taken to be in one; what is no time stays as it is."""
    return {**cells, **{field: _zoned(cells[field], zone) for field in fields if cells.get(field)}}


def _zoned(text: str, zone: tzinfo) -> str:
    try:
        read = datetime.fromisoformat(text)
        return text if read.tzinfo else read.replace(tzinfo=zone).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text  # refused where it is read


def _exported(zone: tzinfo, number: int, raw: Cells) -> ReportLine:
    """`illegal` and `not_illegal` are an analyst's word; what is not classified yet is unknown."""
    cells = in_zone(raw, TIMES, zone)
    seen = _witnessed(cells)
    when = cells.get("received") or cells.get("first_seen") or cells.get("since", "")
    found = {
        "url": cells["url"],
        "site_type": cells.get("site_type", ""),
        "assessed_illegal": _ASSESSED.get(cells.get("grade", ""), ""),
        "reported_at": when,
        "verified_at": seen.last_seen.isoformat() if seen.last_seen else "",
    }
    return report(number, found, witnessed=seen, retold="received" not in cells)


def _witnessed(cells: Cells) -> Witnessed:
    """What SCART says it saw of the line's URL."""
    state = {**cells, **_changed(cells)}
    status = word_in("status", state)
    first, last, since = (time_in(field, state) for field in ("first_seen", "last_seen", "since"))
    if first and last and last < first:
        raise BadCell("last seen is before first seen")
    looks = state.get("looks", "")
    return Witnessed(
        observer=OBSERVER,
        reference=as_plain_word(state["reference"]) if state.get("reference") else None,
        first_seen=first,
        last_seen=None if _UNCHECKED.fullmatch(status or "") or state.get("told") == "police" else last,
        status=status,
        gone=status in _GONE,
        since=since if "tag" in cells else None,
        address=_address(state.get("address", "")),
        looks=int(looks) if looks.isascii() and looks.isdigit() and len(looks) < 10 else None,
    )


def _changed(cells: Cells) -> dict[str, str]:
    """What a line of the history changed: the state or the address."""
    if "tag" not in cells:
        return {}
    field = {"STATUS": "status", "IP": "address"}.get(cells["tag"].upper())
    if field is None:
        raise BadCell("tag is neither STATUS nor IP: nothing of it is kept")
    if not cells.get("since"):
        raise BadCell("timestamp is empty: nobody can say when it changed")
    return {"status": "", "address": "", field: cells.get("new", "")}


def _address(text: str) -> str | None:
    """An IP address; where its name was not known SCART writes something else."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None
