"""The tutorial of a first study, followed word for word, and the notebooks that go on with it."""

from pathlib import Path

import pytest

from tests.docs.markdown import page
from tests.docs.notebooks import printed, run, run_r
from tests.docs.tours.following import follow


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader's folder after the last command, each of which printed what the page shows."""
    return follow(page("first-study.md"), tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("name", ["first-study.ipynb", "rankings-pandas.ipynb"])
def test_a_notebook_gives_what_it_shows(here: Path, name: str) -> None:
    """Run from its first cell to its last, each cell prints what is stored with it, and figures are drawn."""
    run(name, here)


def test_the_notebook_in_r_gives_what_it_shows(here: Path) -> None:
    """In base R, without packages, each cell prints what is stored with it."""
    run_r("rankings-r.ipynb", here)


def test_what_a_cell_printed_is_one_text_wherever_its_kernel_cut_it() -> None:
    """Pieces of what was printed are put together as they were printed, within a line and at its end."""
    import nbformat

    pieces = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in ("a 1\nb", " 2", "\n")]
    assert printed(nbformat.v4.new_code_cell("print()", outputs=pieces)) == "a 1\nb 2"
