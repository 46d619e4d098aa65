"""Bytes of one guarded connection: small reads, nothing kept past the head."""

import asyncio
import socket
import ssl
import warnings
from time import perf_counter

from waterbed.model.facts import Phase

PIECE = 2048
"""Most bytes taken from a TLS connection at once: a pushed body cannot come in faster."""

PLAIN_PIECE = 512
"""The same without TLS, where a head can end anywhere in a piece."""

_PLAIN_WINDOW = 1152
"""Largest receive window without TLS, the least that Linux grants.

The kernel acknowledges what it has room for, read or not: past a head that is at most a piece and a window, together
below 2 KiB, however late this process comes to read.
"""

_RECEIVE_BUFFER = 2048
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_TLS.check_hostname = False
_TLS.verify_mode = ssl.CERT_NONE
with warnings.catch_warnings():
    # Old versions prove nothing here: a site with bad TLS is still up, and nothing secret is sent.
    warnings.simplefilter("ignore", DeprecationWarning)
    _TLS.minimum_version = ssl.TLSVersion.TLSv1
_TLS.set_ciphers("DEFAULT:@SECLEVEL=0")
_TLS.set_alpn_protocols(["http/1.1"])
_TLS.options |= ssl.OP_NO_TICKET


class WireFailure(Exception):
    """What the network did instead of answering: phase and failure class."""

    def __init__(self, phase: Phase, failure: str) -> None:
        """Name the phase and the class; never an address or a name."""
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
    """The failure class of an operating-system error."""
    for kind, name in _OS_FAILURES:
        if isinstance(problem, kind):
            return name
    return _UNREACHABLE.get(problem.errno or 0, "network_error")


class Wire:
    """One TCP or TLS connection to a checked address."""

    def __init__(self) -> None:
        """Make an unconnected wire."""
        self._sock: socket.socket | None = None
        self._tls: ssl.SSLObject | None = None
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._shaken = False
        self.bytes_read = 0
        self.connect_ms = 0.0

    @property
    def connected(self) -> bool:
        """Whether it can still carry a request."""
        return self._sock is not None

    async def connect(self, where: tuple[str, int], *, name: str | None, tls: bool) -> None:
        """Connect to an address; `name` is what TLS is told (SNI), null for a literal.

        Raises WireFailure for whatever the network does.
        """
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        self._sock = sock
        started = perf_counter()
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not tls:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, _PLAIN_WINDOW)
            sock.setblocking(False)
            await loop.sock_connect(sock, where)
        except OSError as problem:
            self.close()
            raise WireFailure("connect", failure_class(problem)) from None
        self.connect_ms = (perf_counter() - started) * 1000
        if tls:
            await self._handshake(name)

    async def _handshake(self, name: str | None) -> None:
        try:
            self._tls = _TLS.wrap_bio(self._in, self._out, server_hostname=name)
        except (ValueError, UnicodeError):
            self.close()
            raise WireFailure("tls", "bad_name") from None
        try:
            while True:
                try:
                    self._tls.do_handshake()
                except ssl.SSLWantReadError:
                    await self._flush()
                    if not await self._feed():
                        raise WireFailure("tls", "closed") from None
                else:
                    self._shaken = True
                    break
            await self._flush()
        except ssl.SSLError as problem:
            self.close()
            raise WireFailure("tls", _tls_class(problem)) from None
        except OSError as problem:
            self.close()
            raise WireFailure("tls", failure_class(problem)) from None
        except WireFailure:
            self.close()
            raise

    async def send(self, data: bytes) -> None:
        """Send all of it; WireFailure if that fails."""
        if self._sock is None:
            raise WireFailure("http", "closed")
        try:
            if self._tls:
                self._tls.write(data)
                await self._flush()
            else:
                await asyncio.get_running_loop().sock_sendall(self._sock, data)
        except ssl.SSLError as problem:
            raise WireFailure("http", _tls_class(problem)) from None
        except OSError as problem:
            raise WireFailure("http", failure_class(problem)) from None

    async def receive(self) -> bytes:
        """At most PIECE bytes of what the server says; empty at its end."""
        if self._sock is None:
            return b""
        try:
            if self._tls is None:
                return await self._piece(PLAIN_PIECE)
            while True:
                try:
                    return self._tls.read(PIECE)
                except ssl.SSLWantReadError:
                    await self._flush()
                    if not await self._feed():
                        return b""
                except ssl.SSLZeroReturnError:
                    return b""
        except ssl.SSLError as problem:
            raise WireFailure("http", _tls_class(problem)) from None
        except OSError as problem:
            raise WireFailure("http", failure_class(problem)) from None

    async def _piece(self, size: int = PIECE) -> bytes:
        assert self._sock is not None  # noqa: S101 (narrows the type: callers have checked)
        data = await asyncio.get_running_loop().sock_recv(self._sock, size)
        self.bytes_read += len(data)
        return data

    async def _feed(self) -> bool:
        data = await self._piece()
        if not data:
            self._in.write_eof()
            return False
        self._in.write(data)
        return True

    async def _flush(self) -> None:
        data = self._out.read()
        if data and self._sock is not None:
            await asyncio.get_running_loop().sock_sendall(self._sock, data)

    def certificate(self) -> bytes | None:
        """The server's certificate, DER, if TLS was spoken."""
        return self._tls.getpeercert(binary_form=True) if self._tls and self._shaken else None

    def tls_version(self) -> str | None:
        """The negotiated TLS version."""
        return self._tls.version() if self._tls else None

    def quiet(self) -> bool:
        """Whether nothing lies unread: only then may the connection be used again."""
        if self._sock is None or (self._tls and self._tls.pending()) or self._in.pending:
            return False
        try:
            return not self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Hang up at once; the kernel drops what is unread."""
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()


def _tls_class(problem: ssl.SSLError) -> str:
    reason = (problem.reason or "").lower()
    if "wrong_version_number" in reason or "http_request" in reason or "packet_length" in reason:
        return "not_tls"
    if "alert" in reason:
        return "alert"
    return "eof" if isinstance(problem, ssl.SSLEOFError) else "handshake"
