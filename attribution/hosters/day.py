"""The book of hosters on one day.

It is folded from definitions and changes in order, in linear time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from types import MappingProxyType

from waterbed.attribution.hosters.files import Definition, HosterKind, Member
from waterbed.attribution.hosters.members import SUFFIX, as_of_key, holder_key, packed_address, stands_alone
from waterbed.attribution.hosters.review import Status
from waterbed.model.decisions import HosterChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A hoster's name, kind, country and origin."""

    key: str
    name: str
    country: str | None
    kind: HosterKind
    origin: str
    """Source of the entity: known, file or decided."""


def first_day(change: HosterChange) -> date | None:
    """The first day on which a change holds; None: always."""
    return change.since.date() if change.since else None


def defined_by(change: HosterChange) -> Definition:
    """The entity that a change of kind define gives."""
    kind: HosterKind = "proxy" if change.entity == "proxy" else "platform" if change.entity == "platform" else "hoster"
    return Definition(
        key=change.key,
        name=change.name or change.key,
        country=change.country,
        kind=kind,
        members=tuple(Member(member) for member in change.members),
    )


class Fold:
    """Entities, members and merges on one day.

    `owner` gives the key that holds a member, `parent` the key that another one is the same company as, `hosting` the
    type of hosting that people accepted.

    An AS or a registrant that nobody holds stands for itself. What makes no sense any more, since something before it
    was undone or rejected, has no effect; `effective` are the changes that have one.
    """

    def __init__(self, day: date) -> None:
        """Start with nothing known."""
        self.day = day
        self.entities: dict[str, Entity] = {}
        self.owner: dict[str, str] = {}
        self.parent: dict[str, str] = {}
        self.hosting: dict[str, str] = {}
        self.effective: set[str] = set()
        self._held: dict[str, dict[str, None]] = {}
        self._children: dict[str, dict[str, None]] = {}

    def root(self, key: str) -> str:
        """The company of a key, after all merges."""
        while key in self.parent:
            key = self.parent[key]
        return key

    def roots(self) -> dict[str, str]:
        """The company of every merged key."""
        roots: dict[str, str] = {}
        for start in self.parent:
            key, chain = start, []
            while key in self.parent and key not in roots:
                chain.append(key)
                key = self.parent[key]
            roots.update(dict.fromkeys(chain, roots.get(key, key)))
        return roots

    def holder(self, what: str) -> str | None:
        """The company that holds a member.

        An unclaimed AS or registrant holds itself; None for other unclaimed members.
        """
        owner = self.owner.get(what)
        if owner is None:
            owner = what if stands_alone(what) else None
        return None if owner is None else self.root(owner)

    def define(self, definitions: Iterable[Definition], origin: str) -> None:
        """Add entities, replacing those with the same keys."""
        for definition in definitions:
            for old_member in list(self._held.get(definition.key, ())):
                self._give(old_member, None)
            self.entities[definition.key] = Entity(
                key=definition.key,
                name=definition.name,
                country=definition.country,
                kind=definition.kind,
                origin=origin,
            )
            for member in definition.members:
                if member.holds(self.day):
                    self._give(member.what, definition.key)

    def apply(self, change: HosterChange) -> None:
        """Apply a change, if it is valid on the day.

        It must also have something to change.
        """
        since = first_day(change)
        if since and self.day < since:
            return
        if change.kind == "define":
            self.define([defined_by(change)], "decided")
            done = True
        elif change.hosting_type:
            done = self.exists(change.key)
            if done:
                self.hosting[change.key] = change.hosting_type
        elif change.into is None:
            return
        elif change.kind == "split":
            done = self._split(change.key, change.into, change.members)
        else:
            done = self._join(change.key, change.into)
        if done:
            self.effective.add(change.change_id)

    def exists(self, key: str) -> bool:
        """True if a key names an entity or unclaimed member.

        Such members are ASes or registrants.
        """
        return key in self.entities or (stands_alone(key) and self.owner.get(key, key) == key)

    def _join(self, key: str, into: str) -> bool:
        if not (self.exists(key) and self.exists(into)) or self.root(into) == self.root(key):
            return False
        if key in self.parent:  # it is another's already, and one company cannot be two
            return False
        self._hang(key, into)
        return True

    def _split(self, key: str, into: str, members: tuple[str, ...]) -> bool:
        company = self.root(into)
        leaving = [member for member in members if self.part_of(member, company)]
        foreign = stands_alone(key) and self.owner.get(key, key) != key and key not in leaving
        if not self.exists(into) or key == company or foreign or not leaving:
            return False
        if key not in self.entities and not stands_alone(key):
            self.entities[key] = Entity(key=key, name=key, country=None, kind="hoster", origin="decided")
        if self.root(key) == company:  # it had been merged: what is not named stays where it was
            above = self.parent[key]
            self._hang(key, None)
            for member in list(self._held.get(key, ())):
                self._give(member, above)
            for child in list(self._children.get(key, ())):
                self._hang(child, above)
        for member in leaving:
            self._give(member, key)
        return True

    def part_of(self, member: str, company: str) -> bool:
        """True if a member belongs to the company.

        An unclaimed range or registrant can be part of one that the company holds.
        """
        if member in self.owner or (stands_alone(member) and member.startswith("AS")):
            return self.holder(member) == company
        return not member.startswith("suffix:") and self.root(member) in (member, company)

    def _give(self, member: str, key: str | None) -> None:
        previous = self.owner.pop(member, None)
        if previous is not None:
            self._held[previous].pop(member, None)
        if key is not None:
            self.owner[member] = key
            self._held.setdefault(key, {})[member] = None

    def _hang(self, key: str, into: str | None) -> None:
        previous = self.parent.pop(key, None)
        if previous is not None:
            self._children[previous].pop(key, None)
        if into is not None:
            self.parent[key] = into
            self._children.setdefault(into, {})[key] = None

    def doubtful(self, changes: Iterable[HosterChange], statuses: dict[str, Status]) -> Iterator[str]:
        """Companies formed by a change without two coders' agreement."""
        for change in changes:
            if statuses.get(change.change_id, "accepted") != "accepted" and change.change_id in self.effective:
                yield self.root(change.key)
                if change.into is not None:
                    yield self.root(change.into)


_BITS = {4: 32, 6: 128}


class BookOfDay:
    """Holders of ASes, registrants, addresses and suffixes on one day.

    Keys are those of companies, over all merges. Nothing is ever matched by name: two companies may share one, and one
    company may have many.
    """

    def __init__(self, fold: Fold, doubtful: Iterable[str], kinds: Mapping[str, HosterKind] | None = None) -> None:
        """Index what a day's fold has come to; `kinds` are those of companies in place of what the fold says."""
        self.effective = frozenset(fold.effective)
        self._fold = fold
        self._doubtful = frozenset(doubtful)
        self._roots = fold.roots()
        self._kinds = {self._roots.get(key, key): kind for key, kind in sorted((kinds or {}).items())}
        overridden = {
            key: replace(fold.entities[key], kind=kind) for key, kind in self._kinds.items() if key in fold.entities
        }
        self.entities: Mapping[str, Entity] = MappingProxyType({**fold.entities, **overridden})
        self._hosting = {self._roots.get(key, key): hosting_type for key, hosting_type in fold.hosting.items()}
        self._held = {member: self._roots.get(owner, owner) for member, owner in fold.owner.items()}
        for key, company in self._roots.items():
            if stands_alone(key) and key not in self._held:
                self._held[key] = company
        self._members: dict[str, list[str]] = {}
        for member, company in self._held.items():
            self._members.setdefault(company, []).append(member)
        self._ranges: dict[tuple[int, int], dict[int, str]] = {}
        for member, key in self._held.items():
            if "/" in member and not stands_alone(member):
                version, length, number = _range(member)
                self._ranges.setdefault((version, length), {})[number] = key
        self._lengths = {v: sorted((n for w, n in self._ranges if w == v), reverse=True) for v in (4, 6)}

    def key_of_as(self, asn: int) -> str:
        """The hoster's key for an AS; `AS64500` if unclaimed."""
        member = f"AS{asn}"
        return self._held.get(member, member)

    def key_of_holder(self, holder: str) -> str | None:
        """The hoster's key for registry:HANDLE; None if unclaimed."""
        return self._held.get(holder_key(holder))

    def key_of_address(self, address: str | bytes | IPv4Address | IPv6Address) -> str | None:
        """The hoster's key for an address; None if unclaimed.

        The longest claimed prefix decides.

        Text, or bytes in network order. An IPv4-mapped IPv6 address counts as the IPv4 address.
        """
        if not self._ranges or (packed := packed_address(address)) is None:
            return None
        version, number = packed
        for length in self._lengths[version]:
            key = self._ranges[version, length].get(number >> (_BITS[version] - length))
            if key is not None:
                return key
        return None

    def key_of_suffix(self, suffix: str) -> str | None:
        """The hoster's key for a platform's suffix; None if unclaimed."""
        return self._held.get(f"{SUFFIX}{suffix}")

    def company(self, named: str) -> str:
        """The company of a hoster's key, AS or registrant.

        The key itself if the book does not know it.
        """
        asn = as_of_key(named)
        if asn is not None:
            return self.key_of_as(asn)
        return (self.key_of_holder(named) if ":" in named else None) or self.resolve(named)

    def resolve(self, key: str) -> str:
        """The company of a key, else the key itself.

        All merges are followed.
        """
        return self._roots.get(key, key)

    def exists(self, key: str) -> bool:
        """True if a key names an entity or unclaimed member.

        Such members are ASes or registrants.
        """
        return self._fold.exists(key)

    def part_of(self, member: str, key: str) -> bool:
        """True if a member belongs to a company.

        An unclaimed range or registrant can be part of one that the company holds.
        """
        return self._fold.part_of(member, self.resolve(key))

    def origin(self, key: str) -> str | None:
        """Source of an entity: known, file or decided.

        None if the book does not have it.
        """
        entity = self.entities.get(key)
        return entity.origin if entity else None

    def kind(self, key: str) -> HosterKind:
        """The kind of a key: hoster, proxy or platform.

        Unclaimed keys are hosters.
        """
        entity = self.entities.get(key)
        return entity.kind if entity else self._kinds.get(key, "hoster")

    def hosting_type(self, key: str) -> str:
        """The type of hosting that a hoster mostly offers.

        By what two people accepted; of platforms by their kind; else unknown.
        """
        hosting_type = self._hosting.get(self.resolve(key))
        return hosting_type or ("platform" if self.kind(key) == "platform" else "unknown")

    def hosting_types(self) -> Mapping[str, str]:
        """Each company whose type of hosting is known, with it."""
        companies = {*self._hosting, *(key for key in self.entities if self.kind(key) == "platform")}
        return {key: self.hosting_type(key) for key in sorted(companies)}

    def name(self, key: str) -> str | None:
        """A hoster's display name; None if unknown."""
        entity = self.entities.get(key)
        return entity.name if entity else None

    def country(self, key: str) -> str | None:
        """The country of a hoster's legal seat, if known."""
        entity = self.entities.get(key)
        return entity.country if entity else None

    def unreviewed(self, key: str) -> bool:
        """True if a change behind a hoster is not reviewed.

        Two people must agree on each merge, split or succession.
        """
        return key in self._doubtful

    def members(self, key: str) -> tuple[str, ...]:
        """All members of a company, in order.

        An unclaimed AS or registrant holds itself.
        """
        members = {*self._members.get(key, ())}
        if stands_alone(key) and self._fold.holder(key) == key:
            members.add(key)
        return tuple(sorted(members, key=_in_order))

    def held(self) -> Mapping[str, str]:
        """Every claimed member with the key of its company."""
        return MappingProxyType(self._held)


@lru_cache(maxsize=1 << 16)
def _range(prefix: str) -> tuple[int, int, int]:
    """Version, length and leading bits of a range; every stretch of days has mostly the same ones."""
    network = ip_network(prefix)
    bits = _BITS[network.version] - network.prefixlen
    return network.version, network.prefixlen, int(network.network_address) >> bits


def _in_order(what: str) -> tuple[int, int, str]:
    asn = as_of_key(what)
    return (0, asn, "") if asn else (1, 0, what)
