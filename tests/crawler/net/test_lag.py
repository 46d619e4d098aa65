"""Time in which the event loop stands still is no server's."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from socket import create_server, socket
from time import monotonic
from typing import Any

import pytest
import uvloop

from waterbed.crawler.net.http import Exchange, HostConnections
from waterbed.crawler.net.lag import LoopLag
from waterbed.crawler.net.politeness import Politeness
from waterbed.model.urls import canonicalize

PUBLIC = "28.10.0.7"
RUNS = [asyncio.run, uvloop.run]
Runs = Callable[[Coroutine[Any, Any, Any]], Any]


def _answer(listener: socket, after_s: float) -> None:
    """Answer one request after a while, from a thread that no event loop holds up."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        time.sleep(after_s)
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


def asked(run: Runs, *, after_s: float, still_s: float, timeout_s: float) -> tuple[Exchange, float]:
    """What comes of a request while the loop stands still, and the seconds that are charged to the host."""

    async def ask(port: int) -> tuple[Exchange, float]:
        to = lambda *_: ("127.0.0.1", port)  # noqa: E731 (a one-line connector)
        async with HostConnections(to, Politeness(at_once=1, delay_s=0), timeout_s=timeout_s, agent="t") as host:
            asyncio.get_running_loop().call_later(0.1, time.sleep, still_s)
            exchange = await host.ask(canonicalize("http://lab.example/"), "HEAD", [PUBLIC])
            return exchange, host.spent_s

    with create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(_answer, listener, after_s)
        return run(ask(listener.getsockname()[1]))


@pytest.mark.parametrize("run", RUNS)
def test_an_answer_that_came_while_the_loop_stood_still_is_read(run: Runs) -> None:
    """A server that answered in time is up, however long another one's handshake kept us from reading."""
    exchange, spent_s = asked(run, after_s=0.4, still_s=2.0, timeout_s=1.0)
    assert exchange.failure is None
    assert exchange.head is not None
    assert spent_s < 1.0


@pytest.mark.long
@pytest.mark.parametrize("run", RUNS)
def test_a_server_that_is_too_late_stays_too_late(run: Runs) -> None:
    """The time-out stands still with the loop, and goes on with it."""
    exchange, spent_s = asked(run, after_s=4.0, still_s=1.0, timeout_s=1.0)
    assert exchange.failure == "no_answer"
    assert 0.9 < spent_s < 1.8


@pytest.mark.parametrize("run", RUNS)
def test_deadlines_share_one_measure(run: Runs) -> None:
    """A stall moves all open deadlines once; a deadline that begins after it is not moved."""

    async def waits() -> tuple[float, list[float]]:
        lag, took = LoopLag(), list[float]()

        async def sleep(lag: LoopLag) -> None:
            async with asyncio.timeout(0.6) as timeout:
                with lag.watch(timeout):
                    await asyncio.sleep(30)

        async def wait(after_s: float) -> None:
            await asyncio.sleep(after_s)
            began = monotonic()
            with pytest.raises(TimeoutError):
                await sleep(lag)
            took.append(monotonic() - began)

        asyncio.get_running_loop().call_later(0.3, time.sleep, 1.0)
        await asyncio.gather(wait(0.0), wait(0.1), wait(1.4))
        return lag.seconds, sorted(took)

    seconds, took = run(waits())
    assert 0.8 < seconds < 2.0
    assert 0.5 < took[0] < 1.3
    assert all(1.4 < one < 2.6 for one in took[1:])
