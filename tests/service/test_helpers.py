"""`waterbed run --processes`: helpers make passes too, and the service says how all are."""

import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.crawler.recheck.test_processes import workers
from tests.service.rig import awaited, fetched, lines, set_service, started
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.model.bookkeeping import Due, RunEnd
from waterbed.model.facts import Observation
from waterbed.store.machine_settings import Log


@pytest.mark.long
def test_helpers_look_and_are_begun_again(store_url: str, tmp_path: Path) -> None:
    """Each look is taken once, a helper that dies is told and replaced, and counts lack only what it had not told."""
    pairs = feed(60, 3)
    with lab_study(pairs, tmp_path, store=store_url, batch=20, hosts_at_once=2, delay_s=0.1) as (study, _):
        set_service(study, log=Log(format="json"))
        study.import_reports(reports_csv(pairs, tmp_path))
        store = study.folder.store
        running = started(study.folder.path, "--processes", "2")
        (keeper,) = forked(running.pid)
        awaited(lambda: store.count(Observation))
        (helper,) = forked(keeper)
        os.kill(helper, signal.SIGKILL)
        awaited(lambda: set(forked(keeper)) - {helper})
        awaited(lambda: store.count(Observation) == 180)
        assert running.stdout is not None
        shown = running.stdout.readline().decode().split()[2].rstrip(",")
        awaited(lambda: json.loads(fetched(shown)[1])["workers"] == 2)
        running.send_signal(signal.SIGTERM)
        said, log = running.communicate(timeout=120)
        assert running.returncode == 0, log.decode()
        (killed,) = [end.run_id for end in store.all(RunEnd) if end.outcome == "killed"]
        untold = sum(look.run_id == killed for look in store.all(Observation))
        assert 180 - untold <= int(said.split()[0]) <= 180
        events = Counter(line["event"] for line in lines(log))
        assert (events["begun"], events["ended"], events["a worker ended before its time"]) == (1, 1, 1)
        assert set(Counter(look.url_id for look in store.all(Observation)).values()) == {1}
        assert not [due for due in store.all(Due) if due.lease_run_id]
        assert not Path(f"/proc/{keeper}").exists()


def forked(pid: int) -> list[int]:
    """The processes that a process has forked, awaited."""
    found: list[int] = []

    def some() -> list[int]:
        nonlocal found
        found = workers(pid)
        return found

    awaited(some)
    return found


def test_helpers_whose_service_is_killed_end_in_order(tmp_path: Path) -> None:
    """They give back what they held, and are gone."""
    pairs = feed(60, 3)
    with lab_study(pairs, tmp_path, batch=20, hosts_at_once=2, delay_s=0.1) as (study, _):
        set_service(study)
        study.import_reports(reports_csv(pairs, tmp_path))
        running = started(study.folder.path, "--processes", "3")
        (keeper,) = forked(running.pid)
        awaited(lambda: len(forked(keeper)) == 2)
        helpers = forked(keeper)
        awaited(lambda: study.folder.store.count(Observation))
        running.kill()
        awaited(lambda: not [pid for pid in (keeper, *helpers) if Path(f"/proc/{pid}").exists()])
        assert Counter(end.outcome for end in study.folder.store.all(RunEnd))["stopped"] == 2
        study.folder.mark_dead_runs()
        assert not [due for due in study.folder.store.all(Due) if due.lease_run_id]
