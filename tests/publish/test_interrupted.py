"""A publication that is interrupted is named by doctor and the next command, and finished by the next one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import Strike, command, struck
from tests.publish.study import small_study
from waterbed.model.errors import InputError
from waterbed.publish.release import publish_all
from waterbed.service.doctor_storage import unfinished_findings
from waterbed.store.backup.make import make_backup
from waterbed.store.backup.manifest import read_manifest
from waterbed.store.whole.replacing import state_of
from waterbed.store.whole.unfinished import NOTES
from waterbed.study.study import open_study

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.long
def test_what_a_killed_publication_brought_is_gone_once_it_is_withheld(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed among the renames, then forbidden cases, then published again: no case is left, and nothing is named."""
    out, half = tmp_path / "out", "is half replaced"
    with small_study(tmp_path, cases=True) as study:
        publish_all(study, out)
        path = study.folder.path
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    files = sum(one.is_file() for one in out.rglob("*"))
    at_a_rename = Strike(files - 5, among=lambda what, _: what == "rename")  # the first ones are as they were
    assert struck(command("-C", path, "publish", out), [out], at_a_rename).code is None
    assert state_of(out) == "half"
    code, _, said = run("-C", path, "lag")
    assert (code, half in said, said.count("\n")) == (0, True, 1)
    with open_study(path) as opened:
        assert [(one.severity, half in one.what) for one in unfinished_findings(opened)] == [("problem", True)]
    backup = make_backup(path, tmp_path / "backups").backup
    assert not [kept.path for kept in read_manifest(backup).files if NOTES in kept.path]
    settings = path / "waterbed.toml"
    settings.write_text(settings.read_text().replace("cases = true", "cases = false"))
    code, _, said = run("-C", path, "publish", out)
    assert (code, half in said) == (0, True)
    assert not [found.name for found in out.iterdir() if found.name.startswith(("episodes.", "hops.c", ".waterbed"))]
    assert run("-C", path, "lag")[2] == ""


def test_settings_that_change_meanwhile_are_not_published_over(tmp_path: Path) -> None:
    """A publication that was drawn under another policy than the one in force writes nothing."""
    with small_study(tmp_path, cases=True) as study:
        settings = study.folder.path / "waterbed.toml"
        settings.write_text(settings.read_text().replace("cases = true", "cases = false"))
        with pytest.raises(InputError, match="changed while"):
            publish_all(study, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
