"""People's decisions about hosters, and their codings, on record."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from waterbed.attribution.hosters.book import HosterBook, book_from
from waterbed.attribution.hosters.changes import check_change, find_change, well_formed
from waterbed.attribution.hosters.files import HosterKind
from waterbed.attribution.hosters.review import CODED, QUEUE, check_coding
from waterbed.governance.keys import stated_reason
from waterbed.model.bookkeeping import Audit
from waterbed.model.decisions import Coding, HosterChange, HosterChangeKind, settled_codes
from waterbed.model.errors import InputError
from waterbed.store.audit import who
from waterbed.store.bounded.toml import toml_bytes
from waterbed.store.folder import Folder, real_clock
from waterbed.store.tables import TABLES
from waterbed.store.whole.files import write_whole


def decide(
    folder: Folder,
    kind: HosterChangeKind,
    key: str,
    *,
    into: str | None = None,
    members: tuple[str, ...] = (),
    name: str | None = None,
    country: str | None = None,
    entity: str | None = None,
    since: date | None = None,
    reason: str,
    person: str | None = None,
) -> HosterChange:
    """Put a change of the book on record; returns it.

    InputError if it is not well-formed or contradicts the book, and for a reason that is empty or names an address.
    For an undo, `key` is the change, or the first characters of its id.
    """
    why, name_of_person = stated_reason(reason), person or who()
    with folder.store.writing() as connection:  # on SQLite two people decide one after the other
        book = read_book(folder)
        change = well_formed(
            HosterChange(
                change_id=uuid.uuid4().hex,
                kind=kind,
                key=find_change(book.changes, key).change_id if kind == "undo" else key,
                into=into,
                members=members,
                name=name,
                country=country,
                entity=entity,
                since=datetime.combine(since, time(), UTC) if since else None,
                who=name_of_person,
                reason=why,
                decided_at=_later(change.decided_at for change in book.changes),
            )
        )
        check_change(book, change)
        folder.store.add([change, audited(f"hosters {kind}", change.change_id, why, name_of_person)], connection)
    return change


def code(
    folder: Folder,
    change_id: str,
    given: str,
    *,
    note: str = "",
    adjudicates: bool = False,
    person: str | None = None,
) -> Coding:
    """Put a person's coding of a change on record.

    Returns the coding. The audit says who coded and not what, since a second coder must not learn it. InputError if the
    person may not.
    """
    with folder.store.writing() as connection:
        coding = coding_of(folder, change_id, given, note=note, adjudicates=adjudicates, person=person)
        folder.store.add([coding, audited("hosters code", coding.item_id, "coded", coding.coder)], connection)
    return coding


def coding_of(
    folder: Folder, change_id: str, given: str, *, note: str, adjudicates: bool, person: str | None = None
) -> Coding:
    """A person's coding of a change, not yet on record.

    InputError if the person may not give it now.
    """
    coder, words = person or who(), stated_reason(note) if note.strip() else ""
    book = read_book(folder)
    change = find_change(book.changes, change_id)
    if change.kind in CODED and change not in book.standing:
        raise InputError(f"change {change.change_id} was undone; there is nothing to code (docs/hosters.md)")
    check_coding(change, coder, given, note=words, adjudicates=adjudicates, codings=book.codings)
    return Coding(
        coding_id=uuid.uuid4().hex,
        queue=QUEUE,
        item_id=change.change_id,
        coder=coder,
        code=given,
        adjudicates=adjudicates,
        note=words,
        coded_at=_later(one.coded_at for one in book.codings),
    )


def _later(moments: Iterable[datetime]) -> datetime:
    """Now, and after all moments given.

    The order of decisions counts.
    """
    now = real_clock()
    return max([now, *(moment + timedelta(microseconds=1) for moment in moments)])


FILE = "hosters.toml"
"""The hoster entities where none are on record: in a study that was reproduced."""
VERSIONS = "hosters"
"""Folder of all versions of that file, each named by its checksum."""
ACTION = "hosters"
"""Name in the audit for importing such a file; the subject is the file's checksum."""


def read_book(folder: Folder) -> HosterBook:
    """The study's book as it is now."""
    return _book(folder, book_file(folder), None)


def book_file(folder: Folder) -> bytes:
    """The file of hosters in force, the last recorded.

    A study that has none on record may have `FILE`.
    """
    taken = _taken(folder)
    return _version(folder, taken[-1]) if taken else _bytes(folder.path / FILE)


def book_as_decided(folder: Folder, until: datetime) -> HosterBook:
    """The study's book as it was at a moment.

    Made of the file, changes and codings of that time. Times are those of the real clock. A file that was taken in
    before files were put on record is not known again.
    """
    taken = _taken(folder)
    if not taken:
        return _book(folder, _bytes(folder.path / FILE), until)
    before = [audit for audit in taken if audit.done_at <= until]
    if not before:
        return _book(folder, b"", until)
    return _book(folder, _version(folder, before[-1]), until)


def set_file(folder: Folder, path: Path, reason: str | None = None, *, person: str | None = None) -> HosterBook:
    """Take a file of hoster entities into the study.

    It replaces the one before. Returns the book of it alone. The person is on record with the file's checksum, and
    every version is kept. Killed at any instant, the file that is on record is in force.
    """
    data = toml_bytes(path, "a file of hosters", "docs/hosters.md, The file")
    book = book_from(data, str(path))
    why = stated_reason(reason) if reason is not None else f"file of {len(book.file)} hosters"
    checksum = hashlib.sha256(data).hexdigest()
    (folder.path / VERSIONS).mkdir(exist_ok=True)
    write_whole(folder.path / VERSIONS / f"{checksum}.toml", data)
    with folder.store.writing() as connection:  # the order of files counts, as that of decisions
        taken = audited(ACTION, checksum, why, person or who())
        taken = replace(taken, done_at=_later(one.done_at for one in _taken(folder)))
        folder.store.add([taken], connection)
    return book


def _taken(folder: Folder) -> list[Audit]:
    """Records of files that were taken in, oldest first."""
    return folder.store.all(Audit, TABLES[Audit].c.action == ACTION, order=("done_at", "audit_id"))


def _version(folder: Folder, taken: Audit) -> bytes:
    path = folder.path / VERSIONS / f"{taken.subject_id}.toml"
    if not path.is_file():
        raise InputError(
            f"{path} is missing, the hosters as taken in on {taken.done_at:%Y-%m-%d}: copy it from where that was "
            "done, or take the file in again (docs/hosters.md, The file)"
        )
    data = _bytes(path)
    if hashlib.sha256(data).hexdigest() != taken.subject_id:
        raise InputError(
            f"{path} is not what was taken in on {taken.done_at:%Y-%m-%d}, by its checksum: copy it from a backup, or "
            "take the file in again (docs/hosters.md, The file)"
        )
    return data


def audited(action: str, subject: str, reason: str, person: str) -> Audit:
    """An entry of the audit, of now."""
    return Audit(
        audit_id=secrets.token_hex(16),
        done_at=real_clock(),
        who=person,
        action=action,
        subject_id=subject,
        reason=reason,
    )


def _bytes(path: Path) -> bytes:
    return toml_bytes(path, "a file of hosters", "docs/hosters.md, The file") if path.is_file() else b""


def _book(folder: Folder, data: bytes, until: datetime | None) -> HosterBook:
    changes = folder.store.all(HosterChange, order=("decided_at", "change_id"))
    codings = [one for one in folder.store.all(Coding) if until is None or one.coded_at <= until]
    return book_from(
        data,
        FILE,
        with_known=folder.config.hosters.known,
        changes=[change for change in changes if until is None or change.decided_at <= until],
        codings=[coding for coding in codings if coding.queue == QUEUE],
        kinds=_kinds(codings) if folder.config.coding.apply else {},
    )


def _kinds(codings: Iterable[Coding]) -> dict[str, HosterKind]:
    """Kinds of companies, where coders agree or a third settled.

    Roles that a book cannot hold are left out.
    """
    known: dict[str, HosterKind] = {"hoster": "hoster", "proxy": "proxy", "platform": "platform"}
    found = settled_codes(codings, "roles")
    return {key: known[code] for key, code in found.items() if code in known}
