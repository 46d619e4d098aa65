"""Other events at an event's places in its window: found by what they act on and when, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.graphs.displacement.movements import day, event
from tests.graphs.displacement.test_takedowns import EPISODE
from tests.model.said import said
from waterbed.graphs.displacement.event import Event, OtherEvent, events_in
from waterbed.graphs.displacement.overlap import overlaps
from waterbed.questions.intervention.check import overlapping

ELSEWHERE = {"target": "x", "controls": ("y",), "buffer": (), "buffer_controls": ()}


def other(**changes: Any) -> Event:
    """Another file, about places of its own, on the day of the event, measured for a week."""
    return event(**{**ELSEWHERE, **changes})


def roles(found: Event, *others: Event) -> list[tuple[bool, bool, bool]]:
    return [(one.target, one.controls, one.buffer) for one in overlaps(found, others, [])]


def test_an_event_acts_on_its_target_and_its_buffer() -> None:
    """Both count at target, controls or buffer; a place that is a control of both events joins nothing."""
    assert roles(event(), other(target="t", date=day(150))) == [(True, False, False)]
    assert roles(event(), other(target="c3")) == [(False, True, False)]
    assert roles(event(), other(buffer=("c3", "b"), buffer_controls=("z",))) == [(False, True, True)]
    assert roles(event(), other(target="d2")) == [(False, False, True)]
    assert roles(event(), other(controls=("c1", "c2"))) == []


@pytest.mark.parametrize(
    ("days", "anticipation", "met"),
    [
        (-28.0, 0, False),  # over before the window begins, 20 days before the event
        (-26.9, 0, True),
        (9.9, 0, True),  # content that ended on the last day is followed for three days
        (10.0, 0, False),
        (12.0, 3, True),
    ],
)
def test_it_acts_from_its_anticipation_to_its_last_period(days: float, anticipation: int, *, met: bool) -> None:
    """A window of 20 days before and 7 after, and three days to follow what ended."""
    found = overlaps(event(), [other(target="c3", date=day(160 + days), anticipation=anticipation)], [])
    assert bool(found) == met


def test_a_second_file_about_the_same_event_is_no_other_event() -> None:
    """Same target and date, whatever else it declares; the same file is not an event beside itself."""
    assert roles(event(), event(), event(primary="mean change"), event(buffer=(), buffer_controls=())) == []


def test_further_targets_of_any_file_are_events() -> None:
    """Those of one's own file too, which one answer takes together with it."""
    own = event(events=(OtherEvent(target="c3", date=day(165)),))
    (one,) = overlaps(own, [], [])
    assert (one.controls, one.of) == (True, None)
    assert [one.refuses(name) for name in ("many events", "mean change", "displaced share")] == [False, True, False]
    (two,) = overlaps(event(), [other(events=(OtherEvent(target="t", date=day(165)),))], [])
    assert two.refuses("many events")


def test_each_role_refuses_what_it_could_change() -> None:
    """An event at the target changes all, at controls what they are compared in, at the buffer what counts it."""
    at = {
        key: overlaps(event(), [other(target=place, date=day(161))], [])[0]
        for key, place in (("target", "t"), ("controls", "c3"), ("buffer", "b"))
    }
    names = ("displaced share", "removed after, target", "excess reappearance", "WDD", "removal, change, buffer")
    assert {key: [one.refuses(name) for name in names] for key, one in at.items()} == {
        "target": [True] * 5,
        "controls": [False, False, True, True, False],
        "buffer": [False, False, False, True, True],
    }
    assert said(at["controls"].words("Polderhost")) == (
        "another event of this study, Polderhost on 2026-06-11 until 2026-06-18, acts on controls within this event's "
        "periods: what is before one is after the other"
    )


def test_places_of_another_kind_meet_where_an_episode_is_at_both() -> None:
    """An event at a country acts on the hosters whose content is there, and on no others."""
    there = replace(EPISODE, hoster="c3", countries=("NL",))
    land = event(target="NL", controls=("DE",), buffer=(), buffer_controls=())
    assert [one.controls for one in overlaps(event(), [land], [there])] == [True]
    assert overlaps(event(), [land], [replace(there, countries=("FR",))]) == []


@pytest.mark.parametrize(("names", "told"), [("xx", "remove one of the two (events/land.toml)"), ("xy", "other dates")])
def test_two_files_about_one_event_are_told_from_two_events(names: str, told: str) -> None:
    """At one time, and at places that are called the same; the file is named in both cases."""
    there = replace(EPISODE, hoster="t", countries=("NL",))
    land = event(target="NL", controls=("DE",), buffer=(), buffer_controls=())
    called = SimpleNamespace(name_of=lambda key: names[key == "NL"])
    whole: Any = SimpleNamespace(episodes=[there], attributor=called)
    (row,) = overlapping(whole, event(), {"none.toml": event(), "land.toml": land})
    text = said(row.text)
    assert (told in text, "(events/land.toml)" in text, row.stops) == (True, True, True), text


def test_files_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    """They may be events, too; other files are none."""
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "bad.toml").write_text("target = [")
    (tmp_path / "events" / "notes.txt").write_text("no event")
    (tmp_path / "events" / "good.toml").write_text(
        'target = "a"\ndate = 2026-01-05\nchosen_until = 2026-01-04\ncontrols = ["b"]\n'
    )
    found, unread = events_in(tmp_path)
    assert ({name: one.target for name, one in found.items()}, len(unread)) == ({"good.toml": "a"}, 1)
    assert found["good.toml"].window[1] - found["good.toml"].at == timedelta(days=14)
