"""Vantage points: what settings may say, outgoing addresses, and proxies that are told an address only."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from tests.crawler.net.pushing import context, pushing
from waterbed.crawler.net.guard import connector
from waterbed.crawler.net.http import Exchange, HostConnections
from waterbed.crawler.net.politeness import Politeness
from waterbed.crawler.net.vantage import Vantage, first_vantage, further_vantages
from waterbed.model.errors import InputError
from waterbed.model.urls import canonicalize
from waterbed.store.config import Config
from waterbed.store.machine_settings import ConnectTo, Lab
from waterbed.store.settings import Guard
from waterbed.store.settings import Vantage as Entry

PUBLIC, PUBLIC6 = "28.10.0.7", "2606:4700::7"
AGENT = "Mozilla/5.0 (research; me@example.org)"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"
LAB = Lab(resolver="127.0.0.1:53", clock=datetime(2026, 1, 1, tzinfo=UTC), connect_to=())


def config(*entries: Entry) -> Config:
    return Config(study="s", contact="me@example.org", vantage="home", network="AS1", vantages=entries)


def test_vantages_come_from_the_settings() -> None:
    """The first is this machine, further ones have an address, a proxy or both."""
    settings = config(
        Entry(name="second", network="AS2", address="192.0.2.7"),
        Entry(name="third", network="AS3", proxy="[2001:db8::1]:3128"),
        Entry(name="fourth", network="AS3", proxy="192.0.2.1:80", address="192.0.2.9"),
        Entry(name="fifth", network="AS1", agent=AGENT),
    )
    assert first_vantage(settings) == Vantage(name="home", network="AS1")
    assert further_vantages(settings, None) == (
        Vantage(name="second", network="AS2", source="192.0.2.7"),
        Vantage(name="third", network="AS3", proxy=("2001:db8::1", 3128)),
        Vantage(name="fourth", network="AS3", source="192.0.2.9", proxy=("192.0.2.1", 80)),
        Vantage(name="fifth", network="AS1", agent=AGENT),
    )


@pytest.mark.parametrize(
    ("agent", "contact"),
    [
        ("Mozilla/5.0", "me@example.org"),
        ("Mozilla/5.0 you@example.org", "me@example.org"),
        ("Mozilla/5.0", ""),
        ("Mozilla/5.0\r\nCookie: me@example.org", "me@example.org"),
        ("M\u00f6zilla me@example.org", "me@example.org"),
        (f"{'x' * 200} me@example.org", "me@example.org"),
    ],
)
def test_an_agent_that_hides_who_asks_is_refused(agent: str, contact: str) -> None:
    """A vantage's own user agent names the contact and can stand in a header."""
    with pytest.raises(ValueError, match="does not say who asks"):
        Config(study="s", contact=contact, vantages=(Entry(name="v", network="n", agent=agent),))


@pytest.mark.parametrize(
    ("entry", "lab", "said"),
    [
        (Entry(name="home", network="n"), None, "two vantage points are named 'home'"),
        (Entry(name="v", network="n", address="eth0"), None, "has the address 'eth0'"),
        (Entry(name="v", network="n", address="0.0.0.0"), None, "has the address '0.0.0.0'"),
        (Entry(name="v", network="n", proxy="proxy.example:80"), None, "has the proxy 'proxy.example:80'"),
        (Entry(name="v", network="n", proxy="192.0.2.1"), None, "has the proxy '192.0.2.1'"),
        (Entry(name="v", network="n", proxy="192.0.2.1:0"), None, "has the proxy"),
        (Entry(name="v", network="n", proxy="192.0.2.1:65536"), None, "has the proxy"),
        (Entry(name="v", network="n", proxy="2001:db8::1:80"), None, "has the proxy"),
        (Entry(name="v", network="n", proxy="[192.0.2.1]:80"), None, "has the proxy"),
        (Entry(name="v", network="n", proxy="[::1]:80", address="127.0.0.2"), None, "different families"),
        (Entry(name="v", network="n", proxy="192.0.2.1:80"), LAB, "only loopback"),
        (Entry(name="v", network="n", address="192.0.2.1"), LAB, "only loopback"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_sentence(entry: Entry, lab: Lab | None, said: str) -> None:
    """A wrong address or proxy is refused with what was given, what is expected and where to read on."""
    with pytest.raises(InputError) as refused:
        further_vantages(config(entry), lab)
    assert said in str(refused.value)
    assert "docs/operations.md, Vantage points" in str(refused.value)


def ask(vantage: Vantage, port: int, addresses: list[str], *, scheme: str = "http", timeout_s: float = 2.0) -> Exchange:
    """What comes of a request from a vantage to a lab that plays both families on one loopback port."""
    return asyncio.run(asked(vantage, port, addresses, scheme=scheme, timeout_s=timeout_s))


async def asked(
    vantage: Vantage, port: int, addresses: list[str], *, scheme: str = "http", timeout_s: float = 2.0
) -> Exchange:
    lab = Lab(
        resolver="127.0.0.1:53",
        clock=LAB.clock,
        connect_to=tuple(
            ConnectTo(prefix=prefix, port=443 if scheme == "https" else 80, listener=f"127.0.0.1:{port}")
            for prefix in ("28.0.0.0/8", "2606:4700::/32")
        ),
    )
    politeness = Politeness(at_once=2, delay_s=0)
    async with HostConnections(
        connector(lab, Guard()), politeness, timeout_s=timeout_s, agent="t", vantage=vantage
    ) as host:
        return await host.ask(canonicalize(f"{scheme}://lab.example/x"), "HEAD", addresses)


def test_the_outgoing_address_is_the_one_that_was_set() -> None:
    """A server sees the vantage's address as the source."""
    seen: list[str] = []

    async def run() -> Exchange:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(writer.get_extra_info("peername")[0])
            writer.write(ANSWER)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        exchange = await asked(
            Vantage(name="v", network="n", source="127.0.0.9"), server.sockets[0].getsockname()[1], [PUBLIC]
        )
        server.close()
        return exchange

    assert asyncio.run(run()).head is not None
    assert seen == ["127.0.0.9"]


def test_an_address_of_another_family_or_machine_is_our_own_failure() -> None:
    """What the outgoing address cannot reach is not tried, and never counts as the server's silence."""
    six = ask(Vantage(name="v", network="n", source="::1"), 9, [PUBLIC])
    assert (six.phase, six.failure, six.address) == ("connect", "no_source_address", None)
    other = ask(Vantage(name="v", network="n", source="192.0.2.200"), 9, [PUBLIC])
    assert (other.phase, other.failure) == ("connect", "no_source_address")


@asynccontextmanager
async def proxy(said: bytes, to: int | None, asked_for: list[str], *, hang: bool = False) -> AsyncIterator[int]:
    """A CONNECT proxy that answers with these bytes and, if told so, passes on to a port."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked_for.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(said)
        if hang:
            await reader.read()
        if to is not None:
            there = await asyncio.open_connection("127.0.0.1", to)
            await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(("address", "written"), [(PUBLIC, PUBLIC), (PUBLIC6, f"[{PUBLIC6}]")])
@pytest.mark.parametrize("tls", [None, context()])
def test_a_proxy_is_told_the_checked_address_and_no_name(
    address: str, written: str, tls: ssl.SSLContext | None
) -> None:
    """CONNECT names the public address even in a lab, and nothing outside the tunnel holds the host's name."""
    told: list[str] = []
    scheme, port = ("https", 443) if tls else ("http", 80)

    async def run() -> Exchange:
        async with (
            pushing(ANSWER, b"", tls=tls) as server,
            proxy(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", server.port, told) as at,
        ):
            vantage = Vantage(name="v", network="n", proxy=("127.0.0.1", at))
            return await asked(vantage, server.port, [address], scheme=scheme)

    exchange = asyncio.run(run())
    assert exchange.head is not None
    assert (exchange.head.status, exchange.address) == (200, address)
    assert told == [f"CONNECT {written}:{port} HTTP/1.1\r\nHost: {written}:{port}\r\n\r\n"]


@pytest.mark.parametrize(
    ("said", "hang", "failure"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", False, "proxy_refused"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", False, "proxy_refused"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", False, "proxy_refused"),
        (b"HTTP/1.1 504 Gateway Timeout\r\n\r\n", False, "proxy_refused"),
        (b"", False, "proxy_failed"),
        (b"HTTP/1.1 200", False, "proxy_failed"),
        (b"SSH-2.0-x\r\n\r\n", False, "proxy_failed"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", False, "proxy_failed"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 50_000, False, "proxy_failed"),
        (b"", True, "proxy_timeout"),
        (b"HTTP/1.1 200 OK\r\n", True, "proxy_timeout"),
    ],
)
def test_what_a_proxy_does_is_never_the_server_s_doing(said: bytes, hang: bool, failure: str) -> None:
    """Refusals, nonsense and silence of a proxy have failure classes of their own."""
    told: list[str] = []

    async def run() -> Exchange:
        async with proxy(said, None, told, hang=hang) as at:
            vantage = Vantage(name="v", network="n", proxy=("127.0.0.1", at))
            return await asked(vantage, 9, [PUBLIC], timeout_s=0.3 if hang else 2)

    exchange = asyncio.run(run())
    assert (exchange.phase, exchange.failure, exchange.head) == ("connect", failure, None)
    assert len(told) == 1


def test_no_proxy_at_all_is_the_proxy_s_failure() -> None:
    """A proxy that cannot be reached fails as a proxy, not as a server that refuses."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    exchange = ask(Vantage(name="v", network="n", proxy=("127.0.0.1", port)), 9, [PUBLIC])
    assert (exchange.phase, exchange.failure) == ("connect", "proxy_failed")


def test_a_proxy_does_not_lead_out_of_the_lab() -> None:
    """An address outside the map is refused before the proxy hears of it."""
    told: list[str] = []

    async def run() -> Exchange:
        async with proxy(b"HTTP/1.1 200 OK\r\n\r\n", None, told) as at:
            return await asked(Vantage(name="v", network="n", proxy=("127.0.0.1", at)), 9, ["8.8.8.8"])

    exchange = asyncio.run(run())
    assert (exchange.phase, exchange.failure, told) == ("guard", "outside_lab", [])
