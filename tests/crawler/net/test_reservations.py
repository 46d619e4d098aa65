"""Manners over several passes: a network is visited by one of them at a time."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.store.test_leases import alive
from tests.store.test_store import NOW
from waterbed.crawler.net.politeness import Politeness
from waterbed.crawler.net.reservations import Reservations, reservations_of
from waterbed.model.bookkeeping import Reserved, RunEnd
from waterbed.model.errors import LeaseLost
from waterbed.model.urls import network_of
from waterbed.store.folder import Pass
from waterbed.store.leases import end, mark_dead
from waterbed.store.runs import claim, give_back
from waterbed.store.store import Store

NETWORKS = {"192.0.2.0/24", "198.51.100.0/24", "2001:db8::/48"}


@pytest.fixture
def store(postgresql: str) -> Iterator[Store]:
    import psycopg

    name = f"test_{os.urandom(6).hex()}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    head, _, tail = postgresql.partition("?")
    made = Store(f"{head.rpartition('/')[0]}/{name}?{tail}")
    made.migrate()
    yield made
    made.close()


def test_a_network_is_one_runs_at_a_time(store: Store) -> None:
    """What one run has, no other gets; given back, it can be had; asking again for one's own is harmless."""
    alive(store, "a"), alive(store, "b")
    assert claim(store, "a", NETWORKS) == NETWORKS
    assert claim(store, "b", NETWORKS) == set()
    assert claim(store, "a", NETWORKS) == NETWORKS
    give_back(store, "b", NETWORKS)
    give_back(store, "a", {"192.0.2.0/24"})
    assert claim(store, "b", NETWORKS) == {"192.0.2.0/24"}


def test_networks_come_back_with_the_run_that_had_them(store: Store) -> None:
    """However a run ends, others may visit; a run that was marked dead gets no network."""
    for name in "abc":
        alive(store, name)
    claim(store, "a", {"192.0.2.0/24"})
    claim(store, "b", {"198.51.100.0/24"})
    end(store, RunEnd(run_id="a", finished_at=NOW, outcome="finished", done=0))
    mark_dead(store, ["b"], NOW)
    assert claim(store, "b", NETWORKS) == set()
    assert claim(store, "c", NETWORKS) == NETWORKS
    assert store.count(Reserved) == 3


class Site:
    """Counts who is where, over all passes; each visit asks one request."""

    def __init__(self) -> None:
        self.inside: Counter[str] = Counter()
        self.passes: dict[str, Counter[str]] = {}
        self.most: Counter[str] = Counter()
        self.shared = 0
        self.began: dict[str, list[float]] = {}
        self.order: list[str] = []

    async def slot(self, politeness: Politeness, name: str, address: str) -> None:
        network = network_of(address)
        async with politeness.slot(address) as slot:
            await slot.wait_turn()
            self.began.setdefault(address, []).append(time.monotonic())
            self.order.append(name)
            here = self.passes.setdefault(network, Counter())
            here[name] += 1
            self.shared += len(+here) > 1
            for place in (address, network):
                self.inside[place] += 1
                self.most[place] = max(self.most[place], self.inside[place])
            await asyncio.sleep(0.003)
            for place in (address, network):
                self.inside[place] -= 1
            here[name] -= 1


async def crowd(store: Store, names: str, addresses: list[str], longest_s: float, **bounds: float) -> Site:
    """Several passes that all visit all the addresses at the same time."""
    site = Site()
    passes = []
    for name in names:
        run = Pass(run_id=alive(store, name), holds=lambda: True)
        shared = Reservations(
            lambda networks, of=run: claim(store, of.run_id, networks),
            lambda networks, of=run: give_back(store, of.run_id, networks),
            run.holds,
            longest_s=longest_s,
        )
        shared.start()
        bounded = Politeness(**bounds, reservations=shared)  # type: ignore[arg-type]
        passes.append((name, bounded, shared))
    async with asyncio.timeout(60):
        await asyncio.gather(
            *(site.slot(politeness, name, address) for address in addresses for name, politeness, _ in passes)
        )
        await asyncio.gather(*(shared.close() for _, _, shared in passes))
    return site


def test_bounds_hold_over_all_passes(store: Store) -> None:
    """Three passes keep the bounds of one, at each address and network, and all get through."""
    addresses = [f"1.1.{n % 5}.{n % 10}" for n in range(100)]
    site = asyncio.run(crowd(store, "abc", addresses, 10.0, at_once=2, delay_s=0.0, network_at_once=3))
    assert site.shared == 0
    assert max(site.most[f"1.1.{n}.0/24"] for n in range(5)) <= 3
    assert max(site.most[address] for address in addresses) <= 2
    assert sum(map(len, site.began.values())) == 300


def test_a_busy_network_changes_hands_and_keeps_its_pauses(store: Store) -> None:
    """No pass keeps the others out until it is done, and whoever comes next keeps the pause after the last."""
    addresses = ["1.1.1.1"] * 30
    site = asyncio.run(crowd(store, "ab", addresses, 0.1, at_once=2, delay_s=0.02, network_at_once=9))
    times = site.began["1.1.1.1"]
    assert len(times) == 60
    assert times[-1] - times[0] >= 59 * 0.02 * 0.8
    assert site.shared == 0
    assert sum(one != other for one, other in pairwise(site.order)) >= 2


def test_whoever_waits_hears_that_the_lease_is_lost(store: Store) -> None:
    """A pass that lost what it held waits for no network, and sends nothing."""
    alive(store, "a"), alive(store, "b")
    claim(store, "b", {"1.1.1.0/24"})

    async def wait() -> None:
        shared = reservations_of(store, Pass(run_id="a", holds=lambda: False))
        assert shared is not None
        async with asyncio.timeout(30), Politeness(at_once=1, delay_s=0, reservations=shared).slot("1.1.1.1"):
            raise AssertionError

    with pytest.raises(LeaseLost):
        asyncio.run(wait())

    async def turn() -> None:
        async with Politeness(at_once=1, delay_s=0, holds=lambda: False).slot("1.1.1.1") as slot:
            await slot.wait_turn()

    with pytest.raises(LeaseLost):
        asyncio.run(turn())


def test_a_visit_that_is_broken_off_leaves_nothing_behind(store: Store) -> None:
    """Whoever no longer waits takes no network away from the others."""
    alive(store, "b")
    claim(store, "b", {"1.1.1.0/24"})

    async def broken_off() -> None:
        shared = reservations_of(store, Pass(run_id=alive(store, "a"), holds=lambda: True))
        politeness = Politeness(at_once=1, delay_s=0, reservations=shared)
        site = Site()
        waiting = asyncio.create_task(site.slot(politeness, "a", "1.1.1.1"))
        await asyncio.sleep(0.1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        give_back(store, "b", {"1.1.1.0/24"})
        async with asyncio.timeout(30):
            while store.count(Reserved):  # noqa: ASYNC110 (it is the database that is waited for)
                await asyncio.sleep(0.05)
            await site.slot(politeness, "a", "1.1.1.1")

    asyncio.run(broken_off())
