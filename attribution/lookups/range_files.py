"""Files of dated address tables, read into arrays of rows."""

import csv
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from attribution.lookups.addresses import Numbers, Packed, pack
from attribution.lookups.ranges import Rows, words
from waterbed.model.errors import InputError

Kind = Literal["routes", "places"]

MAX_BYTES = 1 << 30
"""Largest table accepted, bytes after decompression."""

_EXPECTED: dict[Kind, str] = {
    "routes": "CSV rows start,end,AS,organisation or pyasn lines prefix<TAB>AS",
    "places": "CSV rows start,end,country",
}
_SAMPLE = 65_536
_PREFIX_LINE = re.compile(r"[0-9A-Fa-f.:]+/\d{1,3}\t\d{1,10}\s*")
_COMMENTS = re.compile(rb"^[;#].*(?:\r?\n|\Z)", re.MULTILINE)
_EDGE = re.compile(r"\d{1,39}|[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*")
_MAX_AS = (1 << 32) - 1
_CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], " ")
"""Names come from registries that anyone can write to, and end up on terminals."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileRows:
    """Rows by address family, and names of ASes if given.

    A row's number is an AS number or a country (see `country_number`).
    0 carries nothing: AS0 is never routed (RFC 7607).
    """

    v4: Rows
    v6: Rows
    names: dict[int, str]


def country_number(code: str) -> int:
    """A country code of two letters as a number.

    0 for none: empty, `-` or the unassigned ZZ.
    """
    return 0 if code in ("", "-", "ZZ") else ord(code[0]) << 8 | ord(code[1])


def country_code(number: int) -> str:
    """The country code that a number stands for."""
    return chr(number >> 8) + chr(number & 0xFF)


def read_rows(path: Path, wanted: Kind) -> FileRows:
    """The rows of a table, told by its content alone.

    Plain or gzip. Raises InputError if it is a table of another kind, no table at all, or has a bad row. Rows are
    counted without comments; their text is never repeated, because a wrong file may hold anything.
    """
    data = _content(path)
    sample = _sample(data)
    if b"\x00" in data[:_SAMPLE]:
        _refuse(path, "a binary file", wanted)
    if not sample:
        _refuse(path, "empty", wanted)
    if sample[0].startswith(("<", "{", "[")):
        _refuse(path, "HTML or XML" if sample[0].startswith("<") else "JSON", wanted)
    if _PREFIX_LINE.fullmatch(sample[0]):
        if wanted != "routes":
            _refuse(path, "a table of routes", wanted)
        return _read_prefixes(data, path)
    kind = _csv_kind(sample)
    if kind != wanted:
        _refuse(path, f"a table of {kind}" if kind else "of no known kind", wanted)
    return _read_ranges(data, len(next(csv.reader(sample[:1]))), path, wanted)


def _refuse(path: Path, what: str, wanted: Kind) -> NoReturn:
    raise InputError(f"{path} is {what}; a table of {wanted} has {_EXPECTED[wanted]} (docs/attribution.md)")


def _bad_row(path: Path, row: int, why: str) -> NoReturn:
    raise InputError(f"{path}: row {row + 1} {why} (docs/attribution.md)")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); see docs/attribution.md") from None
    if data[:2] == b"\x1f\x8b":
        data = _unzipped(data, path)
    if len(data) > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES} bytes, more than any routing table (docs/attribution.md)")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()
    return data


def _unzipped(data: bytes, path: Path) -> bytes:
    """All members of a gzip file, up to MAX_BYTES."""
    pieces, size = [], 0
    try:
        while data and size <= MAX_BYTES:
            member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            pieces.append(member.decompress(data, MAX_BYTES + 1 - size))
            size += len(pieces[-1])
            if size <= MAX_BYTES and not member.eof:
                raise InputError(f"{path} is a gzip file that breaks off; fetch it again (docs/attribution.md)")
            data = member.unused_data.lstrip(b"\x00")
    except zlib.error:
        raise InputError(f"{path} is a damaged gzip file; fetch it again (docs/attribution.md)") from None
    return b"".join(pieces)


def _sample(data: bytes) -> list[str]:
    """The first lines that are neither empty nor comments."""
    text = data[:_SAMPLE].decode(errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith((";", "#"))]
    return lines if len(data) <= _SAMPLE or len(lines) < 2 else lines[:-1]


def _csv_kind(sample: list[str]) -> Kind | None:
    try:
        rows = list(csv.reader(sample[:50]))
    except csv.Error:
        return None
    if any(len(r) < 3 or not _EDGE.fullmatch(r[0]) or not _EDGE.fullmatch(r[1]) for r in rows):
        return None
    if all(len(r) <= 4 and r[2].isdecimal() for r in rows):
        return "routes"
    if all(len(r) == 3 and (r[2] in ("", "-") or re.fullmatch("[A-Za-z]{2}", r[2])) for r in rows):
        return "places"
    return None


def _columns(data: bytes, count: int, path: Path, **parse: object) -> list[pa.ChunkedArray]:
    names = [str(i) for i in range(count)]  # one thread: only then the parser tells which row is bad
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(_COMMENTS.sub(b"", data)),
            read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False),
            parse_options=arrow_csv.ParseOptions(**parse),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid as problem:
        row = re.search(r"Row #(\d+)", str(problem))
        where = f"row {row[1]}" if row else "a row"
        raise InputError(
            f"{path}: {where} has not the {count} columns of the first one (docs/attribution.md)"
        ) from None
    return [table.column(name) for name in names]


def _read_ranges(data: bytes, count: int, path: Path, kind: Kind) -> FileRows:
    columns = _columns(data, count, path)
    firsts, lasts = columns[0].to_pylist(), columns[1].to_pylist()
    edges = _numbered if firsts[0].isdecimal() else _spelled
    family, first, last = edges(firsts, lasts, path)
    wrong = (first[0] > last[0]) | ((first[0] == last[0]) & (first[1] > last[1]))
    if wrong.any():
        _bad_row(path, int(wrong.argmax()), "ends before it starts")
    number = _as_numbers(columns[2], path) if kind == "routes" else _countries(columns[2], path)
    names: dict[int, str] = {}
    if kind == "routes" and count > 3:
        held = zip(number.tolist(), columns[3].to_pylist(), strict=True)
        names = {n: name.translate(_CONTROLS) for n, name in held if n and name}
    return _by_family(family, first, last, number, names)


Pair = tuple[Numbers, Numbers]
Edges = tuple[NDArray[np.uint8], Pair, Pair]


def _spelled(firsts: Sequence[str], lasts: Sequence[str], path: Path) -> Edges:
    first, last = pack(firsts, mapped=False), pack(lasts, mapped=False)
    wrong = (first.family == 0) | (first.family != last.family)
    if wrong.any():
        _bad_row(path, int(wrong.argmax()), "has no two addresses of one family")
    return first.family, (first.high, first.low), (last.high, last.low)


def _numbered(firsts: Sequence[str], lasts: Sequence[str], path: Path) -> Edges:
    pairs = []
    for texts in (firsts, lasts):
        wrong = next((i for i, t in enumerate(texts) if not (t.isascii() and t.isdecimal() and len(t) <= 39)), None)
        numbers = list(map(int, texts)) if wrong is None else []
        if wrong is None and max(numbers) >> 128:
            wrong = next(i for i, n in enumerate(numbers) if n >> 128)
        if wrong is not None:
            _bad_row(path, wrong, "has no two addresses as whole numbers")
        pairs.append(words(numbers))
    high, low = pairs[1]
    family = np.where((high > 0) | (low > 0xFFFF_FFFF), 6, 4).astype(np.uint8)
    return family, pairs[0], pairs[1]


def _as_numbers(column: pa.ChunkedArray, path: Path) -> Numbers:
    texts = column.unique().to_pylist()
    for text in texts:
        if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= _MAX_AS):
            _bad_row(path, column.to_pylist().index(text), f"has no AS number from 0 to {_MAX_AS}")
    numbers: Numbers = column.cast(pa.uint64()).to_numpy()
    return numbers


def _countries(column: pa.ChunkedArray, path: Path) -> Numbers:
    coded = column.combine_chunks().dictionary_encode()
    texts = coded.dictionary.to_pylist()
    for text in texts:
        if text not in ("", "-") and not re.fullmatch("[A-Za-z]{2}", text):
            _bad_row(path, column.to_pylist().index(text), "has no country code of two letters")
    numbers = np.array([country_number(t.upper()) for t in texts], np.uint64)
    places: NDArray[np.int32] = coded.indices.to_numpy()
    return numbers[places]


def _read_prefixes(data: bytes, path: Path) -> FileRows:
    """Rows of `prefix<TAB>AS`; bits beyond a length are dropped."""
    prefixes, origins = _columns(data, 2, path, delimiter="\t", quote_char=False)
    parts = [text.partition("/") for text in prefixes.to_pylist()]
    packed = pack([p[0] for p in parts], mapped=False)
    lengths = np.fromiter((int(p[2]) if p[2].isdecimal() and len(p[2]) <= 3 else 999 for p in parts), np.int64)
    wrong = (packed.family == 0) | (lengths > np.where(packed.family == 4, 32, 128))
    if wrong.any():
        _bad_row(path, int(wrong.argmax()), "has no prefix")
    first, last = _span(packed, lengths)
    return _by_family(packed.family, first, last, _as_numbers(origins, path), {})


def _span(packed: Packed, lengths: NDArray[np.int64]) -> tuple[Pair, Pair]:
    """First and last address of each prefix."""
    free = np.where(packed.family == 4, 32, 128) - lengths
    low_free, high_free = _ones(np.minimum(free, 64)), _ones(np.maximum(free - 64, 0))
    return (packed.high & ~high_free, packed.low & ~low_free), (packed.high | high_free, packed.low | low_free)


def _ones(bits: NDArray[np.int64]) -> Numbers:
    """Words with that many low bits set, 0 to 64."""
    part = (np.uint64(1) << np.minimum(bits, 63).astype(np.uint64)) - np.uint64(1)
    return np.where(bits >= 64, np.uint64(0xFFFF_FFFF_FFFF_FFFF), part)


def _by_family(family: NDArray[np.uint8], first: Pair, last: Pair, number: Numbers, names: dict[int, str]) -> FileRows:
    each = {}
    for one in (4, 6):
        rows = family == one
        each[one] = Rows(
            first_high=first[0][rows],
            first_low=first[1][rows],
            last_high=last[0][rows],
            last_low=last[1][rows],
            number=number[rows],
        )
    return FileRows(v4=each[4], v6=each[6], names=names)
