"""Measures who hosts reported abuse, how fast it goes, and where it goes next."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from waterbed.publish.notebook import Notebook

__version__ = "0.1.0"


def open(path: "Path | str") -> "Notebook":
    """Open a study folder for tables; close it, or use it in a `with` block.

    Its methods return Arrow tables (docs/notebook.md). Raises InputError if there is no study, or its keys or store
    cannot be used.
    """
    from waterbed.publish.notebook import open_notebook  # noqa: PLC0415 (lazily: `import waterbed` must stay cheap)

    return open_notebook(path)
