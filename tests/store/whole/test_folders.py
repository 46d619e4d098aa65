"""New folders appear whole or not at all; a kill leaves what is named, and what the next one removes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EIO, ENOSPC
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.campaigns import campaign, classes
from tests.commands_struck import MAKING, making
from tests.faults import Strike, Struck, struck
from tests.publish.study import small_study
from tests.store.whole.editions import MEMORY, held
from waterbed.store.whole.files import NEW, beside, locked, write_whole
from waterbed.store.whole.folders import new_folder
from waterbed.store.whole.unfinished import NOTES, begun, unfinished

FILES = {"a.csv": b"a" * 10_000, "deep/er/b.csv": b"b", "empty": b""}


class Made:
    """A folder with some files in it is made."""

    def __init__(self, place: Path) -> None:
        """Lay out a study, and a user's files beside."""
        self.study, self.out = place / "study", place / "places" / "out"
        self.below = [place / "places", self.study]
        self.study.mkdir()
        self.out.parent.mkdir()
        self.mine = self.out.parent / f".mine{NEW}"
        self.mine.mkdir()
        (self.mine / "notes").write_bytes(b"a user's")

    def work(self) -> None:
        """Make it."""
        with new_folder(self.out, "freeze", self.study) as work:
            for name, content in FILES.items():
                (work / name).parent.mkdir(parents=True, exist_ok=True)
                (work / name).write_bytes(content)

    def complaints(self, struck: Struck) -> Iterator[str]:
        """All of it is there, or nothing; then the next one clears up."""
        if self.out.exists() and held(self.out) != FILES:
            yield "half a folder is there"
        if struck.code == 0 and not self.out.exists():
            yield "exit code 0, and it is not there"
        if self._left() and [one.what for one in unfinished(self.study)] != ["freeze"]:
            yield f"{self._left()} is left, and named by nobody"
        with new_folder(self.out.parent / "next", "freeze", self.study):
            pass
        if self._left() or list((self.study / NOTES).iterdir()):
            yield f"the next one leaves {self._left()}"
        if held(self.mine) != {"notes": b"a user's"}:
            yield "a file of a user was touched"

    def _left(self) -> list[str]:
        return [one.name for one in self.out.parent.iterdir() if one.name.endswith(NEW) and one != self.mine]


@contextmanager
def made() -> Iterator[Made]:
    """One case, on new folders."""
    with TemporaryDirectory(dir=MEMORY) as name:
        yield Made(Path(name))


@pytest.mark.long
def test_a_new_folder_is_whole_or_not_there_at_each_kind_of_strike() -> None:
    """A kill leaves a hidden folder that doctor names and the next one removes; an error leaves nothing."""
    found = campaign(made, chosen=classes)
    assert not found.complaints, found
    assert found.kills > 10


def test_what_another_process_is_writing_is_not_taken_for_remains(tmp_path: Path) -> None:
    """A second new folder beside a first one that is not finished leaves it alone."""
    with new_folder(tmp_path / "one", "freeze", tmp_path) as first:
        (first / "a").write_bytes(b"a")
        with new_folder(tmp_path / "two", "freeze", tmp_path):
            assert unfinished(tmp_path) == []
    assert held(tmp_path / "one") == {"a": b"a"}
    assert (tmp_path / "two").is_dir()


def test_a_note_stays_as_long_as_its_remains(tmp_path: Path) -> None:
    """Of a dead process: named while something is left or cannot be seen; a note that was cut short says nothing."""
    place = tmp_path / "medium" / "out"
    place.mkdir(parents=True)
    with begun(tmp_path, "publish", place, place / "left"):
        (place / "left").write_bytes(b"")
        assert unfinished(tmp_path) == []
    assert [one.place for one in unfinished(tmp_path)] == [str(place)]
    place.rename(tmp_path / "pulled")
    assert [one.place for one in unfinished(tmp_path)] == [str(place)]
    (tmp_path / "pulled").rename(place)
    (place / "left").unlink()
    assert unfinished(tmp_path) == []
    (tmp_path / NOTES / "torn").write_bytes(b'{"what": "pub')
    with begun(tmp_path, "publish", place, place / "left"):
        assert len(list((tmp_path / NOTES).iterdir())) == 1


def test_a_file_is_whole_or_as_before_at_every_strike(tmp_path: Path) -> None:
    """A report that is written again is the old or the new one; a kill leaves what the next one removes."""
    path = tmp_path / "rank.csv"
    calls = struck(partial(write_whole, path, b"old"), [tmp_path]).calls
    for call in calls:
        for errno in (None, EIO):
            path.write_bytes(b"old")
            found = struck(partial(write_whole, path, b"new" * 999), [tmp_path], Strike(call.number, errno))
            assert path.read_bytes() in (b"old", b"new" * 999)
            assert found.code is None or list(tmp_path.iterdir()) == [path]
            write_whole(path, b"newer")
            assert list(tmp_path.iterdir()) == [path]


def test_long_names_have_room_for_a_temporary_one(tmp_path: Path) -> None:
    """A name of the greatest length is written too, also one of letters of several bytes."""
    for name in ("n" * 255, "ä" * 127):
        assert write_whole(tmp_path / name, b"x").read_bytes() == b"x"
        assert len(os.fsencode(beside(tmp_path / name).name)) <= 255


def test_a_lock_is_another_processes_until_it_ends(tmp_path: Path) -> None:
    """A folder that a child holds is locked; when the child is killed it is free."""
    held_ = locked(tmp_path)
    with pytest.raises(BlockingIOError):
        locked(tmp_path)
    os.close(held_)
    os.close(locked(tmp_path))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small study, and its keys."""
    place = tmp_path_factory.mktemp("study")
    with small_study(place) as made_:
        return made_.folder.path


@pytest.mark.parametrize("what", MAKING)
def test_commands_make_folders_by_one_rename(what: str, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at the rename to its place, nothing half is there, and what is left is named, or goes with the next."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(study.parent / "config"))
    renamed = Strike(among=lambda call, path: call == "rename" and (NEW in path or "/.new-" in path))
    with making(study, what) as case:
        found = struck(case.work, case.below, renamed)
        assert (found.code, found.said) == (None, "")
        assert list(case.complaints(found)) == []


def test_a_backup_that_is_not_on_record_says_why(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the store has no room for the record, the backup is whole, and the store's own sentence is told."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(study.parent / "config"))
    with making(study, "backup") as case:
        found = struck(case.work, [case.study], Strike(errno=ENOSPC, among=lambda call, path: call == "COMMIT"))
        assert found.code == 1
        assert "made but not recorded: there is no room left for the" in " ".join(found.said.split())
        assert list(case.complaints(found)) == []
