"""The store: one test body against SQLite and PostgreSQL."""

import resource
import signal
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from tests.faults import struck
from waterbed.model.bookkeeping import Due, Run, RunEnd
from waterbed.model.errors import InputError, StoreGone
from waterbed.model.facts import CanaryLook, Resolution
from waterbed.store import database
from waterbed.store.schema import create, revisions
from waterbed.store.store import Store
from waterbed.store.tables import metadata

NOW = datetime(2026, 1, 5, 12, 30, 15, 123456, tzinfo=UTC)


def due(number: int, *, after: float = 0.0) -> Due:
    return Due(
        url_id=f"url{number:04}",
        host_id=f"host{number % 3}",
        due_at=NOW + timedelta(seconds=after),
        streak=0,
        first_report_at=NOW,
        category="phishing",
        lease_run_id=None,
    )


def canary(number: int) -> CanaryLook:
    return CanaryLook(
        canary_id=f"c{number}", run_id="r", vantage="here", observed_at=NOW, targets=2, reached=number % 3
    )


def test_migrations_make_the_tables_of_the_dataclasses(store: Store) -> None:
    """A migrated database and the dataclasses differ in nothing."""
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_new_store_is_what_all_migrations_make(store_url: str) -> None:
    """Its tables are made at once, under the name of the newest schema, and no migration is left."""
    made = Store(store_url)
    create(made)
    with made.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        indexes = {index["name"]: index for index in inspect(connection).get_indexes("due")}
    where = indexes["ix_due_lease_run_id"]["dialect_options"]  # of leased URLs alone, which the comparison overlooks
    assert "lease_run_id IS NOT NULL" in str(where["sqlite_where" if made.sqlite else "postgresql_where"])
    assert made.revision() == revisions()[-1]
    made.add([canary(1)])
    made.migrate()
    assert made.all(CanaryLook) == [canary(1)]
    made.close()


def test_migrating_twice_changes_nothing(store: Store) -> None:
    """A second migration of an up-to-date database is harmless."""
    store.add([canary(1)])
    store.migrate()
    assert store.all(CanaryLook) == [canary(1)]


def test_what_is_added_comes_back_equal(store: Store) -> None:
    """Times, tuples, nulls and numbers survive the database unchanged."""
    fact = Resolution(
        resolution_id="x",
        host_id="h",
        run_id="r",
        vantage="here",
        status="ok",
        addresses=("192.0.2.1", "2001:db8::1"),
        cname_ids=(),
        ttl_s=None,
        ede=(22, 23),
        resolver="127.0.0.1:53",
        resolved_at=NOW,
    )
    store.add([fact])
    assert store.all(Resolution) == [fact]


def test_adding_a_fact_again_adds_nothing(store: Store) -> None:
    """Facts are only ever added: the first one stays."""
    store.add([canary(1), canary(2)])
    store.add([replace(canary(1), reached=0), canary(3)])
    assert store.all(CanaryLook, order=("canary_id",)) == [canary(1), canary(2), canary(3)]


def test_known_ids_are_found_in_any_number(store: Store) -> None:
    """What is known already is found among more ids than one statement takes."""
    store.add(canary(n) for n in range(700))
    with store.writing() as connection:
        found = store.known_ids(CanaryLook, "canary_id", (f"c{n}" for n in range(1400)), connection)
    assert found == {f"c{n}" for n in range(700)}


def test_a_failing_transaction_leaves_nothing(store: Store) -> None:
    """All of a transaction is kept, or none of it."""

    def half() -> None:
        with store.writing() as connection:
            store.add([canary(1)], connection)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert store.count(CanaryLook) == 0


def test_everything_can_be_made_due(store: Store) -> None:
    """`--all` brings every look forward, except those being taken."""
    store.add([replace(due(1), lease_run_id="a"), due(2, after=500), due(3, after=900)])
    with store.writing() as connection:
        store.make_due(NOW, ["url0003"], connection)
    assert store.count_due(NOW) == 2
    store.make_all_due(NOW)
    assert store.count_due(NOW) == 3


def test_runs_without_an_end_are_known(store: Store) -> None:
    """A run that was killed is found by its missing end."""
    run = Run(run_id="a", kind="recheck", vantage="here", started_at=NOW, version="0", config_hash="x")
    store.add([run, replace(run, run_id="b"), RunEnd(run_id="b", finished_at=NOW, outcome="finished", done=0)])
    assert store.unfinished_runs() == ["a"]


def test_a_time_without_zone_is_refused(store: Store) -> None:
    """A naive time never enters the store."""
    with pytest.raises(Exception, match="without zone"):
        store.add([replace(canary(1), observed_at=datetime(2026, 1, 1))])


def test_a_file_that_is_no_database_is_named(tmp_path) -> None:
    """A store file of another kind gives one sentence, not a traceback."""
    (tmp_path / "x.db").write_text("hello, I am a text file, not a database at all" * 100)
    with pytest.raises(InputError, match="cannot be opened as an SQLite database"):
        Store(f"sqlite:///{tmp_path / 'x.db'}").revision()


def test_a_disk_without_room_at_opening_is_no_reason_for_a_backup(tmp_path) -> None:
    """Where the index of the log has no room, the disk is named, as a failure of ours: the file is as it was."""
    made = Store(f"sqlite:///{tmp_path / 'x.db'}")
    made.migrate()
    made.close()

    def starved() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
        Store(f"sqlite:///{tmp_path / 'x.db'}").revision()

    found = struck(starved, [])
    assert found.code == 3
    assert "cannot be opened (disk I/O error): its disk is full or failed, and nothing was changed" in found.said


def test_a_file_that_another_program_holds_may_be_free_later(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, then told as away: when it is opened, read or written to."""
    monkeypatch.setattr(database, "_PATIENCE_S", 0.1)
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with closing(Store(url)) as made:
        made.migrate()
    for mode, tried in (("EXCLUSIVE", Store.revision), ("EXCLUSIVE", Store.clear), ("NORMAL", Store.clear)):
        with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other, closing(Store(url)) as store:
            other.execute(f"PRAGMA locking_mode = {mode}")
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreGone, match="another program holds it"):
                tried(store)
    with closing(Store(url)) as store:
        store.clear()


def test_any_number_of_ids_is_one_question(store: Store) -> None:
    """Forty thousand ids, more than a statement takes values, are asked for and made due at once."""
    store.add([due(number, after=60.0) for number in range(10)])
    ids = [f"url{number:04}" for number in range(5, 40_005)]
    with store.writing() as connection:
        assert store.known_ids(Due, "url_id", ids, connection) == set(ids[:5])
        assert store.known_ids(Due, "url_id", (), connection) == set()
        store.make_due(NOW, ids, connection)
    assert store.count_due(NOW) == 5


def test_a_larger_cache_lasts_for_one_transaction(store: Store) -> None:
    """What an import keeps at hand is given back, also if it fails."""
    with suppress(ZeroDivisionError), store.writing(64) as connection:
        if store.sqlite:
            assert connection.exec_driver_sql("PRAGMA cache_size").scalar() == -64 * 1024
        raise ZeroDivisionError
    with store.writing() as connection:
        assert not store.sqlite or connection.exec_driver_sql("PRAGMA cache_size").scalar() == -2 * 1024
