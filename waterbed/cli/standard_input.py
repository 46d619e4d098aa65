"""Standard input: bytes, or one line of text."""

import sys
from typing import IO

from waterbed.model.errors import InputError


def input_bytes() -> IO[bytes]:
    """Return the stream; InputError where it is closed."""
    if sys.stdin is None:
        raise InputError("standard input is closed; name a file, or pipe text into the command (docs/cli.md)")
    return sys.stdin.buffer


def input_line(most: int) -> str:
    """Read one line of at most so many bytes.

    InputError, which never repeats it, for bytes that are not UTF-8.
    """
    try:
        return input_bytes().readline(most).decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InputError("standard input is not UTF-8 text; one line of it was expected (docs/cli.md)") from None
