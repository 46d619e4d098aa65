"""Manners: how many at once, how soon, for an address and for its network."""

import asyncio
import random
import selectors
from collections import Counter
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest

from waterbed.crawler.net.politeness import Politeness
from waterbed.model.urls import network_of

Run = Callable[[Coroutine[None, None, Any]], Any]


class Clock(selectors.DefaultSelector):
    """The time of an event loop that waits for nothing: what a busy machine adds to a pause is not in it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        self.now += 0.0 if ready or timeout is None else timeout
        return ready


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs in the time of a clock of its own."""
    clock = Clock()

    def loop() -> asyncio.AbstractEventLoop:
        made = asyncio.SelectorEventLoop(clock)
        monkeypatch.setattr(made, "time", lambda: clock.now)
        return made

    def run(main: Coroutine[None, None, Any]) -> Any:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(main)

    monkeypatch.setattr("waterbed.crawler.net.politeness.monotonic", lambda: clock.now)
    return run


async def visits(
    politeness: Politeness, addresses: list[str], *, stay_s: float = 0.005
) -> tuple[dict[str, int], list[tuple[float, str]]]:
    """The most visitors at once at each address and network, and when each began."""
    inside: Counter[str] = Counter()
    most: dict[str, int] = {}
    began: list[tuple[float, str]] = []

    async def visit(address: str) -> None:
        async with politeness.slot(address) as slot:
            await slot.wait_turn()
            began.append((asyncio.get_running_loop().time(), address))
            for name in (address, network_of(address)):
                inside[name] += 1
                most[name] = max(most.get(name, 0), inside[name])
            await asyncio.sleep(stay_s)
            for name in (address, network_of(address)):
                inside[name] -= 1

    await asyncio.wait_for(asyncio.gather(*(visit(address) for address in addresses)), 10)
    return most, began


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:0db8:0001::9", "2001:db8:1::/48"),
    ],
)
def test_networks_are_told_by_prefix(address: str, network: str) -> None:
    """IPv4 goes by /24, IPv6 by /48, whatever the spelling."""
    assert network_of(address) == network


def test_addresses_and_networks_have_bounds_of_their_own(run: Run) -> None:
    """No more at once than allowed, at an address and at its network; other networks do not wait."""
    addresses = [f"1.1.{n % 2}.{n % 8}" for n in range(80)]
    most, _ = run(visits(Politeness(at_once=2, delay_s=0, network_at_once=3), addresses))
    assert {most[f"1.1.{n}.0/24"] for n in range(2)} == {3}
    assert max(most[address] for address in addresses) <= 2


def test_without_a_network_bound_addresses_alone_count(run: Run) -> None:
    """Null and 0 bound nothing."""
    most, _ = run(visits(Politeness(at_once=1, delay_s=0), [f"1.1.1.{n}" for n in range(20)]))
    assert most["1.1.1.0/24"] == 20


def test_starts_in_a_network_are_apart(run: Run) -> None:
    """Request starts keep the pause, drawn within the jitter, over all addresses of a network."""
    politeness = Politeness(at_once=9, delay_s=0, network_at_once=9, network_delay_s=0.02, rng=random.Random(1))
    _, began = run(visits(politeness, [f"1.1.1.{n}" for n in range(8)]))
    times = sorted(at for at, _ in began)
    assert all(later - earlier + 1e-6 >= 0.02 * 0.8 for earlier, later in pairwise(times))
    assert times[-1] - times[0] <= 7 * 0.02 * 1.2


def test_pauses_are_drawn_within_the_jitter(run: Run) -> None:
    """Pauses differ, and stay within their share of the delay."""

    class Draws(random.Random):
        drawn: list[float] = []  # noqa: RUF012 (read once, below)

        def uniform(self, a: float, b: float) -> float:
            self.drawn.append(super().uniform(a, b))
            return self.drawn[-1]

    rng = Draws(3)
    run(visits(Politeness(at_once=9, delay_s=0.001, jitter=0.5, rng=rng), ["1.1.1.1"] * 30))
    assert len(set(rng.drawn)) == 30
    assert 0.5 <= min(rng.drawn) < 0.7
    assert 1.3 < max(rng.drawn) <= 1.5


def test_a_queue_at_one_address_does_not_hold_up_its_network(run: Run) -> None:
    """Who waits at a busy address takes neither places nor time from the network's other addresses."""
    politeness = Politeness(at_once=1, delay_s=0.1, network_at_once=2, network_delay_s=0.001)
    _, began = run(visits(politeness, ["1.1.1.1"] * 5 + ["1.1.1.2"], stay_s=0))
    assert [address for _, address in sorted(began)].index("1.1.1.2") <= 1


def test_nobody_waits_in_a_circle_and_nothing_is_left_behind(run: Run) -> None:
    """Thousands of visits with every bound tight end, also when some are cut off, and leave no place behind."""
    politeness = Politeness(at_once=1, delay_s=0.0001, network_at_once=2, network_delay_s=0.0001)

    async def crowds() -> int:
        rng = random.Random(4)
        addresses = [f"1.{n % 50}.{n % 3}.{n % 4}" for n in range(1500)]
        await visits(politeness, addresses, stay_s=0)
        cut = [asyncio.create_task(visits(politeness, ["9.9.9.9"] * 5)) for _ in range(50)]
        await asyncio.sleep(0.01)
        for task in cut:
            if rng.random() < 0.7:
                task.cancel()
        await asyncio.gather(*cut, return_exceptions=True)
        await asyncio.sleep(0.01)
        await visits(politeness, ["8.8.8.8"])
        return len(politeness._allowances)

    assert run(crowds()) <= 4


def test_starts_at_an_address_are_apart_behind_a_busy_network(run: Run) -> None:
    """Who waits for the network's turn after its address's does not start right before the next at that address."""
    politeness = Politeness(
        at_once=4, delay_s=0.06, network_at_once=16, network_delay_s=0.03, jitter=0.0, rng=random.Random(1)
    )
    _, began = run(visits(politeness, ["1.1.1.1"] * 4 + [f"1.1.1.{n}" for n in range(2, 12)]))
    times = sorted(at for at, address in began if address == "1.1.1.1")
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.06 - 1e-6
