"""An event's plan: areas, file and power."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

import msgspec

from waterbed.graphs.displacement.candidates import RECEIVES_CONTENT, Candidate, candidates
from waterbed.graphs.displacement.event import BUFFER_TEST, NOUNS, SECONDARY, SEE, Event, PlaceKind, kind_of
from waterbed.graphs.displacement.event_file import event_text
from waterbed.graphs.displacement.movements import Movements, gather, place_of
from waterbed.model.errors import InputError
from waterbed.model.facts import reported_at
from waterbed.model.formatter import OWN
from waterbed.model.message import NOTHING, Count, Message, joined
from waterbed.model.progress import stage
from waterbed.model.redaction import meant, redact
from waterbed.model.results import PlanRow
from waterbed.questions.intervention.power import EventPower
from waterbed.questions.intervention.power_rows import answer_row, fall_row, first_read, power_rows, quarantine_rows
from waterbed.store.config import Config
from waterbed.study.conclusions import Conclusions
from waterbed.study.external import ExternalConclusions

PERIODS_H: Final = (24.0, 12.0, 6.0)
"""Lengths of a period that are tried, the longest first."""
FEWEST, ENOUGH = 8, 14
"""Periods before an event that are needed, and for which a shorter period is taken."""
BEFORE_DAYS = 28.0
"""Days before an event that a plan proposes at most."""
COMPARED_DAYS: Final = 56.0
"""Last days before the event, at most, in which places are compared."""
LEAST_DAYS: Final = 10.0
"""Days before the event that are used if there are so many: shares need reports of a week."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A proposed event file with its power."""

    event: Event
    text: str
    places: Sequence[Candidate]
    rows: Sequence[PlanRow[Message]]


def movements_of(conclusions: Conclusions, config: Config, event: Event, *, chosen: bool = True) -> Movements:
    """Movements of an event's report; of all URLs unless `chosen`."""
    return _gathered(
        conclusions,
        config,
        event.kind,
        tuple(event.places),
        event.categories if chosen else (),
        event.sources if chosen else (),
    )


def _gathered(
    conclusions: Conclusions,
    config: Config,
    kind: PlaceKind,
    declared: Sequence[str],
    categories: Sequence[str] = (),
    sources: Sequence[str] = (),
) -> Movements:
    external = ExternalConclusions(conclusions, config.testimony)
    prior = external if external.settings.in_series else None
    return gather(
        [*conclusions.arrivals, *(prior.prior if prior else ())],
        [*conclusions.hops, *(prior.hops if prior else ())],
        conclusions.facts.reports,
        home=config.home,
        seats=conclusions.seats,
        until=conclusions.until or datetime.min.replace(tzinfo=UTC),
        kind=kind,
        declared=declared,
        categories=categories,
        sources=sources,
    )


@stage("planning the event")
def plan_event(
    conclusions: Conclusions,
    config: Config,
    target: str,
    date: datetime,
    *,
    days: float,
    removed: float,
    displaced: float,
) -> Plan:
    """Propose an event file for a target and a date.

    From data before the date alone; reports of so many `days` after it are read. `removed` and `displaced` are the
    effect that power is worked out for. InputError for a target or a date that the study cannot answer for, and where
    no place can be a control.
    """
    kind, event_at = _kind(target), date.astimezone(UTC)
    first = min(map(reported_at, conclusions.facts.reports), default=None)
    if first is None or event_at <= first:
        begin = f"the study's data begin on {first:%Y-%m-%d %H:%M}" if first else "this study does not hold any report"
        raise InputError(f"{event_at:%Y-%m-%d %H:%M} has no data before it, {begin}", key="date", see=SEE)
    conclusions_before = conclusions.before(event_at)
    if not conclusions_before.episodes or conclusions_before.until is None:
        raise InputError(
            f"no URL was seen before {event_at:%Y-%m-%d %H:%M}, controls are chosen from what was", key="date", see=SEE
        )
    movements = _gathered(conclusions_before, config, kind, (target,))
    if target not in (known_places := movements.places()):
        raise InputError(
            f"this study does not know the {NOUNS[kind]} {redact(target)}{meant(target, known_places)} before "
            f"{event_at:%Y-%m-%d %H:%M}; waterbed rank lists them",
            key="target",
            see=SEE,
        )
    period_h, periods = _periods(movements)
    window = (max(0.0, movements.end - COMPARED_DAYS * 24.0), movements.end)
    places = candidates(movements, target, window, least=0.2, proxies=_proxies(conclusions_before, kind, target))
    try:
        event = _event(
            conclusions_before,
            movements,
            places,
            target=target,
            at=event_at,
            days=days,
            period_h=period_h,
            periods=periods,
        )
    except ValueError as problem:
        raise InputError(str(problem), key="date", see=SEE) from None
    text = event_text(event, _notes(places))
    power = EventPower(
        event=event, conclusions=conclusions_before, movements=movements_of(conclusions_before, config, event)
    )
    rows = [
        *quarantine_rows(conclusions_before, event),
        *fall_row(power),
        *_late(conclusions, event_at),
        *power_rows(power, removed, displaced),
    ]
    day = first_read(event, timedelta(seconds=config.judge.freeze_s))
    rows.append(answer_row(rows, day, max(0.0, (event.reads[0] - conclusions_before.until) / _DAY)))
    return Plan(event=event, text=text, places=places, rows=rows)


def _late(whole: Conclusions, at: datetime) -> Iterator[PlanRow[Message]]:
    if whole.span and whole.span[1] >= at:
        text = Message.of(
            "Checks from after the event are in the study already: no proposal used them, but its authors may have."
        )
        yield PlanRow(topic="declared late", text=text)


def _kind(target: str) -> PlaceKind:
    try:
        return kind_of([target])
    except ValueError as problem:
        raise InputError(str(problem), key="target", see=SEE) from None


def _periods(movements: Movements) -> tuple[float, int]:
    """The length of a period, and how many are used before the event."""
    span = movements.end
    for least in (ENOUGH, FEWEST):
        for period_h in PERIODS_H:
            if span / period_h >= least:
                days = max(min(BEFORE_DAYS, span / 48.0), min(LEAST_DAYS, span / 24.0))
                return period_h, max(FEWEST, int(days * 24.0 / period_h + 1e-9))
    raise InputError(
        f"data before it span {span:.0f} hours; {FEWEST} periods of {PERIODS_H[-1]:g} hours are needed",
        key="date",
        see=SEE,
    )


def _proxies(conclusions: Conclusions, kind: PlaceKind, target: str) -> set[str]:
    """Places at which most episodes are at a reverse proxy."""
    episode_counts, behind = Counter[str](), Counter[str]()
    for episode in conclusions.episodes:
        place = place_of(episode, kind, (target,))
        episode_counts[place] += 1
        behind[place] += episode.proxy
    return {place for place, count in episode_counts.items() if 2 * behind[place] > count}


def _event(
    conclusions: Conclusions,
    movements: Movements,
    places: Sequence[Candidate],
    *,
    target: str,
    at: datetime,
    days: float,
    period_h: float,
    periods: int,
) -> Event:
    roles = {
        role: tuple(candidate.key for candidate in places if candidate.role == role)
        for role in ("control", "buffer", "buffer control")
    }
    if not roles["control"]:
        reason_counts = Counter(
            RECEIVES_CONTENT if candidate.receives else candidate.why
            for candidate in places
            if candidate.why != NOTHING
        )
        counted = [Message.of("{why}: {n}", why=reason, n=Count(n)) for reason, n in reason_counts.most_common()]
        reasons = OWN.text(joined(*counted, by="comma"))
        raise InputError(
            f"none of {len(places)} places beside {redact(target)} can be its control before {at:%Y-%m-%d}"
            f"{f' ({reasons})' if reasons else ''}; name some by hand in a file of your own",
            key="target",
            see=SEE,
        )
    after = max(1, int(days * 24.0 / period_h))
    last = max((conclusions.span or (at, at))[1], *map(reported_at, conclusions.facts.reports))
    event = Event(
        target=target,
        date=at,
        chosen_until=min(at, datetime.combine(last.astimezone(UTC).date(), time(), UTC) + _DAY),
        controls=roles["control"],
        buffer=roles["buffer"],
        buffer_controls=roles["buffer control"],
        period_h=period_h,
        before=periods,
        after=after,
        secondary=tuple(test for test in SECONDARY if roles["buffer"] or test != BUFFER_TEST),
    )
    end = event.window[1] + timedelta(hours=event.horizon_h)
    read = datetime.combine(end.date(), time(), UTC)
    return msgspec.structs.replace(event, read=(read if read == end else read + _DAY,))


def _notes(places: Collection[Candidate]) -> dict[str, tuple[str, ...]]:
    """Why places were chosen, by key of the file."""

    def of(role: str) -> tuple[str, ...]:
        return tuple(
            f"{candidate.key}: {candidate.sites:,} sites, {candidate.apart:.2f} apart (0 alike, 1 "
            f"not), {candidate.received:,} of "
            f"{candidate.arrivals:,} arrivals from the target"
            for candidate in places
            if candidate.role == role
        )

    buffer = of("buffer") or (
        "none is proposed: no place receives a tenth of what leaves the target, or too few others can be its control",
    )
    return {
        "chosen_until": ("data from after this had no part in what is proposed here",),
        "controls": of("control"),
        "buffer": buffer,
        "buffer_controls": of("buffer control"),
        "read": ("the first day on which what ended after the event was followed long enough",),
    }
