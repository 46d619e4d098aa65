"""Rows of a table's file as arrays, in any format."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.addresses import Numbers, Packed
from waterbed.attribution.lookups.tables.ranges import Rows, zeros
from waterbed.model.errors import InputError
from waterbed.store.bounded.files import Pieces, unpacked_pieces
from waterbed.store.bounded.limits import MOST_LINE, MOST_TABLE

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


def refuse(path: Path, content: str, expected: Kind) -> NoReturn:
    """Say that a file is something else."""
    raise InputError(f"{path} is {content}; a table of {expected} has {_EXPECTED[expected]} ({SEE})")


def bad_row(path: Path, row: int, problem: str) -> NoReturn:
    """Raise InputError for a row, without quoting its text.

    A wrong file may contain anything.
    """
    raise InputError(f"{path}: row {row + 1} {problem} ({SEE})")


def country_number(code: str) -> int:
    """A country code of two letters as a number.

    0 for none: empty, `-`, `??` or the unassigned ZZ.
    """
    return 0 if code in ("", "-", "??", "ZZ") else ord(code[0]) << 8 | ord(code[1])


def country_code(number: int) -> str:
    """The country code that a number stands for."""
    return chr(number >> 8) + chr(number & 0xFF)


def span(packed: Packed, lengths: NDArray[np.integer[Any]]) -> tuple[Pair, Pair]:
    """First and last address of each prefix.

    Bits beyond a length are dropped.
    """
    free = np.where(packed.family == 4, 32, 128).astype(np.uint8) - lengths.astype(np.uint8)
    low_free, high_free = _ones(np.minimum(free, 64)), _ones(np.maximum(free, 64) - np.uint8(64))
    return (packed.high & ~high_free, packed.low & ~low_free), (packed.high | high_free, packed.low | low_free)


def _ones(bits: NDArray[np.uint8]) -> Numbers:
    """Words with that many low bits set, 0 to 64."""
    part = (np.uint64(1) << np.minimum(bits, 63).astype(np.uint64)) - np.uint64(1)
    return np.where(bits >= 64, np.uint64(0xFFFF_FFFF_FFFF_FFFF), part)


class Gathered:
    """Rows gathered block by block, by family.

    An IPv4 address takes one word each.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._v4: list[Sequence[Numbers]] = []
        self._v6: list[Sequence[Numbers]] = []

    def add(self, family: NDArray[np.uint8], first: Pair, last: Pair, number: Numbers) -> None:
        """Add a block: families 4 and 6 are kept."""
        v4, v6 = family == 4, family == 6
        self._v4.append((first[1][v4], last[1][v4], number[v4]))
        self._v6.append((first[0][v6], first[1][v6], last[0][v6], last[1][v6], number[v6]))

    def rows(self) -> tuple[Rows, Rows]:
        """The rows of IPv4 and of IPv6, asked for once."""
        first, last, number = _joined(self._v4, 3)
        none = zeros(len(number))
        v4 = Rows(first_high=none, first_low=first, last_high=none, last_low=last, number=number)
        v6 = _joined(self._v6, 5)
        return v4, Rows(first_high=v6[0], first_low=v6[1], last_high=v6[2], last_low=v6[3], number=v6[4])


def _joined(parts: list[Sequence[Numbers]], columns: int) -> list[Numbers]:
    columns_joined = [
        np.concatenate([np.zeros(0, np.uint64), *(part[column] for part in parts)]) for column in range(columns)
    ]
    parts.clear()
    return columns_joined


def by_family(family: NDArray[np.uint8], first: Pair, last: Pair, number: Numbers) -> tuple[Rows, Rows]:
    """The rows of IPv4 and those of IPv6."""
    gathered = Gathered()
    gathered.add(family, first, last, number)
    return gathered.rows()


MAX_BYTES = MOST_TABLE
"""Largest table accepted, bytes after decompression."""

_BLOCK = 1 << 19

SAMPLE = 65_536
"""Bytes at a file's start that identify its kind."""

SEE = "docs/tables.md"
"""The documentation page of the file formats."""

_CONTROLS = dict.fromkeys([*range(32), *range(127, 160), *range(0x2028, 0x202F), *range(0x2066, 0x206A)], " ")
"""Control characters, those that turn the direction of writing included."""


def plain_text(text: str) -> str:
    """A text without control characters.

    Names come from registries that anyone can write to, and are printed on terminals.
    """
    return text.translate(_CONTROLS).strip()


def opened(path: Path) -> tuple[bytes, Pieces]:
    """The front of a file, and all its pieces.

    Decompressed if gzip.

    The front is the whole file if it is no longer than SAMPLE. Raises InputError if the file cannot be read, is
    damaged, or is larger than MAX_BYTES unpacked.
    """
    pieces = unpacked_pieces(path, "a dated table", SEE, MAX_BYTES, zipped=False)
    front = b""
    while len(front) <= SAMPLE and (piece := next(pieces, b"")):
        front += piece
    return front, chain([front], pieces)


def blocks(pieces: Pieces, path: Path) -> Pieces:
    """Text in blocks of whole lines, as UTF-8.

    Without a byte order mark.

    A block that is not UTF-8 is read as Latin-1. InputError for a line that is much longer than MOST_LINE bytes.
    """
    pending: list[bytes] = []
    size = 0
    for piece in pieces:
        pending.append(piece)
        size += len(piece)
        if size < _BLOCK:
            continue
        block = b"".join(pending)
        end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
        size = len(block) - end
        if size > MOST_LINE:
            raise InputError(f"{path} has a line of more than {MOST_LINE:,} bytes; it is no dated table ({SEE})")
        pending = [block[end:]]
        yield _as_utf8(block[:end])
    if size:
        yield _as_utf8(b"".join(pending))


def lines_of(pieces: Pieces, path: Path) -> Iterator[str]:
    """The lines of a text, without their ends."""
    for block in blocks(pieces, path):
        yield from split_lines(block.decode())


def split_lines(text: str) -> list[str]:
    """The lines of a text.

    CR, LF or both end them. Other breaks, such as U+2028, may stand in a name.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def characters(pieces: Pieces, path: Path) -> Iterator[str]:
    """The text in pieces of a file.

    InputError if it is not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for piece in pieces:
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise InputError(f"{path}: its text is not UTF-8 ({SEE})") from None


def _as_utf8(data: bytes) -> bytes:
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()
    return data


def first_lines(data: bytes) -> list[str]:
    """The first lines that are neither empty nor comments."""
    text = data[:SAMPLE].removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
    lines = [line for line in split_lines(text) if line.strip() and not line.startswith((";", "#"))]
    return lines if len(data) <= SAMPLE or len(lines) < 2 else lines[:-1]
