"""Known parking services, seizures, CDNs and site builders.

They come from a curated list.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal

import msgspec

from waterbed.model.errors import InputError
from waterbed.store.bounded.toml import decode

Tag = Literal["cdn", "parking", "seized", "sitebuilder"]
Finding = Tag | Literal["parking_by_name_servers", "seized_by_name_servers"]
"""A tag; of one that ends episodes, whether name servers alone say so: a name's owner can list anybody's."""

Network = IPv4Network | IPv6Network

_BY_NAME_SERVERS: Mapping[Tag, Finding] = {"parking": "parking_by_name_servers", "seized": "seized_by_name_servers"}
_ESCAPED = re.compile(r"\\(?:[0-9]{3}|.)", re.DOTALL)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_DOCS = "docs/attribution.md, Known infrastructure"


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A source of entries, and the day of comparison."""

    id: str
    checked: date
    said: str


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Names, addresses and prefixes of one service.

    A name includes all names below it.
    """

    tag: Tag
    who: str
    source: tuple[str, ...]
    name_servers: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    source: tuple[Source, ...]
    entry: tuple[Entry, ...]


class Infrastructure:
    """A list indexed by name and address.

    A look-up costs a few steps a label, however long the list is.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Take entries that were checked."""
        self._servers: dict[str, Tag] = {}
        self._aliases: dict[str, Tag] = {}
        self._networks: dict[tuple[int, int], dict[int, Tag]] = {}
        for entry in entries:
            self._servers.update(dict.fromkeys(entry.name_servers, entry.tag))
            self._aliases.update(dict.fromkeys(entry.cnames, entry.tag))
            for text in entry.addresses:
                network = ip_network(text)
                network_tags = self._networks.setdefault((network.version, network.prefixlen), {})
                network_tags[int(network.network_address)] = entry.tag

    def tags(
        self, addresses: Collection[str], cnames: Iterable[str], name_servers: Collection[str] | None
    ) -> tuple[Finding, ...]:
        """The kinds that are known of one host, sorted.

        An alias counts wherever it stands in the chain, since the chain leads through it. Name servers and addresses
        count only if all of them say the same: one that is somebody else's may be the one that answers. None for the
        name servers means that they are unknown.
        """
        tags_found = {tag for name in cnames if (tag := below(name, self._aliases))}
        tags_found |= _shared([self._of_address(text) for text in addresses])
        of_servers = _shared([below(name, self._servers) for name in name_servers or ()]) - tags_found
        return tuple(sorted({*tags_found, *(_BY_NAME_SERVERS.get(tag, tag) for tag in of_servers)}))

    def _of_address(self, text: str) -> Tag | None:
        try:
            address = ip_address(text)
        except ValueError:
            return None
        number = int(address)
        for (version, length), network_tags in self._networks.items():
            unused = address.max_prefixlen - length
            if version == address.version and (tag := network_tags.get(number >> unused << unused)):
                return tag
        return None


def below(name: str, known: Mapping[str, Tag]) -> Tag | None:
    """The value of a name or its nearest known ancestor.

    Letter case and a trailing dot do not matter. An escaped character, as in master files, is part of its label: an
    escaped dot ends none.
    """
    rest = _ESCAPED.sub("?", name).lower().removesuffix(".")
    while rest:
        if rest in known:
            return known[rest]
        rest = rest.partition(".")[2]
    return None


def _shared(tags: list[Tag | None]) -> set[Tag]:
    """The tag that all have, if they have one."""
    counted = Counter(tags)
    return {tag for tag in counted if tag is not None} if len(counted) == 1 else set()


def infrastructure_from(data: bytes, where: str) -> Infrastructure:
    """A list from TOML text; InputError if it is malformed."""
    return Infrastructure(_checked(data, where).entry)


def _checked(data: bytes, where: str) -> _File:
    try:
        file = decode(data, type=_File)
    except msgspec.DecodeError as problem:
        raise InputError(f"{where}: {problem} ({_DOCS})") from None
    sources = {source.id for source in file.source}
    for entry in file.entry:
        if not entry.source or not sources.issuperset(entry.source):
            raise InputError(f"{where}: {entry.who!r} names no source that the file describes ({_DOCS})")
        for name in (*entry.name_servers, *entry.cnames):
            if name.count(".") < 1 or not all(map(_LABEL.fullmatch, name.split("."))):
                raise InputError(f"{where}: {name!r} is not a lower-case name of two labels or more ({_DOCS})")
        for text in entry.addresses:
            try:
                ip_network(text)
            except ValueError:
                raise InputError(f"{where}: {text!r} is not an address or a prefix ({_DOCS})") from None
    for kind in ("name_servers", "cnames", "addresses"):
        counted = Counter(text for entry in file.entry for text in getattr(entry, kind))
        twice = [text for text, times in counted.items() if times > 1]
        if twice:
            raise InputError(f"{where}: {twice[0]!r} stands twice among {kind} ({_DOCS})")
    return file


@cache
def _standard() -> _File:
    path = Path(__file__).parent / "infrastructure.toml"
    return _checked(path.read_bytes(), "attribution/lookups/dns/infrastructure.toml")


def standard_entries() -> tuple[Entry, ...]:
    """The entries of the list that comes with Waterbed."""
    return _standard().entry


def shipped_day(tag: Tag) -> date:
    """The day on which a tag's entries were compared."""
    sources = {source for entry in standard_entries() if entry.tag == tag for source in entry.source}
    return min(source.checked for source in _standard().source if source.id in sources)


@cache
def standard_infrastructure() -> Infrastructure:
    """The list that comes with Waterbed."""
    return Infrastructure(standard_entries())
