"""Registries' delegated files: countries of addresses and ASes."""

import re
from array import array
from collections import Counter
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from pathlib import Path
from typing import NamedTuple

import numpy as np

from waterbed.attribution.lookups.tables.contents import MAX_AS, SEE, FileRows, bad_row, country_code, country_number
from waterbed.attribution.lookups.tables.ranges import Rows
from waterbed.model.errors import InputError
from waterbed.store.bounded.limits import MOST_ASES

_VERSION = re.compile(r"2(?:\.\d)?\|([a-z]{2,12})\|\d*\|\d+\|\d*\|\d*\|[+-]?\d*\s*")
_KINDS = ("asn", "ipv4", "ipv6")
_GIVEN_OUT = ("allocated", "assigned")


class _Range(NamedTuple):
    first: int
    last: int
    number: int


class _Ranges:
    """Ranges of one type, five numbers each."""

    def __init__(self) -> None:
        self._columns = [array("Q") for _ in range(5)]

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(self, one: _Range) -> None:
        low = 0xFFFF_FFFF_FFFF_FFFF
        cells = one.first >> 64, one.first & low, one.last >> 64, one.last & low, one.number
        for column, cell in zip(self._columns, cells, strict=True):
            column.append(cell)

    def rows(self) -> Rows:
        columns = [np.frombuffer(column, np.uint64) for column in self._columns]
        return Rows(
            first_high=columns[0], first_low=columns[1], last_high=columns[2], last_low=columns[3], number=columns[4]
        )


def is_delegated(line: str) -> bool:
    """True if a line is a delegated file's version line."""
    return _VERSION.fullmatch(line) is not None


def read_delegated(lines: Iterable[str], path: Path) -> FileRows:
    """The countries in a delegated or delegated-extended file.

    Kept are rows with status allocated or assigned. Raises InputError if the rows of one type are not as many as the
    summary says: such a file breaks off.
    """
    content_lines = (line for line in lines if line.strip() and not line.startswith("#"))
    version = _VERSION.fullmatch(next(content_lines, ""))
    promised: dict[str, int] = {}
    counts: Counter[str] = Counter()
    ranges = {kind: _Ranges() for kind in _KINDS}
    for row, line in enumerate(content_lines, 1):
        cells = line.split("|")
        if len(cells) == 6 and cells[5].strip() == "summary":
            if cells[2] not in _KINDS or not _is_number(cells[4]):
                bad_row(path, row, "is not a summary line")
            promised[cells[2]] = int(cells[4])
            continue
        if len(cells) < 7 or cells[2] not in _KINDS:
            bad_row(path, row, "is not registry|country|asn, ipv4 or ipv6|start|value|date|status")
        counts[cells[2]] += 1
        if cells[6].strip() in _GIVEN_OUT:
            ranges[cells[2]].add(_range(cells, row, path))
    _check(path, promised, counts)
    if not (ranges["ipv4"] or ranges["ipv6"]):
        raise InputError(f"{path} gives no address a country; rows with status allocated or assigned have one ({SEE})")
    return FileRows(
        form="delegated",
        v4=ranges["ipv4"].rows(),
        v6=ranges["ipv6"].rows(),
        rows_v4=len(ranges["ipv4"]),
        rows_v6=len(ranges["ipv6"]),
        registry=version[1] if version else None,
        as_countries=_as_countries(ranges["asn"].rows(), path),
    )


def _as_countries(rows: Rows, path: Path) -> dict[int, str]:
    """The country of each AS: a row may stand for four thousand million."""
    firsts, lasts = rows.first_low.tolist(), rows.last_low.tolist()
    if sum(lasts) - sum(firsts) + len(firsts) > MOST_ASES:
        raise InputError(f"{path} gives out more than {MOST_ASES:,} ASes, and no registry has so many ({SEE})")
    countries: dict[int, str] = {}
    for first, last, number in zip(firsts, lasts, rows.number.tolist(), strict=True):
        if number:
            countries |= dict.fromkeys(range(first, last + 1), country_code(number))
    return countries


def _check(path: Path, promised: dict[str, int], counts: Counter[str]) -> None:
    if not promised:
        raise InputError(f"{path} lacks summary lines; a delegated file has one for each type of row ({SEE})")
    for kind in _KINDS:
        if promised.get(kind, 0) != counts[kind]:
            raise InputError(
                f"{path} has {counts[kind]} {kind} rows where its summary says {promised.get(kind, 0)}; fetch it again "
                f"({SEE})"
            )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10


def _range(cells: list[str], row: int, path: Path) -> _Range:
    country, kind, start, value = cells[1:5]
    if country not in ("", "*") and not re.fullmatch("[A-Za-z]{2}", country):
        bad_row(path, row, "needs a country code of two letters")
    number = country_number("" if country == "*" else country.upper())
    if not _is_number(value):
        bad_row(path, row, "needs a value")
    first, most = _start(kind, start, row, path)
    count = int(value) if kind != "ipv6" else 1 << 128 - int(value) if int(value) <= 128 else 0
    if not count or first + count - 1 > most or (kind == "ipv6" and first % count):
        bad_row(path, row, "reaches past the last address or AS, or is empty")
    return _Range(first, first + count - 1, number)


def _start(kind: str, text: str, row: int, path: Path) -> tuple[int, int]:
    """The first address or AS of a row, and the last that there is of its kind."""
    try:
        if kind == "ipv4":
            return int(IPv4Address(text)), (1 << 32) - 1
        if kind == "ipv6":
            return int(IPv6Address(text)), (1 << 128) - 1
    except AddressValueError:
        bad_row(path, row, "needs an address")
    if not _is_number(text):
        bad_row(path, row, "needs an AS number")
    return int(text), MAX_AS
