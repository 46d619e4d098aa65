"""No output replaces what a study cannot do without."""

from pathlib import Path

import pytest

from waterbed.model.errors import InputError
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
