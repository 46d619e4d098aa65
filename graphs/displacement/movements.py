"""Arrivals and spells of content at places.

Made of episodes and hops, in the form that the estimators need.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from math import isfinite

from waterbed.graphs.displacement.event import PlaceKind
from waterbed.graphs.displacement.takedowns import TAKEDOWNS
from waterbed.graphs.hop_sources import handed_over, in_order, losses, seen_up
from waterbed.graphs.hops import HopContext, same_url_hop, side_of
from waterbed.graphs.linking.clusters import site_clusters
from waterbed.graphs.runs import UNATTRIBUTED
from waterbed.model.conclusions import Episode, Hop, OrderClass
from waterbed.model.facts import Report, reported_at
from waterbed.model.results import Reading, Side

HOUR = timedelta(hours=1)
READINGS: tuple[Reading, Reading] = ("sequential", "not parallel")
_SURE: tuple[OrderClass, ...] = ("sequential", "repointed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Content that came up at a place.

    Times are hours since the study's first.
    """

    content_id: str
    url_id: str
    site_id: str
    cluster: int
    place: str
    side: Side
    category: str
    seen: float
    absent: float
    """Last known absent there before; -inf where it never was."""
    first_ever: bool
    left: str | None
    """The place that it left; None where no loss goes before it."""
    left_at: float
    """When that loss was known; inf without one."""
    order: OrderClass | None
    known: bool = False
    """True if the URL was known before: it is looked at wherever it is, and needs no report."""

    def counts(self, reading: Reading) -> bool:
        """True if a reading counts it.

        Content that left no other place counts in each reading.
        """
        if self.order is None or reading == "all":
            return True
        return self.order in _SURE if reading == "sequential" else self.order != "parallel"

    def moved(self, reading: Reading) -> bool:
        """True if a reading takes it for a move here."""
        return self.left is not None and self.counts(reading)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Content at a place, from first appearance until it ended.

    Times are hours since the study's first; `gone` inf: it is still there.
    """

    content_id: str
    url_ids: frozenset[str]
    place: str
    cluster: int
    site_id: str
    category: str
    started: float
    last_up: float
    gone: float
    taken_down: bool

    def left(self, reading: Reading) -> float:
        """Latest or earliest time of its end, by any cause.

        inf while it is there.
        """
        return self.last_up if reading == "not parallel" and isfinite(self.gone) else self.gone

    def ended(self, reading: Reading) -> float:
        """Latest or earliest time of the takedown; inf without one."""
        return self.left(reading) if self.taken_down else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedReport:
    """A report: its hour, place and source.

    `cluster` is that of its site, -1 where it was never seen.
    """

    when: float
    place: str
    source: str
    cluster: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Movements:
    """All gains and spells of a study.

    Or those of some categories and sources.
    """

    zero: datetime
    until: datetime
    gains: Sequence[Gain] = field(repr=False)
    spells: Sequence[Spell] = field(repr=False)
    reports: Sequence[PlacedReport] = field(repr=False)
    sources_of: Mapping[str, frozenset[str]] = field(repr=False)
    """The sources that reported each URL."""
    moves: Sequence[Hop] = field(repr=False, default=())
    """The hops behind the gains; by AS and country also moves of URLs between places of one hoster."""

    def hours(self, when: datetime) -> float:
        """A time in hours since the study's first."""
        return (when - self.zero) / HOUR

    @property
    def end(self) -> float:
        """Until when the study knows, hours."""
        return self.hours(self.until)

    def places(self) -> set[str]:
        """All keys of places."""
        return {gain.place for gain in self.gains}


def gather(
    episodes: Sequence[Episode],
    hops: Sequence[Hop],
    reports: Sequence[Report],
    *,
    home: str,
    seats: Mapping[str, str],
    until: datetime,
    kind: PlaceKind = "hoster",
    declared: Collection[str] = (),
    categories: Collection[str] = (),
    sources: Collection[str] = (),
) -> Movements:
    """Collect the gains and spells of a study's reported URLs, as far as anybody saw them up.

    Only URLs reported in these categories by these sources count; empty: in any, by any. What content left, to come up
    at their places, may be any URL's. An episode with several ASes or countries stands at the first of those
    `declared`, in their order; else at the first by name. Needs an episode.
    """
    sources_by_url: dict[str, set[str]] = defaultdict(set)
    category: dict[str, str] = {}
    for report in reports:
        if (not categories or report.category in categories) and (not sources or report.source in sources):
            sources_by_url[report.url_id].add(report.source)
            category.setdefault(report.url_id, report.category)
    seen_episodes = sorted(seen_up(episodes), key=lambda e: (e.known_up_at, e.url_id))
    chosen = [episode for episode in seen_episodes if episode.url_id in sources_by_url]
    context = _Context(
        zero=min(episode.known_up_at for episode in episodes),
        home=home,
        seats=seats,
        category=category,
        clusters=site_clusters(
            {episode.url_id: episode.site_id for episode in chosen},
            ((episode.url_id, episode.content_id) for episode in chosen),
        ),
        place={_key(episode): place_of(episode, kind, declared) for episode in seen_episodes},
    )
    if kind != "hoster":
        hops = [*moved_within_hosters(seen_episodes, kind, declared, home=home, seats=seats), *hops]
    gains = list(_gains(seen_episodes, hops, context))
    return Movements(
        zero=context.zero,
        until=until,
        gains=gains,
        spells=list(_spells(chosen, context)),
        reports=_placed_reports(reports, sources_by_url, gains, context),
        sources_of={url_id: frozenset(by) for url_id, by in sources_by_url.items()},
        moves=hops,
    )


def place_of(episode: Episode, kind: PlaceKind, declared: Collection[str] = ()) -> str:
    """Return the key of an episode's place; empty if unknown."""
    if kind == "hoster":
        return "" if episode.hoster == UNATTRIBUTED else episode.hoster
    keys = [f"AS{origin}" for origin in episode.origins] if kind == "as" else list(episode.countries)
    return next((key for key in declared if key in keys), keys[0] if keys else "")


def moved_within_hosters(
    episodes: Iterable[Episode],
    kind: PlaceKind,
    declared: Collection[str] = (),
    *,
    home: str,
    seats: Mapping[str, str],
) -> Iterator[Hop]:
    """Yield moves of URLs between places of one hoster.

    These are no hops between hosters: a URL that ended in one AS or country of a hoster's, and was up next in another.
    """
    context = HopContext(home=home, seats=seats)
    by_url: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        by_url[episode.url_id].append(episode)
    for url_episodes in by_url.values():
        lost = {id(loss.episode) for loss in losses(url_episodes)} if len(url_episodes) > 1 else set()
        for departed, arrived in pairwise(sorted(url_episodes, key=in_order)):
            places = place_of(departed, kind, declared), place_of(arrived, kind, declared)
            if departed.hoster == arrived.hoster and all(places) and places[0] != places[1] and id(departed) in lost:
                yield same_url_hop(departed, arrived, context)


_Key = tuple[str, str, datetime]


def _key(episode: Episode) -> _Key:
    return episode.url_id, episode.hoster, episode.last_up


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """Facts about URLs, sites and episodes."""

    zero: datetime
    home: str
    seats: Mapping[str, str]
    category: Mapping[str, str]
    clusters: Mapping[str, int]
    place: Mapping[_Key, str]

    def hours(self, when: datetime) -> float:
        return (when - self.zero) / HOUR

    def side(self, episode: Episode) -> Side:
        return side_of(episode.countries, episode.hoster, self.home, self.seats)


def _gains(episodes: Sequence[Episode], hops: Iterable[Hop], context: _Context) -> Iterable[Gain]:
    """Yield the arrivals of the chosen URLs, among all episodes in order."""
    by_arrival = {(hop.to_url_id, hop.to_hoster, hop.arrived_before): hop for hop in hops}
    contents: set[str] = set()
    # a network's new owner is no arrival
    handed = {id(successor) for was, successor in handed_over(episodes) if successor.first_up == was.first_down}
    for episode in episodes:
        first_ever = episode.content_id not in contents
        contents.add(episode.content_id)
        if episode.url_id not in context.category:
            continue
        place = context.place[_key(episode)]
        hop = by_arrival.get((episode.url_id, episode.hoster, episode.known_up_at))
        origin = context.place.get((hop.from_url_id, hop.from_hoster, hop.left_after)) if hop else None
        moved = hop if hop and origin and origin != place else None
        # a move within a place is not an arrival; one from a place that no table knows may be such a move
        if place and (moved or not hop) and id(episode) not in handed:
            yield Gain(
                content_id=episode.content_id,
                url_id=episode.url_id,
                site_id=episode.site_id,
                cluster=context.clusters[episode.site_id],
                place=place,
                side=context.side(episode),
                category=context.category[episode.url_id],
                seen=context.hours(episode.known_up_at),
                absent=context.hours(episode.absent_at) if episode.absent_at else float("-inf"),
                first_ever=first_ever,
                left=origin if moved else None,
                left_at=context.hours(moved.left_before) if moved else float("inf"),
                order=moved.order if moved else None,
                known=moved is not None and moved.from_url_id == moved.to_url_id,
            )


def _spells(episodes: Sequence[Episode], context: _Context) -> Iterable[Spell]:
    """Yield the merged episodes of each content at each place."""
    grouped: dict[tuple[str, str], list[Episode]] = defaultdict(list)
    for episode in episodes:
        grouped[episode.content_id, context.place[_key(episode)]].append(episode)
    for (_, place), group in grouped.items():
        if not place:
            continue
        together = [group[0]]
        for episode in group[1:]:
            if all(member.first_down is not None and member.first_down <= episode.known_up_at for member in together):
                yield _spell(place, together, context)
                together = []
            together.append(episode)
        yield _spell(place, together, context)


def _spell(place: str, together: Sequence[Episode], context: _Context) -> Spell:
    first, last = together[0], max(together, key=lambda episode: episode.last_up)
    ends = [episode.first_down for episode in together if episode.first_down is not None]
    ended_at = max(ends) if len(ends) == len(together) else None
    return Spell(
        content_id=first.content_id,
        url_ids=frozenset(episode.url_id for episode in together),
        place=place,
        cluster=context.clusters[first.site_id],
        site_id=first.site_id,
        category=context.category[first.url_id],
        started=context.hours(first.known_up_at),
        last_up=context.hours(last.last_up),
        gone=context.hours(ended_at) if ended_at else float("inf"),
        taken_down=ended_at is not None and last.cause in TAKEDOWNS,
    )


def _placed_reports(
    reports: Iterable[Report], sources_by_url: Mapping[str, set[str]], gains: Sequence[Gain], context: _Context
) -> list[PlacedReport]:
    """Return each report with its place.

    The place is that of the URL's latest arrival by then, else of its first.
    """
    gains_by_url: dict[str, list[Gain]] = defaultdict(list)
    for gain in gains:
        gains_by_url[gain.url_id].append(gain)
    placed = []
    for report in reports:
        if report.source not in sources_by_url.get(report.url_id, ()):
            continue
        when = context.hours(reported_at(report))
        url_gains = gains_by_url.get(report.url_id, [])
        earlier = [gain for gain in url_gains if gain.seen <= when]
        place = (earlier[-1] if earlier else url_gains[0]).place if url_gains else ""
        cluster = url_gains[0].cluster if url_gains else -1
        placed.append(PlacedReport(when=when, place=place, source=report.source, cluster=cluster))
    return placed
