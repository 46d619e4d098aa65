"""Worlds full of hops of every kind, drawn from stated hard ranges."""

import random
from dataclasses import dataclass
from typing import Final

import msgspec

from waterbed.lab.simulate.draw import MISSED, PARALLEL, UNREPORTED
from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.world.file import Hoster, Movement, Removal, Servers, Sites, World

DAYS: Final = 12.0
MOST_HOSTERS: Final = 8
ANSWERS: Final = ("404", "404", "410", "suspended", "name_gone", "parked")


@dataclass(frozen=True, slots=True, kw_only=True)
class HopWorld:
    """One drawn world, and how it is looked at."""

    world: World
    plan: LookPlan


def draw_hop_world(base: World, chance: random.Random, *, sites: int = 90) -> HopWorld:
    """Draw a world from a world file's hosters: another seed, other policies, all kinds of hops.

    Ranges: removes 0.4 to 0.98, median 4 to 60 hours; after 30 to 80% of takedowns content appears again; 10 to 40% of
    owners leave before; 20 to 70% of arrivals are never reported, at home and abroad apart; 30% of moves have a copy
    before the takedown; 10 to 60% of names have two addresses, up to 15% other ones every hour, up to 10% failing name
    servers; in a third of the worlds one site holds a quarter of the URLs; 5 to 20% of looks tell nothing; looks every
    1 to 3 hours, every 3 to 6 later; up to 40% of reports come late; up to three outages.
    """
    plain = [hoster for hoster in base.hoster if hoster.kind == "hoster" and not hoster.within]
    home = [hoster for hoster in plain if hoster.country == base.home]
    abroad = [hoster for hoster in plain if hoster.country != base.home]
    half = MOST_HOSTERS // 2
    chosen = chance.sample(home, min(half, len(home))) + chance.sample(abroad, min(half, len(abroad)))
    hosters = [_hoster(hoster, chance) for hoster in chosen]
    hosters += [hoster for hoster in base.hoster if hoster.kind == "platform"][:1]
    world = msgspec.structs.replace(
        base,
        seed=chance.randrange(2**31),
        days=DAYS,
        hoster=tuple(hosters),
        sites=_sites(chance, sites),
        movement=Movement(
            after_takedown=chance.uniform(0.3, 0.8),
            home_share=chance.uniform(0.2, 0.6),
            relocation=chance.uniform(0.5, 2.0),
            copy=chance.uniform(0.5, 2.0),
            same_label=chance.uniform(0.2, 0.6),
            flight=chance.uniform(0.1, 0.4),
            redirect=chance.uniform(0.3, 0.7),
            parallel=PARALLEL,
            reported_home=1.0 - chance.uniform(*UNREPORTED),
            reported_abroad=1.0 - chance.uniform(*UNREPORTED),
        ),
        servers=Servers(),
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
    return HopWorld(world=world, plan=_plan(chance))


def _hoster(hoster: Hoster, chance: random.Random) -> Hoster:
    policy = Removal(
        removes=chance.uniform(0.4, 0.98),
        median_hours=4.0 * 15.0 ** chance.random(),
        sigma=chance.uniform(0.5, 1.3),
        answer_after_removal=chance.choice(ANSWERS),
    )
    return msgspec.structs.replace(
        hoster, weight=8.0 ** chance.random(), removal=policy, catch_all=False, link_check=False, blind_to=()
    )


def _sites(chance: random.Random, count: int) -> Sites:
    return Sites(
        count=count,
        urls_per_site=(1, 2),
        big_site=count // 2 if chance.random() < 1 / 3 else 0,
        multi_address=chance.uniform(0.1, 0.6),
        churn=chance.uniform(0.0, 0.15),
        dns_errors=chance.uniform(0.0, 0.1),
        reported_over_days=(0.0, 8.0),
    )


def _plan(chance: random.Random) -> LookPlan:
    outages = []
    for _ in range(chance.randint(0, 3)):
        begin = chance.uniform(0.0, DAYS * 24 - 12)
        outages.append((begin, begin + chance.uniform(2.0, 8.0)))
    return LookPlan(
        every_hours=chance.uniform(1.0, 3.0),
        late_hours=chance.uniform(3.0, 6.0),
        missed=chance.uniform(*MISSED),
        late=chance.uniform(0.0, 0.4),
        outages=tuple(outages),
    )
