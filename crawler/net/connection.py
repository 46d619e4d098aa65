"""One guarded connection that reads in small pieces."""

import asyncio
import contextlib
import socket
import ssl
from time import perf_counter
from typing import Literal

from waterbed.crawler.net.tls import BadRecord, TlsSession
from waterbed.model.facts import Phase

PIECE = 512
"""Most bytes taken from a connection at once.

A head can end anywhere in a piece, and begin unasked right behind a TLS handshake.
"""

MAX_RECORD = 16_384
"""Most bytes of text of a TLS record."""

_RECORD_PIECE = 2048
"""The same of a TLS record that is read whole, but not past its end."""

MAX_EXCHANGE = 16_384
"""Most bytes that a server can have acknowledged of what answers one request, besides the text that the request allows.

Interim heads, head, trailers, and TLS records and messages, whole or refused.
"""

MAX_TEXT = 65_536
"""The same of a page: its text, the rest of the TLS record that this ends in, framing, and what the kernel holds."""

MAX_HANDSHAKE = 32_768
"""The same of a TLS handshake: a chain of certificates takes 2 to 10 KiB, and a picture fits into one of them."""

_UNREAD = 2048
"""Bytes of these budgets that are left to the kernel, which acknowledges what nobody reads."""

WINDOW = 1408
"""Largest receive window with TLS: with a piece, or with the rest of a record, below 2 KiB."""

_TLS_BUFFER = 1568
"""Receive buffer with TLS. The window opens again while bytes wait unread, so the buffer bounds these.

Tried on Linux 6.18: with 1,616 and more the kernel acknowledges 1,904 and more unread bytes, with this 1,465. With
1,536 and less a server waits 40 ms for each window.
"""

_PLAIN_BUFFER = 1480
"""Receive buffer without TLS, half of what the kernel grants with its bookkeeping.

A buffer that is read empty must offer as much as it ever offered: a server sends halves of that at most, and the kernel
tells it of a window only once that has doubled, so a smaller one may leave the server waiting 0.2 s for each half, many
seconds for a long head. Linux 6.18 counts 256 bytes for 100 of a segment of 536, so a window of 1,152 takes 1,475. With
1,400 servers that write in uneven pieces did wait; with 1,536 the kernel acknowledges 1,534 unread bytes.
"""

_PLAIN_WINDOW = 1152
"""Largest receive window without TLS, the minimum that Linux grants.

The kernel acknowledges what it has room for, read or not: past a head that is at most a piece and what the buffer
holds, together below 2 KiB, however late this process reads. Both are set before connecting: they count from the first
packet on.
"""

FINISHED = 512
"""Most bytes of a record that are awaited behind a head, so that TLS authenticates it."""

PAGE_PIECE = 4096
"""Most bytes taken at once, and half of what the kernel may hold, while a page is read."""

_MOST_PROXY_HEAD = 8192

_BIND_ADDRESS_NO_PORT = 24
"""IP_BIND_ADDRESS_NO_PORT of Linux, which the standard library names from Python 3.12 on only; serves IPv6 too."""


class ConnectionFailure(Exception):
    """The network gave no response; holds phase and failure class."""

    def __init__(self, phase: Phase, failure: str) -> None:
        """Take phase and class, never an address or a name."""
        super().__init__(f"{phase}: {failure}")
        self.phase: Phase = phase
        self.failure = failure


_OS_FAILURES: tuple[tuple[type[OSError], str], ...] = (
    (ConnectionRefusedError, "refused"),
    (ConnectionResetError, "reset"),
    (ConnectionAbortedError, "reset"),
    (BrokenPipeError, "reset"),
    (TimeoutError, "timeout"),
)
_UNREACHABLE = {101: "no_route", 113: "no_route", 112: "no_route", 110: "timeout"}


def failure_class(problem: OSError) -> str:
    """Return the failure class of an operating-system error."""
    for kind, name in _OS_FAILURES:
        if isinstance(problem, kind):
            return name
    return _UNREACHABLE.get(problem.errno or 0, "network_error")


class Connection:
    """One TCP or TLS connection to a checked address.

    One task uses it at a time, so nothing else changes it during an await.
    """

    def __init__(self) -> None:
        """Make an unconnected one."""
        self._sock: socket.socket | None = None
        self._tls: TlsSession | None = None
        self._piece = PIECE
        self._buffered = b""
        self._certificates: tuple[bytes, ...] = ()
        self._stage: Phase | Literal["proxy"] = "connect"
        self._left = 0
        self.bytes_read = 0
        self.text_read = 0
        self.connect_ms = 0.0

    async def connect(
        self,
        where: tuple[str, int],
        *,
        name: str | None,
        tls: bool,
        source: str | None = None,
        tunnel: tuple[str, int] | None = None,
    ) -> None:
        """Connect to an address, through a proxy with `tunnel`.

        `name` is the server name of the TLS handshake (SNI), None for an address literal. `source` is the outgoing
        address, None for the kernel's choice. With `tunnel`, `where` is an HTTP proxy that connects there: to an
        address, never a name. Raises ConnectionFailure for any failure of the network or the proxy.
        """
        started = perf_counter()
        self._stage = "proxy" if tunnel else "connect"
        self._left = _MOST_PROXY_HEAD
        await self._open(where, source, tls=tls)
        if tunnel:
            await self._ask_proxy(tunnel)
        self.connect_ms = (perf_counter() - started) * 1000
        self._stage, self._left = "tls", MAX_HANDSHAKE - _UNREAD
        if tls:
            await self._handshake(name)
        self._stage = "http"

    async def _open(self, where: tuple[str, int], source: str | None, *, tls: bool) -> None:
        sock = socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET, socket.SOCK_STREAM)
        self._sock = sock
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _TLS_BUFFER if tls else _PLAIN_BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, WINDOW if tls else _PLAIN_WINDOW)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            with contextlib.suppress(OSError):
                # The port is chosen at connecting, so that one address serves more than 28,000 connections.
                sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            try:
                sock.bind((source, 0))
            except OSError:
                self.close()
                raise ConnectionFailure("connect", "no_source_address") from None
        try:
            await asyncio.get_running_loop().sock_connect(sock, where)
        except OSError as problem:
            self.close()
            raise self._failure(failure_class(problem)) from None

    def begin_exchange(self) -> None:
        """Allow MAX_EXCHANGE bytes for what answers the next request."""
        self._left = MAX_EXCHANGE - _UNREAD

    def begin_page(self) -> None:
        """Allow MAX_TEXT bytes for the page behind a head, in place of what is left."""
        self._left = MAX_TEXT + _UNREAD - 2 * PAGE_PIECE

    def allow(self, answer: int) -> None:
        """Allow as many bytes of a link check's answer besides."""
        self._left += answer

    def widen(self) -> None:
        """Read larger pieces from now on, for a page."""
        self._piece = PAGE_PIECE
        if self._sock:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PAGE_PIECE)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, PAGE_PIECE)

    def narrow(self, most: int) -> None:
        """Read at most `most` bytes at once from now on.

        Never more than a piece.
        """
        self._piece = max(1, min(PIECE, most))

    async def _ask_proxy(self, tunnel: tuple[str, int]) -> None:
        """Send CONNECT for an address to an HTTP proxy (RFC 9110, 9.3.6)."""
        host = f"[{tunnel[0]}]" if ":" in tunnel[0] else tunnel[0]
        authority = f"{host}:{tunnel[1]}"
        await self.send(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        head = b""
        while (end := head.find(b"\r\n\r\n")) < 0:
            piece = await self._pull(PIECE)
            head += piece
            if not piece:
                raise self._failure("closed")
        self._buffered = head[end + 4 :]
        self.bytes_read = len(self._buffered)
        status_parts = head.split(b"\r\n", 1)[0].split(b" ")
        if (
            not status_parts[0].startswith(b"HTTP/1.")
            or len(status_parts) < 2
            or len(status_parts[1]) != 3
            or not status_parts[1].isdigit()
        ):
            raise self._failure("closed")
        if not status_parts[1].startswith(b"2"):
            self.close()
            raise ConnectionFailure("connect", "proxy_refused")

    async def _handshake(self, name: str | None) -> None:
        try:
            tls = self._tls = TlsSession(name)
        except (ValueError, UnicodeError):
            self.close()
            raise ConnectionFailure("tls", "bad_name") from None
        try:
            while not tls.handshake():
                await self._push(tls.outgoing())
                data = await self._pull(PIECE)
                tls.take(data)
                if not data:
                    raise ConnectionFailure("tls", "closed")
            await self._push(tls.outgoing())
        except ssl.SSLError as problem:
            self.close()
            raise ConnectionFailure("tls", _tls_class(problem)) from None
        except OSError as problem:
            self.close()
            raise ConnectionFailure("tls", failure_class(problem)) from None
        except ConnectionFailure:
            self.close()
            raise

    async def send(self, data: bytes) -> None:
        """Send all bytes; ConnectionFailure if that fails."""
        if self._sock is None:
            raise self._failure("closed")
        try:
            if self._tls:
                self._tls.write(data)
                data = self._tls.outgoing()
            await self._push(data)
        except ssl.SSLError as problem:
            raise self._failure(_tls_class(problem)) from None
        except OSError as problem:
            raise self._failure(failure_class(problem)) from None

    async def receive(self, *, head: bool = False) -> bytes:
        """Receive at most one piece.

        Empty at the end of the stream. With `head` nothing behind the end of a head leaves the TLS session; without TLS
        the piece that a head ends in is received as it is.
        """
        try:
            text = await (self._pull(self._piece) if self._tls is None else self._text(self._tls, head))
            self.text_read += len(text)
            return text
        except ssl.SSLError as problem:
            raise self._failure(_tls_class(problem)) from None
        except OSError as problem:
            raise self._failure(failure_class(problem)) from None

    async def finish_record(self, most: int) -> None:
        """Receive the rest of the last text's record, if short.

        At most `most` bytes of it may be missing. A record that is not what its beginning said is a ConnectionFailure.
        """
        tls = self._tls
        try:
            while tls and tls.unverified and tls.room() <= most:
                data = await self._pull(tls.room())
                if not data:
                    break
                tls.take(data)
                tls.finish()
        except ssl.SSLError as problem:
            raise self._failure(_tls_class(problem)) from None
        except ConnectionFailure:
            pass  # the server hung up: what came stays as it is

    def authenticated(self, read: int) -> bool | None:
        """True if TLS authenticated the text's first `read` bytes.

        None without TLS.
        """
        return None if self._tls is None else self.text_read - self._tls.unverified >= read

    async def _text(self, tls: TlsSession, head: bool) -> bytes:
        while not (text := tls.read(self._piece, head=head)) and not tls.ended:
            await self._push(tls.outgoing())
            data = await self._pull(self._piece if tls.early else min(_RECORD_PIECE, tls.room()))
            if not data:
                break
            tls.take(data)
            # Records without text could come for ever, faster than they are read: let the deadline run.
            await asyncio.sleep(0)
        return text

    async def _pull(self, size: int) -> bytes:
        if self._buffered:
            data, self._buffered = self._buffered[:size], self._buffered[size:]
            return data
        if self._sock is None:
            return b""
        if self._left <= 0:
            raise self._failure("too_long")
        try:
            data = await asyncio.get_running_loop().sock_recv(self._sock, min(size, self._left))
        except OSError as problem:
            raise self._failure(failure_class(problem)) from None
        self.bytes_read += len(data)
        self._left -= len(data)
        return data

    async def _push(self, data: bytes) -> None:
        if not data or self._sock is None:
            return
        try:
            sent = self._sock.send(data)  # a request fits into the kernel's buffer
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            await asyncio.get_running_loop().sock_sendall(self._sock, data[sent:])

    def timeout_failure(self, *, text_before: int) -> ConnectionFailure:
        """Return the failure of a time-out at this moment.

        It is `no_answer` if no byte came since `text_before`, else `timeout`.
        """
        received = self.text_read > text_before if self._stage == "http" else self.bytes_read > 0
        silent = not received and self._stage in ("tls", "http")
        return self._failure("no_answer" if silent else "timeout")

    def _failure(self, name: str) -> ConnectionFailure:
        """Return a failure of the current stage; a proxy's is never reported as the server's."""
        if self._stage == "http" and name == "handshake":
            name = "bad_record"  # the handshake is over: a record could not be decrypted, or may not come here
        if self._stage != "proxy":
            return ConnectionFailure(self._stage, name)
        self.close()
        return ConnectionFailure("connect", "proxy_timeout" if name == "timeout" else "proxy_failed")

    def certificates(self) -> tuple[bytes, ...]:
        """Return the server's certificates, DER.

        Its own comes first. Empty without TLS.
        """
        if self._tls and not self._certificates:
            self._certificates = self._tls.certificates()
        return self._certificates

    def tls_version(self) -> str | None:
        """Return the negotiated TLS version."""
        return self._tls.version() if self._tls else None

    def is_quiet(self) -> bool:
        """True if it is open with nothing unread, so reusable."""
        if self._sock is None or self._buffered or (self._tls and not self._tls.idle):
            return False
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def close(self) -> None:
        """Close at once; the kernel drops unread bytes."""
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()


def _tls_class(problem: ssl.SSLError) -> str:
    if isinstance(problem, BadRecord):
        return "bad_record"
    reason = (problem.reason or "").lower()
    if "wrong_version_number" in reason or "http_request" in reason or "packet_length" in reason:
        return "not_tls"
    if "alert" in reason:
        return "alert"
    return "eof" if isinstance(problem, ssl.SSLEOFError) else "handshake"
