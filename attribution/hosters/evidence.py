"""Evidence on a change for coders: members and registrations.

It never includes the codes of others.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated

from waterbed.attribution.hosters.book import HosterBook
from waterbed.attribution.hosters.day import BookOfDay, first_day
from waterbed.attribution.hosters.members import as_of_key, holder_key, stands_alone
from waterbed.attribution.hosters.review import waiting_for
from waterbed.model.decisions import HosterChange
from waterbed.model.registrations import Registration

_SHOWN = 50
"""Most registrations shown of one change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """A change that waits for a code, with evidence."""

    change_id: Annotated[str, "the change"]
    task: Annotated[str, "code: say what you think; settle: two others disagree, or one of them is unsure"]
    kind: Annotated[str, "merge, split, succession, or proposal of one, or of a type of hosting"]
    key: Annotated[str, "the hoster it is about"]
    into: Annotated[str, "the other hoster"]
    hosting_type: Annotated[str | None, "type of hosting that is proposed: what the hoster would mostly offer"]
    since: Annotated[str | None, "first day on which it holds; null: always"]
    leaving: Annotated[tuple[str, ...], "what leaves the other hoster (split)"]
    key_members: Annotated[tuple[str, ...], "what the hoster holds without this change, AS holders' names beside"]
    into_members: Annotated[tuple[str, ...], "what the other one holds without this change"]
    registered: Annotated[tuple[str, ...], "what registries say of these: network or AS, holder, name, country, date"]
    reason: Annotated[str, "why, in the words of the person who proposed it"]


def queue_for(
    coder: str, book: HosterBook, registrations: Sequence[Registration], name_of: Callable[[str], str]
) -> list[QueueItem]:
    """The changes that wait for a person, oldest first.

    `name_of` gives the name of an AS's holder.
    """
    usable = [registration for registration in registrations if registration.status == "ok"]
    waiting = waiting_for(coder, book.standing, book.codings)
    return [_item(book, change, settle, usable, name_of) for change, settle in waiting]


def _item(
    book: HosterBook,
    change: HosterChange,
    settle: bool,
    registrations: Sequence[Registration],
    name_of: Callable[[str], str],
) -> QueueItem:
    since = first_day(change)
    without = book.with_changes(
        [other_change for other_change in book.changes if other_change.change_id != change.change_id]
    )
    previous_book = without.on(since - timedelta(days=1) if since and change.is_takeover else since or date.max)
    sides = [_members(previous_book, key) if key else () for key in (change.key, change.into)]
    lines = list(_registered({*sides[0], *sides[1], *change.members}, registrations))
    more = len(lines) - _SHOWN
    return QueueItem(
        change_id=change.change_id,
        task="settle" if settle else "code",
        kind=change.kind,
        key=change.key,
        into=change.into or "",
        hosting_type=change.hosting_type,
        since=since.isoformat() if since else None,
        leaving=tuple(_named(member, name_of) for member in change.members),
        key_members=tuple(_named(member, name_of) for member in sides[0]),
        into_members=tuple(_named(member, name_of) for member in sides[1]),
        registered=(*lines[:_SHOWN], *([f"and {more} more"] if more > 0 else [])),
        reason=change.reason,
    )


def _members(book: BookOfDay, key: str) -> tuple[str, ...]:
    members = book.members(book.resolve(key))
    return members or ((key,) if key not in book.entities else ())


def _named(what: str, name_of: Callable[[str], str]) -> str:
    if as_of_key(what) is None:
        return what
    name = printable(name_of(what))
    return what if name == what else f"{what} ({name})"


def printable(text: str) -> str:
    """External text without control characters, safe for terminals."""
    return "".join(character for character in text if character.isprintable())


def _registered(members: set[str], registrations: Iterable[Registration]) -> Iterator[str]:
    """Registrations of members: newest answers first, each network or AS once."""
    networks = [ip_network(member) for member in members if "/" in member and not stands_alone(member)]
    seen: set[tuple[str | None, str | None, str | None]] = set()
    for registration in sorted(registrations, key=lambda r: r.fetched_at, reverse=True):
        is_related = (
            registration.asked in members
            if registration.kind == "as"
            else _holds(registration, members) or _inside(registration, networks)
        )
        identity = (registration.kind, registration.first, registration.last)
        if is_related and identity not in seen:
            seen.add(identity)
            span = registration.asked if registration.kind == "as" else f"{registration.first}-{registration.last}"
            cells = (
                span,
                registration.holder,
                registration.holder_name,
                registration.country,
                registration.fetched_at.date().isoformat(),
            )
            yield " ".join(printable(word) for word in cells if word)


def _holds(one: Registration, members: set[str]) -> bool:
    return one.holder is not None and holder_key(one.holder) in members


def _inside(registration: Registration, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    if not networks or registration.first is None:
        return False
    try:
        first = ip_address(registration.first)
    except ValueError:
        return False
    return any(first in network for network in networks)
