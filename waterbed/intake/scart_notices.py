"""The log of notices that SCART sent, as its export `ntd` writes it."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, tzinfo
from functools import partial
from typing import Final

from waterbed.intake.csv_notices import NoticeLine
from waterbed.intake.csv_table import BadCell, Cells, Columns, Rejected, read_lines, time_in, word_in
from waterbed.intake.scart import OBSERVER, in_zone
from waterbed.model.redaction import names_something
from waterbed.model.urls import spell

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
        spelled=spell(cells["url"]),
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
