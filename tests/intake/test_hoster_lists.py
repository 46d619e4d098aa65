"""Hosters' own lists: separators, headers, dates."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.intake.csv_table import Rejected
from waterbed.intake.hoster_lists import HosterList, day_order, read_hoster_list, written_date
from waterbed.model.errors import InputError

DAY = date(2026, 1, 5)


def read(folder: Path, text: str, dates: str | None = None) -> HosterList:
    """A list from its text."""
    path = folder / "theirs"
    path.write_text(text)
    return read_hoster_list(path, dates)


def plain(found: HosterList) -> list[tuple[object, ...]]:
    """Its lines as tuples."""
    return [
        (line.line, line.reason)
        if isinstance(line, Rejected)
        else (line.line, line.canonical.url, line.day, line.channel)
        for line in found.read
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", [True, False])
def test_a_list_is_read_whatever_separates_it(tmp_path: Path, separator: str, header: bool) -> None:
    """The separator is found even where addresses hold others, with a header and without."""
    rows = [["1", f"http://a.example.com/{n};x=1,2|3", "2026-01-05"] for n in range(3)]
    quoted = [[cell if separator not in cell else f'"{cell}"' for cell in row] for row in rows]
    lines = [separator.join(row) for row in ([["nr", "link", "datum"]] if header else []) + quoted]
    found = read(tmp_path, "\n".join(lines) + "\n")
    assert found.separator == separator
    assert [row[2] for row in plain(found)] == [DAY] * 3
    assert [row[0] for row in plain(found)] == ([2, 3, 4] if header else [1, 2, 3])


def test_a_list_may_hold_addresses_alone(tmp_path: Path) -> None:
    """One column, no date, no channel; refanged like reports."""
    found = read(tmp_path, "hxxp://a[.]example[.]com/\n\nhttps://b.example.com/x\n")
    assert plain(found) == [
        (1, "http://a.example.com/", None, None),
        (3, "https://b.example.com/x", None, None),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://a.example.com/1,2\nhttp://a.example.com/a,b\n", [None, None]),
        ("7,http://a.example.com/1,2\n8,http://a.example.com/a\n", [None, "a"]),
        ("http://a.example.com/1,2\nhttp://a.example.com/a\nhttp://a.example.com/b\n", ["1,2", "a", "b"]),
        ('"http://a.example.com/1,2"\n"http://a.example.com/a,b"\n', ["1,2", "a,b"]),
        ("http://a.example.com/1,2,2026-01-05\n" + 2 * "http://a.example.com/a,2026-01-05,x\n", [None, "a", "a"]),
        ("url\nhttp://a.example.com/1,2\nhttp://a.example.com/a;b\n", [None, "a;b"]),
        ("url;date\nhttp://a.example.com/1,2;2026-01-05\nhttp://a.example.com/a;b;2026-01-05\n", ["1,2", None]),
    ],
)
def test_no_url_is_cut_at_a_separator(tmp_path: Path, text: str, expected: list[str | None]) -> None:
    """It is read whole, or its row is rejected; a list of addresses alone has no separators."""
    rows = [
        row[1] if isinstance(row[1], str) and row[1].startswith("http") else None for row in plain(read(tmp_path, text))
    ]
    assert rows == [one and f"http://a.example.com/{one}" for one in expected]


def test_a_row_that_may_cut_a_url_says_what_to_do(tmp_path: Path) -> None:
    """With the number of its columns; a header and quotes end the doubt."""
    doubtful = read(tmp_path, "http://a.example.com/x,mail\nhttp://a.example.com/y,api\n")
    said = "2 columns, not 1: quote cells that hold a separator, and add a header"
    assert plain(doubtful) == [(1, said), (2, said)]
    clear = read(tmp_path, "url,via\nhttp://a.example.com/x,mail\n")
    assert plain(clear) == [(2, "http://a.example.com/x", None, "mail")]


def test_bad_rows_are_told_with_number_and_reason(tmp_path: Path) -> None:
    """An address or a date that cannot be read costs its own row."""
    found = read(tmp_path, "url,date\nnonsense,2026-01-05\nhttp://a.example.com/,soon\nhttp://a.example.com/,\n")
    assert plain(found) == [
        (2, "address lacks an http:// or https:// scheme"),
        (3, "the date cannot be read"),
        (4, "http://a.example.com/", None, None),
    ]


def test_a_list_without_addresses_is_one_sentence(tmp_path: Path) -> None:
    """No column by that name and no cell that begins with http."""
    with pytest.raises(InputError, match="lacks a column of URLs"):
        read(tmp_path, "host,date\na.example.com,2026-01-05\n")


def test_an_empty_list_has_no_rows(tmp_path: Path) -> None:
    """No bytes, or a header alone."""
    assert read(tmp_path, "").rows == []
    assert read(tmp_path, "url;date\n").rows == []


@pytest.mark.parametrize(
    ("text", "order"),
    [
        *(("2026-01-05", None), ("2026/1/5", None), ("2026.01.05 10:00", None), ("20260105", None)),
        *(("2026-01-05T23:30:00+00:00", None), ("2026-01-06T00:30:00+01:00", None), ("2026-01-05T23:59", None)),
        *(("5-1-2026", "dmy"), ("05.01.26", "dmy"), ("5/1/2026 10:12", "dmy"), ("1/5/2026", "mdy")),
        *(("5 Jan 2026", None), ("Jan 5, 2026", None), ("05-jan-2026", None), ("5 januari 2026", None)),
    ],
)
def test_dates_are_read_as_they_are_written(text: str, order: str | None) -> None:
    """Numbers year first or last, names of months, with and without a time."""
    assert written_date(text, order) == DAY  # type: ignore[arg-type]  # the orders are those of the type


@pytest.mark.parametrize(
    "text", ["", "soon", "31-02-2026", "13/13/2026", "2026-13-01", "5 foo 2026", "9" * 400, "0001-01-01T00:00+14:00"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    """Text, days that do not exist, months that do not."""
    assert written_date(text, "dmy") is None


def test_one_number_above_twelve_tells_the_order_for_all() -> None:
    """Day first, month first, and years that come first leave nothing open."""
    assert day_order(["5-1-2026", "25-1-2026"], "f") == "dmy"
    assert day_order(["1/5/2026", "1/25/2026"], "f") == "mdy"
    assert day_order(["2026-01-05", "", "5/5/2026"], "f") == "dmy"
    assert day_order(["2026-01-05"], "f") is None
    assert day_order(["5-1-2026"], "f", "mdy") == "mdy"


@pytest.mark.parametrize(
    ("texts", "told", "said"),
    [
        (["5-1-2026"], None, "name --dates dmy or mdy"),
        (["25-1-2026", "1-25-2026"], None, "correct the file"),
        (["25-1-2026"], "mdy", "do not fit --dates mdy"),
        (["2026-01-05"], "ymd", "was expected"),
    ],
)
def test_an_order_is_never_guessed(texts: list[str], told: str | None, said: str) -> None:
    """Where numbers leave it open, contradict each other or what was told, it is one sentence."""
    with pytest.raises(InputError, match=said):
        day_order(texts, "f", told)


@given(day=st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)), separator=st.sampled_from("-/."))
def test_each_spelling_of_a_day_reads_as_that_day(day: date, separator: str) -> None:
    """Year first, day first and month first, for every day of the century."""
    first = separator.join((f"{day:%d}", f"{day:%m}", f"{day:%Y}"))
    assert written_date(first, "dmy") == day
    assert written_date(separator.join((f"{day:%m}", f"{day:%d}", f"{day:%y}")), "mdy") == day
    assert written_date(day.isoformat(), None) == day
    assert written_date(f"{day:%d %b %Y}", None) == day


def test_a_list_and_its_lines_show_numbers_alone(tmp_path: Path) -> None:
    """Their repr, which may end in a traceback, holds no address."""
    found = read(tmp_path, "http://a.example.com/\n")
    assert (repr(found), repr(found.read[0])) == ("<HosterList of 1 rows>", "<HosterLine 1>")
