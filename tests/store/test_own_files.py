"""No output replaces what a study cannot do without."""

from pathlib import Path

import pytest

from tests.study.rig import Run
from waterbed.crawler.probe.link_checks import LINK_CHECKS
from waterbed.governance import hosters
from waterbed.governance.protocol.file import PROTOCOL
from waterbed.model.errors import InputError
from waterbed.publish import edition
from waterbed.store.described import SCHEMA
from waterbed.store.folder import LAB
from waterbed.store.frozen import FROZEN
from waterbed.store.lake.sealing import SCRATCH
from waterbed.store.own_files import KEY_FILE_ENVIRONMENT, OWN, refuse_own


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv(KEY_FILE_ENVIRONMENT, str(tmp_path / "key"))
    folder = tmp_path / "study"
    (folder / "lake").mkdir(parents=True)
    (folder / "waterbed.toml").write_text("")
    (tmp_path / "link").symlink_to(folder / "waterbed.db")
    return folder


def test_the_studys_own_files_and_keys_are_refused(study: Path) -> None:
    """By any spelling, through links, and inside its own folders; the folder of the study itself is its own."""
    home = study.parent
    own = [study / name for name in OWN] + [study, study / "events" / ".." / "waterbed.db", study / "lake" / "new.csv"]
    for place in (*own, home / "link"):
        with pytest.raises(InputError, match="is the study's own"):
            refuse_own(place)
    for place in (home / "key", home / "config" / "waterbed" / "keys" / "some", home / "config" / "waterbed"):
        with pytest.raises(InputError, match="is where keys of studies lie"):
            refuse_own(place)


def test_other_places_are_free(study: Path) -> None:
    """A folder beside, a new one in the study, and what carries one of its names elsewhere."""
    for place in (study / "out", study / "reminders.csv", study.parent / "waterbed.db", study / "events" / "one.toml"):
        refuse_own(place)
    (study / "events").mkdir()
    (study / "events" / "one.toml").write_text("")
    with pytest.raises(InputError, match="is the study's own"):
        refuse_own(study / "events" / "one.toml")


def test_what_others_call_their_files_is_among_them() -> None:
    """Each name that another module gives to something in a study's folder."""
    named = {
        *(LAB, SCHEMA, hosters.FILE, hosters.VERSIONS, edition.FILE, PROTOCOL, FROZEN, SCRATCH, LINK_CHECKS),
    }
    assert named <= OWN


@pytest.mark.parametrize("place", ["x" * 300, "~nosuch/x.csv", "loop/x.csv"])
def test_a_place_that_cannot_be_written_is_one_sentence(
    place: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too long a name, what a shell did not expand, and a loop of links."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    assert run("init", "s")[0] == 0
    (tmp_path / "loop").symlink_to("loop")
    code, out, err = run("-C", "s", "overdue", "--csv", place)
    assert (code, out, "cannot be written" in err, err.count("\n")) == (2, "", True, 1), err
    code, out, err = run("-C", "s", "overdue", "--csv", "s/waterbed.db")
    assert (code, out, "is the study's own" in err) == (2, "", True)
