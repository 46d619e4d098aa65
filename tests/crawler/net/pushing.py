"""A server on loopback that pushes bytes at whoever asks, and says which of them the asker's kernel acknowledged."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from waterbed.lab.servers.wire import Plain, Tls, bytes_acked, server_context


@dataclass(slots=True)
class Pushed:
    """What came of each connection, once it ended.

    Bytes that were acknowledged: past the head, before the first request, and after it.
    """

    port: int = 0
    excess: list[int] = field(default_factory=list)
    handshakes: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    asked: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)


def context(
    *, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, suites: str | None = None, rsa: bool = False
) -> ssl.SSLContext:
    """A server's context that speaks one version only."""
    made = server_context(generate_private_key(65_537, 2048) if rsa else None)
    made.minimum_version = made.maximum_version = version
    if suites:
        made.set_ciphers(suites)
    return made


@asynccontextmanager
async def pushing(
    head: bytes, body: bytes, *, tls: ssl.SSLContext | None = None, apart: bool = False
) -> AsyncIterator[Pushed]:
    """Answer every request with head and body, in one go or `apart` from each other."""
    pushed = Pushed()

    class Pushes(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport
            self.wire = Tls(transport.write, tls) if tls else Plain(transport.write)
            self.asked = b""
            self.before: int | None = None

        def data_received(self, data: bytes) -> None:
            plain = self.wire.receive(data)
            if plain is None:
                self.transport.close()
                return
            self.asked += plain
            while b"\r\n\r\n" in self.asked:
                self.asked = self.asked.partition(b"\r\n\r\n")[2]
                pushed.asked += 1
                if self.before is None:
                    self.before = bytes_acked(self.transport.get_extra_info("socket"))
                if apart:
                    self.wire.send(head, b"")
                    self.wire.send(b"", body)
                else:
                    self.wire.send(head, body)

        def connection_lost(self, problem: Exception | None) -> None:
            sock: socket.socket = self.transport.get_extra_info("socket")
            acked = bytes_acked(sock)
            before = acked if self.before is None else self.before
            pushed.excess.append(sum(self.wire.excess(acked).values()))
            pushed.handshakes.append(before)
            pushed.answers.append(acked - before)
            pushed.ended.set()

    server = await asyncio.get_running_loop().create_server(Pushes, "127.0.0.1", 0)
    pushed.port = server.sockets[0].getsockname()[1]
    try:
        yield pushed
    finally:
        server.close()
