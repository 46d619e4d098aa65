"""What a behaviour is, and one visit of a client to a server that plays it."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

from waterbed.lab.servers.wire import bytes_acked

RECORD = 16_384
"""Most plaintext of one TLS record, bytes."""

_FRONT = 5
"""Fewest bytes of a TLS record before its text."""

REAL_PATH = "/reported/page"
"""Where every reported URL points, unless its behaviour says otherwise."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for."""

    method: str
    target: str
    head: bytes

    @property
    def reported(self) -> bool:
        """Whether it asks for the reported page, not for a random path beside it."""
        return self.target == REAL_PATH


class Left(Exception):
    """The client hung up."""


class Visit:
    """One client's connection, from its accept to its end."""

    def __init__(self, sock: socket.socket, *, host: str, turns: Iterator[int]) -> None:
        """Take an accepted socket that does not block, the host's name, and the count of its turns."""
        self.sock, self.host, self._turns = sock, host, turns
        self.methods: list[str] = []
        self.began = self.ended = monotonic()
        self.acked = 0
        self._written = 0
        self._bodies: list[tuple[int, int]] = []
        self._tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._pending = b""

    @property
    def tls(self) -> bool:
        """Whether TLS was spoken."""
        return self._tls is not None

    def turn(self) -> int:
        """Count, from 0, over all visits to this behaviour."""
        return next(self._turns)

    async def request(self) -> Request:
        """The next request's head; Left if the client hangs up before its end."""
        while b"\r\n\r\n" not in self._pending:
            data = await self._receive()
            if not data:
                raise Left
            self._pending += data
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        method, _, rest = head.decode("latin-1").partition(" ")
        self.methods.append(method)
        return Request(method, rest.partition(" ")[0], head)

    async def send(self, head: bytes, body: bytes = b"") -> None:
        """Send bytes; those of `body` count as past the head. Left if the client hangs up."""
        if self._tls is None:
            if body:
                self._bodies.append((self._written + len(head), len(body)))
            await self._put(head + body)
            return
        data = head + body
        for start in range(0, len(data), RECORD):
            piece = data[start : start + RECORD]
            behind = max(0, min(len(piece), start + len(piece) - len(head)))
            if behind:
                self._bodies.append((self._written + _FRONT + len(piece) - behind, behind))
            self._tls.write(piece)
            await self._put(self._out.read())

    async def drip(self, data: bytes, every_s: float) -> None:
        """Send one byte at a time."""
        for byte in data:
            await self.send(bytes((byte,)))
            await asyncio.sleep(every_s)

    async def secure(self, context: ssl.SSLContext) -> None:
        """Shake hands as the server of a TLS connection; Left if that fails."""
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._put(self._out.read())
                if not await self._feed():
                    raise Left from None
            except ssl.SSLError:
                await self._put(self._out.read())
                raise Left from None
            else:
                break
        await self._put(self._out.read())

    async def say_goodbye(self) -> None:
        """Send TLS's close_notify."""
        if self._tls is not None:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            await self._put(self._out.read())

    async def spoken_to(self) -> None:
        """Wait until the client has said something, and leave it unread."""
        while True:
            try:
                self.sock.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                await asyncio.sleep(0.005)
            except OSError:
                raise Left from None
            else:
                return

    async def hello(self) -> None:
        """Take the client's first bytes, whatever they are."""
        if not await self._raw():
            raise Left

    def sealed(self, data: bytes) -> bytes:
        """The TLS record that would carry some bytes."""
        if self._tls is not None:
            self._tls.write(data)
        return self._out.read()

    async def send_raw(self, data: bytes) -> None:
        """Send bytes outside TLS."""
        await self._put(data)

    def reset(self) -> None:
        """Hang up with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Left

    async def until_left(self) -> None:
        """Say nothing more until the client hangs up."""
        while await self._raw():
            pass
        raise Left

    async def linger(self) -> None:
        """Say that no more comes, and wait for the client to leave: only then is known what it took."""
        with suppress(OSError, TimeoutError):
            self.sock.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(3):
                while await self._raw():
                    pass

    def close(self) -> None:
        """Take the kernel's last word on what was acknowledged, and hang up."""
        self.ended = monotonic()
        try:
            self.acked = min(bytes_acked(self.sock), self._written)
        finally:
            self.sock.close()

    @property
    def excess(self) -> int:
        """Bytes past the heads that the client's kernel acknowledged; with TLS an upper bound."""
        return sum(min(size, max(0, self.acked - start)) for start, size in self._bodies)

    @property
    def offered(self) -> tuple[bool, bool]:
        """Whether anything was sent, and whether anything past a head: what is acknowledged of it hangs on the time."""
        return self._written > 0, bool(self._bodies)

    async def _receive(self) -> bytes:
        if self._tls is None:
            return await self._raw()
        while True:
            try:
                return self._tls.read(RECORD)
            except ssl.SSLWantReadError:
                if not await self._feed():
                    return b""
            except ssl.SSLError:
                return b""

    async def _feed(self) -> bool:
        data = await self._raw()
        self._in.write(data)
        return bool(data)

    async def _raw(self) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(self.sock, 65_536)
        except OSError:
            return b""

    async def _put(self, data: bytes) -> None:
        if not data:
            return
        self._written += len(data)
        try:
            await asyncio.get_running_loop().sock_sendall(self.sock, data)
        except OSError:
            raise Left from None


Play = Callable[[Visit], Awaitable[None]]
"""Plays one visit; when it returns, the connection is closed."""

Listening = Play | Literal["refused", "black hole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One DNS question as it came."""

    number: bytes
    name: bytes
    host: str
    kind: int
    tcp: bool
    time: int
    """How often this host was asked for this kind, this time included."""
    address: str
    """The behaviour's own public address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """One answer: its bytes, after how long, and from the right port or another."""

    data: bytes
    after_s: float = 0.0
    spoofed: bool = False


DnsPlay = Callable[[Query], Sequence[Datagram]]
"""Answers a question; no datagram is silence; over TCP the first counts, and empty bytes hang up."""


async def good(visit: Visit) -> None:
    """Answer 200 to the reported page and 404 to any other, like a site that is up."""
    while True:
        request = await visit.request()
        if request.reported or request.target == "/":
            await visit.send(OK + b'Content-Length: 5120\r\nETag: "r1"\r\n\r\n')
        else:
            await visit.send(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n")
        if request.method != "HEAD":
            return


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """A host that misbehaves in one way."""

    name: str
    does: str
    http: Listening = good
    https: Listening = "refused"
    dns: DnsPlay | None = None
    url: str = "http://{host}" + REAL_PATH
    kind: str = field(default="")

    @property
    def host(self) -> str:
        """Its host name, a registrable domain of its own."""
        return f"{self.name}-zoo.com"

    @property
    def reported(self) -> str:
        """The URL that is reported."""
        return self.url.format(host=self.host)
