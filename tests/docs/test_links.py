"""Links, and what the program's own messages refer to."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.markdown import PAGES, ROOT, anchor, headings, page, prose, rows, spans

SOURCES = sorted(
    path for room in ("waterbed", "crawler", "attribution", "graphs") for path in (ROOT / room).rglob("*.py")
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_NAMED = re.compile(r"docs/([\w/.-]+\.md)(?:, ([A-Z][A-Za-z]*(?: [A-Za-z]+)*))?")


def _texts(path: Path) -> Iterator[str]:
    """Every string in a module, adjacent literals joined."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    """Each relative link names a file that exists, and a heading in it if it names one."""
    for link in _LINK.findall(prose(path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, heading = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        if heading:
            assert heading in map(anchor, headings(target.read_text(encoding="utf-8"))), link


def test_pages_named_in_messages_exist() -> None:
    """A page that the source sends its user to exists, and its section, which stands by name behind a comma."""
    found = {(named, text) for path in SOURCES for text in _texts(path) for named in _NAMED.findall(text)}
    assert len(found) > 20
    assert not [text for path in SOURCES for text in _texts(path) if re.search(r"docs/[\w/.-]+\.md#", text)]
    for (name, heading), text in found:
        assert (ROOT / "docs" / name).is_file(), text
        if heading:
            assert heading in headings(page(name)), text


def test_paths_named_in_pages_exist() -> None:
    """A path of the project that stands in inline code is there."""
    rooms = ("waterbed/", "crawler/", "attribution/", "graphs/", "tests/", "docs/")
    for path in PAGES:
        for span in re.findall(r"`([^`\n]+)`", prose(path.read_text(encoding="utf-8"))):
            if span.startswith(rooms) and re.fullmatch(r"[\w/.-]+", span):
                assert (ROOT / span).exists(), f"{path.name}: {span}"


def test_pages_of_benchmarks_name_programs_that_are_there() -> None:
    """A program named alone is beside the page; any other has its path in the project."""
    pages = (ROOT / "benchmarks").glob("*.md")
    named = {span.split()[0] for path in pages for span in spans(path.read_text(encoding="utf-8")) if ".py" in span}
    programs = {name for name in named if re.fullmatch(r"[\w/]+\.py", name)}
    assert {"recheck.py", "tests/publish/test_differencing.py"} <= programs
    assert not [name for name in programs if not (ROOT / ("" if "/" in name else "benchmarks") / name).exists()]


def test_each_word_is_held_by_something() -> None:
    """What the ontology says holds a word can be imported."""
    words = rows(page("ontology.md"))
    assert len(words) > 50
    for word, _, holder in words:
        dotted = holder.strip("`")
        try:
            import_module(dotted)
        except ModuleNotFoundError:
            module, _, name = dotted.rpartition(".")
            assert hasattr(import_module(module), name), f"{word}: {dotted}"


def test_no_word_is_defined_twice() -> None:
    """The ontology gives each word one meaning."""
    words = [word for word, *_ in rows(page("ontology.md"))]
    assert sorted(set(words)) == sorted(words)


def test_decisions_are_numbered_and_whole() -> None:
    """Decisions have consecutive numbers and the same three sections."""
    found = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in found] == list(range(1, len(found) + 1))
    for path in found:
        title, *rest = headings(path.read_text(encoding="utf-8"))
        assert title.startswith(path.name[:4]), path.name
        assert rest == ["Context", "Decision", "Consequences"], path.name
