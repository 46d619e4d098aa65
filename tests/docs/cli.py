"""Writes docs/cli.md from the command line itself: `python -m tests.docs.cli > docs/cli.md`."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final, get_args

import typer.main

from waterbed.cli.app import app

FOUND: Final = {
    "import": "a line was kept out",
    "recheck": "our own network failed its canary, or a signal ended the pass",
    "sources": "with `--presence`, lines were kept out or deliveries are suspect",
    "notices": "a line was kept out",
    "reconcile": "a row does not match",
    "enrich": "a network or AS stays without an answer; with `--table origins`, an origin differs",
    "plugins": "a plug-in is left out",
    "doctor": "something is to be done",
    "lag": "looks are overdue",
    "overdue": "something is up beyond its time",
    "rejudge": "a verdict would change",
    "forget": "what was removed could not be wiped yet",
    "origins ask": "asking ended early, or a question had no usable answer",
    "links test": "a link check concluded falsely",
    "backup": "the backup was made but not recorded, because the store cannot be written to",
    "prune": "a day was left as it is",
    "reproduce": "a table differs",
    "restore": "it was restored, and its keys are missing on this machine",
    "key rotate": "what was removed could not be wiped yet",
    "hosters queue": "a change waits for your code",
    "code queue": "something waits for the coder",
    "code next": "there is a next item",
    "tables add": "with `--kind births`, a line about a reported name was kept out",
    "tables check": "something is amiss with a table",
    "quarantine list": "one is open",
    "lab replay": "a line was kept out, or the pass was stopped",
    "protocol show": "something deviates from the locked protocol",
    "reply list": "publication must wait for a hoster",
    "lake verify": "a fact of the lake is damaged or missing",
    "sizes add": "a hoster of the file is not in the book",
}
"""What exit code 1 of a command says; a test holds the names against the source."""

ROOT_COMMAND: Any = typer.main.get_command(app)
_EXAMPLE = re.compile(r"For example: (waterbed .*)")
_TYPES: Final[dict[type, str]] = {str: "text", int: "integer", float: "number", Path: "path", datetime: "day"}

_WIDTH: Final = 100

_HEAD = """\
# Command line

This file is made by `python -m tests.docs.cli > docs/cli.md`. Do not edit it: a test fails when it differs from the
commands. `--help` after a command says the same on the terminal.

Options that stand before the command:

{options}

## Exit codes

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | done, and something was found that a person should see; the commands that can end so say when |
| 2 | the command line, a file or the study is not as expected; one sentence says what was, and nothing was changed |
| 3 | the fault is ours, or of something we depend on; one sentence says where |

## Completion

`waterbed --install-completion` adds completion of commands and options to the shell it is called from, and
`waterbed --show-completion` prints what that would add: bash, zsh, fish and PowerShell are known. Where the shell
cannot be told, `_WATERBED_COMPLETE=source_bash waterbed` prints it for the shell that is named.

## Pipes

Tables and files go to standard output; errors, the log and progress go to standard error. Into a pipe or a file no
escape code is written. `NO_COLOR=1` turns colour off on a terminal too; `COLUMNS` sets the width of tables in a pipe,
which is 80 otherwise.

## Progress

Work that takes more than two seconds is shown while it goes on: for each stage of it what is done, of how much, how
fast, and about how much time is left. On a terminal these are bars, which vanish when the stage ends. Where standard
error is not a terminal, as in a log, they are one line a minute, the first after a minute:

```
steps of virtual time: 61 of 169, 1.0/s, about 106 s left
```

A total that is not known yet is left out. No stage names a URL, host or file. `--quiet` shows nothing of it, and `run`
and `serve` keep a log instead. Bars need a terminal that can move the cursor: with `TERM=dumb` there are lines.

## Commands
"""


def leaves(command: Any = ROOT_COMMAND, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each command that does something, with its words after `waterbed`."""
    for name, inner in command.commands.items():
        words = f"{path} {name}".strip()
        if not hasattr(inner, "commands"):
            yield words, inner
            continue
        if inner.invoke_without_command:
            yield words, inner
        yield from leaves(inner, words)


def example(command: Any) -> str | None:
    """The example command line in a command's help."""
    found = _EXAMPLE.search(command.help or "")
    return found[1] if found else None


def finds(command: Any) -> bool:
    """Whether a command ends with an exit code of its own choice, by the functions of its module that it calls."""
    module = inspect.getmodule(inspect.unwrap(command.callback))
    assert module is not None
    tree = ast.parse(inspect.getsource(module))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    todo, seen = [inspect.unwrap(command.callback).__name__], set[str]()
    while todo:
        name = todo.pop()
        seen.add(name)
        for node in ast.walk(functions[name]):
            if isinstance(node, ast.Attribute) and node.attr == "Exit":
                return True
            if isinstance(node, ast.Name) and node.id in functions and node.id not in seen:
                todo.append(node.id)
    return False


def cli_text() -> str:
    """The whole of docs/cli.md."""
    head = _HEAD.format(options="\n".join(_options(ROOT_COMMAND)))
    return "\n".join([head, *("\n".join(_section(words, command)) for words, command in leaves())])


def _section(words: str, command: Any) -> Iterator[str]:
    yield f"### {words}"
    yield ""
    yield " ".join(_EXAMPLE.sub("", command.help or "").split())
    yield ""
    yield "```"
    yield _synopsis(words, command)
    yield "```"
    yield ""
    yield from [f"- `{_argument(one)}`: {_cell(one.help)}" for one in command.params if not _is_option(one)]
    if any(_is_option(one) for one in command.params):
        if not all(_is_option(one) for one in command.params):
            yield ""
        yield from _options(command)
    if command.params:
        yield ""
    if words in FOUND:
        yield f"Exit code 1: {FOUND[words]}."
        yield ""
    yield "For example:"
    yield ""
    yield "```"
    yield example(command) or ""
    yield "```"
    yield ""


def _synopsis(words: str, command: Any) -> str:
    """The command with all it takes, required options first, long ones over several lines."""
    options = sorted(filter(_is_option, command.params), key=lambda one: not one.required)
    parts = [spelled for one in options for spelled in _spelled(one)]
    parts += [
        _argument(one) if one.required else f"[{_argument(one)}]" for one in command.params if not _is_option(one)
    ]
    lines = [f"waterbed {words}"]
    for part in parts:
        if len(lines[-1]) + len(part) > _WIDTH:
            lines.append("   ")
        lines[-1] += f" {part}"
    return " \\\n".join(lines)


def _spelled(option: Any) -> Iterator[str]:
    for name in [*option.opts, *option.secondary_opts]:
        whole = name if option.is_flag else f"{name} {name.strip('-').upper()}"
        yield whole if option.required else f"[{whole}]"


def _argument(argument: Any) -> str:
    name = (argument.metavar or argument.name).upper().strip("_.")
    return f"{name}..." if argument.nargs == -1 else name


def _options(command: Any) -> Iterator[str]:
    yield "| option | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for one in command.params:
        if _is_option(one):
            names = ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))
            yield f"| {names} | {_value(one)} | {_default(one)} | {_cell(one.help)} |"


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _value(option: Any) -> str:
    if option.is_flag:
        return ""
    kind = option.type_descriptor.annotation
    kind = (get_args(kind) or (kind,))[0]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{choice.value}`" for choice in kind)
    least = "" if getattr(option, "min", None) is None else f", at least {option.min:g}"
    return _TYPES.get(kind, "text") + least


def _default(option: Any) -> str:
    if option.required:
        return "required"
    value = option.default
    if option.envvar:
        return f"`${option.envvar}`, else the current folder"
    if option.is_flag and option.secondary_opts and value is not None:
        return f"`{(option.opts if value else option.secondary_opts)[0]}`"
    if value is None or value is False or value == "":
        return ""
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(cli_text())
