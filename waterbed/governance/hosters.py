"""What people decide about hosters, and what they think of it, on record."""

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from attribution.hosters.book import HosterKind
from attribution.hosters.changes import check_change, find_change, well_formed
from attribution.hosters.review import CODED, QUEUE, check_coding
from waterbed.governance.hoster_book import audited, read_book
from waterbed.governance.keys import stated_reason
from waterbed.model.decisions_part import Coding, HosterChange, HosterChangeKind
from waterbed.model.errors import InputError
from waterbed.store.audit import who
from waterbed.store.folder import Folder, real_clock


def decide(
    folder: Folder,
    kind: HosterChangeKind,
    key: str,
    *,
    into: str | None = None,
    members: tuple[str, ...] = (),
    name: str | None = None,
    country: str | None = None,
    entity: HosterKind | None = None,
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
    """Put on record what a person thinks of a change; returns it.

    The audit says who coded and not what, since a second coder must not learn it. InputError if the person may not.
    """
    with folder.store.writing() as connection:
        coding = coding_of(folder, change_id, given, note=note, adjudicates=adjudicates, person=person)
        folder.store.add([coding, audited("hosters code", coding.item_id, "coded", coding.coder)], connection)
    return coding


def coding_of(
    folder: Folder, change_id: str, given: str, *, note: str, adjudicates: bool, person: str | None = None
) -> Coding:
    """What a person thinks of a change, not yet on record; InputError if the person may not say it now."""
    coder, words = person or who(), stated_reason(note) if note.strip() else ""
    book = read_book(folder)
    change = find_change(book.changes, change_id)
    if change.kind in CODED and change not in book.standing:
        raise InputError(f"change {change.change_id} was undone; there is nothing to code; see docs/hosters.md")
    check_coding(change, coder, given, adjudicates=adjudicates, codings=book.codings)
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
    """Now, and after all moments before: the order of decisions counts."""
    now = real_clock()
    return max([now, *(moment + timedelta(microseconds=1) for moment in moments)])
