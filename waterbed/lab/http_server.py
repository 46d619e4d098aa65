"""HTTP and HTTPS servers on loopback that can misbehave, and count what they gave away."""

import asyncio
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import cast

from waterbed.lab.state import Behaviour, Listener, Scene
from waterbed.lab.wire import Plain, Tls, bytes_acked

_MOST_HEAD = 65_536
_LINGER_S = 5.0
_HANDSHAKE = 0x16
_REFUSED = Behaviour(status=405, headers=(("Allow", "GET"),))
_BAD = Behaviour(status=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the lab's servers were asked and what they gave, since they started.

    Excess is bytes past the response heads that the client's kernel acknowledged: exact without TLS; with TLS an
    upper bound, since a client sees whole records only.
    """

    dns_queries: int = 0
    connections: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    excess_plain_total: int = 0
    excess_plain_most: int = 0
    excess_tls_total: int = 0
    excess_tls_most: int = 0


class Tally:
    """Counts in the making, over all connections, closed and open."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.connections = 0
        self.requests: Counter[str] = Counter()
        self.open: set[Connection] = set()
        self._closed: dict[bool, tuple[int, int]] = {False: (0, 0), True: (0, 0)}

    def close(self, connection: "Connection") -> None:
        """Keep what a connection gave, now that it ends."""
        self.open.discard(connection)
        total, most = self._closed[connection.tls]
        excess = connection.excess()
        self._closed[connection.tls] = total + excess, max(most, excess)

    def counts(self, dns_queries: int) -> Counts:
        """Sum up."""
        sums = dict(self._closed)
        for connection in self.open:
            total, most = sums[connection.tls]
            excess = connection.excess()
            sums[connection.tls] = total + excess, max(most, excess)
        return Counts(
            dns_queries=dns_queries,
            connections=self.connections,
            requests=dict(self.requests),
            excess_plain_total=sums[False][0],
            excess_plain_most=sums[False][1],
            excess_tls_total=sums[True][0],
            excess_tls_most=sums[True][1],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all connections share."""

    scene: Scene
    clock: Callable[[], datetime]
    context: ssl.SSLContext
    tally: Tally


class Connection(asyncio.Protocol):
    """One client's connection: any number of requests."""

    def __init__(self, stage: Stage, listener: Listener) -> None:
        """Wait for the first byte: it tells TLS from plain HTTP."""
        self._stage = stage
        self._listener = listener
        self._wire: Plain | None = None
        self._pending = b""
        self._deaf = False
        self._final = 0

    @property
    def tls(self) -> bool:
        """Whether it speaks TLS."""
        return self._wire is not None and self._wire.tls

    def excess(self) -> int:
        """Bytes past the heads that were acknowledged so far."""
        if self._wire is None:
            return 0
        try:
            self._final = max(self._final, self._wire.excess(bytes_acked(self._socket)))
        except OSError:
            # The socket is closed: what was last read of it stands.
            return self._final
        return self._final

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Enter the tally."""
        self._transport = cast(asyncio.Transport, transport)
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._stage.tally.connections += 1
        self._stage.tally.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the tally, with the kernel's last word; the socket is still open here."""
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
        answer = self._stage.scene.behaviour(self._listener, host, target, self._stage.clock())
        self._play(answer, method, last=last)

    def _play(self, answer: Behaviour, method: str, *, last: bool) -> None:
        if answer.kind == "answer":
            self._respond(_REFUSED if method == "HEAD" and answer.head == "refused" else answer, method, last=last)
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
        lines = [f"HTTP/1.1 {answer.status} {_reason(answer.status)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        lines += [f"Content-Length: {len(answer.body)}", f"Connection: {'close' if last else 'keep-alive'}", "", ""]
        body = answer.body if method == "GET" or (method == "HEAD" and answer.head == "body") else b""
        self._wire.send("\r\n".join(lines).encode("latin-1"), body)
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
    """Open one listener on a free port of 127.0.0.1; returns the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(stage, listener), "127.0.0.1", 0, backlog=1024)
    port: int = server.sockets[0].getsockname()[1]
    return port
