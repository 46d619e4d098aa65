"""What one connection takes of a body that is pushed at it: counted by the server's kernel."""

import asyncio
import socket
import ssl
import struct

import pytest

from tests.crawler.net.pushing import context, pushing
from waterbed.crawler.net.connection import Connection
from waterbed.crawler.net.response import Head, read_head

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"
LONG_HEAD = HEAD[:-2] + b"X-Filler: " + b"y" * 5_000 + b"\r\n\r\n"
HEADS = [HEAD, LONG_HEAD, *(HEAD[:-2] + b"X: " + b"y" * size + b"\r\n\r\n" for size in (296, 470))]
"""Some end just behind the beginning of a piece: the rest of it comes too."""

LATE_S = 0.05
"""Longer than a kernel waits before it acknowledges what came."""

MOST = 2_048
"""Bytes past a head that may be acknowledged."""

HALF_A_WINDOW = 576
"""Bytes that a kernel sends at once, of the largest window without TLS that it was ever offered."""

SEND_WINDOW = 228
"""Offset of tcpi_snd_wnd, 32 bits, in Linux's struct tcp_info."""

BODY = b"\xff\xd8" + bytes(range(256)) * 200
SUITES = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
]


class Late(Connection):
    """A connection whose process comes late to each read."""

    def __init__(self, idle_s: float) -> None:
        super().__init__()
        self._idle_s = idle_s

    async def receive(self, *, head: bool = False) -> bytes:
        await asyncio.sleep(self._idle_s)
        return await super().receive(head=head)


async def look(
    head: bytes,
    body: bytes = BODY,
    *,
    tls: ssl.SSLContext | None = None,
    idle_s: float = 0.0,
    apart: bool = False,
) -> tuple[Head, int, str | None]:
    """The head a wire reads, what the server's kernel counts past it, and the TLS version."""
    async with pushing(head, body, tls=tls, apart=apart) as server:
        wire = Late(idle_s)
        await wire.connect(("127.0.0.1", server.port), name="a.example" if tls else None, tls=tls is not None)
        await wire.send(b"GET / HTTP/1.1\r\n\r\n")
        read = await read_head(wire, body_follows=True)
        await asyncio.sleep(idle_s)
        version = wire.tls_version()
        wire.close()
        await asyncio.wait_for(server.ended.wait(), 60)
        return read, server.excess[0], version


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("idle_s", [0.0, LATE_S])
def test_a_pushed_body_stays_outside_however_slow_we_are(head: bytes, idle_s: float) -> None:
    """At most 2 KiB past the head are acknowledged, even if this process comes late to each read and to hang up."""
    read, excess, _ = asyncio.run(look(head, idle_s=idle_s))
    assert (read.status, read.fields["content-type"]) == (200, "image/jpeg")
    assert excess <= MOST


@pytest.mark.parametrize("first", [1, 17, 64, 100, 256, 300, 512, 540])
@pytest.mark.parametrize("then", [1, 29, 130])
def test_a_server_that_writes_in_uneven_pieces_never_waits(first: int, then: int) -> None:
    """Whenever all that came is read, its kernel may send a piece: it would wait 0.2 s to send less, for each one."""
    windows, read = asyncio.run(_windows(first, then))
    assert read == b"y" * 20_000
    assert [size for size in windows if size < HALF_A_WINDOW] == []


async def _windows(first: int, then: int) -> tuple[list[int], bytes]:
    """The windows that a server knows of whenever nothing is unread before the end, and what was read."""
    read, windows, wire = b"", [], Connection()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await wire.connect(listening.getsockname(), name=None, tls=False)
        server, _ = listening.accept()
        with server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for size in (first, then, 20_000 - first - then):
                assert server.send(b"y" * size) == size
            while len(read) < 20_000:
                read += await wire.receive()
                if wire.is_quiet() and len(read) < 20_000:
                    info = server.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                    windows.append(struct.unpack_from("=I", info, SEND_WINDOW)[0])
    wire.close()
    return windows, read


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("idle_s", [0.0, LATE_S])
def test_a_body_pushed_through_tls_1_3_stays_outside_too(head: bytes, apart: bool, idle_s: float) -> None:
    """A record's beginning is read without its end, so TLS gives away no more than plain HTTP."""
    read, excess, version = asyncio.run(look(head, tls=context(), apart=apart, idle_s=idle_s))
    assert (version, read.status, read.fields["content-type"]) == ("TLSv1.3", 200, "image/jpeg")
    assert excess <= MOST


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("head", HEADS)
def test_a_body_pushed_through_tls_1_2_stays_outside_too(head: bytes, suite: str) -> None:
    """The same with every kind of cipher of TLS 1.2."""
    tls = context(version=ssl.TLSVersion.TLSv1_2, suites=f"{suite}:@SECLEVEL=0")
    read, excess, version = asyncio.run(look(head, tls=tls, apart=True, idle_s=LATE_S))
    assert (version, read.status, read.fields["content-type"]) == ("TLSv1.2", 200, "image/jpeg")
    assert excess <= MOST


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.parametrize("head", [HEAD, LONG_HEAD])
@pytest.mark.parametrize("apart", [False, True])
def test_old_versions_give_away_no_more(head: bytes, version: ssl.TLSVersion, apart: bool) -> None:
    """The same with the versions that only old servers speak."""
    tls = context(version=version, suites="ALL:@SECLEVEL=0")
    read, excess, spoken = asyncio.run(look(head, tls=tls, apart=apart))
    assert (spoken, read.status) == (version.name.replace("_", "."), 200)
    assert excess <= MOST


def test_what_cannot_be_read_early_is_read_by_whole_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the means to read beginnings the head is still read, and a record and a window are taken at most."""
    monkeypatch.setattr("waterbed.crawler.net.tls.record_decryptor", lambda *_: None)
    read, excess, _ = asyncio.run(look(HEAD, tls=context()))
    assert read.status == 200
    assert excess <= 16_384 + MOST
