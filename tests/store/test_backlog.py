"""How late the schedule is, and how many workers would keep it."""

import random
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from tests.study.rig import NOON, Run, feed, lab_study, reports_csv
from waterbed.crawler.recheck.run import run_recheck
from waterbed.model.bookkeeping import Due, RunEnd
from waterbed.store.backlog import ScheduleLag, begin_ladder, schedule_lag, workers_needed
from waterbed.store.config import Config
from waterbed.store.machine_settings import StoreAt
from waterbed.store.settings import Schedule
from waterbed.store.tables import TABLES
from waterbed.study.study import Study, create_study


@pytest.fixture
def study(store_url: str, tmp_path: Path) -> Iterator[Study]:
    settings = Config(study="5" * 32, store=StoreAt(url=store_url), schedule=Schedule(late_s=600))
    with create_study(tmp_path / "study", settings) as made:
        made.folder.clock = lambda: NOON
        yield made


def due(number: int, seconds: float, run_id: str | None = None) -> Due:
    return Due(
        url_id=f"url{number:05}",
        host_id=f"host{number}",
        due_at=NOON + timedelta(seconds=seconds),
        streak=0,
        first_report_at=NOON,
        category="phishing",
        lease_run_id=run_id,
    )


def ended(number: int, rate: float | None, when: datetime = NOON) -> RunEnd:
    return RunEnd(run_id=f"run{number}", finished_at=when, outcome="finished", done=9, rate=rate)


def test_nothing_due_is_nothing_late(study: Study) -> None:
    """An empty study has no lag, needs nobody, and says that no rate is known."""
    lag = study.schedule_lag()
    assert (lag.due, lag.overdue, lag.late_max_s, lag.workers, lag.oldest_due_at) == (0, 0, None, None, None)
    assert "nobody knows" in lag.sentence


def test_the_lag_is_that_of_the_looks_that_are_due(study: Study) -> None:
    """Oldest, median and 95th percentile are those of sorting all due looks; later ones and leases are counted."""
    chance = random.Random(3)
    late = [chance.uniform(0, 5000) for _ in range(1000)]
    study.folder.store.add(due(n, -seconds, "r" if n < 7 else None) for n, seconds in enumerate(late))
    study.folder.store.add(due(2000 + n, 60.0 * (n + 1)) for n in range(90))
    lag = study.schedule_lag()
    late.sort()
    assert (lag.due, lag.leased, lag.due_an_hour) == (1000, 7, 60)
    assert lag.overdue == sum(seconds > 600 for seconds in late)
    assert lag.late_max_s == pytest.approx(late[-1], abs=0.001)
    assert lag.late_p50_s == pytest.approx(late[499], abs=10)
    assert lag.late_p95_s == pytest.approx(late[949], abs=10)
    assert lag.oldest_due_at == NOON - timedelta(seconds=round(late[-1] * 1e6) / 1e6)


def test_the_forecast_follows_rate_and_demand(study: Study) -> None:
    """Workers for what falls due in an hour at 80% of the median rate of busy runs, and when the backlog is gone."""
    store = study.folder.store
    store.add([ended(1, 0.5), ended(2, None), ended(3, 1.5), ended(4, 1.0)])
    store.add(due(n, 1 + n * 0.4) for n in range(8000))
    store.add(due(9000 + n, -1) for n in range(500))
    lag = study.schedule_lag()
    assert (lag.rate, lag.due_an_hour, lag.workers) == (1.0, 8000, 3)
    assert lag.catch_up_hours == pytest.approx(500 / (3 * 3600 - 8000))
    assert lag.sentence == (
        "With 8,000 checks due an hour and 1 checks a second and worker, 3 workers are needed; 500 that are due now "
        "take them 0.2 h."
    )
    study.folder.config = _with(study, looks_an_hour=7000)
    assert "allows 7,000" in study.schedule_lag().sentence
    assert study.schedule_lag().catch_up_hours is None


def _with(study: Study, **schedule: object) -> Config:
    import msgspec

    config = study.folder.config
    return msgspec.structs.replace(config, schedule=msgspec.structs.replace(config.schedule, **schedule))


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0.01, 10_000))
def test_that_many_workers_keep_up_and_one_less_would_not(an_hour: int, now: int, rate: float) -> None:
    """The number is the least that keeps up at 80% of the rate, and nobody only if nothing is ever due."""
    needed = workers_needed(an_hour, now, rate)
    assert needed is not None
    assert needed * rate * 0.8 * 3600 >= an_hour * (1 - 1e-9)
    assert needed <= 1 or (needed - 1) * rate * 0.8 * 3600 < an_hour
    assert (needed == 0) == (an_hour == now == 0)


def test_no_step_reads_all_urls(study: Study) -> None:
    """Every statement of the lag uses an index, so its cost follows what is due and not what is known."""
    store, asked = study.folder.store, []
    store.add(due(n, 86_400) for n in range(2000))
    store.add(due(5000 + n, -10) for n in range(5))

    def noted(_connection, _cursor, statement, parameters, *_rest) -> None:
        asked.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", noted)
    schedule_lag(study.folder)
    event.remove(store.engine, "before_cursor_execute", noted)
    with store.reading() as connection:
        if not store.sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        about_due = [(text, values) for text, values in asked if "FROM due" in text]
        assert len(about_due) >= 6
        for text, values in about_due:
            explain = "EXPLAIN QUERY PLAN " if store.sqlite else "EXPLAIN "
            plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + text, values))
            assert "USING COVERING INDEX" in plan or "Index" in plan, (text, plan)
            assert "SCAN due" not in plan.replace("Seq ", ""), (text, plan)


def test_looks_that_were_taken_tell_how_late(tmp_path: Path) -> None:
    """After a pass the looks of the last hour are counted, with how long after their due time they were taken."""
    pairs = feed(30)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        study.folder.config = _with(study, jitter=0.0)
        study.folder.clock = lambda: NOON + timedelta(minutes=20)
        assert study.schedule_lag().overdue == 30
        run_recheck(study.folder)
        lag = study.schedule_lag()
        assert (lag.due, lag.overdue, lag.taken) == (0, 0, 30)
        assert lag.taken_p50_s == lag.taken_max_s == 1200
        assert lag.due_an_hour == 30


def test_the_command_prints_the_lag(tmp_path: Path, run: Run) -> None:
    """`waterbed lag` shows every figure and the forecast, exit code 1 if checks are overdue, and JSON for tools."""
    import json

    pairs = feed(5)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        path = study.folder.path
        code, out, _ = run("-C", path, "lag")
        assert code == 0
        assert "due now" in out
        assert "nobody knows" in out
        code, out, _ = run("-C", path, "lag", "--format", "json")
        row = json.loads(out)["rows"][0]
        assert row["due"] == 5
        assert set(row) == {field.name for field in fields(ScheduleLag)}
        with study.folder.store.writing() as connection:
            connection.exec_driver_sql("UPDATE due SET due_at = due_at - 3600000000")
        assert run("-C", path, "lag")[0] == 1
        assert study.schedule_lag().overdue == 5
        from waterbed.service.doctor import examine

        found = [finding for finding in examine(study) if finding.what == "checks are overdue"]
        assert [finding.severity for finding in found] == ["warning"]
        assert "5 of 5 that are due, the oldest for 1.0 h" in found[0].figures


def test_an_import_finds_urls_by_their_ids(study: Study) -> None:
    """What an import and a notice move forward is found by id, not by walking all that nobody holds."""
    store, asked = study.folder.store, []
    store.add(due(n, 86_400) for n in range(2000))

    def noted(_connection, _cursor, statement, parameters, *_rest) -> None:
        asked.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", noted)
    with store.writing() as connection:
        store.make_due(NOON, [f"url{n:05}" for n in range(20)], connection)
        begin_ladder([f"url{n:05}" for n in range(20)], NOON, NOON, connection)
    event.remove(store.engine, "before_cursor_execute", noted)
    with store.reading() as connection:
        if store.sqlite:
            updates = [(text, values) for text, values in asked if text.startswith("UPDATE due")]
            plans = [
                str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()) for text, values in updates
            ]
            assert len(plans) == 2
            assert all("(url_id=?)" in plan for plan in plans), plans
    assert store.count(Due, TABLES[Due].c.due_at == NOON) == 20
