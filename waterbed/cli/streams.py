"""Standard streams: closed ones, and pipes that nobody reads."""

import codecs
import io
import os
import sys
from typing import IO, Any

_GONE = set[int]()
"""Numbers of the streams whose reader has ended."""


class _Stream(io.FileIO):
    """A standard stream: what comes after its reader has ended is dropped, and the command goes on."""

    def write(self, data: Any, /) -> int:
        """Write; drop everything once the reader has ended."""
        try:
            return super().write(data)
        except BrokenPipeError:
            _GONE.add(self.fileno())
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return super().write(data)


def open_streams() -> None:
    """Open closed standard streams, and outlive their readers.

    A closed standard input stays None, so that it is no empty file; its number is taken all the same. What an
    encoding other than UTF-8 lacks is shown as an escape, which JSON reads as the same character.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream: IO[str] | None = getattr(sys, name)
        if stream is None:
            number = os.open(os.devnull, os.O_RDWR)
            if name != "stdin":
                setattr(sys, name, os.fdopen(number, "w"))
        elif name != "stdin" and isinstance(stream, io.TextIOWrapper):
            buffer, lines = io.BufferedWriter(_Stream(stream.fileno(), "w", closefd=False)), stream.line_buffering
            errors = stream.errors if codecs.lookup(stream.encoding).name == "utf-8" else "backslashreplace"
            setattr(sys, name, io.TextIOWrapper(buffer, stream.encoding, errors, line_buffering=lines))


def unread() -> bool:
    """True once nobody reads standard output any more."""
    return 1 in _GONE
