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
    usable = [one for one in registrations if one.status == "ok"]
    found = waiting_for(coder, book.standing, book.codings)
    return [_item(book, change, settle, usable, name_of) for change, settle in found]


def _item(
    book: HosterBook,
    change: HosterChange,
    settle: bool,
    registrations: Sequence[Registration],
    name_of: Callable[[str], str],
) -> QueueItem:
    since = first_day(change)
    without = book.with_changes([one for one in book.changes if one.change_id != change.change_id])
    before = without.on(since - timedelta(days=1) if since and change.is_takeover else since or date.max)
    sides = [_members(before, key) if key else () for key in (change.key, change.into)]
    said = list(_registered({*sides[0], *sides[1], *change.members}, registrations))
    more = len(said) - _SHOWN
    return QueueItem(
        change_id=change.change_id,
        task="settle" if settle else "code",
        kind=change.kind,
        key=change.key,
        into=change.into or "",
        hosting_type=change.hosting_type,
        since=since.isoformat() if since else None,
        leaving=tuple(_named(what, name_of) for what in change.members),
        key_members=tuple(_named(what, name_of) for what in sides[0]),
        into_members=tuple(_named(what, name_of) for what in sides[1]),
        registered=(*said[:_SHOWN], *([f"and {more} more"] if more > 0 else [])),
        reason=change.reason,
    )


def _members(book: BookOfDay, key: str) -> tuple[str, ...]:
    held = book.members(book.resolve(key))
    return held or ((key,) if key not in book.entities else ())


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
    networks = [ip_network(what) for what in members if "/" in what and not stands_alone(what)]
    seen: set[tuple[str | None, str | None, str | None]] = set()
    for one in sorted(registrations, key=lambda r: r.fetched_at, reverse=True):
        mine = one.asked in members if one.kind == "as" else _holds(one, members) or _inside(one, networks)
        identity = (one.kind, one.first, one.last)
        if mine and identity not in seen:
            seen.add(identity)
            span = one.asked if one.kind == "as" else f"{one.first}-{one.last}"
            words = (span, one.holder, one.holder_name, one.country, one.fetched_at.date().isoformat())
            yield " ".join(printable(word) for word in words if word)


def _holds(one: Registration, members: set[str]) -> bool:
    return one.holder is not None and holder_key(one.holder) in members


def _inside(one: Registration, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    if not networks or one.first is None:
        return False
    try:
        first = ip_address(one.first)
    except ValueError:
        return False
    return any(first in network for network in networks)
