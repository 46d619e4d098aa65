"""A study's findings on displacement, of one event or overall."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from waterbed.graphs.displacement.answers import claimed
from waterbed.graphs.displacement.event import NOUNS, Event, check, events_in
from waterbed.graphs.displacement.feeds import changed_feeds
from waterbed.graphs.displacement.findings import Findings, of_event, overall
from waterbed.graphs.displacement.movements import HOUR, gather, place_of
from waterbed.graphs.displacement.receivers import Receiver, receivers, without
from waterbed.graphs.displacement.returns import followed
from waterbed.graphs.displacement.sequence import fell
from waterbed.graphs.displacement.series import Series, begin_of
from waterbed.graphs.hop_sources import seen_up
from waterbed.graphs.runs import UNATTRIBUTED
from waterbed.model.conclusions import Episode, ExternalEpisode
from waterbed.model.errors import InputError
from waterbed.model.formatter import EVERYTHING, Disclosure
from waterbed.model.message import NOTHING, Code, Count, Listed, Message, Moment, Name, Number, Term, joined
from waterbed.model.progress import stage
from waterbed.model.table import TableInfo
from waterbed.model.window import Window
from waterbed.questions.intervention.answer import Beside, answered, left_out, sources_in
from waterbed.questions.intervention.looks import refuse_unseen
from waterbed.questions.intervention.shares import event_shares
from waterbed.questions.intervention.space import space_notes
from waterbed.study.conclusions import Conclusions
from waterbed.study.external import ExternalConclusions
from waterbed.study.metadata import table_info
from waterbed.study.study import Study
from waterbed.study.windowed import within

SEE = "docs/displacement.md, History as the period before"


METHOD = (
    "interrupted series against synthetic controls, ranked among placebo dates and places; WDD, WDQ and net effect "
    "over site clusters; lifts with a destination and a timing null, all pairs at once; excess reappearance against "
    "matched controls; bounds for what was not detected: see docs/displacement.md"
)


def findings_of(
    study: Study,
    event: Event | None = None,
    *,
    conclusions: Conclusions | None = None,
    disclosure: Disclosure = EVERYTHING,
    public: Collection[Event] | None = None,
) -> Findings:
    """A study's findings on displacement; see `findings`.

    Conclusions are drawn unless given. `public` are the events that readers may know of, and answers are as if there
    were no others; None: the study's own people read, and all events in its folder count.
    """
    conclusions, config = conclusions or study.conclude(), study.config
    study_events = events_in(study.path) if event and public is None else ({}, [])
    other_events, unread = (study_events[0].values() if public is None else public), study_events[1]
    info = table_info(study, "displacement", by=event.kind if event else "hoster", window=conclusions.window)
    if event and study.protocol:
        areas = ("controls", "buffer", "buffer_controls")
        places = {"targets": (event.target,), **{name: getattr(event, name) for name in areas}}
        locked = study.protocol.of_event(places)
        locked.log(study.folder)
        info = replace(info, deviations=(*info.deviations, *locked.sentences))
    study_findings = findings(
        conclusions,
        config.home,
        info,
        event,
        disclosure=disclosure,
        # what others saw before our first look is of no window
        external=None if conclusions.window else ExternalConclusions(conclusions, config.testimony),
        other_events=Beside(events=[*other_events], unread=len(unread)),
    )
    return (
        replace(study_findings, notes=(*study_findings.notes, *space_notes(study, conclusions, event, disclosure)))
        if event
        else study_findings
    )


@stage("estimates of displacement")
def findings(
    conclusions: Conclusions,
    home: str,
    info: TableInfo,
    event: Event | None = None,
    *,
    disclosure: Disclosure = EVERYTHING,
    external: ExternalConclusions | None = None,
    other_events: Beside | None = None,
) -> Findings:
    """All answers about one event, or about the whole study.

    `disclosure` limits what they may say. Episodes in `external` from before our first look stand in the series if its
    settings say so. `other_events` are the study's other events.
    InputError where the study holds no episode, or the event names what it does not know.
    """
    if conclusions.window and not conclusions.episodes:
        raise InputError(f"no URL was first reported and seen in this window ({conclusions.window.words})")
    if not conclusions.episodes or conclusions.until is None:
        raise InputError(
            "this study does not hold any episode yet; import reports and run waterbed recheck first",
            see="docs/operations.md",
        )
    kind, declared = (event.kind, tuple(event.places)) if event else ("hoster", ())
    all_conclusions, conclusions = conclusions, _as_read(conclusions, event)
    prior = external if external and external.settings.in_series else None
    episodes = [*conclusions.arrivals, *(prior.prior if prior else ())]
    hops = [*conclusions.hops, *(prior.hops if prior else ())]
    movements = partial(
        gather,
        episodes,
        hops,
        conclusions.facts.reports,
        home=home,
        seats=conclusions.seats,
        until=conclusions.until or all_conclusions.until or datetime.min.replace(tzinfo=UTC),
        kind=kind,
        declared=declared,
    )
    all_movements = movements()
    info = replace(info, method=METHOD)
    names = (
        {} if kind == "country" else {place: conclusions.attributor.name_of(place) for place in all_movements.places()}
    )
    if event is None:
        study_findings = overall(all_movements, info, names)
    else:
        check(
            event,
            known=all_movements.places(),
            categories={report.category for report in conclusions.facts.reports},
            sources={report.source for report in conclusions.facts.reports},
            first=all_movements.zero,
            until=all_movements.until,
            own=disclosure == EVERYTHING,
        )
        refuse_unseen(conclusions, event, conclusions.episodes, prior.prior if prior else ())
        chosen = movements(categories=event.categories, sources=event.sources)
        feeds = changed_feeds(Series(event=event, movements=chosen))
        excluded_sources = left_out(feeds, chosen)
        if excluded_sources:
            chosen = movements(categories=event.categories, sources=sorted(sources_in(chosen) - excluded_sources))
        ended = followed(event, chosen, episodes, home=home, seats=conclusions.seats)
        declared_as = Series(event=event, movements=chosen)
        filled = receivers(declared_as)
        reduced_event = without(event, [receiver.place for receiver in filled])
        series = replace(
            declared_as, event=reduced_event, takedowns=ended, received=[receiver.place for receiver in filled]
        )
        study_findings = replace(of_event(series, info, names, disclosure), event=event)
        received = {(gain.url_id, gain.place) for gain in chosen.gains if series.left_target(gain)}
        begin = chosen.zero + begin_of(reduced_event, chosen) * HOUR
        shares = None
        if not all_conclusions.window:
            shares = event_shares(
                all_conclusions, reduced_event, chosen.sources_of, disclosure, begin=begin, received=received
            )
        nowhere = _nowhere_known(
            event, [episode for episode in seen_up(episodes) if episode.url_id in chosen.sources_of]
        )
        study_findings = replace(
            study_findings, notes=(*_filled(filled, study_findings, reduced_event), *nowhere, *study_findings.notes)
        )
        study_findings = answered(
            study_findings, event, shares, feeds, excluded_sources, conclusions, episodes, other_events or Beside()
        )
    has_fallen = event is None or fell(study_findings.answers, event)
    notes = tuple(prior_notes(external, event) if external else ())
    answers = [claimed(answer, sequence=event is not None, fell=has_fallen) for answer in study_findings.answers]
    return replace(study_findings, answers=answers, notes=(*study_findings.notes, *notes))


def _as_read(conclusions: Conclusions, event: Event | None) -> Conclusions:
    """The conclusions up to the latest read date that has come, so that they change on read dates only."""
    until = conclusions.until
    if event is None or conclusions.window or until is None:
        return conclusions
    read_dates = [when for when in event.reads if when <= until]
    return within(conclusions, Window(until=max(read_dates))) if read_dates else conclusions


def _filled(filled: Sequence[Receiver], study_findings: Findings, reduced_event: Event) -> Iterator[Message]:
    """Say which controls received the target's content, and are left out."""
    for receiver in filled:
        name = study_findings.names.get(receiver.place, receiver.place)
        yield receiver.words(name, reduced_event.most_contaminated, left_out=receiver.place not in reduced_event.places)


def _nowhere_known(event: Event, episodes: Collection[Episode]) -> Iterator[Message]:
    """Say how many contents came up where no table tells the place."""
    start, end = event.window
    arrivals = [episode for episode in episodes if start <= episode.known_up_at < end]
    lost = {episode.content_id for episode in arrivals if not place_of(episode, event.kind, tuple(event.places))}
    if lost:
        content_count = len({episode.content_id for episode in arrivals})
        yield Message.of(
            "Of {contents} that came up in these periods, {lost} did at addresses whose {kind} no table tells: they "
            "are in no series, and none surely moved there.",
            contents=Count(content_count, "content"),
            lost=Count(len(lost)),
            kind=Term(NOUNS[event.kind]),
        )


def prior_notes(external: ExternalConclusions, event: Event | None) -> Iterator[Message]:
    """Notes on the share of external data, and their end.

    They say how much of the data other observers gave, and where the series changes to ours; none without such data
    from before our first look.
    """
    prior, began = external.prior, external.began
    if not prior or began is None:
        return
    observers = tuple(
        Message.of(
            "{observer} (source {source})", observer=Name(observer, public=True), source=Name(source, public=True)
        )
        for observer, source in sorted({(episode.observer, episode.source) for episode in prior})
    )
    count = Message.of(
        "{episodes} of {urls} from before our first check",
        episodes=Count(len(prior), "episode"),
        urls=Count(len({episode.url_id for episode in prior}), "URL"),
    )
    if not external.settings.in_series:
        yield Message.of(
            "{count} were told by {observers} and are left out (testimony.in_series): see {see}.",
            count=count,
            observers=Listed(observers),
            see=Code(SEE),
        )
        return
    statement = Message.of(
        "{count}, {began}, are told by {observers}, not seen by us",
        count=count,
        began=Moment(began),
        observers=Listed(observers),
    )
    yield Message.of("{said}.", said=joined(statement, _nowhere(prior)))
    if event is not None:
        yield Message.of(
            "The observer changes {where}: what differs between the two may be the observer, and only what target and "
            "controls do not share tells of the event. See {see}.",
            where=_where(began, event),
            see=Code(SEE),
        )


def _nowhere(prior: Sequence[ExternalEpisode]) -> Message:
    lost = sum(episode.hoster == UNATTRIBUTED for episode in prior)
    if not lost:
        return NOTHING
    return Message.of(
        "{lost} of them are at no known hoster, for want of an address or of a table of that time", lost=Count(lost)
    )


def _where(began: datetime, event: Event) -> Message:
    start, end = event.window
    if began <= start:
        return Message.of("before the periods used")
    if began >= end:
        return Message.of("after the periods used")
    if began < event.at:
        periods = Number((event.at - began) / event.period, "period", decimals=1)
        return Message.of("{periods} before the event, within those used", periods=periods)
    return Message.of("at the event or after it, within the periods used")
