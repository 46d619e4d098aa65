"""CSV files of address ranges with AS or country.

Rows are start,end and the value.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from waterbed.attribution.lookups.tables.addresses import Numbers, pack
from waterbed.attribution.lookups.tables.contents import (
    MAX_AS,
    SEE,
    FileRows,
    Gathered,
    Kind,
    Pair,
    bad_row,
    country_number,
    plain_text,
    span,
)
from waterbed.attribution.lookups.tables.ranges import words
from waterbed.model.errors import InputError

_COMMENTS = re.compile(rb"[;#](?<![^\r\n].)[^\r\n]*(?:\r\n?|\n|\Z)")
_EDGE = re.compile(r"\d{1,39}|[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*")
_NO_COUNTRY = ("", "-", "??")

Columns = tuple[int, list[pa.ChunkedArray]]


def csv_kind(sample: Sequence[str]) -> Kind | None:
    """The kind of a CSV file of ranges, or None.

    The first lines decide.
    """
    try:
        rows = [next(csv.reader([line])) for line in sample[:50]]  # a quote that is not closed costs its line alone
    except csv.Error:
        return None
    if not rows or any(len(r) < 3 or not _EDGE.fullmatch(r[0]) or not _EDGE.fullmatch(r[1]) for r in rows):
        return None
    if all(len(r) <= 4 and r[2].isdecimal() for r in rows):
        return "routes"
    if all(len(r) == 3 and (r[2] in _NO_COUNTRY or re.fullmatch("[A-Za-z]{2}", r[2])) for r in rows):
        return "places"
    return None


def read_columns(blocks: Iterable[bytes], count: int, path: Path, **parse: object) -> Iterator[Columns]:
    """The columns of a file as text, block by block.

    Without comments.

    With each comes the number of rows before it. InputError for a cell with a line break, as after a quote that is not
    closed, and for a text without rows.
    """
    names = [str(i) for i in range(count)]  # one thread: only then the parser tells which row is bad
    rows_before = 0
    for block in blocks:
        data = _COMMENTS.sub(b"", block).rstrip(b"\r\n") + b"\n"
        if not data.strip():
            continue
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(data),
                read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data)),
                parse_options=arrow_csv.ParseOptions(**parse),
                convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
        except pa.ArrowInvalid as problem:
            row = re.search(r"Row #(\d+)", str(problem))
            where = f"row {rows_before + int(row[1])}" if row else "a row"
            raise InputError(f"{path}: {where} has not the {count} columns of the first one ({SEE})") from None
        for column in table.columns if b'"' in data else ():
            if (torn := pc.index(pc.match_substring_regex(column, r"[\r\n]"), True).as_py()) >= 0:
                bad_row(path, rows_before + torn, "has a cell with a line break, or a quote that is not closed")
        yield rows_before, table.columns
        rows_before += table.num_rows
    if not rows_before:
        raise InputError(f"{path} has no rows ({SEE})")


def read_ranges(blocks: Iterable[bytes], sample: Sequence[str], path: Path, kind: Kind) -> FileRows:
    """The rows of a CSV file whose kind is known."""
    cells = next(csv.reader(sample[:1]))
    edges = _numbered if cells[0].isdecimal() else _spelled
    gathered, names = Gathered(), dict[int, str]()
    for rows_before, columns in read_columns(blocks, len(cells), path):
        family, first, last = edges(columns[0].to_pylist(), columns[1].to_pylist(), path, rows_before)
        wrong = (first[0] > last[0]) | ((first[0] == last[0]) & (first[1] > last[1]))
        if wrong.any():
            bad_row(path, rows_before + int(wrong.argmax()), "ends before it starts")
        number = (
            as_numbers(columns[2], path, rows_before) if kind == "routes" else _countries(columns[2], path, rows_before)
        )
        if kind == "routes" and len(cells) > 3:
            numbered_names = zip(number.tolist(), columns[3].to_pylist(), strict=True)
            names |= {n: plain_text(name) for n, name in numbered_names if n and name}
        gathered.add(family, first, last, number)
    v4, v6 = gathered.rows()
    return FileRows(form="csv", v4=v4, v6=v6, rows_v4=len(v4), rows_v6=len(v6), names=names)


Edges = tuple[NDArray[np.uint8], Pair, Pair]


def _spelled(firsts: Sequence[str], lasts: Sequence[str], path: Path, before: int) -> Edges:
    first, last = pack(firsts, mapped=False), pack(lasts, mapped=False)
    wrong = (first.family == 0) | (first.family != last.family)
    if wrong.any():
        bad_row(path, before + int(wrong.argmax()), "needs two addresses of one family")
    return first.family, (first.high, first.low), (last.high, last.low)


def _numbered(firsts: Sequence[str], lasts: Sequence[str], path: Path, before: int) -> Edges:
    pairs = []
    for texts in (firsts, lasts):
        wrong = next((i for i, t in enumerate(texts) if not (t.isascii() and t.isdecimal() and len(t) <= 39)), None)
        numbers = list(map(int, texts)) if wrong is None else []
        if wrong is None and max(numbers) >> 128:
            wrong = next(i for i, n in enumerate(numbers) if n >> 128)
        if wrong is not None:
            bad_row(path, before + wrong, "needs two addresses as whole numbers")
        pairs.append(words(numbers))
    high, low = pairs[1]
    family = np.where((high > 0) | (low > 0xFFFF_FFFF), 6, 4).astype(np.uint8)
    return family, pairs[0], pairs[1]


def as_numbers(column: pa.ChunkedArray, path: Path, rows_before: int) -> Numbers:
    """A column of AS numbers."""
    numbers: Numbers = np.zeros(0, np.uint64)
    if _whole_numbers(column):
        numbers = column.cast(pa.uint64()).to_numpy()
    if len(numbers) < len(column) or (len(numbers) and numbers.max() > MAX_AS):
        texts = column.to_pylist()
        wrong = next(row for row, text in enumerate(texts) if not (_AS.fullmatch(text) and int(text) <= MAX_AS))
        bad_row(path, rows_before + wrong, f"needs an AS number from 0 to {MAX_AS}")
    return numbers


_AS = re.compile("[0-9]{1,10}")


def _whole_numbers(column: pa.ChunkedArray) -> bool:
    return bool(pc.all(pc.match_substring_regex(column, f"^{_AS.pattern}$")).as_py())


def _countries(column: pa.ChunkedArray, path: Path, before: int) -> Numbers:
    coded = column.combine_chunks().dictionary_encode()
    texts = coded.dictionary.to_pylist()
    for text in texts:
        if text not in _NO_COUNTRY and not re.fullmatch("[A-Za-z]{2}", text):
            bad_row(path, before + column.to_pylist().index(text), "needs a country code of two letters")
    numbers = np.array([country_number(t.upper()) for t in texts], np.uint64)
    places: NDArray[np.int32] = coded.indices.to_numpy()
    return numbers[places]


PrefixForm = Literal["pyasn", "pfx2as"]

_FIRST: dict[PrefixForm, re.Pattern[str]] = {
    "pyasn": re.compile(r"[0-9A-Fa-f.:]+/\d{1,3}\t\d{1,10}\s*"),
    "pfx2as": re.compile(r"[0-9A-Fa-f.:]+\t\d{1,3}\t[\d_,{}]+\s*"),
}
_SET = r"(?:\d{1,10}(?:,\d{1,10})*|\{\d{1,10}(?:,\d{1,10})*\})"
_ORIGINS = re.compile(f"{_SET}(?:_{_SET})*")


def prefix_form(line: str) -> PrefixForm | None:
    """The format of a prefix file, by its first line."""
    return next((form for form, shape in _FIRST.items() if shape.fullmatch(line)), None)


def read_prefixes(blocks: Iterable[bytes], path: Path, form: PrefixForm) -> FileRows:
    """The rows of a file of prefixes.

    In pfx2as, `1_2` are two origins of one prefix and `1,2` or `{1,2}` is an AS set: all members are origins.
    """
    gathered, rows_v4, rows_v6 = Gathered(), 0, 0
    count = 2 if form == "pyasn" else 3
    for rows_before, columns in read_columns(blocks, count, path, delimiter="\t", quote_char=False):
        if form == "pyasn":
            parts = [text.partition("/")[::2] for text in columns[0].to_pylist()]
        else:
            parts = list(zip(columns[0].to_pylist(), columns[1].to_pylist(), strict=True))
        packed = pack([start for start, _ in parts], mapped=False)
        lengths = np.fromiter((_length(size) for _, size in parts), np.int64, len(parts))
        wrong = (packed.family == 0) | (lengths > np.where(packed.family == 4, 32, 128))
        if wrong.any():
            bad_row(path, rows_before + int(wrong.argmax()), "needs a prefix")
        first, last = span(packed, lengths)
        row, number = _members(columns[-1], path, rows_before)
        gathered.add(packed.family[row], _taken(first, row), _taken(last, row), number)
        v4 = int((packed.family == 4).sum())
        rows_v4, rows_v6 = rows_v4 + v4, rows_v6 + len(packed) - v4
    v4_rows, v6_rows = gathered.rows()
    return FileRows(form=form, v4=v4_rows, v6=v6_rows, rows_v4=rows_v4, rows_v6=rows_v6)


def _length(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else 999


def _members(column: pa.ChunkedArray, path: Path, before: int) -> tuple[NDArray[np.int64], Numbers]:
    """The row and the AS of each origin."""
    if _whole_numbers(column):
        return np.arange(len(column)), as_numbers(column, path, before)
    coded = column.combine_chunks().dictionary_encode()
    sets: list[tuple[int, ...]] = []
    for text in coded.dictionary.to_pylist():
        members = tuple(map(int, re.findall(r"\d+", text))) if _ORIGINS.fullmatch(text) else ()
        if not members or max(members) > MAX_AS:
            bad_row(path, before + column.to_pylist().index(text), f"needs an AS number from 0 to {MAX_AS}")
        sets.append(members)
    sizes = np.array([len(s) for s in sets], np.int64)
    offsets = np.cumsum(sizes) - sizes
    flat = np.array([asn for s in sets for asn in s], np.uint64)
    which = coded.indices.to_numpy().astype(np.int64)
    row = np.repeat(np.arange(len(which)), sizes[which])
    place = np.arange(len(row)) - np.repeat(np.cumsum(sizes[which]) - sizes[which], sizes[which])
    return row, flat[offsets[which][row] + place]


def _taken(pair: Pair, rows: NDArray[np.int64]) -> Pair:
    return pair[0][rows], pair[1][rows]
