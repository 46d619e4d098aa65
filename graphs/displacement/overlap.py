"""Other events that act on an event's places.

The time before one of them is the time after another.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from waterbed.graphs.displacement.event import Event, PlaceKind
from waterbed.graphs.displacement.movements import place_of
from waterbed.model.conclusions import Episode
from waterbed.model.message import Date, Listed, Message, Name, Term

TOGETHER: Final = "many events"
"""The answer that takes the further targets of an event file together with its own."""
WITHOUT_CONTROLS: Final = (
    "removed before, target",
    "removed after, target",
    "removal, change, buffer",
    "displaced share",
    "displaced share, estimate",
    "abroad after",
    "lift, destinations",
    "lift, timing",
    "arrivals in all",
    "detection",
)
"""Answers that no event at the controls changes."""
WITH_BUFFER: Final = ("WDD", "WDQ", "TNE", "removal, change, buffer")
"""Answers that an event at the buffer or its controls changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Another event that acts on this one's places.

    `of` is the file that declares it, None if it is this event's own.
    """

    place: str
    at: datetime
    until: datetime
    of: Event | None
    target: bool
    controls: bool
    buffer: bool

    def refuses(self, name: str) -> bool:
        """True if an answer could be the other event's doing."""
        if self.of is None and name == TOGETHER:
            return False
        at_controls = self.controls and name not in WITHOUT_CONTROLS
        return self.target or at_controls or (self.buffer and name in WITH_BUFFER)

    def words(self, name: str) -> Message:
        """Say which event it is, and what it acts on."""
        groups = (
            (Term("the target"), self.target),
            (Term("controls"), self.controls),
            (Term("the buffer or its controls"), self.buffer),
        )
        return Message.of(
            "another event of this study, {place} on {day} until {end}, acts on {areas} within this event's periods: "
            "what is before one is after the other",
            place=Name(name, self.place),
            day=Date(self.at.date()),
            end=Date(self.until.date()),
            areas=Listed(tuple(area for area, acted in groups if acted), "both"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """What one event does: to its target and buffer, while it is measured."""

    place: str
    places: Collection[str]
    kind: PlaceKind
    declared: Sequence[str]
    at: datetime
    begins: datetime
    until: datetime
    of: Event | None


def overlaps(event: Event, other_events: Collection[Event], episodes: Sequence[Episode]) -> list[Overlap]:
    """Find events that act on an event's places.

    An event acts on its target and its buffer, from its anticipation to the end of its last period; the window reaches
    to the end of the follow-up. The further targets of event files are events, too. Another file about the same target
    and date is the same event. Places of another kind are the same if an episode is at both.
    """
    start, end = event.window
    end += timedelta(hours=event.horizon_h)
    overlapping = []
    acts = [*_acts(event, None), *(act for other in other_events if other != event for act in _acts(other, other))]
    for act in sorted(acts, key=lambda act: (act.at, act.place, act.of is not None)):
        same = (act.place, act.at) == (event.target, event.at)
        if same or act.begins >= end or act.until <= start:
            continue
        met = _met(act, event, episodes)
        roles = [
            bool(met & {*keys}) for keys in ((event.target,), event.controls, (*event.buffer, *event.buffer_controls))
        ]
        if any(roles):
            target, controls, buffer = roles
            overlapping.append(
                Overlap(
                    place=act.place,
                    at=act.at,
                    until=act.until,
                    of=act.of,
                    target=target,
                    controls=controls,
                    buffer=buffer,
                )
            )
    return overlapping


def _acts(event: Event, of: Event | None) -> Iterator[_Act]:
    anticipation = event.anticipation * event.period
    own_acts = [] if of is None else [(event.target, {event.target, *event.buffer}, event.at)]
    for place, places, event_at in (
        *own_acts,
        *((other.target, {other.target}, other.date.astimezone(UTC)) for other in event.events),
    ):
        yield _Act(
            place=place,
            places=places,
            kind=event.kind,
            declared=tuple(event.places),
            at=event_at,
            begins=event_at - anticipation,
            until=event_at + event.after * event.period,
            of=of,
        )


def _met(act: _Act, event: Event, episodes: Sequence[Episode]) -> set[str]:
    declared = {*event.places}
    if act.kind == event.kind:
        return declared & {*act.places}
    places = tuple(event.places)
    affected = (episode for episode in episodes if place_of(episode, act.kind, act.declared) in act.places)
    return declared & {place_of(episode, event.kind, places) for episode in affected}
