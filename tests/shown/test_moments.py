"""Events on axes of time: each where it was, named once for all readers."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.publish.site.parsed import Parsed
from tests.publish.site.views import START, event_page, frame, overview, pressed, quality, sheet
from waterbed.publish.site.hoster import sheet_page
from waterbed.publish.site.overview import overview_page
from waterbed.publish.site.quality import quality_page
from waterbed.shown.figures.moments import Moment, in_days, in_weeks, moment_words
from waterbed.shown.layout import make_site

SHEETS = {"k1": "hosters/k1.html", "k2": "hosters/k2.html"}


def moment(text: str) -> Moment:
    return Moment(at=datetime.fromisoformat(text).replace(tzinfo=UTC), title="Acme BV")


@pytest.mark.parametrize(
    ("when", "place"),
    [
        ("2026-05-18T00:00", 0.5),
        ("2026-05-21T12:00", 1.0),
        ("2026-05-24T23:59", 1.4999),
        ("2026-05-11T00:00", -0.5),
        ("2026-06-04T12:00", 1.5),
        ("2026-05-10T23:59", None),
        ("2026-06-15T00:00", None),
    ],
)
def test_an_event_stands_within_its_week(when: str, place: float | None) -> None:
    """A week spans half a unit on either side; one that is left out is between its neighbours; outside is nothing."""
    placed = in_weeks(["2026-W20", "2026-W21", "2026-W24"], [moment(when)])
    assert [at for at, _ in placed] == ([] if place is None else [pytest.approx(place, abs=1e-3)])


def test_an_event_stands_at_its_hour_among_days() -> None:
    """Noon of a day is its middle, and days before the first and after the last are outside."""
    first = date(2026, 5, 18)
    moments = [moment(f"2026-05-{day}T12:00") for day in (17, 18, 21, 22)]
    assert [at for at, _ in in_days(first, 3, moments)] == [0.0, 3.0]


def test_several_events_are_numbered() -> None:
    """Each has its day and name in the words of the figure."""
    placed = in_weeks(["2026-W20", "2026-W21"], [moment("2026-05-12T00:00"), moment("2026-05-19T00:00")])
    assert moment_words(placed) == " Events: Acme BV, 12 May 2026; Acme BV, 19 May 2026."
    assert moment_words([]) == ""


def test_every_axis_of_time_marks_the_events() -> None:
    """A sheet's weeks, the first page's lines of weeks and the canary's days have a line, a legend and words for it."""
    pages = [
        sheet_page(sheet(events=[event_page("Acme BV")]), SHEETS, START),
        overview_page(overview(), [], START),
        quality_page(quality()),
    ]
    made = make_site(frame(), pages)
    for page, words, figures in zip(pages, ("21 May 2026", "21 May 2026", "3 June 2026"), (1, 0, 1), strict=True):
        text = made[page.path].content.decode()
        assert 'class="line event"' in text, page.path
        shown = Parsed(text).shown
        assert f"Acme BV, {words}" in shown, page.path
        scenes = [scene for figure in page.figures for scene in (figure.wide, figure.narrow)]
        assert sum(any(mark.css == "line event" and mark.tip for mark in one.marks) for one in scenes) == 2 * figures
        assert sum(f"Event: Acme BV, {words}" in figure.desc for figure in page.figures) == figures


def test_a_sheet_shows_before_and_after_the_event_against_its_hoster() -> None:
    """Both shares with intervals stand beside a link to the event; a place for comparison has the link alone."""
    target, other = event_page("Acme BV"), event_page("Other BV", target="k2")
    made = make_site(frame(), [sheet_page(sheet(events=[target, other]), SHEETS, START)])
    page = Parsed(made["hosters/k1.html"].content.decode())
    shown = " ".join(page.shown.split())
    assert "6% of 81 4% to 6%" in shown
    assert "98% of 90 96% to 98%" in shown
    assert "Named as a place for comparison, or to which content may spill over: Other BV, pressed" in shown
    assert page.links.count("../interventions/e.html") == 2
    without = make_site(frame(), [sheet_page(sheet(events=()), SHEETS, START)])["hosters/k1.html"].content.decode()
    assert "Before and after an event" not in without


def test_events_outside_an_axis_leave_no_mark() -> None:
    """An event a year later than all weeks is in no figure and no legend."""
    late = pressed("Acme BV", datetime(2026, 5, 21, tzinfo=UTC) + timedelta(days=365))
    made = make_site(frame(), [sheet_page(sheet(moments=[late]), SHEETS, START)])["hosters/k1.html"].content.decode()
    assert 'class="line event"' not in made
