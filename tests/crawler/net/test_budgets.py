"""What a server can have acknowledged of an exchange and of a handshake, counted by its kernel: drawn attacks."""

import asyncio
import base64
import os
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.crawler.net.pushing import Pushed, pushing
from waterbed.crawler.net.connection import MAX_EXCHANGE, MAX_HANDSHAKE
from waterbed.crawler.net.http import Exchange, HostConnections
from waterbed.crawler.net.politeness import Politeness
from waterbed.model.urls import canonicalize

PUBLIC = "28.10.0.7"
PAGE = 65_536
PAST = 2_048
"""Bytes past a head, or past the first byte that no head has, that may be acknowledged."""
MUCH = 400_000
STATUS = b"HTTP/1.1 200 OK\r\n"
SHOWN = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What a server says; `lawful` bytes of it go on as a head does, and a head ends after `head`, if ever."""

    data: bytes
    lawful: int | None = None
    head: int | None = None
    page: bool = False
    """True if a text page follows: in the profile `text` it is read."""


def picture(rng: random.Random, size: int = MUCH) -> bytes:
    """Bytes as of a compressed picture."""
    return b"\xff\xd8\xff\xe0\0\x10JFIF" + rng.randbytes(size)


def without_end(rng: random.Random) -> Attack:
    """A head of fields without end, with content in them."""
    encoded = base64.b64encode(picture(rng))
    size = rng.choice((1, 40, 900, 7_000))
    lines = [b"X-%d: %s\r\n" % (at, encoded[at : at + size]) for at in range(0, min(len(encoded), size * 20_000), size)]
    return Attack(data=STATUS + b"".join(lines))


def one_field(rng: random.Random) -> Attack:
    """One field without end, of letters or of bytes above 127."""
    letters = bytes(rng.choice(b"abcdefghij") for _ in range(99))
    value = rng.choice((letters, bytes(range(0x80, 0x100)))) * (MUCH // 99)
    return Attack(data=STATUS + b"A: " + value)


def no_field(rng: random.Random) -> Attack:
    """A picture where a field is due, at once or after some."""
    before = STATUS + b"A: b\r\n" * rng.randint(0, 200)
    return Attack(data=before + picture(rng), lawful=len(before))


def in_a_field(rng: random.Random) -> Attack:
    """A picture in the value of a field, or in the status line."""
    before = rng.choice((STATUS + b"X-Thumbnail: ", b"HTTP/1.1 200 "))
    return Attack(data=before + picture(rng), lawful=len(before))


def no_colon(rng: random.Random) -> Attack:
    """A line of letters that never becomes a field."""
    before = STATUS + b"A: b\r\n" * rng.randint(0, 50)
    return Attack(data=before + b"a" * MUCH, lawful=len(before))


def interim(rng: random.Random) -> Attack:
    """Interim responses without end, small or filled with content."""
    size = rng.choice((0, 100, 3_000, 12_000))
    each = b"HTTP/1.1 %d X\r\nLink: %s\r\n\r\n" % (rng.choice((100, 102, 103)), b"y" * size)
    return Attack(data=each * (MUCH // len(each)))


def interim_then_head(rng: random.Random) -> Attack:
    """Interim responses, then a whole head, and a body that was not asked for."""
    each = b"HTTP/1.1 103 X\r\nLink: %s\r\n\r\n" % (b"y" * rng.randint(0, 2_000))
    head = each * rng.randint(1, 8) + b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"
    return Attack(data=head + picture(rng), head=len(head))


def pushed(rng: random.Random) -> Attack:
    """A head, also of a redirect or a loss, with a body that is no page."""
    said = rng.choice((b"301 Moved\r\nLocation: /next", b"302 Found\r\nLocation: /next", b"404 Not Found", b"200 OK"))
    head = b"HTTP/1.1 %s\r\nContent-Type: image/jpeg\r\nX-Filler: %s\r\n\r\n" % (said, b"z" * rng.randint(0, 9_000))
    return Attack(data=head + picture(rng), head=len(head))


def trailers(rng: random.Random) -> Attack:
    """A chunked page whose trailers have no end."""
    head = SHOWN + b"Transfer-Encoding: chunked\r\n\r\n"
    text = b"5\r\nhello\r\n" * rng.randint(0, 2_000) + b"0\r\n"
    return Attack(data=head + text + b"X-Trailer: %s\r\n" % (b"t" * 500) * 800, head=len(head), page=True)


def framing(rng: random.Random) -> Attack:
    """A page in chunks of one byte, with extensions that hold the content."""
    head = SHOWN + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"1;x=%s\r\na\r\n" % (b"e" * rng.choice((1, 100, 4_000)))
    return Attack(data=head + chunk * (MUCH // len(chunk)), head=len(head), page=True)


def page(rng: random.Random) -> Attack:
    """A page without end."""
    head = SHOWN + b"X-Filler: %s\r\n\r\n" % (b"z" * rng.randint(0, 9_000))
    return Attack(data=head + b"<p>text</p>\n" * (MUCH // 12), head=len(head), page=True)


ATTACKS: tuple[Callable[[random.Random], Attack], ...] = (
    without_end,
    one_field,
    no_field,
    in_a_field,
    no_colon,
    interim,
    interim_then_head,
    pushed,
    trailers,
    framing,
    page,
)
VERSIONS = {"plain": None, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def filled(sizes: list[int], version: ssl.TLSVersion, rng: random.Random) -> ssl.SSLContext:
    """A server's context whose chain of certificates holds so many bytes of content each."""
    key = ec.generate_private_key(ec.SECP256R1())
    chain = []
    for number, size in enumerate(sizes):
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"c{number}")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(number + 1)
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        )
        if size:
            content = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), picture(rng, size))
            made = made.add_extension(content, critical=False)
        chain.append(made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + b"".join(chain)
    with os.fdopen(os.memfd_create("chain"), "wb") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context


def attacked(data: bytes, how: str, tls: ssl.SSLContext | None) -> tuple[Exchange, Pushed]:
    """One request of a profile to a server that attacks, and what its kernel counted."""

    async def run() -> tuple[Exchange, Pushed]:
        async with pushing(data, b"", tls=tls) as pushed:
            politeness = Politeness(at_once=2, delay_s=0)
            to = HostConnections(lambda *_: ("127.0.0.1", pushed.port), politeness, timeout_s=5.0, agent="test")
            async with to as host:
                url = canonicalize(f"http{'s' if tls else ''}://lab.example/x")
                asked = host.read_page(url, [PUBLIC]) if how == "text" else host.ask(url, how, [PUBLIC])
                exchange = await asked
            await asyncio.wait_for(pushed.ended.wait(), 5)
            return exchange, pushed

    return asyncio.run(run())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ATTACKS, ids=lambda kind: kind.__name__)
def test_no_exchange_takes_more_than_its_budget(kind: Callable[[random.Random], Attack], version: str) -> None:
    """Drawn attacks end below 16 KiB, below 2 KiB past a head, and soon after what no head has."""
    named = VERSIONS[version]
    tls = filled([0], named, random.Random(0)) if named else None
    for number, how in enumerate(("HEAD", "GET", "text", "HEAD", "GET", "text")):
        attack = kind(random.Random(f"{kind.__name__} {number}"))
        exchange, pushed = attacked(attack.data, how, tls)
        text = PAGE if how == "text" and attack.page else 0
        assert pushed.asked == 1
        assert max(pushed.answers) <= MAX_EXCHANGE + text, how
        overhead = 512 if tls else 0  # headers and tags of records, and tickets
        if attack.lawful is not None:
            assert max(pushed.answers) <= attack.lawful + PAST + overhead, how
            assert exchange.failure in ("bad_head", "no_status_line")
        if attack.head is not None:
            assert max(pushed.answers) <= attack.head + PAST + overhead + text, how
        else:
            assert exchange.head is None
            assert exchange.failure in ("bad_head", "too_long")
        assert exchange.phase == "http"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    ("sizes", "answered"),
    [([300], True), ([2_000, 2_000, 2_000], True), ([12_000, 12_000], True), ([60_000], False), ([9_000] * 10, False)],
)
def test_no_handshake_takes_more_than_its_budget(sizes: list[int], answered: bool, version: str) -> None:
    """A chain of certificates filled with content is taken up to 32 KiB, and refused as unknown beyond."""
    named = VERSIONS[version]
    assert named
    tls = filled(sizes, named, random.Random(1))
    exchange, pushed = attacked(b"HTTP/1.1 404 Not Found\r\n\r\n", "HEAD", tls)
    assert max(pushed.handshakes) <= MAX_HANDSHAKE
    assert (exchange.head is not None, exchange.failure) == (answered, None if answered else "too_long")
    assert exchange.phase == ("http" if answered else "tls")


@pytest.mark.parametrize("version", VERSIONS)
def test_heads_as_servers_send_them_pass(version: str) -> None:
    """A head of 12 KiB, as of long policies and many cookies, comes through whole."""
    named = VERSIONS[version]
    tls = filled([0], named, random.Random(0)) if named else None
    cookies = b"".join(b"Set-Cookie: c%d=%s; Path=/; Secure\r\n" % (n, b"v" * 300) for n in range(25))
    head = b"HTTP/1.1 200 OK\r\nContent-Security-Policy: %s\r\n%s\r\n" % (b"default-src 'self'; " * 200, cookies)
    assert 12_000 < len(head) < 14_000
    exchange, pushed = attacked(head, "HEAD", tls)
    assert exchange.head
    assert (exchange.head.status, max(pushed.answers)) == (200, pytest.approx(len(head), abs=1_000))
