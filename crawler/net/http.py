"""One request and the head of its answer, over kept connections to one host."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from crawler.net.connection import Connection, WireFailure
from crawler.net.guard import Connector
from crawler.net.politeness import Politeness
from crawler.net.response import PAGE_MOST, Head, read_body, read_head, refused
from crawler.net.vantage import Vantage
from waterbed.model.addresses import refusal
from waterbed.model.facts import Phase
from waterbed.model.urls import CanonicalUrl

__all__ = ["ADDRESSES_TRIED", "Connector", "Exchange", "HostConnections"]

ADDRESSES_TRIED = 3
"""Most addresses of one host that a look tries to connect to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What came of one request."""

    address: str | None
    head: Head | None
    phase: Phase
    failure: str | None
    bytes_read: int = 0
    connect_ms: float | None = None
    head_ms: float | None = None
    tls_version: str | None = None
    certificate: bytes | None = None
    page: bytes | None = None
    """The text of a page, if it was asked for and there is one. Secret: never log or keep it."""
    page_refused: str | None = None
    """Why there is no page: status, media_type, compressed, not_text, bad_body, cut_off or timeout."""

    def __repr__(self) -> str:
        """Say nothing of what was asked or answered."""
        return f"<Exchange {self.phase}: {self.failure or self.head}>"


_HERE = Vantage(name="here", network="here")
_STALE = ("closed", "reset", "eof", "no_status_line", "bad_head")
"""How a kept connection fails that the server has closed meanwhile, or on which an illegal body came late."""


class HostConnections:
    """Guarded connections to one host, kept between its looks."""

    def __init__(
        self, connector: Connector, manners: Politeness, *, timeout_s: float, agent: str, vantage: Vantage = _HERE
    ) -> None:
        """Take where to connect, how gently, how long, who we say we are, and where from."""
        self._connector = connector
        self._manners = manners
        self._timeout = timeout_s
        self._agent = agent
        self._vantage = vantage
        self._wires: dict[tuple[str, str, int], tuple[Connection, str]] = {}
        self._broken: dict[tuple[str, str, int], Exchange] = {}

    async def __aenter__(self) -> Self:
        """Start with no connection."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up everywhere."""
        for wire, _address in self._wires.values():
            wire.close()
        self._wires.clear()

    async def ask(self, spelled: CanonicalUrl, method: str, addresses: Sequence[str]) -> Exchange:
        """Send one request to a public address of the host, read the head.

        A host that could not be connected is not tried again for its other URLs: that failure is their look too.
        """
        return await self._ask(spelled, method, addresses, 0)

    async def read_page(self, spelled: CanonicalUrl, addresses: Sequence[str], most: int = PAGE_MOST) -> Exchange:
        """Ask by GET and read the text of a page, at most `most` bytes; anything else ends at its head.

        One deadline covers both. A page that breaks off is none; the head stands all the same.
        """
        return await self._ask(spelled, "GET", addresses, most)

    async def _ask(self, spelled: CanonicalUrl, method: str, addresses: Sequence[str], most: int) -> Exchange:
        key = (spelled.host, spelled.scheme, spelled.port)
        if key in self._broken:
            return self._broken[key]
        # IPv4 first: where only one family has a route, it is IPv4, and three dead ends would hide it
        public = sorted((a for a in addresses if refusal(a) is None), key=lambda a: ":" in a)
        if not public:
            reason = "non_public_address" if addresses else "no_address"
            return Exchange(address=None, head=None, phase="guard", failure=reason)
        kept = self._wires.pop(key, None)
        if kept:
            wire, address = kept
            if wire.quiet():
                exchange = await self._visit(key, spelled, method, address, wire, most)
                if exchange.failure not in _STALE:
                    return exchange
            wire.close()
        exchange, tried = Exchange(address=None, head=None, phase="connect", failure="no_source_address"), 0
        for address in public:
            where = self._connector(address, spelled.port)
            if where is None:
                return Exchange(address=address, head=None, phase="guard", failure="outside_lab")
            if not self._vantage.reaches(where[0]):
                continue
            exchange, tried = await self._visit(key, spelled, method, address, Connection(), most, where), tried + 1
            if (
                exchange.phase not in ("connect", "tls")
                or exchange.failure in ("proxy_failed", "proxy_timeout")
                or tried == ADDRESSES_TRIED
            ):
                break
        if exchange.phase in ("connect", "tls"):
            self._broken[key] = exchange
        return exchange

    async def _visit(
        self,
        key: tuple[str, str, int],
        spelled: CanonicalUrl,
        method: str,
        address: str,
        wire: Connection,
        most: int,
        where: tuple[str, int] | None = None,
    ) -> Exchange:
        before, text_before, started, phase = wire.bytes_read, wire.text_read, perf_counter(), "connect"
        fresh = where is not None
        head: Head | None = None
        page: bytes | None = None
        failure = page_refused = head_ms = None
        async with self._manners.visit(address) as visit:
            await visit.turn()
            try:
                async with asyncio.timeout(self._timeout):
                    if where:
                        await self._connect(wire, spelled, where, address)
                    phase, started = "http", perf_counter()
                    await wire.send(self._request(spelled, method))
                    raw = bytearray() if most else None
                    head = await read_head(wire, body_follows=method != "HEAD", raw=raw)
                    head_ms = round((perf_counter() - started) * 1000, 3)
                    if raw is not None:
                        page_refused = refused(head)
                        if not page_refused:
                            page, page_refused = await read_body(wire, head, bytes(raw), most)
            except WireFailure as problem:
                phase, failure = problem.phase, problem.failure
            except TimeoutError:
                late = wire.late(text_before=text_before)
                if head:
                    page_refused = "timeout"
                else:
                    phase, failure = late.phase, late.failure
            finally:
                if head and head.reusable:
                    self._wires[key] = (wire, address)
                else:
                    wire.close()
        return Exchange(
            address=address,
            head=head,
            phase=phase,  # type: ignore[arg-type]  # only the literals above are assigned
            failure=failure,
            bytes_read=wire.bytes_read - before,
            connect_ms=round(wire.connect_ms, 3) if fresh and wire.connect_ms else None,
            head_ms=head_ms,
            tls_version=wire.tls_version(),
            certificate=wire.certificate() if fresh else None,
            page=page,
            page_refused=page_refused,
        )

    async def _connect(self, wire: Connection, spelled: CanonicalUrl, where: tuple[str, int], address: str) -> None:
        """Connect to the address that was checked; a proxy is told it, and never where a lab plays it."""
        await wire.connect(
            self._vantage.proxy or where,
            name=None if spelled.literal else spelled.host,
            tls=spelled.scheme == "https",
            source=self._vantage.source,
            tunnel=(address, spelled.port) if self._vantage.proxy else None,
        )

    def _request(self, spelled: CanonicalUrl, method: str) -> bytes:
        lines = (
            f"{method} {spelled.target} HTTP/1.1",
            f"Host: {spelled.authority}",
            f"User-Agent: {self._agent}",
            "Accept: */*",
            "Accept-Encoding: identity",
            f"Connection: {'keep-alive' if method == 'HEAD' else 'close'}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
