"""Which addresses a look may connect to: public ones only."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


@lru_cache(maxsize=65_536)
def refusal(address: str) -> str | None:
    """Why an address may not be connected to, None if it may.

    An IPv6 address that carries an IPv4 address (NAT64, 6to4, Teredo, mapped, compatible, translated, ISATAP) is judged
    by that one too, because `ipaddress.is_global` calls several of them global.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "no address"
    if isinstance(parsed, IPv6Address) and parsed.scope_id:
        return "scoped address"
    for each in (parsed, *_embedded(parsed)):
        if not each.is_global or each.is_multicast or each.is_reserved:
            return "non-public address" if each == parsed else "non-public address embedded"
    return None


def _embedded(address: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    if isinstance(address, IPv4Address):
        return ()
    low = IPv4Address(int(address) & 0xFFFF_FFFF)
    found: list[IPv4Address] = []
    if address.ipv4_mapped:
        found.append(address.ipv4_mapped)
    if address.sixtofour:
        found.append(address.sixtofour)
    if address.teredo:
        found.extend(address.teredo)
    if address in _COMPATIBLE or address in _TRANSLATED or address in _NAT64[0]:
        found.append(low)
    if address in _NAT64[1]:
        found.extend(_rfc6052(int(address)))
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        found.append(low)
    return tuple(found)


def _rfc6052(address: int) -> list[IPv4Address]:
    """The IPv4 addresses a local-use NAT64 prefix could carry (RFC 6052, /48 and /96)."""
    high, last = (address >> 64) & 0xFFFF, (address >> 40) & 0xFFFF
    return [IPv4Address((high << 16) | last), IPv4Address(address & 0xFFFF_FFFF)]
