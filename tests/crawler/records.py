"""A server on loopback that writes TLS records of its own, as no library would, and counts what was acknowledged."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from crawler.net.tls_records import KeyLog
from tests.crawler.net.pushing import Pushed, context
from waterbed.lab.servers.wire import bytes_acked

HANDSHAKE, TEXT = 22, 23

_HEADER, _TRAILER = 5, 17


def ticket(size: int = 200, inside: bytes = b"") -> bytes:
    """A NewSessionTicket message whose ticket has `size` bytes and begins with `inside`."""
    said = bytes(8) + b"\x01\0" + size.to_bytes(2) + inside.ljust(size, b"t") + b"\0\0"
    return b"\x04" + len(said).to_bytes(3) + said


class Records:
    """Writes the records of a TLS 1.3 server with an AES-GCM suite, from its secret."""

    def __init__(self, suite: str, secret: bytes) -> None:
        self._digest = SHA384() if suite.endswith("384") else SHA256()
        self._key_size = 32 if "256_GCM" in suite else 16
        self._secret = secret
        self._number = 0

    def _expanded(self, label: bytes, size: int) -> bytes:
        info = struct.pack(">HB", size, len(label) + 6) + b"tls13 " + label + b"\0"
        return HKDFExpand(algorithm=self._digest, length=size, info=info).derive(self._secret)

    def record(self, kind: int, data: bytes, padding: int = 0) -> bytes:
        """One record of an inner type."""
        inner = data + bytes([kind]) + bytes(padding)
        front = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2)
        nonce = (int.from_bytes(self._expanded(b"iv", 12)) ^ self._number).to_bytes(12)
        self._number += 1
        return front + AESGCM(self._expanded(b"key", self._key_size)).encrypt(nonce, inner, front)

    def key_update(self, padding: int = 0) -> bytes:
        """A change of the key; records after it have the new one."""
        said = self.record(HANDSHAKE, b"\x18\0\0\x01\0", padding)
        self._secret, self._number = self._expanded(b"traffic upd", self._digest.digest_size), 0
        return said


@dataclass(frozen=True, slots=True)
class Said:
    """A record, and how many bytes of its text come before the body; -1 if all do."""

    record: bytes
    before: int = -1


Answer = Callable[[Records], Sequence[Said]]


@asynccontextmanager
async def crafting(answer: Answer) -> AsyncIterator[Pushed]:
    """Answer every request with records of one's own."""
    pushed, made = Pushed(), context()
    made.num_tickets = 0
    log = KeyLog(made)

    class Crafts(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = made.wrap_bio(self.incoming, self.outgoing, server_side=True)
            self.hello, self.asked, self.written = b"", b"", 0
            self.records: Records | None = None
            self.bodies: list[tuple[int, int]] = []

        def data_received(self, data: bytes) -> None:
            self.hello = self.hello or data[:64]
            self.incoming.write(data)
            if self.records is None:
                with contextlib.suppress(ssl.SSLWantReadError):
                    self.tls.do_handshake()
                    suite = self.tls.cipher()
                    assert suite
                    self.records = Records(suite[0], log.take(self.hello[11:43])["SERVER_TRAFFIC_SECRET_0"])
                self.put(self.outgoing.read())
            if self.records:
                self.serve(self.records)

        def serve(self, records: Records) -> None:
            with contextlib.suppress(ssl.SSLError):
                self.asked += self.tls.read(65_536)
            while b"\r\n\r\n" in self.asked:
                self.asked = self.asked.partition(b"\r\n\r\n")[2]
                for said in answer(records):
                    if said.before >= 0:
                        start = self.written + _HEADER + said.before
                        self.bodies.append((start, self.written + len(said.record) - _TRAILER))
                    self.put(said.record)

        def put(self, data: bytes) -> None:
            self.written += len(data)
            self.transport.write(data)

        def connection_lost(self, problem: Exception | None) -> None:
            sock: socket.socket = self.transport.get_extra_info("socket")
            acked = min(bytes_acked(sock), self.written)
            pushed.excess.append(sum(max(0, min(acked, end) - start) for start, end in self.bodies))
            pushed.ended.set()

    server = await asyncio.get_running_loop().create_server(Crafts, "127.0.0.1", 0)
    pushed.port = server.sockets[0].getsockname()[1]
    try:
        yield pushed
    finally:
        server.close()
