"""Wheel and sdist: each is whole, and an installed wheel needs no clone."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

_BUILD = "import setuptools.build_meta as b, sys; out = sys.argv[1]; b.build_sdist(out); b.build_wheel(out)"


def _tracked() -> set[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in done.stdout.splitlines() if (ROOT / name).exists()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both, built from a copy of what git knows."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in _tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        # the folders of one package root are links
        shutil.copy(ROOT / name, source / name, follow_symlinks=False)
    subprocess.run([sys.executable, "-c", _BUILD, out], cwd=source, capture_output=True, check=True)
    return out


def test_the_sdist_is_the_clone(built: Path) -> None:
    """Every file that git knows is in the sdist: whoever has it alone can check and change everything."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert _tracked() - names == set()


def test_the_wheel_has_each_page_that_messages_name(built: Path) -> None:
    """Pages of docs/ lie in the wheel, and tests do not."""
    (path,) = built.glob("*.whl")
    names = zipfile.ZipFile(path).namelist()
    laid = {name.rpartition("/")[2] for name in names if "/share/waterbed/docs/" in name}
    assert laid == {page.name for page in (ROOT / "docs").glob("*.md")}
    assert [name for name in names if name.startswith(("tests/", "benchmarks/", "examples/"))] == []


def test_an_installed_wheel_prints_its_pages_and_lists_its_spiders(built: Path, tmp_path: Path) -> None:
    """`waterbed docs` finds a page and a section by the words of a message, `scrapy list` spiders, without a clone."""
    (wheel,) = built.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    install = [sys.executable, "-m", "pip", "--python", tmp_path / "env/bin/python", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, wheel], check=True)
    (place,) = (tmp_path / "env/lib").glob("python3*/site-packages")
    others = next(path for path in sys.path if Path(path, "typer").is_dir())
    (place / "others.pth").write_text(others)

    def ran(*words: str, **variables: str) -> tuple[int, str]:
        environment = {**os.environ, "COLUMNS": "80"} | variables
        whole = [tmp_path / "env/bin/python", *words]
        done = subprocess.run(whole, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def said(*words: str) -> tuple[int, str]:
        return ran(str(tmp_path / "env/bin/waterbed"), "docs", *words)

    assert ran("-m", "scrapy", "list", SCRAPY_SETTINGS_MODULE="waterbed.crawler.settings") == (0, "recheck\nregistry\n")
    code, text = said("docs/operations.md,", "Quarantine")
    assert (code, text.splitlines()[0]) == (0, "## Quarantine")
    assert "\n## " not in text
    code, text = said()
    assert code == 0
    assert re.search("^intake +Intake", text, re.MULTILINE)
    assert said("nowhere")[0] == said("operations", "Nowhere")[0] == 2
