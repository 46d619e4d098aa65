"""What a study wrote beside its store is told from what somebody else put there."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner

from tests.publish.study import small_study
from waterbed.cli.app import app
from waterbed.model.bookkeeping import Written
from waterbed.model.errors import InputError, StoreFailure, WaterbedError
from waterbed.model.facts import Observation
from waterbed.service.doctor import examine
from waterbed.service.doctor_storage import backups_findings, written_findings
from waterbed.store.authentic import TABLE
from waterbed.store.backup.make import make_backup
from waterbed.store.backup.manifest import FILES, SUMS
from waterbed.store.backup.restore import restore_backup
from waterbed.store.kept import FOLDER as KEPT
from waterbed.store.lake.kinds import PRUNABLE
from waterbed.store.lake.manifest import PATH
from waterbed.store.lake.sealing import compact, seal
from waterbed.store.tables import TABLES, table_name
from waterbed.study.study import Study, open_study

READ = {table_name(cls) for cls in PRUNABLE}
"""Kinds of facts that are read from the lake: the store has all others."""
FLIPS = 25
"""Bytes that are changed, of each kind of file."""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A study with tables, a sealed lake, kept conclusions, and a backup beside it."""
    with small_study(tmp_path) as study:
        seal(study.folder)
        assert study.conclude().episodes
        make_backup(study.folder.path, tmp_path / "b")
        yield study


def tables(study: Study) -> None:
    """Use the tables."""
    study.attributor()


def lake(study: Study) -> None:
    """Draw conclusions from what was sealed."""
    with open_study(study.folder.path) as again:
        assert again.conclude().episodes


def backup(study: Study) -> None:
    """Restore the backup."""
    place = study.folder.path.parent
    restore_backup(place / "b", place / "again", who="me")


WHERE: dict[str, tuple[str, Callable[[Study], None]]] = {
    "tables": ("study/tables", tables),
    "lake": ("study/lake", lake),
    "backup": ("b", backup),
}


def files(place: Path, ending: str = "") -> list[Path]:
    """All files with bytes, but locks."""
    return sorted(one for one in place.rglob(f"*{ending}") if one.is_file() and one.stat().st_size)


def told(study: Study) -> list[str]:
    """What doctor finds wrong with what was written."""
    found = [*written_findings(study), *backups_findings(study, study.folder.path.parent / "b")]
    return [one.what for one in found if one.open]


def flip(path: Path, chance: random.Random) -> bytes:
    """Change one bit of a file; returns what it was."""
    was = path.read_bytes()
    at = chance.randrange(len(was))
    path.write_bytes(was[:at] + bytes([was[at] ^ 1 << chance.randrange(8)]) + was[at + 1 :])
    return was


@pytest.mark.parametrize("what", WHERE)
def test_a_flipped_bit_is_refused_before_use(study: Study, tmp_path: Path, what: str) -> None:
    """Tables, lake and backup: the reader refuses, doctor names it, and put right again all is as before."""
    place, use = WHERE[what]
    assert told(study) == []
    for number in range(FLIPS):
        chance = random.Random(f"{what} {number}")
        path = chance.choice(files(tmp_path / place))
        was = flip(path, chance)
        if path.name == SUMS:  # whose other lines are for `sha256sum -c` alone
            path.write_bytes(was.replace(b"a", b"b"))
        if what != "lake" or path.name == PATH or path.parts[-3] in READ:
            with pytest.raises((InputError, StoreFailure)):
                use(study)
        assert len(told(study)) == 1, path
        path.write_bytes(was)
    assert told(study) == []
    use(study)


def test_a_flipped_bit_of_what_is_kept_is_made_anew(study: Study, tmp_path: Path) -> None:
    """A cache costs its reader nothing but the time to make it again."""
    right = study.conclude().episodes
    for number in range(FLIPS):
        chance = random.Random(number)
        path = chance.choice(files(tmp_path / "study" / KEPT))
        flip(path, chance)
        assert study.kept().damaged() == [path.name]
        assert told(study) == ["kept conclusions are not as the study wrote them"]
        with open_study(tmp_path / "study") as again:
            assert again.conclude().episodes == right
        path.unlink(missing_ok=True)


def test_files_exchanged_put_back_or_gone_are_refused(study: Study, tmp_path: Path) -> None:
    """Each is a right file somewhere, or was one once, and no byte of it is wrong."""
    older = tmp_path / "older"
    shutil.copytree(tmp_path / "study" / "lake", older)
    before = (tmp_path / "study" / "lake" / "manifest.json").read_bytes()
    with study.store.writing() as connection:
        connection.execute(delete(TABLES[Written]).where(TABLES[Written].c.name == "lake"))
        study.store.add([Written(name="lake", generation=7, tag="")], connection)
    with pytest.raises(StoreFailure, match="older than it was"):
        lake(study)
    assert told(study) == ["the lake is damaged"]
    with study.store.writing() as connection:
        connection.execute(delete(TABLES[Written]).where(TABLES[Written].c.name == "lake"))
    assert (tmp_path / "study" / "lake" / "manifest.json").read_bytes() == before

    for place, use, ending in (("study/tables", tables, ".npy"), ("study/lake", lake, ".parquet"), ("b", backup, "")):
        held = [one for one in files(tmp_path / place, ending) if place != "b" or one.parent.name == FILES]
        one, other = held[0], next(each for each in held if each.read_bytes() != held[0].read_bytes())
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)
        with pytest.raises((InputError, StoreFailure)):
            use(study)
        assert told(study), place
        other.write_bytes(second)
        one.unlink()
        with pytest.raises((WaterbedError, OSError)):
            use(study)
        assert told(study), place
        one.write_bytes(first)
        assert told(study) == []


def test_a_table_does_not_stand_in_for_another(study: Study, tmp_path: Path) -> None:
    """A whole table under another's name is refused, and importing its file again mends it."""
    place = tmp_path / "study" / TABLE
    one = next(path for path in place.iterdir() if path.name.startswith("routes"))
    shutil.rmtree(one)
    shutil.copytree(next(path for path in place.iterdir()), one)
    with pytest.raises(InputError, match="is not as this study wrote it"):
        tables(study)
    said = CliRunner().invoke(app, ["-C", str(study.folder.path), "rank"])
    assert isinstance(said.exception, InputError)
    found = examine(study)
    assert [(one.what, one.figures) for one in found if one.severity == "problem"] == [
        ("a table is not as the study wrote it", one.name)
    ]
    study.add_table(tmp_path / "routes.csv", study.snapshots()[0].data_date.date())
    tables(study)


def test_a_file_that_somebody_put_into_the_lake_is_read_by_nobody(study: Study, tmp_path: Path) -> None:
    """Neither by conclusions nor by compaction, which takes in the study's own alone."""
    own = files(tmp_path / "study" / "lake" / "observation", ".parquet")[0]
    planted = own.with_name("0" * 20 + ".parquet")
    planted.write_bytes(own.read_bytes())
    right = study.conclude().episodes
    compact(study.folder)
    assert planted.exists()
    assert study.conclude().episodes == right


def test_a_study_of_before_is_taken_as_it_is_once(study: Study, tmp_path: Path) -> None:
    """Nothing of version 0.2.0 bears a tag; from the first opening on all does."""
    with study.store.writing() as connection:
        connection.execute(delete(TABLES[Written]))
    with open_study(tmp_path / "study") as again:
        tables(again)
    path = files(tmp_path / "study" / TABLE, ".npy")[0]
    flip(path, random.Random(1))
    with open_study(tmp_path / "study") as again, pytest.raises(InputError, match="not as this study wrote"):
        tables(again)
    with suppress(InputError):
        backup(study)
    assert (tmp_path / "again").exists()


def test_a_lake_that_is_gone_is_not_whole(study: Study, tmp_path: Path) -> None:
    """The database remembers that it was sealed, also where nothing has left the store."""
    (tmp_path / "study" / "lake").rename(tmp_path / "away")
    for command in ("verify", "seal", "compact"):
        done = CliRunner().invoke(app, ["-C", str(study.folder.path), "lake", command])
        assert done.exit_code != 0
        assert "is gone: its generation is 0, and 1 is on record" in f"{done.exception} {done.output}"
    done = CliRunner().invoke(app, ["-C", str(study.folder.path), "lake", "rebuild"])
    assert done.exit_code == 0
    assert CliRunner().invoke(app, ["-C", str(study.folder.path), "lake", "verify"]).exit_code == 0


def test_verify_and_doctor_tell_of_whatever_a_sealed_lake_lacks(study: Study, tmp_path: Path) -> None:
    """Gone, one file deleted, two swapped, an older one in a newer one's place, the lake as it was once: all named."""
    place, away = tmp_path / "study" / "lake", tmp_path / "away"
    shutil.copytree(place, away)
    seen = study.store.all(Observation)
    study.store.add([replace(one, observation_id=f"late {one.observation_id}") for one in seen[:3]])
    seal(study.folder)
    compact(study.folder)
    older = files(away / "observation", ".parquet")
    newer = [one for one in files(place / "observation", ".parquet") if not (away / one.relative_to(place)).exists()]
    newest, other = newer[0], next(one for one in files(place, ".parquet") if one not in newer)

    def swapped() -> None:
        first, second = newest.read_bytes(), other.read_bytes()
        newest.write_bytes(second)
        other.write_bytes(first)

    def put_back() -> None:
        shutil.rmtree(place)
        shutil.copytree(away, place)

    whole = tmp_path / "whole"
    shutil.copytree(place, whole)
    harms: list[tuple[Callable[[], object], str]] = [
        (partial(shutil.rmtree, place), "is gone"),
        (newest.unlink, "the file is missing"),
        (partial(shutil.copyfile, older[0], newest), "the file has"),
        (swapped, "the file has"),
        (put_back, "is older than it was"),
    ]
    for harm, says in harms:
        harm()
        said = CliRunner().invoke(app, ["-C", str(study.folder.path), "lake", "verify"])
        assert (said.exit_code, says in said.output) == (1, True), said.output
        assert "the lake is damaged" in said.output
        assert {one.what for one in written_findings(study) if one.severity == "problem"} == {"the lake is damaged"}
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(whole, place)
    said = CliRunner().invoke(app, ["-C", str(study.folder.path), "lake", "verify"])
    assert (said.exit_code, "the lake is whole" in said.output) == (0, True)


def test_what_nothing_reads_refuses_no_table(study: Study, tmp_path: Path) -> None:
    """A hidden file, as file systems and desktops leave, is no part of a table."""
    (next((tmp_path / "study" / TABLE).iterdir()) / ".nfs0001").write_text("left")
    tables(study)
    assert told(study) == []


def test_a_study_of_before_opens_with_a_table_that_cannot_be_read(study: Study, tmp_path: Path) -> None:
    """The others are taken as they are, and this one is refused by those that use it."""
    with study.store.writing() as connection:
        connection.execute(delete(TABLES[Written]))
    broken = next((tmp_path / "study" / TABLE).iterdir())
    (broken / "folder").mkdir()
    with open_study(tmp_path / "study") as again:
        with pytest.raises(InputError, match=f"{broken.name} is not as this study wrote it"):
            tables(again)
        assert len(told(again)) == 1
