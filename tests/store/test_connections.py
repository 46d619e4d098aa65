"""Connections to a database server: few, and failures of which it is known if they may heal."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.study.rig import feed, lab_study, reports_csv
from waterbed.crawler.recheck.run import SharedPass
from waterbed.model.errors import InputError, StoreGone
from waterbed.model.facts import Observation
from waterbed.store.database import CONNECTIONS
from waterbed.store.store import Store

pytestmark = pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)


@contextmanager
def most_connections(store_url: str) -> Iterator[list[int]]:
    """The most connections to a database at any time in the block, but for those that it had before."""
    most, stop = [0], threading.Event()
    name = store_url.partition("?")[0].rpartition("/")[2]
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"

    with psycopg.connect(store_url.replace(f"/{name}", "/postgres"), autocommit=True) as connection:

        def count() -> int:
            row = connection.execute(asked, [name]).fetchone()
            return row[0] if row else 0

        before = count()

        def watch() -> None:
            while not stop.wait(0.002):
                most[0] = max(most[0], count() - before)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield most
        finally:
            stop.set()
            watching.join()


def test_a_third_connection_is_waited_for(store_url: str) -> None:
    """However many threads ask, a process has two connections, the locks that it holds included."""
    with closing(Store(store_url)) as store:
        store.migrate()
    with (
        most_connections(store_url) as most,
        closing(Store(store_url)) as store,
        ThreadPoolExecutor(8) as threads,
        store.locked(alone=False) as free,
        store.locked(alone=True, number=7) as alone,
    ):
        assert (free, alone) == (True, True)
        assert set(threads.map(lambda _: store.count(Observation), range(200))) == {0}
    assert most == [CONNECTIONS]


def test_the_workers_of_a_pass_have_two_connections_each(store_url: str, tmp_path: Path) -> None:
    """Two at most, with leases, reservations, records and heartbeats at the same time."""
    pairs = feed(150, 4)
    with lab_study(pairs, tmp_path, store=store_url, batch=10, delay_s=0.01) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        study.folder.store.close()
        with most_connections(store_url) as most:
            report = SharedPass(study.folder.path, 2, everything=False, limit=None).wait(print)
        assert report.looks == 600
        assert 1 <= most[0] <= 2 * CONNECTIONS


def test_a_lock_is_of_the_session_that_took_it(store_url: str) -> None:
    """Another process sees it until it is given back, whatever else its session did; so does this process itself."""
    with closing(Store(store_url)) as here, closing(Store(store_url)) as there, ExitStack() as held:
        assert held.enter_context(here.locked(alone=False))
        for store in (here, there):
            with store.locked(alone=True) as free, store.locked(alone=False) as shared:
                assert (free, shared) == (False, True)
        with ExitStack() as others:
            for _ in range(CONNECTIONS):  # the session is in use elsewhere when the lock is asked for
                others.enter_context(here.engine.connect())
        held.close()
        with there.locked(alone=True) as free:
            assert free
            with here.locked(alone=False) as shared:
                assert not shared


def test_a_server_that_refuses_says_if_that_may_heal(own_server: Any, store_url: str) -> None:
    """A missing database, role or password is the user's to mend; a server that is away or full is waited for."""
    url = own_server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'right'")
        connection.execute("ALTER SYSTEM SET max_connections = 8")
        connection.execute("ALTER SYSTEM SET superuser_reserved_connections = 2")
    access = own_server.pgdata / "pg_hba.conf"
    access.write_text(f"local all guest scram-sha-256\n{access.read_text()}")
    own_server.stop()
    with closing(Store(url)) as store, pytest.raises(StoreGone, match="cannot be opened now"):
        store.revision()
    own_server.start()
    guest = url.replace("postgres:@", "guest:{}@")
    for wrong in (
        url.replace("/postgres?", "/absent?"),
        url.replace("postgres:@", "absent:@"),
        guest.format("wrong"),
        guest.format(""),
    ):
        with closing(Store(wrong)) as store, pytest.raises(InputError, match="cannot be opened"):
            store.revision()
    with ExitStack() as held:
        for _ in range(6):  # what is left is reserved for others
            held.enter_context(psycopg.connect(url))
        with closing(Store(guest.format("right"))) as store, pytest.raises(StoreGone, match="reserved"):
            store.revision()
        for _ in range(2):
            held.enter_context(psycopg.connect(url))
        with closing(Store(url)) as store, pytest.raises(StoreGone, match="too many clients"):
            store.revision()
    with closing(Store(guest.format("right"))) as store:
        assert store.revision() is None
