"""Notices from CSV files, one notice a line."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cache, partial
from pathlib import Path
from typing import cast, get_args

from waterbed.intake.csv_table import (
    BadCell,
    Cells,
    Columns,
    Rejected,
    read_lines,
    time_in,
    truth_in,
    with_iso_dates,
    word_in,
)
from waterbed.model.errors import InputError
from waterbed.model.facts import Notice, NoticeKind
from waterbed.model.redaction import meant, names_something
from waterbed.model.urls import CanonicalUrl, canonicalize
from waterbed.store.bounded.text import open_lines

COLUMNS: dict[str, tuple[str, ...]] = {
    "url": ("url", "uri", "reported_url"),
    "url_id": ("url_id",),
    "recipient": ("recipient", "to", "hoster"),
    "kind": ("kind",),
    "sender": ("sender", "from"),
    "batch": ("batch",),
    "channel": ("channel",),
    "reminder": ("reminder",),
    "sent_at": ("sent_at", "sent", "date"),
    "delivered_at": ("delivered_at", "delivered"),
    "bounced": ("bounced",),
    "acknowledged_at": ("acknowledged_at", "acknowledged"),
    "response": ("response",),
    "held_for_police": ("held_for_police",),
    "due_at": ("due_at", "due", "deadline"),
    "notice_id": ("notice_id",),
    "withdrawn": ("withdrawn",),
}
"""Accepted header names of each field, in lower case."""

_HEADER = Columns(
    names=COLUMNS,
    needed=(("url", "url_id"), ("recipient",), ("sent_at",)),
    alone="notice_id",
    headed=True,
    page="docs/notices.md",
)
_TIMES = ("sent_at", "delivered_at", "acknowledged_at", "due_at")
Keys = Callable[[], Collection[str]]
"""Gives the keys of hosters, one of which may be meant."""
_MOST_ASKED = 1_000
"""Last line for whose recipient a like key is looked for, which takes a while."""
_UPDATED_TIMES = ("sent_at", "delivered_at", "acknowledged_at")
_ID = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_AS = re.compile(r"as([1-9]\d{0,9})", re.IGNORECASE)
_HOLDER = re.compile(r"([a-z][a-z0-9-]{0,31}):([a-z0-9](?:[a-z0-9._/-]{0,62}[a-z0-9])?)", re.IGNORECASE)
_LONGEST_KEY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeLine:
    """One valid line. Secret: repr gives only its number."""

    line: int
    canonical: CanonicalUrl | None
    """The URL; None if the line has only its id."""
    url_id: str | None
    recipient: str
    kind: NoticeKind | None
    sender: str | None
    batch: str | None
    channel: str | None
    reminder: bool
    sent_at: datetime
    delivered_at: datetime | None
    bounced: bool
    acknowledged_at: datetime | None
    response: str | None
    held_for_police: bool
    due_at: datetime | None = None

    def __repr__(self) -> str:
        """Give only the line number."""
        return f"<NoticeLine {self.line}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeUpdate:
    """One valid line that tells more of a known notice.

    What is None stays as it was. Secret: repr leaves out the URL.
    """

    line: int
    notice_id: str
    canonical: CanonicalUrl | None = field(default=None, repr=False)
    """The URL; None if the line has none."""
    url_id: str | None = None
    """None also if it is no id."""
    recipient: str | None = None
    """In canonical form; None also if nobody can read it."""
    kind: NoticeKind | None = None
    """None also if there is no such kind."""
    sent_at: datetime | None
    reminder: bool
    delivered_at: datetime | None
    bounced: bool | None
    acknowledged_at: datetime | None
    response: str | None
    held_for_police: bool | None
    withdrawn: bool | None


NoticeLines = Iterator[NoticeLine | NoticeUpdate | Rejected]


def read_csv_notices(
    path: Path, dates: str | None = None, keys: Keys = tuple, zone: tzinfo | None = None
) -> NoticeLines:
    """Read notices and rejected lines from a CSV file.

    InputError if the file is not CSV with the needed columns.
    """
    yield from parse_csv_notices(open_lines(path, "a file of notices"), str(path), dates, keys, zone)


def parse_csv_notices(
    lines: Iterable[str], name: str, dates: str | None = None, keys: Keys = tuple, zone: tzinfo | None = None
) -> NoticeLines:
    """Read the same from lines; errors call them `name`.

    `dates` is the order of dates that end with the year, and `zone` that of times that name none; None: UTC.
    """
    dated = partial(with_iso_dates, order=dates, zone=zone)
    yield from read_lines(lines, name, _HEADER, partial(_line, dated, cache(keys)))


def kind_of(text: str) -> NoticeKind | None:
    """Return the kind of notice for a word, or None.

    Case is ignored, and spaces and hyphens count as underscores.
    """
    word = re.sub(r"[\s-]+", "_", text.strip().lower())
    return cast(NoticeKind, word) if word in get_args(NoticeKind) else None


def known_kind(text: str) -> NoticeKind:
    """Return the same for a command-line word; InputError if unknown."""
    kind = kind_of(text)
    if kind is None:
        raise InputError(f"--kind must be one of {', '.join(get_args(NoticeKind))} (docs/notices.md)")
    return kind


def _line(
    dated: Callable[[Cells, Sequence[str]], Cells], keys: Keys, number: int, cells: Cells
) -> NoticeLine | NoticeUpdate:
    if cells.get("notice_id"):
        return _update(number, dated(cells, _UPDATED_TIMES))
    return _notice(number, dated(cells, _TIMES), keys)


def _update(number: int, cells: Cells) -> NoticeUpdate:
    """An update; most columns in which the table of overdue content describes the notice need not be readable."""
    if cells.get("acknowledged_at", "").lower() in ("no", "false"):
        cells = {**cells, "acknowledged_at": ""}
    url_id = cells.get("url_id", "").lower()
    return NoticeUpdate(
        line=number,
        notice_id=cells["notice_id"].lower(),
        canonical=canonicalize(cells["url"]) if cells.get("url") else None,
        url_id=url_id if _ID.fullmatch(url_id) else None,
        recipient=_canonical_recipient(cells.get("recipient", "")),
        kind=kind_of(cells.get("kind", "")),
        sent_at=time_in("sent_at", cells),
        reminder=bool(truth_in("reminder", cells)),
        delivered_at=time_in("delivered_at", cells),
        bounced=truth_in("bounced", cells),
        acknowledged_at=time_in("acknowledged_at", cells),
        response=word_in("response", cells),
        held_for_police=truth_in("held_for_police", cells),
        withdrawn=truth_in("withdrawn", cells),
    )


def _notice(number: int, cells: Cells, keys: Keys) -> NoticeLine:
    sent = time_in("sent_at", cells)
    if sent is None:
        raise BadCell("sent_at is empty: the time of sending is needed")
    line = NoticeLine(
        line=number,
        canonical=canonicalize(cells["url"]) if cells.get("url") else None,
        url_id=_url_id(cells),
        recipient=_recipient(cells, keys if number <= _MOST_ASKED else tuple),
        kind=_kind(cells),
        sender=word_in("sender", cells),
        batch=word_in("batch", cells),
        channel=word_in("channel", cells),
        reminder=bool(truth_in("reminder", cells)),
        sent_at=sent,
        delivered_at=time_in("delivered_at", cells),
        bounced=bool(truth_in("bounced", cells)),
        acknowledged_at=time_in("acknowledged_at", cells),
        response=word_in("response", cells),
        held_for_police=bool(truth_in("held_for_police", cells)),
        due_at=time_in("due_at", cells),
    )
    if cells.get("withdrawn"):
        raise BadCell(
            "withdrawn needs the notice_id of the notice; waterbed compliance --table notices --format csv lists them"
        )
    if line.canonical is None and line.url_id is None:
        raise BadCell("url and url_id are empty: one of them is needed")
    refuse_contradiction(line)
    return line


def refuse_contradiction(line: NoticeLine | Notice) -> None:
    """Refuse a notice whose fields cannot all be true."""
    if line.delivered_at and line.delivered_at < line.sent_at:
        raise BadCell("delivered_at is before sent_at")
    if line.acknowledged_at and line.acknowledged_at < (line.delivered_at or line.sent_at):
        raise BadCell(f"acknowledged_at is before {'delivered_at' if line.delivered_at else 'sent_at'}")
    if line.due_at and line.due_at <= line.sent_at:
        raise BadCell("due_at is not after sent_at")
    if line.bounced and (line.delivered_at or line.acknowledged_at):
        raise BadCell(f"bounced, but has a {'delivered_at' if line.delivered_at else 'acknowledged_at'}")


def _url_id(cells: Cells) -> str | None:
    text = cells.get("url_id", "").lower()
    if text and not _ID.fullmatch(text):
        raise BadCell("url_id must be 32 hexadecimal digits")
    return text or None


def _kind(cells: Cells) -> NoticeKind | None:
    text = cells.get("kind")
    if not text:
        return None
    kind = kind_of(text)
    if kind is None:
        raise BadCell(f"kind must be one of {', '.join(get_args(NoticeKind))}")
    return kind


def _recipient(cells: Cells, keys: Keys) -> str:
    """The recipient in canonical form. It is stored in the clear, so mailboxes and host names are refused."""
    text = cells.get("recipient", "")
    if found := _canonical_recipient(text):
        return found
    alike = meant(text, keys()) if len(text) <= _LONGEST_KEY else ""
    raise BadCell(
        f"recipient must be a hoster's key, AS64500 or registry:HANDLE{alike}; waterbed hosters show lists the keys"
    )


def _canonical_recipient(text: str) -> str | None:
    """A recipient in canonical form; None for what is neither a key, nor an AS, nor a registry's handle."""
    if match := _AS.fullmatch(text):
        return f"AS{match[1]}"
    if (match := _HOLDER.fullmatch(text)) and not names_something(text):
        return f"{match[1].lower()}:{match[2].upper()}"
    return text.lower() if len(text) <= _LONGEST_KEY and _KEY.fullmatch(text.lower()) else None
