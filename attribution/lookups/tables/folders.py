"""Folders of arrays, written completely or not at all."""

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder that replaces its target when completely written.

    An older one is replaced. If writing fails, nothing is left of it.
    """
    written = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
    written.mkdir(parents=True)
    try:
        yield written
    except BaseException:
        shutil.rmtree(written, ignore_errors=True)
        raise
    old = written.with_name(f"{written.name}.old")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(old)
    try:
        written.rename(folder)
    except OSError:
        # another process put its own there at the same moment: one of the two is enough
        shutil.rmtree(written, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
