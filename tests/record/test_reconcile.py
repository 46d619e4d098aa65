"""The command that holds a hoster's list against ours, on looks that were taken."""

import csv
import io
import json
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.leaks.names import names_of
from tests.leaks.search import Search
from tests.study.rig import Run, feed, lab_study, reports_csv
from waterbed.crawler.recheck.run import run_recheck
from waterbed.model.urls import canonicalize

PAIRS = feed(6)
"""Four hosts at one hoster, two at another."""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study that was looked at once; four hosts at AS64500, of which the first two were notified."""
    with lab_study(PAIRS, tmp_path) as (opened, _):
        routes = tmp_path / "routes.csv"
        routes.write_text("28.10.0.0,28.10.3.255,64500,First\n28.10.4.0,28.10.255.255,64501,Second\n")
        opened.add_table(routes, date(2026, 1, 5))
        opened.import_reports(reports_csv(PAIRS, tmp_path))
        assert run_recheck(opened.folder).looks == len(PAIRS)
        notices = tmp_path / "sent.csv"
        rows = [f"{PAIRS[n][0]},AS64500,2026-01-0{5 + n}T10:00:00Z,mail" for n in range(2)]
        notices.write_text("\n".join(["url,recipient,sent_at,channel", *rows]) + "\n")
        opened.folder.clock = lambda: datetime(2026, 1, 20, tzinfo=UTC)
        opened.import_notices(notices)
    return tmp_path / "study"


def theirs(folder: Path) -> Path:
    """Their list: a match, another day, a duplicate, somebody else's, one unknown to all, one unreadable."""
    path = folder / "theirs.csv"
    urls = [PAIRS[0][0], PAIRS[1][0].replace("http", "hxxp"), PAIRS[0][0], PAIRS[5][0], "http://else.example.com/", "x"]
    dates = ["05-01-2026", "20-01-2026", "05-01-2026", "05-01-2026", "", ""]
    path.write_text("\n".join(["Link;Datum;Via", *(f"{u};{d};mail" for u, d in zip(urls, dates, strict=True))]) + "\n")
    return path


def test_a_list_is_held_against_the_study(run: Run, study: Path, tmp_path: Path) -> None:
    """Each row of theirs by line, then what only we have; days apart are theirs less ours; exit code 1."""
    code, out, _ = run("-C", study, "reconcile", theirs(tmp_path), "--hoster", "AS64500", "--format", "json")
    rows = json.loads(out)["rows"]
    assert code == 1
    assert [(r["line"], r["result"], r["days"], r["known"]) for r in rows] == [
        (2, "matched", 0, True),
        (3, "date differs", 14, True),
        (4, "duplicate", None, True),
        (5, "only theirs", None, True),
        (6, "only theirs", None, False),
        (7, "unreadable", None, False),
        (None, "only ours", None, True),
        (None, "only ours", None, True),
    ]
    assert [r["told"] for r in rows if r["result"] == "only ours"] == [False, False]
    assert rows[0]["channel_agrees"] is True


def test_a_list_that_agrees_is_no_finding(run: Run, study: Path, tmp_path: Path) -> None:
    """All four in it: exit code 0 and one line of counts."""
    path = tmp_path / "agrees.txt"
    path.write_text("".join(f"{url}\n" for url, _ in PAIRS[:4]))
    code, out, _ = run("-C", study, "reconcile", path, "--hoster", "AS64500")
    assert (code, "4 matched, 0 date differs, 0 only ours" in out) == (0, True)


def test_the_answer_holds_their_rows_alone(run: Run, study: Path, tmp_path: Path) -> None:
    """As they wrote them, with results; nothing of what only we have; for its owner alone."""
    back = tmp_path / "back.csv"
    code, out, _ = run("-C", study, "reconcile", theirs(tmp_path), "--hoster", "AS64500", "--back", back)
    rows = list(csv.reader(io.StringIO(back.read_text()), delimiter=";"))
    sent = list(csv.reader(io.StringIO(theirs(tmp_path).read_text()), delimiter=";"))
    assert code == 1
    assert [row[:3] for row in rows] == sent
    assert [row[3:] for row in rows] == [
        ["result", "days", "note"],
        ["matched", "0", ""],
        ["date differs", "14", ""],
        ["duplicate", "", "as line 2"],
        ["not in our list", "", ""],
        ["not in our list", "", ""],
        ["unreadable", "", "address lacks an http:// or https:// scheme"],
    ]
    assert not any(url in back.read_text() for url, _ in PAIRS[2:5])
    assert stat.S_IMODE(back.stat().st_mode) == 0o600
    search = Search(names_of([canonicalize(url).host for url, _ in PAIRS]))
    (tmp_path / "said").write_text(out)
    assert not search.over([tmp_path / "said"]).hits


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("theirs.csv", "--hoster", "nobody"), "nor its book knows the hoster 'nobody'"),
        (("none.csv", "--hoster", "AS64500"), "cannot be read"),
        (("theirs.csv", "--hoster", "AS64500", "--back", "theirs.csv"), "is the hoster's own file"),
        (("theirs.csv", "--hoster", "AS64500", "--back", "none/back.csv"), "cannot be written"),
        (("theirs.csv", "--hoster", "AS64500", "--dates", "mdy"), "do not fit --dates mdy"),
    ],
)
def test_a_mistake_is_one_sentence(
    run: Run, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    """A hoster that nobody knows, files that cannot be read or written, dates that contradict: exit code 2."""
    theirs(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, _, err = run("-C", study, "reconcile", *words)
    assert (code, said in err) == (2, True)
