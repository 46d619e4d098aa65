"""Counts of distinct sites by period and place."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from math import floor

import numpy as np
import numpy.typing as npt

from waterbed.estimators.interrupted import EventWindow, rates
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.movements import HOUR, Gain, Movements
from waterbed.graphs.displacement.takedowns import Takedown
from waterbed.model.message import Message, Share, Term
from waterbed.model.results import Area, Reading

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

AREAS: tuple[Area, ...] = ("target", "control", "buffer", "buffer control")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One counted event: time in hours, place, site and cluster."""

    when: float
    place: str
    site_id: str
    cluster: int


def begin_of(event: Event, movements: Movements) -> float:
    """Hours of the study after which periods count.

    From `since`; else from its first, or from the first report about the event's places after a time without any that
    is as long as the window before the event: dates in such a time are no placebos.
    """
    if event.since:
        return movements.hours(event.since)
    start, places = movements.hours(event.window[0]), {*event.places}
    times = {report.when for report in movements.reports if report.place in places}
    times |= {gain.seen for gain in movements.gains if gain.place in places}
    gaps = [gap for gap in pairwise(sorted({0.0, *times})) if gap[0] < start]
    ends = [end for begin, end in gaps if end - begin >= event.before * event.period_h]
    return min(ends[-1], start) if ends else 0.0


@dataclass(frozen=True, kw_only=True)
class Series:
    """The periods of a study around an event.

    The event begins one of them.
    """

    event: Event
    movements: Movements
    takedowns: Sequence[Takedown] = ()
    """Those at the target after the event that had time to be followed."""
    received: Collection[str] = ()
    """Controls that received the target's content after the event: others remain in a group, or it is all of them."""

    @cached_property
    def at(self) -> float:
        """The event, hours since the study's first."""
        return self.movements.hours(self.event.at)

    @cached_property
    def index(self) -> int:
        """The number of the period that the event begins."""
        return int((self.at - begin_of(self.event, self.movements)) / self.event.period_h + 1e-9)

    @cached_property
    def periods(self) -> int:
        """The number of whole periods."""
        return self.index + int((self.movements.end - self.at) / self.event.period_h + 1e-9)

    @cached_property
    def window(self) -> EventWindow:
        """The periods used around the event."""
        return EventWindow(
            event=self.index, before=self.event.before, after=self.event.after, anticipation=self.event.anticipation
        )

    def begins_at(self, age: int) -> datetime:
        """When a period begins, counted from the event."""
        return self.event.at + age * self.event.period

    @cached_property
    def before(self) -> tuple[float, float]:
        """The window before the event without anticipation, hours."""
        start, _ = self.event.window
        return self.movements.hours(start), self.at - self.event.anticipation * self.event.period_h

    @cached_property
    def after(self) -> tuple[float, float]:
        """The window after the event, hours."""
        return self.at, self.movements.hours(self.event.window[1])

    def area(self, place: str) -> int:
        """The area that a place belongs to, -1 for none."""
        event = self.event
        for number, keys in enumerate(((event.target,), event.controls, event.buffer, event.buffer_controls)):
            if place in keys:
                return number
        return -1

    def rows(self, reading: Reading) -> Iterator[Row]:
        """Yield the rows that the event's outcome counts.

        Arrivals at a control from the target are excluded: they are not independent of the event.
        """
        if self.event.outcome == "takedowns":
            for spell in self.movements.spells:
                if spell.taken_down:
                    yield Row(when=spell.gone, place=spell.place, site_id=spell.site_id, cluster=spell.cluster)
            return
        spared = {*self.event.controls, *self.event.buffer_controls}
        for gain in self.movements.gains:
            moved = gain.moved(reading)
            counts = moved if self.event.outcome == "arrivals" else gain.counts(reading)
            if counts and not (gain.place in spared and gain.left == self.event.target):
                yield Row(when=gain.seen, place=gain.place, site_id=gain.site_id, cluster=gain.cluster)

    def counts(self, reading: Reading, places: Sequence[str]) -> Ints:
        """Distinct sites by period and place, periods x places."""
        column = {place: number for number, place in enumerate(places)}
        cells = {
            (period, column[row.place], row.site_id)
            for row in self.rows(reading)
            if row.place in column and 0 <= (period := self.period_of(row.when)) < self.periods
        }
        counted = np.zeros((self.periods, len(places)), np.int64)
        for period, place, _ in cells:
            counted[period, place] += 1
        return counted

    def period_of(self, when: float) -> int:
        """Return the number of the period that holds a time.

        Below 0 or too large for times outside the study.
        """
        return self.index + floor((when - self.at) / self.event.period_h + 1e-9)

    def reports(self, place: str | None = None) -> Ints:
        """Return the number of reports by period.

        About one place, or all reports.
        """
        if place is None:
            totals: Ints = self._reported.sum(axis=0)
            return totals
        row = self._reported_at.get(place)
        counts: Ints = np.zeros(self.periods, np.int64) if row is None else self._reported[row]
        return counts

    @cached_property
    def _reported_at(self) -> dict[str, int]:
        """The row of each place that was reported."""
        return {place: row for row, place in enumerate(sorted({report.place for report in self.movements.reports}))}

    @cached_property
    def _reported(self) -> Ints:
        """The reports, places x periods."""
        positions = [
            (self._reported_at[report.place], self.period_of(report.when)) for report in self.movements.reports
        ]
        rows, periods = np.array(positions, np.int64).reshape(-1, 2).T
        inside = (periods >= 0) & (periods < self.periods)
        cells = rows[inside] * self.periods + periods[inside]
        size = len(self._reported_at) * self.periods
        return np.bincount(cells, minlength=size).astype(np.int64).reshape(-1, self.periods)

    def log_rates(self, reading: Reading, places: Sequence[str]) -> Floats:
        """Return log rates by period and place.

        Counts are divided by the effort that the event names.
        """
        return rates(self.counts(reading, places), self.effort(places))

    def effort(self, places: Sequence[str]) -> Ints:
        """Divisors of the counts, periods x places."""
        if self.event.effort == "none":
            return np.ones((self.periods, len(places)), np.int64)
        if self.event.effort == "all":
            return np.repeat(self.reports()[:, None], len(places), axis=1)
        return np.stack([self.reports(place) for place in places], axis=1)

    def left_target(self, gain: Gain) -> bool:
        """True if content may have come from the target."""
        return gain.left == self.event.target and gain.moved("not parallel")

    @property
    def sound_controls(self) -> tuple[str, ...]:
        """The controls that did not receive the target's content."""
        return tuple(place for place in self.event.controls if place not in self.received)

    def unsound(self, *, buffer: bool = False) -> Refusal | None:
        """Return a refusal if the declared areas cannot serve.

        All controls received the target's content; with `buffer` those of the buffer, too.
        """
        groups = [(Term("the controls"), self.event.controls)]
        groups += [(Term("the buffer's controls"), self.event.buffer_controls)] if buffer and self.event.buffer else []
        for name, places in groups:
            if not {*places} - {*self.received}:
                return Refusal(
                    Message.of(
                        "all of {controls} received the target's content after the event, more than {most} of what "
                        "arrives there (most_contaminated): none is left",
                        controls=name,
                        most=Share(self.event.most_contaminated),
                    ),
                    "contamination",
                )
        return None

    def area_counts(self, reading: Reading) -> Ints:
        """Distinct sites by period and area, periods x 4."""
        places = list(self.event.places)
        counted = self.counts(reading, places)
        totals = np.zeros((self.periods, len(AREAS)), np.int64)
        for number, place in enumerate(places):
            totals[:, self.area(place)] += counted[:, number]
        return totals

    def shift(self, period: int) -> datetime:
        """When a numbered period begins."""
        return self.event.at + (period - self.index) * self.event.period_h * HOUR
