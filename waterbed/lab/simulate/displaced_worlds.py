"""Worlds with a known displaced share, measured without a network.

They give takedowns, hops, and the true fate of the content.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from waterbed.graphs.births import births_of
from waterbed.graphs.displacement.takedowns import Takedown, detection_by_way, takedowns
from waterbed.graphs.episodes import EpisodeRules, all_episodes, censor_from
from waterbed.graphs.hops import HopContext, find_hops
from waterbed.graphs.runs import runs_of
from waterbed.lab.simulate.births import BirthFiles, Feeds, draw_births, feeds_of
from waterbed.lab.simulate.draw import MISSED, PARALLEL, PLANS, UNREPORTED, Obstacles
from waterbed.lab.simulate.looks import SimulatedUrl, Simulator
from waterbed.lab.world.file import Hoster, Movement, Removal, Sites, World
from waterbed.lab.world.records import TrueEpisode, TrueHop, Truth
from waterbed.lab.world.truth import simulate
from waterbed.model.facts import Target
from waterbed.model.urls import SPELLING
from waterbed.store.settings import Judge

DAYS: Final = 13.0
WITHIN: Final = timedelta(hours=72)
"""The horizon: what arrives later was not displaced by the takedown."""
LAG: Final = timedelta(hours=60)
"""From an arrival until it is reported, however late, and looked at."""
DETECTED: Final = 1.0 - UNREPORTED[1], 1.0 - UNREPORTED[0]
"""Declared detection of new URLs, on either side."""
DETECTION: Final = ((0.9, 1.0), *detection_by_way(DETECTED, DETECTED)[1:])
"""Declared detection of each of waterbed.graphs.displacement.takedowns.WAYS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Displaced:
    """Measured and true displaced shares of one world.

    Each site counts once.
    """

    takedowns: Sequence[Takedown]
    seen: float
    """Share of takedowns of reported URLs that the study counts."""
    all: float
    """Share of all takedowns then, unreported URLs too."""
    process: float
    """Probability by which content of that world was made to appear again after a takedown."""
    reported: tuple[float, float]
    """Probability that an arrival is reported, at home and abroad."""
    falsely_certain: int
    """Takedowns with a certain arrival after which their content truly came up nowhere within the horizon."""
    sources_of: Mapping[str, frozenset[str]]
    """The feeds that reported each URL, by its id."""


def displaced_world(base: World, rng: random.Random, *, sites: int = 60) -> Displaced:
    """Draw and simulate a world; measure its takedowns and hops.

    As `LookedWorld`, without births.
    """
    return LookedWorld(base, rng, sites=sites).displaced(rng)


class LookedWorld:
    """A world with a known displaced share, looked at.

    Ranges: 10 to 70% of what is taken down appears again, at home or abroad, under its own name or a new one in any
    mixture; 20 to 70% of arrivals at new URLs are never reported, at home and abroad apart; 30% of moves have a copy
    beside the original before the takedown; one to three URLs a site, which some hosters remove together; in a third of
    the worlds one site holds most URLs; looks and their misses as in other simulated studies.
    """

    def __init__(
        self, base: World, rng: random.Random, *, sites: int = 60, again: tuple[int, random.Random] | None = None
    ) -> None:
        """Draw a world; with `again` it happens once more, by another seed and generator."""
        world, obstacles = _draw_world(base, rng, sites)
        if again is not None:
            world, rng = msgspec.structs.replace(world, seed=again[0]), again[1]
        self._world, self._truth = world, simulate(world)
        self._looked = list(Simulator(self._truth, obstacles, rng).all())
        judge = Judge()
        last = max((look.verdict.observed_at for one in self._looked for look in one.sightings), default=world.start)
        until = censor_from(last, timedelta(seconds=judge.freeze_s))
        rules = EpisodeRules.from_settings(judge, until)
        known = {one.known.url_id: one.known for one in self._looked}
        runs = {one.known.url_id: runs_of(one.sightings) for one in self._looked}
        self._episodes = list(all_episodes(known, runs, rules))
        self._until = until - WITHIN - LAG

    def displaced(
        self, rng: random.Random, *, files: BirthFiles | None = None, feeds: Feeds | None = None
    ) -> Displaced:
        """Measure takedowns and hops with the births that `files` know.

        What is reported at all is reported by one or both of two `feeds`.
        """
        world, truth, episodes = self._world, self._truth, self._episodes
        seats = {hoster.key: hoster.country for hoster in world.hoster}
        births = draw_births(truth, files, rng) if files else ()
        of_names = births_of(births, {one.known.url_id: _target(one) for one in self._looked}, episodes)
        hops = find_hops(episodes, HopContext(home=world.home, seats=seats, births=of_names))
        ended = takedowns(episodes, hops, home=world.home, seats=seats, within=WITHIN, until=self._until)
        reported = (world.movement.reported_home, world.movement.reported_abroad)
        detected = {hoster.key: reported[hoster.country != world.home] for hoster in world.hoster}
        by_url = feeds_of(truth, feeds or Feeds(), detected, rng)
        urls = {one.known.url_id: url for one, url in zip(self._looked, by_url, strict=True)}
        seen, everything = _true_shares(truth, self._until)
        return Displaced(
            takedowns=ended,
            falsely_certain=_falsely_certain(truth, ended, urls),
            seen=seen,
            all=everything,
            process=_process(truth, self._until),
            reported=reported,
            sources_of={url_id: by_url[url] for url_id, url in urls.items()},
        )


def _falsely_certain(truth: Truth, ended: Sequence[Takedown], urls: Mapping[str, str]) -> int:
    arrived: dict[str, list[datetime]] = defaultdict(list)
    ends: dict[str, list[datetime]] = defaultdict(list)
    for episode in truth.episodes:
        arrived[episode.content_id].append(episode.start)
        if episode.end is not None:
            ends[episode.url].append(episode.end)
    false = 0
    for one in ended:
        known = [hop.left_before for way, hop in one.answers if one.certain[way]]
        if known:
            url = urls[one.url_id]
            end = max((end for end in ends[url] if end <= min(known)), default=truth.world.end)
            came = arrived[truth.shown[url].content_id]
            false += not any(timedelta(0) <= when - end <= WITHIN for when in came)
    return false


def _target(one: SimulatedUrl) -> Target:
    return Target(
        url_id=one.known.url_id,
        host_id=one.host,
        site_id=one.known.site_id,
        label_id=one.host,
        path_id=one.known.url_id,
        suffix_id=None,
        spelling=SPELLING,
        suffix_list="simulated",
        added_at=one.known.known_up_at,
    )


def _draw_world(base: World, rng: random.Random, sites: int) -> tuple[World, Obstacles]:
    plain = [hoster for hoster in base.hoster if hoster.kind == "hoster" and not hoster.within]
    home = [hoster for hoster in plain if hoster.country == base.home]
    abroad = [hoster for hoster in plain if hoster.country != base.home]
    chosen = rng.sample(home, min(4, len(home))) + rng.sample(abroad, min(4, len(abroad)))
    big = rng.random() < 1 / 3
    relocated = rng.choice((0.0, 0.3, 1.0, 3.0))
    world = msgspec.structs.replace(
        base,
        seed=rng.randrange(2**31),
        days=DAYS,
        hoster=tuple(_hoster(hoster, rng) for hoster in chosen),
        sites=Sites(
            count=sites,
            urls_per_site=(1, rng.randint(1, 3)),
            big_site=2 * sites if big else 0,
            multi_address=rng.uniform(0.1, 0.6),
            reported_over_days=(0.0, 4.5),
        ),
        movement=Movement(
            after_takedown=rng.uniform(0.1, 0.7),
            home_share=rng.uniform(0.2, 0.8),
            relocation=relocated,
            copy=0.0 if relocated == 3.0 else 1.0,
            parallel=PARALLEL,
            reported_home=1.0 - rng.uniform(*UNREPORTED),
            reported_abroad=1.0 - rng.uniform(*UNREPORTED),
        ),
        intervention=(),
        sale=(),
        renaming=(),
        fronting=(),
        renumbering=(),
        outage=(),
        vantages=(),
        empty_delivery_hours=(),
        beside="nothing",
    )
    plan = rng.choice(PLANS)
    outages = []
    for _ in range(rng.randint(3, 6) if plan == "with outages" else 0):
        begin = rng.uniform(0.0, DAYS * 24 - 12)
        outages.append((begin, begin + rng.uniform(3.0, 12.0)))
    obstacles = Obstacles(
        plan=plan,
        every_hours=rng.uniform(2.0, 4.0),
        missed=rng.uniform(*MISSED),
        late=rng.uniform(0.0, 0.6),
        equal=False,
        big=big,
        blind=None,
        blind_from_hour=0.0,
        nameless=None,
        outages=tuple(outages),
    )
    return world, obstacles


def _hoster(hoster: Hoster, rng: random.Random) -> Hoster:
    policy = Removal(
        removes=rng.uniform(0.4, 0.98),
        median_hours=3.0 * 15.0 ** rng.random(),
        sigma=rng.uniform(0.5, 1.3),
        answer_after_removal=rng.choice(("404", "404", "410", "suspended", "name_gone")),
    )
    return msgspec.structs.replace(
        hoster, weight=8.0 ** rng.random(), removal=policy, catch_all=False, link_check=False, blind_to=()
    )


def _true_shares(truth: Truth, until: datetime) -> tuple[float, float]:
    """True displaced shares of the takedowns by a time.

    Of URLs reported before it, and of all.
    """
    after = _after(truth)
    reported = {report.url: report.reported_at for report in reversed(truth.reports)}
    seen: dict[str, list[bool]] = defaultdict(list)
    everything: dict[str, list[bool]] = defaultdict(list)
    for episode in _taken_down(truth, until):
        moved = any(timedelta(0) <= hop.arrived - hop.left <= WITHIN for hop in after[episode.url, episode.end])
        host = truth.shown[episode.url].host
        everything[host].append(moved)
        if episode.url in reported and episode.end and reported[episode.url] < episode.end:
            seen[host].append(moved)
    return _share(seen), _share(everything)


def _process(truth: Truth, until: datetime) -> float:
    """Probability of a displacement in the world's own process.

    Content that already has a copy does not move again.
    """
    after, probability = _after(truth), truth.world.movement.after_takedown
    by_site: dict[str, list[float]] = defaultdict(list)
    for episode in _taken_down(truth, until):
        copied = any(hop.parallel for hop in after[episode.url, episode.end])
        by_site[truth.shown[episode.url].host].append(0.0 if copied else probability)
    return _share(by_site)


def _after(truth: Truth) -> dict[tuple[str, datetime | None], list[TrueHop]]:
    after: dict[tuple[str, datetime | None], list[TrueHop]] = defaultdict(list)
    for hop in truth.hops:
        after[hop.from_url, hop.left].append(hop)
    return after


def _taken_down(truth: Truth, until: datetime) -> list[TrueEpisode]:
    return [
        episode
        for episode in truth.episodes
        if episode.cause in ("removed", "name") and episode.end and episode.end <= until
    ]


def _share(by_site: Mapping[str, Sequence[float]]) -> float:
    means = [sum(values) / len(values) for values in by_site.values()]
    return sum(means) / len(means) if means else 0.0
