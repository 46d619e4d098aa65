"""A month's report says what the files beside it say."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.publish.site.recomputed_report import report_differences
from tests.shown.test_windows import make
from tests.study.copies import copied, kept
from tests.study.facts import hour, written
from waterbed.model.spelling import NOTHING
from waterbed.model.window import Window, month_of
from waterbed.questions.report.page import figures, followed, report_name, row_share, sentences, write_report
from waterbed.questions.report.report import MonthReport, report_of
from waterbed.shown.layout import minute
from waterbed.shown.rankings import CLASSES
from waterbed.store.settings import Schedule
from waterbed.study.study import open_study


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[MonthReport]]:
    """Reports of a study: a month, one of a source, after the end, with a month before, and without reports."""
    folder, original = tmp_path_factory.mktemp("copy"), kept(tmp_path_factory.mktemp("months"), make)
    with pytest.MonkeyPatch.context() as patched, open_study(copied(original, folder, patched)) as study:
        week = Window(since=hour(8 * 24), until=hour(9 * 24), name="2026-02")
        months = (
            (month_of("2026-01"), None),
            (month_of("2026-01"), "hotline"),
            (month_of("2026-02"), None),
            (week, None),
            (Window(since=hour(260), until=hour(270), name="2026-03"), None),
        )
        yield [report_of(study, window, source=source) for window, source in months]


def test_every_number_of_a_report_is_that_of_its_files(found: list[MonthReport], tmp_path: Path) -> None:
    """Its sentences and tables, worked out anew from CSV and JSON, are the same, and no other number stands in it."""
    for number, one in enumerate(found):
        page = write_report(one, tmp_path / str(number))
        assert report_differences(page) == [], number
    plain, times = found[1], 12
    back = {name: getattr(plain.month, name) * times for name in ("back_here", "back_elsewhere")}
    crowded = replace(
        plain, overdue=[replace(row, key=f"k{n % 10}") for n in range(60) for row in plain.overdue],
        returned=plain.returned * times, hosters=plain.hosters * times, month=replace(plain.month, **back),
        open_quarantines=2, open_no_verdict=1,
    )  # fmt: skip
    assert min(map(len, (plain.overdue, plain.returned, plain.hosters))) > 0
    assert report_differences(write_report(crowded, tmp_path / "crowded")) == []


def test_what_earlier_months_left_up_is_carried_over(found: list[MonthReport]) -> None:
    """Hours without reports say how much of earlier ones is up at their end, and overdue by the same definitions."""
    month, after, week = found[0], found[2], found[4]
    assert (month.month.carried_up, month.month.carried_overdue) == (0, 0)
    assert week.month.carried_up == week.before.up > week.month.carried_overdue > week.month.urls == 0
    assert sentences(week) == [
        "No URL was first reported in this month.",
        f"Carried over from earlier months: {week.month.carried_up} URLs still up at the end of the month, "
        f"{week.month.carried_overdue} of them overdue, {week.month.carried_unseen} last seen up more than 48 h "
        "before.",
    ]
    assert ("carried over: still up at the end", NOTHING, str(after.before.carried_up)) in figures(after)


def test_up_by_an_old_sight_alone_is_said(tmp_path: Path) -> None:
    """What was last seen up more than 48 hours before the end is counted, with the last sight, now and carried over."""
    asked, blind = month_of("2026-01"), "u" * 12 + "?" * 80
    with written(
        tmp_path, {"a0": "u" * 92, "a1": "u" * 10 + "?" * 82, "a2": blind, "a3": "u" * 30 + "d" * 62}
    ) as study:
        one = report_of(study, asked)
        plain = report_of(study, replace(asked, until=hour(50), follow=timedelta()))
        later = report_of(study, Window(since=hour(4), until=hour(92), name="2026-02"))
    assert (one.month.up, one.month.unseen, one.month.unseen_since) == (3, 2, last := hour(11) + timedelta(minutes=5))
    told = "2 of the 3 still up were last seen up more than 48 h before the end, none after"
    assert sentences(one)[1] == f"{told} {minute(last)}: what became of these since is unknown, here and below."
    assert (plain.month.unseen, later.month.carried_unseen) == (0, 2)
    assert sentences(later)[1].endswith("0 of them overdue, 2 last seen up more than 48 h before.")
    for number, its in enumerate((one, plain, later)):
        assert report_differences(write_report(its, tmp_path / str(number))) == []


def test_a_sight_is_old_after_twice_the_longest_interval(tmp_path: Path) -> None:
    """Where checks lie four days apart by intention, one of two days ago is none of an outage."""
    rare = Schedule(longest_interval_s=4 * 86_400.0)
    with written(tmp_path, {"a0": "u" * 92, "a1": "u" * 10 + "?" * 82}, schedule=rare) as study:
        its = report_of(study, month_of("2026-01")).month
    assert (its.up, its.unseen_h, its.unseen) == (2, 192.0, 0)


def test_a_month_that_was_not_measured_has_dashes(found: list[MonthReport], tmp_path: Path) -> None:
    """After the last check as before the first report every count is a dash, and no number stands in the file."""
    after, first = figures(found[2]), figures(found[0])
    assert {now for _, now, _ in after} == {then for _, _, then in first} == {NOTHING}
    assert NOTHING not in {then for what, _, then in after if "hours" not in what}
    page = write_report(found[2], tmp_path)
    row = json.loads((tmp_path / f"{page.stem}-numbers.json").read_text())["rows"][0]
    assert (row["up"], row["removed"], row["hops_most"], row["carried_up"]) == (None, None, None, None)


def test_a_month_that_goes_on_says_when_the_last_check_was(found: list[MonthReport]) -> None:
    """The end so far lies hours before the last check, which other commands name: how many is said beside it."""
    said = followed(found[0].month)
    assert said.endswith(", where the study ends so far, 4 h before its last check, to confirm removals")
    assert f"{minute(found[0].month.until)} so far, 4 h before its last check" in followed(found[2].month)


def test_the_page_explains_its_words_without_the_documentation(found: list[MonthReport], tmp_path: Path) -> None:
    """Each word in place of a share is explained below the table, and until when hours count below what is late."""
    text = " ".join(write_report(found[1], tmp_path).read_text().split())
    shown = {row_share(one.row) for one in found[1].hosters} & CLASSES.keys()
    assert shown
    assert all(
        f"{word.capitalize()}: {CLASSES[word][:1].lower()}{CLASSES[word][1:].split('.')[0]}." in text for word in shown
    )
    assert "docs/method.md" not in text
    assert found[1].month.until is not None
    assert f"that saw it up, until {minute(found[1].month.until)}; waterbed overdue counts on to the" in text


def test_what_changes_no_verdict_is_not_said_to_hold_checks(found: list[MonthReport]) -> None:
    """Quarantines of mass outages keep checks from counting; those of a canary or a delivery change no verdict."""
    kept = "do not count until a person decides"
    held = [one for one in sentences(replace(found[0], open_quarantines=1, open_no_verdict=0)) if "quarantine" in one]
    assert held == [f"1 quarantine is open: its down checks {kept}."]
    noted = [one for one in sentences(replace(found[0], open_quarantines=0, open_no_verdict=2)) if "quarantine" in one]
    assert noted == ["2 quarantines of our own network or of a delivery are open: they change no verdict."]


def test_a_share_without_an_interval_stands_between_its_bounds(found: list[MonthReport]) -> None:
    """Of too few days a row has a share and no ends: its bounds where it is not one number, or its class."""
    row = replace(found[0].hosters[0].row, rank_class="too few days", removed_24h=None)
    row = replace(row, removed_24h_low=None, removed_24h_high=None, removed_24h_worst=0.5, removed_24h_best=0.7)
    assert row_share(row) == "50% to 70%"
    assert row_share(replace(row, removed_24h=0.6, removed_24h_worst=0.6, removed_24h_best=0.65)) == "60%"
    assert row_share(replace(row, removed_24h_worst=None, removed_24h_best=None)) == "too few days"
    assert row_share(replace(row, rank_class="unmeasurable")) == "unmeasurable"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" URLs were first reported", "1 URLs were first reported"),
        ("Removed within 24 h of", "Removed within 97 h of"),
        ('<th scope="row">on sites</th><td class="n">', '<th scope="row">on sites</th><td class="n">1'),
        ('<td class="share">', '<td class="share">9'),
        ("case 18", "case 19"),
        ("Counts are not adjusted", "3 counts are not adjusted"),
        ("followed to ", "followed to 1 "),
        ("Run ", "Run 1"),
    ],
)
def test_a_number_of_no_file_is_found_in_a_report(found: list[MonthReport], tmp_path: Path, old: str, new: str) -> None:
    """A number put into a copy of the page, wherever it stands, is a difference."""
    page = write_report(found[1], tmp_path)
    text = page.read_text()
    assert old in text
    page.write_text(text.replace(old, new))
    assert report_differences(page)


def test_a_source_names_files_in_the_folder_alone(found: list[MonthReport], tmp_path: Path) -> None:
    """A source's name that is none of a file makes one with its checksum; two of them share none."""
    names = {report_name(replace(found[0], source=source)) for source in ("a b", "a-b", "../a", "/etc/a", "..", "a/b")}
    assert len(names) == 6
    assert not [name for name in names if "/" in name or ".." in name]
