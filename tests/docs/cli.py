"""Writes docs/cli.md from the command line itself: `python -m tests.docs.cli > docs/cli.md`."""

import ast
import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final, get_args

import typer.main

from waterbed.cli.app import app

FOUND: Final = {
    "init": "the study is made, and tables could not be fetched",
    "import": "a line was kept out, or a file is empty",
    "recheck": "our canary or our resolver failed, the lease was lost, or a signal ended the pass",
    "sources": "with `--presence`, lines were kept out, deliveries are suspect, or entries leave by a rule",
    "notices": "a line was kept out",
    "reconcile": "a row does not match",
    "enrich": "a network or AS stays without an answer; with `--table origins`, an origin differs",
    "plugins": "a plug-in is left out",
    "doctor": "something is to be done",
    "lag": "checks are overdue",
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
_EXIT = re.compile(r"(?:; exit code 1 [^.]*|(?:(?<=\. )|^)(?:The exit|Exit) code [^.]*\.)(?=\.| |$)")
_TYPES: Final[dict[type, str]] = {str: "text", int: "integer", float: "number", Path: "path", datetime: "day"}

_MANY: Final = 4
"""An option that this many commands have alike is described once."""

_HEAD = """\
# Command line

Made by `python -m tests.docs.cli > docs/cli.md`; do not edit it. `--help` after a command says the same but
for some exit codes.

Each command has its arguments, its options and an example. In brackets after an option stand the kind of its value or
the choices, and the default.

Options that stand before the command:

{options}

## Common options

Commands that take these list their names alone:

{shared}

## Exit codes

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | done, and a person should see a finding; the commands that can end with it say when |
| 2 | the command line, a file or the study is not as expected; one sentence says which; nothing was changed |
| 3 | the fault is ours, or of something we depend on; one sentence says where |

Of several files all are opened before the first is imported. What was imported before a bad one is kept: the files
named before it, and earlier batches of a large file.

## Completion

`waterbed --install-completion` adds completion to the shell it is called from (bash, zsh, fish or PowerShell), and
`waterbed --show-completion` prints the script. Where the shell cannot be detected,
`_WATERBED_COMPLETE=source_bash waterbed` prints it for the shell that is named.

## Pipes

Tables and files go to standard output; errors, the log and progress go to standard error. Output into a pipe or a file
holds no escape codes. `NO_COLOR=1` turns colour off on a terminal too; `COLUMNS` sets the width of tables in a pipe, 80
by default and where it is 0. A command whose output nobody reads any more, as one before `| head -1`, goes on with its
work, prints no more and ends with its own exit code. If a disk has no room for the output, it goes on as well and ends
with code 3.

## Progress

Work of more than two seconds shows, for each stage, how much is done of how much, how fast, and about how much time is
left. A terminal shows bars, which vanish when the stage ends. A log, or a terminal with `TERM=dumb`, gets one line a
minute, the first after a minute:

```
steps of virtual time: 61 of 169, 1.0/s, about 106 s left
```

A total that is not known yet is left out. No stage names a URL, host or file. `--quiet` shows no progress; `run` and
`serve` keep a log instead.

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
    counted = Counter(_item(one) for _, command in leaves() for one in command.params if _is_option(one))
    shared = {item for item, times in counted.items() if times >= _MANY}
    before = (_item(one) for one in ROOT_COMMAND.params)
    head = _HEAD.format(options="\n".join(before), shared="\n".join(item for item in counted if item in shared))
    return "\n".join([head, *("\n".join(_section(words, command, shared)) for words, command in leaves())])


def _section(words: str, command: Any, shared: set[str]) -> Iterator[str]:
    yield f"### {words}"
    yield ""
    yield _meaning(command.help or "") + (f" Exit code 1: {FOUND[words]}." if words in FOUND else "")
    yield ""
    items = {one: _item(one) for one in command.params}
    yield from (item for item in items.values() if item not in shared)
    if names := [_names(one) for one, item in items.items() if item in shared]:
        yield f"- {', '.join(names)}: [common](#common-options)"
    if items:
        yield ""
    yield "```"
    yield example(command) or ""
    yield "```"
    yield ""


def _meaning(text: str) -> str:
    """A command's help without its example, and without its exit code, which the page words itself."""
    return " ".join(_EXIT.sub("", " ".join(_EXAMPLE.sub("", text).split())).split())


def _item(one: Any) -> str:
    """An argument or option of a command, with its value and default."""
    if not _is_option(one):
        return f"- `{_argument(one)}`{'' if one.required else ' (optional)'}: {one.help}"
    said = "; ".join(filter(None, (_value(one), _default(one))))
    return f"- {_names(one)}{f' ({said})' if said else ''}: {one.help}"


def _names(option: Any) -> str:
    return ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))


def _argument(argument: Any) -> str:
    name = (argument.metavar or argument.name).upper().strip("_.")
    return f"{name}..." if argument.nargs == -1 else name


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _value(option: Any) -> str:
    if option.is_flag:
        return ""
    kind = option.type_descriptor.annotation
    kind = (get_args(kind) or (kind,))[0]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{choice.value}`" for choice in kind)
    least = "" if getattr(option, "min", None) is None else f" >= {option.min:g}"
    return _TYPES.get(kind, "text") + least


def _default(option: Any) -> str:
    if option.required:
        return "required"
    value = option.default
    if option.envvar:
        return f"`${option.envvar}`" + ", else the current folder" * (option.name == "study")
    if option.is_flag and option.secondary_opts and value is not None:
        return f"default `{(option.opts if value else option.secondary_opts)[0]}`"
    if value is None or value is False or value == "":
        return ""
    return f"default `{value.value if isinstance(value, Enum) else value}`"


if __name__ == "__main__":
    sys.stdout.write(cli_text())
