"""The guard: public addresses only, however a private one is written or wrapped."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.guard import refusal

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.9.9",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_non_public_addresses_are_refused(address: str) -> None:
    """Loopback, private, link-local, shared, multicast and documentation addresses are refused."""
    assert refusal(address) is not None


@pytest.mark.parametrize("address", ["1.1.1.1", "28.10.0.7", "2606:4700::1111", "2a00:1450:4001::200e"])
def test_public_addresses_are_allowed(address: str) -> None:
    """Ordinary public addresses of both families are allowed."""
    assert refusal(address) is None


@pytest.mark.parametrize(
    "text", ["", "example.com", "127.1", "0x7f000001", "2130706433", "1.2.3.4.5", "[::1]", "1.1.1.1 "]
)
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    """Only the plain notation of an address is an address here."""
    assert refusal(text) == "no address"


def _wrapped(v4: IPv4Address) -> list[IPv6Address]:
    low = int(v4)
    return [
        IPv6Address(low),
        IPv6Address((0xFFFF << 32) | low),
        IPv6Address((0xFFFF << 48) | low),
        IPv6Address((0x0064_FF9B << 96) | low),
        IPv6Address((0x2002 << 112) | (low << 80)),
        IPv6Address((0x2001_0000 << 96) | (0x0102_0304 << 64) | (low ^ 0xFFFF_FFFF)),
        IPv6Address((0x2A00_1450_4001_0000 << 64) | (0x0000_5EFE << 32) | low),
        IPv6Address((0x0064_FF9B_0001 << 80) | ((low >> 16) << 64) | ((low & 0xFFFF) << 40)),
        IPv6Address((0x0064_FF9B_0001 << 80) | low),
    ]


@given(st.sampled_from([a for a in PRIVATE if "." in a]))
def test_a_private_address_inside_an_ipv6_address_is_refused(address: str) -> None:
    """NAT64, 6to4, Teredo, mapped, compatible, translated and ISATAP forms of a private address are refused."""
    for wrapped in _wrapped(IPv4Address(address)):
        assert refusal(str(wrapped)) is not None, wrapped


@given(st.ip_addresses())
def test_what_is_allowed_is_global_in_every_part(address: IPv4Address | IPv6Address) -> None:
    """No allowed address is one that the standard library calls non-global, multicast or reserved."""
    if refusal(str(address)) is None:
        assert address.is_global
        assert not address.is_multicast
        assert not ip_address(str(address)).is_reserved
