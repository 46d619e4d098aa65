"""Answers of link checks: whole, plain, of status 200, within a limit, or nothing."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.crawler.net.hostile import serving
from tests.crawler.net.pushing import context, pushing
from waterbed.crawler.net.http import Exchange, HostConnections, Request
from waterbed.crawler.net.politeness import Politeness
from waterbed.model.urls import canonicalize

PUBLIC = "28.10.0.7"
HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKS = HTML + b"Transfer-Encoding: chunked\r\n\r\n"


def answered(pieces: Sequence[bytes], *, most: int = 1024, hang: bool = False, timeout_s: float = 3.0) -> Exchange:
    async def run() -> Exchange:
        politeness = Politeness(at_once=2, delay_s=0)
        async with (
            serving(pieces, hang=hang) as port,
            HostConnections(lambda *_: ("127.0.0.1", port), politeness, timeout_s=timeout_s, agent="test") as host,
        ):
            return await host.send(
                canonicalize("http://lab.example/x"), Request(method="GET", most=most, answer=True), [PUBLIC]
            )

    return asyncio.run(run())


def test_an_answer_is_read_whole() -> None:
    """By its stated length or by its chunks; an empty one of either kind is whole."""
    assert answered([HTML + b"Content-Length: 5\r\n\r\nhello"]).page == b"hello"
    assert answered([CHUNKS, b"5\r\nhel", b"lo\r\n0\r\n\r\n"]).page == b"hello"
    assert answered([HTML + b"Content-Length: 0\r\n\r\n"]).page == b""
    assert answered([CHUNKS + b"0\r\n\r\n"]).page == b""
    assert answered([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]).page == b""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (HTML + b"\r\n", "unframed"),
        (HTML + b"\r\nhello", "unframed"),
        (HTML + b"Content-Length: 6\r\n\r\nhello", "cut_off"),
        (CHUNKS + b"5\r\nhello\r\n", "cut_off"),
        (CHUNKS, "cut_off"),
        (CHUNKS + b"0\r\n", "cut_off"),
        (CHUNKS + b"x\r\nhello\r\n0\r\n\r\n", "bad_body"),
        (CHUNKS + b"-5\r\nhello\r\n0\r\n\r\n", "bad_body"),
        (HTML + b"Content-Length: 5\r\n\r\nhello and more", "bad_body"),
        (HTML + b"Content-Length: 0\r\n\r\n" + HTML + b"Content-Length: 0\r\n\r\n", "bad_body"),
        (HTML + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "unframed"),
        (HTML + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "compressed"),
        (HTML + b"Content-Encoding: identity\r\nContent-Length: 0\r\n\r\n", "compressed"),
        (HTML + b"Content-Type: image/png\r\nContent-Length: 0\r\n\r\n", "media_type"),
        (HTML.replace(b"text/html", b"image/png") + b"Content-Length: 0\r\n\r\n", "media_type"),
        (HTML.replace(b"text/html", b"application/json") + b"Content-Length: 2\r\n\r\n{}", "media_type"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "media_type"),
        (HTML + b"Content-Length: 5\r\n\r\n\xff\xd8\xff\xe0a", "not_text"),
        (HTML + b"Content-Length: 5\r\n\r\nhe\0lo", "not_text"),
        (HTML + b"Content-Length: 1025\r\n\r\n" + b"x" * 1025, "too_long"),
        (CHUNKS + b"3f8\r\n" + b"x" * 1016 + b"\r\n0\r\n\r\n", "too_long"),
        (HTML.replace(b"200 OK", b"204 No Content") + b"\r\n", "status"),
        (HTML.replace(b"200 OK", b"206 Partial") + b"Content-Length: 0\r\n\r\n", "status"),
        (HTML.replace(b"200 OK", b"302 Found") + b"Location: /\r\nContent-Length: 0\r\n\r\n", "status"),
        (HTML.replace(b"200 OK", b"404 Not Found") + b"Content-Length: 0\r\n\r\n", "status"),
    ],
)
def test_nothing_else_is_an_answer(answer: bytes, why: str) -> None:
    """Cut off, unframed, broken, encoded, of another type or status, too long, followed by more: dropped with why."""
    found = answered([answer])
    assert (found.page, found.page_refused) == (None, why)


def test_the_limit_is_to_the_byte() -> None:
    """An answer as long as the limit is read, and framing counts."""
    assert answered([HTML + b"Content-Length: 1024\r\n\r\n" + b"x" * 1024]).page == b"x" * 1024
    chunk = b"3f0\r\n" + b"x" * 1008 + b"\r\n0\r\n\r\n"
    assert answered([CHUNKS + chunk], most=len(chunk)).page == b"x" * 1008
    assert answered([CHUNKS + chunk], most=len(chunk) - 1).page is None
    assert answered([HTML + b"Content-Length: 1\r\n\r\nx"], most=1).page == b"x"


def test_a_slow_answer_has_one_deadline() -> None:
    """A server that never ends costs the time-out, and tells nothing."""
    found = answered([HTML + b"Content-Length: 5\r\n\r\nhel"], hang=True, timeout_s=0.3)
    assert (found.page, found.page_refused) == (None, "timeout")


@pytest.mark.parametrize("tls", [False, True])
def test_what_is_pushed_past_the_limit_stays_where_it_is(tls: bool) -> None:
    """The server counts: no more than the limit and a window, with TLS a record."""

    async def run() -> tuple[int, int]:
        politeness = Politeness(at_once=2, delay_s=0)
        chunks = b"".join(b"4\r\nabcd\r\n" for _ in range(50_000))
        async with (
            pushing(CHUNKS, chunks, tls=context() if tls else None) as pushed,
            HostConnections(lambda *_: ("127.0.0.1", pushed.port), politeness, timeout_s=5.0, agent="test") as host,
        ):
            url = canonicalize(f"{'https' if tls else 'http'}://lab.example/x")
            found = await host.send(url, Request(method="GET", most=4096, answer=True), [PUBLIC])
            assert (found.page, found.page_refused) == (None, "too_long")
            await pushed.ended.wait()
            return found.bytes_read, max(pushed.excess)

    read, acked = asyncio.run(run())
    assert acked <= (4096 + 16_384 if tls else 4096)
    assert tls or read <= 4096 + len(CHUNKS)
