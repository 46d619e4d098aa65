"""Excess reappearance, displaced share, and unobserved arrivals."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial

import numpy as np
import numpy.typing as npt

from graphs.displacement.answers import SEED, answer
from graphs.displacement.displaced import returns_of
from graphs.displacement.event import Event
from graphs.displacement.movements import READINGS, Gain, Movements, Spell, place_of
from graphs.displacement.pairs import arrived
from graphs.displacement.series import Series
from graphs.displacement.summary import Moved
from graphs.displacement.takedowns import Takedown, takedowns
from waterbed.estimators.detection import Bounds, Population, chao, chapman, displaced_bounds
from waterbed.estimators.displaced import displaced_estimate
from waterbed.estimators.reappearance import Excess, Units, excess_reappearance
from waterbed.estimators.refusal import Refusal, too_few
from waterbed.model.conclusions import Episode, Hop
from waterbed.model.results import Answer, Reading

NO_DETECTION = Refusal("no detection is stated: give its lowest and highest value at home and abroad ([detection])")


def excess(movements: Movements, *, horizon_h: float, age_within_h: float) -> Iterator[Answer]:
    """Excess reappearance of all content that ended, in both readings."""
    for reading in READINGS:
        found = _excess(movements.spells, movements, reading, horizon_h, age_within_h, movements.end, None)
        yield excess_answer(found, reading, horizon_h)


def excess_after(series: Series, resamples: int = 999) -> dict[Reading, Excess | Refusal]:
    """Return the excess reappearance of content that ended afterwards.

    By reading. Its controls are contents of like age and category that were up at those ends, at the target and
    at the declared controls.
    """
    event, movements, (first, last) = series.event, series.movements, series.after
    by_reading: dict[Reading, Excess | Refusal] = {}
    for reading in READINGS:
        spells = [
            spell
            for spell in movements.spells
            if (spell.place == event.target or spell.place in event.controls)
            and spell.ended(reading) >= first
            and spell.started < last
        ]
        treated = np.array([spell.place == event.target and spell.ended(reading) < last for spell in spells], bool)
        by_reading[reading] = _excess(
            spells, movements, reading, event.horizon_h, event.age_within_h, movements.end, treated, resamples
        )
    return by_reading


def _excess(
    spells: Sequence[Spell],
    movements: Movements,
    reading: Reading,
    horizon_h: float,
    age_within_h: float,
    until: float,
    treated: npt.NDArray[np.bool_] | None,
    resamples: int = 999,
) -> Excess | Refusal:
    if not spells:
        return Refusal("no content was there in that time")
    return excess_reappearance(
        _units(spells, movements, reading),
        np.random.default_rng(SEED),
        horizon=horizon_h,
        observed_until=until,
        age_within=age_within_h,
        treated=treated,
        resamples=resamples,
    )


def excess_answer(found: Excess | Refusal, reading: Reading, horizon_h: float) -> Answer:
    """Return the excess over like content as an answer."""
    note = ""
    if not isinstance(found, Refusal):
        note = f"{found.treated_share:.1%} after an end, {found.control_share:.1%} without; {found.clusters} clusters"
    return answer(
        "excess reappearance",
        "Does content come back elsewhere more often after its end than like content that stayed up?",
        "reappearance.excess_reappearance",
        found,
        reading=reading,
        n=0 if isinstance(found, Refusal) else found.treated,
        n_of="contents that ended",
        unit=f"share within {horizon_h:g} h",
        note=note,
    )


def _units(spells: Sequence[Spell], movements: Movements, reading: Reading) -> Units:
    """Return spells as units, with their arrivals at other places."""
    by_content = _by_content(movements)
    owner: list[int] = []
    when: list[float] = []
    for number, spell in enumerate(spells):
        for gain in by_content.get(spell.content_id, ()):
            if gain.place != spell.place and math.isfinite(arrived(gain, reading)):
                owner.append(number)
                when.append(arrived(gain, reading))
    categories = sorted({spell.category for spell in spells})
    clusters = {one: n for n, one in enumerate(sorted({spell.cluster for spell in spells}))}
    return Units(
        started=np.array([spell.started for spell in spells]),
        ended=np.array([spell.ended(reading) for spell in spells]),
        category=np.array([categories.index(spell.category) for spell in spells], np.int64),
        cluster=np.array([clusters[spell.cluster] for spell in spells], np.int64),
        arrivals=(np.array(owner, np.int64), np.array(when, float)),
    )


def followed(
    event: Event,
    movements: Movements,
    episodes: Iterable[Episode],
    hops: Iterable[Hop],
    *,
    home: str,
    seats: Mapping[str, str],
) -> list[Takedown]:
    """Return the target's takedowns after the event and their hops.

    Only takedowns that had time to be followed; hops lead elsewhere. Of the URLs that `movements` hold; what moved
    within the target did not leave it.
    """
    (start, end), declared = (event.at, event.window[1]), tuple(event.places)
    chosen = [episode for episode in episodes if episode.url_id in movements.sources_of]
    places = [place_of(episode, event.kind, declared) for episode in chosen]
    elsewhere = {
        (episode.url_id, episode.hoster, episode.known_up_at)
        for episode, place in zip(chosen, places, strict=True)
        if place not in ("", event.target)
    }
    within = timedelta(hours=event.horizon_h)
    return takedowns(
        (
            episode
            for episode, place in zip(chosen, places, strict=True)
            if place == event.target and episode.first_down is not None and start <= episode.first_down < end
        ),
        (hop for hop in hops if (hop.to_url_id, hop.to_hoster, hop.arrived_before) in elsewhere),
        home=home,
        seats=seats,
        within=within,
        until=movements.until - within,
    )


def moved_bounds(series: Series, level: float = 0.95) -> Bounds | Refusal:
    """Return bounds of the share of content that moved elsewhere.

    Within the horizon after its end; order, detection and sampling error are in the bounds. A known URL is looked at
    wherever it is, so that a return to it is always detected; a new URL must be reported.
    """
    event, ended = series.event, series.takedowns
    if not event.detection:
        return NO_DETECTION
    cluster = {spell.content_id: spell.cluster for spell in series.movements.spells}
    clusters = np.array([cluster[one.content_id] for one in ended], np.int64)
    return too_few(np.unique(clusters).size, "clusters ended early enough to be followed") or displaced_bounds(
        [one.certain for one in ended],
        [one.possible for one in ended],
        clusters,
        detection=[(1.0, 1.0), event.detection.home, event.detection.abroad],
        level=level,
    )


def moved(series: Series, found: Mapping[Reading, Excess | Refusal], level: float) -> Moved:
    """Return what the answer says of content that moved.

    All intervals are at a level; the excess spans both readings.
    """
    ended, bounds = series.takedowns, moved_bounds(series, level)
    ends = [one.ends(level) for one in found.values() if isinstance(one, Excess)]
    told = len(ends) == len(found)
    return Moved(
        ended=len({one.content_id for one in ended}),
        surely=len({one.content_id for one in ended if any(one.certain)}),
        horizon_h=series.event.horizon_h,
        low=bounds.low if isinstance(bounds, Bounds) else None,
        high=bounds.high if isinstance(bounds, Bounds) else None,
        why=bounds.reason if isinstance(bounds, Refusal) else "",
        more_low=min(low for low, _ in ends) if told else None,
        more_high=max(high for _, high in ends) if told else None,
    )


def displaced_share(series: Series) -> Answer:
    """Say which share of content moved elsewhere, in bounds."""
    event, ended = series.event, series.takedowns
    surely = {one.content_id for one in ended if any(one.certain)}
    perhaps = {one.content_id for one in ended if any(one.possible)}
    return answer(
        "displaced share",
        "What share of what ended at the target was elsewhere within the horizon?",
        "displaced.displaced_bounds",
        moved_bounds(series),
        n=len({one.content_id for one in ended}),
        n_of="contents that ended",
        unit=f"share within {event.horizon_h:g} h",
        note=f"{len(surely)} surely moved, {len(perhaps)} perhaps; chance, order and detection are in the bounds",
    )


def assumed_share(series: Series) -> Answer:
    """Return an estimate of the same share under stated assumptions.

    Never within the bounds by force: another product. With two feeds their overlap gives detection, else `[detection]`.
    """
    event, ended = series.event, series.takedowns
    cluster = {spell.content_id: spell.cluster for spell in series.movements.spells}
    units = returns_of(ended, series.movements.sources_of, [cluster[one.content_id] for one in ended])
    found = displaced_estimate(units)
    if isinstance(found, Refusal) and event.detection:
        found = displaced_estimate(units, detection=(event.detection.home, event.detection.abroad))
    note = ""
    if not isinstance(found, Refusal):
        note = f"under other assumptions {found.least:.0%} to {found.most:.0%}"
    return answer(
        "displaced share, estimate",
        "What share is it, if births and feeds tell as much of all arrivals as of those they know?",
        "displaced.displaced_estimate",
        found,
        n=len({one.content_id for one in ended}),
        n_of="contents that ended",
        unit=f"share within {event.horizon_h:g} h",
        note=note,
    )


def _by_content(movements: Movements) -> dict[str, list[Gain]]:
    found: dict[str, list[Gain]] = {}
    for gain in movements.gains:
        found.setdefault(gain.content_id, []).append(gain)
    return found


def unseen(movements: Movements, chosen: Callable[[Gain], bool], *, reading: Reading, of_what: str) -> Iterator[Answer]:
    """Yield estimates of all arrivals, at home and abroad.

    From the overlap of the feeds that found them.
    """
    for side, where in (("home", "at home"), ("abroad", "abroad")):
        gains = [gain for gain in movements.gains if gain.side == side and gain.moved(reading) and chosen(gain)]
        found, feeds, estimator = _population(gains, movements)
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
        yield say("arrivals in all", result=found, unit=f"arrivals {where}")
        if isinstance(found, Population) and found.estimate > 0:
            part = Bounds(low=seen / found.high, high=min(1.0, seen / found.low))
            yield say("detection", result=part, estimate=seen / found.estimate, unit=f"share detected {where}")


def _population(gains: Sequence[Gain], movements: Movements) -> tuple[Population | Refusal, str, str]:
    """Chapman with two feeds, Chao's lower bound with more."""
    sources_by_url = {gain.url_id: movements.sources_of[gain.url_id] for gain in gains}
    feeds = sorted({source for by in sources_by_url.values() for source in by})
    if len(feeds) < 2:
        return Refusal("one feed alone tells nothing about what it missed"), ", ".join(feeds), "undetected.chapman"
    if len(feeds) == 2:
        one, other = (sum(feed in by for by in sources_by_url.values()) for feed in feeds)
        both = sum(len(by) == 2 for by in sources_by_url.values())
        return chapman(one, other, both), f"{feeds[0]} {one}, {feeds[1]} {other}, both {both}", "undetected.chapman"
    table = [[feed in by for feed in feeds] for by in sources_by_url.values()]
    return chao(table), f"at least, by {len(feeds)} feeds", "undetected.chao"
