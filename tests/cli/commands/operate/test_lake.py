"""The commands of the lake, and the engines that the settings name."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

import waterbed.cli.main
from tests.publish.study import small_study
from tests.store.lake.rig import days_of, in_store, virtual
from waterbed.model.errors import InputError
from waterbed.store.config import read_config, write_toml
from waterbed.store.lake.lake import LOCK, lake_of
from waterbed.store.lake.sealing import seal
from waterbed.store.own_files import SETTINGS
from waterbed.study.study import Study

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The folder of a study whose days are long closed."""
    folder = in_store(tmp_path / "study", virtual(sites=3).conclusions.facts)
    folder.close()
    return folder.path


@pytest.fixture
def say(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command of the study in this process: exit code, output and errors."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["waterbed", "-C", str(path), *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            waterbed.cli.main.main()
        heard = capsys.readouterr()
        return int(ended.value.code or 0), heard.out, heard.err

    return run


def test_the_commands_say_what_they_did(path: Path, say: Say) -> None:
    """Sealed, sealed again, verified, damaged and rebuilt: a sentence each, and exit code 1 for damage."""
    code, out, _ = say("lake", "verify")
    assert (code, out) == (0, "nothing was sealed yet: no sealing is on record, and all facts are in the store\n")
    code, out, _ = say("lake", "seal")
    assert code == 0
    assert "sealed in" in out
    assert say("lake", "seal")[1] == "Nothing new: every closed day is sealed.\n"
    file = sorted((path / "lake").rglob("*.parquet"))[0]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 8
    file.write_bytes(content)
    code, out, _ = say("lake", "verify")
    assert code == 1
    assert f"problem: {file.relative_to(path / 'lake')}: the file's bytes are not those that were written" in out
    assert "1 damaged files dropped" in say("lake", "rebuild")[1]
    assert say("lake", "verify")[0] == 0
    assert say("lake", "compact")[1] == "0 files were merged into others.\n"


def test_a_location_that_cannot_be_is_told_with_exit_code_2(path: Path, say: Say) -> None:
    """A setting that no place fits is the user's to mend."""
    config, _ = read_config(path / SETTINGS)
    lake = msgspec.structs.replace(config.lake, location="ftp://somewhere")
    write_toml(path / SETTINGS, msgspec.structs.replace(config, lake=lake))
    code, _, err = say("lake", "seal")
    assert code == 2
    assert err.startswith("waterbed: [lake] location 'ftp://somewhere'")


def test_an_empty_location_is_refused_with_the_settings(path: Path, say: Say) -> None:
    """An empty text would seal into the study's own folder."""
    config, _ = read_config(path / SETTINGS)
    lake = msgspec.structs.replace(config.lake, location="")
    write_toml(path / SETTINGS, msgspec.structs.replace(config, lake=lake))
    assert say("lake", "seal")[0] == 2


def test_a_killed_writer_leaves_no_lock(path: Path, say: Say) -> None:
    """The lock is the kernel's: a file that is left lying locks nobody out."""
    (path / LOCK).write_text("")
    assert say("lake", "seal")[0] == 0


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with small_study(tmp_path / "small") as made:
        yield made


def test_the_engine_spark_without_java_is_told(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting names an engine that cannot run here: the sentence says how it can."""
    study.folder.config = msgspec.structs.replace(study.folder.config, engine="spark")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(os.environ, "JAVA_HOME", str(tmp_path))
    with pytest.raises(InputError, match="needs Java 17"):
        _ = study.conclude().episodes


def test_days_lie_in_folders_of_their_own(study: Study) -> None:
    """A day is found by its folder's name, and one that is not over has none."""
    *closed, open_day = days_of(study.conclude().facts)
    seal(study.folder)
    found = sorted(path.name for path in (study.folder.path / "lake" / "observation").iterdir())
    assert found == [f"day={day}" for day in closed]
    assert open_day not in lake_of(study.folder).manifest().days("observation")


@pytest.mark.parametrize("name", ["grace_hours", "store_days"])
def test_times_that_no_calendar_has_are_refused_with_the_settings(path: Path, say: Say, name: str) -> None:
    """Exit code 2, and no failure of ours."""
    text, times = re.subn(rf"(?m)^(?:# )?({name}) = .*", r"\1 = 1e9", (path / SETTINGS).read_text())
    assert times == 1
    (path / SETTINGS).write_text(text)
    code, _, err = say("prune")
    assert (code, f".{name} 1000000000.0: a number up to " in err) == (2, True), err
