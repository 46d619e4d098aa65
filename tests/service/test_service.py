"""`waterbed run`: a study that keeps going, whatever befalls it."""

import asyncio
import json
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.service.rig import QUICK, asked, awaited, lines, served, set_service, started, until
from tests.study.rig import NOON, feed, lab_study, reports_csv
from tests.study.rig import Run as Command
from waterbed.crawler.recheck.run import STOPPED, run_recheck
from waterbed.model.bookkeeping import Due, Run, RunEnd
from waterbed.model.errors import StoreGone
from waterbed.model.facts import Observation
from waterbed.service import service as keeping
from waterbed.service.endpoint import Endpoint
from waterbed.service.service import Service
from waterbed.store.machine_settings import Log
from waterbed.store.settings import Names, Schedule
from waterbed.store.tables import TABLES
from waterbed.study.study import Study, open_study


def held(study: Study) -> list[Due]:
    return [due for due in study.folder.store.all(Due) if due.lease_run_id]


def test_it_takes_what_falls_due_hour_after_hour(tmp_path: Path) -> None:
    """In one pass that lasts, six virtual hours give each URL its look an hour; none is overdue at the end."""
    pairs = feed(12, 2)
    with lab_study(pairs, tmp_path) as (study, servers):
        set_service(study, schedule=Schedule(jitter=0.0))
        now = [NOON]
        study.folder.clock = lambda: now[0]
        study.import_reports(reports_csv(pairs, tmp_path))
        store = study.folder.store

        async def six_hours(service: Service, endpoint: Endpoint) -> None:
            for hour in range(1, 8):
                await until(lambda hour=hour: store.count(Observation) == 24 * hour)
                now[0] += timedelta(hours=1, seconds=10)
                servers.set_time(now[0])
            status, body = await asked(endpoint, "/health")
            assert (status, json.loads(body)["status"]) == (200, "ok")

        kept = served(study, six_hours)
        assert kept.passes == 1
        assert set(Counter(look.url_id for look in store.all(Observation)).values()) <= {7, 8}
        assert study.schedule_lag().overdue == 0
        assert {end.outcome for end in store.all(RunEnd)} <= {"finished", "stopped"}
        assert held(study) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("store_url", "number"), [("sqlite", signal.SIGINT), ("postgresql", signal.SIGTERM)], indirect=["store_url"]
)
def test_a_signal_in_mid_pass_leaves_no_lease(number: int, store_url: str, tmp_path: Path) -> None:
    """The first signal ends it in order with exit code 0: looks in flight are recorded, leases are given back."""
    pairs = feed(40, 2)
    with lab_study(pairs, tmp_path, store=store_url, batch=2, hosts_at_once=5, delay_s=2.0) as (study, _):
        set_service(study)
        study.import_reports(reports_csv(pairs, tmp_path))
        store = study.folder.store
        running = started(study.folder.path)
        awaited(lambda: store.count(Observation) or running.poll() is not None)
        running.send_signal(number)
        said, log = running.communicate(timeout=120)
        assert running.returncode == 0, log.decode()
        assert "ended in order" in said.decode()
        assert "Traceback" not in log.decode()
        assert held(study) == []
        assert 0 < store.count(Observation) < 80
        assert [end.outcome for end in store.all(RunEnd)][-1:] == ["stopped"]


def test_what_hangs_is_given_back_within_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that do not end within `service.stop_s` are abandoned: no fact of them, no lease, still due."""
    from waterbed.crawler.probe.prober import Prober

    async def hangs(*_: object) -> None:
        await asyncio.sleep(600)

    pairs = feed(20)
    with lab_study(pairs, tmp_path) as (study, _):
        set_service(study)
        study.import_reports(reports_csv(pairs, tmp_path))
        monkeypatch.setattr(Prober, "check", hangs)

        async def stopped_in_mid_look(service: Service, _: Endpoint) -> None:
            await until(lambda: service.state.in_flight == 20)
            assert len(held(study)) == 20

        began = time.monotonic()
        served(study, stopped_in_mid_look)
        assert time.monotonic() - began < 300
        assert held(study) == []
        assert study.folder.store.count(Observation) == 0
        assert study.folder.store.count_due(NOON) == 20


@pytest.mark.long
def test_killed_and_started_again_it_resumes(store_url: str, tmp_path: Path) -> None:
    """After SIGKILL the next service takes up at once what the dead one held; each URL has exactly its one look."""
    pairs = feed(60, 3)
    with lab_study(pairs, tmp_path, store=store_url, batch=50, delay_s=1.5) as (study, _):
        set_service(study)
        study.import_reports(reports_csv(pairs, tmp_path))
        store = study.folder.store
        first = started(study.folder.path)
        awaited(lambda: store.count(Observation) or first.poll() is not None)
        first.kill()
        first.communicate()
        assert store.count(Observation) < 180
        second = started(study.folder.path)
        awaited(lambda: store.count(Observation) == 180 or second.poll() is not None)
        second.terminate()
        _, log = second.communicate(timeout=120)
        assert second.returncode == 0, log.decode()
        looks = Counter(look.url_id for look in store.all(Observation))
        assert (len(looks), set(looks.values())) == (180, {1})
        assert held(study) == []
        assert Counter(end.outcome for end in store.all(RunEnd))["killed"] == 1


@pytest.mark.long
def test_two_services_and_a_pass_share_a_study(tmp_path: Path) -> None:
    """Nothing is refused, the second one does without the port that the first has, and each look is taken once."""
    pairs = feed(60, 4)
    with lab_study(pairs, tmp_path, batch=20, delay_s=1.5) as (study, _):
        free = socket.create_server(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        set_service(study, msgspec.structs.replace(QUICK, listen=f"127.0.0.1:{port}"))
        study.import_reports(reports_csv(pairs, tmp_path))
        store = study.folder.store
        both = [started(study.folder.path) for _ in range(2)]
        run_recheck(study.folder)
        awaited(lambda: store.count(Observation) == 240)
        awaited(lambda: store.count(Run, TABLES[Run].c.kind == "recheck") == 3)
        logs = []
        for running in both:
            running.terminate()
            logs.append(running.communicate(timeout=120)[1].decode())
        assert [running.returncode for running in both] == [0, 0], logs
        assert sum("no health endpoint" in log for log in logs) == 1
        assert set(Counter(look.url_id for look in store.all(Observation)).values()) == {1}


def test_our_own_outage_leases_nothing(tmp_path: Path) -> None:
    """While the canary fails it waits and says so (503), and leases nothing; once it answers, all is checked."""
    pairs = feed(20)
    with lab_study(pairs, tmp_path) as (study, servers):
        good = servers.canary_urls
        set_service(study, canary=_canary(study, ("http://nobody.lab-example.com/",)))
        study.import_reports(reports_csv(pairs, tmp_path))
        store = study.folder.store

        async def outage(service: Service, endpoint: Endpoint) -> None:
            await until(lambda: (service.state.phase, service.state.why) == ("waiting", "canary"))
            status, body = await asked(endpoint, "/health")
            assert (status, json.loads(body)["why"]) == (503, "canary")
            await until(lambda: b"waterbed_canary_healthy 0.0" in service.gauges.text())
            assert (held(study), store.count(Observation)) == ([], 0)
            study.folder.config = msgspec.structs.replace(study.folder.config, canary=_canary(study, good))
            await until(lambda: store.count(Observation) == 20)

        assert served(study, outage).waited_for is None
        assert study.schedule_lag().due == 0


def _canary(study: Study, targets: tuple[str, ...]):
    return msgspec.structs.replace(study.folder.config.canary, targets=targets)


@contextmanager
def silent_resolver() -> Iterator[str]:
    """The address of a resolver that takes questions and connections, and says nothing."""
    for _ in range(20):
        with socket.create_server(("127.0.0.1", 0)) as accepting, socket.socket(type=socket.SOCK_DGRAM) as silent:
            try:
                silent.bind(accepting.getsockname())
            except OSError:  # another process has this port
                continue
            yield f"127.0.0.1:{silent.getsockname()[1]}"
            return
    raise AssertionError("no port was free")


def test_a_silent_resolver_leases_nothing(tmp_path: Path) -> None:
    """Without an answer of our own resolver nothing is looked at, whether there is a canary or not."""
    pairs = feed(5)
    with lab_study(pairs, tmp_path) as (study, _), silent_resolver() as address:
        good = study.folder.lab
        set_service(study, canary=_canary(study, ()), names=Names(timeout_s=0.3, tries=1))
        study.import_reports(reports_csv(pairs, tmp_path))
        study.folder.lab = msgspec.structs.replace(good, resolver=address)
        alone = run_recheck(study.folder)
        assert (alone.stopped, alone.looks, alone.due, study.folder.store.count(Observation)) == ("resolver", 0, 5, 0)

        async def outage(service: Service, _: Endpoint) -> None:
            await until(lambda: (service.state.phase, service.state.why) == ("waiting", "resolver"))
            await until(lambda: b"waterbed_resolver_answers 0.0" in service.gauges.text())
            assert study.folder.store.count(Observation) == 0
            study.folder.lab = good
            await until(lambda: b"waterbed_resolver_answers 1.0" in service.gauges.text())
            await until(lambda: study.folder.store.count(Observation) == 5)

        assert served(study, outage).waited_for is None


@pytest.mark.long
def test_a_study_without_a_resolver_is_told_what_to_do(run: Command, tmp_path: Path) -> None:
    """`run` says once at its start and once at its end what `recheck` says, and that a canary is missing."""
    folder = tmp_path / "s"
    run("init", folder, "--resolver", "127.0.0.1:1")
    (tmp_path / "r.csv").write_text("url\nhttp://shop.example.com/\n")
    run("-C", folder, "import", tmp_path / "r.csv")
    before = run("-C", folder, "recheck")[1]
    said = STOPPED["resolver"]
    assert said in " ".join(before.split())
    log = tmp_path / "log"
    with log.open("wb") as to:
        running = started(folder, log=to)
    awaited(lambda: said in log.read_text() or running.poll() is not None)
    time.sleep(5)  # the resolver is asked some times more
    running.terminate()
    out, err = running.communicate(timeout=120)[0].decode(), log.read_text()
    assert (err.count(f'meaning="{said}"'), " ".join(out.split()).count(said)) == (1, 1)
    assert err.startswith("waterbed: No canary is configured")


def test_a_database_that_is_gone_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store cannot be reached it waits with growing pauses and says so; then it goes on by itself."""
    from waterbed.store.store import Store

    pairs = feed(20)
    with lab_study(pairs, tmp_path) as (study, _):
        set_service(study)
        study.import_reports(reports_csv(pairs, tmp_path))
        gone = [True]
        writing = Store.writing

        def unless_gone(self: Store, **how: object):
            if gone[0]:
                raise StoreGone("the study's store cannot be reached")
            return writing(self, **how)

        monkeypatch.setattr(Store, "writing", unless_gone)

        async def outage(service: Service, endpoint: Endpoint) -> None:
            await until(lambda: service.state.passes >= 2)
            assert json.loads((await asked(endpoint, "/health"))[1])["why"] == "store"
            gone[0] = False
            await until(lambda: study.folder.store.count(Observation) == 20)
            assert b'waterbed_waits_total{why="store"}' in (await asked(endpoint, "/metrics"))[1]

        served(study, outage)
        assert held(study) == []


@pytest.mark.parametrize("seconds", [86_400.0, -86_400.0])
def test_a_clock_that_is_set_costs_no_look(seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the clock jumps by a day, what is in flight is given back unrecorded, and looked at when it is steady."""
    from waterbed.crawler.probe.prober import Prober

    pairs = feed(10)
    monkeypatch.setattr(keeping, "_STEADY_S", 0.2)
    with lab_study(pairs, tmp_path) as (study, _):
        set_service(study)
        study.import_reports(reports_csv(pairs, tmp_path))
        look, slow = Prober.check, [True]

        async def sometimes(self: Prober, task):
            if slow[0]:
                await asyncio.sleep(600)
            return await look(self, task)

        monkeypatch.setattr(Prober, "check", sometimes)
        real = time.time

        async def set_clock(service: Service, _: Endpoint) -> None:
            await until(lambda: service.state.in_flight == 10)
            slow[0] = False
            monkeypatch.setattr(keeping.time, "time", lambda: real() + seconds)
            await until(lambda: study.folder.store.count(Observation) == 10)
            assert service.state.passes == 1

        served(study, set_clock)
        assert set(Counter(one.url_id for one in study.folder.store.all(Observation)).values()) == {1}


def test_an_hourly_bound_holds_for_all_workers_together(tmp_path: Path) -> None:
    """With `schedule.looks_an_hour` two services at once take so many looks in an hour, and the rest later."""
    pairs = feed(60)
    with lab_study(pairs, tmp_path, batch=10) as (study, _):
        set_service(study, schedule=Schedule(looks_an_hour=25))
        study.import_reports(reports_csv(pairs, tmp_path))
        store = study.folder.store
        both = [started(study.folder.path) for _ in range(2)]
        awaited(lambda: store.count(Observation) == 25)
        time.sleep(3)  # both go on looking for what they may take
        for running in both:
            running.terminate()
        for running in both:
            running.communicate(timeout=120)
        assert [running.returncode for running in both] == [0, 0]
        assert store.count(Observation) == 25
        with open_study(study.folder.path, lambda: NOON + timedelta(hours=2)) as later:
            assert run_recheck(later.folder, limit=20).looks == 20


def test_the_log_is_one_line_of_json_each(tmp_path: Path) -> None:
    """With `[log] format = "json"` each line of the log is JSON; a line of health has the lag and the status."""
    pairs = feed(10)
    with lab_study(pairs, tmp_path) as (study, _):
        set_service(study, log=Log(format="json"))
        study.import_reports(reports_csv(pairs, tmp_path))
        log = tmp_path / "log"
        with log.open("wb") as to:
            running = started(study.folder.path, log=to)
        awaited(
            lambda: (
                any(b'"health"' in line and b'"looks": 10' in line for line in log.read_bytes().splitlines())
                or running.poll() is not None
            )
        )
        running.terminate()
        running.communicate(timeout=120)
        assert running.returncode == 0
        told = lines(log.read_bytes())
        assert {"begun", "health", "stopping", "ended"} <= {line["event"] for line in told}
        health = [line for line in told if line["event"] == "health"][-1]
        assert (health["due"], health["looks"], health["logger"]) == (0, 10, "waterbed.service")
        assert health["status"] in ("ok", "stopping"), "the last line comes when the time is up, or just before"
