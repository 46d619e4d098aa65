"""The book of hosters as it stands on a day: who holds what."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from types import MappingProxyType

from attribution.hosters.day import Entity, Fold
from attribution.hosters.files import HosterKind
from attribution.hosters.members import SUFFIX, as_of_key, holder_key, packed_address, stands_alone

_BITS = {4: 32, 6: 128}


class BookOfDay:
    """Who holds an AS, a registrant, an address, a suffix on one day.

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
        told = {
            key: replace(fold.entities[key], kind=kind) for key, kind in self._kinds.items() if key in fold.entities
        }
        self.entities: Mapping[str, Entity] = MappingProxyType({**fold.entities, **told})
        self._held = {what: self._roots.get(owner, owner) for what, owner in fold.owner.items()}
        for key, company in self._roots.items():
            if stands_alone(key) and key not in self._held:
                self._held[key] = company
        self._members: dict[str, list[str]] = {}
        for what, company in self._held.items():
            self._members.setdefault(company, []).append(what)
        self._ranges: dict[tuple[int, int], dict[int, str]] = {}
        for what, key in self._held.items():
            if "/" in what and not stands_alone(what):
                version, length, number = _range(what)
                self._ranges.setdefault((version, length), {})[number] = key
        self._lengths = {v: sorted((n for w, n in self._ranges if w == v), reverse=True) for v in (4, 6)}

    def key_of_as(self, asn: int) -> str:
        """The hoster's key for an AS; `AS64500` if unclaimed."""
        what = f"AS{asn}"
        return self._held.get(what, what)

    def key_of_holder(self, holder: str) -> str | None:
        """The hoster's key for a registrant, as registry:HANDLE; None if unclaimed."""
        return self._held.get(holder_key(holder))

    def key_of_address(self, address: str | bytes | IPv4Address | IPv6Address) -> str | None:
        """The hoster's key for an address, by the longest claimed range; None if none is.

        Text, or bytes in network order. An IPv4-mapped IPv6 address counts as the IPv4 address.
        """
        if not self._ranges or (found := packed_address(address)) is None:
            return None
        version, number = found
        for length in self._lengths[version]:
            key = self._ranges[version, length].get(number >> (_BITS[version] - length))
            if key is not None:
                return key
        return None

    def key_of_suffix(self, suffix: str) -> str | None:
        """The hoster's key for a platform's suffix; None if unclaimed."""
        return self._held.get(f"{SUFFIX}{suffix}")

    def company(self, named: str) -> str:
        """The company that a hoster's key, an AS or a registrant stands for; itself if the book does not know it."""
        asn = as_of_key(named)
        if asn is not None:
            return self.key_of_as(asn)
        return (self.key_of_holder(named) if ":" in named else None) or self.resolve(named)

    def resolve(self, key: str) -> str:
        """The company that a key stands for, over all merges; the key itself if it was never merged."""
        return self._roots.get(key, key)

    def exists(self, key: str) -> bool:
        """Whether a key can be spoken of: an entity, or an AS or registrant that nobody holds."""
        return self._fold.exists(key)

    def part_of(self, what: str, key: str) -> bool:
        """Whether a member is a company's; a range or registrant that nobody holds can be part of what it has."""
        return self._fold.part_of(what, self.resolve(key))

    def origin(self, key: str) -> str | None:
        """Who says so: known, file or decided; None if the book has no such entity."""
        entity = self.entities.get(key)
        return entity.origin if entity else None

    def kind(self, key: str) -> HosterKind:
        """Whether a key is a hoster, a reverse proxy or a platform; what is unclaimed is a hoster."""
        entity = self.entities.get(key)
        return entity.kind if entity else self._kinds.get(key, "hoster")

    def name(self, key: str) -> str | None:
        """A hoster's name for people; None if the book has none."""
        entity = self.entities.get(key)
        return entity.name if entity else None

    def country(self, key: str) -> str | None:
        """The country of a hoster's legal seat, if known."""
        entity = self.entities.get(key)
        return entity.country if entity else None

    def unreviewed(self, key: str) -> bool:
        """Whether a merge, split or succession that formed a hoster lacks the agreement of two people."""
        return key in self._doubtful

    def members(self, key: str) -> tuple[str, ...]:
        """Everything that a company holds, in order; an AS or a registrant that nobody claims holds itself."""
        held = {*self._members.get(key, ())}
        if stands_alone(key) and self._fold.holder(key) == key:
            held.add(key)
        return tuple(sorted(held, key=_in_order))

    def held(self) -> Mapping[str, str]:
        """Every claimed member with the key of its company."""
        return MappingProxyType(self._held)


@lru_cache(maxsize=1 << 16)
def _range(what: str) -> tuple[int, int, int]:
    """Version, length and leading bits of a range; every stretch of days has mostly the same ones."""
    network = ip_network(what)
    bits = _BITS[network.version] - network.prefixlen
    return network.version, network.prefixlen, int(network.network_address) >> bits


def _in_order(what: str) -> tuple[int, int, str]:
    asn = as_of_key(what)
    return (0, asn, "") if asn else (1, 0, what)
