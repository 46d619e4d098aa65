"""One exchange with servers that behave, and with servers that do not."""

import asyncio
import socket
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crawler.net.hostile import serving
from waterbed.crawler.net.connection import Connection
from waterbed.crawler.net.http import Exchange, HostConnections
from waterbed.crawler.net.politeness import Politeness
from waterbed.crawler.net.response import read_head
from waterbed.crawler.net.vantage import Vantage
from waterbed.lab.servers.wire import server_context
from waterbed.model.errors import LeaseLost
from waterbed.model.urls import canonicalize

PUBLIC = "28.10.0.7"


def ask(
    pieces: Sequence[bytes], *, method: str = "HEAD", timeout_s: float = 2.0, pause_s: float = 0.0, hang: bool = False
) -> Exchange:
    """What comes of one request to a server that answers with these pieces."""

    async def run() -> Exchange:
        async with serving(pieces, pause_s=pause_s, hang=hang) as port:
            politeness = Politeness(at_once=2, delay_s=0)
            to = lambda address, _: ("127.0.0.1", port) if address == PUBLIC else None  # noqa: E731 (a one-line connector)
            async with HostConnections(to, politeness, timeout_s=timeout_s, agent="test") as connections:
                return await connections.ask(canonicalize("http://lab.example/x"), method, [PUBLIC])

    return asyncio.run(run())


def test_a_plain_head_gives_status_and_fields() -> None:
    """A well-behaved answer gives its status and lower-case header names."""
    exchange = ask([b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-A: b\r\nContent-Length: 7\r\n\r\n"])
    assert exchange.failure is None
    assert exchange.head is not None
    assert (exchange.head.status, exchange.head.fields["content-type"]) == (200, "text/html")
    assert exchange.phase == "http"


def test_a_body_after_head_is_hardly_read() -> None:
    """A server that pushes a body at HEAD gets at most one small read's worth taken."""
    body = b"\xff\xd8" + b"x" * 400_000
    exchange = ask([b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + body])
    assert exchange.head is not None
    assert not exchange.head.reusable
    assert exchange.bytes_read <= 2048


def test_an_interim_answer_is_passed_over() -> None:
    """A 103 before the answer is not the answer."""
    exchange = ask([b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n"])
    assert exchange.head is not None
    assert exchange.head.status == 404


@pytest.mark.parametrize(
    ("pieces", "failure"),
    [
        ([b"HTTP/1.1 100 Continue\r\n\r\n"] * 1_000, "too_long"),
        ([b"<html>hello</html>"], "no_status_line"),
        ([b"\x00\x01\x02\x03"], "no_status_line"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], "no_status_line"),
        ([], "closed"),
        ([b"HTTP/1.1 200"], "head_cut_off"),
        ([b"HTTP/1.1 2x0 OK\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 000 Nothing\r\n\r\n"], "bad_status"),
        ([b"HTTP/9.9.9 200 OK\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 200 OK\r\n" + b"A: " + b"x" * 100_000], "too_long"),
        ([b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000], "too_long"),
    ],
)
def test_what_is_no_answer_has_its_failure_class(pieces: list[bytes], failure: str) -> None:
    """Broken answers are values with a class of their own, not errors."""
    exchange = ask(pieces)
    assert (exchange.phase, exchange.failure, exchange.head) == ("http", failure, None)
    assert exchange.bytes_read < 70_000


def test_a_silent_server_times_out() -> None:
    """A server that accepts and never answers costs the deadline and no more."""
    exchange = ask([], hang=True, timeout_s=0.2)
    assert (exchange.phase, exchange.failure) == ("http", "no_answer")


def test_a_drip_of_bytes_times_out() -> None:
    """One byte at a time does not stretch the deadline."""
    exchange = ask([b"HTTP/1.1 200 OK\r\n", *[b"A"] * 100], pause_s=0.05, timeout_s=0.3)
    assert (exchange.phase, exchange.failure) == ("http", "timeout")


def test_nobody_listening_is_refused() -> None:
    """A closed port is the connect phase's failure."""

    async def run() -> Exchange:
        async with HostConnections(
            lambda *_: ("127.0.0.1", 9), Politeness(at_once=1, delay_s=0), timeout_s=1, agent="t"
        ) as connections:
            return await connections.ask(canonicalize("http://lab.example/"), "HEAD", [PUBLIC])

    exchange = asyncio.run(run())
    assert (exchange.phase, exchange.failure) == ("connect", "refused")


def test_plaintext_on_a_tls_port_is_told_apart() -> None:
    """A server that speaks no TLS on an https URL fails in the TLS phase."""

    async def run() -> Exchange:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
            await reader.read(2000)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with HostConnections(
            lambda *_: ("127.0.0.1", port), Politeness(at_once=1, delay_s=0), timeout_s=2, agent="t"
        ) as connections:
            exchange = await connections.ask(canonicalize("https://lab.example/"), "HEAD", [PUBLIC])
        server.close()
        return exchange

    exchange = asyncio.run(run())
    assert (exchange.phase, exchange.failure) == ("tls", "not_tls")


def test_only_public_addresses_are_connected() -> None:
    """A private address is refused before any connection, a public one beside it is used."""
    asked: list[str] = []

    async def run(addresses: list[str]) -> Exchange:
        def to(address: str, _: int) -> tuple[str, int] | None:
            asked.append(address)
            return ("127.0.0.1", 9)

        async with HostConnections(to, Politeness(at_once=1, delay_s=0), timeout_s=1, agent="t") as connections:
            return await connections.ask(canonicalize("http://lab.example/"), "HEAD", addresses)

    exchange = asyncio.run(run(["10.0.0.1", "fe80::1", "::ffff:127.0.0.1"]))
    assert (exchange.phase, exchange.failure, asked) == ("guard", "non_public_address", [])
    asyncio.run(run(["10.0.0.1", PUBLIC]))
    assert asked == [PUBLIC]


def test_ipv4_is_tried_before_ipv6() -> None:
    """Many IPv6 addresses that no route leads to do not hide an IPv4 address that answers."""
    asked: list[str] = []

    async def run() -> Exchange:
        def to(address: str, _: int) -> tuple[str, int] | None:
            asked.append(address)
            return ("127.0.0.1", 9)

        async with HostConnections(to, Politeness(at_once=1, delay_s=0), timeout_s=1, agent="t") as connections:
            return await connections.ask(
                canonicalize("http://lab.example/"), "HEAD", [f"2606:4700::{n}" for n in range(1, 5)] + ["34.1.1.1"]
            )

    asyncio.run(run())
    assert asked == ["34.1.1.1", "2606:4700::1", "2606:4700::2"]


def test_a_host_outside_the_lab_is_refused_before_any_packet() -> None:
    """In a lab an address outside the map is the guard's refusal."""

    async def run() -> Exchange:
        async with HostConnections(
            lambda *_: None, Politeness(at_once=1, delay_s=0), timeout_s=1, agent="t"
        ) as connections:
            return await connections.ask(canonicalize("http://lab.example/"), "HEAD", [PUBLIC])

    assert asyncio.run(run()).failure == "outside_lab"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=5000))
def test_random_bytes_end_in_a_value(noise: bytes) -> None:
    """Whatever bytes a server sends, the exchange ends with a head or a failure class."""
    exchange = ask([noise])
    assert (exchange.head is None) == (exchange.failure is not None)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3000))
def test_random_bytes_after_a_status_line_end_in_a_value(noise: bytes) -> None:
    """Whatever follows a good status line, the exchange ends with a head or a failure class."""
    exchange = ask([b"HTTP/1.1 200 OK\r\n", noise, b"\r\n\r\n"])
    assert (exchange.head is None) == (exchange.failure is not None)


@pytest.mark.parametrize(
    ("pieces", "failure"),
    [
        ([b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"], "unasked_upgrade"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", b"garbage"], "no_status_line"),
        ([b"HTTP/1.1 200 OK\r\nA\x00: b\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 200 OK\r\n\xc3\xa9: b\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 200 OK\r\n no name\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 20000 OK\r\n\r\n"], "bad_head"),
        ([b"\r\nHTTP/1.1 200 OK\r\n\r\n"], "no_status_line"),
    ],
)
def test_heads_that_lie_have_their_failure_class_too(pieces: list[bytes], failure: str) -> None:
    """Upgrades nobody asked for, NULs, conflicting lengths and the like are named, not raised."""
    exchange = ask(pieces)
    assert (exchange.phase, exchange.failure, exchange.head) == ("http", failure, None)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 999 Request denied\r\n\r\n", 999),
        (b"HTTP/1.0 200\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\nA: b\n\n", 200),
        (b"HTTP/1.1 200 OK\r\nA: b\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nA: \xff\xfe\xc3\xa9\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: nonsense\r\n\r\n", 200),
    ],
)
def test_odd_heads_are_heads(answer: bytes, status: int) -> None:
    """Unheard-of statuses, bare line feeds and bytes above ASCII do no harm."""
    exchange = ask([answer])
    assert exchange.head is not None
    assert exchange.head.status == status


def test_a_head_in_single_bytes_is_searched_once() -> None:
    """The longest head in the smallest pieces: each byte is looked at a few times, not each time again."""
    searched = 0

    class Drips(Connection):
        def __init__(self) -> None:
            super().__init__()
            self.left = iter(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 10_000 + b"\r\n")

        async def receive(self, *, head: bool) -> bytes:
            nonlocal searched
            searched += 1
            return bytes([next(self.left)])

    head = asyncio.run(asyncio.wait_for(read_head(Drips(), body_follows=False), 60))
    assert (head.status, searched) == (200, 60_019)


@pytest.mark.parametrize("how", ["close", "reset", "close_notify"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_went_stale_is_replaced_once(scheme: str, how: str) -> None:
    """A server that ends a kept connection when it is asked again is asked once more on a fresh one."""
    taken: list[str] = []
    kept: list[asyncio.StreamWriter] = []

    async def run() -> list[Exchange]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken.append(how)
            kept.append(writer)
            try:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if how == "close":
                sock = writer.get_extra_info("socket")
                socket.fromfd(sock.fileno(), sock.family, sock.type).shutdown(socket.SHUT_RDWR)
            elif how == "reset":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()

        tls = server_context() if scheme == "https" else None
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        politeness = Politeness(at_once=1, delay_s=0)
        async with HostConnections(lambda *_: ("127.0.0.1", port), politeness, timeout_s=2, agent="t") as host:
            exchanges = [
                await host.ask(canonicalize(f"{scheme}://lab.example/{n}"), "HEAD", [PUBLIC]) for n in range(2)
            ]
        server.close()
        return exchanges

    first, second = asyncio.run(run())
    assert (first.failure, second.failure) == (None, None)
    assert first.head is not None
    assert first.head.reusable
    assert len(taken) == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nothing_is_sent_once_the_lease_is_lost(scheme: str) -> None:
    """A lease that goes to another run while this one connects is seen before the request leaves."""
    holds, heard = [True], bytearray()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        holds[0] = False
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        if scheme == "https":
            await writer.start_tls(server_context())
        heard.extend(await reader.read())
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
            at = server.sockets[0].getsockname()
            here = Vantage(name="here", network="one", proxy=(at[0], at[1]))
            politeness = Politeness(at_once=2, delay_s=0, holds=lambda: holds[0])
            to = lambda address, port: (address, port)  # noqa: E731 (a one-line connector)
            async with HostConnections(to, politeness, timeout_s=5.0, agent="test", vantage=here) as connections:
                with pytest.raises(LeaseLost):
                    await connections.ask(canonicalize(f"{scheme}://lab.example/x"), "HEAD", [PUBLIC])

    asyncio.run(run())
    assert not heard
