"""One pass in several processes: each look once, whichever of them ends, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.study.rig import feed, lab_study, reports_csv
from waterbed.model.bookkeeping import Due, Run, RunEnd
from waterbed.model.facts import Observation
from waterbed.store.config import read_config, write_toml
from waterbed.store.own_files import SETTINGS
from waterbed.study.study import Study

HOSTS, EACH = 150, 2
LOOKS = HOSTS * EACH


def started(study: Path, *words: str) -> subprocess.Popen[str]:
    """A pass of two processes, in a group of its own, as a terminal starts it."""
    command = [sys.executable, "-m", "waterbed.cli", "-C", str(study), "recheck", "--processes", "2", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def workers(pid: int) -> list[int]:
    """The processes that a process has forked."""
    return [int(pid) for pid in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def awaited(true: Callable[[], object]) -> None:
    """Wait until something is true, and fail if it never is."""
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def at_work(study: Study, process: subprocess.Popen[str]) -> list[int]:
    """The two workers of a pass that has recorded looks, each of which has held leases."""
    begun: set[str | None] = set()

    def both() -> bool:
        begun.update(holders(study))
        return len(begun) == 2 and study.folder.store.count(Observation) > 0

    awaited(lambda: process.poll() is not None or both())
    assert process.poll() is None, process.communicate()[0]
    return workers(process.pid)


def holders(study: Study) -> set[str | None]:
    """The runs that hold leases."""
    return {due.lease_run_id for due in study.folder.store.all(Due)} - {None}


def once(study: Study, looks: int = LOOKS) -> None:
    """Each look is on record once, and nothing is held."""
    seen = Counter(look.url_id for look in study.folder.store.all(Observation))
    assert (len(seen), set(seen.values())) == (looks, {1})
    assert holders(study) == set()


def finish(study: Study) -> None:
    """The next pass does what was left, and no look comes twice."""
    paced(study, 0.0, 128)
    last = started(study.folder.path)
    said, _ = last.communicate(timeout=120)
    assert last.returncode == 0, said
    once(study)


def paced(study: Study, delay_s: float = 0.1, hosts_at_once: int = 2) -> None:
    """Make looks wait, so that a pass lasts until it is struck."""
    path = study.folder.path / SETTINGS
    config = read_config(path)[0]
    probe = msgspec.structs.replace(config.probe, delay_s=delay_s, hosts_at_once=hosts_at_once, batch=20)
    write_toml(path, msgspec.structs.replace(config, probe=probe))


@pytest.mark.long
def test_two_workers_record_each_due_look_once(store_url: str, tmp_path: Path) -> None:
    """Both take part, the summary adds up over them, and says how long they waited for each other's transactions."""
    pairs = feed(HOSTS, EACH)
    with lab_study(pairs, tmp_path, store=store_url) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        paced(study, 0.05, 4)
        for words in ((), ("--all",)):
            process = started(study.folder.path, *words)
            said, _ = process.communicate(timeout=120)
            assert process.returncode == 0, said
            assert f"{LOOKS} of {LOOKS} due checks recorded" in said
            assert ("2 workers waited " in said) == study.folder.store.sqlite
        passes = {run.run_id for run in study.folder.store.all(Run) if run.kind == "recheck"}
        done = [end.done for end in study.folder.store.all(RunEnd) if end.run_id in passes]
        assert (len(done), sum(done), min(done) > LOOKS // 5) == (4, 2 * LOOKS, True)
        once(study)  # the clock of a lab stands still: the second pass sees the same looks


def test_workers_lease_little_ahead_of_their_checks(tmp_path: Path) -> None:
    """What one cannot check soon is left to the other, however much is due."""
    pairs = feed(HOSTS, EACH)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        paced(study)
        process = started(study.folder.path)
        at_work(study, process)
        held = sum(due.lease_run_id is not None for due in study.folder.store.all(Due))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=120)
        assert 0 < held < LOOKS // 2


def test_a_limit_holds_over_all_workers(tmp_path: Path) -> None:
    """Together they take as many looks as one would; more workers than looks are not begun."""
    pairs = feed(9)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        for limit, looks in (("5", 5), ("1", 6), ("9", 9)):
            said, _ = started(study.folder.path, "--limit", limit).communicate(timeout=120)
            assert "due checks recorded" in said
            once(study, looks)
        runs = len([run for run in study.folder.store.all(Run) if run.kind == "recheck"])
        assert runs == 5
        assert "0 of 0 due checks recorded" in started(study.folder.path).communicate(timeout=120)[0]


@pytest.mark.long
def test_a_worker_that_dies_is_told(store_url: str, tmp_path: Path) -> None:
    """The other one goes on, the exit code is 3, and what the dead one held is due and nobody's."""
    pairs = feed(HOSTS, EACH)
    with lab_study(pairs, tmp_path, store=store_url) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        paced(study)
        process = started(study.folder.path)
        os.kill(at_work(study, process)[1], signal.SIGKILL)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 3, said
        assert "worker 2 of 2 ended before its time (SIGKILL)" in said
        assert "Traceback" not in said
        assert holders(study) == set()
        assert Counter(end.outcome for end in study.folder.store.all(RunEnd))["killed"] == 1
        finish(study)


@pytest.mark.long
@pytest.mark.parametrize(("number", "everybody"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_signal_ends_all_workers_in_order(number: signal.Signals, everybody: bool, tmp_path: Path) -> None:
    """Whether it reaches all processes, as Ctrl-C does, or one: looks in flight are recorded, no lease is left."""
    pairs = feed(HOSTS, EACH)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        paced(study)
        process = started(study.folder.path)
        known = [*at_work(study, process), process.pid]
        lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in known]
        if everybody:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 1, said
        assert "Stopped by a signal" in said
        assert "Traceback" not in said
        assert 0 < study.folder.store.count(Observation) < LOOKS
        assert holders(study) == set()
        assert len(set(lines)) == 1  # no process names anything but the command
        assert not [pid for pid in known if Path(f"/proc/{pid}").exists()]
        finish(study)


def test_a_second_signal_ends_all_at_once(tmp_path: Path) -> None:
    """Ctrl-C twice: program and workers are gone, nothing that was recorded is lost, and the next pass goes on."""
    pairs = feed(HOSTS, EACH)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        paced(study)
        process = started(study.folder.path)
        known = at_work(study, process)
        for _ in range(2):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.1)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == -signal.SIGINT, said  # 130 to a shell
        assert "Traceback" not in said
        awaited(lambda: not [pid for pid in known if Path(f"/proc/{pid}").exists()])
        finish(study)


def test_workers_whose_program_is_killed_end_in_order(tmp_path: Path) -> None:
    """Nobody is left to hear of them: they record what is in flight, give back the rest, and are gone."""
    pairs = feed(HOSTS, EACH)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        paced(study)
        process = started(study.folder.path)
        known = at_work(study, process)
        process.kill()
        awaited(lambda: not [pid for pid in known if Path(f"/proc/{pid}").exists()])
        process.communicate(timeout=120)
        assert holders(study) == set()
        assert Counter(end.outcome for end in study.folder.store.all(RunEnd))["stopped"] == 2
        finish(study)


@pytest.mark.long
def test_a_pause_holds_over_all_workers(store_url: str, tmp_path: Path) -> None:
    """Two workers on one network ask it no more often than one would."""
    pairs = [(f"http://shop{n}.lab-example.com/p{k}", f"28.10.7.{n + 1}") for n in range(20) for k in range(2)]
    with lab_study(pairs, tmp_path, store=store_url, network_delay_s=0.1, batch=5, controls=False) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        process = started(study.folder.path)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        once(study, 40)
        seconds = float(said.partition(" recorded in ")[2].partition(" s ")[0])
        assert seconds >= 39 * 0.1 * 0.8 - 0.1  # the least that the pauses take, drawn a fifth shorter
        ends = [end.done for end in study.folder.store.all(RunEnd)]
        assert sorted(ends)[-2] > 0


def test_a_study_that_cannot_be_opened_is_told_once(tmp_path: Path) -> None:
    """One sentence, exit code 2, and no worker."""
    process = started(tmp_path / "none")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 2, said
    assert said.count("waterbed: ") == 1
    assert said.count("no study in") == 1
