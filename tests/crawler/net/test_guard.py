"""The guard: public addresses only, however a private one is written or wrapped."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.crawler.net.hostile import serving
from waterbed.crawler.net.guard import connector
from waterbed.crawler.net.http import Exchange, HostConnections
from waterbed.crawler.net.politeness import Politeness
from waterbed.model.addresses import _AGENTS, refusal
from waterbed.model.errors import InputError
from waterbed.model.urls import canonicalize
from waterbed.store.config import read_config
from waterbed.store.machine_settings import ConnectTo, Lab
from waterbed.store.settings import Guard

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
OTHERS = (25, 1433, 1521, 2375, 2376, 3306, 5432, 5984, 6379, 9042, 9200, 9300, 11211, 27017)
"""Ports of mail, databases and Docker."""

NON_PUBLIC_V4 = [
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
NON_PUBLIC_V6 = [
    "::/128",
    "::1/128",
    "::/96",  # compatible
    "::ffff:0:0/96",  # mapped
    "::ffff:0:0:0/96",  # translated
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",  # discard
    "100:0:0:1::/64",  # dummy
    "2001::/23",
    "2001::/32",  # Teredo
    "2001:2::/48",  # benchmarks
    "2001:10::/28",
    "2001:20::/28",  # ORCHID
    "2001:db8::/32",
    "3fff::/20",  # documentation
    "4000::/3",
    "5f00::/16",  # segment routing
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",  # site-local
    "ff00::/8",
]
SINGLE = [
    "255.255.255.255",
    "169.254.169.254",
    "192.0.0.8",
    "192.0.0.192",
    "192.88.99.1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]
private_v4 = st.sampled_from(NON_PUBLIC_V4).flatmap(lambda net: st.ip_addresses(network=net))
public_v4 = st.ip_addresses(v=4).filter(lambda address: not any(address in net for net in NON_PUBLIC_V4))
public_v6 = st.sampled_from([IPv6Network(net) for net in ("2400::/12", "2600::/12", "2800::/12", "2a00::/12")]).flatmap(
    lambda net: st.ip_addresses(network=net)
)
anything_64 = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize("address", SINGLE)
def test_well_known_traps_are_refused(address: str) -> None:
    """Broadcast, metadata services, scoped and wrapped addresses are refused."""
    assert refusal(address) is not None


@pytest.mark.parametrize("net", [str(net) for net in NON_PUBLIC_V4] + NON_PUBLIC_V6)
def test_special_prefixes_are_refused_to_their_edges(net: str) -> None:
    """The first and the last address of each special prefix are refused."""
    network = IPv6Network(net) if ":" in net else IPv4Network(net)
    assert refusal(str(network[0])) is not None
    assert refusal(str(network[-1])) is not None


@given(private_v4)
def test_no_private_address_is_public(address: IPv4Address) -> None:
    """Every address of every special IPv4 prefix is refused."""
    assert refusal(str(address)) == "non-public address"


@given(public_v4)
def test_every_public_ipv4_address_is_allowed(address: IPv4Address) -> None:
    """What lies in no special prefix, and serves no cloud's own machines, is allowed."""
    assert any(address in net for net in _AGENTS) or refusal(str(address)) is None


@given(public_v6)
def test_ordinary_ipv6_addresses_are_allowed(address: IPv6Address) -> None:
    """What the registries give to networks is allowed, unless it carries an IPv4 address."""
    if (int(address) >> 32) & 0xFCFF_FFFF != 0x5EFE:
        assert refusal(str(address)) is None


@given(st.ip_addresses())
def test_what_is_allowed_is_global_for_the_library_too(address: IPv4Address | IPv6Address) -> None:
    """No allowed address is one that the standard library calls non-global, multicast or reserved."""
    if refusal(str(address)) is None and not (address.version == 6 and address in IPv6Network("2002::/16")):
        assert address.is_global
        assert not address.is_multicast
        assert not ip_address(str(address)).is_reserved


@pytest.mark.parametrize(
    "text", ["", "example.com", "127.1", "0x7f000001", "2130706433", "1.2.3.4.5", "[::1]", "1.1.1.1 ", "01.1.1.1"]
)
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    """Only the plain notation of an address is an address here."""
    assert refusal(text) == "no address"


def wrapped(v4: IPv4Address, noise: int) -> list[IPv6Address]:
    """An IPv4 address in every kind of IPv6 address that carries one; `noise` fills the free bits."""
    low, rest = int(v4), noise
    rfc6052_48 = ((low >> 16) << 64) | ((low & 0xFFFF) << 40)
    return [
        IPv6Address(low),
        IPv6Address((0xFFFF << 32) | low),
        IPv6Address((0xFFFF << 48) | low),
        IPv6Address((0x0064_FF9B << 96) | low),
        IPv6Address((0x0064_FF9B_0001 << 80) | rfc6052_48),
        IPv6Address((0x0064_FF9B_0001 << 80) | ((rest & 0xFFFF) << 64) | low),
        IPv6Address((0x2002 << 112) | (low << 80) | rest),
        IPv6Address((0x2001_0000 << 96) | (0x0102_0304 << 64) | (low ^ 0xFFFF_FFFF)),
        IPv6Address((0x2001_0000 << 96) | (low << 64) | (rest & 0xFFFF_FFFF)),
        *(
            IPv6Address((0x2A00_1450_4001_0000 << 64) | (kind << 32) | low)
            for kind in (0x0000_5EFE, 0x0200_5EFE, 0x0100_5EFE, 0x0300_5EFE)
        ),
    ]


@given(private_v4, anything_64)
def test_a_private_address_inside_an_ipv6_address_is_refused(v4: IPv4Address, noise: int) -> None:
    """Mapped, compatible, translated, NAT64, 6to4, Teredo and ISATAP forms of a private address are refused."""
    for address in wrapped(v4, noise):
        assert refusal(str(address)) is not None, address


def notations(v4: IPv4Address) -> list[str]:
    """The ways in which browsers let an IPv4 address be written."""
    a, b, c, d = v4.packed
    return [
        f"{a}.{b}.{c}.{d}",
        f"{a}.{b}.{c}.{d}.",
        str(int(v4)),
        hex(int(v4)),
        f"0{int(v4):o}",
        f"{a}.{(b << 16) | (c << 8) | d}",
        f"{a}.{b}.{(c << 8) | d}",
        f"0x{a:X}.{b}.0{c:o}.{d}",
        f"0{a:o}.0x{(b << 16) | (c << 8) | d:x}",
        f"000{a:03o}.{b}.{c}.0x{d:02x}",
        f"{a}%2E{b}.{c}.{d}",
        f"{a}[.]{b}[.]{c}[.]{d}",
        f"\uff10x{int(v4):x}",
    ]


@given(st.one_of(private_v4, public_v4))
def test_every_notation_is_the_address_it_means(v4: IPv4Address) -> None:
    """Decimal, octal, hexadecimal, short, mixed, escaped and full-width notations mean one address, judged as such."""
    for text in notations(v4):
        spelled = canonicalize(f"http://{text}/")
        assert (spelled.host, spelled.literal) == (str(v4), True), text
        assert refusal(spelled.host) == refusal(str(v4))


@given(private_v4, anything_64)
def test_wrapped_addresses_in_urls_are_refused(v4: IPv4Address, noise: int) -> None:
    """The same for IPv6 literals, with dotted quads in them too."""
    for address in wrapped(v4, noise):
        assert refusal(canonicalize(f"http://[{address.exploded}]/").host) is not None
    for text in (f"::ffff:{v4}", f"::{v4}", f"64:ff9b::{v4}"):
        assert refusal(canonicalize(f"http://[{text}]/").host) is not None


class Changing(Sequence[str]):
    """A host's addresses that are others whenever they are looked up again, as a rebinding name's are."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    def _next(self) -> list[str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._next())

    def __getitem__(self, at):  # type: ignore[no-untyped-def]
        return self._next()[at]

    def __len__(self) -> int:
        return 1


def listening() -> socket.socket:
    """A server that must not see anybody."""
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


def seen_by(sock: socket.socket) -> int:
    """How many connections came."""
    count = 0
    while True:
        try:
            sock.accept()[0].close()
            count += 1
        except BlockingIOError:
            return count


def test_the_address_checked_is_the_address_used() -> None:
    """A name that is public when checked and loopback when used is connected at the checked address, once."""
    used: list[str] = []

    async def run(trap: int) -> Exchange:
        async with serving([b"HTTP/1.1 200 OK\r\n\r\n"]) as port:

            def to(address: str, asked: int) -> tuple[str, int]:
                used.append(address)
                return ("127.0.0.1", port) if address == "28.10.0.7" else (address, asked)

            async with HostConnections(to, Politeness(at_once=1, delay_s=0), timeout_s=1, agent="t") as host:
                return await host.ask(
                    canonicalize(f"http://lab.example:{trap}/"), "HEAD", Changing(["28.10.0.7"], ["127.0.0.1"])
                )

    with listening() as sock:
        exchange = asyncio.run(run(sock.getsockname()[1]))
        assert seen_by(sock) == 0
    assert exchange.head is not None
    assert (used, exchange.address) == (["28.10.0.7"], "28.10.0.7")


@pytest.mark.parametrize(
    "answers",
    [["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], ["0.0.0.0", "::"], ["10.0.0.1", "127.0.0.1"]],
)
def test_a_redirect_to_a_private_host_reaches_nobody(answers: list[str]) -> None:
    """A redirect is a new request: where its host answers privately, no packet leaves, not even to ourselves."""

    async def run(trap: int) -> tuple[Exchange, Exchange]:
        answer = b"HTTP/1.1 301 Moved\r\nLocation: http://www.lab.example:%d/\r\n\r\n" % trap
        async with serving([answer]) as port:

            def to(address: str, asked: int) -> tuple[str, int] | None:
                return ("127.0.0.1", port) if address == "28.10.0.7" else connector(None, Guard())(address, asked)

            async with HostConnections(to, Politeness(at_once=1, delay_s=0), timeout_s=1, agent="t") as host:
                first = await host.ask(canonicalize("http://lab.example/"), "HEAD", ["28.10.0.7"])
                assert first.head is not None
                target = canonicalize(urljoin("http://lab.example/", first.head.fields["location"]))
                return first, await host.ask(target, "HEAD", answers)

    with listening() as sock:
        _, second = asyncio.run(run(sock.getsockname()[1]))
        assert seen_by(sock) == 0
    assert (second.phase, second.failure) == ("guard", "non_public_address")
    assert second.bytes_read == 0


@pytest.mark.parametrize("address", ["168.63.129.16", "2002:a83f:8110::1", "161.26.0.10", "166.9.249.118"])
def test_what_clouds_run_for_their_own_machines_is_refused(address: str) -> None:
    """A host's agent on a public address is as private as one on a link-local address, wrapped or not."""
    assert refusal(address) is not None


def asked_for(url: str, guard: Guard, addresses: Sequence[str] = ("28.10.0.7",)) -> tuple[str, str | None, int]:
    """Phase and failure of a request under these settings, and how many connections a server on loopback got."""

    async def run(port: int) -> Exchange:
        to = connector(Lab(resolver="127.0.0.1:1", clock=NOON, connect_to=_everywhere(port)), guard)
        async with HostConnections(to, Politeness(at_once=1, delay_s=0), timeout_s=0.5, agent="t") as host:
            return await host.ask(canonicalize(url), "HEAD", addresses)

    with listening() as sock:
        exchange = asyncio.run(run(sock.getsockname()[1]))
        return exchange.phase, exchange.failure, seen_by(sock)


def _everywhere(port: int) -> tuple[ConnectTo, ...]:
    return tuple(
        ConnectTo(prefix=net, port=at, listener=f"127.0.0.1:{port}")
        for net in ("0.0.0.0/0", "::/0")
        for at in (80, *OTHERS)
    )


@pytest.mark.long
@pytest.mark.parametrize("port", OTHERS)
def test_ports_of_other_protocols_get_no_packet(port: int) -> None:
    """A reported URL cannot make the crawler talk to mail servers and databases, unless the study allows the port."""
    url = f"http://lab.example:{port}/"
    assert asked_for(url, Guard()) == ("guard", "blocked_port", 0)
    assert asked_for(url, Guard(ports=(port,)))[2] == 1


@pytest.mark.parametrize("address", ["28.10.0.7", "2002:1c0a:7::1"])
def test_networks_that_the_operator_denies_get_no_packet(address: str) -> None:
    """`[guard] deny` refuses an address, also inside an IPv6 address; a host's other addresses are tried."""
    url, guard = "http://lab.example/", Guard(deny=("28.10.0.0/16", "2a00::/12"))
    assert asked_for(url, guard, [address]) == ("guard", "denied_network", 0)
    assert asked_for(url, guard, [address, "28.11.0.7"])[2] == 1


def test_a_denied_network_must_be_one(tmp_path: Path) -> None:
    """A mistyped network is one sentence that quotes it."""
    (tmp_path / "waterbed.toml").write_text('study = "s"\n[guard]\ndeny = ["10.0.0.1/8"]\n')
    with pytest.raises(InputError, match=r"guard.deny '10.0.0.1/8' is not a network like 192.0.2.0/24"):
        read_config(tmp_path / "waterbed.toml")
