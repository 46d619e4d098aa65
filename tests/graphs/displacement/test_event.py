"""Event files: what they may hold, and one sentence for all that is wrong."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.graphs.displacement.movements import HEADING, START, day, event
from waterbed.graphs.displacement.event import check, check_names, check_since, kind_of, read_event
from waterbed.graphs.displacement.findings import Findings
from waterbed.model.errors import InputError
from waterbed.questions.intervention.declared import declared

GOOD = """
target = "t"
date = 2026-03-12
chosen_until = 2026-03-01T00:00:00+01:00
controls = ["c0", "c1"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "event.toml"
    path.write_text(text)
    return path


def test_days_and_times_are_moments(tmp_path: Path) -> None:
    """A day is its beginning in UTC; a time with a zone is told in UTC, and without one is UTC."""
    found = read_event(written(tmp_path, GOOD + "since = 2026-01-02T03:00:00\n"))
    assert found.chosen_until.utcoffset() == timedelta()
    assert found.at == datetime(2026, 3, 12, tzinfo=UTC)
    assert found.chosen_until == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert found.since == datetime(2026, 1, 2, 3, tzinfo=UTC)
    assert found.window == (found.at - timedelta(days=21), found.at + timedelta(days=14))


def test_the_day_until_which_areas_are_chosen_counts_to_its_end(tmp_path: Path) -> None:
    """With the day before the event no data of after it are seen, with the event's own day they are."""
    known = {"t", "c0", "c1"}
    for last, refused in (("2026-03-11", False), ("2026-03-12T00:00:00Z", False), ("2026-03-12", True)):
        text = GOOD.replace("2026-03-01T00:00:00+01:00", last)
        found = read_event(written(tmp_path, text))
        if refused:
            with pytest.raises(InputError, match="chosen_until: 2026-03-13 00:00 lies after the event"):
                check_names(found, places=known, categories=set(), sources=set())
        else:
            assert found.chosen_until == found.at
            check_names(found, places=known, categories=set(), sources=set())


def test_times_with_a_zone_are_told_in_utc(tmp_path: Path) -> None:
    """Messages and the table of what was declared show the same clock, whatever the file's zone."""
    text = GOOD.replace("2026-03-01T00:00:00+01:00", "2026-03-12T08:00:00+09:00")
    found = read_event(written(tmp_path, f"{text}since = 2026-01-14T23:00:00-05:00\n"))
    with pytest.raises(InputError, match="since: 2026-01-15 04:00 lies outside the study's data before the event"):
        check_since(found, day(60))
    findings = Findings(info=HEADING, event=found, answers=[])
    assert ("Areas chosen with data until, UTC", "2026-03-11 23:00") in declared(found, findings)


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+09:00", "9999-12-31T23:00:00-09:00", "9999-12-31"])
def test_days_out_of_any_calendar_are_refused(tmp_path: Path, when: str) -> None:
    """A zone or a day's end that leads out of it is no error of ours."""
    with pytest.raises(InputError, match="is not a day from 1970 to 2200"):
        read_event(written(tmp_path, GOOD.replace("2026-03-01T00:00:00+01:00", when)))


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        (["AS64500", "AS64501"], "as"),
        (["NL", "DE"], "country"),
        (["nl", "acme"], "hoster"),
        (["AS64500", "acme"], "hoster"),
    ],
)
def test_keys_tell_what_they_are(keys: list[str], kind: str) -> None:
    """ASes and countries are known by their spelling; a hoster may have the key of its AS."""
    assert kind_of(keys) == kind


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("befor = 8", ("unknown field", "befor")),
        ("before = 7", ("from 8", "before")),
        ('before = "long"', ("before 'long': a whole number",)),
        ("period_h = 0.5", ("from 1.0", "period_h")),
        ('outcome = "visits"', ("visits", "outcome")),
        ('primary = "removal, change, buffer"', ("no buffer is declared", "another primary")),
        ('outcome = "takedowns"\nfall = "mean change"', ("fall is 'mean change'", "'removal, change' was expected")),
        ('since = "soon"', ("since 'soon': a date or time",)),
        ('buffer = ["b"]', ("buffer_controls", "both or neither")),
        ('buffer = ["c0"]\nbuffer_controls = ["d"]', ("c0", "two areas")),
        ('buffer = ["b"]\nbuffer_controls = ["t"]', ("buffer_controls: t is the target",)),
        ('buffer = ["UK"]\nbuffer_controls = ["DE"]', ("UK", "the United Kingdom is GB")),
        ('buffer = ["NL"]\nbuffer_controls = ["DE"]', ("NL is a country", "throughout")),
        ("[detection]\nhome = [0.9, 0.7]\nabroad = [0.2, 0.5]", ("lowest and its highest",)),
        ("[detection]\nhome = [0.7, 1.2]\nabroad = [0.2, 0.5]", ("up to 1.0", "detection")),
        ("[[events]]\ntarget = 'x'", ("missing", "date")),
        ("controls = [", ("event.toml",)),
        ("period_h = inf", ("up to 876600.0", "period_h")),
        ("horizon_h = 1e308", ("up to 876600.0", "horizon_h")),
        ("age_within_h = inf", ("up to 876600.0", "age_within_h")),
        ("before = 100000000", ("100,000,014 periods of 24 hours", "876,600")),
        ("after = 100000000000", ("periods of 24 hours", "876,600")),
        ("anticipation = 99999999999", ("periods of 24 hours", "876,600")),
        ("since = 0001-01-01T00:00:00+14:00", ("0001-01-01", "1970 to 2200")),
        ("read = [9999-12-31]", ("9999-12-31", "1970 to 2200")),
        ("[[events]]\ntarget = 'x'\ndate = 9999-12-31T23:59:59-14:00", ("9999-12-31", "1970 to 2200")),
        ('"www.badshop.com" = 1', ("[not shown]",)),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, line: str, parts: tuple[str, ...]) -> None:
    """What is wrong is named with its key, and where to look; a host name is not repeated."""
    with pytest.raises(InputError) as problem:
        read_event(written(tmp_path, GOOD + line + "\n"))
    said = str(problem.value)
    assert all(part in said for part in (*parts, "docs/displacement.md")), said
    assert "\n" not in said
    assert "badshop" not in said


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """A missing file and one that is no text are refused by name."""
    with pytest.raises(InputError, match="cannot be read"):
        read_event(tmp_path / "none.toml")
    (tmp_path / "event.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"event\.toml"):
        read_event(tmp_path / "event.toml")


def checked(**changes: Any) -> None:
    known = {"t", "b", "d1", "d2", *(f"c{n}" for n in range(24))}
    check(event(**changes), known=known, categories={"phishing"}, sources={"hotline"}, first=START, until=day(180))


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"target": "nobody"}, ("target", "nobody", "waterbed rank")),
        ({"controls": ("c0", "www.badshop.com")}, ("controls", "[redacted]")),
        ({"categories": ("spam",)}, ("categories", "spam", "phishing")),
        ({"sources": ("me",)}, ("sources", "me", "hotline")),
        ({"chosen_until": day(161)}, ("chosen_until: 2026-06-11 00:00 lies after the event",)),
        ({"date": day(-3), "chosen_until": day(-4)}, ("date", "2025-12-29", "outside")),
        ({"date": day(200)}, ("date", "outside", "2026-06-30")),
        ({"before": 170}, ("before", "data begin", "shorten")),
        ({"after": 30}, ("after", "ends on", "wait")),
        ({"since": day(150)}, ("before", "2026-05-31")),
        ({"since": day(170)}, ("since", "outside")),
    ],
)
def test_what_a_study_cannot_know_is_refused(changes: dict[str, Any], parts: tuple[str, ...]) -> None:
    """Unknown places, categories and sources, and times without data, are one sentence with the key."""
    checked()
    with pytest.raises(InputError) as problem:
        checked(**changes)
    said = str(problem.value)
    assert all(part in said for part in (*parts, "docs/displacement.md")), said
    assert "badshop" not in said
