"""Folders whose names are not UTF-8 are refused at once, by each command that would write there or open a study."""

import os
from pathlib import Path

import pytest

from tests.store.study_folder import made
from waterbed.model.errors import InputError
from waterbed.store.backup.make import make_backup
from waterbed.store.folder import open_folder
from waterbed.store.lake.storage import Storage
from waterbed.store.whole.folders import new_folder
from waterbed.store.whole.replacing import replace_files


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A place below a folder whose name is Latin-1."""
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    return tmp_path / os.fsdecode(b"caf\xe9") / "in it"


def test_a_study_is_neither_made_nor_opened_there(odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by its own path, by one that is relative to it, nor by a link to it."""
    made(tmp_path / "s").close()
    (tmp_path / "s").rename(odd.parent / "s")
    (tmp_path / "link").symlink_to(odd.parent)
    monkeypatch.chdir(odd.parent)
    for place in (odd, Path("in it"), tmp_path / "link" / "in it"):
        with pytest.raises(InputError, match="is not UTF-8"):
            made(place)
    for place in (odd.parent / "s", Path("s"), tmp_path / "link" / "s"):
        with pytest.raises(InputError, match="is not UTF-8"):
            open_folder(place)
    assert not odd.exists()


def test_outputs_and_backups_do_not_go_there(odd: Path, tmp_path: Path) -> None:
    """New folders, publications, backups and lakes."""
    made(tmp_path / "s").close()
    with pytest.raises(InputError, match="is not UTF-8"), new_folder(odd):
        pass
    with pytest.raises(InputError, match="is not UTF-8"):
        replace_files(odd, {}, marks=(), study=tmp_path / "s", ready=lambda: None)
    with pytest.raises(InputError, match="is not UTF-8"):
        make_backup(tmp_path / "s", odd)
    (tmp_path / "s" / "elsewhere").symlink_to(odd.parent)
    with pytest.raises(InputError, match="is not UTF-8"):
        Storage("elsewhere", tmp_path / "s")
    assert not odd.exists()
