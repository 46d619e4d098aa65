"""A response cut into records in every way, as a check and as OpenSSL alone read it, in memory."""

import contextlib
import ssl
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.crawler.records import ALERT, HANDSHAKE, TEXT, Kind, Records, Shaking, ticket
from waterbed.crawler.net.connection import FINISHED, PIECE, Connection, ConnectionFailure
from waterbed.crawler.net.response import read_head
from waterbed.crawler.net.tls import TlsSession

HEAD = b"HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Type: image/jpeg\r\nX-Filler: at\r\n\r\n"
BODY = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 63
MOST_TEXT = 16_384
"""Most bytes of text in a record (RFC 8446, 5.1)."""
FOUND = HEAD.replace(b"404 Not Found", b"200 OK")
NEW, OLD, OLDEST = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1
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
        self._tls = self.context().wrap_bio(self._in, self._out)

    @staticmethod
    @cache
    def context() -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made.minimum_version = ssl.TLSVersion.TLSv1
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
        made.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        return made

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
    size = min(MOST_TEXT, int.from_bytes(record[3:5]) + longer)
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
                for size in (400, MOST_TEXT - len(HEAD) - padding):
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


def every_way() -> list[tuple[str, list[Bit]]]:
    """All cuts of the head, with all that may stand between its parts."""
    return list(ways(range(len(HEAD)), list(BETWEEN), (0, 1, 40, 300)))


def wrong(seen: Seen, expected: int | None) -> str | None:
    """What is wrong with a check of a response whose status is known, None if nothing is."""
    if seen.past > PIECE + FINISHED:
        return f"{seen.past} bytes past the head"
    if seen.leaked:
        return "a byte of the body left the TLS session"
    if (seen.status if isinstance(seen.status, int) else None) != expected:
        return f"{seen.status}, where OpenSSL alone sees {expected}"
    return None
