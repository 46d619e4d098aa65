"""Completes command names from the table of commands.

All other completions are left to typer.
"""

import os
import shlex
import sys
from collections.abc import Iterator

from waterbed.cli.commands import COMMANDS

_VALUED = ("-C", "--study", "--vantage", "--network")
"""Options before the command that are followed by a value."""
_SPECIAL = str.maketrans({'"': '""', "'": "''", "$": "\\$", "`": "\\`", ":": "\\\\:"})
"""Characters that zsh would read in a help text."""


def completed() -> bool:
    """Complete a command's name; False if it is something else."""
    mode, _, shell = os.environ.get("_WATERBED_COMPLETE", "").partition("_")
    if mode != "complete" or shell not in ("bash", "zsh", "fish"):
        return False
    begun = _begun(shell)
    if begun is None:
        return False
    matches = [(name, command.help) for name, command in COMMANDS.items() if name.startswith(begun)]
    if shell == "fish" and os.environ.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        sys.exit(0 if matches else 1)  # 1: fish offers files instead
    sys.stdout.write("\n".join(_lines(shell, matches)) + "\n")
    return True


def _begun(shell: str) -> str | None:
    """The beginning of the command's name; None for other words."""
    arguments = _words(os.environ.get("COMP_WORDS" if shell == "bash" else "_TYPER_COMPLETE_ARGS", ""))
    if shell == "bash":
        place = int(os.environ.get("COMP_CWORD", "0"))
        previous, begun = arguments[1:place], arguments[place] if place < len(arguments) else ""
    else:
        is_complete = os.environ.get("_TYPER_COMPLETE_ARGS", "").endswith(" ") or len(arguments) < 2
        previous, begun = (arguments[1:], "") if is_complete else (arguments[1:-1], arguments[-1])
    options = iter(previous)
    for word in options:
        if word in _VALUED:
            if next(options, None) is None:
                return None
        elif not word.startswith("-"):
            return None
    return None if begun.startswith("-") else begun


def _words(line: str) -> list[str]:
    """Words of a line up to an unclosed quote."""
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _lines(shell: str, found: list[tuple[str, str]]) -> Iterator[str]:
    """Completions in the format that `--show-completion`'s function reads."""
    if shell == "bash":
        yield from (name for name, _ in found)
    elif shell == "fish":
        yield from (f"{name}\t{help_text}" for name, help_text in found)
    elif found:
        pairs = "\n".join(f'"{name}":"{help_text.translate(_SPECIAL)}"' for name, help_text in found)
        yield f"_arguments '*: :(({pairs}))'"
    else:
        yield "_files"
