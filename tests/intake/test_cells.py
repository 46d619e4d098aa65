"""Cells of reports: which are read, and which are rejected."""

from pathlib import Path
from typing import Any

import pytest

from tests.intake.test_formats import plain
from waterbed.intake.csv_notices import parse_csv_notices
from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.csv_table import Rejected
from waterbed.intake.feed_presence import parse_deliveries
from waterbed.intake.formats import Reading, detect_format, read_reports
from waterbed.model.errors import InputError


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


@pytest.mark.parametrize(
    "text",
    [
        '{"query_status":"ok","urls":[{"id":"1","url":"http://a.example.com/"},{"id":"2","url":"http://b.example.com/"}]}',
        '{"1":[{"url":"http://a.example.com/"}],"2":[{"dateadded":"","url":"http://b.example.com/"}]}',
        '{"uri":"http://a.example.com/"}\n{"uri":"http://b.example.com/"}\n',
        '{"Reported_URL":"http://a.example.com/","tags":{"url":1}}\n\n{"url":"http://b.example.com/"}\n',
    ],
)
def test_objects_are_told_from_lines_of_objects(tmp_path: Path, text: str) -> None:
    """A first line that is one whole object with a url of its own is a report; any other begins a larger text."""
    assert [line[1:] for line in read(tmp_path, text)] == [["http://a.example.com/", {}], ["http://b.example.com/", {}]]


def test_a_response_of_misp_without_events_is_read_too(tmp_path: Path) -> None:
    """A search for attributes has them in no event."""
    text = '{"response":{"Attribute":[{"type":"url","value":"http://a.example.com/"},{"type":"md5","value":"x"}]}}'
    assert detect_format([text]) == "misp"
    assert read(tmp_path, text) == [[1], [1, "http://a.example.com/", {}]]


def test_a_comment_behind_an_address_is_no_part_of_it(tmp_path: Path) -> None:
    """White space and # begin one, in the first line too; a fragment has no space before it."""
    text = "http://a.example.com/x # seen twice\nhttp://a.example.com/y\t#n\n # all\nhttp://a.example.com/z#top\n"
    assert read(tmp_path, text) == [
        [1, "http://a.example.com/x", {}],
        [2, "http://a.example.com/y", {}],
        [4, "http://a.example.com/z", {}],
    ]


@pytest.mark.parametrize("text", ["2026-01-05+02:00", "2026-01-05-2026", "20260105-0930", "2026-01-05x09:30Z"])
def test_a_date_with_a_zone_has_no_time_of_day(tmp_path: Path, text: str) -> None:
    """Only T or a space stands before a time of day, in every form."""
    said = "must be an ISO 8601 date or time, like 2026-01-05 or 2026-01-05T09:30Z (docs/intake.md, Dates)"
    assert read(tmp_path, f"url,date\nhttp://a.example.com/,{text}\n") == [[2, f"reported_at {said}"]]
    scart = f"url;received;last seen;\nhttp://a.example.com/;2026-01-05;{text};\n"
    assert read(tmp_path, scart, "scart") == [[2, f"last_seen {said}"]]


@pytest.mark.parametrize(
    "text", ["2026-01-05T09:30Z", "2026-01-05t11:30+02:00", "2026-01-05 09:30 UTC", "20260105T0930"]
)
def test_a_time_of_day_stands_behind_t_or_a_space(tmp_path: Path, text: str) -> None:
    """With a zone or without, with signs between digits or without."""
    read_as = {"reported_at": "2026-01-05T09:30:00+00:00"}
    assert read(tmp_path, f"url,date\nhttp://a.example.com/,{text}\n") == [[2, "http://a.example.com/", read_as]]


WIDER = "columns; the header has {}: quote cells that hold a separator"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("url\nhttp://a.example.com/x,b\n", f"2 {WIDER.format(1)}"),
        ("date,url\n2026-01-05,http://a.example.com/x,b.html\n", f"3 {WIDER.format(2)}"),
        ("url;date\nhttp://a.example.com/x;2026-01-05;b\n", f"3 {WIDER.format(2)}"),
    ],
)
def test_a_line_with_text_beyond_the_header_is_rejected(tmp_path: Path, text: str, said: str) -> None:
    """A URL that holds a separator needs quotes: it is never cut."""
    assert read(tmp_path, text) == [[2, said]]


def test_empty_cells_beyond_the_header_change_nothing(tmp_path: Path) -> None:
    """Spreadsheets write them; a quoted URL may hold separators."""
    assert read(tmp_path, 'url\nhttp://a.example.com/x,, \n"http://a.example.com/x,b"\n') == [
        [2, "http://a.example.com/x", {}],
        [3, "http://a.example.com/x,b", {}],
    ]


def test_notices_and_deliveries_are_not_cut_either() -> None:
    """A notice is about the whole URL, and 5,000 entries are not 5."""
    notices = ["url,to,sent\n", "http://a.example.com/x,acme,2026-01-05,b\n"]
    assert list(parse_csv_notices(notices, "n")) == [Rejected(line=2, reason=f"4 {WIDER.format(3)}")]
    deliveries = ["date,entries\n", "2026-01-05,5,000\n"]
    assert list(parse_deliveries(deliveries, "n")) == [Rejected(line=2, reason=f"3 {WIDER.format(2)}")]


@pytest.mark.parametrize(
    "url", ["http://a.example.com/x;jsessionid=1", "http://a.example.com/x;b;http://b.example.com/;;;;"]
)
def test_a_semicolon_does_not_cut_a_url_for_scart(tmp_path: Path, url: str) -> None:
    """The second cell is an address, or the URL may go on in it; what is quoted is whole."""
    assert read(tmp_path, f"{url}\n", "scart-input") == [
        [1, "referer must be an address: quote cells that hold a separator"]
    ]
    quoted = '"http://a.example.com/x;b";www.example.org;;;;\n'
    ((_, found, _),) = read(tmp_path, quoted, "scart-input")
    assert found == "http://a.example.com/x;b"


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ('"url":"http://a.example.com/","category":["abuse-material"]', "category"),
        ('"url":"http://a.example.com/","threat":[]', "category"),
        ('"url":"http://a.example.com/","date":{"$date":"2026-01-05T09:30:00Z"}', "reported_at"),
        ('"url":["http://a.example.com/"]', "url"),
    ],
)
def test_a_list_or_object_is_no_cell(tmp_path: Path, entry: str, field: str) -> None:
    """It is never read as empty: a category that is lost decides how a URL is asked."""
    said = [[1, f"{field} must be a text or number"]]
    assert read(tmp_path, f"{{{entry}}}\n", "jsonl") == read(tmp_path, f"[{{{entry}}}]", "json") == said


def test_other_keys_of_an_object_may_hold_anything(tmp_path: Path) -> None:
    """Only fields that are read are cells; null is an empty one."""
    text = '{"url":"http://a.example.com/","tags":["x"],"details":[{"ip":"192.0.2.1"}],"category":null}\n'
    assert read(tmp_path, text) == [[1, "http://a.example.com/", {}]]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Adresse;An;Datum\n", "3 columns there: adresse, an, datum"),
        ("Adresse\tAn\n", "2 columns there: adresse, an"),
        ("sep=;\nurl;to;sent_at\n", "begins with a line that is for Excel alone, sep=; a header line was expected"),
        ("SEP=,\r\nurl,to,sent_at\r\n", "delete the first line"),
    ],
)
def test_a_header_of_a_spreadsheet_is_told_by_its_columns(text: str, part: str) -> None:
    """Names that no field has are told one by one, whatever stands between them; Excel's own line is named."""
    with pytest.raises(InputError) as told:
        list(parse_csv_notices(text.splitlines(keepends=True), "n.csv"))
    assert part in str(told.value)
