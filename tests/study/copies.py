"""A study made once for a file of tests, and copied with its keys for each test."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def kept(folder: Path, make: Callable[[Path], object]) -> Path:
    """The folder in which `make` has put a study as `study`; its keys lie in `config` there."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        make(folder)
    return folder


def copied(original: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of such a study, whose keys are those in use for the rest of the test."""
    for name in ("study", "config"):
        shutil.copytree(original / name, folder / name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    return folder / "study"
