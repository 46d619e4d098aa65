"""Files that may not be there yet: whole or absent, and never in place of another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.campaigns import campaign
from tests.faults import Struck
from tests.store.whole.editions import MEMORY
from waterbed.store.whole.files import write_new, write_whole

CONTENT = b"target = 1\n" * 2_000


@dataclass
class _New:
    place: Path

    def __post_init__(self) -> None:
        self.below = [self.place]
        self.path = self.place / "event.toml"

    def work(self) -> None:
        write_new(self.path, CONTENT)

    def complaints(self, found: Struck) -> Iterator[str]:
        if self.path.exists() and self.path.read_bytes() != CONTENT:
            yield "half a file"
        if not self.path.exists():
            write_new(self.path, CONTENT)
            left = [one.name for one in self.place.iterdir() if one != self.path]
            if left:
                yield f"the next one leaves {left}"


@contextmanager
def _fresh() -> Iterator[_New]:
    with TemporaryDirectory(dir=MEMORY) as name:
        yield _New(Path(name))


def test_a_new_file_is_whole_or_absent_whatever_strikes() -> None:
    """Killed or failed at each change of files; the next call is as if there had been none."""
    found = campaign(_fresh, errors=(EIO,))
    assert found.calls > 3
    assert found.complaints == []


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    """It is neither changed nor replaced, and nothing is left beside it."""
    (tmp_path / "event.toml").write_text("mine")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "event.toml", CONTENT)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("event.toml", "mine")]


@pytest.mark.parametrize("write", [write_new, write_whole])
@pytest.mark.parametrize("name", [".", "/", "folder", ".."])
def test_a_folder_is_no_place_for_a_file(
    write: Callable[[Path, bytes], Path], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the folder itself, and nothing is written into it or beside it."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    with pytest.raises(IsADirectoryError) as told:
        write(Path(name), CONTENT)
    assert (told.value.filename, list(tmp_path.rglob("*"))) == (name, [tmp_path / "folder"])
