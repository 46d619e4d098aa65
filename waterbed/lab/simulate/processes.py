"""Studies of one hoster whose removals share chance, in milliseconds.

The process of removal is the world file's; looks are confirmed by the production's rule. Times are hours since the
study's start.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from waterbed.estimators.survival.incidence import NOTHING
from waterbed.estimators.survival.paces import LookedAt
from waterbed.judging.confirmation import DOWN, UNKNOWN, UP, confirmed
from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.world.arrivals import report_days, site_sizes
from waterbed.lab.world.file import FeedChange, Hoster, Sites
from waterbed.lab.world.removing import Floats, chance_within, delays, heeded_at, queue_times, removed_at
from waterbed.measures.takedown import BACK_WITHIN, CAUSES, Clock
from waterbed.model.paces import PACE
from waterbed.store.settings import Judge

Ints = npt.NDArray[np.int64]

LATE_H: Final = 24.0
"""Most hours that a report comes late."""
CONFIRM_H: Final = 1.1
"""Between two looks at what has just gone."""
_NEVER: Final = np.inf
_GOLDEN: Final = 0.6180339887498949


@dataclass(frozen=True, slots=True, kw_only=True)
class HosterWorld:
    """One hoster, its sites, and how they are looked at."""

    hoster: Hoster
    sites: Sites
    start: datetime
    days: float
    plan: LookPlan
    feed: FeedChange | None = None
    worst_outages: int = 0
    """Outages of ours that begin just before the hoster removes most."""
    follow_h: float = 48.0
    """Hours after its report for which a URL is looked at."""
    rare_share: float = 0.0
    """Share of the URLs that are looked at half as often."""
    notified: float = 0.0
    """Share of the URLs of which the hoster gets a notice."""
    rounds_h: float = 0.0
    """Hours between the rounds in which notices are sent; 0: each an hour after its report."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Process:
    """A hoster's removals of the reports of one study.

    One entry for each URL: first report, its site, the URLs of that site, its notice (inf without one), and the times
    at which it goes and is back, alternating, URLs x changes; inf where nothing more happens.
    """

    reported: Floats
    site: Ints
    sizes: Ints
    notified: Floats
    changes: Floats

    @property
    def removed_after(self) -> Floats:
        """Hours from each report to the first removal."""
        found: Floats = self.changes[:, 0] - self.reported
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Ends:
    """Takedown clocks as arrays, one entry for each URL.

    Hours from each report, its site, the time of the report; `removed` where an end was seen, `seen` where a check saw
    it up. `flap_left` and `flap_right` hold the first removal that was not confirmed and may have lasted for a day, inf
    if there is none. `looks` are those at each.
    """

    left: Floats
    right: Floats
    removed: npt.NDArray[np.bool_]
    seen: npt.NDArray[np.bool_]
    site: Ints
    origin: Floats
    flap_left: Floats
    flap_right: Floats
    looks: LookedAt
    until: float

    def clocks(self, start: datetime) -> list[Clock]:
        """The clocks as the rankings take them."""
        removed = CAUSES.index("removed")
        return [
            Clock(
                left_h=float(left),
                right_h=float(right),
                cause=removed if gone else NOTHING,
                site_id=f"site {site}",
                origin=start + timedelta(hours=float(origin)),
                seen=bool(seen) or not gone,
                flap_left_h=float(flap_left),
                flap_right_h=float(flap_right),
            )
            for left, right, gone, seen, site, origin, flap_left, flap_right in zip(
                self.left,
                self.right,
                self.removed,
                self.seen,
                self.site,
                self.origin,
                self.flap_left,
                self.flap_right,
                strict=True,
            )
        ]


def expected_share(world: HosterWorld, process: Process, hours: float) -> float:
    """The expected share for these reports and sites.

    It is how the hoster works, whatever happened.
    """
    policy = world.hoster.removal
    reports = process.reported, process.sizes
    return float(chance_within(policy, world.start, *reports, hours, process.notified).mean())


def happen(world: HosterWorld, rng: np.random.Generator) -> Process:
    """Draw reports and removals of one hoster."""
    sizes = site_sizes(world.sites, rng.random(world.sites.count))
    first, last = world.sites.reported_over_days or (0.0, world.days)
    begun = 24.0 * report_days(first, last, world.feed, rng.random(sizes.size))
    site = np.repeat(np.arange(sizes.size), sizes)
    nth = np.arange(site.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    reported = begun[site] + np.where(nth == 0, 0.0, rng.uniform(0.0, 12.0, site.size))
    kept = reported < 24.0 * world.days
    site, reported = site[kept], reported[kept]
    of = sizes[site]
    notified = np.full(reported.size, _NEVER)
    if world.notified:
        sent = reported + 1.0
        if world.rounds_h:
            sent = world.rounds_h * np.ceil(sent / world.rounds_h)
        notified = np.where(rng.random(reported.size) < world.notified, sent, _NEVER)
    changes = _changes(world, reported, site, of, notified, rng)
    return Process(reported=reported, site=site, sizes=of, notified=notified, changes=changes)


def _changes(
    world: HosterWorld, reported: Floats, site: Ints, sizes: Ints, notified: Floats, rng: np.random.Generator
) -> Floats:
    policy = world.hoster.removal
    queue = queue_times(policy, world.start, rng)
    acts, normal = rng.random(site.max(initial=-1) + 1), rng.standard_normal(site.max(initial=-1) + 1)
    acts, normal = acts[site], normal[site]
    if not policy.whole_sites:
        acts, normal = rng.random(site.size), rng.standard_normal(site.size)
    gone = removed_at(policy, world.start, reported, delays(policy, normal, sizes), queue)
    if world.notified:
        gone = np.minimum(gone, heeded_at(policy, world.start, notified, rng.standard_normal(site.size)))
    columns = [np.where(acts < policy.removes, gone, _NEVER)]
    for _ in range(policy.put_back_most if policy.put_back else 0):
        returns = columns[-1] + rng.uniform(*policy.put_back_hours, site.size)
        returns = np.where(rng.random(site.size) < policy.put_back, returns, _NEVER)
        known = np.where(np.isfinite(returns), returns, 0.0)
        again = removed_at(policy, world.start, known, delays(policy, rng.standard_normal(site.size), sizes), queue)
        removes_again = rng.random(site.size) < policy.removes
        columns += [returns, np.where(np.isfinite(returns) & removes_again, again, _NEVER)]
    return np.stack(columns, axis=1)


Looks = tuple[Ints, Floats, npt.NDArray[np.int8]]
"""URL, time and state (`waterbed.judging.confirmation`) of each look, by URL and time."""


def observe(process: Process, looks: Looks) -> Ends:
    """The takedown clocks that the production makes of looks.

    An absence is confirmed by its rule, and nothing is believed that could not have been confirmed by the end.
    """
    url, at, state = looks
    judge, zero = Judge(), np.zeros(url.size, np.int32)
    down = confirmed(
        url,
        np.round(at * 3.6e9).astype(np.int64),
        state,
        zero,
        looks=judge.confirm_looks,
        over_s=judge.confirm_s,
        within_s=0.0,
    )
    until = float(at.max(initial=0.0)) - judge.freeze_s / 3600
    n = process.reported.size
    first_down = np.full(n, np.inf)
    np.minimum.at(first_down, url[down], at[down])
    ended = first_down <= until
    first_down[~ended] = np.inf
    decided = np.flatnonzero(state != UNKNOWN)
    first_decided = np.zeros(url.size, bool)
    first_decided[decided[np.unique(url[decided], return_index=True)[1]]] = True
    up = (state == UP) & (at < first_down[url]) & ((at <= until) | first_decided)
    last_up = process.reported.copy()
    np.maximum.at(last_up, url[up], at[up])
    flap_up, flap_down = _first_flaps(process.reported, looks, down, last_up)
    return Ends(
        left=last_up - process.reported,
        right=first_down - process.reported,
        removed=ended,
        seen=np.bincount(url[up], minlength=n) > 0,
        site=process.site,
        origin=process.reported,
        flap_left=flap_up - process.reported,
        flap_right=flap_down - process.reported,
        looks=_looked_at(looks, last_up, first_down),
        until=until,
    )


def _looked_at(looks: Looks, last_up: Floats, first_down: Floats) -> LookedAt:
    url, at, state = looks
    early = (at < first_down[url]) & ((at <= last_up[url]) | (state != UP))  # not those up that come too late to count

    def number(some: npt.NDArray[np.bool_]) -> Ints:
        return np.bincount(url[some], minlength=last_up.size)

    until_up = at <= last_up[url]
    first = np.full(last_up.size, np.inf)
    np.minimum.at(first, url, at)
    first[np.isinf(first)] = 0.0  # never looked at
    running = number(until_up)
    return LookedAt(
        running=running,
        before=number(early),
        decided=number(until_up & (state == UP)),
        ran=np.where(running > 0, last_up - first, 0.0),
        ended=np.where(np.isfinite(first_down), first_down - first, np.inf),
    )


def _first_flaps(reported: Floats, looks: Looks, down: npt.NDArray[np.bool_], last_up: Floats) -> tuple[Floats, Floats]:
    """The first absence of each URL that was over before it was confirmed, if it may have lasted for BACK_WITHIN.

    Last known up before it, and its first look; inf where there is none.
    """
    url, at, state = looks
    flap_down = np.full(reported.size, np.inf)
    doubted = (state == DOWN) & ~down & (at < last_up[url])
    np.minimum.at(flap_down, url[doubted], at[doubted])
    flap_up = reported.copy()
    up = (state == UP) & (at < flap_down[url])
    np.maximum.at(flap_up, url[up], at[up])
    again = np.full(reported.size, np.inf)
    back = (state == UP) & (at > flap_down[url])
    np.minimum.at(again, url[back], at[back])
    none = np.isinf(flap_down) | (again - flap_up <= BACK_WITHIN / timedelta(hours=1))
    flap_up[none] = flap_down[none] = np.inf
    return flap_up, flap_down


def looked_at_rarely(world: HosterWorld, urls: int) -> npt.NDArray[np.bool_]:
    """The URLs with rare looks, spread evenly over all."""
    rare: npt.NDArray[np.bool_] = np.modf(np.arange(urls) * _GOLDEN)[0] < world.rare_share
    return rare


def looks_at(world: HosterWorld, process: Process, rng: np.random.Generator) -> Looks:
    """Look at a hoster's URLs as the plan says.

    All URLs are stepped on together; one leaves when its end is confirmed, at `follow_h`, or at the study's end.
    """
    plan, judge = world.plan, Judge()
    outages = (*plan.outages, *_worst_outages(world, process, rng))
    n, end = process.reported.size, 24.0 * world.days
    late = rng.uniform(0.0, np.where(rng.random(n) < plan.late, LATE_H, 0.5))
    at, streak, since = process.reported + late, np.zeros(n, np.int64), np.full(n, np.inf)
    stop = np.minimum(process.reported + world.follow_h + late, end)
    borne, truly = _borne(world.hoster, n, rng), np.zeros(n, np.int64)
    every = plan.every_hours * np.where(looked_at_rarely(world, n), PACE, 1.0)
    alive, found = np.flatnonzero(at < end), []
    while alive.size:
        now = at[alive]
        gone = (now[:, None] >= process.changes[alive]).sum(axis=1) % 2 == 1
        truly[alive] += 1
        gone |= truly[alive] > borne[alive]
        dark = rng.random(alive.size) < plan.missed
        for begin, over in outages:
            dark |= (now >= begin) & (now < over)
        state = np.where(dark, UNKNOWN, np.where(gone, DOWN, UP)).astype(np.int8)
        found.append((alive, now, state))
        streak[alive] = np.where(state == UP, 0, streak[alive] + (state == DOWN))
        since[alive] = np.where(
            state == UP, np.inf, np.where(state == DOWN, np.minimum(since[alive], now), since[alive])
        )
        steps = streak[alive]
        soon = (steps > 0) & (steps < judge.confirm_looks) & (state == DOWN)
        slow = (steps >= judge.confirm_looks) & (state == DOWN)
        wait = np.where(soon, CONFIRM_H, np.where(slow, 6.0, every[alive]))
        at[alive] = now + wait * (1.0 + 0.1 * rng.uniform(-1.0, 1.0, alive.size))
        sure = (steps >= judge.confirm_looks) & (3600 * (now - since[alive]) >= judge.confirm_s)
        alive = alive[~sure & (at[alive] < stop[alive])]
    if not found:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int8)
    url, when, states = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((when, url))
    return url[order], when[order], states[order]


def _borne(hoster: Hoster, urls: int, rng: np.random.Generator) -> Ints:
    """Looks at each URL before the hoster hides from us; it answers 404 then."""
    if not hoster.blind_after_looks or not hoster.blind_to:
        return np.full(urls, np.iinfo(np.int64).max)
    if hoster.blind_at_random:
        return rng.geometric(1.0 / hoster.blind_after_looks, urls).astype(np.int64)
    return np.full(urls, hoster.blind_after_looks)


def _worst_outages(world: HosterWorld, process: Process, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Outages that begin just before the hours in which most is removed."""
    gone = process.changes[:, 0]
    hours = np.bincount(gone[gone < 24.0 * world.days].astype(np.int64), minlength=1)
    busiest = np.argsort(-hours, kind="stable")[: world.worst_outages]
    return [(float(hour) - rng.uniform(0.0, 1.0), float(hour) + rng.uniform(6.0, 12.0)) for hour in busiest]
