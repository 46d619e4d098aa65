"""One import root: everything is imported from `waterbed`, in a checkout as in a wheel."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
BESIDE: Final = ("attribution", "crawler", "graphs")
"""The packages whose folders stand beside `waterbed` in a checkout."""
_BARE: Final = re.compile(
    r"^\s*(?:>>> )?(?:from|import) (?:attribution|crawler|graphs)\b"
    r"|[\"'`](?:attribution|crawler|graphs)\.(?!toml\b|py\b|md\b)[a-z_]+",
    re.MULTILINE,
)

_OF_OLD_VERSIONS: Final = (
    "tests/test_import_root.py",
    "benchmarks/honest_event_rows.py",
    "benchmarks/honest_judged.py",
    "benchmarks/honest_rows.py",
)
"""This file, and benchmarks that also run in version 0.2.0, which had the packages at the top."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the packages and their settings, with its links as they are."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("waterbed", *BESIDE):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("name", BESIDE)
def test_a_package_beside_is_a_relative_link(name: str) -> None:
    """The links are tracked as links, and lead to the folder beside."""
    link = ROOT / "waterbed" / name
    assert link.readlink() == Path("..", name)
    assert (link / "__init__.py").samefile(ROOT / name / "__init__.py")


def test_no_text_names_a_package_without_its_root() -> None:
    """A bare name would load a second copy of a module: none stands in code, settings, strings or documentation."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.md", "*.toml", "*.cfg", "*.ipynb", "*.yml", "*.yaml", "Makefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / name for name in listed.stdout.splitlines() if name not in _OF_OLD_VERSIONS]
    found = {
        f"{path.relative_to(ROOT)}: {match.group().strip()}"
        for path in files
        if not path.is_symlink() and path.is_file()
        for match in _BARE.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == set()
    assert _BARE.search('SPIDER_MODULES = ["crawler.spiders"]')
    assert _BARE.search("    from graphs.hops import hops\n")


def test_a_type_error_in_each_folder_is_found(tmp_path: Path) -> None:
    """Mypy, with the project's own settings, sees into the linked folders."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "waterbed").mkdir()
    (tmp_path / "waterbed" / "__init__.py").touch()
    for name in BESIDE:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
        (tmp_path / name / "planted.py").write_text('count: int = "no number"\n')
        (tmp_path / "waterbed" / name).symlink_to(f"../{name}")
    told = _run(tmp_path, "-m", "mypy")
    assert [name for name in BESIDE if f"waterbed/{name}/planted.py:1: error" not in told] == []


def test_a_forbidden_import_in_each_folder_is_found(checkout: Path) -> None:
    """The import contracts see into the linked folders."""
    for name in BESIDE:
        (checkout / name / "planted.py").write_text("from waterbed.lab import run\n")
    told = _run(checkout, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache")
    assert [name for name in BESIDE if f"waterbed.{name}.planted -> waterbed.lab.run" not in told] == []


def _run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
