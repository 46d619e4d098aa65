"""A response cut into records in every way: status as with OpenSSL alone, and no body behind the head."""

import contextlib
import os
import ssl
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.net.connection import FINISHED, PIECE, Connection, ConnectionFailure
from crawler.net.response import read_head
from crawler.net.tls import TlsSession
from tests.crawler.records import ALERT, HANDSHAKE, TEXT, Kind, Records, Shaking, ticket

HEAD = b"HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Type: image/jpeg\r\nX-Filler: at\r\n\r\n"
BODY = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 63
FOUND = HEAD.replace(b"404 Not Found", b"200 OK")
NEW, OLD, OLDEST = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1
SAMPLED = int(os.environ.get("WATERBED_CUTS", "151"))
"""Every which way is tried: all of them in `make prove`."""

KINDS = [
    Kind(version=NEW, suite="any"),
    Kind(version=OLD, suite="ECDHE-ECDSA-AES128-GCM-SHA256"),
    Kind(version=OLD, suite="ECDHE-ECDSA-CHACHA20-POLY1305"),
    *(
        Kind(version=version, suite="ECDHE-ECDSA-AES128-SHA", mac_last=mac_last)
        for version in (OLD, ssl.TLSVersion.TLSv1_1, OLDEST)
        for mac_last in (False, True)
    ),
]
"""One suite of each version, mode and order of the MAC."""

SUITES = [
    f"{exchange}{rest}"
    for exchange in ("ECDHE-ECDSA-", "ECDHE-RSA-", "")
    for rest in (
        *("AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES128-SHA256", "AES256-SHA", "AES128-SHA"),
        *(("CHACHA20-POLY1305", "AES256-SHA384") if exchange else ("AES256-SHA256",)),
    )
]

Bit = tuple[int, bytes, int]
"""Type, text and padding of a record; type 0 is a change of the key."""

BETWEEN: dict[str, tuple[Bit, ...]] = {
    "nothing": (),
    "ticket": ((HANDSHAKE, ticket(), 0),),
    "padded ticket": ((HANDSHAKE, ticket() * 2, 300),),
    "key update": ((0, b"", 0), (0, b"", 40)),
    "empty": ((TEXT, b"", 0), (TEXT, b"", 100)),
    "warning": ((ALERT, b"\x01\x5a", 0), (ALERT, b"\x01\x5a", 200)),
    "request": ((HANDSHAKE, b"\x0d\0\0\x0b\0\0\0\x08\0\x0d\0\x04\0\x02\x04\x03", 0),),
    "end": ((ALERT, b"\x01\0", 0),),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a response."""

    status: int | str
    past: int
    authenticated: bool | None
    leaked: bool


class Alone:
    """OpenSSL alone, as a client."""

    def __init__(self) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made.minimum_version = ssl.TLSVersion.TLSv1
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
        made.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        self._tls = made.wrap_bio(self._in, self._out)

    def shake(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()

    def take(self, data: bytes) -> None:
        self._in.write(data)

    def outgoing(self) -> bytes:
        return self._out.read()

    def text(self) -> bytes:
        """All text, up to where OpenSSL takes no more."""
        text = b""
        with contextlib.suppress(ssl.SSLError):
            while piece := self._tls.read(65_536):
                text += piece
        return text


class Fed(Connection):
    """A connection whose server lies in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._tls, self._stage = TlsSession(None), "http"
        self.stream, self.fed, self.piece = b"", 0, PIECE

    def shake(self) -> None:
        self.session.handshake_done or self.session.handshake()

    @property
    def session(self) -> TlsSession:
        assert self._tls
        return self._tls

    def take(self, data: bytes) -> None:
        self.session.take(data)

    def outgoing(self) -> bytes:
        return self.session.outgoing()

    async def _pull(self, size: int) -> bytes:
        piece = self.stream[self.fed : self.fed + min(size, self.piece)]
        self.fed += len(piece)
        return piece

    async def _push(self, data: bytes) -> None:
        pass


@cache
def server(kind: Kind) -> Shaking:
    """One server of each kind."""
    return Shaking(kind)


def stream(records: Records, bits: Sequence[Bit], head: bytes) -> tuple[bytes, int]:
    """What a server sends, and where the head ends in it."""
    sent, text, end = b"", 0, 0
    for kind, data, padding in bits:
        if kind == TEXT and text < len(head) <= text + len(data):
            end = len(sent) + 5 + records.front + len(head) - text
        text += len(data) if kind == TEXT else 0
        sent += records.record(kind, data, padding) if kind else records.key_update(padding)
    return sent, end


def forged(record: bytes, at: int, longer: int) -> bytes:
    """A record in which 200 became 404, and that says that it is longer."""
    size = min(16_384, int.from_bytes(record[3:5]) + longer)
    changed = bytes(a ^ b ^ c for a, b, c in zip(record[at : at + 3], b"200", b"404", strict=True))
    return record[:3] + size.to_bytes(2) + record[5:at] + changed + record[at + 3 :] + bytes(longer)


def run(coroutine: Any) -> Any:
    """Run a coroutine that waits for nothing outside."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value


async def _look(fed: Fed, raw: bytearray) -> tuple[int | str, bool | None]:
    try:
        status: int | str = (await read_head(fed, body_follows=True, raw=raw)).status
        read = fed.text_read
        await fed.finish_record(FINISHED)
    except ConnectionFailure as problem:
        return problem.failure, None
    return status, fed.authenticated(read)


def look(
    kind: Kind,
    bits: Sequence[Bit],
    head: bytes = HEAD,
    *,
    forge: int | None = None,
    flip: tuple[int, int] | None = None,
    piece: int = PIECE,
) -> Seen:
    """What a check sees of a response in these records, which come in pieces.

    With `forge` somebody without the key turned its 200 into 404, and wrote another length onto the record. `flip`
    changes bits of one byte.
    """
    fed = Fed()
    records = server(kind).shake(fed)
    assert fed.session.handshake_done
    fed.session.write(b"GET / HTTP/1.1\r\n\r\n")
    fed.stream, end = stream(records, bits, head)
    if forge is not None:
        fed.stream = forged(fed.stream, 5 + records.front + head.index(b"200"), forge)
    if flip:
        at, bit = flip
        at %= len(fed.stream)
        fed.stream = fed.stream[:at] + bytes([fed.stream[at] ^ bit]) + fed.stream[at + 1 :]
    fed.piece = piece
    raw = bytearray()
    status, authenticated = run(_look(fed, raw))
    return Seen(status, fed.fed - end if end else 0, authenticated, len(raw) > len(head))


def alone_text(kind: Kind, bits: Sequence[Bit]) -> bytes:
    """The text that OpenSSL alone sees."""
    client = Alone()
    client.take(stream(server(kind).shake(client), bits, b"")[0])
    return client.text()


def first_status(text: bytes) -> int | None:
    """The status of the first whole head in a text that is not an interim one."""

    class Given(Connection):
        async def receive(self, *, head: bool = False) -> bytes:
            nonlocal text
            piece, text = text, b""
            return piece

    try:
        return int(run(read_head(Given(), body_follows=True)).status)
    except ConnectionFailure:
        return None


def alone(kind: Kind, bits: Sequence[Bit]) -> int | None:
    """The status that OpenSSL alone sees."""
    return first_status(alone_text(kind, bits))


def ways(cuts: Sequence[int], names: Sequence[str], paddings: Sequence[int]) -> Iterator[tuple[str, list[Bit]]]:
    """Responses cut at each of `cuts`: head and body in one record or in two, long or short, something between."""
    for cut in cuts:
        for name in names:
            for padding in paddings:
                for size in (400, 16_384 - len(HEAD) - padding):
                    first: list[Bit] = [(TEXT, HEAD[:cut], padding)] if cut else []
                    first += BETWEEN[name]
                    yield (
                        f"{cut}, {name}, padding {padding}, {size} together",
                        [*first, (TEXT, HEAD[cut:] + BODY[:size], padding)],
                    )
                    yield (
                        f"{cut}, {name}, padding {padding}, {size} apart",
                        [*first, (TEXT, HEAD[cut:], padding), *BETWEEN[name], (TEXT, BODY[:size], padding)],
                    )


def wrong(kind: Kind, bits: Sequence[Bit]) -> str | None:
    """What is wrong with a check of a response, None if nothing is."""
    seen, expected = look(kind, bits), alone(kind, bits)
    if seen.past > PIECE + FINISHED:
        return f"{seen.past} bytes past the head"
    if seen.leaked:
        return "a byte of the body left the TLS session"
    if (seen.status if isinstance(seen.status, int) else None) != expected:
        return f"{seen.status}, where OpenSSL alone sees {expected}"
    return None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_cut_of_a_response_gives_its_status_and_no_body(kind: Kind) -> None:
    """Wherever a head is cut, whatever stands between its parts: the status of OpenSSL alone, and no body."""
    found = [wrong(kind, bits) for _, bits in list(ways(range(len(HEAD)), list(BETWEEN), (0, 1, 40, 300)))[::SAMPLED]]
    assert set(found) == {None}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_head_in_records_of_one_byte_is_read(kind: Kind) -> None:
    """Each byte of a head in a record of its own is a head like any other."""
    seen = look(kind, [(TEXT, HEAD[at : at + 1], 0) for at in range(len(HEAD))] + [(TEXT, BODY, 0)])
    assert (seen.status, seen.authenticated, seen.past <= PIECE + FINISHED) == (404, True, True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_that_is_offered_can_be_read_early(suite: str) -> None:
    """The same sample of cuts with each suite of the crawler that a server with a plain certificate can choose."""
    versions = [OLD] if "GCM" in suite or "CHACHA" in suite or suite.endswith(("256", "384")) else [OLD, OLDEST]
    for kind in (Kind(version=v, suite=suite, mac_last=last) for v in versions for last in (False, True)):
        sample = [bits for _, bits in ways((0, 30), ("nothing", "empty"), (0,))]
        assert {wrong(kind, bits) for bits in sample} == {None}
        assert {look(kind, bits).status for bits in sample} == {404}


def test_a_forged_record_is_not_believed() -> None:
    """Whoever turns 200 into 404 without the key is found out, or is told apart, at every length of the record."""
    for kind in KINDS[:3]:
        for size in (0, 300, FINISHED - 100, 4_000, 16_000):
            for longer in (0, 1, 700, 15_000):
                seen = look(kind, [(TEXT, FOUND + BODY[:size], 0)], FOUND, forge=longer)
                assert seen.status == "bad_record" or seen.authenticated is False, (kind, size, longer, seen)
                assert seen.past <= PIECE + FINISHED


PIECES = st.sampled_from(
    [
        HEAD,
        FOUND,
        HEAD[:-2],
        b"\r\n",
        b"\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 ",
        b"\0" * 40,
        b"\x17",
        BODY[:900],
    ]
)
TEXTS = st.one_of(PIECES, st.tuples(PIECES, PIECES).map(b"".join), st.binary(max_size=40))
MESSAGES = st.one_of(
    st.sampled_from([ticket(), ticket(2_000), b"\x18\0\0\x01\0", bytes(4), b"\x0d\0\0\x03\0\0\0", ticket()[:50]]),
    st.binary(max_size=40),
)
ALERTS = st.one_of(st.sampled_from([b"\x01\0", b"\x01\x5a", b"\x01\x64", b"\x02\x28"]), st.binary(max_size=3))
PADDING = st.sampled_from([0, 0, 1, 17, 300, 5_000])
OTHERS = st.one_of(
    st.tuples(st.just(HANDSHAKE), MESSAGES, PADDING),
    st.tuples(st.just(ALERT), ALERTS, PADDING),
    st.tuples(st.just(TEXT), st.just(b""), PADDING),
    st.tuples(st.just(0), st.just(b""), PADDING),
)


@st.composite
def cut_heads(draw: st.DrawFn) -> list[Bit]:
    """A head and a body cut anywhere, with records of other kinds between the parts."""
    text = (
        draw(st.sampled_from([HEAD, FOUND, b"HTTP/1.1 100 Continue\r\n\r\n" + FOUND]))
        + BODY[: draw(st.integers(0, 900))]
    )
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    bits: list[Bit] = []
    for start, end in pairwise([0, *cuts, len(text)]):
        bits += draw(st.lists(OTHERS, max_size=2))
        bits.append((TEXT, text[start:end], draw(PADDING)))
    return bits


BITS = st.one_of(
    cut_heads(), cut_heads(), st.lists(st.one_of(st.tuples(st.just(TEXT), TEXTS, PADDING), OTHERS), max_size=7)
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@given(kind=st.sampled_from(KINDS), bits=BITS, piece=st.integers(1, 2_048))
@settings(max_examples=150)
def test_no_records_give_another_status_than_openssl_alone(kind: Kind, bits: list[Bit], piece: int) -> None:
    """Whatever records come, in whatever pieces: a status is the one that OpenSSL alone sees, or there is none."""
    seen = look(kind, bits, b"", piece=piece)
    text = alone_text(kind, bits)
    expected = first_status(text)
    assert seen.status == expected or not isinstance(seen.status, int), (seen, expected)
    assert isinstance(seen.status, int) or expected is None or hangs_up(bits), (seen, expected)


def hangs_up(bits: Sequence[Bit]) -> bool:
    """True if a response may be given up that OpenSSL alone reads: too much in it is no text."""
    return sum(padding + len(data) for kind, data, padding in bits if kind != TEXT or not data) > 1_000


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@given(kind=st.sampled_from(KINDS), cut=st.integers(0, len(HEAD)), at=st.integers(0, 400), bit=st.integers(0, 7))
@settings(max_examples=150)
def test_no_flipped_bit_gives_an_authenticated_status(kind: Kind, cut: int, at: int, bit: int) -> None:
    """Whoever changes one bit on the way changes no status that counts as authenticated."""
    bits: list[Bit] = [(TEXT, HEAD[:cut], 0), (TEXT, HEAD[cut:] + BODY[:200], 0)]
    seen = look(kind, bits, flip=(at, 1 << bit))
    assert seen.status == 404 or not seen.authenticated
