"""One exchange with servers that behave, and with servers that do not."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.exchange import Exchange, HostConnections
from crawler.manners import Manners
from tests.crawler.hostile import serving
from waterbed.model.canonical import spell

PUBLIC = "28.10.0.7"


def ask(
    pieces: Sequence[bytes], *, method: str = "HEAD", timeout_s: float = 2.0, pause_s: float = 0.0, hang: bool = False
) -> Exchange:
    """What comes of one request to a server that answers with these pieces."""

    async def run() -> Exchange:
        async with serving(pieces, pause_s=pause_s, hang=hang) as port:
            manners = Manners(at_once=2, delay_s=0)
            to = lambda address, _: ("127.0.0.1", port) if address == PUBLIC else None  # noqa: E731 (a one-line connector)
            async with HostConnections(to, manners, timeout_s=timeout_s, agent="test") as connections:
                return await connections.ask(spell("http://lab.example/x"), method, [PUBLIC])

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
        ([b"HTTP/1.1 100 Continue\r\n\r\n"] * 50, "endless_interim"),
        ([b"<html>hello</html>"], "no_status_line"),
        ([b"\x00\x01\x02\x03"], "no_status_line"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], "no_status_line"),
        ([], "closed"),
        ([b"HTTP/1.1 200"], "head_cut_off"),
        ([b"HTTP/1.1 2x0 OK\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 000 Nothing\r\n\r\n"], "bad_status"),
        ([b"HTTP/9.9.9 200 OK\r\n\r\n"], "bad_head"),
        ([b"HTTP/1.1 200 OK\r\n" + b"A: " + b"x" * 100_000], "head_too_long"),
        ([b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000], "head_too_long"),
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
    assert (exchange.phase, exchange.failure) == ("http", "timeout")


def test_a_drip_of_bytes_times_out() -> None:
    """One byte at a time does not stretch the deadline."""
    exchange = ask([b"HTTP/1.1 200 OK\r\n", *[b"A"] * 100], pause_s=0.05, timeout_s=0.3)
    assert (exchange.phase, exchange.failure) == ("http", "timeout")


def test_nobody_listening_is_refused() -> None:
    """A closed port is the connect phase's failure."""

    async def run() -> Exchange:
        async with HostConnections(
            lambda *_: ("127.0.0.1", 9), Manners(at_once=1, delay_s=0), timeout_s=1, agent="t"
        ) as connections:
            return await connections.ask(spell("http://lab.example/"), "HEAD", [PUBLIC])

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
            lambda *_: ("127.0.0.1", port), Manners(at_once=1, delay_s=0), timeout_s=2, agent="t"
        ) as connections:
            exchange = await connections.ask(spell("https://lab.example/"), "HEAD", [PUBLIC])
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

        async with HostConnections(to, Manners(at_once=1, delay_s=0), timeout_s=1, agent="t") as connections:
            return await connections.ask(spell("http://lab.example/"), "HEAD", addresses)

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

        async with HostConnections(to, Manners(at_once=1, delay_s=0), timeout_s=1, agent="t") as connections:
            return await connections.ask(
                spell("http://lab.example/"), "HEAD", [f"2606:4700::{n}" for n in range(1, 5)] + ["34.1.1.1"]
            )

    asyncio.run(run())
    assert asked == ["34.1.1.1", "2606:4700::1", "2606:4700::2"]


def test_a_host_outside_the_lab_is_refused_before_any_packet() -> None:
    """In a lab an address outside the map is the guard's refusal."""

    async def run() -> Exchange:
        async with HostConnections(
            lambda *_: None, Manners(at_once=1, delay_s=0), timeout_s=1, agent="t"
        ) as connections:
            return await connections.ask(spell("http://lab.example/"), "HEAD", [PUBLIC])

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
