"""Tables of names and their addresses, counted by origin AS.

Passive DNS or a crawl: rrname, addresses, first, last. No name is kept.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from itertools import islice
from pathlib import Path
from typing import Final, NoReturn

import numpy as np

from waterbed.attribution.lookups.tables.contents import first_lines, lines_of, opened
from waterbed.model.addresses import canonical_address
from waterbed.model.errors import InputError
from waterbed.model.urls import registrable_domain
from waterbed.model.window import iso_time

Triples = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]
Origins = Callable[[Sequence[str]], list[tuple[int, ...]]]
"""Origin ASes of each address of a column, as of the table's day."""

COLUMNS: Final = ("rrname", "addresses", "first", "last")
_SEE: Final = "docs/sizes.md, Domains"
_BATCH: Final = 50_000
_MOST_ADDRESSES: Final = 64
"""Addresses of one row that count."""


def is_seen_names(path: Path) -> bool:
    """True if a file has such a table's header."""
    front, _ = opened(path)
    sample = first_lines(front)
    return bool(sample) and tuple(cell.strip().lower() for cell in next(csv.reader(sample[:1]), [])) == COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDomains:
    """The registered domains of one AS, and their density."""

    domains: int
    addresses: int
    """Addresses with a domain or more."""
    per_address: float
    """Median of the domains at one of these."""


def domains_by_as(path: Path, day: date, origins_of: Origins) -> dict[str, SeenDomains]:
    """Distinct registered domains of each origin AS on a day.

    Rows of which the day lies from `first` to `last` count, each with all of its addresses, which spaces part. A bad
    row is an InputError that tells its number and never its text. Memory is 24 bytes for each domain, address and AS.
    """
    _, pieces = opened(path)
    lines = (line for line in lines_of(pieces, path) if line.strip() and not line.startswith("#"))
    rows = _rows(path, lines, day)
    parts: list[Triples] = []
    while batch := list(islice(rows, _BATCH)):
        pairs = [(registrable_domain(name), address) for name, addresses in batch for address in addresses]
        origins = origins_of([address for _, address in pairs])
        triples = [
            (asn, _number(address), _number(domain))
            for (domain, address), ases in zip(pairs, origins, strict=True)
            for asn in ases
        ]
        parts.append(np.unique(np.array(triples, np.uint64).reshape(-1, 3), axis=0))
    if not parts:
        raise InputError(f"{path} has no row that holds on {day} ({_SEE})")
    distinct = np.unique(np.concatenate(parts), axis=0)
    if not len(distinct):
        raise InputError(
            f"{path} has no address that is routed on {day}: one in the table of routes was expected ({_SEE})"
        )
    return _counted(distinct)


def _counted(distinct: Triples) -> dict[str, SeenDomains]:
    """Count rows of AS, address and domain."""
    ases, domains = np.unique(np.unique(distinct[:, [0, 2]], axis=0)[:, 0], return_counts=True)
    places, at_each = np.unique(distinct[:, :2], axis=0, return_counts=True)
    counts = np.split(at_each, np.searchsorted(places[:, 0], ases)[1:])
    return {
        f"AS{asn}": SeenDomains(
            domains=count, addresses=len(address_counts), per_address=float(np.median(address_counts))
        )
        for asn, count, address_counts in zip(ases.tolist(), domains.tolist(), counts, strict=True)
    }


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _rows(path: Path, lines: Iterator[str], day: date) -> Iterator[tuple[str, tuple[str, ...]]]:
    try:
        for number, row in enumerate(csv.reader(lines, strict=True)):
            if not number:
                continue
            if len(row) != len(COLUMNS):
                _bad(path, number, f"has not the columns {', '.join(COLUMNS)}")
            name, addresses = row[0].strip().rstrip(".").lower(), tuple(row[1].split())
            if not name or len(name) > 253 or not addresses or None in map(canonical_address, addresses):
                _bad(path, number, "needs a name and its IP addresses")
            if _day(path, number, row[2]) <= day <= _day(path, number, row[3]):
                yield name, addresses[:_MOST_ADDRESSES]
    except csv.Error:
        raise InputError(f"{path} is not a readable CSV file ({_SEE})") from None


def _day(path: Path, number: int, text: str) -> date:
    try:
        moment = iso_time(text.strip())
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        _bad(path, number, "needs first and last as ISO dates or times")


def _bad(path: Path, number: int, problem: str) -> NoReturn:
    raise InputError(f"{path}: row {number} {problem} ({_SEE})")
