"""Every number on every page follows from the files beside it."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from tests.publish.site.recomputed_pages import differences
from tests.publish.study import small_study
from tests.study.facts import hour
from waterbed.publish.edition import LastEdition, Ranked, remember
from waterbed.publish.release import publish_all

HAD = (64500, 64501, 64502, 64999)
"""ASes that an edition before is made to have told, all alike."""


@pytest.mark.parametrize("which", ["published", "everything"])
def test_every_number_is_that_of_the_files(which: str, request: pytest.FixtureRequest) -> None:
    """Pages worked out anew from CSV and JSON say the same in every table, sentence and figure, and nothing else."""
    assert differences(request.getfixturevalue(which)) == []


def test_pages_whose_clocks_run_from_notices_say_the_same(tmp_path: Path) -> None:
    """Where clocks run from notices, pages have one share of a hoster; the first says what changed since an edition."""
    with small_study(tmp_path, least=2) as study:
        study.folder.config = msgspec.structs.replace(study.folder.config, clock="notice_delivered")
        then = [
            Ranked(key=f"AS{n}", name="x", rank_class="ranked", removed=0.1, low=0.0, high=0.2, sites=9) for n in HAD
        ]
        remember(study.folder, LastEdition(layers={}, data_until=hour(1), ranked=tuple(then)), "publish", [])
        publish_all(study, tmp_path / "out")
    out = tmp_path / "out"
    changes = {row["change"] for row in json.loads((out / "changes-hoster.json").read_text())["rows"]}
    assert changes == {"came", "went", "class", "share"}
    assert differences(out) == []
    page = (out / "index.html").read_text()
    (out / "index.html").write_text(page.replace(" before, 95%", " before, 9 %").replace("0% to 20%", "0% to 21%"))
    assert [one for one in differences(out, "index.html") if "changed" in one]


@pytest.mark.parametrize(
    ("page", "old", "new"),
    [
        ("index.html", " URLs</b> were reported", "1 URLs</b> were reported"),
        ("ranking.html", '<td class="n place"', '<td class="n place">7</td><td hidden="hidden"'),
        ("hosters/AS64500.html", "hosts with reported content", "hosts with 3 reported contents"),
        ("quality.html", "quarantines open", "4 quarantines open"),
        ("displacement.html", "of these certain", "of these 12 certain"),
        ("displacement.html", "most named hops of all", "most of 12 named hops of all"),
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
    assert [one for one in differences(tmp_path / "out", page) if one.startswith(page)]
