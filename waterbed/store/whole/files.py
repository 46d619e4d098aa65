"""Writes files whole or not at all; syncs folders."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, EINVAL, EIO, EISDIR, ENOSPC, ENOTSUP
from pathlib import Path
from typing import IO, Final

from waterbed.model.errors import InputError
from waterbed.model.redaction import refuse_address

DISK: Final = (ENOSPC, EDQUOT, EFBIG, EIO)
"""What a disk says that is full or fails: another place is no remedy, and the command line ends with exit code 3."""
NEW: Final = ".waterbed-new"
"""End of the name of what is being written."""
_LONGEST: Final = 200
"""Bytes of a name that its temporary one repeats: a name has at most 255."""


def refuse_odd_name(place: Path) -> None:
    """InputError for an address, or an odd path.

    The address is not repeated. Databases, tables and settings cannot name a path that is no UTF-8.
    """
    refuse_address(place, "a place")
    try:
        f"{place.absolute()}{os.path.realpath(place)}".encode()
    except UnicodeEncodeError:
        raise InputError(
            f"the path of {place} is not UTF-8, so databases and tables there cannot be opened; rename the folder, or "
            "name another place (docs/architecture.md, Storage)"
        ) from None


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all.

    What a killed process left of it is removed.
    """
    with writing_whole(path) as file:
        file.write(content)
    return path


@contextmanager
def writing_whole(path: Path) -> Iterator[IO[bytes]]:
    """The same, written piece by piece in the block."""
    _clear_remains(path)
    part = beside(path)
    try:
        with part.open("xb") as file:
            with suppress(OSError):  # where files cannot be locked, nothing is taken for remains
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync(path.parent)


def write_new(path: Path, content: bytes) -> Path:
    """Write a new file whole, or not at all.

    FileExistsError if it is there, even if it came meanwhile.
    """
    _clear_remains(path)
    part = beside(path)
    try:
        write_synced(part, content)
        os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync(path.parent)
    return path


def _clear_remains(path: Path) -> None:
    """Remove temporary files of a path that nobody is writing; IsADirectoryError if the path is a folder."""
    if not path.name or path.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(path))
    start = beside(path).name[: -len(f"{'0' * 16}{NEW}")]
    for found in [one for one in path.parent.iterdir() if one.name.startswith(start) and one.name.endswith(NEW)]:
        with suppress(OSError):  # it is being written at this moment, or cannot be locked here
            handle = locked(found, os.O_WRONLY)
            try:
                found.unlink()
            finally:
                os.close(handle)


def write_synced(path: Path, content: bytes, *, public: bool = False) -> None:
    """Write a new file to the disk.

    One that is `public` can be read by everybody, whatever the umask.
    """
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        if public:
            os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())


def sync_tree(folder: Path) -> None:
    """Put all that is below a folder on the disk."""
    for name, _, files in os.walk(folder, topdown=False):
        sync(*(path for one in files if not (path := Path(name) / one).is_symlink()), Path(name))


def sync(*paths: Path) -> None:
    """Put files on the disk, and the names in folders.

    Renames in a folder survive a power cut then.
    """
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as problem:
            if problem.errno not in (EINVAL, ENOTSUP) or not path.is_dir():  # some places cannot sync folders
                raise
        finally:
            os.close(handle)


def beside(path: Path) -> Path:
    """A hidden name beside a path; its end is `NEW`."""
    name = os.fsdecode(os.fsencode(path.name)[:_LONGEST])
    return path.with_name(f".{name}.{secrets.token_hex(8)}{NEW}")


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes out of such a block.

    It waits for one that is in a block of the same folder. OSError where folders cannot be locked.
    """
    place = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def locked(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open and lock a file or folder.

    The lock ends with the process. BlockingIOError if another process holds it; where folders cannot be locked, as on
    NFS, another OSError.
    """
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        with suppress(OSError):
            os.close(handle)
        raise
    return handle
