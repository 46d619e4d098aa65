"""Pages: a little text in memory, and of anything else no more than of a head."""

import asyncio
import gzip
import ssl
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crawler.net.hostile import serving
from tests.crawler.net.pushing import context, pushing
from tests.fuzz.heads import check, ours
from waterbed.crawler.net import response
from waterbed.crawler.net.http import Exchange, HostConnections
from waterbed.crawler.net.politeness import Politeness
from waterbed.crawler.net.response import PAGE_MOST
from waterbed.model.urls import canonicalize

PUBLIC = "28.10.0.7"
HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
PAGE = b"<!doctype html><title>a page</title>" + b"<p>text</p>\n" * 9000


def connections(port: int, timeout_s: float = 3.0) -> HostConnections:
    politeness = Politeness(at_once=2, delay_s=0)
    return HostConnections(lambda *_: ("127.0.0.1", port), politeness, timeout_s=timeout_s, agent="test")


def read(pieces: Sequence[bytes], *, most: int = PAGE_MOST, timeout_s: float = 3.0, **how: float) -> Exchange:
    async def run() -> Exchange:
        async with serving(pieces, **how) as port, connections(port, timeout_s) as host:  # type: ignore[arg-type]
            return await host.read_page(canonicalize("http://lab.example/x"), [PUBLIC], most)

    return asyncio.run(run())


def test_a_page_is_read_up_to_a_bound() -> None:
    """A page's text is read, at most so many bytes of it."""
    answer = HTML + b"Content-Length: %d\r\n\r\n" % len(PAGE)
    assert read([answer, PAGE]).page == PAGE[:40_960]
    assert read([answer, PAGE], most=100).page == PAGE[:100]
    short = read([HTML + b"Content-Length: 5\r\n\r\nhello and more"])
    assert (short.page, short.page_refused, short.failure) == (b"hello", None, None)


def test_a_page_without_a_length_ends_with_the_connection() -> None:
    """Without a length, what came until the end is the page."""
    assert read([HTML + b"\r\n", b"<p>one", b"<p>two"]).page == b"<p>one<p>two"


def test_chunks_are_put_together() -> None:
    """The framing of a chunked page is no part of it."""
    chunked = [HTML + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r", b"\n6;x=y\r\n world\r\n0\r\n\r\n"]
    assert read(chunked).page == b"hello world"


@pytest.mark.parametrize("status", [403, 404, 410, 500, 503])
def test_pages_of_refusals_and_losses_are_read_too(status: int) -> None:
    """The pages of 403, 404, 410 and 5xx say what happened, so they are read."""
    answer = b"HTTP/1.1 %d X\r\nContent-Type: application/xhtml+xml\r\nContent-Length: 4\r\n\r\ngone" % status
    assert read([answer]).page == b"gone"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n", "media_type"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", "media_type"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "media_type"),
        (b"HTTP/1.1 302 Found\r\nContent-Type: text/html\r\n\r\n", "status"),
        (HTML + b"Content-Encoding: gzip\r\n\r\n", "compressed"),
    ],
)
def test_what_is_no_page_ends_at_its_head(answer: bytes, why: str) -> None:
    """Of another media type, another status or a compressed page nothing is read."""
    exchange = read([answer + b"x" * 400_000])
    assert (exchange.page, exchange.page_refused, exchange.failure) == (None, why, None)
    assert exchange.bytes_read <= 1024


@pytest.mark.parametrize(
    "start",
    [
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n",
        b"GIF89a",
        b"RIFF1234WEBP",
        b"\x01\x02\x03\x20ftypmp42",
        b"%PDF-1.7",
        b"PK\x03\x04",
        gzip.compress(b"x" * 99, mtime=1),
        b"\x1a\x45\xdf\xa3",
        b"  \r\n\xff\xd8\xff",
        b"<html>\0",
    ],
)
def test_a_picture_labelled_as_a_page_is_dropped_at_once(start: bytes) -> None:
    """A body that begins as no text does is not read on, whatever its label says."""
    exchange = read([HTML + b"\r\n", start + b"y" * 400_000])
    assert (exchange.page, exchange.page_refused, exchange.failure) == (None, "not_text", None)
    assert exchange.bytes_read <= 1536


@pytest.mark.parametrize("tls", [None, context()])
@pytest.mark.parametrize("apart", [False, True])
def test_a_picture_labelled_as_a_page_stays_outside(tls: ssl.SSLContext | None, apart: bool) -> None:
    """The server's kernel counts no more of it than of any pushed body."""

    async def run() -> tuple[Exchange, int]:
        async with pushing(HTML + b"\r\n", b"\xff\xd8\xff" + b"z" * 400_000, tls=tls, apart=apart) as server:
            async with connections(server.port) as host:
                scheme = "https" if tls else "http"
                exchange = await host.read_page(canonicalize(f"{scheme}://lab.example/x"), [PUBLIC])
            await asyncio.wait_for(server.ended.wait(), 60)
            return exchange, server.excess[0]

    exchange, excess = asyncio.run(run())
    assert exchange.page_refused == "not_text"
    assert excess <= (4096 if tls else 2560)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("apart", [False, True])
def test_a_page_comes_through_tls_unharmed(version: ssl.TLSVersion, apart: bool) -> None:
    """Records read in part and records read whole give the same text, in order."""

    async def run() -> Exchange:
        head = HTML + b"Content-Length: %d\r\n\r\n" % len(PAGE)
        async with (
            pushing(head, PAGE, tls=context(version=version), apart=apart) as server,
            connections(server.port) as host,
        ):
            return await host.read_page(canonicalize("https://lab.example/x"), [PUBLIC], 40_000)

    assert asyncio.run(run()).page == PAGE[:40_000]


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        ([HTML + b"Content-Length: 99\r\n\r\n", b"short"], "cut_off"),
        ([HTML + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\nhello"], "bad_body"),
        ([HTML + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhel"], "cut_off"),
        ([HTML + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"e" * 400_000], "bad_body"),
    ],
)
def test_a_broken_page_is_none_but_its_head_stands(pieces: list[bytes], why: str) -> None:
    """A page that breaks off or whose framing is nonsense is no page; the answer's head is one."""
    exchange = read(pieces)
    assert (exchange.page, exchange.page_refused, exchange.failure) == (None, why, None)
    assert exchange.head is not None


def test_one_deadline_covers_head_and_page() -> None:
    """A page that drips is given up at the deadline, its head is kept."""
    exchange = read([HTML + b"Content-Length: 99\r\n\r\n", *[b"a"] * 50], pause_s=0.05, timeout_s=0.3)
    assert (exchange.page, exchange.page_refused, exchange.failure) == (None, "timeout", None)
    assert exchange.head is not None


def test_an_exchange_says_nothing_of_its_page() -> None:
    """Neither text nor header fields nor certificate show in a repr."""
    exchange = read([HTML + b"X-Secret: hidden\r\nContent-Length: 6\r\n\r\nsecret"])
    assert exchange.page == b"secret"
    assert repr(exchange) == "<Exchange http: <Head 200>>"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=600), max_size=5), st.sampled_from([b"", b"Transfer-Encoding: chunked\r\n"]))
def test_random_bodies_end_in_a_value(pieces: list[bytes], framing: bytes) -> None:
    """Whatever follows a good head, there is a page or a reason."""
    exchange = read([HTML + framing + b"\r\n", *pieces])
    assert exchange.failure is None
    assert (exchange.page is None) == (exchange.page_refused is not None)


NAMES = st.sampled_from(["Content-Type", "content-length", "ETag", "Location", "X-A", "Server", "Connection"])
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)
LINES = st.tuples(NAMES, st.sampled_from([":", ": ", ": ", ":\t"]), VALUES).map("".join)
ODD = st.one_of(st.text(max_size=12), st.sampled_from([" folded", "bad name: a", ": b", "X-A : c", "X-A: a\x01"]))


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Response heads, most of them good, some cut, folded or with a few bytes changed."""
    status, reason = draw(st.integers(90, 1_020)), draw(st.sampled_from(["OK", "", "No"]))
    start = f"HTTP/1.{draw(st.sampled_from('0119'))} {status} {reason}"
    end = draw(st.sampled_from(["\r\n", "\r\n", "\n"]))
    text = end.join(
        [start, *draw(st.lists(LINES, max_size=6)), *draw(st.lists(ODD, max_size=draw(st.integers(0, 1)))), "", ""]
    ).encode("latin-1", "replace")
    at, more = draw(st.integers(0, len(text))), draw(st.sampled_from([b"", b"", b"", b"", b"\0", b"\r", b" ", b":"]))
    return text[:at] + more + text[at:]


@given(how=st.integers(0, 255), data=heads())
@settings(max_examples=300)
def test_a_head_that_another_library_takes_has_the_same_status_and_fields(how: int, data: bytes) -> None:
    """Where h11 takes a head too, both see one status, and one first value of each field, in pieces of any size."""
    check(bytes([how]) + data)


@pytest.mark.parametrize(
    ("version", "field", "kept"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: keep-alive\r\n", True),
        (b"0.9", b"", False),
        (b"0.9", b"Connection: keep-alive\r\n", False),
    ],
)
def test_a_connection_is_kept_where_its_version_allows_it(version: bytes, field: bytes, kept: bool) -> None:
    """Only HTTP/1.1 keeps connections unasked, and nothing older than HTTP/1.0 at all."""
    read = ours(b"HTTP/%b 404 X\r\n%b\r\n" % (version, field), 512, body_follows=False)
    assert read is not None
    assert read[0].reusable == kept


def test_only_usual_names_of_fields_are_remembered() -> None:
    """A server that makes up long names of fields fills no memory with them."""
    before = response._remembered.cache_info().currsize
    assert response._lowered(b"X-" + b"A" * 60_000) == "x-" + "a" * 60_000
    assert response._remembered.cache_info().currsize == before
    assert response._lowered(b"Content-Type") == "content-type"
