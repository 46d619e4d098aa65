"""TLS records in any order, whole, changed or of no kind: the status of OpenSSL alone, and nothing behind the head.

An input is a small program. Its first two bytes choose the kind of session and how much comes at once; each further
step is a byte (three bits say what, three how much padding, two how often), a length and that many bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.crawler.net.cuts import BODY, FOUND, KINDS, Alone, Fed, run, server
from tests.crawler.records import ALERT, HANDSHAKE, TEXT, Records
from tests.fuzz.finding import expect
from waterbed.crawler.net.connection import FINISHED, PIECE, Connection, ConnectionFailure
from waterbed.crawler.net.response import read_head
from waterbed.crawler.net.tls import HEAD_END

ANSWER, MESSAGE, WARNING, KEY, PLAIN, RAW, OTHER, CHANGE = range(8)
"""Steps: the next bytes of a usual response, a handshake message, an alert, a new key, any text, bytes outside TLS, a
record of any type, and a change of the last record on its way."""

ADDED = (0, 1, 17, 40, 300, 1_000, 5_000, 15_000)
"""Bytes of padding."""

OFTEN = (1, 1, 4, 40)
LONG = {254: 1_500, 255: 16_000}
"""Lengths of parts of the usual response that are longer than a byte says."""

USUAL = b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + FOUND + BODY
MOST_SENT = 120_000
SPARED = 1_000
"""Bytes besides text that a response may have before it may be given up."""


@dataclass(slots=True)
class Sent:
    """A server's bytes, and where the text in them lies."""

    data: bytes = b""
    text: bytes = b""
    places: list[tuple[int, int]] = field(default_factory=list)
    """For each piece of text, where it begins in the text and in the bytes."""
    besides: int = 0
    """Bytes of padding and of other records."""
    genuine: bool = True
    """False once a byte is not what somebody with the key wrote."""
    usual: bool = True
    """False once a record is no text, no whole ticket, no alert and no new key: its type is told at its end."""

    def behind(self, end: int) -> int:
        """Where the byte stands that follows the first `end` of the text."""
        text, place = max(((t, p) for t, p in self.places if t < end), default=(0, 0))
        return place + end - text


Step = tuple[int, int, int, bytes]
"""What, padding, times, and bytes."""


def steps(data: bytes) -> Iterator[Step]:
    """The steps of a program, up to where it breaks off."""
    at, cursor = 2, 0
    while at < len(data):
        what, added, often = data[at] & 7, ADDED[data[at] >> 3 & 7], OFTEN[data[at] >> 6]
        size = data[at + 1] if at + 1 < len(data) else 0
        at += 2
        if what == ANSWER:
            size = LONG.get(size, size)
            yield TEXT, added, 1, USUAL[cursor : cursor + size]
            cursor += size
        else:
            yield (what, added, often, data[at : at + size])
            at += size


def sent(records: Records, data: bytes) -> Sent:
    """What a server sends that follows a program."""
    made, last = Sent(), 0
    for what, added, often, inside in steps(data):
        for _ in range(often):
            if len(made.data) > MOST_SENT:
                return made
            if what == CHANGE:
                _change(made, last, inside)
                continue
            last = len(made.data)
            _add(made, records, what, added, inside)
    return made


def _add(made: Sent, records: Records, what: int, added: int, inside: bytes) -> None:
    if what in (TEXT, PLAIN):
        made.places.append((len(made.text), len(made.data) + 5 + records.front))
        made.text += inside
        made.besides += added + (0 if inside else 1)
        made.data += records.record(TEXT, inside, added)
        return
    made.besides += added + len(inside) + 1
    if what == RAW:
        made.genuine = False
        made.data += inside
    elif what == KEY:
        made.data += records.key_update(added)
    elif what == OTHER:
        made.usual = made.genuine = False
        made.data += records.record(inside[0] if inside else 0, inside[1:], added)
    else:
        whole = inside[:1] == b"\x04" and len(inside) == 4 + int.from_bytes(inside[1:4])
        made.usual = made.usual and (whole if what == MESSAGE else len(inside) == 2)
        made.data += records.record(HANDSHAKE if what == MESSAGE else ALERT, inside, added)


def _change(made: Sent, last: int, inside: bytes) -> None:
    """Change bytes of the last record; the first byte says where."""
    at = last + (inside[0] if inside else 0)
    new = bytes(a ^ b for a, b in zip(made.data[at : at + len(inside) - 1], inside[1:], strict=False))
    made.genuine = made.genuine and not any(inside[1:])
    made.data = made.data[:at] + new + made.data[at + len(new) :]


class Given(Connection):
    """A connection from which text comes byte by byte."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.text, self.taken = text, 0

    async def receive(self, *, head: bool = False) -> bytes:
        self.taken += 1
        return self.text[self.taken - 1 : self.taken]


def first_head(text: bytes) -> tuple[int | None, int]:
    """The status of the first whole head in a text that is not an interim one, and where it ends."""
    given = Given(text)
    try:
        return int(run(read_head(given, body_follows=True)).status), given.taken
    except ConnectionFailure:
        return None, 0


async def _looked(fed: Fed, raw: bytearray) -> tuple[int | str, bool | None]:
    try:
        status: int | str = (await read_head(fed, body_follows=True, raw=raw)).status
        read = fed.text_read
        await fed.finish_record(FINISHED)
    except ConnectionFailure as problem:
        return problem.failure, None
    return status, fed.authenticated(read)


def check(data: bytes) -> None:
    """Read a server's records by ourselves and by OpenSSL alone."""
    if len(data) < 2:
        return
    kind = KINDS[data[0] % len(KINDS)]
    client = Alone()
    client.take(sent(server(kind).shake(client), data).data)
    expected, end = first_head(client.text())

    fed, raw = Fed(), bytearray()
    made = sent(server(kind).shake(fed), data)
    fed.session.write(b"GET / HTTP/1.1\r\n\r\n")
    fed.stream, fed.piece = made.data, 1 + 8 * data[1]
    status, authenticated = run(_looked(fed, raw))

    if isinstance(status, int):
        head = HEAD_END.search(raw)
        expect(head is not None and head.end() == len(raw), "a byte behind the head left the TLS session")
        expect(status == expected or not (made.genuine and made.usual), f"{status}, by OpenSSL {expected}")
        expect(not authenticated or status == expected, f"{status} counts as authenticated, by OpenSSL {expected}")
    else:
        expect(expected is None or made.besides > SPARED or not made.genuine, f"{status}, by OpenSSL {expected}")
    if expected is not None and made.genuine:
        past = fed.fed - made.behind(end)
        expect(past <= PIECE + FINISHED, f"{past} bytes past the head")
