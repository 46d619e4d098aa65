"""Every number on every page follows from the files beside it."""

import shutil
from pathlib import Path

import msgspec
import pytest

from tests.publish.site.recomputed_pages import differences
from tests.publish.study import small_study
from waterbed.publish.release import publish_all


@pytest.mark.parametrize("which", ["published", "everything"])
def test_every_number_is_that_of_the_files(which: str, request: pytest.FixtureRequest) -> None:
    """Pages worked out anew from CSV and JSON say the same in every table, sentence and figure, and nothing else."""
    assert differences(request.getfixturevalue(which)) == []


def test_pages_whose_clocks_run_from_notices_say_the_same(tmp_path: Path) -> None:
    """Where clocks run from notices, sheets, first page and ranking have one share and one interval of a hoster."""
    with small_study(tmp_path) as study:
        study.folder.config = msgspec.structs.replace(study.folder.config, clock="notice_delivered")
        publish_all(study, tmp_path / "out")
    assert differences(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("page", "old", "new"),
    [
        ("index.html", " URLs</b> were reported", "1 URLs</b> were reported"),
        ("ranking.html", '<td class="n place"', '<td class="n place">7</td><td hidden="hidden"'),
        ("hosters/AS64500.html", "hosts with reported content", "hosts with 3 reported contents"),
        ("quality.html", "quarantines open", "4 quarantines open"),
        ("displacement.html", "of these certain", "of these 12 certain"),
        ("method.html", "How to read these pages", "How to read these 17 pages"),
        ("index.html", 'aria-label="place ', 'aria-label="place 4711 to '),
        ("index.html", "<desc", "<desc>97.53%</desc><desc"),
    ],
)
def test_a_number_of_no_file_is_found(published: Path, tmp_path: Path, page: str, old: str, new: str) -> None:
    """A number put into a copy of a page, wherever it stands, is a difference."""
    shutil.copytree(published, tmp_path / "out")
    text = (published / page).read_text()
    assert old in text
    (tmp_path / "out" / page).write_text(text.replace(old, new))
    assert [one for one in differences(tmp_path / "out") if one.startswith(page)]
