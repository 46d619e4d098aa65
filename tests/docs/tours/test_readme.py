"""The tour in README.md, followed word for word."""

from pathlib import Path

from tests.docs.markdown import page, section
from tests.docs.tours.following import follow


def test_every_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    """The tour's commands run in order, as typed, and print what stands below them."""
    follow(section(page("../README.md"), "A five-minute tour"), tmp_path)
