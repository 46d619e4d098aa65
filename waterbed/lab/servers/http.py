"""HTTP and HTTPS servers on loopback that can misbehave.

They count the bytes that they sent.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import cast

from waterbed.lab.servers.counts import Counts, Tally, request_class
from waterbed.lab.servers.state import Behaviour, Listener, Scene
from waterbed.lab.servers.wire import Plain, Tls, bytes_acked

__all__ = ["Connection", "Counts", "Stage", "Tally", "serve_http"]

_MOST_HEAD = 65_536
_LINGER_S = 5.0
_HANDSHAKE = 0x16
_REFUSED = Behaviour(status=405, headers=(("Allow", "GET"),))
_BAD = Behaviour(status=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The state that all connections share."""

    scene: Scene
    clock: Callable[[], datetime]
    context: ssl.SSLContext
    tally: Tally
    tunnels: Mapping[tuple[str, int], Callable[[], int]] = field(default_factory=dict)
    """By address and port of the proxy's end: how many of our bytes its client has acknowledged."""


class Connection(asyncio.Protocol):
    """One client's connection: any number of requests."""

    def __init__(self, stage: Stage, listener: Listener) -> None:
        """Wait for the first byte: TLS or plain HTTP."""
        self._stage = stage
        self._listener = listener
        self._wire: Plain | None = None
        self._pending = b""
        self._deaf = False
        self._final: dict[str, int] = {}
        self._source = ""
        self._acked: Callable[[], int] = lambda: 0

    @property
    def tls(self) -> bool:
        """True if it speaks TLS."""
        return self._wire is not None and self._wire.tls

    def excess(self) -> Mapping[str, int]:
        """Excess bytes acknowledged so far, by class of request."""
        if self._wire is None:
            return {}
        try:
            now = self._wire.excess(self._acked())
        except OSError:
            # The socket is closed: what was last read of it stands.
            return self._final
        self._final = {label: max(size, self._final.get(label, 0)) for label, size in now.items()}
        return self._final

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Enter the tally."""
        self._transport = cast(asyncio.Transport, transport)
        self._socket: socket.socket = transport.get_extra_info("socket")
        peer = transport.get_extra_info("peername") or ("", 0)
        self._source = peer[0]
        # Behind the proxy it is the proxy's client that counts, not the proxy.
        self._acked = self._stage.tunnels.get(peer[:2]) or (lambda: bytes_acked(self._socket))
        self._stage.tally.connections += 1
        self._stage.tally.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the tally with the last count of acknowledged bytes.

        The socket is still open here.
        """
        self._stage.tally.close(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes, answer every whole request in them."""
        if self._deaf:
            return
        if self._stage.scene.silent(self._stage.clock()):
            self._deaf = True
            return
        if self._wire is None:
            # Port 80 never speaks TLS; elsewhere the client's first byte decides.
            secure = data[0] == _HANDSHAKE and self._listener.port != 80
            self._wire = Tls(self._transport.write, self._stage.context) if secure else Plain(self._transport.write)
        plain = self._wire.receive(data)
        if plain is None:
            self._transport.close()
            return
        self._pending += plain
        self._requests()

    def _requests(self) -> None:
        while not self._deaf:
            head, end, rest = self._pending.partition(b"\r\n\r\n")
            if not end:
                if len(self._pending) > _MOST_HEAD:
                    self._respond(_BAD, "GET", last=True)
                return
            self._pending = rest
            self._request(head)

    def _request(self, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if len(words) != 3 or not words[2].startswith("HTTP/1.") or "host" not in fields:
            self._respond(_BAD, "GET", last=True)
            return
        method, target, version = words
        self._stage.tally.requests[method] += 1
        if self._listener.port == 443 and not self.tls:
            self._respond(_BAD, method, last=True)
            return
        wish = fields.get("connection", "").lower()
        last = wish == "close" or (version == "HTTP/1.0" and wish != "keep-alive")
        if method not in ("HEAD", "GET"):
            # Its body is not read, so nothing behind it could be understood.
            self._respond(_REFUSED, method, last=True)
            return
        host = _host(fields["host"])
        answer = self._stage.scene.behaviour(self._listener, host, target, self._stage.clock(), self._source)
        self._play(answer, method, last=last)

    def _play(self, answer: Behaviour, method: str, *, last: bool) -> None:
        if answer.kind == "answer":
            self._respond(answer, method, last=last)
            return
        self._deaf = True
        if answer.kind == "close":
            self._transport.close()
        elif answer.kind == "reset":
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def _respond(self, answer: Behaviour, method: str, *, last: bool) -> None:
        if self._wire is None:
            raise AssertionError("a request came, so its wire is known")
        label = request_class(answer, method)
        self._stage.tally.asked(label, tls=self.tls)
        if method == "HEAD" and answer.head == "refused":
            answer = _REFUSED
        elif method == "HEAD" and answer.head_status:
            answer = Behaviour(status=answer.head_status)
        bodiless = answer.status in (204, 304)
        last = last or (answer.length == "close" and method == "GET")
        lines = [f"HTTP/1.1 {answer.status} {_reason(answer.status)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if answer.length == "chunked":
            lines.append("Transfer-Encoding: chunked")
        elif answer.length == "stated" and not bodiless:
            lines.append(f"Content-Length: {len(answer.body)}")
        lines += [f"Connection: {'close' if last else 'keep-alive'}", "", ""]
        body = answer.body if method == "GET" or (method == "HEAD" and answer.head == "body") else b""
        if answer.length == "chunked" and method == "GET":
            body = b"".join((b"%x\r\n" % len(body), body, b"\r\n0\r\n\r\n")) if body else b"0\r\n\r\n"
        self._wire.send("\r\n".join(lines).encode("latin-1"), body, label)
        if last:
            self._deaf = True
            # Closing at once would lose the count: what the client acknowledges is known when it has gone.
            if self._transport.can_write_eof():
                self._transport.write_eof()
            asyncio.get_running_loop().call_later(_LINGER_S, self._transport.close)


def _host(authority: str) -> str:
    host = authority.lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


async def serve_http(stage: Stage, listener: Listener) -> int:
    """Open one listener on a loopback port; return the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(stage, listener), "127.0.0.1", 0, backlog=1024)
    port: int = server.sockets[0].getsockname()[1]
    return port
