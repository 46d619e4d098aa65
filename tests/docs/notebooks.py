"""Runs the notebooks in examples/notebooks, and holds what cells print against what is stored with them.

The rule: a notebook keeps what its cells print, as text, and no figure; it keeps no counter and no metadata of a run.
Numbers need only be near, as the study is made anew.
`python -m tests.docs.notebooks FOLDER` runs all in the folders of the tutorials and stores what they print.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.docs.markdown import ROOT
from tests.docs.tours.following import environment, near
from tests.tools import put_first

NOTEBOOKS = ROOT / "examples" / "notebooks"
_CELL = "--- cell"


def stored(name: str) -> Any:
    """A notebook as it is kept; what reads one takes a second to load, so only who reads one loads it."""
    import nbformat

    return nbformat.read(NOTEBOOKS / name, as_version=4)


def printed(cell: Any) -> str:
    """What a code cell printed and shows as text, without figures.

    A kernel cuts what is printed into pieces wherever it flushes: they are one text.
    """
    text = ""
    for output in cell.outputs:
        if output.output_type == "stream":
            text += output.text
        elif "image/png" not in output.get("data", {}):
            text += output["data"]["text/plain"] + "\n"
    return text.rstrip("\n")


def texts(book: Any) -> list[str]:
    """What each code cell printed."""
    return [printed(cell) for cell in book.cells if cell.cell_type == "code"]


def executed(name: str, here: Path) -> Any:
    """A notebook, run in a folder by a kernel of this Python."""
    from nbclient import NotebookClient

    book = stored(name)
    environ = environment(here.parent) | {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(here)}}).execute(env=environ)
    return book


def _same(found: list[str], kept: list[str]) -> None:
    for shown, printed in zip(kept, found, strict=True):
        assert near(shown, printed), f"--- stored\n{shown}\n--- printed\n{printed}"


def run(name: str, here: Path) -> None:
    """Run a notebook; each cell prints what is stored, and what should draw a figure does."""
    book = executed(name, here)
    _same(texts(book), texts(stored(name)))
    for cell in book.cells:
        if cell.cell_type == "code" and "plt.show()" in cell.source:
            assert any("image/png" in output.get("data", {}) for output in cell.outputs), cell.source


def texts_r(name: str, here: Path) -> list[str]:
    """What each cell of a notebook in R prints, run one after the other in one session."""
    put_first()
    cells = [cell.source for cell in stored(name).cells if cell.cell_type == "code"]
    script = here / "cells.R"
    script.write_text("".join(f'cat("{_CELL}\\n")\n{source}\n' for source in cells))
    done = subprocess.run(["Rscript", script.name], cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [part.strip("\n") for part in done.stdout.split(f"{_CELL}\n")[1:]]


def run_r(name: str, here: Path) -> None:
    """Run a notebook in R; each cell prints what is stored, and a figure is drawn."""
    (here / "Rplots.pdf").unlink(missing_ok=True)
    _same(texts_r(name, here), texts(stored(name)))
    assert (here / "Rplots.pdf").stat().st_size > 1000


def _store(name: str, found: list[str]) -> None:
    """Store what cells printed."""
    import nbformat

    book = stored(name)
    for cell, text in zip((one for one in book.cells if one.cell_type == "code"), found, strict=True):
        cell.execution_count = None
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text + "\n")] if text else []
    for cell in book.cells:
        cell.metadata.clear()
        cell.id = re.sub(r"\W+", "-", cell.source.splitlines()[0].lower()).strip("-")[:60] or "cell"
    nbformat.write(book, NOTEBOOKS / name)


if __name__ == "__main__":
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        at = Path(sys.argv[1])
        _store(path.name, texts_r(path.name, at) if path.stem.endswith("-r") else texts(executed(path.name, at)))
