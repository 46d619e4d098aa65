"""Numbers of the lab's whole site: with interventions, notices, weeks and quarantines."""

from pathlib import Path

from tests.publish.site.recomputed_pages import differences
from tests.publish.site.recomputed_report import report_differences


def test_every_number_of_the_labs_site_is_that_of_its_files(folder: Path) -> None:
    """Pages of the lab's main world, events among them, say what CSV and JSON beside them say."""
    assert differences(folder / "out") == []


def test_every_number_of_the_labs_report_is_that_of_its_files(folder: Path) -> None:
    """The month's report of the lab's main world, too."""
    (page,) = (folder / "report").glob("*.html")
    assert report_differences(page) == []
