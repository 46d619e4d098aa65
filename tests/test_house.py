"""The house itself: layers, file sizes, the safe profile, what ships."""

import ast
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import grimp
import networkx as nx
import pytest
from hypothesis import settings
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import Settings

from crawler.addon import SAFE
from crawler.spiders.recheck import RecheckSpider
from waterbed.lab.world.file import read_world, scenario_path
from waterbed.model import bookkeeping, conclusions

ROOT = Path(__file__).parents[1]
ROOMS = ("waterbed", "crawler", "attribution", "graphs")
SOURCES = [p for room in ROOMS for p in (ROOT / room).rglob("*.py")]


def test_imports_go_down_only() -> None:
    """The import contracts of pyproject.toml hold."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_no_module_imports_itself_by_way_of_others() -> None:
    """There is no import cycle, imports within functions and for types included."""
    imports = grimp.build_graph(*ROOMS, cache_dir=None)
    edges = nx.DiGraph((a, b) for a in imports.modules for b in imports.find_modules_directly_imported_by(a))
    assert [sorted(cycle) for cycle in nx.strongly_connected_components(edges) if len(cycle) > 1] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_each_file_says_what_may_go_in(path: Path) -> None:
    """Every module starts with one sentence about itself and stays readable in one sitting."""
    text = path.read_text()
    assert text.startswith('"""')
    assert len(text.splitlines()) <= 450


def test_every_field_of_the_schema_has_a_meaning() -> None:
    """Each field of each fact and conclusion is annotated with what it means."""
    from waterbed.model.codec import columns

    named = [c for c in vars(conclusions).values() if isinstance(c, type) and hasattr(c, "__dataclass_fields__")]
    for cls in (*bookkeeping.STORED, *named):
        described = columns(cls)
        assert set(described) == {field.name for field in fields(cls)}
        assert all(len(meaning) > 5 for _, _, meaning in described.values())
        assert not {"at", "from", "to"} & set(described)


def test_a_crawler_cannot_unlock_the_safe_profile() -> None:
    """Settings from project or command line do not open what the add-on locked."""
    settings = Settings()
    settings.setmodule("crawler.settings")
    for name, value in (
        ("TELNETCONSOLE_ENABLED", True),
        ("HTTPCACHE_ENABLED", True),
        ("JOBDIR", "jobs"),
        ("COOKIES_ENABLED", True),
        ("FEEDS", {"out.json": {"format": "json"}}),
        ("DOWNLOAD_HANDLERS", {"http": "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"}),
    ):
        settings.set(name, value, priority="cmdline")
    crawler = AsyncCrawlerRunner(settings).create_crawler(RecheckSpider)
    crawler._apply_settings()
    for name, value in SAFE.items():
        got = crawler.settings.get(name)
        assert (dict(got) if isinstance(value, dict) else got) == value, name
    handlers = crawler.settings.getwithbase("DOWNLOAD_HANDLERS")
    assert [scheme for scheme in handlers if handlers[scheme]] == ["look", "registry"]


@pytest.mark.parametrize("name", ["quiet", "waterbed", "hostile"])
def test_scenarios_ship(name: str) -> None:
    """The three scenario files are found by name and are good worlds."""
    assert read_world(scenario_path(name)).name == name


def test_no_name_of_a_machine_is_in_the_project() -> None:
    """No path of one machine and no suppressed test stands anywhere in the project."""
    done = subprocess.run(
        [
            "git",
            "grep",
            "-nIE",
            r"/(home|root|work)/[a-z]|pytest\.mark\.(skip|xfail)\b",
            "--",
            "*.py",
            "*.md",
            "*.toml",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if "tests/test_house.py" not in line]
    assert found == []


def test_examples_are_the_same_each_time_but_in_make_prove() -> None:
    """Property tests pass anywhere or nowhere; `make prove` draws new examples."""
    same, prove = settings.get_profile("same"), settings.get_profile("prove")
    assert (same.derandomize, prove.derandomize) == (True, False)
    assert same.deadline is prove.deadline is None
    assert "--hypothesis-profile=prove" in (ROOT / "Makefile").read_text().partition("\nprove:")[2]


_QUESTIONS = {"What", "Who", "Whether", "Which", "So", "Nor", "Nothing", "How", "That", "Whatever", "Why"}


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if not p.name.endswith("_sql.py") and "migrations" not in p.parts], ids=lambda p: p.name
)
def test_first_lines_are_short_and_plain(path: Path) -> None:
    """The first line of each public docstring has at most ten words and begins with none that asks or denies."""
    tree = ast.parse(path.read_text())
    named = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
    public = [tree, *(one for one in named if not one.name.startswith("_"))]
    first = [(ast.get_docstring(one) or "-").partition("\n")[0].split() for one in public]
    assert [" ".join(words) for words in first if len(words) > 10 or words[0] in _QUESTIONS] == []
