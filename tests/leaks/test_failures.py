"""Passes that fail in every way there is, at DEBUG: files, logs, output and process list hold no host."""

import logging
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import waterbed.crawler.addon
from tests.leaks.names import names_of
from tests.leaks.running import clean, config_home, everything_logged, processes_watched, started
from tests.leaks.search import Search
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.crawler.recheck.run import run_recheck
from waterbed.lab.servers.process import LabServers
from waterbed.model.facts import Observation
from waterbed.model.urls import canonicalize
from waterbed.study.study import Study

HOSTS = 150


def searched(pairs: list[tuple[str, str]]) -> Search:
    """A search for all hosts of a feed."""
    return Search(names_of(canonicalize(url).host for url, _ in pairs))


def first_looks(study: Study, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a pass in another process has recorded looks."""
    until = time.monotonic() + 60
    while not study.folder.store.count(Observation):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)


def servers_die(process: "subprocess.Popen[bytes]", servers: LabServers) -> None:
    """Resolver, web servers and canaries end in mid-pass; who waits for a pass that hangs on them interrupts it."""
    servers.stop()
    time.sleep(4)
    interrupted(process, servers)


def interrupted(process: "subprocess.Popen[bytes]", _: LabServers) -> None:
    """Ctrl-C, twice: the second one cuts the pass off."""
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)


def terminated(process: "subprocess.Popen[bytes]", _: LabServers) -> None:
    """An orderly end."""
    process.send_signal(signal.SIGTERM)


def killed(process: "subprocess.Popen[bytes]", _: LabServers) -> None:
    """What a killed process leaves: the write-ahead log as it was."""
    process.kill()


def crashed(process: "subprocess.Popen[bytes]", _: LabServers) -> None:
    """A crash that would leave an image of the memory."""
    process.send_signal(signal.SIGABRT)


ENDS = {
    servers_die: {1, -signal.SIGINT},
    interrupted: {1, -signal.SIGINT},
    terminated: {1},
    killed: {-signal.SIGKILL},
    crashed: {-signal.SIGABRT},
}
"""How a pass may end that was struck so: in order, or at once by the kernel."""


@pytest.mark.long
@pytest.mark.parametrize("blow", ENDS)
def test_a_pass_struck_in_the_middle_leaves_no_host(
    blow: Callable[["subprocess.Popen[bytes]", LabServers], None], tmp_path: Path, out: Path
) -> None:
    """Whatever ends it, study, log, temporary files, output and process list hold no host."""
    pairs = feed(HOSTS)
    with lab_study(pairs, tmp_path, hosts_at_once=4, batch=20) as (study, servers), processes_watched(out) as seen:
        study.import_reports(reports_csv(pairs, tmp_path))
        process = started(out, study.folder.path, "recheck")
        first_looks(study, process)
        blow(process, servers)
        process.wait(60)
        clean(searched(pairs), study.folder.path, out, config_home())
        assert process.pid in seen
        assert process.returncode in ENDS[blow]


def test_a_full_disk_tells_no_host(tmp_path: Path, out: Path) -> None:
    """The store can write no more in mid-pass: exit code 3, one line, no host anywhere."""
    pairs = feed(HOSTS)

    with lab_study(pairs, tmp_path, batch=20) as (study, _), processes_watched(out):
        study.import_reports(reports_csv(pairs, tmp_path))
        most = max(path.stat().st_size for path in study.folder.path.iterdir()) + 60_000
        process = started(out, study.folder.path, "recheck")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
        assert process.wait(60) == 3
        clean(searched(pairs), study.folder.path, out, config_home())


def test_a_database_error_that_quotes_a_row_tells_no_host(tmp_path: Path, out: Path, store_url: str) -> None:
    """A trigger that refuses looks and quotes all of a row, as a constraint does: ids and numbers are no names."""
    pairs = feed(20)
    refuse = (
        "CREATE TRIGGER refuse BEFORE INSERT ON observation BEGIN SELECT RAISE(ABORT, 'row refused'); END",
        "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'row %%', NEW; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER refuse BEFORE INSERT ON observation FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    with lab_study(pairs, tmp_path, store=store_url) as (study, _), processes_watched(out):
        study.import_reports(reports_csv(pairs, tmp_path))
        for statement in refuse[:1] if study.folder.store.sqlite else refuse[1:]:
            with study.folder.store.writing() as connection:
                connection.exec_driver_sql(statement)
        assert started(out, study.folder.path, "recheck").wait(60) == 3
        clean(searched(pairs), study.folder.path, out, config_home())
        assert study.folder.store.count(Observation) == 0


def test_keys_in_peoples_hands_tell_hosts_on_stdout_alone(tmp_path: Path, out: Path) -> None:
    """Rotation, escrow, forgetting and the audit table leave no host in files, output, arguments or environments."""
    from waterbed.governance.keys import escrow, forget, reveal, rotate
    from waterbed.store.audit import audits

    pairs = feed(30)
    with lab_study(pairs, tmp_path) as (study, _), processes_watched(out):
        folder = study.folder
        study.import_reports(reports_csv(pairs, tmp_path))
        rotate(folder)
        escrow(folder, out / "escrow")
        url_id = folder.vault.keyed_id("url", canonicalize(pairs[3][0]).url)
        assert reveal(folder, url_id, "case 1") == pairs[3][0]
        forget(folder, url_id, "case 2")
        (out / "audit").write_text(repr(audits(folder)))
        assert study.import_reports(reports_csv(pairs, tmp_path)).forgotten == 1
        assert started(out, folder.path, "verdicts").wait(60) == 0
        clean(searched(pairs), folder.path, out, config_home())


def test_with_redaction_off_the_search_finds_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same failing pass, logged as Python and Scrapy do by themselves, holds hosts: the search sees them."""
    pairs = feed(12)
    said = " ".join(url for url, _ in pairs)

    def bug(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"bug near {said}")

    search, found = searched(pairs), []
    monkeypatch.setattr("waterbed.crawler.recheck.session.Session.check_hosts", bug)
    monkeypatch.setattr("waterbed.crawler.recheck.session.Session.fail", bug)
    for redacted in (True, False):
        made = tmp_path / str(redacted)
        made.mkdir()
        if not redacted:
            monkeypatch.setattr(waterbed.crawler.addon, "redact_failures", lambda: None)
            monkeypatch.setattr(logging, "_logRecordFactory", logging.LogRecord)
        with everything_logged(made / "debug.log"), lab_study(pairs, made) as (study, _):
            study.import_reports(reports_csv(pairs, made))
            try:
                run_recheck(study.folder)
            except Exception as problem:
                logging.getLogger("waterbed.test").error("a pass failed", exc_info=problem)
        found.append(len(search.over([made / "debug.log"]).hits))
        assert (made / "debug.log").stat().st_size > 1_000
    assert found[0] == 0
    assert found[1] > 0
    capfd.readouterr()
