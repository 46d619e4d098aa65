"""Addresses as text: one spelling, and which are public."""

from datetime import date
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

_SPECIAL_V4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers' customers
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
SPECIAL_DAY = date(2026, 11, 27)
"""The day on which these, and `_SPECIAL_V6`, were written down."""

_AGENTS = tuple(
    IPv4Network(net)
    for net in (
        "161.26.0.0/16",  # IBM Cloud: its services, from inside alone
        "166.8.0.0/14",  # IBM Cloud: private endpoints
        "168.63.129.16/32",  # Azure: the host's agent, name server and metadata
        "199.36.153.4/30",  # Google Cloud: private access to its interfaces
        "199.36.153.8/30",
    )
)
"""Agents and services that clouds run on public addresses for the machines inside them, as of 2026-11-27.

A reported name that leads there reaches into our own cloud. All others known use link-local, shared or unique-local
addresses, which are refused anyway.
"""
_UNICAST = IPv6Network("2000::/3")
"""All that IANA gives out as global unicast. Outside it: loopback, link-, site- and unique-local, multicast, mapped,
compatible, translated, NAT64, discard, dummy and segment-routing prefixes."""

_SPECIAL_V6 = tuple(
    IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID, anycast
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)
_SIX_TO_FOUR = IPv6Network("2002::/16")
_ISATAP, _ISATAP_BITS = 0x0000_5EFE, 0xFCFF_FFFF


def canonical_address(text: str) -> str | None:
    """The one spelling of an address, None for other texts.

    An address with a scope (`fe80::1%eth0`) is another text: anything may stand behind the mark.
    """
    family = AF_INET6 if ":" in text else AF_INET
    try:
        return inet_ntop(family, inet_pton(family, text))
    except (OSError, ValueError):
        return None


def address_and_port(text: str, *, least: int = 1) -> tuple[str, int] | None:
    """Read `192.0.2.1:53` or `[2001:db8::1]:53`; None for other texts.

    `least` is the smallest port.
    """
    host, _, port = text.rpartition(":")
    address = canonical_address(host.removeprefix("[").removesuffix("]"))
    if address is None or not (port.isascii() and port.isdigit() and len(port) < 6 and least <= int(port) < 65_536):
        return None
    return address, int(port)


@lru_cache(maxsize=8192)
def refusal(address: str) -> str | None:
    """The reason to refuse an address, None if allowed.

    Goes by the IANA special-purpose registries themselves, because `ipaddress.is_global` differs between versions of
    Python and calls several such prefixes global. A global IPv6 address that carries an IPv4 address (6to4, ISATAP) is
    judged by that one too; the other kinds of carriers are refused, whatever they carry. Public addresses at which
    clouds serve the machines inside them are refused as well.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "no address"
    if isinstance(parsed, IPv4Address):
        return None if _public_v4(parsed) else "non-public address"
    if parsed.scope_id:
        return "scoped address"
    if parsed not in _UNICAST or any(parsed in net for net in _SPECIAL_V6):
        return "non-public address"
    return None if all(map(_public_v4, carried(parsed))) else "non-public address embedded"


def _public_v4(address: IPv4Address) -> bool:
    return not any(address in net for nets in (_SPECIAL_V4, _AGENTS) for net in nets)


def carried(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses inside a global IPv6 address."""
    number, found = int(address), []
    if address in _SIX_TO_FOUR:
        found.append(IPv4Address((number >> 80) & 0xFFFF_FFFF))
    if (number >> 32) & _ISATAP_BITS == _ISATAP:
        found.append(IPv4Address(number & 0xFFFF_FFFF))
    return found
