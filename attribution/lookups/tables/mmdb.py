"""MMDB files: networks with AS, country or use."""

import re
import struct
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import maxminddb
import numpy as np

from waterbed.attribution.lookups.tables.contents import (
    MAX_AS,
    SEE,
    FileRows,
    Gathered,
    Kind,
    country_number,
    plain_text,
    refuse,
)
from waterbed.model.errors import InputError

_MARK = b"\xab\xcd\xefMaxMind.com"
_MARK_WITHIN = 128 * 1024
_SPARE = 1024
_BITS = {4: 32, 6: 128}
_LOW = (1 << 64) - 1
_REPEATED = {0: 96, 0xFFFF << 32: 96, 0x2001 << 112: 32, 0x2002 << 112: 16}
"""First address and length of the prefixes under which a tree of IPv6 has IPv4: as such, mapped, Teredo, 6to4."""
_FLAGS = (
    "is_anonymous",
    "is_anonymous_proxy",
    "is_anonymous_vpn",
    "is_anycast",
    "is_hosting_provider",
    "is_public_proxy",
    "is_residential_proxy",
    "is_satellite_provider",
    "is_tor_exit_node",
)
_USER_TYPE = re.compile("[a-z][a-z_]{1,39}")
_DAMAGED = (
    maxminddb.InvalidDatabaseError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    OSError,
    RecursionError,
    struct.error,
)
"""Errors of the library on damaged files, and our own."""


def is_mmdb(data: bytes) -> bool:
    """True if a file ends with an MMDB marker section."""
    return _MARK in data[-_MARK_WITHIN:]


def read_mmdb(data: bytes, path: Path, kind: Kind) -> FileRows:
    """The networks of an MMDB that carry what is wanted.

    One network after the other is looked up by the file's library, as its iterator has no bound on some damaged files.
    On others the library ends the process: who does not trust the file has `bounded_work` read it. Raises InputError if
    the file is damaged or no network carries what is wanted.
    """
    numbers = _Numbers(kind)
    ranges_by_family = {family: _Found() for family in (4, 6)}
    try:
        with NamedTemporaryFile(prefix="waterbed-") as file:  # the library takes a path, and the table may be packed
            file.write(data)
            file.flush()
            with maxminddb.open_database(file.name) as reader:
                about = reader.metadata()
                built_at = datetime.fromtimestamp(about.build_epoch, UTC)
                for family, first, last, record in _networks(reader):
                    ranges_by_family[family].add(first, last, numbers.of(record))
    except _DAMAGED:
        raise InputError(f"{path} is a damaged MMDB; fetch it again ({SEE})") from None
    if not any(each.rows for each in ranges_by_family.values()):
        refuse(path, f"an MMDB of type {_shown(about.database_type)}", kind)
    gathered = Gathered()
    for family, each in ranges_by_family.items():
        each.hand_to(gathered, family)
    v4, v6 = gathered.rows()
    return FileRows(
        form="mmdb",
        v4=v4,
        v6=v6,
        rows_v4=ranges_by_family[4].rows,
        rows_v6=ranges_by_family[6].rows,
        names=numbers.names,
        built_at=built_at,
    )


def _networks(reader: maxminddb.Reader) -> Iterator[tuple[int, int, int, Any]]:
    """Family, first and last address, and record of each network that has one.

    The tree of IPv4 is often repeated under 6to4, Teredo and mapped prefixes; it is read once. ValueError if there are
    more networks than the file's tree has room for.
    """
    about = reader.metadata()
    remaining = about.node_count + _SPARE
    families = (4,) if about.ip_version == 4 else (4, 6)
    for family in families:
        bits = _BITS[family]
        as_address = IPv4Address if family == 4 else IPv6Address
        repeated = _REPEATED if family == 6 else {}
        address = 0
        while address < 1 << bits:
            if address in repeated:
                address += 1 << bits - repeated[address]
                continue
            if not (remaining := remaining - 1):
                raise ValueError("no tree")
            record, length = reader.get_with_prefix_len(as_address(address))
            last = address | (1 << bits - (length if length <= bits else 0)) - 1
            if record is not None:
                yield family, address, last, record
            address = last + 1


class _Found:
    """Ranges of one family and their numbers, by place of the number."""

    def __init__(self) -> None:
        self.rows = 0
        self._columns: list[list[array[int]]] = []

    def add(self, first: int, last: int, numbers: tuple[int, ...]) -> None:
        """Keep a range once for each of its numbers."""
        self.rows += bool(numbers)
        for place, number in enumerate(numbers):
            if place == len(self._columns):
                self._columns.append([array("Q") for _ in range(5)])
            values = (first >> 64, first & _LOW, last >> 64, last & _LOW, number)
            for column, value in zip(self._columns[place], values, strict=True):
                column.append(value)

    def hand_to(self, gathered: Gathered, family: int) -> None:
        """Hand the ranges over, number by number of each."""
        for columns in self._columns:
            first_high, first_low, last_high, last_low, number = (
                np.frombuffer(column, np.uint64) for column in columns
            )
            families = np.full(len(number), family, np.uint8)
            gathered.add(families, (first_high, first_low), (last_high, last_low), number)


class _Numbers:
    """The numbers that a record stands for, and names of numbers."""

    def __init__(self, kind: Kind) -> None:
        self.names: dict[int, str] = {}
        self._tags: dict[str, int] = {}
        self.of = {"routes": self._origins, "places": self._countries, "hosting": self._tagged}[kind]

    def _origins(self, record: Any) -> tuple[int, ...]:
        asn = _in(record, "autonomous_system_number")
        if not isinstance(asn, int) or not 0 < asn <= MAX_AS:
            return ()
        name = _in(record, "autonomous_system_organization")
        if isinstance(name, str) and asn not in self.names:
            self.names[asn] = plain_text(name)
        return (asn,)

    def _countries(self, record: Any) -> tuple[int, ...]:
        for names in (("country", "iso_code"), ("country_code",), ("registered_country", "iso_code")):
            code = _in(record, *names)
            if isinstance(code, str) and re.fullmatch("[A-Za-z]{2}", code):
                number = country_number(code.upper())
                return (number,) if number else ()
        return ()

    def _tagged(self, record: Any) -> tuple[int, ...]:
        tags: set[str] = set()
        for section in (record, _in(record, "traits")):
            tags.update(flag.removeprefix("is_") for flag in _FLAGS if _in(section, flag) is True)
            user_type = _in(section, "user_type")
            if isinstance(user_type, str) and _USER_TYPE.fullmatch(user_type):
                tags.add(f"user_type:{user_type}")
        for tag in tags - self._tags.keys():
            self._tags[tag] = len(self._tags) + 1
            self.names[self._tags[tag]] = tag
        return tuple(self._tags[tag] for tag in tags)


def _in(record: Any, *names: str) -> Any:
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _shown(text: object) -> str:
    return re.sub("[^A-Za-z0-9 ._-]", "?", str(text))[:60] or "none"
