"""Folders of arrays, written completely or not at all."""

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from waterbed.model.errors import InputError
from waterbed.store.bounded.files import content
from waterbed.store.bounded.limits import MOST_ABOUT


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


def about_in(folder: Path) -> Any:
    """The value of a folder's about.json.

    InputError if it cannot be read.
    """
    path = folder / "about.json"
    try:
        return msgspec.json.decode(content(path, "a table's description", MOST_ABOUT, "docs/tables.md"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{path} is damaged; import the table's file again (docs/tables.md)") from None
