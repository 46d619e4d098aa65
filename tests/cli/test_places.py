"""Places that users name: never empty, and where something is written never in a publication's folder."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main
from typer.testing import CliRunner

from tests.study.facts import config
from waterbed.cli.app import app
from waterbed.model.errors import InputError
from waterbed.shown.options import to_write
from waterbed.store.whole.replacing import JOURNAL, PUBLISHED, SUMS, published_at, sums_of
from waterbed.study.study import create_study

READ: Final = {
    *("import files", "import watch", "notices files", "links test file", "links test urls", "tables add files"),
    *("data renew file", "hosters add file", "attribute table", "sizes add file", "sources presence"),
    *("sources deliveries", "event check file", "displacement event", "serve keys", "code read file", "rejudge rules"),
    *("reconcile file", "reproduce package", "reproduce tables", "doctor backups", "restore backup_", "restore escrow"),
    *("lake pool exports", "key restore file", "lab replay feed", "lab replay routes"),
}
"""Paths that a command reads alone."""
PUBLICATIONS: Final = {"publish out"}


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, one in getattr(command, "commands", {}).items():
        yield from _commands(one, (*words, name))


PLACES: Final[Mapping[str, tuple[tuple[str, ...], Any, Any]]] = {
    " ".join((*words, param.name)): (words, command, param)
    for words, command in _commands(typer.main.get_command(app))
    if words
    for param in command.params
    if param.type_descriptor.annotation in (Path, list[Path])
}
WRITTEN: Final = sorted(set(PLACES) - READ - PUBLICATIONS)


def _said(name: str, place: object) -> str:
    """What a command says of a place, given alone or behind the arguments before it."""
    words, command, param = PLACES[name]
    before = [one for one in command.params[: command.params.index(param)] if one.param_type_name == "argument"]
    asked = [param.opts[-1], str(place)] if param.param_type_name == "option" else [*("x" for _ in before), str(place)]
    return str(CliRunner().invoke(app, [*words, *asked]).exception)


def test_every_path_is_known() -> None:
    """A new option that names a file or folder is either read alone, or refused in a publication's folder."""
    assert set(PLACES) >= READ | PUBLICATIONS
    assert len(WRITTEN) > 20


@pytest.mark.parametrize("name", PLACES)
def test_an_empty_path_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an unset variable of a shell gives is not the folder that one is in."""
    monkeypatch.chdir(tmp_path)
    assert "'' is empty" in _said(name, "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", PLACES)
def test_an_address_is_no_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is it read nor made a folder named after its host, and it is not repeated."""
    monkeypatch.chdir(tmp_path)
    said = _said(name, "http://secret-lab.com/deep")
    assert ("an address was given" in said, "secret" in said, list(tmp_path.iterdir())) == (True, False, [])


@pytest.mark.parametrize("name", sorted(READ))
def test_a_host_name_in_place_of_a_file_is_not_repeated(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of this name is there, so it may be one that nobody shall read."""
    monkeypatch.chdir(tmp_path)
    create_study(tmp_path / "study", config()).close()
    words, command, param = PLACES[name]
    asked = ["-C", "study", *words]
    for one in command.params:
        if one.param_type_name == "argument" and one.name != param.name:
            asked.append("new")
        elif one.name == param.name:
            asked += [*([param.opts[-1]] if param.param_type_name == "option" else []), "secret-lab.com"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code != 0
    assert "secret" not in f"{done.exception} {done.output}"


def test_an_empty_study_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is it the study that one is in."""
    monkeypatch.chdir(tmp_path)
    assert "--study '' is empty" in str(CliRunner().invoke(app, ["-C", "", "status"]).exception)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder that holds a publication."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / SUMS).write_bytes(sums_of(dict.fromkeys(PUBLISHED, b"")))
    return folder


@pytest.mark.parametrize("name", WRITTEN)
def test_nothing_is_put_into_a_publication(name: str, out: Path) -> None:
    """However deep, through a link, and before any work: facts, keys and backups are not for its readers."""
    (out.parent / "link").symlink_to(out / "data")
    (out / "elsewhere").symlink_to(out.parent)
    before = sorted(out.parent.rglob("*"))
    for place in (out, out / "new", out / "a/b/c/d/new.json", out.parent / "link/new", out / "elsewhere/new"):
        assert f"{out} holds a publication" in _said(name, place), place
    assert sorted(out.parent.rglob("*")) == before


def test_a_publication_is_found_in_any_folder_above(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also half written, and by a relative path; beside it, and below lists of other programs, all is free."""
    deep = out / "one/two/three/four"
    assert published_at(deep) == out
    monkeypatch.chdir(out)
    assert published_at(Path("five/six/seven")) == out
    with pytest.raises(InputError, match="holds a publication"):
        to_write(Path("five/six/seven"))
    assert published_at(out.parent / "beside/two/three") is None
    (out / SUMS).write_text(f"{'0' * 64}  image.iso\n")
    assert published_at(deep) is None
    (out / JOURNAL).touch()
    assert published_at(deep) == out
    assert to_write(None) is None
