"""Commands that messages name can be pasted into a shell as they stand."""

import os
import shlex
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT
from tests.store.study_folder import made
from tests.study.rig import Run
from waterbed.model.shell import command, installs
from waterbed.service.doctor_storage import privacy_findings, unfinished_findings
from waterbed.store.backup.make import make_backup
from waterbed.store.vault import key_file
from waterbed.store.whole.replacing import JOURNAL, PUBLISH, SUMS
from waterbed.store.whole.unfinished import begun
from waterbed.study.study import open_study


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study whose name must be quoted."""
    made(tmp_path / "my study").close()
    return tmp_path / "my study"


def test_a_command_is_quoted_and_names_its_study() -> None:
    """Words with spaces are one word, and the study of the current folder is left out."""
    assert command("publish", "my out", study=Path("a b")) == "waterbed -C 'a b' publish 'my out'"
    assert command("rank") == "waterbed rank"


def test_a_command_is_called_so_that_a_shell_finds_this_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By its name where that leads here, itself or by a link; else as it was typed, as by another program's name."""
    here, other, links = tmp_path / "here", tmp_path / "other", tmp_path / "links"
    for folder in (here, other, links):
        folder.mkdir()
    for folder in (here, other):
        (folder / "waterbed").write_text("#!/bin/sh\n")
        (folder / "waterbed").chmod(0o755)
    (links / "waterbed").symlink_to(here / "waterbed")
    monkeypatch.chdir(tmp_path)
    for typed in (here / "waterbed", Path("here/waterbed")):
        monkeypatch.setattr("sys.argv", [str(typed)])
        called = {}
        for path in ((), (here,), (links,), (other,), (other, here), (here, other)):
            monkeypatch.setenv("PATH", os.pathsep.join(map(str, path)))
            called[path] = command("rank")
        by_name, as_typed = "waterbed rank", f"{typed} rank"
        assert called == {
            (): as_typed,
            (here,): by_name,
            (links,): by_name,
            (other,): as_typed,
            (other, here): as_typed,
            (here, other): by_name,
        }
    # a bare name, or a module run with -m, is no place to name
    for typed in (Path("waterbed"), Path("waterbed/__main__.py")):
        monkeypatch.setattr("sys.argv", [str(typed)])
        assert command("rank") == "waterbed rank"


def test_a_missing_study_is_made_by_the_words_that_are_printed(run: Run, tmp_path: Path) -> None:
    """The folder is quoted; where a file stands no init is proposed."""
    (tmp_path / "a file").write_text("")
    assert run("-C", tmp_path / "no study", "rank")[2].rstrip().endswith(f"waterbed init '{tmp_path}/no study'")
    said = run("-C", tmp_path / "a file", "rank")[2]
    assert ("is a file" in said, "waterbed init" in said) == (True, False)


def test_the_next_step_of_a_protocol_names_the_study(run: Run, study: Path) -> None:
    """It can be pasted in any folder."""
    assert f"waterbed -C '{study}' protocol lock" in run("-C", study, "protocol", "init")[1]


def test_keys_are_mended_by_the_words_that_are_printed(run: Run, study: Path, tmp_path: Path) -> None:
    """The mode of a key file and keys that are missing after a restore."""
    with open_study(study) as opened:
        keys = key_file(opened.config.study)
    make_backup(study, tmp_path / "b")
    keys.chmod(0o644)
    said = run("-C", study, "rank")[2]
    assert shlex.split(said.partition("run: ")[2]) == ["chmod", "600", str(keys)]
    keys.unlink()
    again = tmp_path / "once more"
    assert f"waterbed -C '{again}' key restore ESCROW" in run("restore", tmp_path / "b", again)[1]


def test_what_is_unfinished_is_mended_by_the_words_that_are_printed(run: Run, study: Path, tmp_path: Path) -> None:
    """A half publication and a folder that others can read, in doctor and before every command."""
    out = tmp_path / "my out"
    out.mkdir()
    (out / SUMS).write_text(f"{'0' * 64}  gone.csv\n")
    (out / JOURNAL).write_text('{"stage": ".waterbed-0123456789abcdef", "ours": {}}\n')
    with begun(study, PUBLISH, out, out / JOURNAL):
        note = next((study / "unfinished").iterdir())
        left = note.read_bytes()
    note.write_bytes(left)
    pasted = f"waterbed -C '{study}' publish '{out}'"
    assert f"; {pasted} finishes it" in run("-C", study, "plugins")[2]
    study.chmod(0o755)
    with open_study(study) as opened:
        assert next(iter(unfinished_findings(opened))).advice.startswith(pasted)
        assert next(iter(privacy_findings(opened))).advice == f"chmod -R go= '{study}'"


def test_an_extra_is_added_as_the_clone_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where changes of the clone show at once, they still do with the extra; for a copy clone and wheel are told."""
    assert installs("serve") == "install it in the clone with pip install -e '.[serve]'"
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(ROOT))
    copied = "install it with pip install '.[serve]' in a clone, or 'FILE.whl[serve]' with a wheel"
    assert installs("serve") == copied
