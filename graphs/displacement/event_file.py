"""Writes event files: each key with its meaning and unit."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from json import dumps
from typing import Any, Final

import msgspec

from waterbed.graphs.displacement.event import CHOSEN_UNTIL, Detection, Event

MEANINGS: Final[Mapping[str, str]] = {
    "target": "target of the intervention: key of a hoster, an AS like AS64500, or a country like NL",
    "date": "beginning of the first period after the event",
    "chosen_until": "end of the data seen when controls and buffer were chosen: a day counts to its end",
    "public": "whether everybody may know of it: else nothing that is published names it, its places or its date",
    "public_source": "where it was made public, for readers; needed under TLP:CLEAR",
    "controls": "places without intervention: C",
    "buffer": "places to which content may spill over: D",
    "buffer_controls": "controls of the buffer: Cd; both or neither",
    "period_h": "length of a period, hours",
    "before": "periods used before the event, at least 8",
    "after": "periods used from the event on",
    "anticipation": "periods before the event that are left out, because it was announced or leaked",
    "since": "earlier data are not used: a first import brings years at once",
    "outcome": "events that series and areas count: appearances, arrivals or takedowns",
    "effort": "offset of the series: reports of all places, of each place (area), or none",
    "categories": "only URLs reported in one of these; empty: all",
    "sources": "only URLs reported by one of these; empty: all",
    "horizon_h": "an arrival this soon after an end counts as a return, hours",
    "age_within_h": "largest difference in age between content that ended and its comparison content, hours",
    "most_contaminated": "largest share of a control's arrivals that the event may have sent there from the target",
    "detection.home": "lowest and highest share of arrivals at home that reports find",
    "detection.abroad": "the same abroad",
    "fall": 'what says that the target fell, tested first: "removal, change"; with appearances also "mean change" or '
    '"mean change, blocks"',
    "primary": 'the outcome that the report is about, tested second; "removal, change, buffer" needs a buffer',
    "secondary": "outcomes tested if the primary rejects, corrected for their number",
    "read": "dates on which the report is read; before the first, outputs are interim and have no test",
    "events": "further targets, each a table [[events]] with target and date",
}
"""Each key of an event file, with its unit."""


_FIRST: Final = """\
# What is done, and what is declared before anybody sees data after it. Times without a zone are UTC.
# Declare it before the event; docs/displacement.md says what follows from each key.
"""
_EMPTY: Final = {"since": "2026-01-01", "detection.home": "[0.7, 0.9]", "detection.abroad": "[0.4, 0.7]"}
"""Examples of keys that are not set: they stand behind a comment sign."""


def event_text(event: Event, notes: Mapping[str, tuple[str, ...]]) -> str:
    """An event file of all keys, each with a comment.

    `notes` are further comments by key, such as why places were chosen.
    """
    return _FIRST + "".join(f"{line}\n" for line in _lines(event, notes))


def _lines(event: Event, notes: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for field in msgspec.structs.fields(Event):
        name = field.name
        if name in ("detection", "events"):
            continue
        yield from _described(name, notes)
        value = getattr(event, name)
        yield f"# {name} = {_EMPTY[name]}" if value is None else f"{name} = {_toml(value, name)}"
    detection = event.detection
    yield ""
    yield "[detection]" if detection else "# [detection]"
    for inner in msgspec.structs.fields(Detection):
        key = f"detection.{inner.name}"
        yield f"# {MEANINGS[key]}"
        yield (
            f"{inner.name} = {_toml(getattr(detection, inner.name))}"
            if detection
            else f"# {inner.name} = {_EMPTY[key]}"
        )
    yield ""
    yield f"# {MEANINGS['events']}"
    for other in event.events:
        yield from ("[[events]]", f"target = {_toml(other.target)}", f"date = {_toml(other.date)}")


def _described(name: str, notes: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    yield ""
    yield f"# {MEANINGS[name]}"
    yield from (f"#   {note}" for note in notes.get(name, ()))


def _toml(value: Any, key: str = "") -> str:
    """A key's value as TOML; whole days without a time."""
    if isinstance(value, datetime):
        when = value.astimezone(UTC)
        day = when - timedelta(days=1 if key == CHOSEN_UNTIL else 0)
        return f"{day:%Y-%m-%d}" if when.time() == time() else f"{when:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return dumps(value, ensure_ascii=False)
