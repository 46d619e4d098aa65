"""Plug-ins: what other packages add, found by entry points."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from waterbed.model.errors import InputError
from waterbed.model.redaction import redact_dotted, shown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_log = getLogger(__name__)

INTERFACE: Final = 1
"""Version of the interfaces; a plug-in says for which it was made."""
SEE: Final = "docs/plugins.md"

KINDS: Final[Mapping[str, str]] = {
    "reports": "a form of reports files: import --format NAME, and its detection",
    "tables": "a form of dated tables: tables add",
    "link_checks": "endpoints that say if a file exists: plugins = [NAME] in link-checks.toml",
    "rules": "rules of verdicts: rejudge --rules NAME",
    "rankings": "what is ranked: rank --by NAME",
    "exports": "files beside a publication: publish.plugins in waterbed.toml",
    "pages": "a page of a publication: publish.plugins in waterbed.toml",
    "questions": "commands of a question",
}
"""What can be added, and where it is asked for; the group of entry points is `waterbed.KIND`."""

_NAME: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,59}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file that a package brings: rules, or link checks.

    `path` is that of the TOML file.
    """

    path: Path
    interface: int = INTERFACE


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugIn:
    """One plug-in that was found."""

    kind: Annotated[str, "what it adds"]
    name: Annotated[str, "its name, as asked for"]
    package: Annotated[str, "the package that brings it, and its version"]
    problem: Annotated[str, "why it is left out; empty: it is used where it is asked for"]


_TOLD = set[PlugIn]()
"""Plug-ins whose problem is in the log."""


def added(kind: str, cls: type[T], built_in: Mapping[str, object]) -> dict[str, T]:
    """The usable plug-ins of a kind, by name.

    One that fails to load, is no `cls`, was made for another interface, or has the name of something built in or of
    another plug-in, is left out and named in the log, once.
    """
    found = {}
    for one, value in _loaded(kind, cls, built_in):
        if one.problem and one not in _TOLD:
            _TOLD.add(one)
            _log.warning("plug-in %s of %s is left out: %s; see waterbed plugins", one.name, one.package, one.problem)
        if not one.problem:
            found[one.name] = value
    return found


def listed(expected: Mapping[str, tuple[type, Mapping[str, object]]]) -> list[PlugIn]:
    """All plug-ins; `expected` gives class and built-in of each kind."""
    return [one for kind, (cls, built_in) in expected.items() for one, _ in _loaded(kind, cls, built_in)]


def named(kind: str, cls: type[T], built_in: Mapping[str, T], name: str, option: str, see: str) -> T:
    """Find something built in or added by its name.

    InputError for another name: `option` begins the sentence, `see` is the page that describes what is built in.
    """
    if name in built_in:
        return built_in[name]
    more = added(kind, cls, built_in)
    if name not in more:
        some = ", ".join((*built_in, *more)) or "a plug-in's"
        raise InputError(f"{option} {shown(name)} is not known; one of {some} was expected ({see})")
    return more[name]


def called(name: str, call: Callable[[], T]) -> T:
    """Call a plug-in; InputError names it if it fails.

    What it says is left out: it may hold an address. Of a sentence about its input, addresses are. What it prints goes
    to standard error, not into our tables.
    """
    try:
        with redirect_stdout(sys.stderr):
            return call()
    except KeyboardInterrupt:
        raise
    except InputError as problem:
        raise InputError(f"the plug-in {name} says: {redact_dotted(str(problem))}") from None
    except BaseException as problem:
        raise InputError(
            f"the plug-in {name} failed with {type(problem).__name__}: leave it out, or ask its author ({SEE})"
        ) from None


def is_text(made: object) -> bool:
    """True for a text that can be written."""
    try:
        return isinstance(made, str) and made.encode() is not None
    except UnicodeEncodeError:
        return False


def _loaded(kind: str, cls: type, taken: Iterable[str]) -> list[tuple[PlugIn, Any]]:
    """The plug-ins of a kind with their values, in order of name and package."""
    from importlib.metadata import entry_points  # noqa: PLC0415 (slow to load, and seldom asked for)

    found: list[tuple[PlugIn, Any]] = []
    seen = set(taken)
    for entry in sorted(entry_points(group=f"waterbed.{kind}"), key=lambda entry: (entry.name, _package(entry))):
        value, problem = _value(entry, cls)
        if not _NAME.fullmatch(entry.name):
            problem = "its name has other characters than letters, digits, dots, - and _"
        if not problem and entry.name in seen:
            problem = "the name is taken"
        seen.add(entry.name)
        found.append((PlugIn(kind=kind, name=entry.name, package=_package(entry), problem=problem), value))
    return found


def _value(entry: "EntryPoint", cls: type) -> tuple[Any, str]:
    try:
        with redirect_stdout(sys.stderr):
            value = entry.load()
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        return None, f"it does not load: {type(problem).__name__}: {problem}"
    if not isinstance(value, cls):
        return None, f"{entry.value} is a {type(value).__name__}, not a {cls.__name__}"
    made_for = getattr(value, "interface", None)
    if made_for != INTERFACE:
        return None, f"it is made for interface {made_for}, this is {INTERFACE}"
    return value, ""


def _package(entry: "EntryPoint") -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "a package without metadata"
