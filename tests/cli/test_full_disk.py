"""Outputs for which there is no room: exit code 3, one sentence, and no file that is cut short."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.store.study_folder import made, report, url
from tests.study.rig import Run
from waterbed.cli.commands.attribute import _write_origins
from waterbed.model.errors import InputError, OwnFailure
from waterbed.shown.output import written_at
from waterbed.store.integrity import disk_trouble


def full(*_: object) -> NoReturn:
    """The disk has no room for what was written."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "words",
    [
        ("key", "escrow", "out"),
        ("overdue", "--csv", "out"),
        ("code", "sheet", "out"),
        ("api-key", "out", "--name", "one"),
        ("run", "--systemd", "out"),
        ("freeze", "out"),
        ("protocol", "init"),
    ],
    ids=lambda words: words[0],
)
def test_an_output_on_a_full_disk_is_no_mistake_of_the_user(
    words: tuple[str, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another place would not help, so it is said as by every command on a full disk."""
    monkeypatch.chdir(tmp_path)
    folder = made(tmp_path / "s")
    report(folder, [url(n) for n in range(3)])
    folder.close()
    monkeypatch.setattr(os, "fsync", full)
    code, _, said = run("-C", "s", *words)
    assert (code, said.count("\n"), "there is no room left on a disk" in said) == (3, 1, True), said
    assert [path for path in [Path("out"), *Path("out").rglob("*")] if path.exists() and not path.is_dir()] == []


def test_a_full_standard_output_is_told_once(tmp_path: Path) -> None:
    """The command does its work, and one sentence and exit code 3 say that what it printed is lost."""
    home = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    for words, code in (("--version",), 3), (("init", tmp_path / "s"), 3), (("-C", tmp_path / "none", "rank"), 2):
        with Path("/dev/full").open("w") as full_disk:
            asked = [sys.executable, "-m", "waterbed.cli", *map(str, words)]
            done = subprocess.run(asked, stdout=full_disk, stderr=subprocess.PIPE, text=True, check=False, env=home)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
        assert ("standard output could not be written" in done.stderr) == (code == 3)
    assert (tmp_path / "s" / "waterbed.toml").is_file()


def test_an_init_on_a_full_disk_ends_as_every_command_does(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, and no folder is left."""
    monkeypatch.setattr(os, "fsync", full)
    code, _, said = run("init", tmp_path / "s")
    assert (code, "there is no room left" in said, (tmp_path / "s").exists()) == (3, True, False)


def test_a_tree_that_could_not_be_copied_tells_of_the_disk() -> None:
    """Copying gathers failures as text, without a number of its own."""
    found = disk_trouble(shutil.Error([("a", "b", f"[Errno {errno.ENOSPC}] No space left on device: 'b'")]))
    assert isinstance(found, OwnFailure)
    assert "(No space left on device)" in str(found)
    assert disk_trouble(shutil.Error([("a", "b", "something else")])) is None


def test_a_place_is_blamed_for_what_it_does_alone(tmp_path: Path) -> None:
    """A place that is closed or cannot be is named; of a file elsewhere that cannot be read the place says nothing."""
    for number in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG):
        with pytest.raises(InputError, match=f"{tmp_path}/out cannot be written"), written_at(tmp_path / "out"):
            raise OSError(number, os.strerror(number), str(tmp_path / "out"))
    with pytest.raises(OwnFailure, match="no room left"), written_at(tmp_path / "out"):
        full()


def test_origins_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves no empty file, and a link, as /dev/stdout, is followed and stays."""
    (tmp_path / "link").symlink_to("target")
    _write_origins(tmp_path / "link", ["192.0.2.1"], [(64500,)])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text().splitlines() == ["row,address,origins", "1,192.0.2.1,AS64500"]
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        _write_origins(tmp_path / "out", ["192.0.2.1"], [(64500,)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "target"]
