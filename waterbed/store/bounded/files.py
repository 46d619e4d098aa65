"""Opens files that others wrote: plain or packed, in pieces."""

import bz2
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from waterbed.model.errors import InputError
from waterbed.model.redaction import place_told, refuse_address
from waterbed.store.bounded.limits import (
    KIB,
    MOST_RATIO,
    MOST_SMALL_MEMBERS,
    MOST_ZIP_DIRECTORY,
    SMALL,
    most_bytes,
)

_PIECE: Final = 256 << 10
_DAMAGED: Final = (OSError, zlib.error, zipfile.BadZipFile)
_WORKBOOK: Final = ("xl/workbook.xml", "xl/workbook.bin")
"""Files that one of Excel's has."""
_SEE: Final = "docs/intake.md, Bounds"

Pieces = Iterator[bytes]


@contextmanager
def opened(path: Path, what: str, see: str = _SEE) -> Iterator[IO[bytes]]:
    """Open a plain file to read its bytes.

    InputError if it cannot be read, or is a pipe, a device or a folder: it is opened without waiting for a writer.
    `what` was expected; `see` is the page on it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as problem:
        refuse_address(path, "a file")
        why = problem.strerror if isinstance(problem, OSError) else "its name holds a NUL character"
        page = see.partition(",")[0]  # its section on bounds says nothing of names
        raise InputError(f"{place_told(path)} cannot be read ({why}); {what} was expected ({page})") from None
    kind = os.fstat(handle).st_mode
    if not stat.S_ISREG(kind):
        os.close(handle)
        refuse_address(path, "a file")
        why = "Is a directory" if stat.S_ISDIR(kind) else "it is a pipe or a device"
        raise InputError(f"{path} cannot be read ({why}); {what} was expected ({see})")
    with os.fdopen(handle, "rb", buffering=0) as file:
        yield file


def check_readable(paths: Iterable[Path], what: str, see: str = _SEE) -> None:
    """Open files and close them; InputError as `opened`."""
    for path in paths:
        with opened(path, what, see):
            pass


@contextmanager
def standard_input(stream: IO[bytes], most: int, what: str, see: str = _SEE) -> Iterator[Path]:
    """Hold standard input in memory, as a file.

    Nothing of it lies on a disk. InputError if it is more than `most` bytes: `what` of at most that was expected.
    """
    place = os.memfd_create("waterbed")
    try:
        size = 0
        while piece := stream.read(_PIECE):
            size += len(piece)
            if size > most:
                raise InputError(
                    f"standard input holds more than {most:,} bytes; {what} of at most that was expected, a larger one "
                    f"in a file ({see})"
                )
            os.write(place, piece)
        yield Path(f"/proc/self/fd/{place}")
    finally:
        os.close(place)


def raw_pieces(path: Path, what: str, most: int | None = None, see: str = _SEE) -> Pieces:
    """Yield a file's bytes as they are, at most `most`.

    InputError if it is larger, changes meanwhile, or cannot be read.
    """
    with opened(path, what, see) as file:
        yield from _plain(file, path, most or most_bytes(), what, see)


def content(path: Path, what: str, most: int, see: str = _SEE) -> bytes:
    """Return a file's bytes, at most `most`."""
    return b"".join(raw_pieces(path, what, most, see))


def unpacked_pieces(path: Path, what: str, see: str = _SEE, most: int | None = None, *, zipped: bool = True) -> Pieces:
    """Yield a text file's unpacked bytes, at most `most`.

    It may be gzip; if `zipped`, bzip2 or a zip with one file as well.
    """
    most = most or most_bytes()
    with opened(path, what, see) as file:
        yield from _unpacked(file, _plain(file, path, most, what, see), path, most, what, see, zipped=zipped)


def _plain(file: IO[bytes], path: Path, most: int, what: str, see: str) -> Pieces:
    before, size = os.fstat(file.fileno()), 0
    _bound(before.st_size, most, path, what, see)
    try:
        while piece := file.read(_PIECE):
            size += len(piece)
            _bound(size, most, path, what, see)
            yield piece
        after = os.fstat(file.fileno())
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); {what} was expected ({see})") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(f"{path} was changed while it was read; wait until it is written, and read it again ({see})")


def _bound(size: int, most: int, path: Path, what: str, see: str) -> None:
    if size > most:
        raise InputError(f"{path} holds more than {most:,} bytes; {what} of at most that was expected ({see})")


def _unpacked(file: IO[bytes], pieces: Pieces, path: Path, most: int, what: str, see: str, *, zipped: bool) -> Pieces:
    first = next(pieces, b"")
    if first[:2] == b"\x1f\x8b":
        made = _gunzipped(_chained(first, pieces), path, see)
    elif zipped and first[:3] == b"BZh":
        made = _read_by(bz2.BZ2File(_rewound(file)))
    elif zipped and first[:4] == b"PK\x03\x04":
        made = _read_by(_only_file(_rewound(file), path, see))
    else:
        yield from _chained(first, pieces)
        return
    size = 0
    try:
        for piece in made:
            size += len(piece)
            _bound(size, most, path, what, see)
            if size > SMALL and size > MOST_RATIO * os.fstat(file.fileno()).st_size:
                raise InputError(
                    f"{path} unpacks to more than {MOST_RATIO} times its size; {what} was expected, not a bomb ({see})"
                )
            yield piece
    except EOFError:
        raise InputError(f"{path} breaks off; get the file again ({see})") from None
    except _DAMAGED:
        raise InputError(f"{path} is damaged: it cannot be unpacked; get the file again ({see})") from None


def _chained(first: bytes, pieces: Pieces) -> Pieces:
    if first:
        yield first
    yield from pieces


def _rewound(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return file


def _read_by(file: IO[bytes] | bz2.BZ2File) -> Pieces:
    while piece := file.read(_PIECE):
        yield piece


def _gunzipped(packed: Pieces, path: Path, see: str) -> Pieces:
    """All members of a gzip file; zlib verifies their checksums. EOFError if the last one breaks off."""
    member, members, made = None, 0, 0
    for piece in packed:
        data = piece
        while data:
            if member is None:
                data = data.lstrip(b"\0")  # padding between members, and at the end
                if not data:
                    break
                member, members = zlib.decompressobj(zlib.MAX_WBITS | 16), members + 1
                if members > MOST_SMALL_MEMBERS + made // KIB:
                    raise InputError(f"{path} is a gzip file of tiny parts; get the file again ({see})")
            found = member.decompress(data, _PIECE)
            made += len(found)
            if found:
                yield found
            data = member.unused_data if member.eof else member.unconsumed_tail
            member = None if member.eof else member
    if member is not None:
        raise EOFError


class _Directory:
    """A zip's file of which no large directory can be read at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read some bytes; BadZipFile if they are too many."""
        rest = os.fstat(self._file.fileno()).st_size - self._file.tell() if size < 0 else size
        if rest > MOST_ZIP_DIRECTORY:
            raise zipfile.BadZipFile
        return self._file.read(rest)


def _only_file(packed: IO[bytes], path: Path, see: str) -> IO[bytes]:
    """The one file in a zip."""
    try:
        archive = zipfile.ZipFile(_Directory(packed))
        files = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")]
        if any(each.filename in _WORKBOOK for each in files):
            raise InputError(f"{path} is an Excel workbook; save it as CSV UTF-8 ({see})")
        if len(files) != 1:
            raise InputError(f"{path} is a zip with {len(files)} files; one with a single file was expected ({see})")
        if files[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile
        return archive.open(files[0])
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, OverflowError, OSError):
        raise InputError(
            f"{path} is a zip that cannot be opened: damaged, of many files, or locked with a password; unpack it "
            f"first ({see})"
        ) from None
