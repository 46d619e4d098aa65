"""Responses that come late: the next URL of the host must not be given the last one's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from attribution.lookups.dns.resolver import Resolver
from crawler.net.vantage import Vantage
from crawler.probe.prober import HostTask, Prober
from tests.crawler.probe.test_prober import ADDRESS, NOW, VAULT, due
from waterbed.model.facts import Observation
from waterbed.model.urls import canonicalize
from waterbed.store.config import Config
from waterbed.store.settings import Probe

PRESENT = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
PAUSE_S = 0.3
Late = Callable[[asyncio.StreamWriter, int], None]


@asynccontextmanager
async def late(extra: Late) -> AsyncIterator[int]:
    """Every URL is there; `extra` sends what it likes around the n-th response of a connection. Yields the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for number in range(100):
                await reader.readuntil(b"\r\n\r\n")
                extra(writer, number)
                if not writer.is_closing():
                    writer.write(PRESENT)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def statuses(extra: Late, urls: int = 3) -> list[tuple[int | None, str | None]]:
    """Status and failure of each URL of a host whose URLs are all there."""
    config = Config(study="s" * 32, probe=Probe(delay_s=PAUSE_S, network_delay_s=0.0, timeout_s=2.0))

    async def run() -> list[tuple[int | None, str | None]]:
        async with late(extra) as port:
            prober = Prober(
                config=config,
                vault=VAULT,
                resolver=Resolver("127.0.0.1:1", timeout_s=0.1, tries=1, in_flight=1),
                connector=lambda address, _: ("127.0.0.1", port) if address == ADDRESS else None,
                clock=lambda: NOW,
                run_id="r",
                vantages=(Vantage(name="here", network="one", source=None, proxy=None),),
            )
            items = tuple((due("abuse"), canonicalize(f"http://{ADDRESS}/{n}")) for n in range(urls))
            facts = await prober.check(HostTask(host_id="h", items=items, control=None, name_servers=None))
        seen = [fact for fact in facts.facts if isinstance(fact, Observation)]
        return [(one.status, one.failure) for one in seen]

    return asyncio.run(run())


def in_the_pause(writer: asyncio.StreamWriter, number: int) -> None:
    """A second response to the same request, while the crawler waits its turn."""
    asyncio.get_running_loop().call_later(PAUSE_S / 3, writer.write, GONE)


def before_the_next(writer: asyncio.StreamWriter, number: int) -> None:
    """The late response comes when the next request is on its way already."""
    if number:
        writer.write(GONE)


def cut_in_the_pause(writer: asyncio.StreamWriter, number: int) -> None:
    """The server closes the connection that it said it would keep."""
    asyncio.get_running_loop().call_later(PAUSE_S / 3, writer.close)


def cut_at_the_next(writer: asyncio.StreamWriter, number: int) -> None:
    """The server closes when the second request comes."""
    if number:
        writer.close()


@pytest.mark.parametrize("extra", [in_the_pause, before_the_next, cut_in_the_pause, cut_at_the_next])
def test_no_url_is_given_the_response_of_another(extra: Late) -> None:
    """Whatever a kept connection carries late, each URL gets the status that a connection of its own would give."""
    assert statuses(extra) == [(200, None)] * 3


def test_what_is_gone_is_gone_on_a_connection_of_its_own_too() -> None:
    """A 404 over a kept connection is asked once more over a fresh one, no more often."""
    asked: list[int] = []

    def gone(writer: asyncio.StreamWriter, number: int) -> None:
        asked.append(number)
        writer.write(GONE)
        writer.close()

    assert statuses(gone, urls=2) == [(404, None)] * 2
    assert len(asked) <= 4
