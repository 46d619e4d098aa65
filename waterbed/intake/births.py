"""Dated files of births of names: reported names alone."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final, Literal

from waterbed.intake.csv_table import (
    FIRST_YEAR,
    BadCell,
    Cells,
    Columns,
    Rejected,
    as_plain_word,
    fields_of,
    read_lines,
    time_in,
)
from waterbed.model.bookkeeping import Forgotten
from waterbed.model.errors import BadUrl, InputError
from waterbed.model.facts import Birth, BirthKind, Target
from waterbed.model.redaction import names_something
from waterbed.model.urls import canonicalize, is_address, own_names, platform_suffix, registrable_domain
from waterbed.store.bounded.limits import MOST_REJECTED
from waterbed.store.bounded.text import TextFile
from waterbed.store.folder import Folder

KIND: Final = "births"
"""The kind by which `waterbed tables add` knows such files."""
_PAGE: Final = "docs/tables.md, Births"
_HEAD: Final = 200
"""Lines at the top in which the header stands; the others are comments."""
_BETWEEN: Final = re.compile(r"[\s,;\"]+")
"""What stands between the words of a line that cannot be read."""

_DOMAINS: Final = Columns(
    names={
        "domain": ("domain", "domain_name", "domainname"),
        "created": ("created", "created_at", "creation_date", "create_date", "createddate", "registered_at"),
        "absent_from_zone": ("absent_from_zone",),
    },
    needed=(("domain",), ("created", "absent_from_zone")),
    page=_PAGE,
)
_CERTIFICATES: Final = Columns(
    names={
        "names": ("names", "name_value", "dns_names", "name"),
        "logged_at": ("logged_at", "entry_timestamp"),
    },
    needed=(("names",), ("logged_at",)),
    page=_PAGE,
)
_KINDS: Final[dict[str, BirthKind]] = {"created": "creation", "absent_from_zone": "zone", "logged_at": "certificate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BirthImport:
    """Results of an import: rows of the study's names alone.

    Rows of other names are in no count.
    """

    imported: int
    known: int
    rejected: tuple[Rejected, ...]
    """The first MOST_REJECTED rejected lines."""


def import_births(folder: Folder, path: Path, day: date, licence: str | None = None) -> BirthImport:
    """Import the births of the study's names from a file.

    Names are compared by their keyed ids. Rows of names without a report are dropped unread but for the name, and
    neither kept nor counted. Of one file and name, the newest creation, the newest zone and the oldest certificate
    count. A line that cannot be read is rejected if one of its words is a reported name. `day` is the day whose state
    the file gives. InputError if it lacks the columns.
    """
    if names_something(path.name.partition(".")[0]) or names_something(path.stem):
        raise InputError(f"the file's name seems to hold a host name and would be kept; rename the file ({_PAGE})")
    text = TextFile(path, "a file of births", _PAGE)
    certified = _certified(text.head(_HEAD))
    found = _Found(folder, datetime.combine(day, time(), tzinfo=UTC), certified=certified)
    lines = found.watched(text.lines())
    for one in read_lines(lines, str(path), _CERTIFICATES if certified else _DOMAINS, found.take):
        if isinstance(one, Rejected):
            found.refuse(one)
    source, store = as_plain_word(path.name.partition(".")[0]), folder.store
    facts = {one.birth_id: one for one in found.facts(source, licence, folder.clock())}
    with store.writing() as connection:
        known = store.known_ids(Birth, "birth_id", facts, connection)
        store.add(facts.values(), connection)
    return BirthImport(imported=len(facts) - len(known), known=len(known), rejected=tuple(found.rejected))


def _certified(head: list[str]) -> bool:
    """True if the header is that of certificates."""
    first = next((line for line in head if line.strip() and not line.startswith("#")), "")
    return "logged_at" in fields_of(first, _CERTIFICATES)


@dataclass(slots=True)
class _Found:
    """The births of the study's names in one file."""

    folder: Folder
    day: datetime
    certified: bool = field(kw_only=True)
    names: Collection[str] = ()
    born: dict[tuple[str, BirthKind], datetime] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    line: str = field(default="", repr=False)
    """The line that is read."""

    def __post_init__(self) -> None:
        """Read the names of the study."""
        self.names = _reported(self.folder, "host_id" if self.certified else "site_id")

    def watched(self, lines: Iterable[str]) -> Iterator[str]:
        """Pass lines on, each kept until the next."""
        for self.line in lines:
            yield self.line

    def refuse(self, rejected: Rejected) -> None:
        """Keep the rejection of a line with a reported name."""
        words = set(_BETWEEN.split(self.line.encode(errors="replace").decode()))
        if any(True for word in words for _ in self._ours({"domain": word, "names": word})):
            self._reject(rejected)

    def _reject(self, rejected: Rejected) -> None:
        if len(self.rejected) < MOST_REJECTED:
            self.rejected.append(rejected)

    def take(self, number: int, cells: Cells) -> None:
        """Take one line, if it names anything of the study."""
        for name_id in self._ours(cells):
            try:
                self._keep(name_id, cells)
            except BadCell as problem:
                self._reject(Rejected(line=number, reason=str(problem)))

    def _ours(self, cells: Cells) -> Iterator[str]:
        keyed = self.folder.vault.keyed_id
        if not self.certified:
            name = _spelled(cells["domain"])
            if (name_id := keyed("site", name)) in self.names and _registered(name):
                yield name_id
            return
        names = {_spelled(name) for name in cells["names"].split()}
        ours = [(name, name_id) for name in names if (name_id := keyed("host", name)) in self.names]
        yield from (name_id for name, name_id in ours if own_names(names, name))

    def _keep(self, name_id: str, cells: Cells) -> None:
        for column in _KINDS.keys() & cells.keys():
            when = time_in(column, cells)
            if when is None:
                continue
            if when >= self.day + timedelta(days=1):
                raise BadCell(f"{column} must lie from {FIRST_YEAR} to the day of the file, {self.day:%Y-%m-%d}")
            key = name_id, _KINDS[column]
            hour, latest = when.replace(minute=0, second=0, microsecond=0), max if column != "logged_at" else min
            self.born[key] = latest(self.born.get(key, hour), hour)

    def facts(self, source: str, licence: str | None, now: datetime) -> Iterator[Birth]:
        """The facts of all that was found."""
        for (name_id, kind), born_at in self.born.items():
            same = f"{name_id}\x00{kind}\x00{born_at}\x00{self.day}\x00{source}"
            yield Birth(
                birth_id=hashlib.blake2b(same.encode(), digest_size=16).hexdigest(),
                name_id=name_id,
                kind=kind,
                born_at=born_at,
                data_date=self.day,
                source=source,
                licence=licence,
                received_at=now,
            )


def _reported(folder: Folder, column: Literal["host_id", "site_id"]) -> Collection[str]:
    """The ids of reported names, without those of which all URLs were forgotten."""
    gone = {one.entry_id for one in folder.store.all(Forgotten)}
    if not gone:
        return set(folder.store.distinct(Target, column))
    targets = folder.store.all(Target)
    return {getattr(one, column) for one in targets if one.url_id not in gone and one.host_id not in gone}


def _spelled(name: str) -> str:
    """A name as the study spells it, as far as it is a name."""
    name = name.strip().rstrip(".").lower()
    if name.isascii():
        return name
    try:
        return canonicalize(f"http://{name}/").host
    except BadUrl:
        return ""


def _registered(name: str) -> bool:
    """True if a name is registered, and not given out by a platform."""
    return not is_address(name) and platform_suffix(name) is None and registrable_domain(name) == name
