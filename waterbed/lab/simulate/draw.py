"""Worlds drawn from hard ranges, from a world file's hosters."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.world.file import Hoster, Movement, Removal, Servers, Sites, World
from waterbed.lab.world.removing import chance_within, hours_until
from waterbed.model.errors import InputError

Plan = Literal["constant", "backing off", "with outages"]
PLANS: Final[tuple[Plan, ...]] = ("constant", "backing off", "with outages")

MOST_HOSTERS: Final = 8
DAYS: Final = 13.0
"""Long enough for a week of reports, each followed until it is known."""
MISSED: Final = (0.05, 0.20)
"""Share of looks that tell nothing."""
UNREPORTED: Final = (0.20, 0.70)
"""Share of arrivals that nobody reports."""
PARALLEL: Final = 0.30
"""Share of moves whose copy stands before the takedown."""
NAME_ENDS: Final = 0.67
"""Share of sites of one hoster whose name goes, in place of a removal."""
LATE: Final = (0.0, 0.30, 0.60)
"""Shares of reports that come up to LATE_HOURS after they were made."""
LATE_HOURS: Final = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacles:
    """The obstacles of one study and the roles of hosters."""

    plan: Plan
    every_hours: float
    missed: float
    late: float
    """Share of reports that come up to LATE_HOURS after they were made."""
    equal: bool
    """True if all hosters have one policy, and differ in size alone."""
    big: bool
    """True if one site holds most URLs."""
    blind: str | None
    """The hoster that lets us hang."""
    blind_from_hour: float
    nameless: str | None
    """The hoster of whose sites most lose their name in place of being removed."""
    outages: tuple[tuple[float, float], ...]
    """Hours since the start in which nothing can be seen."""


def draw(world: World, rng: random.Random) -> tuple[World, Obstacles]:
    """Draw one study: a reseeded world and its obstacles.

    Policies are drawn anew: removes 0.3 to 0.98, median 3 to 60 hours, sigma 0.5 to 1.3, one URL at a time. Queues,
    office hours and weekdays stay as the world file has them. Raises InputError for a world file with fewer than three
    plain hosters.
    """
    plain = [hoster for hoster in world.hoster if hoster.kind == "hoster" and not hoster.within]
    if len(plain) < 3:
        raise InputError(f"the world {world.name} has {len(plain)} plain hosters, three are needed (docs/lab.md)")
    chosen = rng.sample(plain, min(MOST_HOSTERS, len(plain)))
    equal, big = rng.random() < 0.5, rng.random() < 0.5
    policy = _policy(rng)
    hosters = tuple(_hoster(hoster, policy if equal else _policy(rng), rng) for hoster in chosen)
    sites = 20 * len(hosters)
    unreported = rng.uniform(*UNREPORTED)
    # A name that is re-pointed takes all its URLs along: what one policy then removes of the others cannot be written
    # down, so only sites of one URL do it.
    repointed = not big and rng.random() < 0.5
    drawn = msgspec.structs.replace(
        world,
        seed=rng.randrange(2**31),
        days=DAYS,
        hoster=hosters,
        sites=Sites(
            count=sites,
            urls_per_site=(1, 1) if repointed else (1, 3),
            big_site=2 * sites if big else 0,
            multi_address=rng.uniform(0.1, 0.6),
            reported_over_days=(0.0, 9.5),
        ),
        movement=Movement(
            after_takedown=rng.uniform(0.2, 0.8),
            home_share=rng.uniform(0.2, 0.6),
            relocation=1.0 if repointed else 0.0,
            parallel=PARALLEL,
            reported_home=1.0 - unreported,
            reported_abroad=1.0 - unreported,
        ),
        intervention=(),
        sale=(),
        renaming=(),
        fronting=(),
        outage=(),
        vantages=(),
        empty_delivery_hours=(),
        beside="nothing",
    )
    return drawn, _obstacles(hosters, equal=equal, big=big, rng=rng)


def true_share(policy: Removal, hours: float) -> float:
    """Share of reports that a policy removes within some hours.

    Of sites of one URL, reported at the epoch: policies drawn here depend on neither.
    """
    return float(chance_within(policy, datetime.fromtimestamp(0, UTC), [0.0], [1], hours)[0])


def true_median(policy: Removal) -> float:
    """Hours until half of the reported URLs are gone.

    inf if that never happens.
    """
    return hours_until(policy, datetime.fromtimestamp(0, UTC), [0.0], [1])


def _policy(rng: random.Random) -> Removal:
    return Removal(
        removes=rng.uniform(0.3, 0.98),
        median_hours=3.0 * 20.0 ** rng.random(),
        sigma=rng.uniform(0.5, 1.3),
        answer_after_removal=rng.choice(("404", "410")),
    )


def _hoster(hoster: Hoster, policy: Removal, rng: random.Random) -> Hoster:
    own = hoster.removal
    policy = msgspec.structs.replace(
        policy, batch_hours=own.batch_hours, office_hours=own.office_hours, weekdays=own.weekdays
    )
    return msgspec.structs.replace(
        hoster, weight=8.0 ** rng.random(), removal=policy, catch_all=False, link_check=False, blind_to=(), within=""
    )


def _obstacles(hosters: tuple[Hoster, ...], *, equal: bool, big: bool, rng: random.Random) -> Obstacles:
    blind, nameless = rng.sample([hoster.key for hoster in hosters], 2)
    plan = rng.choice(PLANS)
    outages = []
    if plan == "with outages":
        for _ in range(rng.randint(3, 6)):
            begin = rng.uniform(0.0, DAYS * 24 - 12)
            outages.append((begin, begin + rng.uniform(3.0, 12.0)))
    return Obstacles(
        plan=plan,
        every_hours=rng.uniform(1.0, 3.0),
        missed=rng.uniform(*MISSED),
        late=rng.choice(LATE),
        equal=equal,
        big=big,
        blind=None if equal else blind,
        blind_from_hour=rng.choice((0.0, DAYS * 8, rng.uniform(0.0, DAYS * 16))),
        nameless=None if equal else nameless,
        outages=tuple(outages),
    )


HOP_DAYS: Final = 12.0
ANSWERS: Final = ("404", "404", "410", "suspended", "name_gone", "parked")


@dataclass(frozen=True, slots=True, kw_only=True)
class HopWorld:
    """One drawn world, and how it is looked at."""

    world: World
    plan: LookPlan


def draw_hop_world(base: World, rng: random.Random, *, sites: int = 90) -> HopWorld:
    """Draw another world with all kinds of hops.

    Hosters come from a world file; the seed is another.

    Ranges: removes 0.4 to 0.98, median 4 to 60 hours; after 30 to 80% of takedowns content appears again; 10 to 40% of
    owners leave before; 20 to 70% of arrivals are never reported, at home and abroad apart; 30% of moves have a copy
    before the takedown; 10 to 60% of names have two addresses, up to 15% other ones every hour, up to 10% failing name
    servers; in a third of the worlds one site holds a quarter of the URLs; 5 to 20% of looks are undecided; looks every
    1 to 3 hours, every 3 to 6 later; up to 40% of reports come late; up to three outages.
    """
    plain = [hoster for hoster in base.hoster if hoster.kind == "hoster" and not hoster.within]
    home = [hoster for hoster in plain if hoster.country == base.home]
    abroad = [hoster for hoster in plain if hoster.country != base.home]
    half = MOST_HOSTERS // 2
    chosen = rng.sample(home, min(half, len(home))) + rng.sample(abroad, min(half, len(abroad)))
    hosters = [_hop_hoster(hoster, rng) for hoster in chosen]
    hosters += [hoster for hoster in base.hoster if hoster.kind == "platform"][:1]
    world = msgspec.structs.replace(
        base,
        seed=rng.randrange(2**31),
        days=HOP_DAYS,
        hoster=tuple(hosters),
        sites=_sites(rng, sites),
        movement=Movement(
            after_takedown=rng.uniform(0.3, 0.8),
            home_share=rng.uniform(0.2, 0.6),
            relocation=rng.uniform(0.5, 2.0),
            copy=rng.uniform(0.5, 2.0),
            same_label=rng.uniform(0.2, 0.6),
            flight=rng.uniform(0.1, 0.4),
            redirect=rng.uniform(0.3, 0.7),
            parallel=PARALLEL,
            reported_home=1.0 - rng.uniform(*UNREPORTED),
            reported_abroad=1.0 - rng.uniform(*UNREPORTED),
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
    return HopWorld(world=world, plan=_plan(rng))


def _hop_hoster(hoster: Hoster, rng: random.Random) -> Hoster:
    policy = Removal(
        removes=rng.uniform(0.4, 0.98),
        median_hours=4.0 * 15.0 ** rng.random(),
        sigma=rng.uniform(0.5, 1.3),
        answer_after_removal=rng.choice(ANSWERS),
    )
    return msgspec.structs.replace(
        hoster, weight=8.0 ** rng.random(), removal=policy, catch_all=False, link_check=False, blind_to=()
    )


def _sites(rng: random.Random, count: int) -> Sites:
    return Sites(
        count=count,
        urls_per_site=(1, 2),
        big_site=count // 2 if rng.random() < 1 / 3 else 0,
        multi_address=rng.uniform(0.1, 0.6),
        churn=rng.uniform(0.0, 0.15),
        dns_errors=rng.uniform(0.0, 0.1),
        reported_over_days=(0.0, 8.0),
    )


def _plan(rng: random.Random) -> LookPlan:
    outages = []
    for _ in range(rng.randint(0, 3)):
        begin = rng.uniform(0.0, HOP_DAYS * 24 - 12)
        outages.append((begin, begin + rng.uniform(2.0, 8.0)))
    return LookPlan(
        every_hours=rng.uniform(1.0, 3.0),
        late_hours=rng.uniform(3.0, 6.0),
        missed=rng.uniform(*MISSED),
        late=rng.uniform(0.0, 0.4),
        outages=tuple(outages),
    )
