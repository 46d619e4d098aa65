"""A replay of a real feed: its servers answer by construction, so nothing is concluded of removal."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from waterbed.lab.run import replay
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.window import month_of
from waterbed.publish.release import publish_all
from waterbed.questions.report.report import report_of
from waterbed.study.study import open_study

Run = Callable[..., tuple[int, str, str]]
SAID = "Replay: no removal is measured"


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replay of the live form of a feed: 14 sites at one AS, 3 at another."""
    folder = tmp_path_factory.mktemp("replay")
    rows = [f'"2025-04-11 10:00:0{n % 10}","5","http://site{n}.com/x","28.{n // 14}.0.{n}"' for n in range(17)]
    (folder / "feed.csv").write_text("# Phishing\n# CSV: Date,Score,URL,IP\n" + "\n".join(rows) + "\n")
    (folder / "routes.csv").write_text("28.0.0.0,28.0.255.255,64500,A\n28.1.0.0,28.1.255.255,64501,B\n")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        done = replay(folder / "feed.csv", [folder / "routes.csv"], date(2025, 4, 11), folder / "study")
    assert (done.imported.imported, done.passed.looks) == (17, 17)
    return folder


@pytest.fixture(autouse=True)
def _keys(replayed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(replayed / "config"))


def test_a_replay_concludes_no_removal(replayed: Path) -> None:
    """Volume is measured; there is no episode, share, speed or class that would speak of removal."""
    with open_study(replayed / "study") as study:
        conclusions = study.conclude()
        rows = ranking_of(conclusions)
        assert (conclusions.episodes, conclusions.hops) == ([], [])
    assert {(row.key, row.urls, row.rank_class) for row in rows} == {
        ("AS64500", 14, "unmeasurable"),
        ("AS64501", 3, "too few"),
    }
    numbers = (
        "removed_24h",
        "removed_24h_low",
        "removed_24h_high",
        "removed_24h_worst",
        "removed_24h_best",
        "median_h",
    )
    assert {getattr(row, name) for row in rows for name in numbers} == {None}


def test_what_a_replay_saw_up_is_up_in_a_months_report(replayed: Path) -> None:
    """Without an episode the last decided check tells: what is up is not gone, neither in all nor at a hoster."""
    with open_study(replayed / "study") as study:
        found = report_of(study, month_of("2025-04"))
    now = found.month
    assert (now.urls, now.removed, now.gone_otherwise, now.up, now.undecided) == (17, 0, 0, 17, 0)
    assert {one.row.key: one.up for one in found.hosters} == {"AS64500": 14, "AS64501": 3}


def test_the_status_of_a_replay_promises_no_ranking_of_speed(replayed: Path, run: Run) -> None:
    """No time is named from when a share can mean something: it never will."""
    out = run("-C", replayed / "study", "status")[1]
    assert ("being measured" in out, "can mean something" in out) == (False, False), out


def test_whatever_is_published_of_a_replay_says_so(replayed: Path, tmp_path: Path) -> None:
    """Each page, each JSON table, README, STIX, MISP and IntelMQ carries the sentence."""
    with open_study(replayed / "study") as study:
        files = publish_all(study, tmp_path / "out")
    texts = {str(file.relative_to(tmp_path / "out")): file.read_bytes() for file in files}
    pages = [name for name in texts if name.endswith(".html")]
    tables = [name for name in texts if name.endswith(".json") and name.replace(".json", ".csv") in texts]
    events = [name for name in texts if name.startswith("misp/") and name.endswith(".json") and len(name) > 30]
    assert (len(pages) > 8, len(tables) > 10, len(events)) == (True, True, 1)
    carriers = [*pages, *tables, *events, "README.txt", "stix.json", "intelmq.jsonl"]
    assert [name for name in carriers if SAID.encode() not in texts[name]] == []
    assert all(SAID in json.loads(line)["extra"]["made"]["caveat"] for line in texts["intelmq.jsonl"].splitlines())


def test_a_replay_prints_that_it_measured_no_removal(replayed: Path, run: Run) -> None:
    """The ranking on the terminal, the fact sheet and a freeze say it too."""
    assert SAID in run("-C", replayed / "study", "rank", "--by", "asn")[1]
    assert SAID in run("-C", replayed / "study", "fact-sheet", "AS64500")[1]
    assert run("-C", replayed / "study", "freeze", replayed / "frozen")[0] == 0
    (text,) = [file.read_text() for file in (replayed / "frozen").rglob("README.txt")]
    assert SAID in text
    assert run("reproduce", replayed / "frozen", replayed / "again")[0] == 0
    with open_study(replayed / "again") as study:
        assert study.conclude().episodes == []
