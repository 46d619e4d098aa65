"""Disks that are full or read-only: one sentence, nothing half-written, and the next run goes on."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.store.closed import apart, command, read_only
from tests.store.study_folder import made, report, url
from tests.store.whole_study import contents, fill, tree
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.crawler.recheck.run import run_recheck
from waterbed.model.bookkeeping import Due, RunEnd, Sealed
from waterbed.model.errors import InputError, StoreFailure
from waterbed.model.facts import Observation, Report, Target
from waterbed.store.backup.make import make_backup
from waterbed.store.backup.manifest import backups_in
from waterbed.store.folder import open_folder
from waterbed.store.store import Store

PAIRS = feed(12)


@pytest.fixture
def looked(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The folder of a study that was looked at once, and the id of a URL in it."""
    with lab_study(PAIRS, tmp_path) as (study, _):
        study.import_reports(reports_csv(PAIRS, tmp_path))
        run_recheck(study.folder)
        path, url_id = study.folder.path, study.folder.store.all(Due)[0].url_id
        study.close()
        yield path, url_id


def one_sentence(said: subprocess.CompletedProcess[str], code: int) -> str:
    """What a command that failed says: a line on standard error, and no address."""
    assert (said.returncode, said.stdout) == (code, ""), said
    line = said.stderr.strip()
    assert line.count("\n") == 0, line
    assert "example" not in line
    assert "please report" not in line
    return line


def test_a_read_only_study_can_be_read(looked: tuple[Path, str], tmp_path: Path) -> None:
    """Rankings, episodes, explanations and publications elsewhere are as ever; nothing in the folder changes."""
    path, url_id = looked
    usual = command("-C", path, "episodes", "--format", "csv").stdout
    assert usual.count("\n") > 1
    before = tree(path) | {"db": (path / "waterbed.db").read_bytes()}
    with read_only(path):
        assert command("-C", path, "episodes", "--format", "csv").stdout == usual
        for words in (("rank",), ("explain", url_id), ("publish", tmp_path / "out")):
            done = command("-C", path, *words)
            assert (done.returncode, done.stderr) == (0, ""), words
        assert command("-C", path, "doctor").returncode in (0, 1)
        backed_up = command("-C", path, "backup", tmp_path / "b")
        assert (backed_up.returncode, "was made but not recorded" in backed_up.stdout) == (1, True)
    assert (tmp_path / "out" / "index.html").is_file()
    assert len(backups_in(tmp_path / "b")) == 1
    assert tree(path) | {"db": (path / "waterbed.db").read_bytes()} == before


def test_a_read_only_study_says_that_it_is_and_nothing_changes(looked: tuple[Path, str], tmp_path: Path) -> None:
    """Whatever would write ends with exit code 2 and one sentence."""
    path, url_id = looked
    (tmp_path / "hosters.toml").write_text('[[hoster]]\nkey = "one"\nname = "One"\nasns = [64500]\n')
    database = (path / "waterbed.db").read_bytes()
    with read_only(path):
        for words in (
            ("import", tmp_path / "reports.csv"),
            ("recheck",),
            ("key", "rotate"),
            ("reveal", url_id, "--reason", "case 1"),
            ("hosters", "add", tmp_path / "hosters.toml"),
            ("cache", "refresh"),
        ):
            assert (
                "cannot be written" in (line := one_sentence(command("-C", path, *words), 2)) or "not written" in line
            )
    assert (path / "waterbed.db").read_bytes() == database


def test_facts_in_the_log_of_a_read_only_study_are_read(tmp_path: Path) -> None:
    """What a killed process left in the write-ahead log counts; where it cannot be read, that is said."""
    folder = made(tmp_path / "s")
    report(folder, [url(n) for n in range(5)])
    shutil.copytree(tmp_path / "s", tmp_path / "left")  # while it is open: the log holds everything
    folder.close()
    assert (tmp_path / "left" / "waterbed.db-wal").stat().st_size > 0
    with read_only(tmp_path / "left"):
        done = apart(lambda: print(open_folder(tmp_path / "left").store.count(Report)))  # noqa: T201 (to this test)
        assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr
    (tmp_path / "left" / "waterbed.db-shm").unlink()
    with read_only(tmp_path / "left"):
        assert "copy the study folder" in one_sentence(command("-C", tmp_path / "left", "rank"), 2)


def test_an_older_store_that_is_read_only_asks_to_be_written_once(tmp_path: Path) -> None:
    """It cannot be brought forward where it is, and the sentence says so."""
    made(tmp_path / "s").close()
    with closing(sqlite3.connect(tmp_path / "s" / "waterbed.db")) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '0001'")
    with read_only(tmp_path / "s"):
        assert "cannot be written" in one_sentence(command("-C", tmp_path / "s", "rank"), 2)


@contextmanager
def full(store: Store, *, pages_left: int = 6) -> Iterator[None]:
    """The database has room for a few pages more and then none, as on a full disk."""
    with store.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0

    def bound(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + pages_left}")

    store.engine.dispose()
    event.listen(store.engine, "connect", bound)
    try:
        yield
    finally:
        event.remove(store.engine, "connect", bound)
        store.engine.dispose()


def test_a_pass_on_a_full_disk_stops_and_the_next_goes_on(tmp_path: Path) -> None:
    """It says that there is no room, takes no more looks, and afterwards every look is there exactly once."""
    pairs = feed(60, urls_each=3)
    with lab_study(pairs, tmp_path, batch=20) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        store = study.folder.store
        with full(store, pages_left=20), pytest.raises(StoreFailure, match="no room left"):
            run_recheck(study.folder)
        seen = store.count(Observation)
        assert seen < len(pairs)
        assert not [1 for look in store.all(Observation) if not look.run_id]
        report_ = run_recheck(study.folder)
        assert report_.looks == len(pairs) - seen
        looks = store.all(Observation)
        assert len(looks) == len({look.url_id for look in looks}) == len(pairs)
        assert {due.lease_run_id for due in store.all(Due)} == {None}
        assert {end.outcome for end in store.all(RunEnd)} <= {"finished", "failed", "killed"}
        assert said_whole(store)


def said_whole(store: Store) -> bool:
    """Whether the integrity check finds nothing."""
    with store.reading() as connection:
        return connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_an_import_on_a_full_disk_is_finished_by_importing_again(tmp_path: Path) -> None:
    """No report is without its URL, and the same file brings the rest."""
    folder = made(tmp_path / "s")
    report(folder, [url(0)])
    urls = [url(n, host=n) for n in range(3_000)]
    with full(folder.store, pages_left=60), pytest.raises(StoreFailure, match="no room left"):
        report(folder, urls)
    folder = open_folder(tmp_path / "s")
    assert folder.store.count(Report) == folder.store.count(Target) == folder.store.count(Due)
    report(folder, urls)
    assert folder.store.count(Report) == folder.store.count(Target) == 3_000
    assert folder.store.count(Sealed) == 6_000
    assert said_whole(folder.store)
    folder.close()


@pytest.mark.parametrize("limit", [1_000, 100_000])
def test_a_backup_for_which_there_is_no_room_leaves_the_others(limit: int, tmp_path: Path) -> None:
    """One sentence, exit code 3, no trace of it, and the one before it is whole though only one was to be kept."""
    folder = made(tmp_path / "s")
    fill(folder, each=40)
    before = make_backup(folder.path, tmp_path / "b").backup
    held = {path: path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file()}
    (folder.path / "tables" / "big").write_bytes(bytes(200_000))
    done = command("-C", folder.path, "backup", tmp_path / "b", "--keep", 1, largest=limit)
    assert "older backups are as they were" in one_sentence(done, 3)
    assert {path: path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file()} == held
    assert backups_in(tmp_path / "b") == [before]
    folder.close()


def test_a_restore_for_which_there_is_no_room_leaves_nothing(tmp_path: Path) -> None:
    """One sentence, exit code 3, and no folder that looks like a study."""
    folder = made(tmp_path / "s")
    fill(folder, each=40)
    rows = contents(folder.store)
    make_backup(folder.path, tmp_path / "b")
    folder.close()
    done = command("restore", tmp_path / "b", tmp_path / "again", largest=50_000)
    assert "nothing of it is left" in one_sentence(done, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "s"]
    assert command("restore", tmp_path / "b", tmp_path / "again").returncode == 0
    again = open_folder(tmp_path / "again")
    assert contents(again.store)["Report"] == rows["Report"]
    again.close()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    """Backups and restores into a read-only folder end with exit code 2 or 3 and one sentence."""
    folder = made(tmp_path / "s")
    (tmp_path / "shut").mkdir()
    make_backup(folder.path, tmp_path / "b")
    folder.close()
    with read_only(tmp_path / "shut"):
        one_sentence(command("-C", tmp_path / "s", "backup", tmp_path / "shut"), 2)
        one_sentence(command("restore", tmp_path / "b", tmp_path / "shut" / "new"), 3)
    assert list((tmp_path / "shut").iterdir()) == []
    with read_only(tmp_path / "b"):  # a backup on a medium that cannot be written to can be restored
        assert command("restore", tmp_path / "b", tmp_path / "again").returncode == 0


def test_what_is_asked_of_a_study_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """No study, no backup."""
    with pytest.raises(InputError):
        make_backup(tmp_path, tmp_path / "b")
    assert not (tmp_path / "b").exists()


@contextmanager
def unreadable(place: Path) -> Iterator[None]:
    """Nobody may read a file or folder meanwhile."""
    mode = place.stat().st_mode
    place.chmod(0)
    try:
        yield
    finally:
        place.chmod(mode)


def test_what_cannot_be_read_is_not_said_to_be_unwritable_or_damaged(tmp_path: Path) -> None:
    """A failed read says so, names what is the study's own, and no part of a study is left out in silence."""
    folder = made(tmp_path / "s")
    report(folder, [url(0)])
    path = folder.path
    folder.close()
    (tmp_path / "hosters.toml").write_text('[[hoster]]\nkey = "one"\nname = "One"\nasns = [64500]\n')
    assert command("-C", path, "hosters", "add", tmp_path / "hosters.toml").returncode == 0
    for name in ("events", "lake"):
        (path / name).mkdir(exist_ok=True)
    (path / "study.toml").write_text("")
    for name in ("hosters", "study.toml"):
        with unreadable(path / name):
            line = one_sentence(command("-C", path, "rank"), 2)
            assert f"{name} in the study's folder cannot be read (Permission denied)" in line, line
    with unreadable(path / "events"):
        assert "events cannot be read" in one_sentence(command("-C", path, "publish", tmp_path / "p"), 2)
        assert "an event file cannot be read" in command("-C", path, "doctor", "--format", "csv").stdout
    (path / "lake" / "manifest.json").write_text("{}")
    with unreadable(path / "lake" / "manifest.json"):
        assert "the lake's place failed" in one_sentence(command("-C", path, "lake", "verify"), 3)
        done = command("-C", path, "doctor", "--format", "csv")
        assert (done.returncode, "the lake cannot be read" in done.stdout) == (1, True), done
    with unreadable(tmp_path):
        assert "a file or folder that is needed cannot be read" in one_sentence(command("-C", path, "rank"), 2)
