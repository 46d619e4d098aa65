"""Changes of the book of hosters, checked for contradictions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from waterbed.attribution.hosters.book import HosterBook, undone_ids
from waterbed.attribution.hosters.day import BookOfDay, first_day
from waterbed.attribution.hosters.files import check_entity
from waterbed.attribution.hosters.members import is_key, member_of, stands_alone
from waterbed.model.decisions import HOSTING_TYPES, HosterChange
from waterbed.model.errors import InputError
from waterbed.model.redaction import shown

_FIRST_YEAR, _LAST_YEAR = 1980, 2100
_SEE = "docs/hosters.md, Decisions"


def well_formed(change: HosterChange) -> HosterChange:
    """Return the change in canonical form; InputError if malformed.

    Keys and members get their canonical form.
    """
    if change.kind == "undo":
        return change
    if change.kind == "define":
        check_entity(change.key, change.name or "", change.country, "this change")
        return replace(change, members=_members(change.members))
    if change.hosting_type is not None:
        if change.hosting_type not in HOSTING_TYPES or change.since is None:
            raise InputError(f"a type of hosting is one of {', '.join(HOSTING_TYPES)}, from a day on ({_SEE})")
        return replace(change, key=_key(change.key), members=())
    if change.into is None:
        raise InputError(f"a {change.kind} needs two hosters ({_SEE})")
    key, into = _key(change.key), _key(change.into)
    if key == into:
        raise InputError(f"{key} is given twice; a {change.kind} needs two hosters ({_SEE})")
    if change.kind == "succession" and change.since is None:
        raise InputError(f"a succession needs --since, the first day on which {into} holds what was {key}'s ({_SEE})")
    if change.since is not None and change.since.year < _FIRST_YEAR:
        raise InputError(f"{change.since.date()} is before {_FIRST_YEAR}; a later first day was expected ({_SEE})")
    if change.since is not None and change.since.year > _LAST_YEAR:
        raise InputError(f"{change.since.date()} is after {_LAST_YEAR}; an earlier first day was expected ({_SEE})")
    if change.kind == "split" and not change.members:
        raise InputError(f"a split needs --members, what leaves {into} for {key} ({_SEE})")
    return replace(change, key=key, into=into, members=_members(change.members))


def check_change(book: HosterBook, change: HosterChange) -> HosterBook:
    """Append a well-formed change; InputError if it contradicts the book.

    Returns the new book.

    What makes an earlier change meaningless contradicts it too: that one is to be undone first.
    """
    if change.kind == "undo":
        return _undone(book, change)
    after = book.with_changes([*book.changes, change])
    since = first_day(change) or date.min
    books = [book.on(day) for day in (since, *(day for day in book.boundaries if day > since))]
    if change.kind == "define":
        _check_define(books, change)
    elif change.hosting_type:
        if not books[0].exists(change.key):
            raise InputError(f"{change.key} is no hoster of this book on {since} ({_SEE})")
    elif change.kind == "split":
        _check_split(books, change)
    else:
        _check_join(books, change)
    _refuse_idle(book, after)
    return after


def find_change(changes: Sequence[HosterChange], text: str) -> HosterChange:
    """The change with an id, or its unique beginning.

    The beginning needs six characters or more.
    """
    matches = [
        change
        for change in changes
        if change.change_id == text or (len(text) >= 6 and change.change_id.startswith(text))
    ]
    if len(matches) != 1:
        quoted = repr(text) if text.isalnum() and len(text) <= 32 else "that"
        problem = "is the beginning of several changes" if matches else "is not a change of this book"
        raise InputError(f"{quoted} {problem}; waterbed hosters show lists them with their ids ({_SEE})")
    return matches[0]


def _check_define(books: Sequence[BookOfDay], change: HosterChange) -> None:
    for book in books:
        for member in change.members:
            holder = book.held().get(member)
            if holder and book.resolve(change.key) != holder and book.origin(holder) != "known":
                raise InputError(f"{member} is held by {holder}; split it from that one first ({_SEE})")


def _check_join(books: Sequence[BookOfDay], change: HosterChange) -> None:
    key, into = change.key, change.into or ""
    for hoster in (key, into):
        if not any(book.exists(hoster) for book in books):
            raise InputError(f"{hoster} is not a hoster of this book; waterbed hosters show lists them ({_SEE})")
    for book in books:
        company = book.resolve(key)
        if company == book.resolve(into):
            raise InputError(f"{key} and {into} are one company already ({company}), on some days at least ({_SEE})")
        if company != key:
            raise InputError(f"{key} is part of {company} already, on some days; name that one, or split ({_SEE})")
        if not book.exists(key) and stands_alone(key):
            raise InputError(f"{key} is held by {book.held()[key]}, on some days at least; name that one ({_SEE})")


def _check_split(books: Sequence[BookOfDay], change: HosterChange) -> None:
    key, into = change.key, change.into or ""
    if not any(book.exists(into) for book in books):
        raise InputError(f"{into} is not a hoster of this book; waterbed hosters show lists them ({_SEE})")
    for member in change.members:
        if not any(book.part_of(member, into) for book in books):
            raise InputError(f"{member} is not held by {into} on any of these days, so it cannot leave ({_SEE})")
    if any(book.resolve(into) == key for book in books):
        raise InputError(f"{into} is part of {key}: it is {into} that can leave {key}, not the other way ({_SEE})")


def _undone(book: HosterBook, change: HosterChange) -> HosterBook:
    aim = find_change(book.changes, change.key)
    if aim.change_id in undone_ids(book.changes):
        raise InputError(f"change {aim.change_id} is undone already ({_SEE})")
    after = book.with_changes([*book.changes, replace(change, key=aim.change_id)])
    _refuse_idle(book, after)
    return after


def _refuse_idle(previous: HosterBook, after: HosterBook) -> None:
    """Refuse what leaves a change without any effect that had one."""
    idle = {change.change_id for change in previous.without_effect()}
    for change in after.without_effect():
        if change.change_id not in idle:
            is_earlier = change.change_id in {change.change_id for change in previous.changes}
            message = (
                f"change {change.change_id} ({change.kind} {change.key}) would no longer have an effect; undo it first"
            )
            raise InputError(f"{message if is_earlier else 'this would not have an effect on any day'} ({_SEE})")


def _key(text: str) -> str:
    if is_key(text):
        return text
    try:
        member = member_of(text)
    except InputError:
        member = ""
    if not stands_alone(member):
        raise InputError(
            f"{shown(text)} is not a hoster's key such as example-hosting, AS64500 or ripe:ORG-AB1-RIPE ({_SEE})"
        )
    return member


def _members(members: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(member_of(text) for text in members))
