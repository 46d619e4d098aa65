"""A feed's presence list, and the sizes of its deliveries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

from waterbed.intake.csv_table import BadCell, Cells, Columns, Rejected, read_lines, time_in
from waterbed.store.bounded.limits import MOST_PRESENCES
from waterbed.store.bounded.text import open_entries

PAGE: Final = "docs/ranking.md"
_ENTRIES: Final = Columns(
    names={name: (name,) for name in ("entered", "first_listed", "last_listed", "first_missing")},
    needed=(("entered",), ("last_listed",)),
    page=PAGE,
)
_DELIVERIES: Final = Columns(
    names={"received": ("received", "received_at", "date"), "entries": ("entries", "reports", "rows")},
    needed=(("received", "received_at", "date"), ("entries", "reports", "rows")),
    page=PAGE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """One entry of a feed, and when it was listed."""

    entered: Annotated[datetime, "when the feed says it came"]
    first_listed: Annotated[datetime | None, "since when it could be seen to leave; null: since it came"]
    last_listed: Annotated[datetime, "the last delivery that held it"]
    first_missing: Annotated[datetime | None, "the first one after that; null: still listed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One delivery of a feed."""

    received: Annotated[datetime, "when it was received"]
    entries: Annotated[int, "entries in it"]


def read_presence(path: Path) -> Iterator[Presence | Rejected]:
    """Read the entries and rejected lines of a presence list.

    InputError if the file cannot be read.
    """
    return parse_presence(open_entries(path, "a presence list", PAGE, MOST_PRESENCES), str(path))


def parse_presence(lines: Iterable[str], name: str) -> Iterator[Presence | Rejected]:
    """Read the same from lines; errors call them `name`."""
    return read_lines(lines, name, _ENTRIES, _entry)


def read_deliveries(path: Path) -> Iterator[Delivered | Rejected]:
    """Read the deliveries of a feed, and rejected lines.

    InputError if the file cannot be read.
    """
    return parse_deliveries(open_entries(path, "a list of deliveries", PAGE, MOST_PRESENCES), str(path))


def parse_deliveries(lines: Iterable[str], name: str) -> Iterator[Delivered | Rejected]:
    """Read the same from lines; errors call them `name`."""
    return read_lines(lines, name, _DELIVERIES, _delivery)


def _entry(_: int, cells: Cells) -> Presence:
    entered, last = time_in("entered", cells), time_in("last_listed", cells)
    if entered is None or last is None:
        raise BadCell("entered and last_listed are needed")
    presence = Presence(
        entered=entered,
        first_listed=time_in("first_listed", cells),
        last_listed=last,
        first_missing=time_in("first_missing", cells),
    )
    if presence.first_missing and presence.first_missing <= max(entered, last):
        raise BadCell("first_missing is not after last_listed and entered")
    if presence.first_listed and presence.first_listed > last:
        raise BadCell("first_listed is after last_listed")
    return presence


def _delivery(_: int, cells: Cells) -> Delivered:
    received, entries = time_in("received", cells), cells["entries"]
    if received is None or not (entries.isascii() and entries.isdigit() and len(entries) < 16):
        raise BadCell("a time and a number of entries are needed")
    return Delivered(received=received, entries=int(entries))
