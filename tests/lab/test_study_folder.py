"""A lab run or a replay that fails leaves nothing behind; what was there before stays."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.conftest import WORLD
from waterbed.lab import run as lab
from waterbed.lab.run import CONTROL_RUN, run_lab, run_world
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import parse_world

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of keys of each test's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "waterbed" / "keys"


def _held(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(one.relative_to(folder)): (one.stat().st_mode, b"" if one.is_dir() else one.read_bytes())
        for one in (folder, *folder.rglob("*"))
    }


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a folder of notes"])
def test_a_refused_replay_leaves_the_place_as_it_was(there: str, run: Run, tmp_path: Path, keys: Path) -> None:
    """With tables that cannot be read neither folder nor keys are left, and what was there is as before."""
    (tmp_path / "feed.csv").write_text(
        '# Phishing\n# CSV: Date,Score,URL,IP\n"2025-04-11 10:00:00","5","http://a.com/x","28.0.0.1"\n'
    )
    (tmp_path / "routes.csv").write_text("no routes\n")
    (tmp_path / "works").mkdir()
    out = tmp_path / "works" / "inner" / "s" if there == "nothing" else tmp_path / "works" / "s"
    if there != "nothing":
        out.mkdir(mode=0o755)
    if there == "a folder of notes":
        (out / "notes.txt").write_text("mine")
        (out / "tables").mkdir()
    before = _held(tmp_path / "works")
    words = ("lab", "replay", tmp_path / "feed.csv", "--routes", tmp_path / "routes.csv", "--date", "2025-04-11")
    code, _, err = run(*words, "--out", out)
    assert (code, "routes" in err) == (2, True)
    assert _held(tmp_path / "works") == before
    assert not list(keys.glob("*"))


def test_a_study_that_was_there_outlives_a_failed_replay(run: Run, tmp_path: Path, keys: Path) -> None:
    """A replay that goes on in its own study and is refused leaves that study and its keys."""
    (tmp_path / "feed.csv").write_text(
        '# Phishing\n# CSV: Date,Score,URL,IP\n"2025-04-11 10:00:00","5","http://a.com/x","28.0.0.1"\n'
    )
    (tmp_path / "routes.csv").write_text("no routes\n")
    words = ("lab", "replay", tmp_path / "feed.csv", "--date", "2025-04-11", "--out", tmp_path / "s")
    assert run(*words)[0] == 0
    assert run(*words, "--routes", tmp_path / "routes.csv")[0] == 2
    assert (tmp_path / "s" / "waterbed.toml").is_file()
    assert len(list(keys.glob("*"))) == 1


def _failing(*_: object, **__: object) -> None:
    raise RuntimeError


def _stopped(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_run_that_fails_leaves_nothing_and_one_that_is_stopped_what_it_made(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure of ours removes the study; Ctrl-C keeps it."""
    monkeypatch.setattr(lab, "_add_tables", _failing)
    with pytest.raises(RuntimeError):
        run_world(parse_world(WORLD), tmp_path / "s")
    assert (list(keys.glob("*")), (tmp_path / "s").exists()) == ([], False)
    monkeypatch.setattr(lab, "_add_tables", _stopped)
    with pytest.raises(KeyboardInterrupt):
        run_world(parse_world(WORLD), tmp_path / "s")
    assert (tmp_path / "s" / "waterbed.toml").is_file()
    with pytest.raises(Exception, match="holds a study already"):
        run_world(parse_world(WORLD), tmp_path / "s")
    assert (tmp_path / "s" / "waterbed.toml").is_file()


def test_a_control_run_that_fails_takes_the_first_with_it(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of two runs that are compared is left where the second fails."""
    measured = lab.run_world

    def second_fails(world: World, out: Path, **how: object) -> object:
        if out.name == CONTROL_RUN:
            monkeypatch.setattr(lab, "_add_tables", _failing)
        return measured(world, out, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(lab, "run_world", second_fails)
    monkeypatch.setattr(lab, "_driven", _nothing_driven)
    monkeypatch.setattr(lab, "_scored", lambda *_: None)
    (tmp_path / "w.toml").write_text(WORLD.replace("days = 6", 'days = 6\nbeside = "undisturbed"', 1))
    with pytest.raises(RuntimeError):
        run_lab(str(tmp_path / "w.toml"), tmp_path / "s")
    assert (list(keys.glob("*")), (tmp_path / "s").exists()) == ([], False)


async def _nothing_driven(*_: object) -> list[object]:
    return []
