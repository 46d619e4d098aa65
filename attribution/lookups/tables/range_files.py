"""CSV files of address ranges: start,end and an AS or a country."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from attribution.lookups.tables.addresses import Numbers, pack
from attribution.lookups.tables.contents import MAX_AS, FileRows, Kind, Pair, bad_row, by_family, country_number
from attribution.lookups.tables.contents_part import SEE, plain_text
from attribution.lookups.tables.ranges import words
from waterbed.model.errors import InputError

_COMMENTS = re.compile(rb"^[;#].*(?:\r?\n|\Z)", re.MULTILINE)
_EDGE = re.compile(r"\d{1,39}|[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*")
_NO_COUNTRY = ("", "-", "??")


def csv_kind(sample: Sequence[str]) -> Kind | None:
    """What a CSV file of ranges gives, by its first lines; None if it is no such file."""
    try:
        rows = list(csv.reader(sample[:50]))
    except csv.Error:
        return None
    if any(len(r) < 3 or not _EDGE.fullmatch(r[0]) or not _EDGE.fullmatch(r[1]) for r in rows):
        return None
    if all(len(r) <= 4 and r[2].isdecimal() for r in rows):
        return "routes"
    if all(len(r) == 3 and (r[2] in _NO_COUNTRY or re.fullmatch("[A-Za-z]{2}", r[2])) for r in rows):
        return "places"
    return None


def read_columns(data: bytes, count: int, path: Path, **parse: object) -> list[pa.ChunkedArray]:
    """The columns of a file of rows, as text; comments are left out."""
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
        raise InputError(f"{path}: {where} has not the {count} columns of the first one ({SEE})") from None
    return [table.column(name) for name in names]


def read_ranges(data: bytes, sample: Sequence[str], path: Path, kind: Kind) -> FileRows:
    """The rows of a CSV file whose kind is known."""
    count = len(next(csv.reader(sample[:1])))
    columns = read_columns(data, count, path)
    firsts, lasts = columns[0].to_pylist(), columns[1].to_pylist()
    edges = _numbered if firsts[0].isdecimal() else _spelled
    family, first, last = edges(firsts, lasts, path)
    wrong = (first[0] > last[0]) | ((first[0] == last[0]) & (first[1] > last[1]))
    if wrong.any():
        bad_row(path, int(wrong.argmax()), "ends before it starts")
    number = as_numbers(columns[2], path) if kind == "routes" else _countries(columns[2], path)
    names: dict[int, str] = {}
    if kind == "routes" and count > 3:
        held = zip(number.tolist(), columns[3].to_pylist(), strict=True)
        names = {n: plain_text(name) for n, name in held if n and name}
    v4, v6 = by_family(family, first, last, number)
    return FileRows(form="csv", v4=v4, v6=v6, rows_v4=len(v4), rows_v6=len(v6), names=names)


Edges = tuple[NDArray[np.uint8], Pair, Pair]


def _spelled(firsts: Sequence[str], lasts: Sequence[str], path: Path) -> Edges:
    first, last = pack(firsts, mapped=False), pack(lasts, mapped=False)
    wrong = (first.family == 0) | (first.family != last.family)
    if wrong.any():
        bad_row(path, int(wrong.argmax()), "has no two addresses of one family")
    return first.family, (first.high, first.low), (last.high, last.low)


def _numbered(firsts: Sequence[str], lasts: Sequence[str], path: Path) -> Edges:
    pairs = []
    for texts in (firsts, lasts):
        wrong = next((i for i, t in enumerate(texts) if not (t.isascii() and t.isdecimal() and len(t) <= 39)), None)
        numbers = list(map(int, texts)) if wrong is None else []
        if wrong is None and max(numbers) >> 128:
            wrong = next(i for i, n in enumerate(numbers) if n >> 128)
        if wrong is not None:
            bad_row(path, wrong, "has no two addresses as whole numbers")
        pairs.append(words(numbers))
    high, low = pairs[1]
    family = np.where((high > 0) | (low > 0xFFFF_FFFF), 6, 4).astype(np.uint8)
    return family, pairs[0], pairs[1]


def as_numbers(column: pa.ChunkedArray, path: Path) -> Numbers:
    """A column of AS numbers."""
    texts = column.unique().to_pylist()
    for text in texts:
        if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= MAX_AS):
            bad_row(path, column.to_pylist().index(text), f"has no AS number from 0 to {MAX_AS}")
    numbers: Numbers = column.cast(pa.uint64()).to_numpy()
    return numbers


def _countries(column: pa.ChunkedArray, path: Path) -> Numbers:
    coded = column.combine_chunks().dictionary_encode()
    texts = coded.dictionary.to_pylist()
    for text in texts:
        if text not in _NO_COUNTRY and not re.fullmatch("[A-Za-z]{2}", text):
            bad_row(path, column.to_pylist().index(text), "has no country code of two letters")
    numbers = np.array([country_number(t.upper()) for t in texts], np.uint64)
    places: NDArray[np.int32] = coded.indices.to_numpy()
    return numbers[places]
