"""Measures hosting of reported abuse, its removal, and its displacement."""

from typing import TYPE_CHECKING

from waterbed.model.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from waterbed.publish.notebook import Notebook

__all__ = ["__version__", "open"]


def open(path: "Path | str") -> "Notebook":
    """Open a study folder for tables.

    Close it, or use it in a `with` block.
    Its methods return Arrow tables (docs/notebook.md). Raises InputError if there is no study, or its keys or store
    cannot be used.
    """
    from waterbed.publish.notebook import open_notebook  # noqa: PLC0415 (lazily: `import waterbed` must stay cheap)

    return open_notebook(path)
