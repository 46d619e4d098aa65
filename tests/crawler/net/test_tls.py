"""What a TLS 1.3 server can hide behind a record's first bytes: neither a body nor a session ticket is mistaken."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crawler.net.pushing import context
from tests.crawler.records import HANDSHAKE, TEXT, Answer, Records, Said, crafting, ticket
from waterbed.crawler.net.connection import Connection, ConnectionFailure
from waterbed.crawler.net.response import read_head
from waterbed.crawler.net.tls import BadRecord, TlsSession

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nX-Filler: " + b"y" * 150 + b"\r\nX-Odd: "
END = b"\r\n\r\n"
WHOLE = HEAD + END
MOST = 2048
SHORT = 1024
LONGEST = 16_384
PICTURE = b"\xff\xd8\xff\xe0".ljust(LONGEST, b"p")


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one request: a status or a failure, and what the server's kernel counts past the head."""

    result: int | str
    excess: int
    read: int


async def looks(*answers: Answer, idle_s: float = 0.0, requests: int = 1, unasked: bool = False) -> list[Looked]:
    """One connection an answer, one after the other; `idle_s` makes this side come late to read and to hang up."""
    made = []
    for answer in answers:
        async with crafting(answer, unasked=unasked) as server:
            wire = Connection()
            await wire.connect(("127.0.0.1", server.port), name="a.example", tls=True)
            shaken, result = wire.bytes_read, 0
            try:
                async with asyncio.timeout(60):
                    for _ in range(requests):
                        await wire.send(b"HEAD / HTTP/1.1\r\n\r\n")
                        await asyncio.sleep(idle_s)
                        result = (await read_head(wire, body_follows=False)).status
            except ConnectionFailure as problem:
                result = problem.failure
            await asyncio.sleep(idle_s)
            wire.close()
            await asyncio.wait_for(server.ended.wait(), 60)
            made.append(Looked(result, server.excess[0], wire.bytes_read - shaken))
    return made


def look(answer: Answer, *, idle_s: float = 0.0, requests: int = 1, unasked: bool = False) -> Looked:
    """The same for one answer."""
    return asyncio.run(looks(answer, idle_s=idle_s, requests=requests, unasked=unasked))[0]


def cut_head(last: bytes, *, size: int = LONGEST, cut: int = len(HEAD)) -> Answer:
    """The head's beginning in one record; its rest, `last` and a body in the next, and more of the body behind it."""

    def answer(records: Records) -> list[Said]:
        head = HEAD + last + END
        rest = head[cut:]
        said = [Said(records.record(TEXT, head[:cut]))] if cut else []
        said.append(Said(records.record(TEXT, (rest + PICTURE)[: max(size, len(rest))]), len(rest)))
        return said + [Said(records.record(TEXT, PICTURE), 0) for _ in range(5)]

    return answer


def test_no_first_byte_has_a_body_awaited() -> None:
    """Whatever byte a record within the head begins with, at most 2 KiB past the head are acknowledged."""
    behind = (b"", (500).to_bytes(3))
    lasts = [bytes([byte]) + more for byte in range(256) for more in behind]
    found = asyncio.run(looks(*(cut_head(last) for last in lasts)))
    assert {last: seen for last, seen in zip(lasts, found, strict=True) if seen.excess > MOST} == {}


@given(
    last=st.sampled_from([b"", b"\x04\0\x0f\xff", b"\x18\0\0\x01\0", b"\x0d"]),
    cut=st.integers(0, len(WHOLE)),
    size=st.one_of(st.integers(1, SHORT), st.integers(1, LONGEST)),
    idle_s=st.sampled_from([0.0, 0.0, 0.0, 0.05]),
)
@settings(max_examples=60)
def test_no_cut_of_a_head_has_a_body_awaited(last: bytes, cut: int, size: int, idle_s: float) -> None:
    """Wherever a head is cut into records, at most 2 KiB past it are acknowledged, and a good one is read.

    A head with a NUL is none: where it could be a message, the rest of a short record comes as well.
    """
    seen = look(cut_head(last, size=size, cut=cut), idle_s=idle_s)
    assert seen.excess <= MOST + (SHORT if b"\0" in last else 0)
    assert seen.result == ("bad_head" if last else 200)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", WHOLE])
def test_a_body_that_comes_unasked_stays_outside(head: bytes) -> None:
    """A server that pushes a head and a picture behind its handshake, before any request, gets no more of it across."""

    def answer(records: Records) -> list[Said]:
        return [
            Said(records.record(TEXT, head + PICTURE[len(head) :]), len(head)),
            Said(records.record(TEXT, PICTURE), 0),
        ]

    assert look(answer, idle_s=0.1, unasked=True).excess <= MOST


@pytest.mark.parametrize("begun", [b"", HEAD])
@pytest.mark.parametrize("message", [ticket(6_000)[:9], ticket(60_000)[:500], b"\x04", b"\x0b\xff\xff\xff"])
def test_a_cut_message_has_no_body_awaited(begun: bytes, message: bytes) -> None:
    """An answer where the rest of a message is due is read no further than any other."""

    def answer(records: Records) -> list[Said]:
        said = [Said(records.record(TEXT, begun))] if begun else []
        rest = WHOLE[len(begun) :]
        said.append(Said(records.record(HANDSHAKE, message)))
        return said + [Said(records.record(TEXT, (rest + PICTURE)[:size]), len(rest)) for size in (7_000, LONGEST)]

    assert look(answer).excess <= MOST


def test_a_changed_key_has_no_body_awaited() -> None:
    """Beginnings are read behind key updates too, also within a head."""

    def answer(records: Records) -> list[Said]:
        said = [Said(records.key_update()), Said(records.key_update()), Said(records.record(TEXT, HEAD))]
        said.append(Said(records.key_update()))
        return [*said, Said(records.record(TEXT, (END + PICTURE)[:LONGEST]), len(END))]

    seen = look(answer)
    assert (seen.result, seen.excess <= MOST) == (200, True)


@pytest.mark.parametrize(
    ("begun", "size", "most"),
    [(b"", 900, 10_240), (b"", 4_000, 10_240), (b"", 16_000, 1_024), (HEAD, 900, 10_240), (HEAD, 4_000, 5_120)],
)
def test_tickets_without_end_are_not_taken(begun: bytes, size: int, most: int) -> None:
    """A server that sends tickets for ever, before or within its head, is left after a few."""

    def answer(records: Records) -> list[Said]:
        said = [Said(records.record(TEXT, begun))] if begun else []
        return said + [Said(records.record(HANDSHAKE, ticket(size, PICTURE[:800]))) for _ in range(200)]

    seen = look(answer)
    assert seen.result in ("bad_record", "bad_head", "no_status_line")
    assert seen.read <= most


@pytest.mark.parametrize("kind", [TEXT, HANDSHAKE])
def test_a_picture_that_begins_like_a_ticket_is_not_awaited(kind: int) -> None:
    """Before a head, a record as long as can be is no ticket."""

    def answer(records: Records) -> list[Said]:
        return [Said(records.record(kind, ticket(15_000, PICTURE)))]

    seen = look(answer)
    assert (seen.result, seen.read <= 1_024) == ("no_status_line", True)


@pytest.mark.parametrize(
    "tickets",
    [[ticket()], [ticket() * 2], [ticket() * 4], [ticket(3_000)], [ticket(1_200) * 2], [ticket(), ticket(2_000)]],
)
@pytest.mark.parametrize("padding", [0, 500])
def test_tickets_before_an_answer_are_passed_over(tickets: list[bytes], padding: int) -> None:
    """One or several in a record, short or long, padded or not: the answers behind them are read, early."""

    def answer(records: Records) -> list[Said]:
        said = [Said(records.record(HANDSHAKE, message, padding)) for message in tickets]
        return [*said, Said(records.record(TEXT, WHOLE))]

    assert look(answer, requests=2).result == 200


def test_a_ticket_cut_into_records_is_passed_over() -> None:
    """A long ticket in records of at most 1,500 bytes is no text."""

    def answer(records: Records) -> list[Said]:
        message = ticket(5_000)
        said = [Said(records.record(HANDSHAKE, message[at : at + 1_500])) for at in range(0, len(message), 1_500)]
        return [*said, Said(records.record(TEXT, WHOLE))]

    assert look(answer).result == 200


def test_tickets_and_key_updates_within_an_answer_are_passed_over() -> None:
    """They may come between any two records; such tickets are short."""

    def answer(records: Records) -> list[Said]:
        said = []
        for at in range(0, len(WHOLE), 20):
            said.append(Said(records.record(TEXT, WHOLE[at : at + 20])))
            if at < 60:
                said += [Said(records.record(HANDSHAKE, ticket() * 2)), Said(records.key_update())]
        return said

    assert look(answer, requests=2).result == 200


def older() -> tuple[TlsSession, ssl.SSLObject, ssl.MemoryBIO]:
    """A client and a server of TLS 1.2 that have shaken hands in memory, and what the server writes to."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context(version=ssl.TLSVersion.TLSv1_2).wrap_bio(to_server, to_client, server_side=True)
    client = TlsSession(None)
    while not client.handshake():
        to_server.write(client.outgoing())
        with contextlib.suppress(ssl.SSLWantReadError):
            server.do_handshake()
        client.take(to_client.read())
    return client, server, to_client


@pytest.mark.parametrize("first", [b"\x04", b"\r", b"\x18\0\0\x01"])
def test_in_tls_1_2_every_text_is_text(first: bytes) -> None:
    """Before TLS 1.3 a record's type stands in front: no first byte has it awaited."""
    client, server, said = older()
    server.write(first + PICTURE[:9_000])
    client.take(said.read()[:100])
    assert client.read(4_096).startswith(first)


@pytest.mark.parametrize("kind", [20, 21, 22, 24])
def test_a_long_record_of_another_type_is_not_awaited(kind: int) -> None:
    """Behind the handshake only text is long; five bytes show that this is none."""
    client, _, _ = older()
    client.take(bytes([kind]) + b"\x03\x03\x40\0")
    with pytest.raises(BadRecord):
        client.read(4_096)


def test_no_server_chooses_a_number_to_compute_with() -> None:
    """No cipher with finite-field Diffie-Hellman is offered: one of 10,000 bits would cost seconds a handshake."""
    session = TlsSession("a.example")
    assert not session.handshake()
    hello = session.outgoing()
    at = 44 + hello[43]  # behind the session's id
    offered = hello[at + 2 : at + 2 + int.from_bytes(hello[at : at + 2])]
    every = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    every.set_ciphers("ALL:@SECLEVEL=0")
    kinds = {cipher["id"] & 0xFFFF: cipher["kea"] for cipher in every.get_ciphers()}
    found = [kinds.get(int.from_bytes(offered[n : n + 2]), "") for n in range(0, len(offered), 2)]
    assert "kx-ecdhe" in found
    assert not [kind for kind in found if "kx-dhe" in kind or "srp" in kind]
