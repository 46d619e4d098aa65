"""Standard streams: closed or full ones, and pipes without readers."""

import codecs
import io
import os
import sys
from typing import IO, Any

_GONE = dict[int, OSError]()
"""Streams by number that take nothing any more, and why."""


class _Stream(io.FileIO):
    """A standard stream: what comes once it takes nothing any more is dropped, and the command goes on."""

    def write(self, data: Any, /) -> int:
        """Write; drop everything once the stream takes nothing more."""
        try:
            return super().write(data)
        except OSError as problem:
            _GONE[self.fileno()] = problem
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
    """True once standard output takes nothing any more."""
    return 1 in _GONE


def lost() -> str:
    """The reason why standard output is cut short, else empty.

    A reader that has ended wants no more: nothing is lost.
    """
    problem = _GONE.get(1)
    return "" if problem is None or isinstance(problem, BrokenPipeError) else problem.strerror or type(problem).__name__
