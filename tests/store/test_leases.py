"""Leases and the life of runs: one test body against SQLite and PostgreSQL."""

import threading
import time
from dataclasses import replace
from datetime import timedelta
from errno import EIO
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.faults import Strike, struck
from tests.store.study_folder import made, report, url
from tests.store.test_store import NOW, canary, due
from waterbed.model.bookkeeping import Beat, Due, Reserved, Run, RunEnd
from waterbed.model.errors import InputError, LeaseLost, StoreFailure, StoreGone
from waterbed.model.facts import CanaryLook
from waterbed.store import folder as folders
from waterbed.store.leases import begin, end, lease, living, machine_s, mark_dead, record, renew, skew_s
from waterbed.store.runs import Heartbeat, patiently
from waterbed.store.store import Store
from waterbed.store.tables import TABLES


def alive(store: Store, run_id: str, lease_s: float = 60.0) -> str:
    begin(store, Run(run_id=run_id, kind="recheck", vantage="x", started_at=NOW, version="0", config_hash="x"), lease_s)
    return run_id


def take(store: Store, run_id: str, limit: int = 10) -> list[Due]:
    return lease(store, run_id, due_by=NOW, limit=limit)


def silent(store: Store, run_id: str) -> None:
    """Let a run's time have lapsed."""
    with store.writing() as connection:
        beat = TABLES[Beat]
        connection.execute(update(beat).where(beat.c.run_id == run_id).values(lapses_us=beat.c.lapses_us - 10**12))


def outcome(store: Store, run_id: str) -> list[str]:
    return [ended.outcome for ended in store.all(RunEnd) if ended.run_id == run_id]


def test_a_lease_takes_what_is_due_oldest_first(store: Store) -> None:
    """Only due URLs are leased, the longest overdue first, and no more than asked for."""
    store.add([due(1), due(2, after=-50), due(3, after=50)])
    assert [row.url_id for row in take(store, alive(store, "a"), limit=1)] == ["url0002"]
    assert [(row.url_id, row.lease_run_id) for row in take(store, alive(store, "b"))] == [("url0001", "b")]
    assert take(store, alive(store, "c")) == []


def test_runs_that_lease_at_once_share_without_overlap(store: Store) -> None:
    """Four runs that lease in turn and at the same time take each URL once."""
    store.add([due(number) for number in range(400)])
    taken: list[str] = []

    def work(run_id: str) -> None:
        while rows := take(store, run_id, limit=7):
            taken.extend(row.url_id for row in rows)

    runs = [threading.Thread(target=work, args=[alive(store, name)]) for name in "abcd"]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(taken) == [f"url{number:04}" for number in range(400)]


def test_only_the_holder_of_a_lease_moves_it_on(store: Store) -> None:
    """A run that never held a lease changes nothing of the schedule."""
    store.add([due(1)])
    row = take(store, alive(store, "a"))[0]
    later = replace(row, due_at=NOW + timedelta(hours=1), streak=2)
    assert record(store, alive(store, "b"), [], [later]) == 0
    assert record(store, "a", [canary(1)], [later]) == 1
    assert store.all(Due) == [replace(later, lease_run_id=None)]
    assert store.count(CanaryLook) == 1


def test_a_silent_run_is_buried_and_its_leases_come_back(store: Store) -> None:
    """What a lost worker held can be taken by others, and its run is on record as killed."""
    store.add([due(1), due(2)])
    take(store, alive(store, "a"))
    alive(store, "b")
    assert mark_dead(store, (), NOW) == 0
    silent(store, "a")
    assert living(store) == {"b"}
    assert mark_dead(store, (), NOW) == 2
    assert mark_dead(store, (), NOW) == 0
    assert outcome(store, "a") == ["killed"]
    assert len(take(store, "b")) == 2


def test_a_buried_run_writes_nothing(store: Store) -> None:
    """A worker that wakes after others took over leases nothing, records nothing and cannot say that it lives."""
    store.add([due(1)])
    row = take(store, alive(store, "a"))[0]
    silent(store, "a")
    mark_dead(store, (), NOW)
    assert not renew(store, "a", 60.0)
    with pytest.raises(LeaseLost):
        take(store, "a")
    with pytest.raises(LeaseLost):
        record(store, "a", [canary(1)], [replace(row, streak=9)])
    assert store.count(CanaryLook) == 0
    assert store.all(Due) == [due(1)]
    end(store, RunEnd(run_id="a", finished_at=NOW, outcome="finished", done=5))
    assert outcome(store, "a") == ["killed"]


def test_a_run_that_speaks_in_time_is_not_buried(store: Store) -> None:
    """One that was late, but spoke before it was marked dead, keeps what it holds."""
    store.add([due(1)])
    take(store, alive(store, "a"))
    silent(store, "a")
    assert renew(store, "a", 60.0)
    assert mark_dead(store, (), NOW) == 0
    assert living(store) == {"a"}


def test_a_run_known_as_dead_is_buried_before_its_time(store: Store) -> None:
    """Leases come back at once where the machine itself knows that the process is gone; networks too."""
    store.add([due(1), Reserved(network="192.0.2.0/24", run_id="a"), Reserved(network="198.51.100.0/24", run_id="b")])
    take(store, alive(store, "a"))
    alive(store, "b")
    assert mark_dead(store, ["a"], NOW) == 1
    assert [held.run_id for held in store.all(Reserved)] == ["b"]


def test_leases_of_a_run_that_nobody_knows_come_back(store: Store) -> None:
    """A restored store may hold leases of runs that are not alive: they are free."""
    store.add([replace(due(1), lease_run_id="gone")])
    assert mark_dead(store, (), NOW) == 1
    assert len(take(store, alive(store, "a"))) == 1


def test_a_heart_keeps_a_run_alive_and_buries_the_silent(store: Store) -> None:
    """A run outlives its lease while its heartbeat goes on; the heartbeat of one returns what another one held."""
    store.add([due(1)])
    take(store, alive(store, "dead", lease_s=0.2))
    born = machine_s()
    alive(store, "a", lease_s=1.2)
    heartbeat = Heartbeat(store, "a", 1.2, lambda: mark_dead(store, (), NOW), born)
    heartbeat.start()
    deadline = time.monotonic() + 30
    while outcome(store, "dead") != ["killed"] and time.monotonic() < deadline:
        time.sleep(0.05)
    while machine_s() < born + 1.5:
        time.sleep(0.05)
    assert heartbeat.holds()
    heartbeat.stop()
    assert outcome(store, "dead") == ["killed"]
    while machine_s() < born + 1.5 or heartbeat.holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_heart_that_was_buried_says_so(store: Store) -> None:
    """A run whose row is gone learns it at the next beat, long before its own clock says so."""
    alive(store, "a")
    heartbeat = Heartbeat(store, "a", 0.6, lambda: 0, machine_s() + 3600)
    mark_dead(store, ["a"], NOW)
    assert heartbeat.holds()
    heartbeat.start()
    deadline = time.monotonic() + 30
    while heartbeat.holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not heartbeat.holds()
    heartbeat.stop()


def test_patience_ends_with_the_lease() -> None:
    """A step is done again while the database is gone and the lease holds; other failures are told at once."""
    answers = iter([StoreGone("gone"), StoreGone("gone"), 7])

    def step() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert patiently(step, lambda: True) == 7
    answers = iter([StoreGone("gone"), 7])
    with pytest.raises(StoreGone):
        patiently(step, lambda: False)
    answers = iter([StoreFailure("full"), 7])
    with pytest.raises(StoreFailure, match="full"):
        patiently(step, lambda: True)


def test_the_clocks_of_this_machine_and_its_own_server_agree(store: Store) -> None:
    """PostgreSQL on the same machine has the same clock; SQLite has no clock."""
    found = skew_s(store)
    assert found is None if store.sqlite else abs(found) < 1


@pytest.mark.parametrize(("skew", "said"), [(73.26, "73.3 s behind the database's"), (-9.0, "9.0 s ahead of")])
def test_a_clock_that_is_off_is_refused(
    skew: float, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No run begins on a machine whose clock is too far from the database's; nothing is changed."""
    folder = made(tmp_path / "s")
    report(folder, [url(1)])
    runs = folder.store.count(Run)
    monkeypatch.setattr(folders, "skew_s", lambda _: skew)
    with pytest.raises(InputError, match=said), folder.run("recheck"):
        pass
    assert folder.store.count(Run) == runs
    monkeypatch.setattr(folders, "skew_s", lambda _: 0.25)
    with folder.run("recheck") as run:
        pass
    assert {one.run_id: one.clock_skew_s for one in folder.store.all(Run)}[run.run_id] == 0.25
    folder.close()


def test_a_run_that_stands_still_is_taken_over_on_one_machine_too(tmp_path: Path) -> None:
    """A process that lives but does not speak loses its leases, though its lock on the file is still held."""
    folder = made(tmp_path / "s")
    report(folder, [url(1), url(2)])
    with folder.run("recheck") as still:
        assert len(lease(folder.store, still.run_id, due_by=folder.clock(), limit=9)) == 2
        assert folder.mark_dead_runs() == 0
        silent(folder.store, still.run_id)
        assert folder.mark_dead_runs() == 2
        with pytest.raises(LeaseLost):
            record(folder.store, still.run_id, [], [])
    assert outcome(folder.store, still.run_id) == ["killed"]
    folder.close()


def test_a_study_that_was_moved_here_in_mid_run_goes_on(tmp_path: Path) -> None:
    """On SQLite a run without a lock file ran on another machine: its leases come back at once."""
    folder = made(tmp_path / "s")
    report(folder, [url(1)])
    alive(folder.store, "elsewhere", lease_s=1e6)
    assert len(lease(folder.store, "elsewhere", due_by=folder.clock(), limit=9)) == 1
    assert folder.mark_dead_runs() == 1
    folder.close()


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_whoever_stands_still_in_a_transaction_is_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that stands still while its row is locked is marked dead all the same, once the server has ended that."""
    from waterbed.store import leases

    monkeypatch.setattr(leases, "_STILL", "300ms")
    store.add([due(1)])
    take(store, alive(store, "a"))
    silent(store, "a")
    deadline = time.monotonic() + 30

    def stand_still() -> None:
        with leases._writing(store) as still:
            still.execute(update(TABLES[Beat]).values(lapses_us=TABLES[Beat].c.lapses_us))
            assert mark_dead(store, (), NOW) == 0
            while not mark_dead(store, (), NOW) and time.monotonic() < deadline:
                time.sleep(0.05)
            still.execute(update(TABLES[Beat]).values(lapses_us=0))

    with pytest.raises(StoreFailure):
        stand_still()
    assert outcome(store, "a") == ["killed"]


@pytest.mark.parametrize("errno", [None, EIO])
def test_the_lock_that_an_ended_run_left_fails_nothing_and_goes_with_the_next(
    tmp_path: Path, errno: int | None
) -> None:
    """Killed, or the disk failing, as the lock is removed: the run is on record as finished."""
    folder = made(tmp_path / "study")
    at_lock = Strike(errno=errno, among=lambda what, path: what == "unlink" and "/runs/" in path)
    found = struck(partial(report, folder, [url(1)]), [tmp_path], at_lock)
    assert found.code == (None if errno is None else 0)
    assert [run.outcome for run in folder.store.all(RunEnd)] == ["finished"]
    assert len(list((folder.path / "runs").iterdir())) == 1
    assert folder.mark_dead_runs() == 0
    assert list((folder.path / "runs").iterdir()) == []
    folder.close()
