"""Libraries: each one that is imported is declared, and one whose private parts are used has an upper bound."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions, requires
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.markdown import ROOT
from tests.test_house import SOURCES
from waterbed.cli.app import _EXTRAS

_PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
_PARTS: Final = {"": _PROJECT["dependencies"]} | {name: _PROJECT["optional-dependencies"][name] for name in _EXTRAS}
_BY_NAME: Final = {
    "tomli-w": "msgspec writes TOML with it",
}
"""Libraries that no module imports, with who does."""
_PUBLIC: Final = {"_asdict", "_fields", "_make", "_mapping", "_replace"}
"""Documented for users in spite of their names: of named tuples, and of SQLAlchemy's rows."""
_OF_PYTHON: Final = {"_exit", "_run_exitfuncs", "_ssl", "_sslobj"}
"""Of the standard library, whose versions the tests run on."""
_OF_LIBRARIES: Final = {"_unset_keepalive_if_required": "uvicorn"}
"""Private names that we use, with the library whose they are."""


def _declared() -> dict[str, dict[str, Requirement]]:
    """Requirements by part and distribution; the part of a worker that crawls is empty."""
    return {part: {canonicalize_name(one.name): one for one in map(Requirement, said)} for part, said in _PARTS.items()}


@cache
def _trees() -> dict[str, ast.Module]:
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in SOURCES}


@cache
def _imported() -> dict[str, str]:
    """The distribution of each module of others that our code imports."""
    names = {name for tree in _trees().values() for name in _modules(tree)}
    roots = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"waterbed"}
    brought = packages_distributions()
    return {root: canonicalize_name(brought[root][0]) for root in roots}


def _modules(tree: ast.AST) -> set[str]:
    """Dotted names of what a module imports, wherever it does."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def test_each_library_is_declared_by_who_imports_it() -> None:
    """None comes by way of another one, which may leave it out one day; none is declared that nothing needs."""
    declared = {name for part in _declared().values() for name in part}
    imported = set(_imported().values())
    assert imported - declared == set(), "imported, and not declared"
    assert declared - imported == _BY_NAME.keys(), "declared, and not imported"


def _with_theirs(names: Iterable[str]) -> set[str]:
    """Distributions, and all that they need here."""
    found, todo = set[str](), list(names)
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            wanted = map(Requirement, requires(name) or ())
            todo += [
                canonicalize_name(one.name) for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})
            ]
    return found


def test_each_extra_names_the_modules_that_it_brings() -> None:
    """A command tells by them which part is missing: by no module that a worker has anyhow. `all` leaves out Spark."""
    modules = {name: name for name in _BY_NAME} | {of: module for module, of in _imported().items()}
    parts, plain = _declared(), _with_theirs(_declared()[""])
    assert {part: {modules[name] for name in parts[part].keys() - plain} for part in _EXTRAS} == {
        part: set(said.split()) for part, said in _EXTRAS.items()
    }
    assert _PROJECT["optional-dependencies"]["all"] == ["waterbed[analysis,exports,serve,postgresql]"]


def _private(tree: ast.AST, ours: set[str]) -> set[str]:
    """Private modules and attributes of others that a module uses; `ours` are names that any module of ours sets."""
    here = _set_in(tree)
    found = {name for name in _modules(tree) if not name.startswith("waterbed.") and _hidden(name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _hidden(node.attr):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if node.attr not in (ours if own else here):
                found.add(node.attr)
    return found - _PUBLIC - _OF_PYTHON


def _hidden(name: str) -> bool:
    return any(re.match(r"_(?!_)", part) for part in name.split("."))


def _set_in(tree: ast.AST) -> set[str]:
    """Names that a module gives to functions, classes, fields and attributes of its own objects."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            found.add(node.attr)
    return found


def test_a_library_whose_private_parts_are_used_has_an_upper_bound() -> None:
    """Its next version may have none of them: `uv` and `pip` do not take it before somebody has tried it."""
    ours = set().union(*map(_set_in, _trees().values()))
    used = {name: found for name, tree in _trees().items() if (found := _private(tree, ours))}
    assert set().union(*used.values()) == _OF_LIBRARIES.keys(), used
    wanted = {name: one for part in _declared().values() for name, one in part.items()}
    for library in _OF_LIBRARIES.values():
        assert any(bound.operator == "<" for bound in wanted[library].specifier), library


@pytest.mark.parametrize(
    "text",
    [
        *(
            "from scrapy.core.downloader.handlers._aiohttp import Handler",
            "import scrapy._one",
            "from lxml import _two",
        ),
        *("client._session.close()", "class A(Base):\n    def f(self): self._of_base()", "client.session._retry = 1"),
    ],
)
def test_a_private_part_is_seen(text: str) -> None:
    """Whatever way a module would reach it."""
    assert _private(ast.parse(text), {"_ours"})
    assert not _private(ast.parse("class A:\n    def f(self): self._ours = self.__dict__\nrow._mapping\n"), {"_ours"})
