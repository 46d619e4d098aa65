"""What the doctor says of store, backups, disk, and rows that hang on nothing."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.store.study_folder import made, report, url
from tests.study.facts import hour, written
from tests.study.rig import Run
from waterbed.model.bookkeeping import Due, Sealed
from waterbed.model.facts import Report, Resolution
from waterbed.service.doctor import examine
from waterbed.service.doctor_storage import Finding
from waterbed.store.backup.make import make_backup
from waterbed.store.integrity import integrity, orphans, unscheduled
from waterbed.store.tables import TABLES
from waterbed.study.study import Study


@pytest.fixture
def study(store_url: str, tmp_path: Path) -> Iterator[Study]:
    """A study with a few reports, in either database."""
    folder = made(tmp_path / "s", store=store_url if store_url.startswith("postgresql") else "sqlite")
    report(folder, [url(n) for n in range(8)])
    with Study(folder) as study:
        yield study


def said(study: Study) -> dict[str, Finding]:
    """The doctor's findings by what they are."""
    return {one.what: one for one in examine(study)}


def test_a_store_that_fits_together_has_no_orphans(study: Study) -> None:
    """Reports, targets, sealed URLs and the schedule of an import belong together."""
    assert orphans(study.folder.store) == {}
    assert unscheduled(study.folder.store) == 0
    found = said(study)
    assert not {"facts hang in the air", "reported URLs are never due again"} & set(found)
    whole = "store is whole" if study.folder.store.sqlite else "store was not checked"
    assert found[whole].severity == "note"


def test_rows_that_something_removed_are_found(study: Study) -> None:
    """A sealed URL, a schedule and a target that are gone are counted by what misses them."""
    store = study.folder.store
    first = store.all(Report)[0]
    with store.writing() as connection:
        sealed, due = TABLES[Sealed], TABLES[Due]
        connection.execute(sealed.delete().where(sealed.c.entry_id == first.url_id))
        connection.execute(due.delete().where(due.c.url_id != first.url_id))
        store.add([replace(first, report_id="x", url_id="y")], connection)
    assert orphans(store) == {"reports of unknown URLs": 1, "due checks of URLs that cannot be opened": 1}
    found = said(study)
    assert found["facts hang in the air"].severity == "warning"
    assert found["reported URLs are never due again"].figures == "7"


def test_the_age_of_the_last_backup_is_told(study: Study, tmp_path: Path) -> None:
    """None is a note in the first week and a warning after it; an old one is a warning."""
    now = study.folder.clock()
    assert said(study)["no backup was made yet"].severity == "note"
    study.folder.clock = lambda: now + timedelta(days=8)
    assert said(study)["there is no backup"].severity == "warning"
    study.folder.clock = lambda: now
    make_backup(study.folder.path, tmp_path / "b")
    assert said(study)["last backup"].severity == "note"
    study.folder.clock = lambda: now + timedelta(days=8)
    assert said(study)["the last backup is old"].severity == "warning"


def test_looks_of_before_a_pruned_day_are_not_asked_for_what_left_with_it(tmp_path: Path) -> None:
    """A look whose answer of its name is gone is counted, unless it is of days that were pruned."""
    with written(tmp_path, {"a00": "uuuu"}) as study:
        store, table = study.folder.store, TABLES[Resolution]
        with store.writing() as connection:
            connection.execute(table.delete())
        assert orphans(store) == {"checks without their name's answer": 4}
        assert orphans(store, since=hour(2)) == {"checks without their name's answer": 2}
        assert "4 checks without their name's answer" in said(study)["facts hang in the air"].figures


class Usage(NamedTuple):
    """What a disk says of itself."""

    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("free", "days", "warned"), [(10**12, 100, False), (10**8, 0, True), (2 * 10**9, 1_000, False)]
)
def test_a_disk_that_is_nearly_full_is_told(
    free: int, days: int, warned: bool, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less than a gigabyte, or room for less than a month at the present growth, is a warning."""
    now = study.folder.clock()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**13, 0, free))
    study.folder.clock = lambda: now + timedelta(days=days)
    assert ("the disk is nearly full" in said(study)) is warned


def test_growth_says_for_how_long_there_is_room(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study that grows by half of what is free each day has room for two days."""
    now = study.folder.clock()
    (study.folder.path / "tables" / "big").write_bytes(bytes(10**6))
    used = sum(path.stat().st_size for path in study.folder.path.rglob("*") if path.is_file())
    study.folder.clock = lambda: now + timedelta(days=10, minutes=1)
    monkeypatch.setattr("waterbed.service.doctor_storage._LEAST_FREE", 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**13, 0, used // 5))
    assert "room for 2 days" in said(study)["the disk is nearly full"].figures


def test_a_damaged_store_is_the_only_finding(tmp_path: Path, run: Run) -> None:
    """The integrity check finds a page that was overwritten, and the advice is to restore."""
    folder = made(tmp_path / "s")
    report(folder, [url(n, host=n) for n in range(400)])
    folder.close()
    data = bytearray((tmp_path / "s" / "waterbed.db").read_bytes())
    for page in range(len(data) // 8192 * 4096, len(data) - 4096, 4096):
        data[page : page + 64] = bytes(range(64))
    (tmp_path / "s" / "waterbed.db").write_bytes(data)
    code, out, _ = run("-C", tmp_path / "s", "doctor", "--format", "csv")
    assert (code, "store is damaged" in out, "waterbed restore" in out) == (1, True, True)
    folder = made(tmp_path / "other")
    assert integrity(folder.store) == ([], "integrity check")
    folder.close()
