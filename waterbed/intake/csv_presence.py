"""Presence lists of a feed: when each entry came, was last listed and first missing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Annotated, Final

from waterbed.intake.csv_files import BadCell, Cells, Columns, Rejected, read_lines, time_in
from waterbed.intake.opened import opened_lines

PAGE: Final = "docs/ranking.md"
_HEADER: Final = Columns(
    names={"entered": ("entered",), "last_listed": ("last_listed",), "first_missing": ("first_missing",)},
    needed=(("entered",), ("last_listed",)),
    page=PAGE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Ages between which one entry left a feed."""

    left_days: Annotated[float, "age when it was last listed, days"]
    right_days: Annotated[float, "age when it was first missing, days; inf: still listed"]


def read_presence(path: Path) -> Iterator[Presence | Rejected]:
    """The entries of a presence list, and its bad lines; InputError if it cannot be read."""
    return parse_presence(opened_lines(path, "a presence list"), str(path))


def parse_presence(lines: Iterable[str], name: str) -> Iterator[Presence | Rejected]:
    """The same from lines; `name` is what errors call the file."""
    return read_lines(lines, name, _HEADER, _entry)


def _entry(_: int, cells: Cells) -> Presence:
    entered, last = time_in("entered", cells), time_in("last_listed", cells)
    missing = time_in("first_missing", cells)
    if entered is None or last is None:
        raise BadCell("entered and last_listed are needed")
    left = max(0.0, (last - entered) / timedelta(days=1))
    right = inf if missing is None else (missing - entered) / timedelta(days=1)
    if right <= left:
        raise BadCell("first_missing is not after last_listed and entered")
    return Presence(left_days=left, right_days=right)
