"""Windows on the command line, the month's report and what is overdue: what they print, and how they fail."""

import csv
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.commands.test_notices import notice
from tests.publish.study import small_study
from tests.study.copies import copied, kept
from tests.study.facts import hour
from tests.study.rig import Run
from waterbed.model.facts import ExternalObservation, Report
from waterbed.model.takedown import Overdue
from waterbed.model.window import month_of
from waterbed.questions.report.command import print_report
from waterbed.questions.report.overdue import still_up
from waterbed.questions.report.overdue_command import _IDS, _cell, _columns
from waterbed.questions.report.report import Returned, report_of
from waterbed.shown.output import console, print_rows
from waterbed.study.study import open_study

OPTIONS = ("rank", "compliance", "episodes", "hops", "graph", "displacement")


def make(folder: Path) -> None:
    """The small study that is published, with two references of the hotline and an order about what stays up."""
    with small_study(folder) as study:
        known = [_testimony("a00", "case 17"), _testimony("b03", "case 18")]
        order = notice("b03", 90, "AS64501", kind="nl_order", batch="7")
        waiting = notice("b04", 275, "AS64501")
        police = notice("b05", 120, "AS64501", held_for_police=True)
        study.folder.store.add([*known, order, waiting, police])


def _testimony(url_id: str, reference: str) -> ExternalObservation:
    return ExternalObservation(
        testimony_id=reference,
        url_id=url_id,
        observer="scart",
        source="hotline",
        reference=reference,
        first_seen=None,
        last_seen=None,
        status=None,
        gone=False,
        since=None,
        address=None,
        looks=None,
        received_at=hour(1),
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a study, for all tests of this file."""
    return kept(tmp_path_factory.mktemp("windows"), make)


@pytest.fixture
def study(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    return copied(original, tmp_path, monkeypatch)


@pytest.mark.parametrize("command", OPTIONS)
def test_each_command_refuses_a_bad_window_and_names_an_empty_one(run: Run, study: Path, command: str) -> None:
    """A bad window is one sentence and exit code 2; an empty one is said plainly."""
    for words, what in (
        (("--since", "soon"), "is not a date"),
        (("--since", "2026-02-01", "--until", "2026-01-01"), "not before its end"),
        (("--until", "2026-01-05"), "before the study's first report"),
    ):
        code, _, told = run("-C", study, command, *words)
        assert (code, told.count("\n"), what in told) == (2, 1, True), told
    code, out, told = run("-C", study, command, "--since", "2026-02-01")
    assert (code, "in this window" in " ".join((out + told).split())) == (2 if command == "displacement" else 0, True)


@pytest.mark.parametrize(
    "words",
    [
        ("rank",),
        ("rank", "--table", "places"),
        ("compliance", "--clock", "reported"),
        ("compliance", "--table", "returns"),
        ("fact-sheet", "AS64500"),
        ("episodes",),
        ("hops",),
        ("graph",),
        ("graph", "--table", "measures"),
    ],
)
def test_rows_by_week_name_their_week_in_every_format(run: Run, study: Path, words: tuple[str, ...]) -> None:
    """People see a column of weeks; tools get the week's bounds beside the columns of the table."""
    code, out, _ = run("-C", study, *words, "--window", "week")
    assert (code, "2026-W02" in out, "2026-W03" in out) == (0, True, True)
    follow, end = ((), "2026-01-12") if words[0] in ("hops", "graph") else (("--follow", "2d"), "2026-01-14")
    code, out, _ = run("-C", study, *words, "--window", "week", *follow, "--format", "json")
    rows = json.loads(out)["rows"]
    assert {row["window"] for row in rows} == {"2026-W02", "2026-W03"}
    assert {(row["window_since"][:10], row["followed_to"][:10]) for row in rows if row["window"] == "2026-W02"} == {
        ("2026-01-05", end)
    }
    assert json.loads(out)["reports"] == "all reports, by week"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("rank", "--window", "day"), "week or month was expected"),
        (("rank", "--window", "week", "--table", "volume"), "for the ranking and for places"),
        (("rank", "--follow", "2d"), "add --until"),
        (("compliance", "--window", "week", "--weeks"), "leave out one of them"),
        (("graph", "--week", "2026-W02", "--since", "2026-01-01"), "leave out --since"),
        (("graph", "--window", "week", "--table", "weeks"), "leave out --window"),
        (("hops", "--table", "labels", "--since", "2026-01-01"), "is of all time"),
        (("report", "--month", "2026"), "is not a month"),
        (("report", "--month", "9999-12"), "is not a month of 1970 to 2200"),
        (("report", "--month", "2026-01", "--source", "nobody"), "did not report anything"),
        (("report", "--month", "2025-11"), "before the study's first report"),
        (("overdue", "--source", "nobody"), "sources are hotline, second"),
    ],
)
def test_words_that_do_not_go_together_are_refused(run: Run, study: Path, words: tuple[str, ...], what: str) -> None:
    """One sentence says what to leave out or what was expected."""
    code, _, told = run("-C", study, *words)
    assert (code, told.count("\n"), what in told) == (2, 1, True), told


def test_what_is_overdue_is_listed_by_hoster_with_the_sources_reference(run: Run, study: Path, tmp_path: Path) -> None:
    """Dutch orders get 12 hours by law, notices 24; what is in time is counted, what the police holds is marked."""
    code, out, _ = run("-C", study, "overdue", "--csv", tmp_path / "late.csv")
    assert (code, "1 more are up and within their time" in out) == (1, True)
    assert "1 was held for the police" in out
    rows = list(csv.DictReader((tmp_path / "late.csv").read_text().splitlines()))
    assert [(row["key"], row["url_id"], row["reference"], row["deadline_h"]) for row in rows] == [
        ("AS64501", "b05", "", "24.0"),
        ("AS64501", "b03", "case 18", "12.0"),
    ]
    assert float(rows[1]["late_h"]) == pytest.approx(111 + 5 / 60 - 90 - 12, abs=0.001)
    code, out, _ = run("-C", study, "overdue", "--after", "9999", "--source", "second", "--format", "csv")
    assert (code, [line.partition(",")[0] for line in out.splitlines()]) == (1, ["key", "AS64501"])


def test_a_reminder_without_a_known_arrival_counts_from_its_sending(run: Run, study: Path, tmp_path: Path) -> None:
    """Of two reminders one arrived and of one that is not known: both count, one before the notice does not."""
    with open_study(study) as opened:
        waiting = {"reminder": True, "delivered_at": None}
        again = [notice("b05", 130, "AS64501", reminder=True), notice("b05", 140, "AS64501", **waiting)]
        other = [notice("b05", 135, "AS64500", **waiting), notice("b05", 136, "AS64501", bounced=True, **waiting)]
        opened.folder.store.add([*again, *other, notice("b03", 80, "AS64501", **waiting)])
    code, out, _ = run("-C", study, "overdue")
    assert (code, "again: further notices since, by arrival, or by sending where" in " ".join(out.split())) == (1, True)
    run("-C", study, "overdue", "--csv", tmp_path / "late.csv")
    rows = list(csv.DictReader((tmp_path / "late.csv").read_text().splitlines()))
    assert {row["url_id"]: row["reminders"] for row in rows} == {"b05": "2", "b03": "0"}


def test_what_is_overdue_at_one_hoster_is_listed_alone(run: Run, study: Path, tmp_path: Path) -> None:
    """A hoster's key keeps its rows in the table and the file; an unknown key is refused with the likely one."""
    with open_study(study) as opened:
        opened.folder.store.add([notice("c00", 10, "AS64502")])
    assert "3 URLs overdue at 2 hosters" in run("-C", study, "overdue")[1]
    code, out, _ = run("-C", study, "overdue", "AS64502", "--csv", tmp_path / "late.csv")
    rows = list(csv.DictReader((tmp_path / "late.csv").read_text().splitlines()))
    assert (code, [(row["key"], row["url_id"]) for row in rows]) == (1, [("AS64502", "c00")])
    assert "1 more are up and without a notice to their hoster" in out
    code, _, told = run("-C", study, "overdue", "AS6450x")
    assert (code, told.count("\n"), "did you mean AS6450" in told) == (2, 1, True), told


def test_what_no_notice_reached_is_counted_apart(run: Run, study: Path) -> None:
    """Content up of which its hoster got no notice, or got one that came back, is neither overdue nor in time."""
    with open_study(study) as opened:
        opened.folder.store.add([notice("c00", 10, "AS64502", bounced=True, delivered_at=None)])
        up = {url for url, group in opened.conclude().facts.targets.items() if url[0] in "bcd" and group}
    out = run("-C", study, "overdue")[1]
    counts = [int(re.search(rf"(\d+) {words}", out)[1]) for words in ("URLs overdue", "more are up and within their")]
    assert f"{len(up) - sum(counts)} more are up and without a notice to their hoster" in out, out


def test_the_file_of_what_is_overdue_has_the_columns_of_notices(run: Run, study: Path, tmp_path: Path) -> None:
    """Each row names its notice's sender, recipient, batch and time as `notices` reads them, and no time by law."""
    run("-C", study, "overdue", "--csv", tmp_path / "late.csv")
    rows = csv.DictReader((tmp_path / "late.csv").read_text().splitlines())
    order = next(row for row in rows if row["url_id"] == "b03")
    assert (order["sender"], order["recipient"], order["batch"]) == ("hotline", "AS64501", "7")
    assert (order["sent_at"], order["due_at"]) == (f"{hour(89.5):%Y-%m-%dT%H:%M:%SZ}", "")


def test_a_fact_sheet_says_why_an_order_has_no_clock_of_notices(run: Run, study: Path) -> None:
    """An order starts no clock of delivered notices, as a line below the cases says; an empty column is left out."""
    out = run("-C", study, "fact-sheet", "AS64501")[1]
    assert ("timing" in out, "gone before its clock" in out, "orders have a clock of their own" in out) == (
        False, False, True
    )  # fmt: skip
    assert (
        "orders have a clock of their own" not in run("-C", study, "fact-sheet", "AS64501", "--clock", "legal_order")[1]
    )


def test_ids_of_what_is_overdue_stand_on_one_line(run: Run, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns no id is broken, even with columns for references, reminders and answers."""
    monkeypatch.setattr(console, "_width", 80)
    ids = {"b03": "3" * 32, "b05": "5" * 32}
    with open_study(study) as opened:
        rows = still_up(opened.conclude()).late
    rows = [
        replace(row, url_id=ids[row.url_id], reminders=1, acknowledged=True, reference="case 2026-18") for row in rows
    ]
    with console.capture() as captured:
        print_rows(Overdue, rows, None, "table", columns=_columns(rows), cell=_cell, unbroken=_IDS)  # type: ignore[arg-type]  # for people
    text = captured.get()
    assert all(name[:12] in text for name in ids.values()), text


def test_a_months_report_says_what_was_reported_removed_and_is_still_up(run: Run, study: Path, tmp_path: Path) -> None:
    """Its numbers add up, the page holds no address and loads nothing, and own references stand in it."""
    code, out, _ = run("-C", study, "report", "--month", "2026-01", "--source", "hotline", "--out", tmp_path / "r")
    assert (code, "2025-12: before the study's first report" in out) == (0, True)
    (page,) = (tmp_path / "r").glob("*.html")
    text = page.read_text()
    assert page.name == "report-2026-01-hotline.html"
    assert ("case 18" in text, "http://" in text, "<script" in text, "src=" in text) == (True, False, False, False)
    code, out, _ = run("-C", study, "report", "--month", "2026-02")
    assert (code, "This month is not measured, as the study ends at 2026-01-" in out) == (0, True)


@pytest.mark.parametrize(
    ("written", "said"), [(True, "in the tables beside the page"), (False, ": --out FOLDER writes all")]
)
def test_what_came_back_beyond_the_first_rows_is_pointed_to(
    capsys: pytest.CaptureFixture[str], study: Path, *, written: bool, said: str
) -> None:
    """Who wrote the page is sent to its tables, others to the option."""
    with open_study(study) as opened:
        found = report_of(opened, month_of("2026-01"))
    back = Returned(url_id="a" * 32, reference=None, hoster="a", removed_at=hour(1), back_at=hour(2), where="b")
    print_report(replace(found, returned=[back] * 13), written=written)
    assert capsys.readouterr().out.rstrip().endswith(f"... 1 more{',' * written}{' ' * written}{said}")


def test_a_month_without_checks_says_what_was_reported(run: Run, tmp_path: Path) -> None:
    """No check means reports without one, no report means an empty study, and neither lies before anything."""
    folder = tmp_path / "new"
    run("init", folder, "--contact", "https://research.example.org")
    code, out, _ = run("-C", folder, "report", "--month", "2026-11")
    assert (code, "- The study has no report yet." in out, "before the study" in out) == (0, True, False), out
    path = tmp_path / "reports.csv"
    path.write_text("url,date\nhttp://a.example.com/,2026-11-27\nhttp://b.example.com/,2026-11-28\n")
    run("-C", folder, "import", path, "--source", "hotline")
    out = run("-C", folder, "report", "--month", "2026-11", "--out", tmp_path / "page")[1]
    assert "- 2 URLs were first reported; none was checked yet." in out, out
    assert "2026-11, of which none was checked; clocks" in out, out
    assert "2026-10: before the study's first report." in out, out
    assert "none was checked yet." in (tmp_path / "page" / "report-2026-11.html").read_text()
    out = run("-C", folder, "report", "--month", "2026-12")[1]
    assert "- No URL was first reported in this month." in out, out


def test_what_is_not_suppressed_is_not_put_into_a_publication(run: Run, study: Path, tmp_path: Path) -> None:
    """A report or a graph is refused in a publication's folders, which stay as they are; publishing again is not."""
    out = tmp_path / "out"
    assert run("-C", study, "publish", out)[0] == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    asked = ("report", "--month", "2026-01", "--out")
    for words in ((*asked, out), (*asked, out / "data"), ("graph", "--out", out / "hops.gexf")):
        code, _, said = run("-C", study, *words)
        assert (code, f"{out} holds a publication" in said.replace("\n", " ")) == (2, True), said
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert run("-C", study, "publish", out)[0] == 0


def test_a_report_compares_with_the_month_before(study: Path) -> None:
    """URLs of each month are its own; a report of an older URL is counted apart."""
    from waterbed.model.window import Window, month_before
    from waterbed.questions.report.report import report_of

    with open_study(study) as opened:
        plain = next(one for one in opened.store.all(Report) if one.report_id == "a00")
        later = hour(200)
        opened.store.add([replace(plain, report_id="again", reported_at=later, received_at=later)])
        middle = hour(7 * 24)
        found = report_of(opened, Window(since=middle, until=middle + timedelta(days=7)), source="hotline")
        now = found.month
        assert (now.reports, now.urls, now.again) == (14, 13, 1)  # five of them at Tor
        assert now.removed + now.gone_otherwise + now.up + now.undecided + now.no_address == now.urls
        assert (now.no_address, now.undecided) == (5, 0)
        assert now.share is not None
        assert now.share.worst == now.share.best, "what has no address hides nothing"
        assert month_before(now.window).until == now.window.since
        assert {one.row.key for one in found.hosters} <= {"AS64500", "AS64501", "AS64502", "AS64503"}
        assert sum(one.up for one in found.hosters) == now.up
