"""Networks shared by runs: each part of them is for one run at a time, and none takes more than its share."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.test_leases import alive
from tests.store.test_store import NOW, due
from waterbed.crawler.net.network_parts import FirstFound, PartLeases, crowded
from waterbed.model.bookkeeping import Due
from waterbed.model.errors import LeaseLost
from waterbed.store.leases import NO_PART, PARTS, NetworkParts, found_in, lease_of_parts, record
from waterbed.store.settings import Probe
from waterbed.store.store import Store


def there(number: int, part: int, host: int | None = None) -> Due:
    """A due URL in a part of the networks, each on a host of its own unless one is named."""
    return replace(due(number), network_part=part, host_id=f"host{number if host is None else host:04}")


def of_each(number: int):
    return lambda parts: dict.fromkeys(parts.free, number)


def taken(store: Store, run_id: str, most: int) -> list[str]:
    return sorted(one.url_id for one in lease_of_parts(store, run_id, due_by=NOW, limit=9999, choose=of_each(most)))


def test_no_two_runs_lease_in_one_part(store: Store) -> None:
    """The second run gets URLs of other parts alone, until those of the first are checked."""
    store.add([there(number, number % 3) for number in range(9)])
    alive(store, "a"), alive(store, "b")
    first = lease_of_parts(
        store, "a", due_by=NOW, limit=9999, choose=lambda parts: {parts.free[0]: 1, parts.free[1]: 1}
    )
    assert {one.lease_run_id for one in first} == {"a"}
    own = {one.network_part for one in first}
    second = lease_of_parts(store, "b", due_by=NOW, limit=9999, choose=of_each(9))
    assert {one.network_part for one in second} == {0, 1, 2} - own
    assert len(second) == 3
    assert taken(store, "b", 9) == []
    record(store, "a", [], [replace(one, due_at=NOW.replace(year=2100)) for one in first])
    assert len(taken(store, "b", 9)) == 4


def test_urls_of_no_part_are_for_all_runs(store: Store) -> None:
    """Hosts that were never found in a network are leased by any run, each URL once."""
    store.add([there(number, NO_PART) for number in range(8)])
    alive(store, "a"), alive(store, "b")
    both = [*taken(store, "a", 4), *taken(store, "b", 9)]
    assert sorted(both) == [f"url{number:04}" for number in range(8)]


def test_a_host_is_leased_whole(store: Store) -> None:
    """A number that would cut a host in two is exceeded by the rest of the host's URLs."""
    store.add([there(number, 5, host=number // 4) for number in range(12)])
    alive(store, "a")
    assert len(taken(store, "a", 2)) == 4
    assert len(taken(store, "a", 5)) == 8


def test_a_host_found_where_another_run_works_is_left_to_it(store: Store) -> None:
    """It is noted where the host is; its lease goes back if that part has a run, and is kept if not."""
    store.add([there(1, NO_PART), there(2, NO_PART), there(3, 7)])
    alive(store, "a"), alive(store, "b")
    lease_of_parts(store, "b", due_by=NOW, limit=9999, choose=lambda _: {7: 1})
    lease_of_parts(store, "a", due_by=NOW, limit=9999, choose=lambda _: {NO_PART: 9})
    assert found_in(store, "a", {"url0001": 7, "url0002": 8}) == {"url0001"}
    now = {one.url_id: (one.network_part, one.lease_run_id) for one in store.all(Due)}
    assert now == {"url0001": (7, None), "url0002": (8, "a"), "url0003": (7, "b")}
    assert taken(store, "b", 9) == ["url0001"]


def test_a_dead_run_takes_no_part(store: Store) -> None:
    """A run that was marked dead neither leases nor notes anything."""
    store.add([there(1, 1)])
    with pytest.raises(LeaseLost):
        taken(store, "dead", 1)
    with pytest.raises(LeaseLost):
        found_in(store, "dead", {"url0001": 2})


def test_networks_are_shared_only_where_hosts_wait_in_them() -> None:
    """By the settings of a new study they do; without pauses, and with as many at once as there are, they do not."""
    free = Probe(delay_s=0.0, network_delay_s=0.0, per_address=500, per_network=0)
    assert crowded(Probe())
    assert not crowded(free)
    assert crowded(msgspec.structs.replace(free, per_network=16))
    assert crowded(msgspec.structs.replace(free, network_delay_s=0.05))


def seen(free: Mapping[int, int], others: set[int], runs: int) -> NetworkParts:
    return NetworkParts(free=tuple(free), others=frozenset(others), runs=runs)


@given(
    free=st.dictionaries(st.integers(NO_PART, PARTS - 1), st.just(1)),
    others=st.sets(st.integers(0, PARTS - 1)),
    own=st.dictionaries(st.integers(0, PARTS - 1), st.integers(1, 80)),
    runs=st.integers(1, 60),
    limit=st.integers(0, 500),
)
def test_what_is_chosen_is_free_within_the_limit_and_the_share(
    free: dict[int, int], others: set[int], own: dict[int, int], runs: int, limit: int
) -> None:
    """In any state only free parts are chosen, at most the limit, and of other parts than the own ones a share."""
    free = {part: 1 for part in free if part not in others}
    held = PartLeases()
    for part, number in own.items():
        held.add([there(n, part) for n in range(number)])
    chosen = held.choose(seen(free, others, runs), most=1000, limit=limit)
    assert set(chosen) <= set(free)
    assert all(number > 0 for number in chosen.values())
    assert sum(chosen.values()) <= limit
    share = -(-len({*own, *others, *free} - {NO_PART}) // runs)
    assert len({*chosen} - {NO_PART}) <= max(1, share)


def test_a_network_with_very_many_hosts_gets_no_more_places_than_any(store: Store) -> None:
    """Where one part has a hundred times the URLs of the others, as many are leased of it as of each of these."""
    store.add([there(number, 0) for number in range(900)])
    store.add([there(1000 + number, 1 + number % 30) for number in range(300)])
    alive(store, "a")
    held = PartLeases()
    got = lease_of_parts(
        store, "a", due_by=NOW, limit=9999, choose=lambda parts: held.choose(parts, most=250, limit=250)
    )
    assert set(Counter(one.network_part for one in got).values()) == {8}


def test_runs_share_the_parts_evenly(store: Store) -> None:
    """A run that comes later gets its share once the first one's surplus is checked."""
    store.add([there(number, number % 20) for number in range(2000)])
    alive(store, "a")
    helds = {"a": PartLeases(), "b": PartLeases()}
    leased: dict[str, list[Due]] = {"a": [], "b": []}

    def step(run_id: str) -> None:
        held = helds[run_id]
        got = lease_of_parts(
            store, run_id, due_by=NOW, limit=9999, choose=lambda parts: held.choose(parts, most=200, limit=200)
        )
        held.add(got)
        leased[run_id] += got

    step("a")
    assert {one.network_part for one in leased["a"]} == set(range(20))
    alive(store, "b")
    for _ in range(4):
        for run_id in "ab":
            step(run_id)
        for run_id in "ab":
            record(store, run_id, [], [replace(one, due_at=NOW.replace(year=2100)) for one in leased[run_id]])
            helds[run_id].done(leased[run_id])
            leased[run_id] = []
    step("a"), step("b")
    shares = {run_id: {one.network_part for one in leased[run_id]} for run_id in "ab"}
    assert {run_id: len(parts) for run_id, parts in shares.items()} == {"a": 10, "b": 10}
    assert not shares["a"] & shares["b"]


def test_hosts_found_together_are_noted_together() -> None:
    """Findings of a moment are one statement, and each host hears of itself; a lone run notes nothing."""
    noted: list[Mapping[str, int]] = []

    def note(parts: Mapping[str, int], _: Collection[str]) -> set[str]:
        noted.append(parts)
        return {"b1", "b2"}

    async def work(held: PartLeases) -> list[bool]:
        found = FirstFound(len, note, held)
        return await asyncio.gather(found.keeps(["a"], 1), found.keeps(["b1", "b2"], 2))

    held = PartLeases()
    assert asyncio.run(work(held)) == [True, False]
    assert noted == [{"a": 1, "b1": 2, "b2": 2}]
    held.choose(seen({}, set(), 1), most=1, limit=1)
    assert asyncio.run(work(held)) == [True, True]
    assert len(noted) == 1


def test_a_lone_run_leaves_for_later_what_one_network_has_too_many_of() -> None:
    """Of hosts found in one network on a first pass some are checked, and the others do not take their places."""
    given_back: set[str] = set()

    def note(_: Mapping[str, int], surplus: Collection[str]) -> set[str]:
        given_back.update(surplus)
        return set(surplus)

    held = PartLeases()
    urls = [there(number, NO_PART) for number in range(200)]
    held.add(urls)
    held.choose(seen({NO_PART: 1}, set(), 1), most=1000, limit=1000)

    async def work() -> list[bool]:
        found = FirstFound(len, note, held)
        return await asyncio.gather(*(found.keeps([one.url_id], 3) for one in urls))

    kept = asyncio.run(work())
    assert sum(kept) == 64
    assert given_back == {one.url_id for one, its in zip(urls, kept, strict=True) if not its}
    assert held.total == 200
    held.done(urls)
    assert held.total == 0
