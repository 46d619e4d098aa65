"""The HTTP server: bounds on time, size, connections, and Host.

uvicorn parses and answers; what it leaves unbounded is bounded here. `waterbed serve` and `waterbed run` share it.
"""

import ipaddress
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal

import httptools
import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from waterbed.publish.api.problems import problem

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Sent with every answer that does not set its own."""
_PIECE: Final = 4_096
"""Bytes given to the parser at once; by so much a bound on sizes is exceeded at most."""
_HOST: Final = re.compile(rb"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::[0-9]{0,5})?", re.ASCII)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one server."""

    request_s: float = 10.0
    """From the connection, or a request's first byte, to its last byte."""
    answer_s: float = 60.0
    """From a request's last byte until the client has taken the answer."""
    idle_s: int = 5
    """Between an answer and the next request of a kept connection."""
    leave_s: float = 2.0
    """For a refused client to read why and to hang up."""
    head_bytes: int = 16_384
    fields: int = 100
    body_bytes: int = 65_536
    """No request needs a body; one of so many bytes is passed over, a longer one ends the connection."""
    ahead: int = 16
    """Requests sent before an answer that are taken; then the connection ends."""
    connections: int = 256
    """Connections at once; for one more, that which has completed nothing for the longest time ends."""


class Door:
    """Allowed names of a server, and its connections."""

    def __init__(self, limits: Limits, names: Iterable[str]) -> None:
        """Take the names by which clients may ask, besides loopback and the address asked at."""
        self.limits = limits
        self._names = {"localhost", *(_bare(name) for name in names)}
        self._present: OrderedDict[Bounded, None] = OrderedDict()

    def enter(self, connection: "Bounded") -> None:
        """Let a connection in; another ends if full."""
        while len(self._present) >= self.limits.connections:
            self._present.popitem(last=False)[0].transport.abort()
        self._present[connection] = None

    def renew(self, connection: "Bounded") -> None:
        """Note that a connection has completed a request."""
        if connection in self._present:
            self._present.move_to_end(connection)

    def leave(self, connection: "Bounded") -> None:
        """Forget a connection."""
        self._present.pop(connection, None)

    def allowed(self, name: bytes, here: str) -> bool:
        """True if a client may ask for this host.

        `here` is the server's address of the connection. A web page can make a browser ask at loopback by a name of
        its own (DNS rebinding); the browser then names that name.
        """
        matched = _HOST.fullmatch(name)
        if not matched:
            return False
        host = _bare(matched[1].decode())
        if host in self._names:
            return True
        try:
            address = _plain(host)
            return address.is_loopback or address == _plain(here)
        except ValueError:
            return False


class Refused(Exception):
    """A request that the application never sees."""

    def __init__(self, status: int) -> None:
        """Take the status."""
        super().__init__(status)
        self.status = status


class Bounded(HttpToolsProtocol):
    """One connection within the limits (docs/decisions/0020).

    It has no access log: its lines would hold paths, and reconfigured loggers do not bring them back.
    """

    def __init__(self, *args: Any, door: Door, **kwargs: Any) -> None:
        """Begin a connection."""
        super().__init__(*args, **kwargs)
        self.access_log = False
        self._door, self._limits = door, door.limits
        self._size, self._in_body = 0, False
        self._done = False
        """True once no further byte of the client is parsed."""
        self._refusal = 400
        self._known_host: bytes | None = None

    def connection_made(self, transport: Any) -> None:
        """Give the client time for its first request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self._limits.request_s, self._late)
        self._door.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._timer.cancel()
        self._door.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse piece by piece, within the bounds on sizes."""
        self._unset_keepalive_if_required()
        for start in range(0, len(data), _PIECE):
            if self._done:
                return
            piece = data[start : start + _PIECE] if len(data) > _PIECE else data
            self._size += len(piece)
            try:
                self.parser.feed_data(piece)
                if self._size > (self._limits.body_bytes if self._in_body else self._limits.head_bytes):
                    self._refuse(431)
            except httptools.HttpParserUpgrade:
                self._end_after_answers()
            except httptools.HttpParserError:
                self._refuse(self._refusal)

    def on_message_begin(self) -> None:
        """Give time for a request, unless an answer is owed."""
        super().on_message_begin()
        if not self._owed():
            self._grant(self._limits.request_s)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; trailers are ignored."""
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Refuse, or let the application answer."""
        size, self._size = self._size, 0
        try:
            self._check(size)
        except Refused as refused:
            self._refusal = refused.status
            raise
        super().on_headers_complete()
        self._in_body = True
        if len(self.pipeline) >= self._limits.ahead:
            self._end_after_answers()

    def on_message_complete(self) -> None:
        """Give time for the answer, unless one is owed already."""
        super().on_message_complete()
        self._size, self._in_body = 0, False
        if not self.pipeline and not self.cycle.response_complete and not self.transport.get_write_buffer_size():
            self._grant(self._limits.answer_s)

    def on_response_complete(self) -> None:
        """Note that a request has been completed."""
        self._door.renew(self)
        super().on_response_complete()

    def _check(self, size: int) -> None:
        """Refused if the head is not within what this server answers."""
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise Refused(505)
        if self._done:
            raise Refused(400)
        if size > self._limits.head_bytes or len(self.headers) > self._limits.fields:
            raise Refused(431)
        hosts = [value.strip(b" \t") for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and version == "1.1"):
            raise Refused(400)
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (version == "1.0" or codings != [b"chunked"]):
            raise Refused(400)  # where a body ends that is coded otherwise is in doubt (RFC 9112, 6.3)
        if not self.url.startswith(b"/"):
            hosts.append(self._authority())
        for host in hosts:
            if host != self._known_host:
                if not _HOST.fullmatch(host):
                    raise Refused(400)
                if not self._door.allowed(host, self.server[0] if self.server else ""):
                    raise Refused(421)
                self._known_host = host

    def _authority(self) -> bytes:
        """The authority of an absolute target (RFC 9112, 3.2.2), whose path becomes the target."""
        matched = re.fullmatch(rb"https?://([^/?#@]+)([/?][^#]*)?", self.url, re.IGNORECASE)
        if not matched:
            raise Refused(400)
        path = matched[2] or b"/"
        self.url = path if path.startswith(b"/") else b"/" + path
        return matched[1]

    def _owed(self) -> bool:
        """True while an answer is not yet taken."""
        unanswered = self.cycle is not None and not self.cycle.response_complete
        return unanswered or bool(self.transport.get_write_buffer_size())

    def _grant(self, seconds: float) -> None:
        self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        """End a connection whose time is over; the next time at once."""
        if self.transport.is_closing() or self._owed() or self._done:
            self.transport.abort()
        elif self._size or self._in_body:
            self._refuse(408)
        else:
            self.transport.close()

    def _end_after_answers(self) -> None:
        """Parse no more; end when the requests already taken are answered."""
        self._done = True
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def _refuse(self, status: int) -> None:
        """Say why and end, after answers that are due; nothing of the request is repeated."""
        log.info("refused %d", status)
        if self._in_body or (self.cycle is not None and not self.cycle.response_complete):
            self._end_after_answers()  # an answer in the midst of another would be read as that one
            return
        self._done = True
        said = problem(status, {**HEADERS, "Connection": "close"})
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        head = b"".join(b"%s: %s\r\n" % pair for pair in (*self.server_state.default_headers, *said.raw_headers))
        self.transport.write(line + head + b"\r\n" + bytes(said.body))
        if self.transport.can_write_eof():
            self.transport.write_eof()  # closing at once, with bytes unread, would take the answer back (RST)
        self._grant(self._limits.leave_s)


class Guard:
    """Adds security headers, answers HEAD, maps failures, and logs.

    Logs hold the route template, status and milliseconds.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the server sends no content where HEAD was asked
        began, status = time.perf_counter(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as failure:  # its text could hold the request: only its class and place are logged
            log.error("failure %s at %s", type(failure).__name__, _place(failure))
            if status == 0:
                await problem(500)(scope, receive, sent)
        finally:
            took = (time.perf_counter() - began) * 1000
            log.info("%s %d %.1f ms", getattr(scope.get("route"), "path", "no route"), status, took)


def server_of(
    app: ASGIApp,
    *,
    proxy: str | None = None,
    names: Iterable[str] = (),
    limits: Limits | None = None,
    lifespan: Literal["auto", "off"] = "auto",
) -> uvicorn.Server:
    """Build the server of an application.

    `proxy` is the address that is trusted to forward the client's address. `names` are hosts by which clients may ask,
    besides loopback and the address at which they ask.
    """
    limits = limits or Limits()
    config = uvicorn.Config(
        app,
        http=partial(Bounded, door=Door(limits, names)),  # type: ignore[arg-type]  # called like the class
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=128,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy or "",
        timeout_keep_alive=limits.idle_s,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)


def _bare(name: str) -> str:
    return name.lower().removesuffix(".").removeprefix("[").removesuffix("]")


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return (parsed.ipv4_mapped if parsed.version == 6 else None) or parsed


def _place(failure: BaseException) -> str:
    trace: Any = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).stem}:{trace.tb_lineno}" if trace else "?"
