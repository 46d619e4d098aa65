"""Dates that end with the year: read in the order that is named, and never guessed."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.intake.test_formats import plain
from tests.study.rig import Run
from waterbed.intake.csv_notices import NoticeLine, parse_csv_notices
from waterbed.intake.csv_reports import ReportLine, parse_csv_reports
from waterbed.intake.csv_table import DATE_ORDERS, Rejected
from waterbed.intake.formats import Reading, read_reports
from waterbed.model.errors import InputError

TIMES = st.datetimes(datetime(1985, 1, 1), datetime(2200, 12, 31))
CLOCKS = ("", " %H:%M", ", %H:%M:%S", " %I:%M %p", "  %I:%M:%S%p")


def read(text: str, order: str | None) -> ReportLine | Rejected:
    """What is read of a report with this date."""
    (line,) = parse_csv_reports(["url;date\n", f"http://a.example.com/;{text}\n"], "r", dates=order)
    return line


@given(when=TIMES, order=st.sampled_from(DATE_ORDERS), mark=st.sampled_from("-/."), clock=st.sampled_from(CLOCKS))
def test_a_date_reads_back_as_itself(when: datetime, order: str, mark: str, clock: str) -> None:
    """Whichever number comes first, and however the time of day is written, if it is."""
    day, month = (f"{when.day:02}", when.month) if order == "day-first" else (f"{when.month}", when.day)
    line = read(f"{day}{mark}{month}{mark}{when.year}{when.strftime(clock)}", order)
    kept = {"": {"hour": 0, "minute": 0, "second": 0}, " %H:%M": {"second": 0}, " %I:%M %p": {"second": 0}}
    assert isinstance(line, ReportLine)
    assert line.reported_at == when.replace(**kept.get(clock, {}), microsecond=0, tzinfo=UTC)


@given(when=TIMES, order=st.sampled_from([None, *DATE_ORDERS]))
def test_iso_dates_are_read_in_any_order(when: datetime, order: str | None) -> None:
    """The option says nothing of dates that begin with the year."""
    line = read(when.isoformat(), order)
    assert isinstance(line, ReportLine)
    assert line.reported_at == when.replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["28-11-2026 10:00", "27/11/2026", "11/28/2026 10:00 AM", "1.2.2026"])
def test_an_order_is_never_guessed(text: str) -> None:
    """Without the option a line is rejected with the way out, also where only one order would do."""
    line = read(text, None)
    assert isinstance(line, Rejected)
    assert line.reason == (
        "reported_at is a date that ends with the year: say which number comes first, with --dates day-first or "
        "--dates month-first (docs/intake.md, Dates)"
    )


@pytest.mark.parametrize(
    ("text", "order", "said"),
    [
        ("28-11-2026", "month-first", "28-11-2026 is no date with the month first"),
        ("11/28/2026 10:00 AM", "day-first", "11/28/2026 10:00 AM is no date with the day first"),
        ("30-2-2026", "day-first", "30-2-2026 is no date with the day first"),
        ("1-2-2026 13:00 PM", "day-first", "1-2-2026 13:00 PM is no date with the day first"),
        ("1-2-2026 25:00", "day-first", "1-2-2026 25:00 is no date with the day first"),
        ("1-2/2026", "day-first", "must be an ISO 8601 date or time, like 2026-01-05 or 2026-01-05T09:30Z"),
        ("1-2-26", "day-first", "must be an ISO 8601 date or time, like 2026-01-05 or 2026-01-05T09:30Z"),
        ("1-2-1970", "day-first", "must lie in the years 1985 to 2200"),
    ],
)
def test_what_is_no_date_in_the_order_is_rejected(text: str, order: str, said: str) -> None:
    """The other order is not tried, and the sentence says where the page is."""
    line = read(text, order)
    assert isinstance(line, Rejected)
    assert line.reason.startswith(f"reported_at {said}")
    assert "docs/intake.md, Dates" in line.reason or "years" in said


def test_notices_are_read_in_an_order_too() -> None:
    """Each of their times."""
    lines = ["url;to;sent;due\n", "http://a.example.com/;acme;27-11-2026 10:00;28-11-2026\n"]
    (line,) = parse_csv_notices(lines, "n", "day-first")
    assert isinstance(line, NoticeLine)
    assert (line.sent_at, line.due_at) == (
        datetime(2026, 11, 27, 10, tzinfo=UTC),
        datetime(2026, 11, 28, tzinfo=UTC),
    )
    assert [type(one) for one in parse_csv_notices(lines, "n")] == [Rejected]
    (there,) = parse_csv_notices(lines, "n", "day-first", zone=ZoneInfo("Europe/Amsterdam"))
    assert isinstance(there, NoticeLine)
    assert there.sent_at == datetime(2026, 11, 27, 9, tzinfo=UTC)


def test_the_order_is_for_csv_and_counts_with_named_columns(tmp_path: Path) -> None:
    """Semicolons are CSV's then, and files of another form are refused."""
    path = tmp_path / "r.csv"
    path.write_text("link;first seen;last seen\nhttp://a.example.com/;3/4/2026;\n")
    how = Reading(columns={"url": "link", "reported_at": "first seen"}, dates="day-first")
    assert [plain(line) for line in read_reports(path, how)] == [
        [2, "http://a.example.com/", {"reported_at": "2026-04-03T00:00:00+00:00"}]
    ]
    path.write_text('{"url":"http://a.example.com/"}\n')
    with pytest.raises(InputError, match=r"--dates is for CSV, and .* is jsonl"):
        list(read_reports(path, Reading(dates="day-first")))


def test_the_option_imports_a_spreadsheets_dates(run: Run, tmp_path: Path) -> None:
    """Of reports and of notices; another word is refused with those that are read."""
    study = ("-C", tmp_path / "s")
    run("init", tmp_path / "s", "--contact", "https://research.example.org")
    reports, notices = tmp_path / "reports.csv", tmp_path / "notices.csv"
    reports.write_text("url;date\nhttp://a.example.com/;28-11-2026 10:00\n")
    notices.write_text("url;to;sent\nhttp://a.example.com/;AS64500;28-11-2026 10:00\n")
    code, out, _ = run(*study, "import", reports)
    assert (code, "with --dates day-first or --dates month-first" in " ".join(out.split())) == (1, True), out
    code, out, _ = run(*study, "import", reports, "--dates", "day-first")
    assert (code, "1 report imported" in out) == (0, True), out
    code, out, _ = run(*study, "notices", notices, "--dates", "day-first")
    assert (code, "1 notice imported" in out) == (0, True), out
    for command, path in (("import", reports), ("notices", notices)):
        code, _, said = run(*study, command, path, "--dates", "dmy")
        assert (code, "--dates 'dmy' is not day-first or month-first (docs/intake.md, Dates)" in said) == (2, True), (
            said
        )
    code, _, said = run(*study, "notices", notices, "--format", "scart", "--dates", "day-first")
    assert (code, "--dates is for CSV" in said) == (2, True), said
