"""SCART's files: its import, its exports, its history, and the log of its notices."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import partial
from ipaddress import ip_address
from itertools import chain
from typing import Final

from waterbed.intake.csv_notices import NoticeLine
from waterbed.intake.csv_reports import ReportLine, Witnessed, report
from waterbed.intake.csv_table import BadCell, Cells, Columns, Rejected, as_plain_word, read_lines, time_in, word_in
from waterbed.model.redaction import names_something
from waterbed.model.urls import canonicalize

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


Keyed = Callable[[str], str]
"""The keyed id of a text."""

LOG: Final = Columns(
    names={
        "url": ("url",),
        "NTD filenumber": ("ntd filenumber",),
        "NTD type": ("ntd type",),
        "NTD status": ("ntd status",),
        "NTD status time": ("ntd status time",),
        "abuse owner": ("abuse owner",),
        "abuse type": ("abuse type",),
    },
    needed=(("url",), ("NTD status time",), ("abuse owner",), ("NTD status",)),
    page="docs/notices.md",
    delimiter=";",
    escape="\\",
    short=True,
)

_CHANNELS: Final = {"email": "mail"}
_SENT: Final = {"sent_succes": "mail", "sent_api_succes": "api", "sent_failed": "mail", "sent_api_failed": "api"}
"""States of a notice that was sent, or tried, and by what."""

_UNSENT: Final = ("init", "grouping", "queued", "queue_directly", "queue_directly_police", "close")
_ROLES: Final = {"": "", "hoster": "", "unknown": "", "registrar": "-registrar", "site_owner": "-site-owner"}
"""What stands behind `scart` in the recipient, by what SCART took it for."""

_LONGEST: Final = 64


def parse_scart_notices(
    lines: Iterable[str], name: str, keyed: Keyed, zone: tzinfo = UTC
) -> Iterator[NoticeLine | Rejected]:
    """Read notices from SCART's log line by line; `zone` is that of its times, `keyed` hides what may not be kept."""
    yield from read_lines(lines, name, LOG, partial(_notice, keyed, zone))


def _notice(keyed: Keyed, zone: tzinfo, number: int, raw: Cells) -> NoticeLine:
    cells = in_zone(raw, ("NTD status time",), zone)
    status, sent = cells["NTD status"].lower(), time_in("NTD status time", cells)
    if status not in _SENT:
        raise BadCell(_why_not(status))
    if sent is None:
        raise BadCell("NTD status time is empty: nobody can say when the notice was sent")
    channel = word_in("NTD type", cells) or _SENT[status]
    return NoticeLine(
        line=number,
        spelled=canonicalize(cells["url"]),
        url_id=None,
        recipient=_recipient(cells, keyed),
        kind="ntd",
        sender=None,
        batch=word_in("NTD filenumber", cells),
        channel=_CHANNELS.get(channel.lower(), channel),
        reminder=False,
        sent_at=sent,
        delivered_at=sent if status == "sent_api_succes" else None,
        bounced=status.endswith("_failed"),
        acknowledged_at=None,
        response=None,
        held_for_police=False,
    )


def _why_not(status: str) -> str:
    if status in _UNSENT:
        return f"NTD status is {status}: it was not sent"
    return f"NTD status is none of {', '.join((*_SENT, *_UNSENT))}"


def _recipient(cells: Cells, keyed: Keyed) -> str:
    """The owner of the contact as the log names it, spelled like a registrant.

    It is kept in the clear and can be a member of a hoster in the book. What names a host or a mailbox, and what has
    no letter that a handle can have, is kept as a keyed id.
    """
    role, owner = cells.get("abuse type", "").lower(), cells["abuse owner"]
    if role == "police":
        raise BadCell("it went to the police: no notice to whom can remove it")
    if role not in _ROLES:
        raise BadCell(f"abuse type is none of {', '.join(filter(None, (*_ROLES, 'police')))}")
    if not owner or owner.lower() == "unknown":
        raise BadCell("abuse owner is unknown: nobody can say who was told")
    plain = unicodedata.normalize("NFKD", owner).encode("ascii", "ignore").decode().upper()
    handle = re.sub(r"[^A-Z0-9]+", "-", plain)[:_LONGEST].strip("-")
    if not handle or names_something(owner) or "@" in owner:
        handle = keyed(owner.casefold()).upper()
    return f"{OBSERVER}{_ROLES[role]}:{handle}"
