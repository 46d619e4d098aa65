"""Days that leave the store for the lake: only what lies there whole, and no conclusion changes."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.study.facts import START, numbered, written
from tests.study.rig import Run
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.bookkeeping import Audit
from waterbed.model.errors import InputError, StoreFailure
from waterbed.model.facts import CanaryLook, Observation
from waterbed.store import store
from waterbed.store.backup.make import make_backup
from waterbed.store.backup.restore import restore_backup
from waterbed.store.lake.lake import lake_of
from waterbed.store.lake.manifest import Manifest, to_json
from waterbed.store.lake.reading import count_of
from waterbed.store.lake.rebuilding import rebuild
from waterbed.store.lake.sealing import seal
from waterbed.store.lake.verifying import verify
from waterbed.store.machine_settings import LakeAt
from waterbed.store.retention import prune
from waterbed.study.facts import read_facts
from waterbed.study.study import Study, open_study

DAYS = 9
FIRST = START.date()
SEEN = {**numbered("a", 3, "u" * 24 * DAYS), "b00": "u" * 60 + "d" * (24 * DAYS - 60), "c00": "uu??" * 6 * DAYS}


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """Nine days of looks, all closed days sealed."""
    with written(tmp_path, SEEN) as study:
        seal(study.folder)
        yield study


def concluded(study: Study) -> tuple[Any, ...]:
    """All that rankings and episodes rest on."""
    conclusions = study.conclude()
    return (
        conclusions.facts,
        conclusions.verdicts,
        conclusions.episodes,
        conclusions.hops,
        ranking_of(conclusions),
        conclusions.quarantines,
    )


def test_no_conclusion_changes_when_days_are_pruned(study: Study) -> None:
    """Looks of sealed days leave the store; facts, verdicts, episodes and rankings are those of before."""
    before, looks = concluded(study), study.folder.store.count(Observation)
    done = prune(study.folder, FIRST + timedelta(days=4))
    assert (done.days, done.left) == (4, ())
    assert study.folder.store.count(Observation) < looks
    first = study.folder.store.first(Observation, "observed_at")
    assert first is not None
    assert first.date() == FIRST + timedelta(days=4)
    assert concluded(study) == before
    assert {row.subject_id for row in study.folder.store.all(Audit)} == {
        f"{FIRST + timedelta(days=n)}" for n in range(4)
    }
    assert prune(study.folder, FIRST + timedelta(days=4)).facts == 0


def test_a_day_that_is_not_sealed_is_left(tmp_path: Path, run: Run) -> None:
    """Without a lake nothing is removed, each day says why, and the exit code is 1."""
    with written(tmp_path, SEEN) as study:
        looks = study.folder.store.count(Observation)
        done = prune(study.folder, FIRST + timedelta(days=3))
        assert (done.days, done.facts, len(done.left)) == (0, 0, 3)
        assert "waterbed lake seal" in done.left[0]
        assert study.folder.store.count(Observation) == looks
        assert run("-C", study.folder.path, "prune", "--before", "2026-01-01")[0] == 0


def test_a_day_whose_file_is_damaged_is_left(study: Study) -> None:
    """One flipped byte in the lake keeps its day in the store; the others go."""
    before = concluded(study)
    victim = next((study.folder.path / "lake" / "observation").glob(f"day={FIRST + timedelta(days=1)}/*.parquet"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.chmod(0o600)
    victim.write_bytes(data)
    done = prune(study.folder, FIRST + timedelta(days=3))
    assert (done.days, len(done.left)) == (2, 1)
    assert "SHA-256" in done.left[0]
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    assert concluded(study) == before


def test_late_facts_keep_their_day(study: Study) -> None:
    """What came after the sealing is not lost: its day stays until it is sealed too."""
    late = CanaryLook(
        canary_id="late", run_id="r", vantage="here", observed_at=START + timedelta(hours=3), targets=2, reached=2
    )
    study.folder.store.add([late])
    done = prune(study.folder, FIRST + timedelta(days=2))
    assert (done.days, len(done.left)) == (1, 1)
    seal(study.folder)
    assert prune(study.folder, FIRST + timedelta(days=2)).days == 1
    assert late in read_facts(study.folder).canaries
    later = replace(late, canary_id="later")
    for change in (lambda: study.folder.store.add([later]), lambda: seal(study.folder)):
        change()
        assert count_of(study.folder, CanaryLook) == len(read_facts(study.folder).canaries)


def test_days_that_passes_still_read_are_not_pruned(study: Study) -> None:
    """A day that is too near is refused; without a day the settings say how many stay."""
    today = study.folder.clock().date()
    for near in (today, today - timedelta(days=1), date(2100, 1, 1)):
        with pytest.raises(InputError, match="too near"):
            prune(study.folder, near)
    assert prune(study.folder).before == today - timedelta(days=study.folder.config.retention.store_days)
    with study.folder.alone("this test"), pytest.raises(InputError, match="at this moment"):
        prune(study.folder, FIRST + timedelta(days=2))


def test_a_prune_killed_in_the_middle_loses_nothing(study: Study, tmp_path: Path) -> None:
    """Between the mark in the lake and the removal, and within the removal: conclusions are as before."""
    before = concluded(study)
    for where in ("marked", "half removed"):
        child = os.fork()
        if not child:
            with open_study(study.folder.path, study.folder.clock) as mine:
                _die_in(where)
                prune(mine.folder, FIRST + timedelta(days=3))
            os._exit(0)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        assert lake_of(study.folder).manifest().day("observation", FIRST).pruned
        assert concluded(study) == before
    assert prune(study.folder, FIRST + timedelta(days=3)).days == 3
    assert concluded(study) == before


def _die_in(where: str) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if where == "marked":
        import waterbed.store.retention

        waterbed.store.retention.remove = die  # type: ignore[assignment]  # dies where rows would be removed
    else:
        store.Store.add = die  # type: ignore[method-assign]  # dies after the rows, before the commit


def test_a_pruned_study_is_backed_up_and_restored_whole(study: Study, tmp_path: Path) -> None:
    """The lake is in the backup: what left the store comes back with it."""
    before = concluded(study)
    prune(study.folder, FIRST + timedelta(days=5))
    make_backup(study.folder.path, tmp_path / "b")
    restore_backup(tmp_path / "b", tmp_path / "again", who="me")
    with open_study(tmp_path / "again", study.folder.clock) as again:
        assert concluded(again) == before


def test_without_its_lake_a_pruned_study_concludes_nothing(study: Study, tmp_path: Path) -> None:
    """A lake that is not there, as when its disk is not mounted, is no empty one."""
    prune(study.folder, FIRST + timedelta(days=4))
    lake = study.folder.path / "lake"
    lake.rename(tmp_path / "away")
    for ask in (lambda: study.conclude().episodes, lambda: seal(study.folder), lambda: rebuild(study.folder)):
        with pytest.raises(StoreFailure, match=f"4 days, the first {FIRST}, left the store"):
            ask()
    assert not verify(study.folder).whole
    assert not lake.exists()
    (tmp_path / "away").rename(lake)
    assert study.conclude().facts.looks
    looks = count_of(study.folder, Observation)
    (lake / "manifest.json").write_bytes(
        to_json(Manifest(study=study.folder.config.study), study.folder.authentic.tag_of_lake)
    )
    with pytest.raises(StoreFailure, match="mend it by waterbed lake rebuild"):
        study.conclude().episodes  # noqa: B018 (asked for)
    rebuild(study.folder)
    assert count_of(study.folder, Observation) == len(study.conclude().facts.looks) == looks


@pytest.mark.long
@pytest.mark.parametrize("place", [".lake", "runs/lake", "sql-lake", "archive/lake"])
def test_a_lake_of_whatever_name_is_in_the_backup(tmp_path: Path, place: str) -> None:
    """Hidden, among the locks, or linked to from where the settings have it."""
    linked = place.startswith("archive")
    with written(tmp_path, SEEN, lake=LakeAt(location="lake" if linked else place)) as study:
        seal(study.folder)
        before = concluded(study)
        prune(study.folder, FIRST + timedelta(days=4))
        if linked:
            (study.folder.path / "archive").mkdir()
            (study.folder.path / "lake").rename(study.folder.path / place)
            (study.folder.path / "lake").symlink_to(place)
            (study.folder.path / "archive" / "round").symlink_to("..")
        assert make_backup(study.folder.path, tmp_path / "b").lake
        restore_backup(tmp_path / "b", tmp_path / "again", who="me")
        with open_study(tmp_path / "again", study.folder.clock) as again:
            assert concluded(again) == before
