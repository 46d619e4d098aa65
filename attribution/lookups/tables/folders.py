"""Folders of arrays, written completely or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EEXIST, ENOTEMPTY
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from waterbed.model.errors import InputError
from waterbed.store.bounded.files import content
from waterbed.store.bounded.limits import MOST_ABOUT
from waterbed.store.whole.files import beside, sync_tree
from waterbed.store.whole.folders import appear, unfinished_folder


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder that replaces its target when completely written.

    An older one is replaced. If writing fails, nothing is left of it; what a kill leaves the next one removes.
    """
    with unfinished_folder(folder) as written:
        yield written
        sync_tree(written)
        old = beside(folder)
        with suppress(FileNotFoundError):
            folder.rename(old)
        try:
            appear(written, folder.absolute())
        except OSError as problem:
            # another process put its own there at the same moment: one of the two is enough
            if problem.errno not in (EEXIST, ENOTEMPTY):
                with suppress(FileNotFoundError):
                    old.rename(folder)
                raise
        finally:
            shutil.rmtree(old, ignore_errors=True)


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as an NPY file.

    An OSError has its number: given a file of the system, NumPy writes it in C and does not tell why that failed.
    """
    with path.open("wb") as file:
        np.save(cast("Any", SimpleNamespace(write=file.write)), array)


def about_in(folder: Path) -> Any:
    """The value of a folder's about.json.

    InputError if it cannot be read.
    """
    path = folder / "about.json"
    try:
        return msgspec.json.decode(content(path, "a table's description", MOST_ABOUT, "docs/tables.md"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{path} is damaged; import the table's file again (docs/tables.md)") from None
