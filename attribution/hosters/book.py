"""The book of hosters: companies and their members over time.

Members are ASes, registrants, address ranges and platform suffixes.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from waterbed.attribution.hosters.day import BookOfDay, Entity, Fold, first_day
from waterbed.attribution.hosters.files import (
    KNOWN,
    DatedMember,
    Definition,
    Hoster,
    HosterKind,
    definitions_from,
    known_definitions,
)
from waterbed.attribution.hosters.members import SUFFIX, as_of_key
from waterbed.attribution.hosters.review import QUEUE, Status, in_force, statuses
from waterbed.model.decisions import Coding, HosterChange, by_item
from waterbed.store.bounded.toml import toml_bytes

__all__ = [
    "BookOfDay",
    "DatedMember",
    "Entity",
    "Hoster",
    "HosterBook",
    "HosterKind",
    "Lineage",
    "as_of_key",
    "book_from",
    "read_hosters",
]


class Lineage(NamedTuple):
    """One hoster took over everything of another."""

    old: str
    new: str
    since: date


class HosterBook:
    """Known list, study's file and decided changes, applied in order.

    `on` gives the book as it stands on a day. `checksum` names the state: the known list, the file, the changes in
    force and what their coders think, so that a conclusion can say which book it was drawn with.
    """

    def __init__(
        self,
        *,
        known: Sequence[Definition] = (),
        file: Sequence[Definition] = (),
        changes: Sequence[HosterChange] = (),
        codings: Iterable[Coding] = (),
        kinds: Mapping[str, HosterKind] | None = None,
        checksum: str = "",
    ) -> None:
        """Take the layers; `checksum` is that of known list and file, changes are added to it here.

        `kinds` are those of companies, by the codes that two people gave to their roles.
        """
        self.known, self.file = tuple(known), tuple(file)
        self.changes = tuple(sorted(changes, key=lambda change: (change.decided_at, change.change_id)))
        self.codings = tuple(codings)
        self.kinds = dict(kinds or {})
        self.statuses: dict[str, Status] = statuses(self.changes, self.codings)
        undone = undone_ids(self.changes)
        self.standing = tuple(c for c in self.changes if c.kind != "undo" and c.change_id not in undone)
        self.in_force = tuple(
            change for change in self.standing if in_force(change, self.statuses.get(change.change_id))
        )
        self._files_checksum = checksum
        self.checksum = self._checksum(checksum)
        dated = (day for d in (*self.known, *self.file) for m in d.members for day in (m.since, m.until) if day)
        self.boundaries = tuple(sorted({*dated, *(day for change in self.in_force if (day := first_day(change)))}))
        self._books: list[BookOfDay | None] = [None] * (len(self.boundaries) + 1)

    def on(self, day: date) -> BookOfDay:
        """The book on a day.

        The object is the same between two days on which the book changes.
        """
        place = bisect_right(self.boundaries, day)
        book = self._books[place]
        if book is None:
            book = self._books[place] = self._folded(self.boundaries[place - 1] if place else date.min)
        return book

    def stretches(self) -> list[BookOfDay]:
        """The book of every stretch of days, oldest first."""
        return [self.on(day) for day in (date.min, *self.boundaries)]

    def resolve(self, key: str, day: date) -> str:
        """The company of a key on a day, after merges."""
        return self.on(day).resolve(key)

    def lineage(self) -> tuple[Lineage, ...]:
        """Full takeovers of one hoster by another, with their day.

        Keys are those of companies before and on that day.
        """
        return tuple(sorted(self._takeovers().values(), key=lambda lineage: (lineage.since, lineage.old, lineage.new)))

    def confirmed(self) -> tuple[HosterChange, ...]:
        """Takeovers that two people accepted with a source each."""
        coded, takeovers_confirmed = by_item(self.codings, QUEUE), []
        takeovers = self._takeovers()
        for change in self.in_force:
            accepted = [
                coding for coding in coded.get(change.change_id, ()) if coding.code == "accept" and coding.note.strip()
            ]
            settled = change.change_id in takeovers and self.statuses.get(change.change_id) == "accepted"
            if settled and len({coding.coder for coding in accepted}) > 1:
                takeovers_confirmed.append(change)
        return tuple(takeovers_confirmed)

    def _takeovers(self) -> dict[str, Lineage]:
        """Full takeovers by the change that decided them."""
        takeovers = {}
        for change in self.in_force:
            since = first_day(change)
            if change.is_takeover and change.into and since and change.change_id in self.on(since).effective:
                old = self.resolve(change.key, since - timedelta(days=1))
                takeovers[change.change_id] = Lineage(old, self.resolve(change.into, since), since)
        return takeovers

    def without_effect(self) -> tuple[HosterChange, ...]:
        """Changes in force that have no effect on any day.

        An earlier change that they depend on is gone.
        """
        books = self.stretches() if self.in_force else []
        effective = frozenset[str]().union(*(book.effective for book in books))
        return tuple(change for change in self.in_force if change.change_id not in effective)

    def suffixes(self) -> frozenset[str]:
        """All platform suffixes that the book assigns on any day."""
        claimed = {member.what for definition in (*self.known, *self.file) for member in definition.members}
        claimed.update(member for change in self.in_force for member in change.members)
        return frozenset(member.removeprefix(SUFFIX) for member in claimed if member.startswith(SUFFIX))

    def with_changes(self, changes: Sequence[HosterChange]) -> "HosterBook":
        """The same book with other changes."""
        return HosterBook(
            known=self.known,
            file=self.file,
            changes=changes,
            codings=self.codings,
            kinds=self.kinds,
            checksum=self._files_checksum,
        )

    def without_kinds(self) -> "HosterBook":
        """The same book without the coders' roles."""
        return HosterBook(
            known=self.known,
            file=self.file,
            changes=self.changes,
            codings=self.codings,
            checksum=self._files_checksum,
        )

    def _folded(self, day: date) -> BookOfDay:
        fold = Fold(day)
        fold.define(self.known, "known")
        fold.define(self.file, "file")
        for change in self.in_force:
            fold.apply(change)
        return BookOfDay(fold, fold.doubtful(self.in_force, self.statuses), self.kinds)

    def _checksum(self, files: str) -> str:
        if not self.in_force and not self.kinds:
            return files
        hashed = hashlib.sha256(files.encode())
        for change in self.in_force:
            values = [getattr(change, field.name) for field in fields(change)]
            hashed.update(repr([*map(str, values), self.statuses.get(change.change_id)]).encode())
        if self.kinds:
            hashed.update(repr(sorted(self.kinds.items())).encode())
        return hashed.hexdigest()

    # The book at the end of time, as one without days: for those who do not ask for a day.
    @property
    def by_key(self) -> Mapping[str, Entity]:
        """Every entity by its key."""
        return self.on(date.max).entities

    @property
    def by_as(self) -> Mapping[int, str]:
        """The key of each claimed AS."""
        key_by_member = self.on(date.max).held().items()
        return MappingProxyType({asn: key for member, key in key_by_member if (asn := as_of_key(member)) is not None})

    @property
    def by_suffix(self) -> Mapping[str, Entity]:
        """The entity of each platform suffix."""
        book = self.on(date.max)
        suffix_keys = (
            (member.removeprefix(SUFFIX), key) for member, key in book.held().items() if member.startswith(SUFFIX)
        )
        return MappingProxyType({suffix: book.entities[key] for suffix, key in suffix_keys if key in book.entities})


def undone_ids(changes: Sequence[HosterChange]) -> set[str]:
    """The ids of undone changes, in order.

    An undo takes back an earlier change, which may itself be an undo.
    """
    undone: set[str] = set()
    for change in reversed(changes):
        if change.kind == "undo" and change.change_id not in undone:
            undone.add(change.key)
    return undone


def read_hosters(path: Path) -> HosterBook:
    """The book in a TOML file of `[[hoster]]` tables.

    Raises InputError if it cannot be read or contradicts itself.
    """
    return book_from(toml_bytes(path, "a file of hosters", "docs/hosters.md, The file"), str(path))


def book_from(
    data: bytes,
    where: str = "hosters",
    *,
    with_known: bool = False,
    changes: Sequence[HosterChange] = (),
    codings: Iterable[Coding] = (),
    kinds: Mapping[str, HosterKind] | None = None,
) -> HosterBook:
    """The book in TOML text, with decided changes.

    Empty text is an empty book; `where` names the text in errors. With `with_known` the list of known proxies and
    platforms lies beneath.
    """
    file = definitions_from(data, where)
    checksum = hashlib.sha256(data)
    if with_known:
        checksum.update(b"\0" + KNOWN.read_bytes())
    return HosterBook(
        known=known_definitions() if with_known else (),
        file=file,
        changes=changes,
        codings=codings,
        kinds=kinds,
        checksum=checksum.hexdigest(),
    )
