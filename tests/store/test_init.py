"""Making a study folder: alone, and leaving nothing when it fails."""

import errno
import sqlite3
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest
from sqlalchemy import inspect, text

from tests.store.study_folder import made
from waterbed.model.errors import InputError, StoreGone
from waterbed.store import folder as folders
from waterbed.store.config import Config
from waterbed.store.folder import create_folder, open_folder
from waterbed.store.store import Store
from waterbed.store.vault import key_file


@pytest.mark.parametrize("there", [False, True])
def test_two_inits_at_once_make_one_study(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused while the first is at work, and leaves the first's study and no keys."""
    prepare, first, second = folders._prepare_store, Config(study="1" * 32), Config(study="2" * 32)
    if there:
        (tmp_path / "s").mkdir()

    def meanwhile(path: Path, config: Config) -> Path | None:
        with pytest.raises(InputError, match="another init is at work"):
            create_folder(path, second)
        return prepare(path, config)

    monkeypatch.setattr(folders, "_prepare_store", meanwhile)
    create_folder(tmp_path / "s", first).close()
    open_folder(tmp_path / "s").close()
    assert [key_file(one.study).exists() for one in (first, second)] == [True, False]


@pytest.mark.parametrize("there", [False, True])
def test_an_init_that_fails_leaves_no_keys(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys are left, a new folder not at all, and an old one is as it was."""
    config, opened = Config(study="3" * 32), folders.open_folder
    if there:
        (tmp_path / "s").mkdir()
        (tmp_path / "s").chmod(0o2775)
        (tmp_path / "s" / "mine.txt").write_text("mine")

    def fails(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folders, "open_folder", fails)
    with pytest.raises(OSError, match="No space left"):
        create_folder(tmp_path / "s", config)
    assert not key_file(config.study).exists()
    assert [path.name for path in tmp_path.rglob("*")] == (["s", "mine.txt"] if there else [])
    assert not there or S_IMODE((tmp_path / "s").stat().st_mode) == 0o2775
    monkeypatch.setattr(folders, "open_folder", opened)
    made(tmp_path / "s").close()


def test_an_init_that_fails_leaves_no_folder_above(tmp_path: Path) -> None:
    """Folders that were made on the way are gone; one that was there stays."""
    (tmp_path / "mine").mkdir()
    with pytest.raises(StoreGone):
        made(tmp_path / "mine" / "x" / "y", store="postgresql://u:p@127.0.0.1:1/x")
    assert list(tmp_path.rglob("*")) == [tmp_path / "mine"]


def test_a_database_of_another_program_is_left_as_it_was(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, and no table, key or folder of ours."""
    monkeypatch.setenv("WATERBED_STORE", store_url)
    with closing(Store(store_url)) as store, store.writing() as connection:
        connection.execute(text("CREATE TABLE theirs (x INTEGER)"))
    config = Config(study="4" * 32)
    with pytest.raises(InputError, match="holds 1 table of another program; an empty database was expected"):
        create_folder(tmp_path / "s", config)
    with closing(Store(store_url)) as store, store.reading() as connection:
        assert inspect(connection).get_table_names() == ["theirs"]
    assert not key_file(config.study).exists()
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("table", ["theirs (x INTEGER)", "alembic_version (version_num TEXT)"])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_not_a_byte_of_another_program_s_file_changes(
    journal: str, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by an `init` that is refused nor by a study that is opened with it."""
    file = tmp_path / "theirs.db"
    with closing(sqlite3.connect(file)) as theirs:
        theirs.execute(f"PRAGMA journal_mode = {journal}")
        theirs.execute(f"CREATE TABLE {table}")
    before = file.read_bytes()
    made(tmp_path / "own").close()
    monkeypatch.setenv("WATERBED_STORE", f"sqlite:///{file}")
    with pytest.raises(InputError, match="holds 1 table of another program"):
        create_folder(tmp_path / "s", Config(study="5" * 32))
    with pytest.raises(InputError):
        open_folder(tmp_path / "own")
    assert file.read_bytes() == before
