"""Commands on a study that holds little: plain sentences, and none about what is not there."""

import json
from pathlib import Path

import pytest

from tests.shown.test_windows import make
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


def test_rank_and_publish_say_that_nothing_was_measured(run: Run, study: Path, tmp_path: Path) -> None:
    """Both say it in one sentence, and leave the next step to `status`; what is published is written."""
    for words in (("rank",), ("publish", tmp_path / "out")):
        code, out, _ = run("-C", study, *words)
        told = f"No URL was checked yet; waterbed -C {study} status says what comes next."
        assert (code, told in " ".join(out.split())) == (0, True), out
    assert (tmp_path / "out" / "index.html").is_file()


@pytest.mark.parametrize("clock", ["notice_sent", "notice_delivered", "legal_order", "first_seen"])
def test_a_ranking_by_notices_says_that_there_are_none(run: Run, study: Path, clock: str) -> None:
    """With a clock that a notice starts, and with no other."""
    code, out, err = run("-C", study, "rank", "--clock", clock)
    assert (code, "This study has no notice" in out) == (0, clock != "first_seen"), out + err


def test_a_study_is_not_reproduced_into_one_that_is_there(run: Run, study: Path, tmp_path: Path) -> None:
    """The message says that it exists already, as that of other commands that make folders."""
    code, out, err = run("reproduce", tmp_path / "package", study)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{study} exists already; name a new folder for the reproduction" in err


def test_a_study_without_notices_has_nothing_in_time(run: Run, study: Path) -> None:
    """`overdue` says that there is no notice, and how they are imported; tools get that on standard error."""
    code, out, err = run("-C", study, "overdue")
    assert (code, err, "beyond its time" in out, "within their time" in out) == (0, "", False, False)
    told = f"has no notice, so nothing can be overdue; import notices first (waterbed -C {study} notices notices.csv;"
    assert told in " ".join(out.split())
    code, out, err = run("-C", study, "overdue", "--format", "csv")
    assert (code, "no notice" in out, "has no notice" in err) == (0, False, True)


def test_status_names_an_empty_contact(run: Run, study: Path, tmp_path: Path) -> None:
    """Among what stands in the way, as in doctor; with a contact nothing is said of it."""
    assert "nobody can reach us" not in run("-C", study, "status")[1]
    assert run("init", tmp_path / "t", "--resolver", "127.0.0.1:1")[0] == 0
    assert "nobody can reach us, as contact is empty: set contact in waterbed.toml" in " ".join(
        run("-C", tmp_path / "t", "status")[1].split()
    )


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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("notice",), "did you mean notices?"),
        (("overdue",), "did you mean cli overdue?"),
        (("intake", "CS"), "did you mean CSV?"),
    ],
)
def test_a_page_that_is_none_is_asked_back(words: tuple[str, ...], told: str, run: Run) -> None:
    """`docs` names the likest page or section."""
    code, _, err = run("docs", *words)
    assert (code, told in err) == (2, True), err


def test_explain_says_how_a_url_is_given(run: Run, study: Path) -> None:
    """On the line after the command, which is told whole."""
    code, _, err = run("-C", study, "explain", "http://a.example.com/")
    assert (code, f"type waterbed -C {study} explain -, press Enter, paste the URL" in err) == (2, True), err


def test_docs_takes_sections_as_a_shell_can_type_them(run: Run) -> None:
    """Backticks of a heading are left out; a page without sections is called so, and none prints what a site needs."""
    for words, head in (
        (("schema", "RankingRow"), "### `RankingRow`"),
        (("schema", "DATA/totals"), "### `data/totals`"),
    ):
        code, said, _ = run("docs", *words)
        assert (code, said.splitlines()[0]) == (0, head)
    code, _, err = run("docs", "plugins", "x")
    assert (code, "plugins has no sections" in err) == (2, True), err
    code, said, _ = run("docs", "python")
    assert (code, "python -m pydoc waterbed.publish.notebook" in said, "{" in said) == (0, True, False), said
    assert "{" not in run("docs", "howto")[1]
