"""Notes in a study of what is written elsewhere.

A killed command leaves its note, so that the next one and doctor can name what it left.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES, EPERM, EROFS
from pathlib import Path
from typing import Annotated, Final

import msgspec

from waterbed.store.whole.files import NEW, locked, sync

NOTES: Final = "unfinished"
"""The folder of the notes, in a study's."""


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """A note: one command that writes outside the study."""

    what: Annotated[str, "the command"]
    place: Annotated[str, "what it writes: a folder"]
    remains: Annotated[str, "the file or folder that is left until it has ended"]


@contextmanager
def begun(study: Path, what: str, place: Path, remains: Path) -> Iterator[None]:
    """Keep a note while something is written elsewhere.

    It stays as long as the remains do. In a study that can only be read there is none.
    """
    clear(study)
    path, note = study / NOTES / secrets.token_hex(8), Unfinished(what=what, place=str(place), remains=str(remains))
    handle = _noted(path, note)
    try:
        yield
    finally:
        if handle is not None:
            with suppress(OSError):  # a note of nothing is cleared by the next command
                if not _left(note):
                    path.unlink()
            os.close(handle)


def unfinished(study: Path) -> list[Unfinished]:
    """Everything that commands of this study did not finish.

    Neither what living processes write, nor what has left nothing; what cannot be seen now is in it.
    """
    return [note for _, note in _dead(study) if note and _left(note)]


def clear(study: Path) -> None:
    """Remove unfinished new folders, and notes of nothing."""
    for path, note in _dead(study):
        with suppress(OSError):  # it is named until it can be removed
            if note and note.remains.endswith(NEW) and os.path.lexists(note.remains):
                shutil.rmtree(note.remains)
            if note is None or not _left(note):
                path.unlink()


def _noted(path: Path, note: Unfinished) -> int | None:
    """Write a note and hold its lock; None where nothing can be written."""
    try:
        path.parent.mkdir(exist_ok=True)
        handle = locked(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except OSError as problem:
        if problem.errno in (EACCES, EPERM, EROFS):
            return None
        raise
    try:
        os.write(handle, msgspec.json.encode(note))
        os.fsync(handle)
        sync(path.parent)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        os.close(handle)
        raise
    return handle


def _dead(study: Path) -> Iterator[tuple[Path, Unfinished | None]]:
    """Notes of processes that have ended; None: cut short before anything began."""
    with suppress(OSError):  # there are none, or none that can be read
        for path in sorted((study / NOTES).iterdir()):
            with suppress(OSError):  # it lives, or is gone
                os.close(locked(path))
                try:
                    yield path, msgspec.json.decode(path.read_bytes(), type=Unfinished)
                except msgspec.DecodeError:
                    yield path, None


def _left(note: Unfinished) -> bool:
    remains = Path(note.remains)
    return os.path.lexists(remains) or not remains.parent.is_dir()
