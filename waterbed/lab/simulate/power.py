"""Power to detect a difference between two hosters.

Studies are simulated and tested with the production's test.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from math import exp, inf
from multiprocessing import get_context
from typing import Annotated, Final

import msgspec
import numpy as np
from scipy import special, stats

from waterbed.estimators.survival.logrank import log_rank
from waterbed.graphs.episodes import censor_from
from waterbed.lab.simulate.draw import Obstacles, draw
from waterbed.lab.simulate.looks import Simulator
from waterbed.lab.simulate.studies import episodes_of
from waterbed.lab.world.file import Hoster, Removal, World
from waterbed.lab.world.truth import simulate as happen
from waterbed.measures.takedown import REMOVED, WITHIN_H, Clock, clocks, episodes_by_key
from waterbed.model.errors import InputError
from waterbed.model.progress import staged
from waterbed.store.settings import Judge

_REMOVES: Final = 0.95
"""Share of reports that both hosters remove in the end: they differ in how soon."""
_SIGMA: Final = 0.9
_STEP_H: Final = 1.0
_CHUNK: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A planned study of two hosters."""

    sites: int
    """Sites with reported content at each hoster."""
    share: float
    """Share that the one removes within 24 hours."""
    level: float
    """Level of the two-sided test."""
    big: bool
    """True if one site holds most URLs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRow:
    """Power of studies of one size for one difference."""

    effect: Annotated[float, "true difference in the share removed within 24 h, the other hoster less the one"]
    studies: Annotated[int, "simulated studies in which both hosters had clocks"]
    power: Annotated[float, "share of them that reject equality"]
    low: Annotated[float, "lower end of its 95% interval (Wilson)"]
    high: Annotated[float, "upper end of its 95% interval"]
    clocks: Annotated[float, "mean number of takedown clocks of a study"]


def power_curve(
    base: World,
    plan: Plan,
    effects: Sequence[float],
    studies: int,
    *,
    seed: int,
    workers: int = 1,
) -> list[PowerRow]:
    """Return the power at each effect.

    The same seed gives the same numbers with any number of workers.

    InputError for a plan or an effect that leaves (0, 0.95).
    """
    for effect in effects:
        if not 0.01 <= plan.share + effect < _REMOVES or not 0.01 <= plan.share < _REMOVES:
            raise InputError(
                f"a share of {plan.share:g} and an effect of {effect:g} give {plan.share + effect:g}; both shares must "
                f"lie from 0.01 to below {_REMOVES:g} (docs/protocol.md, Power)"
            )
    jobs = [(base, plan, effect, seed, number) for effect in effects for number in range(studies)]
    if workers <= 1:
        found = list(staged("studies simulated", map(one_test, jobs), len(jobs)))
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            found = list(staged("studies simulated", pool.map(one_test, jobs, chunksize=_CHUNK), len(jobs)))
    return [
        _row(effect, plan.level, found[number * studies : (number + 1) * studies])
        for number, effect in enumerate(effects)
    ]


def least_effect(rows: Sequence[PowerRow], power: float = 0.8) -> float | None:
    """Return the smallest positive effect with a power, interpolated.

    None if no effect reaches it.

    Power is taken to grow with the effect: it is the largest of all smaller effects' (isotonic from below).
    """
    grid = sorted((row.effect, row.power) for row in rows if row.effect >= 0)
    if not grid:
        return None
    effects = np.array([effect for effect, _ in grid])
    powers = np.maximum.accumulate([reached for _, reached in grid])
    if powers[-1] < power:
        return None
    at = int(np.argmax(powers >= power))
    if at == 0:
        return float(effects[0])
    return float(np.interp(power, powers[at - 1 : at + 1], effects[at - 1 : at + 1]))


def one_test(job: tuple[World, Plan, float, int, int]) -> tuple[float, int] | None:
    """Simulate one study: p of its test, and its clocks.

    None if a hoster had no clock.
    """
    base, plan, effect, seed, number = job
    rng = random.Random(f"{seed} {number}")  # noqa: S311 - a simulation must be repeatable
    world, obstacles = _two(base, plan, effect, rng)
    looked = list(Simulator(happen(world), obstacles, rng).all())
    judge = Judge()
    last = max((look.verdict.observed_at for one in looked for look in one.sightings), default=world.start)
    until = censor_from(last, timedelta(seconds=judge.freeze_s))
    groups = episodes_by_key(episodes_of(looked, judge, until), "hoster")
    own = [clocks(groups.get(hoster.key, ())) for hoster in world.hoster]
    if not all(own):
        return None
    every = [one for group in own for one in group]
    of_hoster = [number for number, group in enumerate(own) for _ in group]
    # a site that moved from one hoster to the other is a cluster at each
    sites = [f"{number} {one.site_id}" for number, one in zip(of_hoster, every, strict=True)]
    found = log_rank(
        [one.left_h for one in every],
        [_removed_by(one) for one in every],
        of_hoster,
        np.unique(sites, return_inverse=True)[1],
        np.random.default_rng([seed, number]),
        step=_STEP_H,
    )
    return found.p, len(every)


def _removed_by(one: Clock) -> float:
    """The end if it was a removal.

    Another end only censors the time of a removal.
    """
    return one.right_h if one.cause == REMOVED else inf


def _two(base: World, plan: Plan, effect: float, rng: random.Random) -> tuple[World, Obstacles]:
    world, obstacles = draw(base, rng)
    shares = (plan.share, plan.share + effect)
    hosters = tuple(_hoster(hoster, share) for hoster, share in zip(world.hoster[:2], shares, strict=True))
    count = 2 * plan.sites
    sites = msgspec.structs.replace(world.sites, count=count, big_site=2 * count if plan.big else 0)
    world = msgspec.structs.replace(world, hoster=hosters, sites=sites)
    return world, replace(obstacles, equal=effect == 0, big=plan.big, blind=None, nameless=None)


def _hoster(hoster: Hoster, share: float) -> Hoster:
    median = WITHIN_H * exp(-_SIGMA * float(special.ndtri(share / _REMOVES)))
    policy = Removal(removes=_REMOVES, median_hours=median, sigma=_SIGMA, answer_after_removal="404")
    return msgspec.structs.replace(hoster, weight=1.0, removal=policy)


def _row(effect: float, level: float, found: Sequence[tuple[float, int] | None]) -> PowerRow:
    estimable = [test for test in found if test is not None]
    rejected = sum(p <= level for p, _ in estimable)
    if not estimable:
        return PowerRow(effect=effect, studies=0, power=0.0, low=0.0, high=1.0, clocks=0.0)
    interval = stats.binomtest(rejected, len(estimable)).proportion_ci(method="wilson")
    return PowerRow(
        effect=effect,
        studies=len(estimable),
        power=rejected / len(estimable),
        low=float(interval.low),
        high=float(interval.high),
        clocks=float(np.mean([many for _, many in estimable])),
    )
