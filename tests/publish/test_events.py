"""Event files that a publication may name."""

from pathlib import Path

import pytest

from tests.study.rig import Run
from waterbed.model.errors import InputError
from waterbed.publish.events import public_events
from waterbed.study.study import open_study


def test_a_broken_event_file_stops_a_publication_that_stands(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page would vanish without a word: the file is named, and what was published stays."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    study, out = tmp_path / "study", tmp_path / "out"
    assert run("init", study)[0] == 0
    (tmp_path / "r.csv").write_text("url\nhttp://shop.example.com/\n")
    run("-C", study, "import", tmp_path / "r.csv")
    assert run("-C", study, "publish", out)[0] == 0
    before = (out / "SHA256SUMS").read_bytes()
    (study / "events").mkdir(exist_ok=True)
    (study / "events" / "one.toml").write_text("target = 'a\n")
    code, said, error = run("-C", study, "publish", out)
    assert (code, said, error.count("\n"), "one.toml" in error) == (2, "", 1, True), error
    assert (out / "SHA256SUMS").read_bytes() == before
    with open_study(study) as opened, pytest.raises(InputError, match=r"one\.toml"):
        public_events(opened)
