"""Wheel, sdist and image: each is whole and holds nothing else; an installed wheel needs no clone, beside any other."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.docs.markdown import ROOT

_SDIST = "import setuptools.build_meta as b, sys; b.build_sdist(sys.argv[1])"
SECRET = b"what nobody else may have"
PLANTED = (
    *(".git/config", "keys/password", "data/study/waterbed.toml", "data/study/store.db", "waterbed.toml", "study/keys"),
    *("docs/examples/keys/pgpass", "docs/examples/keys/keys", "docs/examples/data/study/vault.db"),
)
"""Files beside those of a clone: the compose file has them made, or whoever tries Waterbed in a clone."""


def _tracked() -> set[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in done.stdout.splitlines() if (ROOT / name).exists()}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git knows, with secrets planted beside it, sdist and wheel made in dist/."""
    clone = tmp_path_factory.mktemp("clone")
    for name in _tracked():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        # the folders of one package root are links
        shutil.copy(ROOT / name, clone / name, follow_symlinks=False)
    for name in PLANTED:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_bytes(SECRET)
    subprocess.run([sys.executable, "-c", _SDIST, clone / "sdist"], cwd=clone, capture_output=True, check=True)
    installed = f"{sys.prefix}/installed"
    make = ["make", f"--old-file={installed}", "dist", f"VENV={sys.prefix}"]
    subprocess.run(make, cwd=clone, capture_output=True, check=True)
    return clone


@pytest.fixture
def wheel(clone: Path) -> Path:
    """The wheel."""
    (path,) = clone.glob("dist/*.whl")
    return path


def test_the_sdist_is_the_clone(clone: Path) -> None:
    """Every file that git knows is in the sdist, and no other: whoever has it alone can check and change everything."""
    (path,) = clone.glob("sdist/*.tar.gz")
    with tarfile.open(path) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert _tracked() - names == set()
    assert names.isdisjoint(PLANTED)


def test_the_wheel_has_one_package_and_each_page_that_messages_name(wheel: Path) -> None:
    """Pages of docs/ lie in the wheel; beside them it holds files that git knows, below one name, and no other."""
    version = wheel.name.split("-")[1]
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        assert [name for name in names if SECRET in packed.read(name)] == []
    pages = {name for name in names if name.startswith(f"waterbed-{version}.data/data/share/waterbed/docs/")}
    assert {name.rpartition("/")[2] for name in pages} == {page.name for page in (ROOT / "docs").glob("*.md")}
    others = {name for name in names if not name.startswith(f"waterbed-{version}.dist-info/")} - pages
    assert {name.partition("/")[0] for name in others} == {"waterbed"}
    beside = re.compile("waterbed/(?=(crawler|attribution|graphs)/)")
    assert {beside.sub("", name) for name in others} - _tracked() == set()


def _let_in(clone: Path, *, context: str = "", copied: str = "") -> set[str]:
    """Files of a clone that the example's image takes into its layers.

    `context` and `copied`, if given, stand for what the compose file and the Containerfile say.
    """
    example = clone / "docs/examples/compose.yaml"
    build = yaml.safe_load(example.read_text())["x-waterbed"]["build"]
    folder = (example.parent / (context or build["context"])).resolve()
    lines = (folder / build["dockerfile"]).read_text().replace("\\\n", " ").splitlines()
    assert not [line for line in lines if "--mount" in line or line.upper().startswith("ADD ")], "not counted here"
    sources = [word for line in lines if line.upper().startswith("COPY ") for word in line.split()[1:-1]]
    found = set[Path]()
    for source in [copied] if copied else sources:
        for path in [folder / source] if (folder / source).exists() else folder.glob(source):
            found |= set(path.rglob("*")) if path.is_dir() else {path}
    return {str(path.relative_to(clone)) for path in found if path.is_file()}


def test_an_image_is_built_from_the_wheel_alone(clone: Path, wheel: Path) -> None:
    """Keys, data, a store and the history that lie in the clone come neither into the context nor into a layer."""
    laid = {str(path.relative_to(clone)) for path in (clone / "dist").rglob("*")}
    assert laid == {"dist/Containerfile", "dist/requirements.lock", f"dist/{wheel.name}"}
    assert _let_in(clone) == laid - {"dist/Containerfile"}


@pytest.mark.parametrize(("context", "copied"), [("../..", "."), ("../..", "*"), (".", "*"), ("../..", "keys")])
def test_a_wider_image_is_seen(context: str, copied: str, clone: Path) -> None:
    """A context or a COPY that takes a planted file is told by the same count."""
    shutil.copy(clone / "Containerfile", clone / "docs/examples")
    assert _let_in(clone, context=context, copied=copied) & set(PLANTED)


def _environment(place: Path, wheels: Sequence[Path]) -> Path:
    """A new environment with these wheels, installed one after the other, and the libraries that run this."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    install = [sys.executable, "-m", "pip", "--python", place / "bin/python", "install", "--quiet", "--no-deps"]
    for wheel in wheels:
        subprocess.run([*install, "--no-index", wheel], check=True)
    (packages,) = (place / "lib").glob("python3*/site-packages")
    (packages / "others.pth").write_text(next(path for path in sys.path if Path(path, "typer").is_dir()))
    return packages


def _ran(place: Path, *words: str, **variables: str) -> tuple[int, str]:
    """Run a program of an environment beside it: its exit code, and all that it said."""
    done = subprocess.run(
        [place / "bin" / words[0], *words[1:]],
        cwd=place.parent,
        env={**os.environ, "COLUMNS": "80"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_an_installed_wheel_prints_its_pages_and_lists_its_spiders(wheel: Path, tmp_path: Path) -> None:
    """`waterbed docs` finds a page and a section by the words of a message, `scrapy list` spiders, without a clone."""
    place = tmp_path / "env"
    _environment(place, [wheel])
    listed = _ran(place, "python", "-m", "scrapy", "list", SCRAPY_SETTINGS_MODULE="waterbed.crawler.settings")
    assert listed == (0, "recheck\nregistry\n")
    code, text = _ran(place, "waterbed", "docs", "docs/operations.md,", "Quarantine")
    assert (code, text.splitlines()[0]) == (0, "## Quarantine")
    assert "\n## " not in text
    code, text = _ran(place, "waterbed", "docs")
    assert code == 0
    assert re.search("^intake +Intake", text, re.MULTILINE)
    assert [_ran(place, "waterbed", "docs", *words)[0] for words in (("nowhere",), ("operations", "Nowhere"))] == [2, 2]


def _of_the_same_name(name: str, folder: Path) -> Path:
    """A wheel of another project whose package has the name of a folder of ours."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    files = {
        f"{name}/__init__.py": "THEIRS = True\n",
        f"{name}/attribute.py": "THEIRS = True\n",
        f"{name}/settings.py": "THEIRS = True\n",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{name}-1.0.dist-info/RECORD"
    with zipfile.ZipFile(path, "w") as packed:
        for place, text in files.items():
            packed.writestr(place, text)
        packed.writestr(record, "".join(f"{place},,\n" for place in (*files, record)))
    return path


def _changed(packages: Path, wheels: Sequence[Path]) -> set[str]:
    """Files of wheels that an environment has no longer, or has otherwise."""
    found = set()
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as packed:
            for name in packed.namelist():
                if ".data/" in name or ".dist-info/" in name:
                    continue
                path = packages / name
                if not path.is_file() or path.read_bytes() != packed.read(name):
                    found.add(name)
    return found


_ALL = """
import importlib, pkgutil, attribution, crawler
import waterbed.attribution, waterbed.crawler, waterbed.graphs
for room in (waterbed.attribution, waterbed.crawler, waterbed.graphs):
    for one in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        importlib.import_module(one.name)
assert attribution.THEIRS and crawler.THEIRS and not hasattr(waterbed.crawler, "THEIRS")
"""


@pytest.mark.parametrize("order", [1, -1])
def test_packages_of_the_same_names_change_nothing(order: int, wheel: Path, tmp_path: Path) -> None:
    """With others' `attribution` and `crawler` before or after: all files stay, and all modules of all three load."""
    wheels = [*(_of_the_same_name(name, tmp_path) for name in ("attribution", "crawler")), wheel][::order]
    packages = _environment(tmp_path / "env", wheels)
    assert _changed(packages, wheels) == set()
    assert _ran(tmp_path / "env", "python", "-c", _ALL) == (0, "")


@pytest.mark.long
def test_the_demo_runs_beside_packages_of_the_same_names(wheel: Path, tmp_path: Path) -> None:
    """`waterbed demo` crawls, attributes, and draws hops, where others' packages were installed before and after."""
    before, after = (_of_the_same_name(name, tmp_path) for name in ("attribution", "crawler"))
    packages = _environment(tmp_path / "env", [before, wheel, after])
    code, said = _ran(tmp_path / "env", "waterbed", "demo", "--scenario", "quiet")
    assert (code, (tmp_path / "demo/published/index.html").exists()) == (0, True), said
    assert _changed(packages, [before, wheel, after]) == set()
