"""`waterbed run` on a database server that is down, full, and restarted in the middle."""

import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from tests.service.rig import QUICK, awaited, set_service, started
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.model.bookkeeping import Due, RunEnd
from waterbed.model.facts import Observation
from waterbed.store.database import CONNECTIONS
from waterbed.store.runs import AWAY
from waterbed.store.settings import Schedule

SLOTS = 12


def fill(url: str, held: ExitStack) -> None:
    """Take all connections of a server, those of others too."""
    own = [held.enter_context(psycopg.connect(url, autocommit=True))]
    while len(own) < SLOTS:
        ours = [connection.info.backend_pid for connection in own]
        own[0].execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE NOT pid = ANY(%s)", [ours])
        try:
            own.append(held.enter_context(psycopg.connect(url, autocommit=True)))
        except psycopg.OperationalError:
            time.sleep(0.01)


def study_in(url: str) -> str:
    """The URL of a database for a study, on a server that gives few connections once it is started again."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET max_connections = {SLOTS}")
        connection.execute("ALTER SYSTEM SET superuser_reserved_connections = 0")
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("CREATE DATABASE study")
    return url.replace("/postgres?", "/study?")


def connections_to_study(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = 'study'").fetchone()
    return row[0] if row else 0


@pytest.mark.long
@pytest.mark.parametrize("processes", [1, 2])
def test_a_service_outlives_its_database_server(processes: int, own_server: Any, tmp_path: Path) -> None:
    """Down at start, full, gone for longer than a lease: it says so, waits, and each URL is checked exactly once."""
    url = own_server.get_uri()
    pairs, log, store_url = feed(60, 8), tmp_path / "log", study_in(url)
    with lab_study(pairs, tmp_path, store=store_url, batch=20, hosts_at_once=4, delay_s=0.3) as (study, _):
        set_service(study, msgspec.structs.replace(QUICK, pass_s=20.0), schedule=Schedule(lease_s=6.0))
        study.import_reports(reports_csv(pairs, tmp_path))
        store = study.folder.store
        store.close()
        own_server.stop()
        with log.open("wb") as to:
            running = started(study.folder.path, "--processes", str(processes), log=to)
        going = lambda true: lambda: true() or running.poll() is not None  # noqa: E731 (a test that ends early says why)
        awaited(going(lambda: "tries=3" in log.read_text()))
        assert running.poll() is None, log.read_text()
        assert log.read_text().count("meaning=") == 1
        own_server.start()
        awaited(going(lambda: store.count(Observation) > 40))
        before = store.count(Observation)
        store.close()
        with ExitStack() as held:
            fill(url, held)
            awaited(going(lambda: AWAY in log.read_text()))
        awaited(going(lambda: store.count(Observation) > before + 40))
        before = store.count(Observation)
        store.close()
        own_server.stop()
        time.sleep(9)  # longer than a lease
        own_server.start()
        assert before < 480
        awaited(going(lambda: store.count(Observation) == 480))
        store.close()
        assert 1 <= connections_to_study(url) <= CONNECTIONS * processes
        running.terminate()
        said = running.communicate(timeout=120)[0].decode()
        assert running.returncode == 0, said + log.read_text()
        looks = Counter(look.url_id for look in store.all(Observation))
        assert (len(looks), set(looks.values())) == (480, {1})
        assert not [due for due in store.all(Due) if due.lease_run_id]
        assert {end.outcome for end in store.all(RunEnd)} <= {"finished", "stopped", "failed", "killed"}
        assert "Traceback" not in log.read_text()
        assert log.read_text().count(AWAY) <= 3
