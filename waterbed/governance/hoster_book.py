"""A study's book of hosters: its file in every version, and what people decided."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from attribution.hosters.book import HosterBook, HosterKind, book_from
from attribution.hosters.review import QUEUE
from waterbed.governance.keys import stated_reason
from waterbed.model.bookkeeping import Audit
from waterbed.model.decisions import settled_codes
from waterbed.model.decisions_part import Coding, HosterChange
from waterbed.model.errors import InputError
from waterbed.store.audit import who
from waterbed.store.folder import Folder, real_clock

FILE = "hosters.toml"
"""The hoster entities in force, as the user gave them."""
VERSIONS = "hosters"
"""Folder of all versions of that file, each named by its checksum."""
ACTION = "hosters"
"""What the audit calls the taking in of such a file; its subject is the file's checksum."""


def read_book(folder: Folder) -> HosterBook:
    """The study's book as it is now."""
    return _book(folder, _bytes(folder.path / FILE), None)


def book_as_decided(folder: Folder, until: datetime) -> HosterBook:
    """The study's book as it was at a moment: file, changes and codings of that time.

    Times are those of the real clock. A file that was taken in before files were put on record is not known again.
    """
    taken = [audit for audit in folder.store.all(Audit, order=("done_at", "audit_id")) if audit.action == ACTION]
    if not taken:
        return _book(folder, _bytes(folder.path / FILE), until)
    before = [audit for audit in taken if audit.done_at <= until]
    if not before:
        return _book(folder, b"", until)
    path = folder.path / VERSIONS / f"{before[-1].subject_id}.toml"
    if not path.is_file():
        raise InputError(f"{path} is missing: that version of the hosters cannot be read again; see docs/hosters.md")
    return _book(folder, _bytes(path), until)


def set_file(folder: Folder, path: Path, reason: str | None = None, *, person: str | None = None) -> HosterBook:
    """Take a file of hoster entities into the study, in place of the one before; returns the book of it alone.

    Who did it is on record with the file's checksum, and every version is kept.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); see docs/hosters.md, The file") from None
    book = book_from(data, str(path))
    why = stated_reason(reason) if reason is not None else f"file of {len(book.file)} hosters"
    checksum = hashlib.sha256(data).hexdigest()
    (folder.path / VERSIONS).mkdir(exist_ok=True)
    for place in (folder.path / VERSIONS / f"{checksum}.toml", folder.path / FILE):
        fresh = place.with_suffix(".new")
        fresh.write_bytes(data)
        fresh.replace(place)
    folder.store.add([audited(ACTION, checksum, why, person or who())])
    return book


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
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); see docs/hosters.md, The file") from None


def _book(folder: Folder, data: bytes, until: datetime | None) -> HosterBook:
    changes = folder.store.all(HosterChange, order=("decided_at", "change_id"))
    told = [one for one in folder.store.all(Coding) if until is None or one.coded_at <= until]
    return book_from(
        data,
        FILE,
        known=folder.config.hosters.known,
        changes=[change for change in changes if until is None or change.decided_at <= until],
        codings=[coding for coding in told if coding.queue == QUEUE],
        kinds=_kinds(told) if folder.config.coding.apply else {},
    )


def _kinds(codings: Iterable[Coding]) -> dict[str, HosterKind]:
    """What companies are, where two coders agree or a third settled it; other roles are none that a book can hold."""
    known: dict[str, HosterKind] = {"hoster": "hoster", "proxy": "proxy", "platform": "platform"}
    found = settled_codes(codings, "roles")
    return {key: known[code] for key, code in found.items() if code in known}
