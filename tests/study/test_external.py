"""What another observer told, from its file to series, hops and explanations: kept apart from our own looks."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.study.facts import START, hour, numbered, written
from tests.study.rig import Run
from waterbed.model import facts
from waterbed.model.bookkeeping import Due
from waterbed.store.machine_settings import StoreAt
from waterbed.store.settings import ExternalSettings
from waterbed.study.external import ExternalConclusions
from waterbed.study.study import Study, open_study

HEADER = '"filenumber";"url";"status";"abuse owner";"IP";"first seen";"last seen";"online counter";'
UP = "u   " * 100
"""Looks in 400 hours, each fourth."""
SEEN = {**numbered("a", 12, UP), **numbered("b", 12, UP), **numbered("c", 12, UP)}
"""Three hosters with twelve URLs each, from 5 January 2026 on; ours alone."""

EVENT = """
target = "AS64500"
date = 2026-01-09
chosen_until = 2026-01-08
controls = ["AS64501", "AS64502"]
before = {before}
after = 7
since = 2025-11-25
outcome = "{outcome}"
"""


def case(number: int, days_before: float, hoster: int, status: str = "close_offline", *, hours: float = 30.0) -> str:
    """A line of SCART's export of closed cases: up for some hours at a hoster."""
    first = START - timedelta(days=days_before)
    last = first + timedelta(hours=hours)
    return (
        f'"I{number}";"http://s{number}.forgetme{number}-example.com/x";"{status}";"Owner";'
        f'"28.{hoster}.7.{number % 250}";"{first:%Y-%m-%d %H:%M:%S}";"{last:%Y-%m-%d %H:%M:%S}";"3";'
    )


def history(folder: Path) -> Path:
    """Six weeks of closed cases before our first look: two a day at a, one at each other."""
    lines = [HEADER]
    for day in range(40):
        for place in (0, 0, 1, 2):
            lines.append(case(len(lines), 41 - day, place))
    path = folder / "closed.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with looks of January and tables of November and December."""
    return _made(tmp_path)


@pytest.fixture
def stored(tmp_path: Path, store_url: str) -> Path:
    """The same on SQLite and on PostgreSQL."""
    return _made(tmp_path, store=StoreAt(url=store_url))


def _made(folder: Path, **changes: object) -> Path:
    with written(folder, SEEN, **changes) as opened:
        routes = folder / "early.csv"
        routes.write_text("".join(f"28.{n}.0.0,28.{n}.255.255,{64500 + n},Hoster {n}\n" for n in range(3)))
        for day in (date(2025, 11, 20), date(2025, 12, 15)):
            opened.add_table(routes, day)
    return folder / "study"


def told(study: Path, path: Path, **named: object) -> Study:
    """The study with a file of SCART's imported."""
    opened = open_study(study)
    opened.import_reports(path, source="hotline", form="scart", **named)  # type: ignore[arg-type]  # by name
    return opened


def others(study: Study) -> ExternalConclusions:
    """What others told."""
    return ExternalConclusions(study.conclude(), study.folder.config.testimony)


def test_words_are_kept_and_no_name_is(run: Run, stored: Path, tmp_path: Path) -> None:
    """Each line is a report and a word of its own; importing again adds nothing; no host name is in any file."""
    path = history(tmp_path)
    code, out, _ = run("-C", stored, "import", path, "--format", "scart", "--source", "hotline")
    assert (code, "160 reports imported, 0 already known, 0 lines rejected" in out) == (0, True)
    assert "160 observations by third parties: kept apart from our own." in out
    _, again, _ = run("-C", stored, "import", path, "--format", "scart", "--source", "hotline")
    assert "0 reports imported, 160 already known" in again
    assert "words" not in again
    with open_study(stored) as opened:
        words = opened.folder.store.all(facts.ExternalObservation)
        assert {(word.observer, word.source, word.status, word.gone) for word in words} == {
            ("scart", "hotline", "close_offline", True)
        }
        assert {word.reference for word in words} == {f"I{n}" for n in range(1, 161)}
    assert not any(b"forgetme" in file.read_bytes() for file in stored.rglob("*") if file.is_file())


def test_what_is_gone_or_history_is_not_looked_at(study: Path, tmp_path: Path) -> None:
    """A closed case is not due, an open one is; with --history neither is, and a new report makes it due."""
    path = tmp_path / "s.csv"
    path.write_text("\n".join([HEADER, case(1, 3, 0), case(2, 3, 0, "scheduler_checkonline")]))
    before = len(SEEN)
    with told(study, path, history=True) as opened:
        assert opened.folder.store.count(Due) == before
    with told(study, path) as opened:
        assert opened.folder.store.count(Due) == before + 1
        reports = tmp_path / "again.csv"
        reports.write_text("url\nhttp://s1.forgetme1-example.com/x\n")
        opened.import_reports(reports)
        assert opened.folder.store.count(Due) == before + 2


def test_a_later_file_of_the_same_source_adds_words_and_no_report(stored: Path, tmp_path: Path) -> None:
    """The log of notices tells more of a case that its source has reported: one report, two words."""
    whois = tmp_path / "whois.csv"
    url = "http://s1.forgetme1-example.com/x"
    whois.write_text(
        f"filenumber;url;IP;status;received;first seen;last seen;\nI1;{url};28.0.7.1;grade;2025-12-01 08:00:00;"
        "2025-12-01 09:00:00;;\n"
    )
    log = tmp_path / "ntd.csv"
    log.write_text(f"url;IP;first seen;last seen;\n{url};28.0.7.1;2025-12-01 09:00:00;2025-12-02 09:00:00;\n")
    with told(stored, whois) as opened:
        opened.import_reports(log, source="hotline", form="scart")
        opened.import_reports(log, source="other", form="scart")
        reports = [one for one in opened.folder.store.all(facts.Report) if one.url_id not in SEEN]
        assert sorted(one.source for one in reports) == ["hotline", "other"]
        assert opened.folder.store.count(facts.ExternalObservation) == 3


def test_told_episodes_stand_apart(run: Run, study: Path, tmp_path: Path) -> None:
    """Our episodes are the same with and without; what was told is listed by itself, with whose looks it was."""
    ours = run("-C", study, "episodes", "--format", "json")[1]
    told(study, history(tmp_path), history=True).close()
    assert json.loads(run("-C", study, "episodes", "--format", "json")[1])["rows"] == json.loads(ours)["rows"]
    rows = json.loads(run("-C", study, "episodes", "--table", "external", "--format", "json")[1])["rows"]
    assert len(rows) == 160
    assert {(row["observer"], row["source"], row["cause"]) for row in rows} == {("scart", "hotline", "removed")}
    assert {row["hoster"] for row in rows} == {"AS64500", "AS64501", "AS64502"}
    assert "scart" in run("-C", study, "episodes", "--table", "external")[1]


def test_an_address_is_attributed_as_of_its_day_or_not_at_all(study: Path, tmp_path: Path) -> None:
    """A case of a year for which there is no table is at no known hoster, though later tables know its address."""
    path = tmp_path / "s.csv"
    path.write_text("\n".join([HEADER, case(1, 20, 0), case(2, 2000, 0)]))
    with told(study, path) as opened:
        assert [one.hoster for one in others(opened).episodes] == ["unknown", "AS64500"]


def test_history_is_the_period_before(run: Run, study: Path, tmp_path: Path) -> None:
    """Without history the windows reach too far back; with it they are covered, and a sentence says who saw it."""
    event = tmp_path / "event.toml"
    event.write_text(EVENT.format(before=30, outcome="appearances"))
    code, _, err = run("-C", study, "displacement", "--event", event)
    assert (code, "lies outside the study's data before the event" in err) == (2, True)
    told(study, history(tmp_path), history=True).close()
    code, out, err = run("-C", study, "displacement", "--event", event)
    assert code == 0, err
    assert "160 episodes of 160 URLs from before our first check, 2026-01-05 00:05, are told by scart" in out
    assert "The observer changes 4.0 periods before the event, within those used" in out
    found = json.loads(run("-C", study, "displacement", "--event", event, "--format", "json")[1])
    assert len([one for one in found["notes"] if not one.startswith("feed ")]) == 2  # feeds stop with the history
    early = [row for row in found["periods"] if row["reading"] == "sequential" and -30 <= row["age"] < -6]
    assert {(row["target"], row["control"], row["reports"]) for row in early} == {(2, 2, 4)}
    run("-C", study, "displacement", "--event", event, "--out", tmp_path / "out")
    assert "The observer changes" in (tmp_path / "out" / "displacement.html").read_text()


def test_the_settings_can_leave_it_out(run: Run, tmp_path: Path) -> None:
    """With in_series = false the series are ours alone, and a sentence says what was left out."""
    study = _made(tmp_path, testimony=ExternalSettings(in_series=False))
    told(study, history(tmp_path), history=True).close()
    code, out, _ = run("-C", study, "displacement")
    assert (code, "are left out (testimony.in_series)" in out) == (0, True)
    event = tmp_path / "event.toml"
    event.write_text(EVENT.format(before=30, outcome="appearances"))
    assert run("-C", study, "displacement", "--event", event)[0] == 2


def test_takedowns_of_the_observer_are_dated_by_their_intervals(study: Path, tmp_path: Path) -> None:
    """Each case ends within a day after it was last seen; other closings end nothing."""
    path = tmp_path / "s.csv"
    path.write_text(
        "\n".join([HEADER, case(1, 20, 0), case(2, 20, 0, "close"), case(3, 20, 0, "close_offline_manual")])
    )
    with told(study, path) as opened:
        ends = [(one.first_down, one.last_up) for one in others(opened).episodes]
    last = START - timedelta(days=20) + timedelta(hours=30)
    assert sorted(ends, key=str) == sorted(
        [(last + timedelta(hours=24), last), (None, last), (None, START - timedelta(days=20))], key=str
    )


def test_our_own_looks_come_first(study: Path, tmp_path: Path) -> None:
    """What is told of a URL that we looked at ourselves, or from after our first look, is in no series."""
    path = tmp_path / "s.csv"
    path.write_text("\n".join([HEADER, case(1, 20, 0), case(2, -3, 0)]))
    with told(study, path) as opened:
        done = others(opened)
        assert [one.known_up_at for one in done.prior] == [START - timedelta(days=20)]
        word = opened.folder.store.all(facts.ExternalObservation)[0]
        opened.folder.store.add([replace(word, testimony_id="own", url_id="a00", first_seen=hour(-600))])
        again = others(opened)
        assert len(again.episodes) == 3
        assert [one.url_id for one in again.prior] == [one.url_id for one in done.prior]


def test_a_move_before_our_looks_is_a_hop_of_its_own_list(run: Run, study: Path, tmp_path: Path) -> None:
    """A URL that an observer saw at two hosters is no hop of ours, and one of the told ones."""
    path = tmp_path / "s.csv"
    one = case(1, 20, 0, "scheduler_checkonline")
    path.write_text("\n".join([HEADER, one, case(1, 20, 1, hours=60).replace("28.1.", "28.1.")]))
    told(study, path).close()
    assert json.loads(run("-C", study, "hops", "--format", "json")[1])["rows"] == []
    (hop,) = json.loads(run("-C", study, "hops", "--table", "external", "--format", "json")[1])["rows"]
    assert (hop["from_hoster"], hop["to_hoster"], hop["order"]) == ("AS64500", "AS64501", "repointed")
    assert run("-C", study, "hops", "--table", "external", "--table", "labels")[0] == 2


def test_explain_says_whose_looks_they_were(run: Run, study: Path, tmp_path: Path) -> None:
    """Words and the episodes they make stand in the chain of a URL, marked as no check of ours."""
    with told(study, history(tmp_path), history=True) as opened:
        url_id = others(opened).episodes[0].url_id
    links = json.loads(run("-C", study, "explain", url_id, "--format", "json")[1])["rows"]
    marked = [(link["step"], link["source"]) for link in links if link["note"] == "no check of ours"]
    assert marked == [("told", "scart, by hotline"), ("told episode", "scart, by hotline")]


@pytest.mark.parametrize("words", [("--zone", "Mars/Phobos"), ("--zone", "UTC", "--format", "urls")])
def test_wrong_words_are_one_sentence(run: Run, study: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    """A zone that does not exist, or for a file of a form that has its own: exit code 2, nothing imported."""
    code, out, err = run("-C", study, "import", history(tmp_path), *words)
    assert (code, out, "--zone" in err) == (2, "", True)
    with open_study(study) as opened:
        assert opened.folder.store.count(facts.ExternalObservation) == 0
