"""Windows are read from words, and split into weeks and months."""

from datetime import UTC, date, datetime, timedelta

import pytest

from waterbed.model.errors import InputError
from waterbed.model.window import Window, every_of, month_before, month_of, window_of


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def test_days_times_and_zones_are_read_as_utc() -> None:
    """A day is its midnight; a time with a zone is moved to UTC."""
    assert window_of("2026-03-01", date(2026, 4, 1)) == Window(since=day(3, 1), until=day(4, 1))
    assert window_of("2026-03-01T02:00+02:00").since == day(3, 1)
    assert window_of(None, "2026-04-01", "2w").end == day(4, 15)
    assert window_of(None, "2026-04-01", "36h").end == day(4, 2) + timedelta(hours=12)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("tomorrow", None, None), "--since 'tomorrow' is not a date"),
        ((None, "2026-02-30", None), "--until '2026-02-30' is not a date"),
        (("2026-03-01", "2026-03-01", None), "not before its end"),
        (("2026-03-02", "2026-03-01", None), "not before its end"),
        (("2026-03-02", None, "14d"), "add --until"),
        ((None, "2026-03-01", "soon"), "--follow 'soon' is not a time"),
        ((None, "2026-03-01", "-1d"), "--follow '-1d' is not a time"),
        ((None, "9999-12-31", "99999w"), "out of range"),
        (("0001-01-01T00:00+14:00", None, None), "out of range"),
        (("2026-01-05+02:00", None, None), "--since '2026-01-05+02:00' is not a date"),
    ],
)
def test_other_words_are_refused_in_one_sentence(words: tuple[str | None, ...], what: str) -> None:
    """The sentence names the word and says where to look."""
    with pytest.raises(InputError) as problem:
        window_of(*words)
    assert what in str(problem.value)
    assert "docs/windows.md" in str(problem.value)


def test_weeks_begin_on_mondays_and_are_cut_at_the_window() -> None:
    """The first and the last are cut at its bounds; each is followed on."""
    window = window_of("2026-03-04", "2026-03-17", "1d")
    weeks = list(window.split("week", day(1, 1), day(12, 1)))
    assert [one.name for one in weeks] == ["2026-W10", "2026-W11", "2026-W12"]
    assert [(one.since, one.until) for one in weeks] == [
        (day(3, 4), day(3, 9)),
        (day(3, 9), day(3, 16)),
        (day(3, 16), day(3, 17)),
    ]
    assert {one.follow for one in weeks} == {timedelta(days=1)}


def test_a_window_says_the_bounds_that_it_has() -> None:
    """One that is open to a side does not speak of it."""
    assert window_of("2026-03-04", "2026-03-17").span == "from 2026-03-04 and before 2026-03-17"
    assert (window_of("2026-03-04").span, window_of(None, "2026-03-17").span) == (
        "from 2026-03-04",
        "before 2026-03-17",
    )
    assert window_of().span == ""


def test_months_follow_each_other_over_the_year() -> None:
    """January follows December, and the month before January is December."""
    months = list(Window().split("month", datetime(2025, 12, 31, tzinfo=UTC), day(2, 1)))
    assert [one.name for one in months] == ["2025-12", "2026-01", "2026-02"]
    assert month_before(month_of("2026-01")) == months[0]
    assert month_of("2026-01") == months[1]


@pytest.mark.parametrize("word", ["2026-13", "2026-00", "March", "2026-3", "0000-01", ""])
def test_what_is_no_month_is_refused(word: str) -> None:
    """One sentence, with the word."""
    with pytest.raises(InputError, match="is not a month"):
        month_of(word)


def test_only_weeks_and_months_are_known() -> None:
    """Another word is refused by name."""
    assert every_of("week") == "week"
    with pytest.raises(InputError, match="--window 'day' is not known"):
        every_of("day")
