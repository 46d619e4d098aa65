"""Measures who hosts reported abuse, how fast it goes, and where it goes next."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from waterbed.study import Study


def open(path: "Path | str") -> "Study":
    """Open a study folder; close it, or use it in a `with` block.

    Raises InputError if there is no study, or its keys or store cannot be used.
    """
    from waterbed.study import open_study  # noqa: PLC0415 (lazily: `import waterbed` must stay cheap)

    return open_study(path)
