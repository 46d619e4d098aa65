"""Sends requests to one host and reads the response heads."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from waterbed.crawler.net.connection import FINISHED, MAX_RECORD, Connection, ConnectionFailure
from waterbed.crawler.net.guard import Connector
from waterbed.crawler.net.lag import LoopLag
from waterbed.crawler.net.politeness import Politeness
from waterbed.crawler.net.response import PAGE_MOST, Head, read_answer, read_body, read_head, refused
from waterbed.crawler.net.vantage import Vantage
from waterbed.model.addresses import refusal
from waterbed.model.facts import Phase
from waterbed.model.urls import CanonicalUrl

__all__ = ["ADDRESSES_TRIED", "Connector", "Exchange", "HostConnections"]

ADDRESSES_TRIED = 3
"""Most addresses of one host that a check tries to connect to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The outcome of one request."""

    address: str | None
    head: Head | None
    phase: Phase
    failure: str | None
    bytes_read: int = 0
    connect_ms: float | None = None
    head_ms: float | None = None
    tls_version: str | None = None
    certificates: tuple[bytes, ...] = ()
    """What the server sent, DER, its own first."""
    authenticated: bool | None = None
    """True if TLS authenticated the whole head, False if it was read before its record's end, None without TLS."""
    kept: bool = False
    """True if the connection had carried a request before: what came may answer that one."""
    reused: bool = False
    """True if that one was for another URL."""
    page: bytes | None = None
    """The text of a page or of a link check's answer, if it was asked for and there is one.

    Secret: never log or keep it.
    """
    page_refused: str | None = None
    """Why there is none: status, media_type, compressed, not_text, bad_body, unframed, too_long, cut_off, timeout."""

    def __repr__(self) -> str:
        """Show phase and outcome, nothing of request or response."""
        return f"<Exchange {self.phase}: {self.failure or self.head}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, and how much of a response it allows.

    Secret: its repr shows the method alone.
    """

    method: str
    most: int = 0
    """Most bytes of a body that are read."""
    form: bytes | None = None
    """The encoded form that a POST sends."""
    answer: bool = False
    """True if the whole body is the answer of a link check, False if it is a page."""

    def __repr__(self) -> str:
        """Show the method, nothing of the form."""
        return f"<Request {self.method}>"


_ALONE = {method: Request(method=method) for method in ("HEAD", "GET")}
"""Requests of which only the head of the response is read."""

_HERE = Vantage(name="here", network="here")
_FORM = "application/x-www-form-urlencoded"
_STALE = ("closed", "reset", "eof", "no_status_line", "bad_head", "late_bytes")
"""Failures of a kept connection: closed meanwhile, or with bytes of an earlier response that came late."""


class HostConnections:
    """Guarded connections to one host, kept between its checks."""

    def __init__(
        self,
        connector: Connector,
        politeness: Politeness,
        *,
        timeout_s: float,
        agent: str,
        vantage: Vantage = _HERE,
        lag: LoopLag | None = None,
    ) -> None:
        """Take connector, rate limits, time-out, User-Agent and vantage point.

        Hosts that are checked together share the measured `lag` of their loop.
        """
        self._connector = connector
        self._politeness = politeness
        self._timeout = timeout_s
        self._agent = agent
        self._vantage = vantage
        self._lag = lag or LoopLag()
        self._connections: dict[tuple[str, str, int], tuple[Connection, str, str]] = {}
        self._keeps = True
        self._broken: dict[tuple[str, str, int], Exchange] = {}
        self.spent_s = 0.0
        """Seconds that requests took, without waits for their turns and for this process."""

    @property
    def vantage(self) -> str:
        """The name of their vantage point."""
        return self._vantage.name

    async def __aenter__(self) -> Self:
        """Open no connection yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        self.start_afresh()

    def begin_check(self) -> None:
        """Keep connections again."""
        self._keeps = True

    def start_afresh(self) -> None:
        """Keep no connection until the next check.

        Each request opens one of its own.
        """
        self._keeps = False
        for connection, _address, _target in self._connections.values():
            connection.close()
        self._connections.clear()

    async def ask(self, canonical: CanonicalUrl, method: str, addresses: Sequence[str]) -> Exchange:
        """Send a request to a public address, read the head.

        A host that could not be connected to is not tried again for its other URLs: they get the same failure.
        """
        return await self._ask(canonical, _ALONE[method], addresses)

    async def read_page(self, canonical: CanonicalUrl, addresses: Sequence[str], most: int = PAGE_MOST) -> Exchange:
        """Send a GET and read the text of a page.

        At most `most` bytes are read; of anything but a page only the head is read. One deadline covers head and page.
        A page that is cut off is dropped, and its head is kept.
        """
        return await self._ask(canonical, Request(method="GET", most=most), addresses)

    async def send(self, canonical: CanonicalUrl, request: Request, addresses: Sequence[str]) -> Exchange:
        """Send a request, read as much as it allows.

        The answer of a link check comes over a connection of its own. One deadline covers all.
        """
        return await self._ask(canonical, request, addresses)

    async def _ask(self, canonical: CanonicalUrl, request: Request, addresses: Sequence[str]) -> Exchange:
        key = (canonical.host, canonical.scheme, canonical.port)
        if key in self._broken:
            return self._broken[key]
        # IPv4 first: where only one family has a route, it is IPv4, and three failed IPv6 addresses would hide it
        public = sorted((a for a in addresses if refusal(a) is None), key=lambda a: ":" in a)
        if not public:
            failure = "non_public_address" if addresses else "no_address"
            return Exchange(address=None, head=None, phase="guard", failure=failure)
        exchange: Exchange | None
        # one task asks for one host's URLs in turn, so nothing else changes `_connections` and `_broken` in an await
        pooled = None if request.answer else self._connections.pop(key, None)
        if pooled:
            connection, address, target = pooled
            if connection.is_quiet():  # closed meanwhile, as most are: no turn is spent on it
                reused = target != canonical.target
                exchange = await self._exchange(key, canonical, request, address, connection, reused=reused)
                if exchange.failure not in _STALE:
                    return exchange
            connection.close()
        exchange, tried, reason = None, 0, None
        for address in public:
            # the address checked is the one connected to, however long the turn is awaited; a pass keeps its settings
            endpoint = self._connector(address, canonical.port)
            if endpoint is None or isinstance(endpoint, str):
                reason = reason or endpoint or "outside_lab"
                continue
            if not self._vantage.reaches(endpoint[0]):
                continue
            exchange, tried = (
                await self._exchange(key, canonical, request, address, Connection(), endpoint),
                tried + 1,
            )
            if (
                exchange.phase not in ("connect", "tls")
                or exchange.failure in ("proxy_failed", "proxy_timeout")
                or tried == ADDRESSES_TRIED
            ):
                break
        if exchange is None:
            phase: Phase = "guard" if reason else "connect"
            where = public[0] if reason else None
            exchange = Exchange(address=where, head=None, phase=phase, failure=reason or "no_source_address")
        if exchange.phase in ("connect", "tls"):
            self._broken[key] = exchange
        return exchange

    async def _exchange(
        self,
        key: tuple[str, str, int],
        canonical: CanonicalUrl,
        request: Request,
        address: str,
        connection: Connection,
        endpoint: tuple[str, int] | None = None,
        *,
        reused: bool = False,
    ) -> Exchange:
        bytes_before, text_before, started, phase = (
            connection.bytes_read,
            connection.text_read,
            perf_counter(),
            "connect",
        )
        fresh = endpoint is not None
        head: Head | None = None
        page: bytes | None = None
        failure = page_refused = head_ms = None
        read = 0
        async with self._politeness.slot(address) as slot:
            await slot.wait_turn()
            began, lag = perf_counter(), self._lag.seconds
            try:
                async with asyncio.timeout(self._timeout) as timeout:
                    with self._lag.watch(timeout):
                        if endpoint:
                            await self._connect(connection, canonical, endpoint, address)
                        elif not connection.is_quiet():  # bytes may have come while the request waited its turn
                            raise ConnectionFailure("http", "late_bytes")
                        phase, started = "http", perf_counter()
                        self._politeness.require_lease()  # the lease may have gone to another while this one connected
                        connection.begin_exchange()
                        await connection.send(self._request(canonical, request))
                        raw = bytearray() if request.most else None
                        if request.answer:
                            connection.narrow(request.most)
                        head = await read_head(connection, body_follows=request.method != "HEAD", raw=raw)
                        head_ms = round((perf_counter() - started) * 1000, 3)
                        read = connection.text_read
                        if raw is not None:
                            page, page_refused = await _read_text(connection, request, head, bytes(raw))
                        await connection.finish_record(FINISHED if page is None or request.answer else MAX_RECORD)
            except ConnectionFailure as problem:
                head, page, phase, failure = None, None, problem.phase, problem.failure
            except TimeoutError:
                timed_out = connection.timeout_failure(text_before=text_before)
                if head:
                    page, page_refused = None, "timeout" if request.most else None
                else:
                    phase, failure = timed_out.phase, timed_out.failure
            finally:
                self.spent_s += perf_counter() - began - (self._lag.seconds - lag)
                if head and head.reusable and self._keeps:
                    self._connections[key] = (connection, address, canonical.target)
                else:
                    connection.close()
        if page is not None and connection.authenticated(connection.text_read) is False:
            page, page_refused = None, "cut_off"
        return Exchange(
            address=address,
            head=head,
            phase=phase,  # type: ignore[arg-type]  # only the literals above are assigned
            failure=failure,
            bytes_read=connection.bytes_read - bytes_before,
            connect_ms=round(connection.connect_ms, 3) if fresh and connection.connect_ms else None,
            head_ms=head_ms,
            tls_version=connection.tls_version(),
            certificates=connection.certificates(),
            authenticated=connection.authenticated(read) if head else None,
            kept=not fresh,
            reused=reused,
            page=page,
            page_refused=page_refused,
        )

    async def _connect(
        self, connection: Connection, canonical: CanonicalUrl, endpoint: tuple[str, int], address: str
    ) -> None:
        """Connect to the address that was checked; a proxy gets that address, never a lab's listener."""
        await connection.connect(
            self._vantage.proxy or endpoint,
            name=None if canonical.literal else canonical.host,
            tls=canonical.scheme == "https",
            source=self._vantage.source,
            tunnel=(address, canonical.port) if self._vantage.proxy else None,
        )

    def _request(self, canonical: CanonicalUrl, request: Request) -> bytes:
        form = request.form
        sent = () if form is None else (f"Content-Type: {_FORM}", f"Content-Length: {len(form)}")
        lines = (
            f"{request.method} {canonical.target} HTTP/1.1",
            f"Host: {canonical.authority}",
            f"User-Agent: {self._agent}",
            "Accept: */*",
            "Accept-Encoding: identity",
            *sent,
            f"Connection: {'keep-alive' if request.method == 'HEAD' or request.answer else 'close'}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + (form or b"")


async def _read_text(
    connection: Connection, request: Request, head: Head, raw: bytes
) -> tuple[bytes | None, str | None]:
    """Read the page, or the answer, that a request asks for; None with the reason why there is none."""
    if request.answer:
        return await read_answer(connection, head, raw, request.most)
    why_not = refused(head)
    return (None, why_not) if why_not else await read_body(connection, head, raw, request.most)
