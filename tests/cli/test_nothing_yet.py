"""Commands on a study that holds little: plain sentences, and none about what is not there."""

import json
from pathlib import Path

import pytest

from tests.cli.commands.test_windows import make
from tests.study.copies import copied, kept
from tests.study.rig import Run
from waterbed.study.study import open_study


@pytest.fixture
def study(run: Run, tmp_path: Path) -> Path:
    """A study with a report, and without a check."""
    path = tmp_path / "reports.csv"
    path.write_text("url\nhttp://a.example.com/\n")
    run("init", tmp_path / "s", "--contact", "https://research.example.org")
    run("-C", tmp_path / "s", "import", path, "--source", "hotline")
    return tmp_path / "s"


def test_a_pass_that_recorded_nothing_has_checked_nothing(run: Run, study: Path) -> None:
    """After a pass without a check `status` says that none was made, as `rank` does."""
    with open_study(study) as opened, opened.folder.run("recheck"):
        pass
    (row,) = json.loads(run("-C", study, "status", "--format", "json")[1])["rows"]
    assert (row["phase"], row["last_pass_at"] is None, row["ranking_at"]) == ("reported", False, None)
    assert "reported, never checked" in run("-C", study, "status")[1]
    assert "No URL was checked yet" in run("-C", study, "rank")[1]


def test_no_hop_is_not_counted_as_displacement(run: Run, study: Path) -> None:
    """Without a hop no sentence speaks of others."""
    code, out, _ = run("-C", study, "hops")
    assert (code, "displacement" in out, "already there" in out) == (0, False, False), out


@pytest.mark.parametrize(("word", "meant"), [("hosters", "hoster"), ("site_type", "site-type"), ("Country", "country")])
def test_a_ranking_of_another_name_is_asked_back(run: Run, study: Path, word: str, meant: str) -> None:
    """The message lists the names that the help lists, and the likest of them."""
    code, _, said = run("-C", study, "rank", "--by", word)
    assert (code, said.count("\n")) == (2, 1)
    assert f"--by {word!r} is not known (did you mean {meant}?); one of hoster, asn, country, " in said
    assert ("site-type" in said, "as_holder" in said, "(docs/ranking.md, What is ranked)" in said) == (
        True,
        False,
        True,
    )


def test_a_first_publication_says_nothing_of_changes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an edition before there is nothing that came or went."""
    folder = copied(kept(tmp_path / "made", make), tmp_path / "copy", monkeypatch)
    code, out, said = run("-C", folder, "publish", tmp_path / "out")
    assert (code, "came" in out + said, "edition" in out + said) == (0, False, False), out + said
