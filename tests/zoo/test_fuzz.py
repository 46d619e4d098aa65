"""Random and mutated bytes where answers are due: always a value, in time, in bounds, at no cost of memory."""

import asyncio
import gc
import os
import socket
import string
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from ssl import SSLContext, TLSVersion
from time import monotonic
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.edits import edited, edits
from tests.zoo import dns_faults
from tests.zoo.behaviour import Datagram, Left, Query, Visit
from tests.zoo.certificates import certificate, context
from tests.zoo.servers import DnsServer
from waterbed.attribution.lookups.dns.replies import Answer
from waterbed.attribution.lookups.dns.resolver import Resolver
from waterbed.crawler.net.connection import MAX_EXCHANGE, MAX_HANDSHAKE
from waterbed.crawler.net.http import Exchange, HostConnections
from waterbed.crawler.net.politeness import Politeness
from waterbed.crawler.net.response import PAGE_MOST
from waterbed.crawler.probe.features import Features, certificate_features, features
from waterbed.crawler.probe.pages import page_features
from waterbed.model.errors import BadUrl
from waterbed.model.facts import NameStatus, Phase
from waterbed.model.urls import CanonicalUrl, canonicalize, is_address

EXAMPLES = int(os.environ.get("WATERBED_FUZZ_EXAMPLES", "8"))
"""Examples a test; each is a batch of answers that are all under way at once."""

BATCH = 16
MAX_ADDRESSES = 256
NAME_S, ASK_S, SLACK_S = 0.3, 0.4, 2.0
PUBLIC = "28.10.0.7"
MOST_GROWTH_KIB = 16_384
bounded = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def resident_kib() -> int:
    """What this process holds in memory now."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def whole(query: Query) -> bytes:
    """A good answer with a bit of everything in it."""
    other = dns_faults.wire(f"a.{query.host}")
    records = [dns_faults.record(dns_faults.ASKED, dns_faults.CNAME, other), dns_faults.address(PUBLIC, other)]
    return dns_faults.message(query, *records, authority=[dns_faults.soa()], extra=[dns_faults.opt(ede=3)])


dns_answers = st.one_of(
    st.tuples(st.just("raw"), st.binary(max_size=600)),
    st.tuples(st.just("after question"), st.binary(max_size=600)),
    st.tuples(st.just("edited"), edits),
    st.tuples(st.just("edited after question"), edits),
)


def dns_answer(query: Query, how: tuple[str, Any]) -> bytes:
    """The bytes of one fuzzed answer."""
    kind, what = how
    good = whole(query)
    asked = 12 + len(query.name) + 4
    if kind == "raw":
        return bytes(what)
    if kind == "after question":
        return query.number + b"\x81\x80\x00\x01" + bytes(what)[:6].ljust(6, b"\0") + good[12:asked] + bytes(what)[6:]
    if kind == "edited":
        return edited(good, what)
    return good[:asked] + edited(good[asked:], what)


@pytest.mark.parametrize("over", ["udp", "tcp"])
def test_any_bytes_as_a_dns_answer_give_a_value(over: str) -> None:
    """Whatever a resolver sends, over UDP or TCP, a look-up ends in time in an answer that is one of ours."""
    hosts: dict[str, tuple[str, Any]] = {}
    number = 0

    def answers(query: Query) -> Sequence[Datagram]:
        if over == "tcp" and not query.tcp:
            return [Datagram(data=dns_faults.message(query, truncated=True))]
        return [Datagram(data=dns_answer(query, hosts[query.host]))]

    with asyncio.Runner() as runner:
        server = DnsServer(answers)
        port = runner.run(server.start())

        async def look_up(batch: list[tuple[str, Any]]) -> list[Answer]:
            nonlocal number
            resolver = Resolver(f"127.0.0.1:{port}", timeout_s=NAME_S, tries=1, in_flight=BATCH)
            hosts.clear()
            for how in batch:
                number += 1
                hosts[f"h{number}.fuzz-zoo.com"] = how
            try:
                return await asyncio.gather(*(resolver.resolve(host) for host in hosts))
            finally:
                await resolver.close()

        @bounded
        @given(st.lists(dns_answers, min_size=BATCH, max_size=BATCH))
        def each(batch: list[tuple[str, Any]]) -> None:
            began = monotonic()
            for answer in runner.run(look_up(batch)):
                assert answer.status in get_args(NameStatus)
                assert len(answer.addresses) <= MAX_ADDRESSES
                assert all(is_address(address) for address in answer.addresses)
                assert bool(answer.addresses) == (answer.status == "ok")
            assert monotonic() - began < 2 * NAME_S + SLACK_S

        before = resident_kib()
        each()
        assert resident_kib() - before < MOST_GROWTH_KIB
        runner.run(server.stop())


def test_a_resolver_without_tcp_is_a_timeout() -> None:
    """Where UDP says 'truncated' and TCP is refused, a look-up ends in time without an answer."""
    with asyncio.Runner() as runner:
        server = DnsServer(lambda query: [Datagram(data=dns_faults.message(query, truncated=True))])
        port = runner.run(server.start())
        server.refuse_tcp()

        async def look_up() -> Answer:
            resolver = Resolver(f"127.0.0.1:{port}", timeout_s=NAME_S, tries=2, in_flight=1)
            try:
                return await resolver.resolve("truncated-zoo.com")
            finally:
                await resolver.close()

        began = monotonic()
        assert runner.run(look_up()).status == "timeout"
        assert monotonic() - began < NAME_S + SLACK_S
        runner.run(server.stop())


_FRAGMENTS = [
    *(
        line + b"\r\n"
        for line in (b"HTTP/1.1 200 OK", b"HTTP/1.0 404 ", b"HTTP/2 200", b"Content-Length: 5", b" folded")
    ),
    *(line + b"\r\n" for line in (b"Transfer-Encoding: chunked", b"Connection: upgrade\r\nUpgrade: x", b"Location: /")),
    *(
        line + b"\r\n"
        for line in (b"Content-Length: 99999999999999999999", b"Content-Encoding: gzip", b"Set-Cookie: a")
    ),
    *(line + b"\r\n\r\n" for line in (b"", b"0", b"HTTP/1.1 103 Early", b"HTTP/1.1 100", b"HTTP/1.1 301 Moved")),
    *(b"5\r\nhello\r\n", b"ffffffffffffffffff\r\n", b"-1\r\n", b"10;a=b\r\n", b"0\r\nX: y\r\n"),
    *(b"\r", b"\n", b"\n\n", b"\0", b": ", b"\xff\xfe", b"Content-Type: text/html\r\n"),
]
_OK = b"HTTP/1.1 200 OK\r\n"
_HEAD = (
    b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 70\r\nETag: "a"\r\nConnection: keep-alive\r\n\r\n'
)
_fragments = st.lists(st.one_of(st.sampled_from(_FRAGMENTS), st.binary(max_size=20)), max_size=14).map(b"".join)
http_answers = st.one_of(
    st.binary(max_size=400),
    _fragments,
    _fragments.map(lambda rest: _OK + rest),
    _fragments.map(lambda rest: _OK + b"Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n" + rest),
    edits.map(lambda changes: edited(_HEAD + b"<html>" * 40, changes)),
    st.builds(
        lambda piece, times: _OK + b"X: " + piece * times, st.binary(min_size=1, max_size=40), st.integers(1, 4_000)
    ),
)
visits = st.tuples(
    http_answers, st.sampled_from(["HEAD", "GET", "page"]), st.sampled_from(["close", "reset", "close", "hang"])
)


def contexts() -> list[SSLContext]:
    """TLS 1.3, and TLS 1.2 with each kind of cipher: their records are built in different ways."""
    kinds = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA")
    old = [context("fuzz-zoo.com", version=TLSVersion.TLSv1_2, ciphers=kind) for kind in kinds]
    return [context("fuzz-zoo.com"), *old]


async def _served(visit: Visit, play: Callable[[Visit], Awaitable[None]]) -> None:
    try:
        await play(visit)
    except Left:
        pass
    finally:
        visit.close()


async def _ask_all(batch: Sequence[tuple[bytes, str, str]], where: str) -> list[Exchange]:
    """Ask one server for each fuzzed answer, all at once."""
    loop = asyncio.get_running_loop()
    scheme = "http" if where == "plain" else "https"
    listeners, tasks = [], []

    async def accept(sock: socket.socket, answer: bytes, end: str, made: SSLContext) -> None:
        async def play(visit: Visit) -> None:
            if where == "handshake":
                await visit.hello()
            elif where in ("tls", "records"):
                await visit.secure(made)
            if where != "handshake":
                await visit.request()
            if where == "records":
                records = visit.sealed(_HEAD[:40]) + visit.sealed(_HEAD[40:])
                await visit.send_raw(
                    edited(records, [("replace", answer[0] / 255 if answer else 0.0, answer[1:] or b"-")])
                )
            else:
                await visit.send(answer)
            if end == "reset":
                visit.reset()
            if end == "hang":
                await visit.until_left()

        while True:
            client, _ = await loop.sock_accept(sock)
            client.setblocking(False)
            tasks.append(loop.create_task(_served(Visit(client, host="fuzz-zoo.com", turns=iter(())), play)))

    async def ask(answer: bytes, method: str, end: str, made: SSLContext) -> Exchange:
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setblocking(False)
        listeners.append(sock)
        port = sock.getsockname()[1]
        tasks.append(loop.create_task(accept(sock, answer, end, made)))
        politeness = Politeness(at_once=4, delay_s=0)
        connect = lambda address, _: ("127.0.0.1", port) if address == PUBLIC else None  # noqa: E731 (a one-line connector)
        async with HostConnections(connect, politeness, timeout_s=ASK_S, agent="fuzz") as connections:
            url = canonicalize(f"{scheme}://fuzz-zoo.com/x")
            asked = connections.read_page(url, [PUBLIC]) if method == "page" else connections.ask(url, method, [PUBLIC])
            return await asked

    try:
        return await asyncio.gather(*(ask(*each, made) for each, made in zip(batch, cycle(contexts()), strict=False)))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for sock in listeners:
            sock.close()


@pytest.mark.long
@pytest.mark.parametrize("where", ["plain", "tls", "records", "handshake"])
def test_any_bytes_as_an_http_answer_give_a_value(where: str) -> None:
    """Whatever a server sends, in or outside TLS, a request ends in time in a head or a failure."""
    with asyncio.Runner() as runner:

        @bounded
        @given(st.lists(visits, min_size=BATCH, max_size=BATCH))
        def each(batch: list[tuple[bytes, str, str]]) -> None:
            began = monotonic()
            for exchange in runner.run(_ask_all(batch, where)):
                assert (exchange.head is None) != (exchange.failure is None)
                assert exchange.phase in get_args(Phase)
                assert exchange.bytes_read <= MAX_HANDSHAKE + MAX_EXCHANGE + 65_536
                assert len(exchange.page or b"") <= PAGE_MOST
                if exchange.head:
                    assert 200 <= exchange.head.status <= 999
            assert monotonic() - began < 2 * ASK_S + SLACK_S

        before = resident_kib()
        each()
        assert resident_kib() - before < MOST_GROWTH_KIB


_NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
_NAMES = [
    "content-type",
    "content-length",
    "etag",
    "last-modified",
    "server",
    "retry-after",
    "cf-mitigated",
    "location",
    "x",
]
_DATES = st.from_regex(
    r"[A-Z][a-z]{2}, [0-9]{1,25} Jan [0-9]{1,25} [0-9]{1,25}:[0-9]{2}(:[0-9]{2})? [+-]?[0-9A-Z]{1,25}", fullmatch=True
)
_VALUES = st.one_of(
    st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")),
    st.sampled_from(
        ["text/html; charset=x", "image/jpeg", "-1", "5", "9" * 40, "Mon, 05 Jan 2026 12:05:00 GMT", "²", "nginx"]
    ),
    _DATES,
)


@settings(max_examples=20 * EXAMPLES, deadline=None)
@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES))
def test_any_header_fields_give_features(fields: dict[str, str]) -> None:
    """Whatever stands in header fields, their features are taken, and they hold nothing long."""
    kept = features(fields, lambda kind, text: f"{kind}-id", _NOW)
    assert isinstance(kept, Features)
    assert kept.content_length is None or 0 <= kept.content_length < 10**16
    assert kept.retry_after_s is None or 0 <= kept.retry_after_s <= 30 * 86_400
    assert kept.media_type is None or len(kept.media_type) < 60


_PIECES = [
    *[
        "http://",
        "hxxps[:]//",
        "https:",
        "/",
        "\\",
        "@",
        ":",
        "[",
        "]",
        "[.]",
        "..",
        "%",
        "%2e",
        "xn--",
        "0x7f",
        "127.1",
        "::1",
        "?",
        "#",
        "a",
        "example",
        ".com",
        "1",
        ":99999",
        ";",
    ],
    *("\t", "\n", " ", "\u3002", "\xe9", "\U0001d54f", "\ud800"),
]


@settings(max_examples=30 * EXAMPLES, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.lists(st.one_of(st.sampled_from(_PIECES), st.text(string.printable, max_size=4)), max_size=12).map("".join),
    )
)
def test_any_text_is_spelled_or_refused(text: str) -> None:
    """Any text has one canonical spelling, which is its own, or is refused in words that do not repeat it."""
    try:
        spelled = canonicalize(text)
    except BadUrl as refused:
        told = str(refused)
    else:
        told = ""
        _check_spelling(spelled)
    assert len(text) < 12 or text not in told


def _check_spelling(spelled: CanonicalUrl) -> None:
    """One that is its own spelling, in plain characters."""
    assert canonicalize(spelled.url) == spelled
    assert 0 <= spelled.port < 65_536
    assert spelled.url.isascii()
    assert not any(character in spelled.url for character in "\0\r\n\t ")


_TAGS = [
    *[
        "<html>",
        "<title>",
        "</title>",
        "<script>",
        "</script>",
        "<svg>",
        "<!--",
        "-->",
        "<p/a='",
        "&#0;",
        "&#xfffffff;",
        "<!DOCTYPE",
        "]]>",
        "word",
    ],
    *("<meta charset=utf-16>", "<meta charset='utf-99'>", "<meta charset=utf-7>", "<?xml encoding='x'?>"),
    *("\0", " ", "<div>" * 50),
]
_PAGES = st.one_of(
    st.binary(max_size=2_000),
    st.lists(st.one_of(st.sampled_from(_TAGS).map(str.encode), st.binary(max_size=9)), max_size=40).map(b"".join),
)


@settings(max_examples=20 * EXAMPLES, deadline=None)
@given(_PAGES)
def test_any_bytes_as_a_page_give_features(data: bytes) -> None:
    """Whatever stands in a page, its features are taken, and they are ids, known marks and a size."""
    kept = page_features(data, canonicalize("http://fuzz-zoo.com/word/other"), lambda kind, text: f"{kind}-id")
    assert kept.page_id == "page-id"
    assert kept.title_id in (None, "title-id")
    assert kept.size == len(data)


_CERTIFICATE = certificate("fuzz-zoo.com").der


@settings(max_examples=20 * EXAMPLES, deadline=None)
@given(st.one_of(st.binary(max_size=200), edits.map(lambda changes: edited(_CERTIFICATE, changes))))
def test_any_bytes_as_a_certificate_give_features(data: bytes) -> None:
    """Whatever a server shows as its certificate, features are taken of it."""
    kept = certificate_features(data, "fuzz-zoo.com", lambda kind, text: f"{kind}-id", _NOW)
    assert kept.certificate_id == "certificate-id"
    assert kept.public_key_id in (None, "public-key-id")
