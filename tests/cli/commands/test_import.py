"""Several files on the command line: all are opened before the first is imported."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest

from waterbed.model.bookkeeping import Delivery
from waterbed.model.facts import Birth, Notice, Report, Target
from waterbed.study.study import open_study

Run = Callable[..., tuple[int, str, str]]
URL = "http://shop.example.com/"
ADD = ("tables", "add", "--date", "2026-01-05")
FILES = {
    "reports": f"url\n{URL}\n",
    "notices": f"url,recipient,sent_at\n{URL},AS64500,2026-01-05\n",
    "routes": "28.10.0.0/16\t64500\n",
    "births": "domain,created\nexample.com,2026-01-01\n",
}


@pytest.fixture
def study(run: Run, tmp_path: Path) -> Path:
    """A study with one report, beside the files."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder").mkdir()
    run("init", tmp_path / "s")
    assert run("-C", tmp_path / "s", "import", tmp_path / "reports")[0] == 0
    return tmp_path / "s"


@pytest.mark.parametrize("missing", ["none", "folder"])
@pytest.mark.parametrize(
    ("words", "name"),
    [(["import"], "reports"), (["notices"], "notices"), (ADD, "routes"), ([*ADD, "--kind", "births"], "births")],
)
def test_nothing_is_imported_beside_a_file_that_cannot_be_opened(
    run: Run, study: Path, tmp_path: Path, words: list[str], name: str, missing: str
) -> None:
    """The sentence names the file, the exit code is 2, and the file before it is not imported."""
    code, out, err = run("-C", study, *words, tmp_path / name, tmp_path / missing)
    assert (code, out, err.strip().count("\n")) == (2, "", 0)
    assert f"{tmp_path / missing} cannot be read" in err
    with open_study(study) as opened:
        assert (opened.store.count(Delivery), opened.store.count(Notice), opened.store.count(Birth)) == (1, 0, 0)
        assert opened.snapshots() == []


def test_standard_input_is_imported_once(run: Run, study: Path) -> None:
    """Named twice, the command is refused, and no empty delivery is recorded."""
    code, _, err = run("-C", study, "import", "-", "-", "--source", "me")
    assert code == 2
    assert "standard input is named more than once" in err
    with open_study(study) as opened:
        assert opened.store.count(Delivery) == 1


def test_an_interrupted_import_says_what_is_left(run: Run, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends it with code 130 and one sentence: what was imported is kept."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("waterbed.intake.importer._one_batch", interrupted)
    code, out, err = run("-C", study, "import", study.parent / "reports")
    assert (code, out, err.count("\n")) == (130, "", 1)
    assert err.startswith("waterbed: stopped; what was imported of the file so far is kept: import it again to finish")


def test_a_file_without_dates_tells_what_was_not_used(run: Run, study: Path, tmp_path: Path) -> None:
    """What is not read is named, and nothing is said once there is a time; an address is not repeated."""
    mine = tmp_path / "mine.csv"
    mine.write_text(f"link,rank,shop.example.com\n{URL}a,7,x\n")
    _, out, _ = run("-C", study, "import", mine, "--column", "url=link")
    assert "nothing is read as reported_at; not used: 'rank', [not shown]. The time of this import counts" in out
    mine.write_text(f"url,rank,date\n{URL}b,7,\n{URL}b,8,2026-01-05\n")
    assert "nothing is read" not in run("-C", study, "import", mine)[1]
    mine.write_text(f"url\n{URL}b\n")
    assert "nothing is read" not in run("-C", study, "import", mine)[1]


@pytest.mark.parametrize(
    "written",
    [
        "url,Reported\n{url},{when}\n",
        '[{{"url": "{url}", "Reported": "{when}"}}]',
        '{{"url": "{url}", "Reported": "{when}"}}\n',
        '{{"url": "{url}", "Reported"\n{{"url": "{url}", "Reported": "{when}"}}\n',
    ],
    ids=["csv", "json", "jsonl", "jsonl after a broken line"],
)
@pytest.mark.parametrize("when", ["2026-01-05", "2026-01-05T09:30:00Z", "2026/01/05 09:30"])
def test_times_under_another_name_are_asked_about(
    run: Run, study: Path, tmp_path: Path, written: str, when: str
) -> None:
    """The clock does not start at the import before somebody says so: which it is, or that it is none."""
    mine = tmp_path / "mine"
    mine.write_text(written.format(url=f"{URL}a", when=when))
    words = ("-C", study, "import", mine, *(("--format", "jsonl") if written.startswith("{{") else ()))
    code, out, err = run(*words)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert "nothing that is read as reported_at, and 'reported' holds times" in err.lower()
    assert "nothing is read" in run(*words, "--column", "reported_at=")[1]
    assert "nothing is read" not in run(*words, "--column", "reported_at=reported")[1]
    with open_study(study) as opened:
        times = {report.reported_at for report in opened.folder.store.all(Report)}
    assert {one and one.date().isoformat() for one in times} == {None, "2026-01-05"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"xarf_version": "4.0.0", "type": "phishing", "url": "%s", "created": "2026-01-05T09:30:00Z"}', "'created'"),
        ('{"Event": {"date": "2026-01-05", "Attribute": [{"type": "url", "value": "%s"}]}}', "'date'"),
        (
            '{"type": "bundle", "objects": [{"type": "url", "value": "%s", "seen": "2026-01-05T09:30:00Z"}]}',
            "'seen'",
        ),
    ],
    ids=["xarf", "misp", "stix"],
)
def test_times_that_a_form_does_not_know_are_named(
    run: Run, study: Path, tmp_path: Path, text: str, named: str
) -> None:
    """The form of the file says where its times stand; another place is told."""
    mine = tmp_path / "mine.json"
    mine.write_text(text % f"{URL}a")
    code, out, _ = run("-C", study, "import", mine)
    assert (code, f"nothing is read as reported_at; not used: {named}." in out) == (0, True), out


def test_times_without_a_zone_are_read_in_the_one_that_is_named(run: Run, study: Path, tmp_path: Path) -> None:
    """In CSV, with dates in any order; what names its own zone keeps it."""
    mine = tmp_path / "mine.csv"
    mine.write_text(f"url,date\n{URL}a,5-1-2026 10:00\n{URL}b,2026-07-05 10:00\n{URL}c,2026-07-05T10:00Z\n")
    run("-C", study, "import", mine, "--zone", "Europe/Amsterdam", "--dates", "day-first")
    with open_study(study) as opened:
        times = {report.reported_at for report in opened.folder.store.all(Report)}
    assert times - {None} == {
        datetime(2026, 1, 5, 9, tzinfo=UTC),
        *(datetime(2026, 7, 5, hour, tzinfo=UTC) for hour in (8, 10)),
    }


def test_an_order_of_dates_wants_a_column_of_them(run: Run, study: Path, tmp_path: Path) -> None:
    """Without one nothing is imported, and the message names the option that reads one; any such column will do."""
    mine = tmp_path / "mine.csv"
    mine.write_text(f"url,Datum\n{URL}a,05-01-2026\n")
    code, out, err = run("-C", study, "import", mine, "--dates", "day-first")
    assert (code, out, err.count("\n"), "--column reported_at=NAME" in err) == (2, "", 1, True), err
    for header in ("url,verified_at,x", "url,reported_at,x"):
        mine.write_text(f"{header}\n{URL}a,05-01-2026,\n")
        assert "1 report imported" in run("-C", study, "import", mine, "--dates", "day-first")[1]


def test_a_file_whose_every_line_is_rejected_is_told(run: Run, study: Path, tmp_path: Path) -> None:
    """It is a delivery of 0 reports, which `doctor` does not call empty."""
    mine = tmp_path / "mine.csv"
    mine.write_text("url,reported_at\nnone,2026-01-05\nnone,2026-01-05\n")
    code, out, _ = run("-C", study, "import", mine)
    assert (code, "Every line was rejected: recorded as a delivery of 0 reports" in out) == (1, True), out
    out = run("-C", study, "doctor", "--format", "csv")[1]
    assert ("the last delivery of mine was rejected whole" in out, "was empty" in out) == (True, False), out
    mine.write_text(f"url\n{URL}a\nnone\n")
    assert "Every line" not in run("-C", study, "import", mine)[1]


def test_a_report_of_the_future_is_rejected(run: Run, study: Path, tmp_path: Path) -> None:
    """The line is named with the study's own time; others are kept, and one that a clock or zone puts ahead."""
    mine, ahead = tmp_path / "mine.csv", datetime.now(UTC) + timedelta(hours=13)
    mine.write_text(f"url,reported_at\n{URL}a,2099-01-01\n{URL}b,2026-01-05\n{URL}c,{ahead.isoformat()}\n")
    code, out, _ = run("-C", study, "import", mine)
    assert (code, "2 reports imported, 0 already known, 1 line rejected" in out) == (1, True)
    assert "line 2: reported_at is in the future: the clock of the study says 20" in out


def test_lines_with_one_reason_are_listed_together(run: Run, study: Path, tmp_path: Path) -> None:
    """Their numbers are spans, in the order of the first line of each reason."""
    mine = tmp_path / "mine.csv"
    mine.write_text("url,commercial\n" + "nonsense,\n" * 28 + f"{URL}a,perhaps\n{URL}b,\nnonsense,\n")
    code, out, _ = run("-C", study, "import", mine)
    assert code == 1
    assert [line.strip() for line in out.splitlines() if line.startswith("  line")] == [
        "lines 2-29, 32: address lacks an http:// or https:// scheme",
        "line 30: commercial must be yes or no",
    ]


def test_a_file_that_is_not_there_points_to_no_bounds(run: Run, study: Path, tmp_path: Path) -> None:
    """Its section on bounds does not help with a wrong name."""
    code, _, err = run("-C", study, "import", tmp_path / "nothere.csv")
    assert (code, "cannot be read (No such file or directory)" in err, "Bounds" in err) == (2, True, False)


def test_an_excel_workbook_is_called_so(run: Run, study: Path, tmp_path: Path) -> None:
    """Whatever its name ends with, the sentence says how to save it."""
    mine = tmp_path / "mine.csv"
    with ZipFile(mine, "w") as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            archive.writestr(name, "<x/>")
    code, _, err = run("-C", study, "import", mine)
    assert (code, "is an Excel workbook; save it as CSV UTF-8 (docs/intake.md" in err) == (2, True)


def test_indicators_without_a_url_are_counted_and_never_checked(run: Run, study: Path, tmp_path: Path) -> None:
    """Addresses of servers become no URLs, and a list of them alone is no delivery of reports."""
    (tmp_path / "servers.txt").write_text("192.0.2.1\n192.0.2.2:80\n2001:db8::1\n")
    code, out, err = run("-C", study, "import", tmp_path / "servers.txt", "--source", "tracker")
    assert (code, "0 reports imported" in out + err, "3 indicators without a URL" in out + err) == (0, True, True)
    with open_study(study) as opened:
        assert (opened.store.count(Target), opened.store.count(Delivery)) == (1, 1)
    (tmp_path / "both.txt").write_text("192.0.2.1\nhttps://a.example.com/x\n")
    code, out, err = run("-C", study, "import", tmp_path / "both.txt", "--source", "tracker")
    assert (code, "1 report imported" in out + err, "1 indicator without a URL" in out + err) == (0, True, True)
    with open_study(study) as opened:
        assert (opened.store.count(Target), opened.store.count(Delivery)) == (2, 2)
