"""Makes new folders that appear whole, by one rename."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

from waterbed.store.whole.files import NEW, beside, locked, refuse_odd_name, sync, sync_tree
from waterbed.store.whole.unfinished import begun

_REMAINS: Final = re.compile(rf"\..+\.[0-9a-f]{{16}}{re.escape(NEW)}", re.DOTALL)


@contextmanager
def folder_for(place: Path) -> Iterator[bool]:
    """Make a folder and its parents; yield true if new.

    After a failure in the block those that are new and empty are gone.
    """
    new = [one for one in (place, *place.parents) if not one.exists()]
    made = False
    try:
        with suppress(FileExistsError):
            place.mkdir(parents=True)
            made = True
        yield made
    except BaseException:
        for one in new:
            with suppress(OSError):  # others have put something there
                one.rmdir()
        raise


@contextmanager
def new_folder(place: Path, what: str = "", study: Path | None = None) -> Iterator[Path]:
    """Yield a folder that then appears at its place.

    It does so when all of it is on the disk. After a failure nothing is left. A kill leaves a hidden folder beside the
    place, and the end of its name is `NEW`: the next new folder there removes it, and doctor names it in the study that
    is given, as left by the command `what`.
    """
    with unfinished_folder(place, what, study) as work:
        yield work
        sync_tree(work)
        appear(work, place.absolute())


@contextmanager
def unfinished_folder(place: Path, what: str = "", study: Path | None = None) -> Iterator[Path]:
    """Yield a hidden folder, which is removed afterwards.

    It lies beside the place.
    """
    refuse_odd_name(place)
    place = place.absolute()
    place.parent.mkdir(parents=True, exist_ok=True)
    clear_remains(place.parent)
    work = beside(place)
    with begun(study, what, place, work) if study else nullcontext():
        handle = _made(work)
        try:
            yield work
        finally:
            if handle is not None:
                os.close(handle)
            shutil.rmtree(work, ignore_errors=True)


def appear(work: Path, place: Path) -> None:
    """Rename a finished folder to its place, or undo that."""
    work.rename(place)
    try:
        sync(place.parent)
    except OSError:
        place.rename(work)
        raise


def clear_remains(parent: Path) -> None:
    """Remove folders that killed commands left unfinished."""
    for found in [one for one in parent.iterdir() if _REMAINS.fullmatch(one.name)]:
        with suppress(OSError):  # it is being written at this moment, or cannot be locked here
            handle = locked(found, os.O_RDONLY | os.O_DIRECTORY)
            try:
                shutil.rmtree(found, ignore_errors=True)
            finally:
                os.close(handle)


def _made(work: Path) -> int | None:
    """Make a folder, and lock it so that it is not taken for remains."""
    while True:
        work.mkdir(exist_ok=True)
        try:
            handle = locked(work, os.O_RDONLY | os.O_DIRECTORY)
        except (BlockingIOError, FileNotFoundError):  # it was, in between
            continue
        except OSError:
            return None  # where folders cannot be locked, nothing is taken for remains
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)
