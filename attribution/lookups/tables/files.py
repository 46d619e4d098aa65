"""Files of dated address tables; content identifies the format."""

from pathlib import Path

from attribution.lookups.tables.contents import (
    SAMPLE,
    FileRows,
    Kind,
    blocks,
    first_lines,
    lines_of,
    opened,
    refuse,
)
from attribution.lookups.tables.delegated import is_delegated, read_delegated
from attribution.lookups.tables.mmdb import is_mmdb, read_mmdb
from attribution.lookups.tables.range_files import csv_kind, prefix_form, read_prefixes, read_ranges


def read_rows(path: Path, wanted: Kind) -> FileRows:
    """The rows of a table; content identifies the format.

    Plain or gzip. Raises InputError if it is a table of another kind, no table at all, or has a bad row. Rows are
    counted without comments; their text is never repeated, because a wrong file may hold anything.
    """
    front, pieces = opened(path)
    if archive := _archive(front):
        refuse(path, f"{archive} archive: unpack it and take the file in it", wanted)
    if b"\x00" in front[:SAMPLE]:
        data = b"".join(pieces)  # a tree is read in no order
        return read_mmdb(data, path, wanted) if is_mmdb(data) else refuse(path, "a binary file", wanted)
    sample = first_lines(front)
    if not sample:
        refuse(path, "empty", wanted)
    if sample[0].startswith(("<", "{", "[")):
        refuse(path, "HTML or XML" if sample[0].startswith("<") else "JSON", wanted)
    if form := prefix_form(sample[0]):
        _want("routes", wanted, path)
        return read_prefixes(blocks(pieces, path), path, form)
    if is_delegated(sample[0]):
        _want("places", wanted, path)
        return read_delegated(lines_of(pieces, path), path)
    kind = csv_kind(sample)
    if kind is None:
        refuse(path, "of no known kind", wanted)
    _want(kind, wanted, path)
    return read_ranges(blocks(pieces, path), sample, path, kind)


def _archive(data: bytes) -> str | None:
    if data[257:262] == b"ustar":
        return "a tar"
    return "a zip" if data[:4] == b"PK\x03\x04" else "a bzip2" if data[:3] == b"BZh" else None


def _want(kind: Kind, wanted: Kind, path: Path) -> None:
    if kind != wanted:
        refuse(path, f"a table of {kind}", wanted)
