"""The tutorial of a displacement study, followed word for word, and its notebook."""

from pathlib import Path

import pytest

from tests.docs.markdown import page
from tests.docs.notebooks import run
from tests.docs.tours.following import follow, near


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader's folder after the last command, each of which printed what the page shows."""
    return follow(page("displacement-study.md"), tmp_path_factory.mktemp("home"), fit=near)


def test_the_page_is_written(here: Path) -> None:
    """The answer's page has the sentences that the page shows, and no script."""
    text = (here / "event/answer/displacement.html").read_text(encoding="utf-8")
    assert "removed more than before" in text
    assert "<script" not in text


def test_the_notebook_gives_what_it_shows(here: Path) -> None:
    """The notebook of the event, in the same folder."""
    run("event.ipynb", here)
