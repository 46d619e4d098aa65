"""Worlds with a known displaced share, measured without a network: takedowns, hops, and what truly became of them."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from graphs.displacement.takedowns import Takedown, takedowns
from graphs.episodes import EpisodeRules, all_episodes, censor_from
from graphs.hops import HopContext, find_hops
from waterbed.lab.simulate.draw import MISSED, PARALLEL, PLANS, UNREPORTED, Hard
from waterbed.lab.simulate.looks import Simulator
from waterbed.lab.world.file import Hoster, Movement, Removal, Sites, World
from waterbed.lab.world.records import TrueEpisode, TrueHop, Truth
from waterbed.lab.world.truth import simulate
from waterbed.store.settings import Judge

DAYS: Final = 13.0
WITHIN: Final = timedelta(hours=72)
"""The horizon: what arrives later was not displaced by the takedown."""
LAG: Final = timedelta(hours=60)
"""From an arrival until it is reported, however late, and looked at."""
DETECTION: Final = ((0.9, 1.0), (1.0 - UNREPORTED[1], 1.0 - UNREPORTED[0]), (1.0 - UNREPORTED[1], 1.0 - UNREPORTED[0]))
"""What a study would declare of the detection of each way (graphs.displacement.returns.WAYS)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Displaced:
    """One world: what was measured, and the true displaced shares, each site counted once."""

    takedowns: Sequence[Takedown]
    seen: float
    """Of the takedowns of reported URLs in the time that the study counts."""
    all: float
    """Of all takedowns in that time, of URLs that nobody reported too."""
    process: float
    """Probability by which content of that world was made to appear again after a takedown."""
    reported: tuple[float, float]
    """Probability that an arrival is reported, at home and abroad."""


def displaced_world(base: World, chance: random.Random, *, sites: int = 60) -> Displaced:
    """Draw a world, let it happen, look at it in virtual time, find its takedowns and hops.

    Ranges: 10 to 70% of what is taken down appears again, at home or abroad, under its own name or a new one in any
    mixture; 20 to 70% of arrivals at new URLs are never reported, at home and abroad apart; 30% of moves have a copy
    beside the original before the takedown; one to three URLs a site, which some hosters remove together; in a third of
    the worlds one site holds most URLs; looks and what they miss as in other simulated studies.
    """
    world, hard = _drawn(base, chance, sites)
    truth = simulate(world)
    looked = list(Simulator(truth, hard, chance).all())
    judge = Judge()
    last = max((look.verdict.observed_at for one in looked for look in one.sightings), default=world.start)
    until = censor_from(last, timedelta(seconds=judge.freeze_s))
    rules = EpisodeRules.from_settings(judge, until)
    known = {one.known.url_id: one.known for one in looked}
    episodes = list(all_episodes(known, {one.known.url_id: one.sightings for one in looked}, rules))
    seats = {hoster.key: hoster.country for hoster in world.hoster}
    hops = find_hops(episodes, HopContext(home=world.home, seats=seats))
    counted_until = until - WITHIN - LAG
    seen, everything = _true_shares(truth, counted_until)
    return Displaced(
        takedowns=takedowns(episodes, hops, home=world.home, seats=seats, within=WITHIN, until=counted_until),
        seen=seen,
        all=everything,
        process=_process(truth, counted_until),
        reported=(world.movement.reported_home, world.movement.reported_abroad),
    )


def _drawn(base: World, chance: random.Random, sites: int) -> tuple[World, Hard]:
    plain = [hoster for hoster in base.hoster if hoster.kind == "hoster" and not hoster.within]
    home = [hoster for hoster in plain if hoster.country == base.home]
    abroad = [hoster for hoster in plain if hoster.country != base.home]
    chosen = chance.sample(home, min(4, len(home))) + chance.sample(abroad, min(4, len(abroad)))
    big = chance.random() < 1 / 3
    relocated = chance.choice((0.0, 0.3, 1.0, 3.0))
    world = msgspec.structs.replace(
        base,
        seed=chance.randrange(2**31),
        days=DAYS,
        hoster=tuple(_hoster(hoster, chance) for hoster in chosen),
        sites=Sites(
            count=sites,
            urls_per_site=(1, chance.randint(1, 3)),
            big_site=2 * sites if big else 0,
            multi_address=chance.uniform(0.1, 0.6),
            reported_over_days=(0.0, 4.5),
        ),
        movement=Movement(
            after_takedown=chance.uniform(0.1, 0.7),
            home_share=chance.uniform(0.2, 0.8),
            relocation=relocated,
            copy=0.0 if relocated == 3.0 else 1.0,
            parallel=PARALLEL,
            reported_home=1.0 - chance.uniform(*UNREPORTED),
            reported_abroad=1.0 - chance.uniform(*UNREPORTED),
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
    plan = chance.choice(PLANS)
    outages = []
    for _ in range(chance.randint(3, 6) if plan == "with outages" else 0):
        begin = chance.uniform(0.0, DAYS * 24 - 12)
        outages.append((begin, begin + chance.uniform(3.0, 12.0)))
    hard = Hard(
        plan=plan,
        every_hours=chance.uniform(2.0, 4.0),
        missed=chance.uniform(*MISSED),
        late=chance.uniform(0.0, 0.6),
        equal=False,
        big=big,
        blind=None,
        blind_from_hour=0.0,
        nameless=None,
        outages=tuple(outages),
    )
    return world, hard


def _hoster(hoster: Hoster, chance: random.Random) -> Hoster:
    policy = Removal(
        removes=chance.uniform(0.4, 0.98),
        median_hours=3.0 * 15.0 ** chance.random(),
        sigma=chance.uniform(0.5, 1.3),
        answer_after_removal=chance.choice(("404", "404", "410", "suspended", "name_gone")),
    )
    return msgspec.structs.replace(
        hoster, weight=8.0 ** chance.random(), removal=policy, catch_all=False, link_check=False, blind_to=()
    )


def _true_shares(truth: Truth, until: datetime) -> tuple[float, float]:
    """Displaced shares of the takedowns by a time: of those of URLs reported before, and of all."""
    after = _after(truth)
    reported = {report.url: report.reported_at for report in reversed(truth.reports)}
    seen: dict[str, list[bool]] = defaultdict(list)
    everything: dict[str, list[bool]] = defaultdict(list)
    for stay in _taken_down(truth, until):
        moved = any(timedelta(0) <= hop.arrived - hop.left <= WITHIN for hop in after[stay.url, stay.end])
        host = truth.shown[stay.url].host
        everything[host].append(moved)
        if stay.url in reported and stay.end and reported[stay.url] < stay.end:
            seen[host].append(moved)
    return _share(seen), _share(everything)


def _process(truth: Truth, until: datetime) -> float:
    """Probability of a displacement in the world's own process: content with a copy already does not move again."""
    after, chance = _after(truth), truth.world.movement.after_takedown
    by_site: dict[str, list[float]] = defaultdict(list)
    for stay in _taken_down(truth, until):
        copied = any(hop.parallel for hop in after[stay.url, stay.end])
        by_site[truth.shown[stay.url].host].append(0.0 if copied else chance)
    return _share(by_site)


def _after(truth: Truth) -> dict[tuple[str, datetime | None], list[TrueHop]]:
    after: dict[tuple[str, datetime | None], list[TrueHop]] = defaultdict(list)
    for hop in truth.hops:
        after[hop.from_url, hop.left].append(hop)
    return after


def _taken_down(truth: Truth, until: datetime) -> list[TrueEpisode]:
    return [stay for stay in truth.episodes if stay.cause in ("removed", "name") and stay.end and stay.end <= until]


def _share(by_site: Mapping[str, Sequence[float]]) -> float:
    means = [sum(values) / len(values) for values in by_site.values()]
    return sum(means) / len(means) if means else 0.0
