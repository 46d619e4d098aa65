"""The responsible registry of addresses and ASes (RFC 9224)."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from waterbed.model.errors import InputError

_WHERE = "docs/registrations.md, Of whom"


class _Registry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    base: str
    whois: str
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    asn: tuple[str, ...]
    further: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    ipv4_date: date
    ipv6_date: date
    asn_date: date
    registry: dict[str, _Registry]


class _DomainFile(msgspec.Struct, frozen=True, kw_only=True):
    publication: datetime
    services: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Ranges:
    """Disjoint ranges of numbers, each with the name of a registry."""

    firsts: list[int]
    lasts: list[int]
    names: list[str]

    @classmethod
    def made(cls, rows: list[tuple[int, int, str]]) -> "_Ranges":
        rows.sort()
        return cls([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])

    def of(self, number: int) -> int | None:
        """The place of the range that a number lies in."""
        place = bisect_right(self.firsts, number) - 1
        return place if place >= 0 and number <= self.lasts[place] else None


class Bootstrap:
    """The registries, their base URLs and their number ranges.

    A base that the settings give takes the place of the published one. `only_loopback` is for the lab: a base that is
    not loopback is refused, and a registry without such a base is not asked. InputError if a base is no https URL; http
    is allowed on loopback alone.
    """

    def __init__(self, file: _File, bases: Mapping[str, str], *, only_loopback: bool = False) -> None:
        """Use `read_bootstrap`."""
        configured = {name: https_base("registry.bases", name, url, only_loopback) for name, url in bases.items()}
        published = {} if only_loopback else {name: entry.base for name, entry in file.registry.items()}
        self.dates = (file.ipv4_date, file.ipv6_date, file.asn_date)
        self._bases = {**published, **configured}
        self._files = file.registry
        further = [
            (url, name)
            for name, entry in file.registry.items()
            if not only_loopback and name not in configured
            for url in entry.further
        ]
        base_names = [*((url, name) for name, url in self._bases.items()), *further]
        self._known = sorted(base_names, key=lambda pair: -len(pair[0]))
        self._networks = {4: _blocks(file, "ipv4"), 6: _blocks(file, "ipv6")}
        self._asns = _Ranges.made([(*_pair(text), name) for name, entry in file.registry.items() for text in entry.asn])

    def of_address(self, address: str) -> str | None:
        """The registry responsible for an address, or None."""
        parsed = ip_address(address)
        ranges = self._networks[parsed.version]
        place = ranges.of(int(parsed))
        return None if place is None else ranges.names[place]

    def of_as(self, asn: int) -> str | None:
        """The registry responsible for an AS number, or None."""
        place = self._asns.of(asn)
        return None if place is None else self._asns.names[place]

    def base_of(self, registry: str) -> str | None:
        """A registry's base URL; ends with a slash."""
        return self._bases.get(registry)

    def whois_of(self, registry: str) -> str | None:
        """The host of a registry's WHOIS service (port 43)."""
        return self._files[registry].whois if registry in self._files else None

    def of_url(self, url: str) -> tuple[str, str] | None:
        """The registry of a URL, and the URL to request.

        The registry's base is a prefix of the URL; None if no base is.

        Links are taken only to known bases; plain http to a base that is https is asked over https.
        """
        if not url.isascii() or not url.isprintable() or any(mark in url for mark in "@\\ #"):
            return None
        secured = f"https://{url[7:]}" if url.startswith("http://") else url
        for base, name in self._known:
            for text in (url, secured):
                if text.startswith(base) and ".." not in text[len(base) :]:
                    return name, text
        return None

    def exceeds_block(self, first: str, last: str) -> bool:
        """True if a network exceeds the IANA block around it.

        Such a network belongs to no single holder.
        """
        low, high = ip_address(first), ip_address(last)
        ranges = self._networks[low.version]
        place = bisect_left(ranges.firsts, int(low))
        if place == len(ranges.firsts) or ranges.lasts[place] > int(high):
            return False
        return (ranges.firsts[place], ranges.lasts[place]) != (int(low), int(high))

    def is_registrys_own(self, registry: str, holder: str | None) -> bool:
        """True if a holder (registry:HANDLE) is the registry itself."""
        own_handles = self._files[registry].own if registry in self._files else ()
        return holder is not None and holder.partition(":")[2].upper() in own_handles


def https_base(setting: str, name: str, url: str, only_loopback: bool) -> str:
    """A base URL of the settings, ending with a slash.

    InputError unless it is https, or http at a loopback address, to which `only_loopback` holds it.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InputError(f"{setting}: the URL of {name!r} cannot be read ({_WHERE})") from None
    loopback = _is_loopback(host)
    if only_loopback and not loopback:
        raise InputError(f"{setting}: {name!r} of a lab study must be at a loopback address ({_WHERE})")
    if parts.scheme not in ("https", "http") or (parts.scheme == "http" and not loopback) or not host or parts.query:
        raise InputError(f"{setting}: {name!r} must be an https:// URL ({_WHERE})")
    return url if url.endswith("/") else f"{url}/"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _blocks(file: _File, family: str) -> _Ranges:
    rows = []
    for name, entry in file.registry.items():
        for text in getattr(entry, family):
            net = ip_network(text)
            rows.append((int(net.network_address), int(net.broadcast_address), name))
    return _Ranges.made(rows)


def _pair(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def asn_of(text: str) -> int | None:
    """The number in `AS64500`, None if it is otherwise."""
    number = text[2:]
    return int(number) if text[:2] == "AS" and number.isascii() and number.isdecimal() and len(number) <= 10 else None


def in_order(first: str, last: str) -> tuple[int, int, int] | None:
    """Family and ends of a range as numbers, or None."""
    try:
        low, high = ip_address(first), ip_address(last)
    except ValueError:
        return None
    if low.version != high.version or int(low) > int(high) or _scoped(low) or _scoped(high):
        return None
    return low.version, int(low), int(high)


def _scoped(address: IPv4Address | IPv6Address) -> bool:
    return isinstance(address, IPv6Address) and address.scope_id is not None


@cache
def _shipped() -> _File:
    return msgspec.toml.decode(Path(__file__).with_name("bootstrap.toml").read_bytes(), type=_File)


@cache
def domain_bases() -> Mapping[str, str]:
    """The published base URL of each top-level domain.

    From a dated copy of IANA's `dns.json`; servers without https have none, for they would tell names to everybody.
    """
    domain_file = msgspec.json.decode(Path(__file__).with_name("dns.json").read_bytes(), type=_DomainFile)
    bases: dict[str, str] = {}
    for names, urls in domain_file.services:
        base = next((url for url in urls if url.startswith("https://")), None)
        if base is not None:
            bases |= dict.fromkeys(map(str.lower, names), base if base.endswith("/") else f"{base}/")
    return bases


def read_bootstrap(bases: Mapping[str, str], *, only_loopback: bool = False) -> Bootstrap:
    """The shipped registries, with the bases of the settings."""
    return Bootstrap(_shipped(), bases, only_loopback=only_loopback)
