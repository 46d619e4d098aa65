"""The example as its own author would test it."""

from waterbed_example import PIPES

from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.csv_table import Rejected


def test_a_line_is_a_report_and_a_wrong_one_is_rejected_without_its_text() -> None:
    """Time, category and URL are read; other lines are rejected by number and reason."""
    lines = ["#pipes 1", "2026-03-01T10:00:00Z|phishing|http://a.example/x|y", "secret", "x|phishing|http://b.example/"]
    first, second, third = PIPES.parse(lines, "feed")
    assert isinstance(first, ReportLine)
    assert (first.category, first.canonical.host, first.reported_at.hour) == ("phishing", "a.example", 10)
    assert second == Rejected(line=3, reason="time|category|url was expected")
    assert isinstance(third, Rejected)
    assert "example" not in third.reason


def test_the_form_is_told_by_its_first_line() -> None:
    """Only files that begin with the head are of this form."""
    assert PIPES.is_head(["#pipes 1", "x"])
    assert not PIPES.is_head(["url"])
