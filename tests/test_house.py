"""The house itself: layers, file sizes, the safe profile, what ships."""

import ast
import re
import subprocess
import sys
from collections import Counter
from dataclasses import fields
from pathlib import Path

import grimp
import networkx as nx
import pytest
from hypothesis import settings
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import Settings

from waterbed.crawler.addon import SAFE
from waterbed.crawler.spiders.recheck import RecheckSpider
from waterbed.lab.world.reading import read_world, scenario_path
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
    imports = grimp.build_graph("waterbed", cache_dir=None)
    edges = nx.DiGraph((a, b) for a in imports.modules for b in imports.find_modules_directly_imported_by(a))
    assert [sorted(cycle) for cycle in nx.strongly_connected_components(edges) if len(cycle) > 1] == []


def test_each_file_says_what_may_go_in() -> None:
    """Every module starts with one sentence about itself and stays readable in one sitting."""
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in SOURCES}
    assert [name for name, text in texts.items() if not text.startswith('"""')] == []
    assert {name: lines for name, text in texts.items() if (lines := len(text.splitlines())) > 450} == {}


def test_shares_are_spelled_in_one_place() -> None:
    """No format of percent but `model.spelling.percent`, which says neither 0 nor 100 unless it is."""
    shown = [path for path in SOURCES if path.parts[len(ROOT.parts)] in ("waterbed", "crawler", "graphs")]
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in shown
        if "estimators" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if _formats_percent(node)
    }
    assert found == set()


def _formats_percent(node: ast.AST) -> bool:
    if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
        last = node.format_spec.values[-1]
        return isinstance(last, ast.Constant) and last.value.endswith("%")
    return isinstance(node, ast.Call) and any(
        isinstance(one, ast.Constant) and isinstance(one.value, str) and re.fullmatch(r"\d*\.\d%", one.value)
        for one in node.args
    )


def test_no_room_has_more_files_than_one_overlooks() -> None:
    """A folder has at most thirty modules, but migrations: what belongs together has a folder of its own."""
    rooms = Counter(str(path.parent.relative_to(ROOT)) for path in SOURCES if path.name != "__init__.py")
    assert {
        room: files for room, files in rooms.items() if files > 30 and not room.endswith("migrations/versions")
    } == {}


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
    settings.setmodule("waterbed.crawler.settings")
    for name, value in (
        ("TELNETCONSOLE_ENABLED", True),
        ("HTTPCACHE_ENABLED", True),
        ("JOBDIR", "jobs"),
        ("COOKIES_ENABLED", True),
        ("ITEM_PIPELINES", {"mine": 1}),
        ("FEED_STORAGES_BASE", {"s3": "scrapy.extensions.feedexport.S3FeedStorage"}),
        ("DOWNLOAD_HANDLERS", {"http": "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"}),
    ):
        settings.set(name, value, priority="cmdline")
    crawler = AsyncCrawlerRunner(settings).create_crawler(RecheckSpider)
    crawler._apply_settings()
    for name, value in SAFE.items():
        got = crawler.settings.get(name)
        assert (dict(got) if isinstance(value, dict) else got) == value, name
    assert "waterbed.crawler.recheck.pipeline.PassPipeline" in crawler.settings.getdict("ITEM_PIPELINES")
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


def test_continuous_integration_runs_what_make_test_leaves_out() -> None:
    """The long tests, by the Makefile's own command; no other mark is left out."""
    target = (ROOT / "Makefile").read_text().partition("\ntest:")[2].partition("\n\n")[0]
    assert re.findall(r'-m "(.*?)"', target) == ["not long"]
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-2:] == ["make test", 'make test T="-m long"']


def test_messages_name_the_page_to_read_alike() -> None:
    """In parentheses, once, at the end of what they say."""
    odd = re.compile(r"\(\(docs/|[;,] \(docs/|[;,] see \{?_?(docs/|SEE|PAGE)|\(\{_?SEE\}\)\)|; \(\{_?(SEE|see)\}\)")
    messages = [path for path in SOURCES if not path.name.startswith("test_")]
    found = {str(path.relative_to(ROOT)): odd.findall(path.read_text()) for path in messages}
    published = ("measures/about", "measures/actors", "measures/ranking_tables", "questions/ranking/borrowed")
    method = {f"waterbed/{name}.py" for name in published}  # methods, which stand in files
    assert {name for name, lines in found.items() if lines} == method


def test_first_lines_are_short_and_plain() -> None:
    """The first line of each public docstring has at most 120 characters, and no first word that asks or denies."""
    paths = [path for path in SOURCES if "migrations" not in path.parts]
    found = {str(path.relative_to(ROOT)): _long_or_asking(ast.parse(path.read_text())) for path in paths}
    assert {name: lines for name, lines in found.items() if lines} == {}


def _long_or_asking(tree: ast.Module) -> list[str]:
    named = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
    public = [tree, *(one for one in named if not one.name.startswith("_"))]
    first = [(ast.get_docstring(one) or "-").partition("\n")[0].split() for one in public]
    return [line for words in first if len(line := " ".join(words)) > 120 or words[0] in _QUESTIONS]


_READS = {"read_text", "read_bytes", "read_table", "ParquetFile", "input_stream", "copyfileobj"}
_PARSES = {"json.load", "json.loads", "pickle.load"} | {
    f"msgspec.{name}" for name in ("json.decode", "json.Decoder", "toml.decode")
}
_LIBRARIES = {"tomllib", "gzip", "bz2", "lzma", "zipfile", "tarfile", "zlib", "mmap"}
_OURS = {
    "lists and texts that come with the program": {
        *("attribution/hosters/book.py", "attribution/hosters/files.py", "attribution/lookups/dns/infrastructure.py"),
        *("attribution/lookups/rdap/bootstrap.py", "attribution/rules.py", "crawler/probe/features.py"),
        "crawler/probe/pages.py",
        *("waterbed/governance/protocol/lock.py", "waterbed/study/link_signs.py", "waterbed/study/look_reader.py"),
        *("waterbed/model/urls.py", "waterbed/publish/freeze/layout.py", "waterbed/shown/layout.py"),
        *("waterbed/store/described.py", "waterbed/cli/commands/docs.py"),
    },
    "values that this process made": {
        *("waterbed/questions/fact_sheet/command.py", "waterbed/publish/api/app.py", "waterbed/publish/notebook.py"),
        *("waterbed/publish/stix.py", "waterbed/intake/worker.py", "waterbed/lab/world/names.py"),
        *("waterbed/lab/servers/pages.py", "waterbed/lab/servers/link_checks.py", "waterbed/publish/api/answers.py"),
        "waterbed/study/streams.py",
        "crawler/crew.py",
    },
    "columns of the store": {
        *("waterbed/governance/protocol/deviations.py", "waterbed/store/bulk.py", "waterbed/store/lake/reading.py"),
        "waterbed/store/tables.py",
    },
    "files that the study or its service wrote": {
        *("waterbed/store/whole/files.py", "waterbed/store/whole/replacing.py", "waterbed/store/whole/unfinished.py"),
        "waterbed/publish/edition.py",
        "waterbed/publish/api/source.py",
        *("waterbed/store/backup/make.py", "waterbed/store/lake/lake.py", "waterbed/store/lake/manifest.py"),
        *("waterbed/store/lake/storage.py", "waterbed/store/lake/verifying.py", "waterbed/store/folder.py"),
        *("waterbed/store/schema.py", "waterbed/store/vault.py", "waterbed/store/networks.py"),
        *(
            "waterbed/store/authentic.py",
            "waterbed/store/kept.py",
            "waterbed/store/spool.py",
            "waterbed/study/digest.py",
        ),
    },
    "bytes whose number `waterbed.store.bounded` has bounded": {
        *("attribution/lookups/tables/folders.py", "attribution/lookups/tables/organisations.py"),
        "attribution/lookups/tables/covariates.py",
        *("waterbed/publish/sharing/pool.py", "waterbed/store/frozen.py", "waterbed/store/backup/manifest.py"),
        "waterbed/store/backup/restore.py",
    },
    "a package that its registry's client has verified": {"waterbed/study/sources.py"},
    "the null device, for streams that were closed": {"waterbed/shown/streams.py"},
}
"""Files that read or parse by themselves, by why they may."""


def _reads(tree: ast.AST) -> set[str]:
    """Calls and imports by which a module reads a file, or parses what it holds."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name in _LIBRARIES}
        elif isinstance(node, ast.ImportFrom) and node.module in _LIBRARIES:
            found.add(node.module)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            last = name.rpartition(".")[2]
            mode = " ".join(ast.unparse(one) for one in [*node.args, *(key.value for key in node.keywords)])
            opens = last == "open" and not any(written in mode for written in ("'w", "'a'", "'x", "O_WRONLY"))
            if last in _READS or name in _PARSES or (opens and _opens_a_file(node, name)):
                found.add(name)
    return found


def _opens_a_file(node: ast.Call, name: str) -> bool:
    """True unless it is one of our own methods of that name: the vault's, a session's."""
    return not ((node.args and name.endswith("vault.open")) or "session" in name)


def test_what_others_wrote_is_read_by_one_reader() -> None:
    """Only `waterbed.store.bounded` opens and parses files; each other module that does is listed with its reason."""
    reading = {
        str(path.relative_to(ROOT)): found
        for path in SOURCES
        if path.parent != ROOT / "waterbed" / "store" / "bounded" and (found := _reads(ast.parse(path.read_text())))
    }
    allowed = set().union(*_OURS.values())
    assert {name: found for name, found in reading.items() if name not in allowed} == {}
    assert allowed - reading.keys() == set(), "listed, and reads nothing"


@pytest.mark.parametrize(
    "text",
    [
        *("path.read_text()", "path.read_bytes()", "path.open()", "path.open('rb')", "open(path)", "io.open(path)"),
        *("json.loads(text)", "import gzip", "from zipfile import ZipFile", "pq.read_table(path)", "os.open(path, 0)"),
        "msgspec.toml.decode(path)",
    ],
)
def test_a_reader_of_its_own_is_seen(text: str) -> None:
    """Whatever way a module would read a file by itself."""
    assert _reads(ast.parse(text))
    assert not _reads(ast.parse("path.open('wb')\nself.vault.open(entry)\njson.dumps(1)"))
