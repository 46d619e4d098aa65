"""One request and the head of its answer, over kept connections to one host."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from crawler.guard import refusal
from crawler.head import Head, read_head
from crawler.manners import Manners
from crawler.wire import Wire, WireFailure
from waterbed.model.canonical import Spelled
from waterbed.model.facts import Phase

Connector = Callable[[str, int], tuple[str, int] | None]
"""From a checked public address and port to where to connect, None if that is refused."""

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


class HostConnections:
    """Guarded connections to one host, kept between its looks."""

    def __init__(self, connector: Connector, manners: Manners, *, timeout_s: float, agent: str) -> None:
        """Take where to connect, how gently, how long, and who we say we are."""
        self._connector = connector
        self._manners = manners
        self._timeout = timeout_s
        self._agent = agent
        self._wires: dict[tuple[str, str, int], tuple[Wire, str]] = {}
        self._broken: dict[tuple[str, str, int], Exchange] = {}

    async def __aenter__(self) -> Self:
        """Start with no connection."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up everywhere."""
        for wire, _address in self._wires.values():
            wire.close()
        self._wires.clear()

    async def ask(self, spelled: Spelled, method: str, addresses: Sequence[str]) -> Exchange:
        """Send one request to a public address of the host, read the head.

        A host that could not be connected is not tried again for its other URLs: that failure is their look too.
        """
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
                exchange = await self._visit(key, spelled, method, address, wire)
                if exchange.failure not in ("closed", "reset"):
                    return exchange
            wire.close()
        for address in public[:ADDRESSES_TRIED]:
            exchange = await self._visit(key, spelled, method, address, Wire())
            if exchange.phase not in ("connect", "tls"):
                return exchange
        self._broken[key] = exchange
        return exchange

    async def _visit(
        self, key: tuple[str, str, int], spelled: Spelled, method: str, address: str, wire: Wire
    ) -> Exchange:
        where = self._connector(address, spelled.port)
        if where is None or refusal(address) is not None:
            return Exchange(address=address, head=None, phase="guard", failure="outside_lab")
        before, started, phase = wire.bytes_read, perf_counter(), "connect"
        fresh = not wire.connected
        head: Head | None = None
        failure: str | None = None
        async with self._manners.visit(address) as turn:
            await turn()
            try:
                async with asyncio.timeout(self._timeout):
                    if fresh:
                        tls = spelled.scheme == "https"
                        await wire.connect(where, name=None if spelled.literal else spelled.host, tls=tls)
                    phase, started = "http", perf_counter()
                    await wire.send(self._request(spelled, method))
                    head = await read_head(wire, body_follows=method != "HEAD")
            except WireFailure as problem:
                phase, failure = problem.phase, problem.failure
            except TimeoutError:
                failure = "timeout"
                phase = "tls" if phase == "connect" and wire.connect_ms and spelled.scheme == "https" else phase
        exchange = Exchange(
            address=address,
            head=head,
            phase=phase,  # type: ignore[arg-type]  # only the literals above are assigned
            failure=failure,
            bytes_read=wire.bytes_read - before,
            connect_ms=round(wire.connect_ms, 3) if fresh and wire.connect_ms else None,
            head_ms=round((perf_counter() - started) * 1000, 3) if head else None,
            tls_version=wire.tls_version(),
            certificate=wire.certificate() if fresh else None,
        )
        if head and head.reusable:
            self._wires[key] = (wire, address)
        else:
            wire.close()
        return exchange

    def _request(self, spelled: Spelled, method: str) -> bytes:
        lines = (
            f"{method} {spelled.target} HTTP/1.1",
            f"Host: {spelled.authority}",
            f"User-Agent: {self._agent}",
            "Accept: */*",
            "Accept-Encoding: identity",
            f"Connection: {'keep-alive' if method == 'HEAD' else 'close'}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
