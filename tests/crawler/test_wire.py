"""What one connection takes of a body that is pushed at it: counted by the server's kernel."""

import asyncio
import socket
import struct

import pytest

from crawler.wire import PLAIN_PIECE, Wire

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"
BYTES_ACKED = 120
"""Offset of tcpi_bytes_acked in Linux's struct tcp_info."""


async def acknowledged(*, reads: int, idle_s: float) -> int:
    """Bytes a client's kernel acknowledged of 400 kB pushed at it, when it reads so often and dawdles so long."""
    counted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    class Pushes(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(HEAD + b"\xff" * 400_000)  # type: ignore[attr-defined]  # a TCP transport writes

        def connection_lost(self, problem: Exception | None) -> None:
            sock = self.transport.get_extra_info("socket")
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            counted.set_result(struct.unpack_from("Q", info, BYTES_ACKED)[0])

    server = await asyncio.get_running_loop().create_server(Pushes, "127.0.0.1", 0)
    wire = Wire()
    await wire.connect(server.sockets[0].getsockname(), name=None, tls=False)
    await wire.send(b"HEAD / HTTP/1.1\r\n\r\n")
    await asyncio.sleep(idle_s)
    for _ in range(reads):
        assert len(await wire.receive()) <= PLAIN_PIECE
    await asyncio.sleep(idle_s)
    wire.close()
    try:
        return await asyncio.wait_for(counted, 5)
    finally:
        server.close()


@pytest.mark.parametrize("idle_s", [0.0, 0.02, 0.2])
def test_a_pushed_body_stays_outside_however_slow_we_are(idle_s: float) -> None:
    """At most 2 KiB past the head are acknowledged, even if this process comes late to read and to hang up."""
    assert asyncio.run(acknowledged(reads=1, idle_s=idle_s)) - len(HEAD) <= 2048
