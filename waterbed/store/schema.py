"""The study's lock: shared by all who work on it, or held alone."""

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from waterbed.model.errors import ReadOnly
from waterbed.store.store import Store

_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
"""What a folder says that cannot be written to."""


@contextmanager
def held(path: Path, store: Store, *, alone: bool) -> Iterator[bool]:
    """Hold a study's lock, on this machine and at the database server; False if others are in the way.

    The kernel drops it when the process dies. A folder that cannot be written to is held shared without a file:
    nobody can work there who would have to wait.
    """
    file = _opened(path / "lock", alone=alone)
    if file is None:
        with store.locked(alone=alone) as free:
            yield free
        return
    with file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        with store.locked(alone=alone) as free:
            yield free


def _opened(lock: Path, *, alone: bool) -> IO[str] | None:
    """The lock's file, made if need be; None where it can neither be made nor opened."""
    try:
        return lock.open("a")
    except OSError as problem:
        if problem.errno not in _CLOSED:
            raise
        if alone:
            raise ReadOnly(
                f"{lock.parent} cannot be written to ({problem.strerror}), and nothing was changed; see "
                "docs/operations.md, Read only"
            ) from None
    try:
        return lock.open()
    except OSError:
        return None
