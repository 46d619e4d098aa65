"""A package that somebody put together to do harm, or a place that cannot be, does none."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.publish.freeze.study import named_study
from tests.publish.freeze.test_reproduce import resealed
from waterbed.cli.app import app
from waterbed.governance.protocol.lock import LOCKED_SETTINGS
from waterbed.model.errors import InputError
from waterbed.publish.freeze.bag import DATA, damages
from waterbed.publish.freeze.freeze import freeze, settings_of
from waterbed.publish.freeze.layout import ABOUT
from waterbed.publish.freeze.reproduce import reproduce
from waterbed.store.config import Config, read_config
from waterbed.store.settings import Coding


@pytest.fixture
def copy(frozen: Path, tmp_path: Path) -> Path:
    """A package to be changed."""
    shutil.copytree(frozen, tmp_path / "package")
    return tmp_path / "package"


def edit(package: Path, change: Callable[[Any], object]) -> None:
    """Change what a package says of itself, with manifests that fit."""
    about = json.loads((package / DATA / ABOUT).read_text(encoding="utf-8"))
    change(about)
    (package / DATA / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    resealed(package)


def test_a_link_to_a_folder_is_no_part_of_a_package(copy: Path, tmp_path: Path) -> None:
    """It is named as any other file that is new, in the payload and beside it; nothing is copied through it."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text("secret")
    (copy / DATA / "tables" / "more").symlink_to(tmp_path / "private")
    (copy / "beside").symlink_to(tmp_path / "private")
    assert [one.path for one in damages(copy)] == ["beside", "data/tables/more"]
    with pytest.raises(InputError, match="data/tables/more"):
        reproduce(copy, tmp_path / "again")


@pytest.mark.parametrize("folder", ["../../outside", "/nowhere/outside", "..", ""])
def test_no_table_is_written_outside_the_new_study(copy: Path, tmp_path: Path, folder: str) -> None:
    """A table's folder that leads elsewhere makes the package none; nothing is made."""
    (tmp_path / "files").mkdir()
    table = tmp_path / "files" / "routes.csv"
    table.write_text("28.0.0.0,28.0.255.255,64500,Hoster a\n")
    edit(
        copy,
        lambda about: about["tables"][0].update(
            folder=folder, inside=False, sha256=sha256(table.read_bytes()).hexdigest()
        ),
    )
    before = set(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="does not describe a package"):
        reproduce(copy, tmp_path / "again", tables=tmp_path / "files")
    assert set(tmp_path.rglob("*")) == before


def test_a_package_sets_no_commands(copy: Path, tmp_path: Path) -> None:
    """Settings that no package of ours has, of machines and chores say, are not taken over."""
    path = copy / DATA / "settings.toml"
    planted = path.read_text(encoding="utf-8").replace("chores = []", 'chores = [{command = "backup planted"}]')
    assert "planted" in planted
    path.write_text(planted, encoding="utf-8")
    resealed(copy)
    assert reproduce(copy, tmp_path / "again").equal
    assert "planted" not in (tmp_path / "again" / "waterbed.toml").read_text(encoding="utf-8")


def test_deviations_are_those_of_the_locked_protocol(copy: Path, tmp_path: Path) -> None:
    """They are worked out anew: a package that keeps quiet about them is not believed."""
    edit(copy, lambda about: about.update(deviations=[]))
    assert any("removed-24h.level: 0.05 -> 0.1" in told for told in reproduce(copy, tmp_path / "again").deviations)


def test_a_package_without_results_has_tables_that_differ(copy: Path, tmp_path: Path) -> None:
    """Each table that is drawn and not in it is named."""
    shutil.rmtree(copy / DATA / "results")
    resealed(copy)
    tables = [table for table in reproduce(copy, tmp_path / "again").tables if not table.equal]
    assert len(tables) > 10
    assert {table.first for table in tables} == {"the package lacks this table"}


def test_settings_of_coding_are_frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study whose checks are drawn by a seed of its own is equal elsewhere; all that is held is frozen."""
    with named_study(tmp_path / "s", coding=Coding(apply=False, checks=2, seed=7)) as study:
        freeze(study, tmp_path / "package")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert reproduce(tmp_path / "package", tmp_path / "again").equal
    assert read_config(tmp_path / "again" / "waterbed.toml")[0].coding == Coding(apply=False, checks=2, seed=7)
    config = Config(study="s", home="DE", clock="first_seen", coding=Coding(seed=7))
    assert all(getattr(settings_of(config), name) == getattr(config, name) for name in LOCKED_SETTINGS)


@pytest.mark.parametrize("what", ["freeze", "reproduce"])
def test_a_place_that_cannot_be_is_one_sentence(frozen: Path, tmp_path: Path, what: str) -> None:
    """A name too long for the disk is the user's to mend."""
    place = str(tmp_path / ("n" * 300))
    words = ["-C", str(frozen.parent / "study"), "freeze", place] if what == "freeze" else [what, str(frozen), place]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(frozen.parent / "config"))
        problem = CliRunner().invoke(app, words).exception
    assert isinstance(problem, InputError)
    assert "cannot be written" in str(problem)
    assert list(tmp_path.iterdir()) == []
