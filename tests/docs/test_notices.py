"""The page on notices, against the code that it describes."""

from typing import get_args

from tests.docs.markdown import page, rows, section
from waterbed.intake.csv_notices import COLUMNS
from waterbed.measures.clocks import CLOCK_WORDS
from waterbed.model.conclusions import Addressed, ClockKind
from waterbed.shown.options import Clock


def test_every_column_of_a_file_of_notices_is_documented() -> None:
    """The table has every field with all names that it may have."""
    found = {cells[0].strip("`"): cells[1] for cells in rows(section(page("notices.md"), "The file"))}
    assert found == {field: ", ".join(f"`{name}`" for name in names) for field, names in COLUMNS.items()}


def test_every_clock_is_documented_and_can_be_asked_for() -> None:
    """The page, the command line and the sentences know the same clocks."""
    found = {cells[0].strip("`") for cells in rows(section(page("notices.md"), "Clocks"))}
    assert found == set(get_args(ClockKind)) == {clock.value for clock in Clock} == set(CLOCK_WORDS)


def test_everybody_that_a_notice_can_reach_is_documented() -> None:
    """The page lists the four ways in which a notice can be addressed."""
    found = {cells[0].strip("`") for cells in rows(section(page("notices.md"), "Addressees"))}
    assert found == set(get_args(Addressed))
