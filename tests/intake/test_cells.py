"""Cells of reports: which are read, and which are rejected."""

from pathlib import Path
from typing import Any

import pytest

from tests.intake.test_formats import plain
from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.formats import Reading, read_reports


def read(folder: Path, text: str, form: str | None = None) -> list[list[Any]]:
    """What is read of a file with this text."""
    path = folder / "reports"
    path.write_text(text)
    return [plain(line) for line in read_reports(path, Reading(form=form))]


@pytest.mark.parametrize("text", ["fe80::1%eth0", "2a00:1450::1%victim.example.com", "1.2.3.4%x", "01.2.3.4", "a"])
def test_an_address_with_a_scope_is_no_address(tmp_path: Path, text: str) -> None:
    """A reporter's line with one is rejected, and SCART's has no address then."""
    said = [[2, "origin_address must be an IP address"]]
    assert read(tmp_path, f"url,origin_ip\nhttp://a.example.com/,{text}\n") == said
    path = tmp_path / "scart"
    path.write_text(f"url;IP;received;\nhttp://a.example.com/;{text};2026-01-01;\n")
    (line,) = read_reports(path, Reading(form="scart"))
    assert isinstance(line, ReportLine)
    assert line.sighting
    assert line.sighting.address is None
