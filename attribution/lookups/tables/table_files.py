"""Files of dated address tables; content identifies the format."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Final

from waterbed.attribution.lookups.tables.contents import (
    SAMPLE,
    FileRows,
    Kind,
    blocks,
    first_lines,
    lines_of,
    opened,
    refuse,
)
from waterbed.attribution.lookups.tables.delegated import is_delegated, read_delegated
from waterbed.attribution.lookups.tables.mmdb import is_mmdb, read_mmdb
from waterbed.attribution.lookups.tables.range_files import (
    PrefixForm,
    csv_kind,
    prefix_form,
    read_prefixes,
    read_ranges,
)
from waterbed.model.errors import InputError
from waterbed.model.plugins import INTERFACE, added, called


@dataclass(frozen=True, slots=True, kw_only=True)
class TableForm:
    """A form of dated tables of one kind, as text.

    `is_head` tells it by first lines, none blank or a comment; `read` takes the unpacked bytes in pieces, these lines
    and the file's path. `csv_rows` helps where rows become those of CSV.
    """

    kind: Kind
    is_head: Callable[[Sequence[str]], bool]
    read: Callable[[Iterator[bytes], Sequence[str], Path], FileRows]
    interface: int = INTERFACE


def csv_rows(lines: Iterable[str], path: Path, kind: Kind) -> FileRows:
    """Rows of lines `start,end,AS,organisation` or `start,end,country`."""
    pieces = (f"{line}\n".encode() for line in lines)
    first = list(islice(pieces, _FIRST))
    sample = [line.decode().rstrip("\n") for line in first]
    if csv_kind(sample) != kind:
        refuse(path, "without rows of an address range", kind)
    return read_ranges(blocks(chain(first, pieces), path), sample, path, kind)


def _ranges(kind: Kind) -> TableForm:
    return TableForm(
        kind=kind,
        is_head=lambda sample: csv_kind(sample) == kind,
        read=lambda pieces, sample, path: read_ranges(blocks(pieces, path), sample, path, kind),
    )


def _prefixes(form: PrefixForm) -> TableForm:
    return TableForm(
        kind="routes",
        is_head=lambda sample: prefix_form(sample[0]) == form,
        read=lambda pieces, _, path: read_prefixes(blocks(pieces, path), path, form),
    )


FORMS: Final[Mapping[str, TableForm]] = {
    "pyasn": _prefixes("pyasn"),
    "pfx2as": _prefixes("pfx2as"),
    "delegated": TableForm(
        kind="places",
        is_head=lambda sample: is_delegated(sample[0]),
        read=lambda pieces, _, path: read_delegated(lines_of(pieces, path), path),
    ),
    "csv routes": _ranges("routes"),
    "csv places": _ranges("places"),
}
"""The forms of text that are built in; plug-ins add others."""
_FIRST: Final = 50
"""Lines that tell the kind of a CSV file."""


def read_rows(path: Path, kind: Kind) -> FileRows:
    """The rows of a table; content identifies the format.

    Plain or gzip. Raises InputError if it is a table of another kind, no table at all, or has a bad row. Rows are
    counted without comments; their text is never repeated, because a wrong file may hold anything. Plug-ins are asked
    first.
    """
    front, pieces = opened(path)
    if archive := _archive(front):
        refuse(path, f"{archive} archive: unpack it and take the file in it", kind)
    if b"\x00" in front[:SAMPLE]:
        data = b"".join(pieces)  # a tree is read in no order
        return read_mmdb(data, path, kind) if is_mmdb(data) else refuse(path, "a binary file", kind)
    sample = first_lines(front)
    if not sample:
        refuse(path, "empty", kind)
    for name, form in added("tables", TableForm, FORMS).items():
        if called(name, partial(form.is_head, sample)):
            _want(form.kind, kind, path)
            return _checked(name, called(name, partial(form.read, iter(pieces), sample, path)))
    if sample[0].startswith(("<", "{", "[")):
        refuse(path, "HTML or XML" if sample[0].startswith("<") else "JSON", kind)
    table_form = next((form for form in FORMS.values() if form.is_head(sample)), None)
    if table_form is None:
        refuse(path, "of no known kind", kind)
    _want(table_form.kind, kind, path)
    return table_form.read(iter(pieces), sample, path)


def _checked(name: str, rows: object) -> FileRows:
    if not isinstance(rows, FileRows):
        raise InputError(f"the plug-in {name} read a {type(rows).__name__}, not rows of a table (docs/plugins.md)")
    return rows


def _archive(data: bytes) -> str | None:
    if data[257:262] == b"ustar":
        return "a tar"
    return "a zip" if data[:4] == b"PK\x03\x04" else "a bzip2" if data[:3] == b"BZh" else None


def _want(kind: Kind, expected: Kind, path: Path) -> None:
    if kind != expected:
        refuse(path, f"a table of {kind}", expected)
