"""Standard input: bytes, or one line of text."""

import sys
from typing import IO, Final

import typer

from waterbed.model.errors import InputError

_MOST: Final = 1 << 16
"""Bytes of a passphrase."""


def input_bytes() -> IO[bytes]:
    """Return the stream; InputError where it is closed."""
    if sys.stdin is None:
        raise InputError("standard input is closed; name a file, or pipe text into the command (docs/cli.md)")
    return sys.stdin.buffer


def input_line(most: int) -> str:
    """Read one line of at most so many bytes.

    InputError, which never repeats it, for bytes that are not UTF-8.
    """
    return _line(most).strip()


def passphrase(*, twice: bool = False) -> str:
    """Ask for a passphrase, or read a line without terminal.

    `twice`: a terminal asks for it again.
    """
    if sys.stdin is not None and sys.stdin.isatty():
        return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True))
    typed = _line(_MOST).rstrip("\r\n")
    if not typed:
        raise InputError(
            "standard input ended before a passphrase came; type it on a terminal, or pipe it in as one line "
            "(docs/operations.md, Keys)"
        )
    return typed


def _line(most: int) -> str:
    try:
        return input_bytes().readline(most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("standard input is not UTF-8 text; one line of it was expected (docs/cli.md)") from None
