"""Command lines in the pages, against the command line that there is."""

import re
import shlex
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tests.docs.markdown import PAGES, ROOT, blocks, spans
from waterbed.cli.app import app
from waterbed.model.errors import InputError

ROOT_COMMAND: Any = typer.main.get_command(app)
_START = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:[\w./-]*/)?waterbed\s+(?=\S)")


def _lines(text: str) -> Iterator[str]:
    """Each command line in fenced and inline code, without prompt, comment and description."""
    for block in blocks(text):
        yield from re.sub(r"\\\n\s*", "", block).splitlines()
    yield from spans(text)


def commands(text: str) -> Iterator[list[str]]:
    """The words after `waterbed` of each command line."""
    for line in _lines(text):
        start = _START.match(line.strip())
        if start:
            words = re.split(r"\s#\s|\s{2,}|\s[|>]\s", line.strip()[start.end() :])[0]
            yield shlex.split(re.sub(r"[\[\]]", "", words))


def problem(words: list[str]) -> str | None:
    """What is wrong with a command line's words, None if nothing is."""
    command, path = ROOT_COMMAND, "waterbed"
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.startswith("-") and len(word) > 1:
            name, given, value = word.partition("=")
            option = _options(command).get(name)
            if option is None and name != "--help":
                return f"{path} has no option {name}"
            if option is not None and not option.is_flag:
                if not given and not rest:
                    return f"{path} {name} needs a value"
                if complaint := _misfit(option, value if given else rest.pop(0)):
                    return f"{path} {name}: {complaint}"
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return f"{path} has no command {word}"
            command, path = command.commands[word], f"{path} {word}"
    return None


def _options(command: Any) -> dict[str, Any]:
    named = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    return {name: option for option in named for name in (*option.opts, *option.secondary_opts)}


def _refusal(parse: Callable[[str], object], value: str) -> str | None:
    try:
        parse(value)
    except InputError as problem:
        return str(problem)
    return None


def _misfit(option: Any, value: str) -> str | None:
    if value.isupper():
        return None
    if parse := option.type_descriptor.parameter_info.parser:
        return _refusal(parse, value)
    if not isinstance(option.default, Enum):
        return None
    known = {choice.value for choice in type(option.default)}
    return None if set(value.split("|")) <= known else f"{value} is none of {sorted(known)}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_command_lines_are_real(path: Path) -> None:
    """Every `waterbed ...` in a page uses commands and options that exist."""
    for words in commands(path.read_text(encoding="utf-8")):
        assert problem(words) is None, " ".join(words)


@pytest.mark.parametrize(
    "words",
    [
        "-C study rank --by hoster --top 10",
        "--study=study rank",
        "lab replay FEED --routes A --routes B --date 2025-04-11 --out DIR",
        "recheck --due",
        "import FILE...",
    ],
)
def test_the_check_lets_right_lines_pass(words: str) -> None:
    """Commands and options that exist are found."""
    assert problem(words.split()) is None


@pytest.mark.parametrize("words", ["ranks", "rank --bye hoster", "rank --by planet", "lab imagine", "rank --top"])
def test_the_check_finds_wrong_lines(words: str) -> None:
    """Commands, options and values that do not exist are noticed."""
    assert problem(words.split()) is not None


def test_command_lines_are_found_in_pages() -> None:
    """Prompts, settings before the command, comments, continued lines and inline code are understood."""
    text = "```\n$ X=1 .venv/bin/waterbed -C s \\\n  rank  # why\nls\n```\nUse `waterbed hops`, not `waterbed.toml`.\n"
    assert list(commands(text)) == [["-C", "s", "rank"], ["hops"]]


def test_every_command_is_shown_somewhere() -> None:
    """No command goes unmentioned in the pages that are written by hand."""
    shown = {
        " ".join(w for w in words if not w.startswith("-"))
        for path in PAGES
        if path.name != "cli.md"
        for words in commands(path.read_text())
    }
    for name, command in ROOT_COMMAND.commands.items():
        for leaf in [f"{name} {sub}" for sub in getattr(command, "commands", ())] or [name]:
            assert any(re.search(rf"(^|\s){leaf}($|\s)", line) for line in shown), leaf
