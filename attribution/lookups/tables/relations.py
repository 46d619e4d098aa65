"""Dated tables of AS relations: provider and customer, or peers.

CAIDA's serial-1 and serial-2, and BGPKIT's as2rel as JSON.
"""

import re
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.arrays import ArrayTable, row_of
from waterbed.attribution.lookups.tables.contents import MAX_AS, SEE, characters, first_lines, lines_of, opened
from waterbed.model.errors import InputError
from waterbed.store.bounded.files import Pieces
from waterbed.store.bounded.json_text import JsonText

Ases = NDArray[np.uint32]
_LINE = re.compile(r"(\d{1,10})\|(\d{1,10})\|(-?\d)(?:\|([a-z]+(?:,[a-z]+)*))?")
_KINDS: Final = {-1: "provider", 0: "peer"}
_EXPECTED: Final = (
    "a table of relations has lines such as 64500|64501|-1 (CAIDA, serial-1), 64500|64501|-1|bgp (serial-2), or a list "
    f"of objects with asn1, asn2 and rel (BGPKIT) ({SEE})"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RelationTable(ArrayTable):
    """One day's providers of ASes.

    `customers` are sorted; the providers of customer i are `providers[ends[i]:ends[i + 1]]`, sorted. `peers` counts the
    pairs that are told as peers: they carry nobody, and are not kept.
    """

    KIND = "relations"

    customers: Ases
    providers: Ases
    ends: NDArray[np.int64]
    peers: int

    def __len__(self) -> int:
        """Count the relations that the file told."""
        return len(self.providers) + self.peers

    def providers_of(self, asn: int) -> tuple[int, ...]:
        """The ASes that carry an AS as their customer, sorted."""
        row = row_of(self.customers, asn)
        return () if row is None else tuple(self.providers[self.ends[row] : self.ends[row + 1]].tolist())

    def complete(self) -> bool:
        """True if each customer has its providers."""
        return len(self.ends) == len(self.customers) + 1 and int(self.ends[-1]) == len(self.providers)

    def above(self, ases: Iterable[int]) -> list[tuple[int, int]]:
        """Customer and provider, from ASes up to the top.

        Each pair once, nearest first; circles end by themselves.
        """
        pairs: list[tuple[int, int]] = []
        seen = set(ases)
        level = sorted(seen)
        while level:
            level_pairs = [(asn, provider) for asn in level for provider in self.providers_of(asn)]
            pairs += level_pairs
            level = sorted({provider for _, provider in level_pairs} - seen)
            seen.update(level)
        return pairs


class _Gathered:
    """Pairs as they are read."""

    def __init__(self) -> None:
        self.providers, self.customers, self.peers = array("L"), array("L"), array("Q")

    def add(self, first: int, second: int, relation: int) -> str | None:
        """Take a pair; returns what is wrong with it.

        The first is the provider of the second if the relation is -1.
        """
        if not (0 < first <= MAX_AS and 0 < second <= MAX_AS):
            return f"names an AS that is not from 1 to {MAX_AS}"
        if first == second:
            return "relates an AS to itself"
        if relation == 0:
            self.peers.append(min(first, second) << 32 | max(first, second))
        else:
            self.providers.append(first)
            self.customers.append(second)
        return None

    def table(self, form: str) -> RelationTable:
        """The table of all pairs, each once."""
        customers = np.array(self.customers, np.uint64)
        pairs = np.unique(customers << np.uint64(32) | np.array(self.providers, np.uint64))
        distinct, starts = np.unique((pairs >> np.uint64(32)).astype(np.uint32), return_index=True)
        return RelationTable(
            form=form,
            customers=distinct,
            providers=(pairs & np.uint64(MAX_AS)).astype(np.uint32),
            ends=np.append(starts, len(pairs)).astype(np.int64),
            peers=len(np.unique(np.array(self.peers, np.uint64))),
        )


def read_relations(path: Path) -> RelationTable:
    """The relations in a file; its content tells the form.

    Plain or gzip. Raises InputError for any other file, and for one with a bad row, which is told by its number and
    never by its text.
    """
    front, pieces = opened(path)
    sample = first_lines(front)
    if b"\x00" in front[:1024] or not sample:
        raise InputError(f"{path} is {'a binary file' if front.strip() else 'empty'}; {_EXPECTED}")
    gathered = _Gathered()
    if sample[0].lstrip().startswith(("[", "{")):
        _read_json(pieces, gathered, path)
        form = "as2rel"
    elif line := _LINE.fullmatch(sample[0]):
        form = "serial-2" if line[4] else "serial-1"
        _read_lines(lines_of(pieces, path), gathered, path, with_source=form == "serial-2")
    else:
        raise InputError(f"{path} is of no known kind; {_EXPECTED}")
    if not gathered.providers:
        raise InputError(f"{path} names no provider: half a file; fetch it again ({SEE})")
    return gathered.table(form)


def _read_lines(lines: Iterable[str], gathered: _Gathered, path: Path, *, with_source: bool) -> None:
    match: Callable[[str], re.Match[str] | None] = _LINE.fullmatch
    for number, line in enumerate(lines, 1):
        if line.startswith("#") or not line.strip():
            continue
        line_match = match(line)
        if line_match is None or (line_match[4] is not None) != with_source:
            columns = "provider|customer|-1|source or peer|peer|0|source" if with_source else "AS|AS|-1 or AS|AS|0"
            _bad(path, f"line {number}", f"is not {columns}, as the first one is")
        relation = int(line_match[3])
        if relation not in _KINDS:
            _bad(path, f"line {number}", f"has the relation {relation}, where -1 is a provider and 0 a peer")
        if problem := gathered.add(int(line_match[1]), int(line_match[2]), relation):
            _bad(path, f"line {number}", problem)


def _read_json(pieces: Pieces, gathered: _Gathered, path: Path) -> None:
    text = JsonText(characters(pieces, path), path.name)
    number = 0
    try:
        for number, _ in enumerate(text.items(), 1):
            record = text.value()
            problem = _of_record(record, gathered)
            if problem:
                _bad(path, f"object {number}", problem)
        text.end()
    except InputError as problem:
        if str(problem).startswith(f"{path}: "):
            raise
        raise InputError(f"{path} is not a whole list of JSON, near object {max(1, number)}; {_EXPECTED}") from None


def _of_record(record: object, gathered: _Gathered) -> str | None:
    numbers: list[Any] = [record.get(name) for name in ("asn1", "asn2", "rel")] if isinstance(record, dict) else []
    if len(numbers) != 3 or not all(type(number) is int for number in numbers):
        return "has no whole numbers asn1, asn2 and rel"
    first, second, relation = map(int, numbers)
    if relation not in (-1, 0, 1):
        return "has a rel that is none of 1, 0 and -1"
    # here 1 says that asn1 is the provider, where CAIDA writes -1
    provider, customer = (second, first) if relation == -1 else (first, second)
    return gathered.add(provider, customer, -abs(relation))


def _bad(path: Path, where: str, problem: str) -> NoReturn:
    raise InputError(f"{path}: {where} {problem} ({SEE})")
