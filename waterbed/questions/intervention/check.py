"""Things that an event's answer still needs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import MappingProxyType

import msgspec

from waterbed.estimators.refusal import LEAST_CLUSTERS, Refusal
from waterbed.graphs.displacement.candidates import RECEIVES
from waterbed.graphs.displacement.event import EVENTS, SEE, Event, check_names, check_since
from waterbed.graphs.displacement.feeds import changed_feeds
from waterbed.graphs.displacement.movements import HOUR, Movements
from waterbed.graphs.displacement.overlap import overlaps
from waterbed.graphs.displacement.receivers import receivers
from waterbed.graphs.displacement.returns import followed
from waterbed.graphs.displacement.series import Series
from waterbed.model.errors import InputError
from waterbed.model.formatter import day_of
from waterbed.model.message import Code, Count, Message, Moment, Name, Number, Sentence, Share, Term, joined
from waterbed.model.progress import stage
from waterbed.model.redaction import redact
from waterbed.model.results import PlanRow
from waterbed.questions.intervention.answer import left_out
from waterbed.questions.intervention.looks import refuse_unseen, unseen_windows
from waterbed.questions.intervention.plan import movements_of
from waterbed.questions.intervention.power import EventPower
from waterbed.questions.intervention.power_rows import (
    PRIMARY,
    Row,
    answer_row,
    ended,
    fall_row,
    first_read,
    power_rows,
    quarantine_rows,
)
from waterbed.store.config import Config
from waterbed.study.conclusions import Conclusions
from waterbed.study.external import ExternalConclusions


@stage("checking the event")
def check_event(
    conclusions: Conclusions,
    config: Config,
    event: Event,
    *,
    removed: float,
    displaced: float,
    other_events: Mapping[str, Event] = MappingProxyType({}),
) -> list[Row]:
    """Say what an answer to an event needs today.

    And from when it can be had. `other_events` are the study's other events, by file name. What stops it comes first,
    then what is awaited, then its power; the answer stands last. InputError for a file that no waiting mends.
    """
    if not conclusions.episodes or conclusions.until is None:
        raise InputError(
            "this study does not hold any episode yet; import reports and run waterbed recheck first",
            see="docs/operations.md",
        )
    movements = movements_of(conclusions, config, event, chosen=False)
    reports = conclusions.facts.reports
    check_names(
        event,
        places=movements.places(),
        categories={report.category for report in reports},
        sources={report.source for report in reports},
        is_internal=True,
    )
    if event.at <= movements.zero:
        raise InputError(
            f"{event.at:%Y-%m-%d %H:%M} lies before the study's data, which begin on {movements.zero:%Y-%m-%d %H:%M}",
            key="date",
            see=SEE,
        )
    check_since(event, movements.zero)
    today = _Today(whole=conclusions, config=config, event=event, until=conclusions.until)
    conclusions_before = conclusions.before(event.at)
    rows = [
        *today.days(),
        *today.further(),
        *today.looks(),
        *quarantine_rows(conclusions, event),
        *today.feeds(),
        *today.contamination(),
    ]
    rows += overlapping(conclusions, event, other_events)
    if conclusions_before.episodes and conclusions_before.until is not None:
        power = EventPower(
            event=event, conclusions=conclusions_before, movements=movements_of(conclusions_before, config, event)
        )
        rows += [
            *today.takedowns(power, removed, displaced),
            *fall_row(power),
            *power_rows(power, removed, displaced),
        ]
    else:
        text = Message.of(
            "No URL was seen before the event, {at}: there is nothing to compare with.", at=Moment(event.at)
        )
        rows.append(PlanRow(topic="days before", text=text, stops=True))
    rows.sort(key=lambda row: not row.stops)
    return [*rows, today.answer(rows)]


def overlapping(whole: Conclusions, event: Event, others: Mapping[str, Event]) -> Iterator[Row]:
    """Other events that act on this one's places.

    One that acts on what the first two tests need stops it.
    """
    for overlap in overlaps(event, others.values(), whole.episodes):
        name = whole.attributor.name_of(overlap.place)
        mend = Message.of("choose other dates") if overlap.target else Message.of("choose other controls or dates")
        if file := next((redact(path) for path, other in others.items() if other is overlap.of), ""):
            if overlap.target and overlap.at == event.at and name == whole.attributor.name_of(event.target):
                mend = Message.of("both files are about one target and date, so remove one of the two")
            mend = Message.of("{mend} ({file})", mend=mend, file=Code(f"{EVENTS}/{file}"))
        clause = Message.of(
            "{event}; the numbers that it could change are refused: {mend}", event=overlap.words(name), mend=mend
        )
        text = Message.of("{said}", said=Sentence(clause))
        stops = overlap.target or overlap.refuses(event.fall) or overlap.refuses(event.primary)
        yield PlanRow(topic="overlaps", text=text, stops=stops)


@dataclass(frozen=True, kw_only=True)
class _Today:
    """An event, and what is known by now."""

    whole: Conclusions
    config: Config
    event: Event
    until: datetime

    @cached_property
    def movements(self) -> Movements:
        """Movements of the report."""
        return movements_of(self.whole, self.config, self.event)

    @cached_property
    def elapsed(self) -> int:
        """Whole periods after the event that are known."""
        return min(self.event.after, max(0, math.floor((self.until - self.event.at) / self.event.period + 1e-9)))

    @property
    def confirmation(self) -> timedelta:
        """Time that confirmation takes."""
        return timedelta(seconds=self.config.judge.freeze_s)

    @property
    def first_read(self) -> datetime:
        """From when the report can be read."""
        return first_read(self.event, self.confirmation)

    def days(self) -> Iterator[Row]:
        """Yield periods before and after."""
        event, (start, end) = self.event, self.event.window
        begin = max(filter(None, (self.movements.zero, event.since)))
        if start < begin:
            fit = max(0, math.floor((event.at - begin) / event.period + 1e-9) - event.anticipation)
            remedy = Message.of("move the date, or shorten {key}", key=Code("period_h"))
            if fit >= 8:
                remedy = Message.of("set {key} to {fit}", key=Code("before"), fit=Number(fit))
            text = Message.of(
                "{periods} before the event reach back to {start}, and data begin on {begin}: {way}.",
                periods=Number(event.before, "period"),
                start=Moment(start),
                begin=Moment(begin),
                way=remedy,
            )
            yield PlanRow(topic="days before", text=text, value=float(fit), unit="periods", stops=True)
        else:
            ahead = max(0, math.ceil((event.at - self.until) / event.period - 1e-9) - event.anticipation)
            known_periods = max(0, event.before - ahead)
            periods = Number(event.before, "period")
            text = Message.of(
                "{known} of {periods} before the event are known.", known=Number(known_periods), periods=periods
            )
            yield PlanRow(topic="days before", text=text, value=float(known_periods), unit="periods")
        text = Message.of(
            "{known} of {periods} after the event are known, all on {end}.",
            known=Number(self.elapsed),
            periods=Number(event.after, "period"),
            end=Moment(end),
        )
        yield PlanRow(topic="days after", text=text, value=float(self.elapsed), unit="periods")

    def further(self) -> Iterator[Row]:
        """Yield further targets' dates that data do not reach."""
        for other in self.event.events:
            when = other.date.astimezone(UTC)
            if not self.movements.zero < when < self.until:
                text = Message.of(
                    "The further event at {place}, {when}, lies outside the study's data.",
                    place=Name(other.target),
                    when=Moment(when),
                )
                yield PlanRow(topic="further events", text=text, stops=True)

    def looks(self) -> Iterator[Row]:
        """Yield areas and places without looks."""
        event, conclusions = self.event, self.whole
        external = ExternalConclusions(conclusions, self.config.testimony)
        prior = external.prior if external.settings.in_series else ()
        try:
            refuse_unseen(conclusions, event, conclusions.episodes, prior, self.until)
        except InputError as problem:
            yield PlanRow(topic="checks", text=Message.of("{problem}.", problem=Code(str(problem))), stops=True)
            return
        places = [(place, (place,)) for place in event.places]
        for place, name, (start, end) in unseen_windows(
            conclusions, event, conclusions.episodes, prior, places, self.until
        ):
            text = Message.of(
                "Nobody checked {place} from {start} to {end} ({when} the event).",
                place=Name(place),
                start=Moment(start),
                end=Moment(end),
                when=Term(name),
            )
            yield PlanRow(topic="checks", text=text)

    def feeds(self) -> Iterator[Row]:
        """Yield feeds that stop or start.

        At the event, or before it within the last days.
        """
        event = self.event
        if self.elapsed:
            shortened = _shortened(event, self.elapsed)
        else:
            past = min(event.after, 7 * 24 // max(1, int(event.period_h)) or 1)
            shortened = _shortened(event, past, at=self.until - past * event.period)
        series = Series(event=shortened, movements=self.movements)
        if series.before[0] < 0:
            return
        feeds = changed_feeds(series)
        excluded_sources = left_out(feeds, self.movements)
        for feed in feeds:
            change = feed.words() if self.elapsed else feed.words(Message.of("on {day}", day=day_of(shortened.at)))
            end = Message.of("no other feed can stand for it")
            if feed.source in excluded_sources:
                end = Message.of("its reports will be left out")
            clause = Message.of("{change}: {end}", change=change, end=end)
            yield PlanRow(topic="feed", text=Message.of("{said}", said=Sentence(clause)))

    def contamination(self) -> Iterator[Row]:
        """Yield controls that receive the target's content."""
        event, movements = self.event, self.movements
        event_hour = movements.hours(event.at)
        for place in (*event.controls, *event.buffer_controls):
            gains = [gain for gain in movements.gains if gain.place == place and gain.seen < event_hour]
            theirs = sum(gain.left == event.target and gain.moved("not parallel") for gain in gains)
            if gains and theirs > RECEIVES * len(gains):
                most = Share(event.most_contaminated)
                end = Message.of("within the {most} declared (most_contaminated)", most=most)
                if theirs > event.most_contaminated * len(gains):
                    end = Message.of(
                        "more than the {most} declared (most_contaminated); its growth hides displacement, so name "
                        "another control",
                        most=most,
                    )
                text = Message.of(
                    "{place} receives the target's content: {received} of {arrivals} before the event, {end}.",
                    place=Name(place),
                    received=Count(theirs),
                    arrivals=Count(len(gains), "arrival"),
                    end=end,
                )
                yield PlanRow(topic="contamination", text=text, value=theirs / len(gains), unit="share of arrivals")
        declared = Series(event=event, movements=movements)
        if self.elapsed and (
            refusal := replace(declared, received=[receiver.place for receiver in receivers(declared)]).unsound()
        ):
            text = Message.of("{said}", said=Sentence(refusal.reason))
            yield PlanRow(topic="contamination", text=text, stops=True)

    def takedowns(self, power: EventPower, removed: float, displaced: float) -> Iterator[Row]:
        """Yield takedowns so far, of those needed."""
        if self.event.primary != PRIMARY:
            return
        movements, event = self.movements, self.event
        seats, end = self.whole.seats, movements.hours(event.window[1])
        event_hour = movements.hours(event.at)
        ended_spells = [
            spell
            for spell in movements.spells
            if spell.place == event.target and spell.taken_down and event_hour <= spell.gone < end
        ]
        spells_after = [spell for spell in ended_spells if spell.last_up >= event_hour]
        takedowns = followed(event, movements, self.whole.arrivals, home=self.config.home, seats=seats)
        sites = len({takedown.site_id for takedown in takedowns})
        needed = power.takedowns_needed(removed, displaced)
        if isinstance(needed, Refusal):
            need = Message.of("how many are needed cannot be told: {reason}", reason=needed.reason)
        else:
            need = Message.of(
                "about {wanted} show {share} displaced with a probability of 0.8",
                wanted=Number(math.ceil(needed)),
                share=Share(displaced),
            )
        short = sites < LEAST_CLUSTERS and self.until >= self.first_read
        if short:
            least = Number(LEAST_CLUSTERS)
            need = Message.of("{need}, and {least} sites that were followed are the least", need=need, least=least)
        contents = len({spell.content_id for spell in spells_after})
        text = Message.of(
            "{contents} of {sites} ended at the target so far, and {followed} of them were followed for {hours}; "
            "{need}",
            contents=Count(contents, "content"),
            sites=Count(len({spell.site_id for spell in spells_after}), "site"),
            followed=Count(len({takedown.content_id for takedown in takedowns})),
            hours=Number(event.horizon_h, "hour"),
            need=need,
        )
        if open_ := len({spell.content_id for spell in ended_spells}) - contents:
            more = Message.of("of {n} more no check tells if they ended before the event", n=Count(open_))
            text = joined(text, more)
        yield PlanRow(topic="takedowns", text=ended(text), value=float(contents), unit="contents", stops=short)

    def answer(self, rows: Sequence[Row]) -> Row:
        """One plain sentence."""
        wait = max(0.0, (self.first_read - self.confirmation - self.until) / HOUR / 24.0)
        return answer_row(rows, self.first_read, wait)


def _shortened(event: Event, after: int, at: datetime | None = None) -> Event:
    return msgspec.structs.replace(event, after=after, read=(), date=at or event.date)
