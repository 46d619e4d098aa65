"""Rows of a table's file as arrays, in any format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from attribution.lookups.tables.addresses import Numbers, Packed
from attribution.lookups.tables.ranges import Rows
from waterbed.model.errors import InputError
from waterbed.store.bounded.files import content as bounded
from waterbed.store.bounded.limits import MOST_TABLE

Kind = Literal["routes", "places", "hosting"]
Form = Literal["csv", "pyasn", "pfx2as", "mmdb", "delegated"]
Pair = tuple[Numbers, Numbers]
MAX_AS = (1 << 32) - 1

_EXPECTED: dict[Kind, str] = {
    "routes": "CSV rows start,end,AS,organisation, lines prefix<TAB>AS or prefix<TAB>length<TAB>AS, or ASes as MMDB",
    "places": "CSV rows start,end,country, rows registry|country|type|start|value|date|status, or countries as MMDB",
    "hosting": "flags such as is_hosting_provider, or user_type, as MMDB",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileRows:
    """Rows by address family, and names of their numbers.

    A row's number is an AS number, a country (see `country_number`) or the number of a tag. 0 carries nothing: AS0 is
    never routed (RFC 7607). One row of a file may have become several here, one for each number: `rows_v4` and
    `rows_v6` count those of the file. `names` are holders of ASes, or tags. `registry` and `as_countries` are those of
    a delegated file.
    """

    form: Form
    v4: Rows
    v6: Rows
    rows_v4: int
    rows_v6: int
    names: Mapping[int, str] = field(default_factory=dict)
    built_at: datetime | None = None
    registry: str | None = None
    as_countries: Mapping[int, str] = field(default_factory=dict)


def refuse(path: Path, what: str, wanted: Kind) -> NoReturn:
    """Say that a file is something else."""
    raise InputError(f"{path} is {what}; a table of {wanted} has {_EXPECTED[wanted]} ({SEE})")


def bad_row(path: Path, row: int, why: str) -> NoReturn:
    """Raise InputError for a row, without quoting its text.

    A wrong file may contain anything.
    """
    raise InputError(f"{path}: row {row + 1} {why} ({SEE})")


def country_number(code: str) -> int:
    """A country code of two letters as a number.

    0 for none: empty, `-`, `??` or the unassigned ZZ.
    """
    return 0 if code in ("", "-", "??", "ZZ") else ord(code[0]) << 8 | ord(code[1])


def country_code(number: int) -> str:
    """The country code that a number stands for."""
    return chr(number >> 8) + chr(number & 0xFF)


def span(packed: Packed, lengths: NDArray[np.int64]) -> tuple[Pair, Pair]:
    """First and last address of each prefix.

    Bits beyond a length are dropped.
    """
    free = np.where(packed.family == 4, 32, 128) - lengths
    low_free, high_free = _ones(np.minimum(free, 64)), _ones(np.maximum(free - 64, 0))
    return (packed.high & ~high_free, packed.low & ~low_free), (packed.high | high_free, packed.low | low_free)


def _ones(bits: NDArray[np.int64]) -> Numbers:
    """Words with that many low bits set, 0 to 64."""
    part = (np.uint64(1) << np.minimum(bits, 63).astype(np.uint64)) - np.uint64(1)
    return np.where(bits >= 64, np.uint64(0xFFFF_FFFF_FFFF_FFFF), part)


def by_family(family: NDArray[np.uint8], first: Pair, last: Pair, number: Numbers) -> tuple[Rows, Rows]:
    """The rows of IPv4 and those of IPv6."""
    each = []
    for one in (4, 6):
        rows = family == one
        each.append(
            Rows(
                first_high=first[0][rows],
                first_low=first[1][rows],
                last_high=last[0][rows],
                last_low=last[1][rows],
                number=number[rows],
            )
        )
    return each[0], each[1]


MAX_BYTES = MOST_TABLE
"""Largest table accepted, bytes after decompression."""

SAMPLE = 65_536
"""Bytes at a file's start that identify its kind."""

SEE = "docs/tables.md"
"""The documentation page of the file formats."""

_CONTROLS = dict.fromkeys([*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], " ")
"""Control characters, those that turn the direction of writing included."""


def plain_text(text: str) -> str:
    """A text without control characters.

    Names come from registries that anyone can write to, and are printed on terminals.
    """
    return text.translate(_CONTROLS).strip()


def content(path: Path) -> bytes:
    """The bytes of a file, decompressed if gzip.

    Raises InputError if it cannot be read, is damaged, or is larger than MAX_BYTES unpacked.
    """
    return bounded(path, "a dated table", MAX_BYTES, SEE, unpack=True)


def as_utf8(data: bytes) -> bytes:
    """Text as UTF-8 without a byte order mark.

    Text that is not UTF-8 is read as Latin-1.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()
    return data


def first_lines(data: bytes) -> list[str]:
    """The first lines that are neither empty nor comments."""
    text = data[:SAMPLE].decode(errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith((";", "#"))]
    return lines if len(data) <= SAMPLE or len(lines) < 2 else lines[:-1]
