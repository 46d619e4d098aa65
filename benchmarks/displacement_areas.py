"""Areas without displacement (and some with): sites in a target, a buffer and their controls."""

import numpy as np
from scipy import special

from waterbed.estimators.refusal import Refusal
from waterbed.estimators.wdd import (
    BUFFER,
    BUFFER_CONTROL,
    TARGET,
    Windows,
    clustered_difference,
    clustered_net_effect,
    clustered_quotient,
)

EVENT, LENGTH = 100.0, 100.0
WINDOWS = Windows(before=(0, EVENT), after=(EVENT, EVENT + LENGTH), chosen_until=EVENT)
RESAMPLES = 199
SITE_SIZE = 0.15
"""Sites have 1/0.15 URLs on average."""
GIANT = 13
"""A site with thirteen times all others has 93%."""
SEARCHED = 30.0


def world(rng, kind, *, sites=200, triggered=False, shared=False):
    """Counts of clusters, roles and windows, and the sizes of the areas.

    Areas are of unequal size, sites live for a while, and each stays in one area. `triggered` counts URLs that were
    found because somebody searched after the event; shocks are those of a role and its control, or `shared` by all.
    """
    sizes = rng.uniform(0.6, 1.8, 4)
    n = rng.poisson(sites)
    role = rng.choice(4, n, p=sizes / sizes.sum())
    urls = rng.geometric(SITE_SIZE, n)
    start, life = rng.uniform(-2 * LENGTH, EVENT + LENGTH, n), rng.exponential(40, n)
    cluster = np.arange(n)
    if kind == "campaigns":
        # a third of all sites were registered by few campaigns, each at one place in two days
        batch = np.where(rng.random(n) < 0.33, rng.integers(0, max(n // 20, 1), n), -1)
        of = np.flatnonzero(batch >= 0)
        first = np.full(n, -1)
        first[batch[of]] = of
        role[of], start[of], cluster[of] = (one[first[batch[of]]] for one in (role, start, cluster))
        start[of] += rng.uniform(0, 2, of.size)
    elif kind == "one 93% site":
        urls[0] = GIANT * urls.sum()
    elif kind == "autocorrelated shocks":
        start = np.where((role < 2) | shared, *(_shocked(rng, n) for _ in range(2)))
    unit = np.repeat(np.arange(n), urls)
    when = start[unit] + life[unit] * rng.random(unit.size)
    where = role[unit]
    if kind == "mirrors":
        # a third of the sites have copies of some of their URLs elsewhere
        more = np.flatnonzero((rng.random(n) < 0.33)[unit] & (rng.random(unit.size) < 0.7))
        elsewhere = rng.choice(4, n, p=sizes / sizes.sum())[unit[more]]
        unit, when, where = (
            np.append(unit, unit[more]),
            np.append(when, when[more] + rng.exponential(2, more.size)),
            np.append(where, elsewhere),
        )
    elif kind == "feed change":
        shown = rng.random(unit.size) < np.where(when < EVENT, 0.5, 1.0)
        unit, when, where = unit[shown], when[shown], where[shown]
    elif kind == "search effort":
        shown = rng.random(unit.size) < 0.5
        found = np.isin(where, [0, 2]) & (when > EVENT) & (when < EVENT + SEARCHED)
        seen = shown | found if triggered else shown
        unit, when, where = unit[seen], when[seen], where[seen]
    return WINDOWS.counted(when, where, cluster[unit]), sizes


def _shocked(rng, n):
    """Starts from an intensity with a long memory, by the day."""
    days = np.arange(-2 * LENGTH, EVENT + LENGTH)
    shock = np.zeros(days.size)
    for day in range(1, days.size):
        shock[day] = 0.9 * shock[day - 1] + rng.normal(0, 0.2)
    return rng.choice(days, n, p=np.exp(shock) / np.exp(shock).sum()) + rng.random(n)


def difference(kind, **changed):
    """The clustered difference of target and buffer."""

    def p(rng):
        tables, sizes = world(rng, kind, **changed)
        found = clustered_difference(tables, rng, sizes=sizes, resamples=RESAMPLES)
        return found if isinstance(found, Refusal) else found.p

    return p


def _excludes_zero(found):
    return found if isinstance(found, Refusal) else 0.0 if found.low > 0 or found.high < 0 else 1.0


def net_effect(kind):
    """Whether the interval of the total net effect leaves out 0."""

    def p(rng):
        tables, _ = world(rng, kind, shared=True)
        return _excludes_zero(clustered_net_effect(tables, rng, resamples=RESAMPLES))

    return p


def quotient(kind):
    """Whether the interval of the quotient leaves out 0 where the target loses most and the buffer gets nothing."""

    def p(rng):
        tables, _ = world(rng, kind, sites=2000, shared=True)
        gone = rng.random(len(tables)) < 0.8
        tables[gone, TARGET, 1] = 0.0
        return _excludes_zero(clustered_quotient(tables, rng, resamples=RESAMPLES))

    return p


def poisson_variance(rng):
    """The same worlds judged by the Poisson variance (Wheeler and Ratcliffe 2018), as a warning."""
    tables, sizes = world(rng, "plain")
    counts = tables.sum(axis=0)
    load = np.outer(np.array([1.0, -1.0, 1.0, -1.0]) / sizes, [-1.0, 1.0])
    error = np.sqrt((np.square(load) * counts).sum())
    return 2.0 * special.ndtr(-abs((load * counts).sum()) / error) if error > 0 else 1.0


def own_shocks(rng):
    """A shock that only the target has: the difference takes it for an effect."""
    tables, sizes = world(rng, "plain", sites=800)
    tables[:, TARGET, 1] *= np.exp(rng.normal(0, 0.4))
    return clustered_difference(tables, rng, sizes=sizes, resamples=RESAMPLES).p


def pressed(rng, *, of=None):
    """200 sites of the target are taken down, and 60 of them stand up again in the buffer.

    Each area had 200 sites before, the buffer and its control 50; `of` takes two rows alone.
    """
    roles = np.repeat([0, 1, 2, 3], [200, 200, 50, 50])
    later = np.repeat([1, 2, 2, 3], [200, 60, 50, 50])
    before, after = np.zeros((roles.size, 4, 2)), np.zeros((later.size, 4, 2))
    before[np.arange(roles.size), roles, 0] = rng.geometric(SITE_SIZE, roles.size)
    after[np.arange(later.size), later, 1] = rng.geometric(SITE_SIZE, later.size)
    tables = np.concatenate([before, after])
    found = clustered_difference(tables if of is None else tables[:, of], rng, resamples=RESAMPLES)
    return found.p


def buffer_alone(rng):
    """The same world, buffer against its own control."""
    return pressed(rng, of=[BUFFER, BUFFER_CONTROL])
