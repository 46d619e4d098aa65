"""Dated tables of ASes that one organisation runs.

IIL-AS2Org, PeeringDB's networks, or your own CSV. Evidence for people, no attribution.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.arrays import ArrayTable, row_of
from waterbed.attribution.lookups.tables.contents import MAX_AS, SEE, characters, first_lines, lines_of, opened
from waterbed.model.errors import InputError
from waterbed.store.bounded.files import Pieces
from waterbed.store.bounded.json_text import JsonText

_SIBLINGS = "Sibling ASNs"
_EXPECTED = (
    "a table of siblings is an object of ASes with 'Sibling ASNs', or with 'as2org' (IIL-AS2Org), PeeringDB's networks "
    f"with asn and org_id, or CSV with the header asn,organisation ({SEE})"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SiblingTable(ArrayTable):
    """One day's groups of ASes, by one source.

    `asns` are sorted, `groups` has the number of each one's group; those that are alone are left out.
    """

    KIND = "siblings"

    asns: NDArray[np.uint32]
    groups: NDArray[np.uint32]

    def __len__(self) -> int:
        """Count the ASes that have siblings."""
        return len(self.asns)

    def group_of(self, asn: int) -> int | None:
        """The number of an AS's group; None without siblings."""
        row = row_of(self.asns, asn)
        return None if row is None else int(self.groups[row])

    def complete(self) -> bool:
        """True if each AS has a group."""
        return len(self.asns) == len(self.groups)


class _Groups:
    """ASes joined to groups as they are read."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}
        self._of_word: dict[object, int] = {}

    def root(self, asn: int) -> int:
        above = self._above
        above.setdefault(asn, asn)
        while above[asn] != asn:
            above[asn] = asn = above[above[asn]]
        return asn

    def join(self, asn: int, other: int) -> None:
        root, two = self.root(asn), self.root(other)
        self._above[max(root, two)] = min(root, two)

    def under(self, asn: int, word: object) -> None:
        """Join an AS to others of an organisation."""
        self.join(asn, self._of_word.setdefault(word, asn))

    def table(self, form: str) -> SiblingTable:
        roots = {asn: self.root(asn) for asn in sorted(self._above)}
        sizes: dict[int, int] = {}
        for root in roots.values():
            sizes[root] = sizes.get(root, 0) + 1
        siblings = [(asn, root) for asn, root in roots.items() if sizes[root] > 1]
        columns = np.array(siblings, np.uint32).reshape(-1, 2)
        return SiblingTable(form=form, asns=columns[:, 0].copy(), groups=columns[:, 1].copy())


def read_siblings(path: Path) -> SiblingTable:
    """The groups in a file; its content tells the form.

    Plain or gzip. Raises InputError for any other file, and for one with a bad entry, which is told by its number and
    never by its text.
    """
    front, pieces = opened(path)
    sample = first_lines(front)
    if b"\x00" in front[:1024] or not sample:
        raise InputError(f"{path} is {'a binary file' if front.strip() else 'empty'}; {_EXPECTED}")
    groups = _Groups()
    if sample[0].lstrip("\ufeff ").startswith("{"):
        form = _read_json(pieces, groups, path)
    elif [cell.strip().lower() for cell in next(csv.reader(sample[:1]), [])] == ["asn", "organisation"]:
        _read_csv(lines_of(pieces, path), groups, path)
        form = "csv"
    else:
        raise InputError(f"{path} is of no known kind; {_EXPECTED}")
    table = groups.table(form)
    if not len(table):
        raise InputError(f"{path} names no two ASes of one organisation; {_EXPECTED}")
    return table


def _read_csv(lines: Iterator[str], groups: _Groups, path: Path) -> None:
    content_lines = (line for line in lines if line.strip() and not line.startswith("#"))
    try:
        for number, row in enumerate(csv.reader(content_lines, strict=True)):
            if not number:
                continue
            asn = _as(row[0].strip()) if len(row) == 2 else None
            if asn is None or not row[1].strip():
                _bad(path, f"row {number}", "needs an AS and a word for its organisation")
            groups.under(asn, row[1].strip().lower())
    except csv.Error:
        raise InputError(f"{path} is not a readable CSV file ({SEE})") from None


def _read_json(pieces: Pieces, groups: _Groups, path: Path) -> str:
    text = JsonText(characters(pieces, path), path.name)
    form, number = "iil-as2org", 0
    try:
        for number, key in enumerate(text.members(), 1):
            if key in ("data", "net"):
                form = "peeringdb"
                _networks(text, groups, path, nested=key == "net")
            elif key == "as2org":
                _organisations(text, groups, path)
            elif key.isdecimal():
                _siblings(key, text.value(), groups, path, number)
            else:
                text.skip()
        text.end()
    except InputError as problem:
        if str(problem).startswith(f"{path}: "):
            raise
        raise InputError(f"{path} is not a whole object of JSON, near entry {max(1, number)}; {_EXPECTED}") from None
    return form


def _siblings(key: str, record: object, groups: _Groups, path: Path, number: int) -> None:
    siblings = record.get(_SIBLINGS) if isinstance(record, dict) else None
    asn = _as(key)
    if asn is None or not isinstance(siblings, list):
        _bad(path, f"entry {number}", f"is no AS with {_SIBLINGS}")
    groups.root(asn)
    for sibling in siblings:
        other = _as(sibling)
        if other is None:
            _bad(path, f"entry {number}", "has a sibling that is no AS")
        groups.join(asn, other)


def _organisations(text: JsonText, groups: _Groups, path: Path) -> None:
    """The later form of IIL-AS2Org: the organisation of each AS."""
    for number, key in enumerate(text.members(), 1):
        record = text.value()
        organisation = record.get("OrgID") if isinstance(record, dict) else None
        asn = _as(key)
        if asn is None or not isinstance(organisation, str | int):
            _bad(path, f"entry {number}", "is no AS with OrgID")
        groups.under(asn, organisation)


def _networks(text: JsonText, groups: _Groups, path: Path, *, nested: bool) -> None:
    if nested:
        for key in text.members():
            if key == "data":
                _networks(text, groups, path, nested=False)
            else:
                text.skip()
        return
    for number, _ in enumerate(text.items(), 1):
        record = text.value()
        numbers = [record.get(name) for name in ("asn", "org_id")] if isinstance(record, dict) else []
        asn = _as(numbers[0]) if numbers else None
        if asn is None or type(numbers[1]) is not int:
            _bad(path, f"network {number}", "needs the numbers asn and org_id")
        groups.under(asn, numbers[1])


def _as(spelled: object) -> int | None:
    text = str(spelled) if isinstance(spelled, str) or type(spelled) is int else ""
    digits = text.upper().removeprefix("AS")
    asn = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else 0
    return asn if 0 < asn <= MAX_AS else None


def _bad(path: Path, where: str, problem: str) -> NoReturn:
    raise InputError(f"{path}: {where} {problem} ({SEE})")
