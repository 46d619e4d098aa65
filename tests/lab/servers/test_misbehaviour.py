"""Servers that do not answer as they should."""

import asyncio
from datetime import UTC, datetime

import pytest

from waterbed.lab.servers.counts import Tally
from waterbed.lab.servers.http import Stage, serve_http
from waterbed.lab.servers.state import Behaviour, Listener
from waterbed.lab.servers.wire import server_context

_BEHAVIOURS = {
    "/hang": Behaviour(kind="hang"),
    "/close": Behaviour(kind="close"),
    "/reset": Behaviour(kind="reset"),
    "/999": Behaviour(status=999),
}


class _Zoo:
    """A scene whose paths each misbehave in their own way."""

    def listeners(self) -> tuple[Listener, ...]:
        return (Listener(key="zoo", port=8443, prefixes=()),)

    def silent(self, moment: datetime) -> bool:
        return False

    def addresses(self, host: str, moment: datetime) -> tuple[str, ...] | None:
        return None

    def behaviour(self, listener: Listener, host: str, target: str, moment: datetime, source: str) -> Behaviour:
        return _BEHAVIOURS[target]


async def _ask(target: str, wait_s: float = 60) -> bytes:
    zoo = _Zoo()
    stage = Stage(scene=zoo, clock=lambda: datetime(2025, 4, 1, tzinfo=UTC), context=server_context(), tally=Tally())
    port = await serve_http(stage, zoo.listeners()[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"HEAD {target} HTTP/1.1\r\nHost: a.example\r\n\r\n".encode())
        return await asyncio.wait_for(reader.read(1000), wait_s)
    finally:
        writer.close()


def test_a_server_can_hang() -> None:
    """A hanging server takes the request and sends nothing."""
    with pytest.raises(TimeoutError):
        asyncio.run(_ask("/hang", 0.2))


def test_a_server_can_close() -> None:
    """A closing server ends the connection without a byte."""
    assert asyncio.run(_ask("/close")) == b""


def test_a_server_can_reset() -> None:
    """A resetting server breaks the connection off."""
    with pytest.raises(ConnectionResetError):
        asyncio.run(_ask("/reset"))


def test_a_status_may_be_unheard_of() -> None:
    """A status outside the registered ones is sent as it is, on any port in plain HTTP too."""
    assert asyncio.run(_ask("/999")).startswith(b"HTTP/1.1 999 Unknown\r\n")
