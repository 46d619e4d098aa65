"""Dated tables of domains per AS, hoster or country.

The user counted them.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from waterbed.attribution.lookups.tables.contents import lines_of, opened
from waterbed.attribution.lookups.tables.folders import about_in, whole_folder
from waterbed.model.errors import InputError

_SEE = "docs/sizes.md"
_COLUMNS = ["key", "domains"]
_AS_KEY = re.compile(r"AS[1-9]\d{0,9}")
_HOSTER_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*|[a-z]+:[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_COUNTRY_KEY = re.compile(r"[A-Z]{2}")
_MAX_AS = (1 << 32) - 1
_MOST = 10**10
"""More domains than there are: a column was taken for another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainTable:
    """One day's number of domains by key.

    Keys are `AS64500`, a hoster's key, or an ISO country code.
    """

    domains: Mapping[str, int]

    @property
    def form(self) -> str:
        """The format of its file."""
        return "csv"

    def __len__(self) -> int:
        """Count the keys."""
        return len(self.domains)

    def save(self, folder: Path) -> None:
        """Write it as a folder, completely or not at all."""
        about = {"format": 1, "kind": "domains", "domains": dict(self.domains)}
        with whole_folder(folder) as written:
            (written / "about.json").write_text(json.dumps(about, separators=(",", ":")), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "DomainTable":
        """Load a saved table; InputError if incomplete."""
        try:
            about = about_in(folder)
        except InputError:
            about = None
        if not isinstance(about, dict) or (about.get("format"), about.get("kind")) != (1, "domains"):
            raise InputError(f"{folder} does not contain a complete table of domains; import its file again ({_SEE})")
        return cls(domains=about["domains"])


def read_domains(path: Path) -> DomainTable:
    """The domains by key in a CSV file.

    The header is `key,domains`; the file is plain or gzip.

    Raises InputError for any other file, a bad row or a key that occurs twice. Rows are counted after the header, and
    their text is never repeated, because a wrong file may hold anything.
    """
    rows = _rows(path, csv.reader(_lines(path), strict=True))
    header = next(rows, (0, []))[1]
    if [cell.strip().lower() for cell in header] != _COLUMNS:
        raise InputError(f"{path} does not begin with the header key,domains ({_SEE})")
    domains: dict[str, int] = {}
    for number, row in rows:
        key, count = _checked(path, number, row)
        if key in domains:
            raise InputError(f"{path}: row {number} has a key that another row has; each may occur once ({_SEE})")
        domains[key] = count
    if not domains:
        raise InputError(f"{path} lacks rows below its header ({_SEE})")
    return DomainTable(domains=domains)


def _lines(path: Path) -> Iterator[str]:
    _, pieces = opened(path)
    for line in lines_of(pieces, path):
        if "\0" in line:
            raise InputError(f"{path} is a binary file; a table of domains is CSV with the header key,domains ({_SEE})")
        if line.strip() and not line.startswith("#"):
            yield line


def _rows(path: Path, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from enumerate(reader)
    except csv.Error as problem:
        raise InputError(f"{path} is not a readable CSV file ({problem}) ({_SEE})") from None


def _checked(path: Path, number: int, row: list[str]) -> tuple[str, int]:
    if len(row) != len(_COLUMNS):
        raise InputError(f"{path}: row {number} has not two columns, key and domains ({_SEE})")
    key, count = row[0].strip(), row[1].strip()
    if not is_key(key):
        raise InputError(f"{path}: row {number} needs a key such as AS64500, a hoster's key or NL ({_SEE})")
    if not (count.isascii() and count.isdecimal() and len(count) <= 11 and int(count) <= _MOST):
        raise InputError(f"{path}: row {number} needs a whole number of domains from 0 to {_MOST} ({_SEE})")
    return key, int(count)


def is_key(key: str) -> bool:
    """True for an AS, hoster key or country code."""
    is_as = _AS_KEY.fullmatch(key) and int(key[2:]) <= _MAX_AS
    return bool(is_as or _HOSTER_KEY.fullmatch(key) or _COUNTRY_KEY.fullmatch(key))
