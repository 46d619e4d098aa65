"""The site of the documentation: built without a warning, whole, and without a network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

ROOMS = ("tutorials", "howto", "concepts", "reference")
_ASSET = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=\"([^\"]+)\"")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make docs` makes; a warning fails it: links that lead nowhere, pages in no room."""
    out = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", out / "trees"]
    done = subprocess.run(
        [*words, "-c", ROOT / "docs", ROOT, out / "html"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return out / "html"


def test_every_page_stands_in_a_room(site: Path) -> None:
    """The start leads to four rooms, and these to every page of docs/."""
    start = (site / "docs" / "README.html").read_text()
    assert all(f'href="{room}.html"' in start for room in ROOMS)
    assert "url=docs/README.html" in (site / "index.html").read_text()
    rooms = "".join((ROOT / "docs" / f"{room}.md").read_text() for room in ROOMS)
    pages = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    own = {page for page in pages if not page.startswith("decisions/")} - {*ROOMS, "README"}
    assert {page for page in own if not re.search(rf"^{re.escape(page)}$", rooms, re.MULTILINE)} == set()


def test_the_site_asks_nothing_of_any_network(site: Path) -> None:
    """Scripts, styles, fonts and pictures lie beside the pages, and so does the index that is searched."""
    assert (site / "searchindex.js").stat().st_size > 100_000
    asked = {link for path in site.rglob("*.html") for link in _ASSET.findall(path.read_text())}
    assert {link for link in asked if re.match(r"(?:https?:)?//", link)} == set()


def test_functions_for_notebooks_are_described(site: Path) -> None:
    """The Python page has what the modules' own texts say."""
    page = (site / "docs" / "python.html").read_text()
    assert "waterbed.publish.notebook" in page
