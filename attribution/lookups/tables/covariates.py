"""Dated tables of covariates of hosters, beside their size."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from waterbed.attribution.lookups.tables.contents import MAX_AS, first_lines, lines_of, opened, plain_text
from waterbed.attribution.lookups.tables.domains import is_key
from waterbed.attribution.lookups.tables.folders import about_in, whole_folder
from waterbed.model.errors import InputError
from waterbed.store.bounded.limits import MOST_ABOUT

Value = float | str
_SEE = "docs/tables.md"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_AS = re.compile(r"(?:AS)?([1-9]\d{0,9})", re.IGNORECASE)
_TAG = re.compile(r"[a-z][a-z0-9_-]{0,29}")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
_LONGEST: Final = 80
"""Most characters of a word."""
_MOST_COLUMNS: Final = 20
_MOST_PREFIXES: Final = 1 << 32
_ASDB = ("category 1 - layer 1", "category 1 - layer 2")
_EXPECTED = (
    "a table of covariates is CSV with the header key,NAME,... or asn,name,class, ASdb's CSV, rows TAG,AS of bgp.tools "
    f"or PeeringDB's networks as JSON ({_SEE})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CovariateTable:
    """One day's covariates: by name the value of each key.

    Keys are `AS64500`, a hoster's key, or an ISO country code. A column has numbers or words alone. Keys that a column
    of tags lacks do not have the tag; any other column does not know of them.
    """

    form: str
    columns: Mapping[str, Mapping[str, Value]]

    def __len__(self) -> int:
        """Count the keys."""
        return len({key for column in self.columns.values() for key in column})

    def save(self, folder: Path) -> None:
        """Write it as a folder, completely or not at all."""
        with whole_folder(folder) as written:
            (written / "about.json").write_bytes(self.text())

    def text(self) -> bytes:
        """It as JSON."""
        return msgspec.json.encode({"format": 1, "kind": "covariates", "form": self.form, "columns": self.columns})

    @classmethod
    def load(cls, folder: Path) -> "CovariateTable":
        """Load a saved table; InputError if incomplete."""
        try:
            about = about_in(folder)
        except InputError:
            about = None
        if not isinstance(about, dict) or (about.get("format"), about.get("kind")) != (1, "covariates"):
            raise InputError(
                f"{folder} does not contain a complete table of covariates; import its file again ({_SEE})"
            )
        return cls(form=about["form"], columns=about["columns"])


TAG: Final = "tag_"
"""Names of covariates that are tags begin so."""


def read_covariates(path: Path) -> CovariateTable:
    """The covariates in a file; its content tells the form.

    Plain or gzip.

    Raises InputError for any other file, a bad row, or a key that occurs twice. Rows are counted after the header, and
    their text is never repeated, because a wrong file may hold anything.
    """
    front, pieces = opened(path)
    if b"\0" in front[:1024] or not front.strip():
        raise InputError(f"{path} is {'a binary file' if front.strip() else 'empty'}; {_EXPECTED}")
    sample = first_lines(front)
    if front.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        table = _peeringdb(path, b"".join(pieces))
    else:
        header = [cell.strip().lower() for cell in next(csv.reader(sample[:1]), [])]
        form = _form_of(header)
        if form is None:
            raise InputError(f"{path} is of no known kind; {_EXPECTED}")
        named, read = form
        table = CovariateTable(form=named, columns=read(path, header, _rows(path, lines_of(pieces, path))))
    if not len(table):
        raise InputError(f"{path} names no covariate of anybody; {_EXPECTED}")
    if len(table.text()) > MOST_ABOUT:
        raise InputError(f"{path} has more than {MOST_ABOUT >> 20} MiB of covariates; leave columns out ({_SEE})")
    return table


_Rows = Iterator[tuple[int, list[str]]]
_Columns = dict[str, dict[str, Value]]


def _form_of(header: Sequence[str]) -> tuple[str, Callable[[Path, Sequence[str], _Rows], _Columns]] | None:
    if header[:1] == ["key"]:
        return "csv", _own
    if header[:1] == ["asn"] and set(_ASDB) <= set(header):
        return "asdb", _asdb
    if header[:3] == ["asn", "name", "class"]:
        return "bgptools", _classes
    if len(header) > 1 and _TAG.fullmatch(header[0]) and header[1].startswith("as") and _AS.fullmatch(header[1]):
        return "bgptools", _tags
    return None


def _own(path: Path, header: Sequence[str], rows: _Rows) -> _Columns:
    names = header[1:]
    if not 1 <= len(names) <= _MOST_COLUMNS or len(set(names)) < len(names) or not all(map(_NAME.fullmatch, names)):
        raise InputError(
            f"{path}: after key the header needs 1 to {_MOST_COLUMNS} names, each once, of small letters, digits and _ "
            f"({_SEE})"
        )
    texts: dict[str, dict[str, str]] = {name: {} for name in names}
    seen: set[str] = set()
    next(rows)
    for number, row in rows:
        if len(row) != len(header):
            raise InputError(f"{path}: row {number} has not as many columns as the header ({_SEE})")
        key = row[0].strip()
        if not is_key(key):
            raise InputError(f"{path}: row {number} needs a key such as AS64500, a hoster's key or NL ({_SEE})")
        if key in seen:
            raise InputError(f"{path}: row {number} has a key that another row has; each may occur once ({_SEE})")
        seen.add(key)
        for name, cell in zip(names, row[1:], strict=True):
            if word := _word(path, number, cell):
                texts[name][key] = word
    return {name: _values(column) for name, column in texts.items() if column}


def _values(texts: Mapping[str, str]) -> dict[str, Value]:
    """Numbers if all are, else words."""
    if all(_NUMBER.fullmatch(text) for text in texts.values()):
        return {key: float(text) for key, text in texts.items()}
    return dict(texts)


def _asdb(path: Path, header: Sequence[str], rows: _Rows) -> _Columns:
    """The first category of each AS, in both layers (Ziv et al., IMC 2021)."""
    places = [header.index(name) for name in _ASDB]
    columns: _Columns = {"business": {}, "business_detail": {}}
    next(rows)
    for number, row in rows:
        key = _as_key(path, number, row)
        for name, place in zip(columns, places, strict=True):
            if place < len(row) and (word := _word(path, number, row[place])):
                columns[name].setdefault(key, word)
    return {name: column for name, column in columns.items() if column}


def _classes(path: Path, _: Sequence[str], rows: _Rows) -> _Columns:
    """The class of each AS: Eyeball, Content, Transit, Carrier; Unknown is none."""
    class_by_as: dict[str, Value] = {}
    next(rows)
    for number, row in rows:
        key = _as_key(path, number, row)
        word = _word(path, number, row[2] if len(row) > 2 else "")
        if word and word.lower() != "unknown":
            class_by_as[key] = word
    return {"network_class": class_by_as} if class_by_as else {}


def _tags(path: Path, _: Sequence[str], rows: _Rows) -> _Columns:
    columns: _Columns = {}
    for number, row in rows:
        tag = row[0].strip().lower()
        if len(row) < 2 or not _TAG.fullmatch(tag):
            raise InputError(f"{path}: row {number} needs a tag and an AS, as in vpsh,AS64500 ({_SEE})")
        columns.setdefault(f"{TAG}{tag.replace('-', '_')}", {})[_as_key(path, number, row[1:])] = 1.0
    if len(columns) > _MOST_COLUMNS:
        raise InputError(f"{path} has {len(columns)} tags where {_MOST_COLUMNS} are the most ({_SEE})")
    return columns


class _Net(msgspec.Struct):
    asn: int
    info_type: str | None = None
    info_types: list[str] | None = None
    info_prefixes4: int | None = None


class _Nets(msgspec.Struct):
    data: list[_Net]


class _Dump(msgspec.Struct):
    """The answer on networks, or a dump of everything (CAIDA)."""

    data: list[_Net] | None = None
    net: _Nets | None = None


def _peeringdb(path: Path, data: bytes) -> CovariateTable:
    try:
        read = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Dump)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{path} is JSON, and not PeeringDB's list of networks; {_EXPECTED}") from None
    types: dict[str, Value] = {}
    prefixes: dict[str, Value] = {}
    for number, network in enumerate(read.data or (read.net.data if read.net else [])):
        if not 0 < network.asn <= MAX_AS:
            raise InputError(f"{path}: network {number + 1} needs the number of an AS ({_SEE})")
        key = f"AS{network.asn}"
        named = (network.info_types or [""])[0] or network.info_type or ""
        if (word := _word(path, number + 1, named)) and word != "Not Disclosed":
            types[key] = word
        if not 0 <= (announced := network.info_prefixes4 or 0) <= _MOST_PREFIXES:
            raise InputError(
                f"{path}: network {number + 1} needs a number of IPv4 prefixes from 0 to {_MOST_PREFIXES:,} ({_SEE})"
            )
        if announced:
            prefixes[key] = float(announced)
    columns = {"network_type": types, "network_prefixes": prefixes}
    return CovariateTable(form="peeringdb", columns={name: column for name, column in columns.items() if column})


def _as_key(path: Path, number: int, row: Sequence[str]) -> str:
    match = _AS.fullmatch(row[0].strip()) if row else None
    if not match or int(match[1]) > MAX_AS:
        raise InputError(f"{path}: row {number} needs an AS such as AS64500 ({_SEE})")
    return f"AS{int(match[1])}"


def _word(path: Path, number: int, cell: str) -> str:
    word = plain_text(cell)
    if len(word) > _LONGEST:
        raise InputError(f"{path}: row {number} has a word of more than {_LONGEST} characters ({_SEE})")
    return word


def _rows(path: Path, lines: Iterator[str]) -> _Rows:
    content_lines = (line for line in lines if line.strip() and not line.startswith("#"))
    try:
        yield from enumerate(csv.reader(content_lines, strict=True))
    except csv.Error as problem:
        raise InputError(f"{path} is not a readable CSV file ({problem}) ({_SEE})") from None
