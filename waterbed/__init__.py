"""Measures hosting of reported abuse, its removal, and its displacement."""

from typing import TYPE_CHECKING

from waterbed.model.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from waterbed.publish.notebook import Notebook

__all__ = ["__version__", "open", "refuse_shadows"]


def open(path: "Path | str") -> "Notebook":
    """Open a study folder for tables.

    Close it, or use it in a `with` block.
    Its methods return Arrow tables (docs/notebook.md). Raises InputError if there is no study, or its keys or store
    cannot be used.
    """
    refuse_shadows()
    from waterbed.publish.notebook import open_notebook  # noqa: PLC0415 (lazily: `import waterbed` must stay cheap)

    return open_notebook(path)


def refuse_shadows() -> None:
    """Raise InputError if another file hides a package of ours.

    A notebook or script finds its own `crawler.py` or `graphs.py` before our packages of these names.
    """
    from importlib.util import find_spec  # noqa: PLC0415 (the same)
    from pathlib import Path  # noqa: PLC0415 (the same)

    from waterbed.model.errors import InputError  # noqa: PLC0415 (the same)

    for name in ("attribution", "crawler", "graphs"):
        spec = find_spec(name)
        ours = Path(__file__).parents[1] / name / "__init__.py"
        if spec is None or spec.origin is None or not Path(spec.origin).exists() or not ours.samefile(spec.origin):
            where = spec.origin if spec and spec.origin else "something else"
            raise InputError(
                f"{where} hides the package {name!r} of Waterbed; rename that file, or start Python in another folder "
                "(docs/notebook.md)"
            )
