"""Many rows as CSV, JSON and Parquet, piece by piece.

They come in Arrow tables. The text is that of rows one by one; memory does not grow with the rows.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from waterbed.model.codec import columns
from waterbed.model.table import TableInfo
from waterbed.study.formats import arrow_schema, csv_cell, loose, to_json

IN_GROUP: Final = 100_000
"""Rows of a row group, and of a piece of text."""
_CSV_SIGNS: Final = r'[",\r\n]|^[=+\-@\t]'
"""Texts with these are not written into CSV as they are."""
_JSON_SIGNS: Final = r'["\\\x00-\x1f]'
_SECOND: Final = 1_000_000


def write_parquet(schema: pa.Schema, tables: Iterable[pa.Table], file: IO[bytes]) -> int:
    """Write tables as one Parquet file, by row groups.

    Returns the number of rows.
    """
    rows = 0
    with pq.ParquetWriter(_Counted(file), schema, compression="zstd") as writer:
        for table in grouped(tables):
            writer.write_table(pa.Table.from_arrays(table.columns, schema=schema))
            rows += table.num_rows
        if not rows:
            writer.write_table(schema.empty_table())
    return rows


class _Counted(io.RawIOBase):
    """Counts what is written: a pipe cannot tell where it is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._written = file, 0

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Pass bytes on."""
        self._file.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        """The number of bytes written."""
        return self._written


def grouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of `IN_GROUP`, and a rest."""
    held: list[pa.Table] = []
    rows = 0
    for table in tables:
        left = table
        while rows + left.num_rows >= IN_GROUP:
            yield pa.concat_tables([*held, left.slice(0, IN_GROUP - rows)]).combine_chunks()
            left, held, rows = left.slice(IN_GROUP - rows), [], 0
        if left.num_rows:
            held.append(left)
            rows += left.num_rows
    if held:
        yield pa.concat_tables(held).combine_chunks()


def csv_pieces(cls: type, tables: Iterable[pa.Table]) -> Iterator[str]:
    """Rows of a class as CSV, as by `as_csv`."""
    yield ",".join(map(_csv_text, arrow_schema(cls).names)) + "\r\n"
    for table in grouped(tables):
        cells = [_texts(column, _csv_text, "", _CSV_SIGNS, "") for column in table.columns]
        yield _whole_text([part for cell in cells for part in (",", cell)][1:], "\r\n")


def json_pieces(cls: type, tables: Iterable[pa.Table], info: TableInfo) -> Iterator[str]:
    """Rows of a class as JSON, as by `as_json`."""
    lists = [kind is tuple for kind, *_ in columns(cls).values()]
    yield to_json({**loose(info), "rows": []}).removesuffix("[]\n}\n")
    before = "[\n"
    for table in grouped(tables):
        parts: list[Any] = []
        for name, column, is_list in zip(table.schema.names, table.columns, lists, strict=True):
            cell = _texts(column, _json_list if is_list else _json_text, "null", "" if is_list else _JSON_SIGNS, '"')
            parts += [",\n" if parts else "  {\n", f"   {json.dumps(name)}: ", cell]
        yield before + _whole_text(parts, "\n  },\n").removesuffix(",\n")
        before = ",\n"
    yield "[]\n}\n" if before == "[\n" else "\n ]\n}\n"


def _texts(column: Any, spell: Callable[[Any], str], null: str, signs: str, quote: str) -> pa.Array:
    """The text of each cell; only texts with `signs` are spelled one by one, and each of equal ones once."""
    cells = column.combine_chunks()
    if pa.types.is_timestamp(cells.type):
        found = pc.binary_join_element_wise(quote, _times(cells), quote, "")
    elif pa.types.is_string(cells.type) and signs and not pc.any(pc.match_substring_regex(cells, signs)).as_py():
        found = pc.binary_join_element_wise(quote, cells, quote, "")
    else:
        coded = cells.dictionary_encode()
        found = pa.array(map(spell, coded.dictionary.to_pylist()), pa.string()).take(coded.indices)
    return found.fill_null(null)


def _times(cells: pa.Array) -> pa.Array:
    """Times in UTC as ISO 8601; parts of a second only where there are some."""
    at = cells.cast(pa.int64())
    plain = at.cast(pa.timestamp("us"))
    seconds = pc.strftime(pc.floor_temporal(plain, unit="second").cast(pa.timestamp("s")), "%Y-%m-%dT%H:%M:%SZ")
    whole = pc.equal(pc.multiply(pc.divide(at, _SECOND), _SECOND), at)
    if pc.all(whole).as_py() is not False:
        return seconds
    return pc.if_else(whole, seconds, pc.strftime(plain, "%Y-%m-%dT%H:%M:%SZ"))


def _csv_text(value: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([csv_cell(value), ""])
    return line.getvalue().removesuffix(",\r\n")


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _json_list(text: str) -> str:
    return to_json(json.loads(text)).rstrip("\n").replace("\n", "\n   ")


def _whole_text(parts: Sequence[Any], end: str) -> str:
    """The lines made of columns of text and texts between them."""
    lines = pc.binary_join_element_wise(*parts, end, "")
    _, offsets, data = lines.buffers()
    size = int(np.frombuffer(offsets, np.int32)[lines.offset + len(lines)])
    return str(data[:size], "utf-8")
