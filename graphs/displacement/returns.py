"""Excess reappearance, displaced share, and unobserved arrivals."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from waterbed.estimators.detection import AtLeast, Bounds, Population, chao, chapman, displaced_bounds
from waterbed.estimators.displaced import displaced_estimate
from waterbed.estimators.hidden_bias import HiddenBias, explaining_bias, matched_sets
from waterbed.estimators.own_past import Compared
from waterbed.estimators.reappearance import Excess, Units, corrected_excess, excess_reappearance
from waterbed.estimators.refusal import Refusal, too_few
from waterbed.graphs.displacement.answers import SEED, TypedAnswer, answer
from waterbed.graphs.displacement.displaced import returns_of
from waterbed.graphs.displacement.event import Detection, Event
from waterbed.graphs.displacement.known import Moved
from waterbed.graphs.displacement.movements import READINGS, Gain, Movements, Spell, place_of
from waterbed.graphs.displacement.pairs import arrived
from waterbed.graphs.displacement.sequence import PAST
from waterbed.graphs.displacement.series import Series
from waterbed.graphs.displacement.takedowns import Takedown, detection_by_way, takedowns
from waterbed.model.conclusions import Episode, Hop
from waterbed.model.message import NOTHING, Count, Message, Name, Number, PValue, joined
from waterbed.model.message import Share as Percent
from waterbed.model.results import Reading, Side

Made = TypeVar("Made")
SIDES: Final[tuple[Side, ...]] = ("home", "abroad", "unknown")
"""Sides of arrivals at new URLs, as they differ in detection."""
NOTHING_THERE: Final = Refusal(Message.of("no content was there in that time"))
NO_DETECTION = Refusal(
    Message.of("no detection is stated: give its lowest and highest value at home and abroad ([detection])"),
    "detection",
)
IN_BOUNDS: Final = Message.of("chance, order and detection are in the bounds")


def excess(movements: Movements, *, horizon_h: float, age_within_h: float) -> Iterator[TypedAnswer]:
    """Excess reappearance of all content that ended, in both readings."""
    for reading in READINGS:
        cohort = _Asked(movements.spells, movements, reading, horizon_h, age_within_h, None)
        estimate = cohort.excess()
        yield excess_answer(estimate, reading, horizon_h)
        yield bias_answer(estimate, cohort.bias(), reading)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Spells of which an excess is asked, `treated` marking those whose ends are."""

    spells: Sequence[Spell]
    movements: Movements
    reading: Reading
    horizon_h: float
    age_within_h: float
    treated: npt.NDArray[np.bool_] | None

    def excess(self, resamples: int = 999) -> Excess | Refusal:
        """Their excess over like content."""
        return self._of(partial(excess_reappearance, resamples=resamples))

    def bias(self) -> HiddenBias | Refusal:
        """The hidden bias that explains it."""
        matched = self._of(matched_sets)
        return matched if isinstance(matched, Refusal) else explaining_bias(matched)

    def _of(self, estimator: Callable[..., Made]) -> Made | Refusal:
        if not self.spells:
            return NOTHING_THERE
        return estimator(
            units_of(self.spells, self.movements, self.reading),
            np.random.default_rng(SEED),
            horizon=self.horizon_h,
            observed_until=self.movements.end,
            age_within=self.age_within_h,
            treated=self.treated,
        )


def excess_after(series: Series, resamples: int = 999) -> dict[Reading, Excess | Refusal]:
    """Return the excess reappearance of content that ended afterwards.

    By reading. Of contents that were seen up afterwards: what may have ended before is left out. Controls are contents
    of like age and category that were up at those ends, at the target and at the declared controls that did not
    receive its content.
    """
    return {reading: _after(series, reading).excess(resamples) for reading in READINGS}


def bias_after(series: Series, reading: Reading) -> HiddenBias | Refusal:
    """Return the hidden bias that explains this excess away."""
    return _after(series, reading).bias()


def _after(series: Series, reading: Reading) -> _Asked:
    event, movements, (first, last) = series.event, series.movements, series.after
    controls = series.sound_controls
    spells = [
        spell
        for spell in movements.spells
        if (spell.place == event.target or spell.place in controls) and spell.last_up >= first and spell.started < last
    ]
    treated = np.array([spell.place == event.target and spell.ended(reading) < last for spell in spells], bool)
    return _Asked(spells, movements, reading, event.horizon_h, event.age_within_h, treated)


def excess_answer(estimate: Excess | Refusal, reading: Reading, horizon_h: float) -> TypedAnswer:
    """Return the excess over like content as an answer."""
    note = NOTHING
    if not isinstance(estimate, Refusal):
        note = Message.of(
            "{treated} after an end, {control} without; {clusters}",
            treated=Percent(estimate.treated_share, 1),
            control=Percent(estimate.control_share, 1),
            clusters=Count(estimate.clusters, "cluster"),
        )
    return answer(
        "excess reappearance",
        "Does content come back elsewhere more often after its end than like content that stayed up?",
        "reappearance.excess_reappearance",
        estimate,
        reading=reading,
        n=0 if isinstance(estimate, Refusal) else estimate.treated,
        n_of="contents that ended",
        unit=f"share within {horizon_h:g} h",
        scale="share",
        note=note,
    )


def bias_answer(excess: Excess | Refusal, bias: HiddenBias | Refusal, reading: Reading) -> TypedAnswer:
    """Return the bias that explains an excess as an answer."""
    refused = excess if isinstance(excess, Refusal) else bias
    return answer(
        "excess reappearance, hidden bias",
        "How strong an unmeasured difference between what ended and what stayed up would explain the excess?",
        "hidden_bias.explaining_bias",
        refused,
        reading=reading,
        n=refused.sets if isinstance(refused, HiddenBias) else 0,
        n_of="independent sets",
        unit="times the odds of an end",
        note=Message.of("without any, {p}", p=PValue(refused.without)) if isinstance(refused, HiddenBias) else NOTHING,
    )


def corrected_bounds(estimate: Excess | Refusal, detection: Detection | None, level: float = 0.95) -> Bounds | Refusal:
    """Return bounds of the excess among all arrivals.

    At the stated detection, by the way of arrival: a known URL is looked at wherever it is, a new one must be reported.
    """
    if isinstance(estimate, Refusal) or detection is None:
        return estimate if isinstance(estimate, Refusal) else NO_DETECTION
    return corrected_excess(estimate, detection_by_way(detection.home, detection.abroad), level=level)


def corrected_answer(estimate: Excess | Refusal, reading: Reading, event: Event) -> TypedAnswer:
    """Return the excess corrected for what is not found."""
    seen = estimate.excess if isinstance(estimate, Excess) else 0.0
    return answer(
        "excess reappearance, corrected",
        "Does content come back elsewhere more often after its end than like content that stayed up?",
        "reappearance.corrected_excess",
        corrected_bounds(estimate, event.detection),
        reading=reading,
        n=estimate.treated if isinstance(estimate, Excess) else 0,
        n_of="contents that ended",
        unit=f"share within {event.horizon_h:g} h",
        scale="share",
        note=Message.of("{seen} as seen; chance and detection are in the bounds", seen=Percent(seen, 1))
        if isinstance(estimate, Excess)
        else NOTHING,
    )


def units_of(spells: Sequence[Spell], movements: Movements, reading: Reading) -> Units:
    """Return spells as units, with their arrivals at other places."""
    by_content = _by_content(movements)
    owner: list[int] = []
    when: list[float] = []
    ways: list[int] = []
    for number, spell in enumerate(spells):
        for gain in by_content.get(spell.content_id, ()):
            if gain.place != spell.place and math.isfinite(arrived(gain, reading)):
                owner.append(number)
                when.append(arrived(gain, reading))
                ways.append(0 if gain.known else 1 + SIDES.index(gain.side))
    categories = sorted({spell.category for spell in spells})
    clusters = {cluster: n for n, cluster in enumerate(sorted({spell.cluster for spell in spells}))}
    return Units(
        started=np.array([spell.started for spell in spells]),
        ended=np.array([spell.ended(reading) for spell in spells]),
        category=np.array([categories.index(spell.category) for spell in spells], np.int64),
        cluster=np.array([clusters[spell.cluster] for spell in spells], np.int64),
        arrivals=(np.array(owner, np.int64), np.array(when, float)),
        ways=np.array(ways, np.int64),
        gone=np.array([spell.left(reading) for spell in spells]),
    )


def followed(
    event: Event,
    movements: Movements,
    episodes: Iterable[Episode],
    *,
    home: str,
    seats: Mapping[str, str],
) -> list[Takedown]:
    """Return the target's takedowns after the event and their hops.

    Only takedowns that had time to be followed, of what was seen up after the event; hops lead elsewhere. Of the URLs
    that `movements` hold; what moved within the target did not leave it, and what came up at a place that is not known
    may have.
    """
    (start, end), declared = (event.at, event.window[1]), tuple(event.places)
    chosen = [episode for episode in episodes if episode.url_id in movements.sources_of]
    places = [place_of(episode, event.kind, declared) for episode in chosen]
    arrived_at = {
        (episode.url_id, episode.hoster, episode.known_up_at): place
        for episode, place in zip(chosen, places, strict=True)
        if place != event.target
    }
    within = timedelta(hours=event.horizon_h)
    return takedowns(
        (
            episode
            for episode, place in zip(chosen, places, strict=True)
            if place == event.target
            and episode.first_down is not None
            and start <= episode.last_up
            and episode.first_down < end
        ),
        _elsewhere(movements.moves, arrived_at),
        home=home,
        seats=seats,
        within=within,
        until=movements.until - within,
    )


def _elsewhere(hops: Iterable[Hop], arrived_at: Mapping[tuple[str, str, datetime], str]) -> Iterator[Hop]:
    """Yield hops to other places; none to one that is not known is sure."""
    for hop in hops:
        place = arrived_at.get((hop.to_url_id, hop.to_hoster, hop.arrived_before))
        if place:
            yield hop
        elif place is not None:
            yield hop if hop.order == "parallel" else replace(hop, order="unknown")


def moved_bounds(series: Series, level: float = 0.95) -> Bounds | Refusal:
    """Return bounds of the share of content that moved elsewhere.

    Within the horizon after its end; order, detection and sampling error are in the bounds. A known URL is looked at
    wherever it is, so that a return to it is always detected; a new URL must be reported.
    """
    event, ended = series.event, series.takedowns
    if not event.detection:
        return NO_DETECTION
    cluster = {spell.content_id: spell.cluster for spell in series.movements.spells}
    clusters = np.array([cluster[takedown.content_id] for takedown in ended], np.int64)
    number = np.unique(clusters).size
    few = Message.of("{clusters} ended early enough to be followed", clusters=Count(number, "cluster"))
    return too_few(number, few) or displaced_bounds(
        [takedown.certain for takedown in ended],
        [takedown.possible for takedown in ended],
        clusters,
        detection=detection_by_way(event.detection.home, event.detection.abroad),
        level=level,
    )


def moved(
    series: Series, found: Mapping[Reading, Excess | Refusal], own: Mapping[str, Compared | Refusal], level: float
) -> Moved:
    """Return what the answer says of content that moved.

    `own` is the comparison with the target's own past. All intervals are at a level; the excess spans both readings,
    corrected where detection is stated.
    """
    ended, bounds, detection = series.takedowns, moved_bounds(series, level), series.event.detection
    corrected = [corrected_bounds(estimate, detection, level) for estimate in found.values()]
    ends = [(interval.low, interval.high) for interval in corrected if isinstance(interval, Bounds)]
    if detection is None:
        ends = [estimate.ends(level) for estimate in found.values() if isinstance(estimate, Excess)]
    is_complete, past = len(ends) == len(found), own[PAST]
    return Moved(
        ended=len({takedown.content_id for takedown in ended}),
        surely=len({takedown.content_id for takedown in ended if any(takedown.certain)}),
        horizon_h=series.event.horizon_h,
        low=bounds.low if isinstance(bounds, Bounds) else None,
        high=bounds.high if isinstance(bounds, Bounds) else None,
        why=bounds if isinstance(bounds, Refusal) else None,
        more_low=min(low for low, _ in ends) if is_complete else None,
        more_high=max(high for _, high in ends) if is_complete else None,
        corrected=detection is not None,
        own=(past.share, past.other) if isinstance(past, Compared) else None,
    )


def displaced_share(series: Series) -> TypedAnswer:
    """Say which share of content moved elsewhere, in bounds."""
    event, ended = series.event, series.takedowns
    surely = {takedown.content_id for takedown in ended if any(takedown.certain)}
    perhaps = {takedown.content_id for takedown in ended if any(takedown.possible)}
    return answer(
        "displaced share",
        "What share of what ended at the target was elsewhere within the horizon?",
        "detection.displaced_bounds",
        moved_bounds(series),
        n=len({takedown.content_id for takedown in ended}),
        n_of="contents that ended",
        unit=f"share within {event.horizon_h:g} h",
        scale="share",
        note=joined(
            Message.of(
                "{surely} surely moved, {perhaps} perhaps",
                surely=Count(len(surely), least=True),  # as in the sentences: both roundings would tell a small count
                perhaps=Count(len(perhaps)),
            ),
            IN_BOUNDS,
        ),
    )


def assumed_share(series: Series) -> TypedAnswer:
    """Return an estimate of the same share under stated assumptions.

    Never within the bounds by force: another product. With two feeds their overlap gives detection, else `[detection]`.
    """
    event, ended = series.event, series.takedowns
    cluster = {spell.content_id: spell.cluster for spell in series.movements.spells}
    units = returns_of(ended, series.movements.sources_of, [cluster[takedown.content_id] for takedown in ended])
    estimate = displaced_estimate(units)
    if isinstance(estimate, Refusal) and event.detection:
        by_side = detection_by_way(event.detection.home, event.detection.abroad)[1:]
        estimate = displaced_estimate(units, detection=by_side[: units.after.shape[1]])
    note = NOTHING
    if not isinstance(estimate, Refusal):
        least, most = Percent(estimate.least), Percent(estimate.most)
        note = Message.of("under other assumptions {least} to {most}", least=least, most=most)
    return answer(
        "displaced share, estimate",
        "What share is it, if births and feeds tell as much of all arrivals as of those they know?",
        "displaced.displaced_estimate",
        estimate,
        n=len({takedown.content_id for takedown in ended}),
        n_of="contents that ended",
        unit=f"share within {event.horizon_h:g} h",
        scale="share",
        note=note,
    )


def _by_content(movements: Movements) -> dict[str, list[Gain]]:
    by_content: dict[str, list[Gain]] = {}
    for gain in movements.gains:
        by_content.setdefault(gain.content_id, []).append(gain)
    return by_content


def unseen(
    movements: Movements, chosen: Callable[[Gain], bool], *, reading: Reading, of_what: str
) -> Iterator[TypedAnswer]:
    """Yield estimates of all arrivals, at home and abroad.

    From the overlap of the feeds that found them.
    """
    for side, where in (("home", "at home"), ("abroad", "abroad")):
        gains = [gain for gain in movements.gains if gain.side == side and gain.moved(reading) and chosen(gain)]
        population, feeds, estimator = _population(gains, movements)
        seen = len({gain.url_id for gain in gains})
        say = partial(
            answer,
            question=f"How many arrivals {where} were there in all, {of_what}?",
            estimator=estimator,
            reading=reading,
            n=seen,
            n_of="arrivals seen",
            note=feeds,
        )
        counted = say("arrivals in all", result=population, unit=f"arrivals {where}", scale="count")
        least = Message.of("at least, {feeds}", feeds=feeds)
        yield replace(counted, note=least) if isinstance(population, AtLeast) else counted
        if isinstance(population, Population | AtLeast):
            low = seen / population.high if isinstance(population, Population) else 0.0
            part, share = Bounds(low=low, high=min(1.0, seen / population.low)), seen / population.estimate
            detected = say("detection", result=part, estimate=share, unit=f"share detected {where}", scale="share")
            most = Message.of("at most, {feeds}", feeds=feeds)
            yield replace(detected, note=most) if isinstance(population, AtLeast) else detected


def _population(gains: Sequence[Gain], movements: Movements) -> tuple[Population | AtLeast | Refusal, Message, str]:
    """Chapman with two feeds, Chao's lower bound with more."""
    sources_by_url = {gain.url_id: movements.sources_of[gain.url_id] for gain in gains}
    feeds = sorted({source for by in sources_by_url.values() for source in by})
    if len(feeds) < 2:
        refusal = Refusal(Message.of("one feed alone tells nothing about what it missed"), "feeds")
        return (
            refusal,
            joined(*(Message.of("{feed}", feed=Name(feed, public=True)) for feed in feeds), by="comma"),
            "detection.chapman",
        )
    if len(feeds) == 2:
        first_count, other = (sum(feed in by for by in sources_by_url.values()) for feed in feeds)
        overlap = sum(len(by) == 2 for by in sources_by_url.values())
        note = Message.of(
            "{first} {one}, {second} {other}, both {both}",
            first=Name(feeds[0], public=True),
            one=Count(first_count),
            second=Name(feeds[1], public=True),
            other=Count(other),
            both=Count(overlap),
        )
        return chapman(first_count, other, overlap), note, "detection.chapman"
    table = [[feed in by for feed in feeds] for by in sources_by_url.values()]
    return chao(table), Message.of("by {feeds}", feeds=Number(len(feeds), "feed")), "detection.chao"
