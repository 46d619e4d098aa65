"""Numbers of the lab's whole site: with interventions, notices, weeks and quarantines."""

from pathlib import Path

from tests.publish.site.recomputed_pages import differences


def test_every_number_of_the_labs_site_is_that_of_its_files(folder: Path) -> None:
    """Pages of the lab's main world, events among them, say what CSV and JSON beside them say."""
    assert differences(folder / "out") == []
