"""SCART's files: import, exports, history and log of notices."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, tzinfo
from functools import partial
from itertools import chain
from typing import Final

from waterbed.intake.csv_notices import NoticeLine
from waterbed.intake.csv_reports import ReportLine, Sighting, report
from waterbed.intake.csv_table import (
    UNQUOTED,
    BadCell,
    Cells,
    Columns,
    Rejected,
    as_plain_word,
    in_zone,
    read_lines,
    time_in,
    word_in,
)
from waterbed.model.addresses import canonical_address
from waterbed.model.redaction import names_something
from waterbed.model.urls import canonicalize

OBSERVER: Final = "scart"
PAGE: Final = "docs/intake.md"
TIMES: Final = ("received", "first_seen", "last_seen", "since")
"""Fields with a time; SCART writes them without a zone."""

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
        "recipient": ("abuse type",),
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
"""Columns of an export.

Fields are separated by semicolons, with a header, a semicolon at the end of each line and backslashes before quotes.
"""

INPUT: Final = Columns(
    names={"url": ("url",), "referer": ("referer",), "site_type": ("type",)},
    needed=(("url",),),
    page=PAGE,
    delimiter=";",
    header=("url", "referer", "workuser", "reference", "source", "type"),
    short=True,
)
"""A URL and five optional fields, without a header."""

_ASSESSED: Final = {"illegal": "yes", "not_illegal": "no"}
_GONE: Final = ("close_offline", "close_offline_manual")
_UNCHECKED: Final = re.compile(r"first_police\w*|\w+_manual")
"""States in which SCART updates `last seen` without a check: it waits for the police or for a manual check."""


def parse_scart(lines: Iterable[str], name: str, zone: tzinfo = UTC) -> Iterator[ReportLine | Rejected]:
    """Read reports and SCART's own sightings from its files.

    `zone` is the time zone of SCART's times. A file with a URL in the first field of the first line is one for SCART's
    import, which has no header.
    """
    rest, head = iter(lines), []
    for text in rest:
        head.append(text)
        if text.strip() and not text.startswith("#"):
            break
    if head and "://" in head[-1].partition(";")[0]:
        yield from parse_scart_input(chain(head, rest), name)
    else:
        yield from read_lines(chain(head, rest), name, EXPORT, partial(_export_report, zone))


def parse_scart_input(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Read reports from a file made for SCART's import."""
    yield from read_lines(lines, name, INPUT, _input_report)


def _input_report(number: int, cells: Cells) -> ReportLine:
    """A report; BadCell if the second cell may be the rest of a URL, as in `http://a.example.com/x;jsessionid=1`."""
    if cells["referer"] and not names_something(cells["referer"]):
        raise BadCell(f"referer must be an address: {UNQUOTED}")
    return report(number, cells)


def _export_report(zone: tzinfo, number: int, raw: Cells) -> ReportLine:
    """`illegal` and `not_illegal` are an analyst's assessment; unclassified content is unknown."""
    cells = in_zone(raw, TIMES, zone)
    seen = _sighting_in(cells)
    when = cells.get("received") or cells.get("first_seen") or cells.get("since", "")
    fields = {
        "url": cells["url"],
        "site_type": cells.get("site_type", ""),
        "assessed_illegal": _ASSESSED.get(cells.get("grade", ""), ""),
        "reported_at": when,
        "verified_at": seen.last_seen.isoformat() if seen.last_seen else "",
    }
    return report(number, fields, sighting=seen, supplement="received" not in cells)


def _sighting_in(cells: Cells) -> Sighting:
    """SCART's own sighting of the line's URL."""
    state = {**cells, **_changed(cells)}
    status = word_in("status", state)
    first, last, since = (time_in(field, state) for field in ("first_seen", "last_seen", "since"))
    if first and last and last < first:
        raise BadCell("last seen is before first seen")
    looks = state.get("looks", "")
    return Sighting(
        observer=OBSERVER,
        reference=as_plain_word(state["reference"]) if state.get("reference") else None,
        first_seen=first,
        last_seen=None if _UNCHECKED.fullmatch(status or "") or state.get("recipient") == "police" else last,
        status=status,
        gone=status in _GONE,
        since=since if "tag" in cells else None,
        address=canonical_address(state.get("address", "")),  # other text stands where the name did not resolve
        looks=int(looks) if looks.isascii() and looks.isdigit() and len(looks) < 10 else None,
    )


def _changed(cells: Cells) -> dict[str, str]:
    """The change in a line of the history: the state or the address."""
    if "tag" not in cells:
        return {}
    field = {"STATUS": "status", "IP": "address"}.get(cells["tag"].upper())
    if field is None:
        raise BadCell("tag must be STATUS or IP")
    if not cells.get("since"):
        raise BadCell("timestamp is empty: the time of the change is needed")
    return {"status": "", "address": "", field: cells.get("new", "")}


Keyed = Callable[[str], str]
"""Gives the keyed id of a text."""

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
"""States of a sent or attempted notice, with the channel."""

_UNSENT: Final = ("init", "grouping", "queued", "queue_directly", "queue_directly_police", "close")
_ROLES: Final = {"": "", "hoster": "", "unknown": "", "registrar": "-registrar", "site_owner": "-site-owner"}
"""Suffix of `scart` in the recipient, by the role that SCART assigned."""

_LONGEST: Final = 64


def parse_scart_notices(
    lines: Iterable[str], name: str, keyed: Keyed, zone: tzinfo = UTC
) -> Iterator[NoticeLine | Rejected]:
    """Read notices and rejected lines from SCART's log.

    `zone` is the time zone of its times. `keyed` gives ids in place of text that must not be stored.
    """
    yield from read_lines(lines, name, LOG, partial(_notice, keyed, zone))


def _notice(keyed: Keyed, zone: tzinfo, number: int, raw: Cells) -> NoticeLine:
    cells = in_zone(raw, ("NTD status time",), zone)
    status, sent = cells["NTD status"].lower(), time_in("NTD status time", cells)
    if status not in _SENT:
        raise BadCell(_unsent_reason(status))
    if sent is None:
        raise BadCell("NTD status time is empty: the time of sending is needed")
    channel = word_in("NTD type", cells) or _SENT[status]
    return NoticeLine(
        line=number,
        canonical=canonicalize(cells["url"]),
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


def _unsent_reason(status: str) -> str:
    if status in _UNSENT:
        return f"NTD status is {status}: it was not sent"
    return f"NTD status must be one of {', '.join((*_SENT, *_UNSENT))}"


def _recipient(cells: Cells, keyed: Keyed) -> str:
    """The owner of the contact in the log, written like a registrant.

    It is stored in the clear and can be a member of a hoster in the book. An owner that names a host or a mailbox, or
    that has none of the characters of a handle, is stored as a keyed id.
    """
    role, owner = cells.get("abuse type", "").lower(), cells["abuse owner"]
    if role == "police":
        raise BadCell("it was sent to the police, who cannot remove the content")
    if role not in _ROLES:
        raise BadCell(f"abuse type must be one of {', '.join(filter(None, (*_ROLES, 'police')))}")
    if not owner or owner.lower() == "unknown":
        raise BadCell("abuse owner is unknown: the recipient is needed")
    plain = unicodedata.normalize("NFKD", owner).encode("ascii", "ignore").decode().upper()
    handle = re.sub(r"[^A-Z0-9]+", "-", plain)[:_LONGEST].strip("-")
    if not handle or names_something(owner) or "@" in owner:
        handle = keyed(owner.casefold()).upper()
    return f"{OBSERVER}{_ROLES[role]}:{handle}"
