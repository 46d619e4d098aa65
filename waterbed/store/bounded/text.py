"""Text that others wrote, in lines or pieces.

Lines have a bounded length.
"""

import codecs
import io
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Final

from waterbed.model.errors import InputError
from waterbed.store.bounded.files import Pieces, unpacked_pieces
from waterbed.store.bounded.limits import MOST_CELLS, MOST_LINE, MOST_LINES

_FRONT: Final = 256 << 10
"""Bytes that are looked at to tell the form of a file."""
_LONGEST: Final = 4 * MOST_LINE + 4
"""Bytes of a line that are passed on: more than MOST_LINE characters in any encoding."""
_BUFFER: Final = 256 << 10
_SEE: Final = "docs/intake.md, Bounds"


class TextFile:
    """A file of text, plain or packed.

    It is in UTF-8 or UTF-16.

    It can be read once, as lines or as pieces. InputError if it cannot be read, breaks off, or exceeds a bound; the
    message names `what` was expected.
    """

    def __init__(self, path: Path, what: str, see: str = _SEE) -> None:
        """Read the front of a file."""
        self._path, self._see = path, see
        pieces = unpacked_pieces(path, what, see)
        front, size = [], 0
        for piece in pieces:
            front.append(piece)
            size += len(piece)
            if size >= _FRONT:
                break
        began = b"".join(front)
        self._pieces: Pieces = chain([began] if began else [], pieces)
        if began[:2] in (b"\xff\xfe", b"\xfe\xff"):
            self._pieces = self._from_utf16(self._pieces)
            began = next(self._pieces, b"")
            self._pieces = chain([began] if began else [], self._pieces)
        self._began = began[:_FRONT]

    def head(self, most: int) -> list[str]:
        """Return the first lines that the front has."""
        return list(islice(_decoded(io.BytesIO(self._began)), most))

    def lines(self) -> Iterator[str]:
        """Yield the lines, each with its end, whatever that is.

        Of a line longer than MOST_LINE the front is given, which is longer than that too.
        """
        yield from _decoded(io.BufferedReader(_Stream(self._cut()), _BUFFER))

    def texts(self) -> Iterator[str]:
        """Yield the text in pieces that end anywhere.

        InputError if it is not UTF-8.
        """
        decode = codecs.getincrementaldecoder("utf-8-sig")("strict").decode
        try:
            for piece in self._pieces:
                yield decode(piece)
            yield decode(b"", final=True)
        except UnicodeDecodeError:
            raise InputError(f"{self._path} is not JSON in UTF-8; get the file again ({self._see})") from None

    def _from_utf16(self, pieces: Pieces) -> Pieces:
        decode = codecs.getincrementaldecoder("utf-16")("strict").decode
        try:
            for piece in pieces:
                yield decode(piece).encode()
            yield decode(b"", final=True).encode()
        except UnicodeError:
            raise InputError(
                f"{self._path} breaks off: its encoding is damaged; get the file again ({self._see})"
            ) from None

    def _cut(self) -> Pieces:
        """The pieces without what exceeds _LONGEST bytes of a line. A piece is shorter than that, or nearly so."""
        run = lines = 0
        for piece in self._pieces:
            lines += max(piece.count(b"\n"), piece.count(b"\r"))
            if lines > MOST_LINES:
                raise InputError(f"{self._path} holds more than {MOST_LINES:,} lines; split it ({self._see})")
            last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
            if last < 0:
                yield piece[: max(0, _LONGEST - run)]
                run += len(piece)
                continue
            first = min(found for found in (piece.find(b"\n"), piece.find(b"\r")) if found >= 0)
            if run + first > _LONGEST:
                yield piece[: max(0, _LONGEST - run)] if run < _LONGEST else b""
                yield piece[first:]
            else:
                yield piece
            run = len(piece) - last - 1


def open_lines(path: Path, what: str, see: str = _SEE) -> Iterator[str]:
    """Yield the lines of a file of text; see `TextFile`."""
    yield from TextFile(path, what, see).lines()


def open_entries(path: Path, what: str, see: str, most: int) -> Iterator[str]:
    """Yield the lines of a file held whole.

    InputError if there are more than `most`, or MOST_CELLS characters.
    """
    size = 0
    for number, line in enumerate(TextFile(path, what, see).lines(), 1):
        size += len(line) if line.isascii() else 3 * len(line.encode(errors="surrogateescape"))  # as %E3%81%82
        if number > most or size > MOST_CELLS:
            raise InputError(
                f"{path} holds more than {most:,} lines or {MOST_CELLS >> 20} MiB of addresses; {what} is held in "
                f"memory whole: split it ({see})"
            )
        yield line


def _decoded(data: io.BufferedReader | io.BytesIO) -> io.TextIOWrapper:
    return io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline=None)


class _Stream(io.RawIOBase):
    """Pieces of bytes as a stream."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, into: object) -> int:
        """Fill a buffer from the next piece."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(into), len(self._rest))  # type: ignore[arg-type]
        into[:size] = self._rest[:size]  # type: ignore[index]
        self._rest = self._rest[size:]
        return size
