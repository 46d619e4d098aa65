"""Files of hoster entities, checked as they are read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from waterbed.attribution.hosters.members import (
    as_member,
    holder_member,
    is_key,
    member_of,
    prefix_member,
    suffix_member,
)
from waterbed.model.errors import InputError
from waterbed.model.redaction import redact, shown
from waterbed.store.bounded.toml import decode

HosterKind = Literal["hoster", "proxy", "platform"]
KNOWN = Path(__file__).with_name("known_hosters.toml")
"""The list of known proxies and platforms that comes along."""

_SEE = "docs/hosters.md, The file"


class DatedMember(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A member that belongs to a hoster for a time."""

    what: str
    since: date | None = None
    until: date | None = None


class Hoster(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One company, as people have decided it.

    `country` is its legal seat, not where its machines stand.
    """

    key: str
    name: str
    asns: tuple[int, ...] = ()
    holders: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    member: tuple[DatedMember, ...] = ()
    country: str | None = None
    kind: HosterKind = "hoster"


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    hoster: tuple[Hoster, ...] = ()


class _Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    id: str
    checked: date
    said: str


class _Known(Hoster, forbid_unknown_fields=True, frozen=True, kw_only=True):
    source: tuple[str, ...]


class _KnownFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    source: tuple[_Source, ...]
    hoster: tuple[_Known, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an entity during some days.

    From a day until before another; None means no bound.
    """

    what: str
    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """True if it belongs to the entity on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    def meets(self, other: "Member") -> bool:
        """True if both are valid on some day."""
        starts = max(self.since or date.min, other.since or date.min)
        ends = min(self.until or date.max, other.until or date.max)
        return starts < ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """An entity as a file or a decision gives it."""

    key: str
    name: str
    country: str | None
    kind: HosterKind
    members: tuple[Member, ...]


def definitions_from(data: bytes, where: str = "hosters") -> tuple[Definition, ...]:
    """The entities in TOML text of `[[hoster]]` tables.

    InputError if they contradict each other.
    """
    try:
        read = decode(data, type=_File)
    except msgspec.DecodeError as problem:
        raise InputError(f"{where}: {redact(str(problem))} ({_SEE})") from None
    return _checked(read.hoster, where)


@cache
def known_definitions() -> tuple[Definition, ...]:
    """The known proxies and platforms that come along."""
    read = msgspec.toml.decode(KNOWN.read_bytes(), type=_KnownFile)
    return _checked(read.hoster, KNOWN.name)


def check_entity(key: str, name: str, country: str | None, where: str) -> None:
    """Check an entity's key, name and country, else raise InputError."""
    if not is_key(key):
        raise InputError(f"{where}: key {shown(key)} is not lower-case letters, digits and hyphens ({_SEE})")
    if not name.strip() or not name.isprintable():
        raise InputError(f"{where}: the name of {key!r} is empty or holds control characters ({_SEE})")
    if country is not None and not (len(country) == 2 and country.isascii() and country.isupper()):
        raise InputError(f"{where}: country {shown(country)} of {key!r} is not an ISO code like NL ({_SEE})")


def _checked(hosters: tuple[Hoster, ...], where: str) -> tuple[Definition, ...]:
    keys: dict[str, str] = {}
    claims: dict[str, list[tuple[str, Member]]] = {}
    definitions = []
    for hoster in hosters:
        check_entity(hoster.key, hoster.name, hoster.country, where)
        if hoster.key in keys:
            raise InputError(f"{where}: key {hoster.key!r} is claimed twice; give it to one of them ({_SEE})")
        keys[hoster.key] = hoster.name
        members = tuple(_members(hoster, where))
        for member in members:
            _claim(claims.setdefault(member.what, []), hoster.key, member, where)
        definitions.append(
            Definition(key=hoster.key, name=hoster.name, country=hoster.country, kind=hoster.kind, members=members)
        )
    return tuple(definitions)


def _members(hoster: Hoster, where: str) -> Iterator[Member]:
    reads: tuple[tuple[Callable[..., str], tuple[object, ...]], ...] = (
        (as_member, hoster.asns),
        (holder_member, hoster.holders),
        (prefix_member, hoster.prefixes),
        (suffix_member, hoster.suffixes),
    )
    try:
        for read, values in reads:
            for value in values:
                yield Member(read(value))
        for dated in hoster.member:
            if dated.since and dated.until and dated.since >= dated.until:
                raise InputError(
                    f"{shown(dated.what)} ends before it begins: `until` is the first day without it ({_SEE})"
                )
            yield Member(member_of(dated.what), dated.since, dated.until)
    except InputError as problem:
        raise InputError(f"{where}: {hoster.key!r}: {problem}") from None


def _claim(held: list[tuple[str, Member]], key: str, member: Member, where: str) -> None:
    for other, earlier in held:
        if earlier.meets(member):
            claimants = f"{other!r} and {key!r}"
            raise InputError(
                f"{where}: {member.what} is claimed twice, by {claimants}; give it to one of them on each day ({_SEE})"
            )
    held.append((key, member))
