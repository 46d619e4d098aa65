"""Files of prefixes and their origin ASes: pyasn's and CAIDA's pfx2as."""

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from attribution.lookups.tables.addresses import Numbers, pack
from attribution.lookups.tables.contents import MAX_AS, FileRows, Pair, bad_row, by_family, span
from attribution.lookups.tables.range_files import read_columns

PrefixForm = Literal["pyasn", "pfx2as"]

_FIRST: dict[PrefixForm, re.Pattern[str]] = {
    "pyasn": re.compile(r"[0-9A-Fa-f.:]+/\d{1,3}\t\d{1,10}\s*"),
    "pfx2as": re.compile(r"[0-9A-Fa-f.:]+\t\d{1,3}\t[\d_,{}]+\s*"),
}
_SET = r"(?:\d{1,10}(?:,\d{1,10})*|\{\d{1,10}(?:,\d{1,10})*\})"
_ORIGINS = re.compile(f"{_SET}(?:_{_SET})*")


def prefix_form(line: str) -> PrefixForm | None:
    """Which of the two forms a file has, by its first line."""
    return next((form for form, shape in _FIRST.items() if shape.fullmatch(line)), None)


def read_prefixes(data: bytes, path: Path, form: PrefixForm) -> FileRows:
    """The rows of a file of prefixes.

    In pfx2as, `1_2` are two origins of one prefix and `1,2` or `{1,2}` is an AS set: all members are origins.
    """
    if form == "pyasn":
        prefixes, origins = read_columns(data, 2, path, delimiter="\t", quote_char=False)
        parts = [text.partition("/")[::2] for text in prefixes.to_pylist()]
    else:
        starts, sizes, origins = read_columns(data, 3, path, delimiter="\t", quote_char=False)
        parts = list(zip(starts.to_pylist(), sizes.to_pylist(), strict=True))
    packed = pack([start for start, _ in parts], mapped=False)
    lengths = np.fromiter((_length(size) for _, size in parts), np.int64, len(parts))
    wrong = (packed.family == 0) | (lengths > np.where(packed.family == 4, 32, 128))
    if wrong.any():
        bad_row(path, int(wrong.argmax()), "has no prefix")
    first, last = span(packed, lengths)
    row, number = _members(origins, path)
    v4, v6 = by_family(packed.family[row], _taken(first, row), _taken(last, row), number)
    rows_v4 = int((packed.family == 4).sum())
    return FileRows(form=form, v4=v4, v6=v6, rows_v4=rows_v4, rows_v6=len(packed) - rows_v4)


def _length(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else 999


def _members(column: pa.ChunkedArray, path: Path) -> tuple[NDArray[np.int64], Numbers]:
    """The row and the AS of each origin."""
    coded = column.combine_chunks().dictionary_encode()
    sets: list[tuple[int, ...]] = []
    for text in coded.dictionary.to_pylist():
        members = tuple(map(int, re.findall(r"\d+", text))) if _ORIGINS.fullmatch(text) else ()
        if not members or max(members) > MAX_AS:
            bad_row(path, column.to_pylist().index(text), f"has no AS number from 0 to {MAX_AS}")
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
