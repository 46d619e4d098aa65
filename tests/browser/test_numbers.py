"""Numbers of the lab's whole site: with interventions, notices, weeks and quarantines."""

import shutil
from pathlib import Path

import pytest

from tests.publish.site.recomputed_pages import differences
from tests.publish.site.recomputed_report import report_differences


@pytest.mark.long
def test_every_number_of_the_labs_site_is_that_of_its_files(folder: Path) -> None:
    """Pages of the lab's main world, events among them, say what CSV and JSON beside them say."""
    assert differences(folder / "out") == []


def test_every_number_of_the_labs_report_is_that_of_its_files(folder: Path) -> None:
    """The month's report of the lab's main world, too."""
    (page,) = (folder / "report").glob("*.html")
    assert report_differences(page) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('class="said"><bdi>', 'class="said"><bdi>7 '),
        (" reasons for which", "1 reasons for which"),
        ("target after: ", "target after: 9"),
        (" numbers could be given", "0 numbers could be given"),
    ],
)
def test_a_number_of_no_file_is_found_on_an_events_page(folder: Path, tmp_path: Path, old: str, new: str) -> None:
    """A number put into a copy of it is a difference."""
    out = shutil.copytree(folder / "out", tmp_path / "out")
    page = "interventions/moerashost-acts.html"
    text = (out / page).read_text()
    assert old in text
    (out / page).write_text(text.replace(old, new))
    assert [one for one in differences(out, page) if one.startswith(page)]
