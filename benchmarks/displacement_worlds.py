"""Worlds without displacement (and some with), and what the tests make of them."""

import numpy as np

from waterbed.estimators.areas import Windows, clustered_difference, weighted_difference
from waterbed.estimators.interrupted import EventWindow, placebo_units, placebo_windows, rates
from waterbed.estimators.lifts import NOWHERE, destination_null, one_each, step_down, timing_null
from waterbed.estimators.reappearance import Units, excess_reappearance
from waterbed.estimators.staggered import NEVER, group_times

PERMUTATIONS = 199
PLACES = np.array([0.4, 0.2, 0.15, 0.1, 0.1, 0.05])
PAIRS = np.array([(i, j) for i in range(PLACES.size) for j in range(PLACES.size) if i != j])
WINDOWS = Windows(before=(0, 100), after=(100, 200), chosen_until=100)
SITE_SIZE = 0.15


def areas(kind, moved=0.0, mean_sites=120):
    """Events of sites in a target, a buffer and their controls; returns a function of a generator that gives p."""

    def world(rng):
        sites = rng.poisson(mean_sites)
        size = rng.geometric(SITE_SIZE, sites)
        role = rng.choice(4, sites, p=[0.3, 0.3, 0.2, 0.2])
        late = rng.random(sites) < 0.5
        if kind == "feed change":
            # afterwards the feed shows twice as much of everything
            size = np.where(late, size, rng.binomial(size, 0.5))
        elif kind == "one 93% site":
            size[0] = 13 * size.sum()
        elif kind == "campaigns":
            # a third of all sites were registered by few campaigns, each one cluster
            size = np.where(rng.random(sites) < 0.05, size * 20, size)
        # more sites leave the target than arrive in the buffer: a fall in all
        gone = (role == 0) & late & (rng.random(sites) < moved)
        size = np.where(gone, 0, size)
        time = np.repeat(np.where(late, 100, 0) + rng.uniform(0, 100, sites), size)
        return WINDOWS.counted(time, np.repeat(role, size), np.repeat(np.arange(sites), size))

    return lambda rng: clustered_difference(world(rng), rng, resamples=PERMUTATIONS).p


def poisson_areas(rng):
    """The same worlds judged by the Poisson variance, as a warning."""
    sites = rng.poisson(120)
    tables = np.zeros((sites, 4, 2))
    tables[np.arange(sites), rng.integers(0, 4, sites), rng.integers(0, 2, sites)] = rng.geometric(SITE_SIZE, sites)
    return weighted_difference(tables.sum(axis=0)).p


def _moves(rng, kind, n=400, weeks=4):
    """Arrivals with origin, destination, week and cluster; where to depends on the week, not on the origin."""
    week = rng.integers(0, weeks, n)
    origin = rng.choice(PLACES.size, n, p=PLACES)
    origin[rng.random(n) < 0.4] = NOWHERE
    share = np.tile(PLACES, (weeks, 1))
    if kind == "campaigns":
        # each week's registrations go to one place above all
        share[np.arange(weeks), rng.integers(0, PLACES.size, weeks)] += 1.0
    elif kind == "feed change":
        share[weeks // 2 :] = share[weeks // 2 :, ::-1]
    share /= share.sum(axis=1, keepdims=True)
    bounds = share.cumsum(axis=1)
    destination = (rng.random(n)[:, None] > bounds[week]).sum(axis=1)
    while (same := destination == origin).any():
        destination[same] = (rng.random(int(same.sum()))[:, None] > bounds[week[same]]).sum(axis=1)
    cluster = np.arange(n)
    if kind == "mirrors":
        # a third of the rows are copies of others of the same cluster
        copy = np.flatnonzero(rng.random(n) < 0.33)
        source = rng.integers(0, n, copy.size)
        for column in (week, origin, destination, cluster):
            column[copy] = column[source]
    elif kind == "one 93% site":
        many = rng.choice(n, int(0.93 * n), replace=False)
        week[many[: n // 20]], cluster[many[n // 20 :]] = week[many[0]], n
        for column in (week, origin, destination):
            column[many[n // 20 :]] = column[many[0]]
    return origin, destination, week, cluster


def destinations(kind, moved=0.0):
    """The family of all pairs under the destination null: the least adjusted p."""

    def p(rng):
        origin, destination, week, cluster = _moves(rng, kind, 800 if moved else 400)
        destination = np.where((origin == 0) & (rng.random(origin.size) < moved), 1, destination)
        rows = one_each(cluster, week, rng)
        draws = destination_null(origin[rows], destination[rows], week[rows], PAIRS, rng, permutations=PERMUTATIONS)
        return step_down(draws).adjusted.min()

    return p


def timings(kind, moved=0.0):
    """The family of all destinations under the timing null."""

    def p(rng):
        # fewer arrivals make whole numbers so coarse that the test rejects 2 to 3%
        n, weeks = 1500, 4
        origin, week = rng.choice(3, n), rng.integers(0, weeks, n)
        ended = 168 * week + rng.uniform(0, 168, n)
        arrived = np.where(rng.random(n) < 0.6, rng.uniform(0, 168 * weeks, n), np.inf)
        if kind == "mirrors":
            arrived = np.where(rng.random(n) < 0.4, 168 * week - rng.exponential(100, n), arrived)
        elif kind == "campaigns":
            arrived = np.where(rng.random(n) < 0.5, 168 * week + 84 + rng.normal(0, 20, n), arrived)
        elif kind == "feed change":
            seen = rng.random(n) < np.where(arrived < 84 * weeks, 0.3, 0.9)
            arrived = np.where(seen, arrived, np.inf)
        arrived = np.where(rng.random(n) < moved, ended + rng.uniform(0, 24, n), arrived)
        pair = rng.choice(PLACES.size, n, p=PLACES)
        strata = origin * weeks + week
        draws = timing_null(ended, arrived, strata, pair, rng, within=48, permutations=PERMUTATIONS)
        return step_down(draws).adjusted.min()

    return p


def reappearing(kind, moved=0.0, *, triggered=False):
    """Excess reappearance; with `triggered` arrivals found by searching after an end are wrongly kept."""

    def p(rng):
        n, until = 600, 150.0
        sites = n // 3
        cluster, category = rng.integers(0, sites, n), rng.integers(0, 2, n)
        started = rng.uniform(0, 100, n)
        ended = started + rng.exponential(np.array([15.0, 40.0])[category])
        ended[(rng.random(n) < 0.3) | (ended > until)] = np.inf
        often = np.exp(rng.normal(0, 1.0 if kind == "campaigns" else 0.5, sites))[cluster]
        number = rng.poisson(np.array([0.02, 0.01])[category] * often * 200)
        unit = np.repeat(np.arange(n), number)
        when = started[unit] + 200 * rng.random(unit.size)
        if kind == "mirrors":
            # copies arrive with the first one
            copies = np.flatnonzero(rng.random(n) < 0.5)
            unit, when = np.append(unit, copies), np.append(when, started[copies] + rng.exponential(2, copies.size))
        elif kind == "feed change":
            seen = rng.random(unit.size) < np.where(when < 60, 0.3, 1.0)
            unit, when = unit[seen], when[seen]
        elif kind == "search effort":
            # the feed shows half; a search after an end shows the other half for two weeks
            shown = rng.random(unit.size) < 0.5
            found = ~shown & (when > ended[unit]) & (when < ended[unit] + 14)
            kept = shown | found if triggered else shown
            unit, when = unit[kept], when[kept]
        back = np.flatnonzero(np.isfinite(ended) & (rng.random(n) < moved))
        unit, when = np.append(unit, back), np.append(when, ended[back] + rng.uniform(0, 14, back.size))
        units = Units(started=started, ended=ended, category=category, cluster=cluster, arrivals=(unit, when))
        found = excess_reappearance(
            units, rng, horizon=14, observed_until=until, age_within=5, each=5, resamples=PERMUTATIONS
        )
        return found.p

    return p


def _series(rng, kind, periods, units, change):
    """Logarithms of rates of a target (first) and its controls."""
    memory, burn = (0.7, 60) if kind == "autocorrelated shocks" else (0.2, 60)
    noise = 0.2 * rng.normal(size=(periods + burn, units))
    own = np.zeros_like(noise)
    for t in range(1, len(noise)):
        own[t] = memory * own[t - 1] + noise[t]
    shared = np.cumsum(rng.normal(0, 0.1, (periods, 1)), axis=0)
    log_rate = np.log(400) + own[burn:] + shared
    if kind == "feed change":
        log_rate[periods // 2 :] += 0.7
    log_rate[-6:, 0] += change
    effort = np.full((periods, units), 1000.0)
    if kind == "search effort":
        effort[-6:, 0] = 3000.0
    counts = rng.poisson(np.exp(log_rate) * effort / 1000.0)
    return rates(counts, effort)


def by_units(kind, change=0.0):
    """A target among 19 placebo units."""

    def p(rng):
        series = _series(rng, kind, 60, 20, change)
        window = EventWindow(event=54, before=40, after=6, anticipation=2)
        return placebo_units(series[:, 0], series[:, 1:], window).p

    return p


def by_windows(kind, change=0.0):
    """A target among its own 19 placebo windows."""

    def p(rng):
        series = _series(rng, kind, 148, 6, change)
        window = EventWindow(event=142, before=20, after=6, anticipation=2)
        return placebo_windows(series[:, 0], series[:, 1:], window).p

    return p


def staggered(kind, change=0.0):
    """Twenty units each treated at 4 and at 8, forty never."""

    def p(rng):
        first = rng.permutation(np.repeat([4, 8, NEVER], [20, 20, 40]))
        y = np.cumsum(rng.normal(0, 0.5, (80, 12)), axis=1) + rng.normal(size=(80, 1))
        if kind == "clusters of units":
            first = np.repeat(first[::2], 2)
            y += np.repeat(np.cumsum(rng.normal(0, 0.5, (40, 12)), axis=1), 2, axis=0)
        label = np.arange(80) // 2 if kind == "clusters of units" else np.arange(80)
        y = y + np.where(np.arange(12)[None, :] >= first[:, None], change, 0.0)
        return group_times(y, first, label, rng, resamples=PERMUTATIONS).overall.p

    return p


NULLS = [
    *(("difference, clustered", kind, areas(kind)) for kind in ("sites", "campaigns", "feed change", "one 93% site")),
    *(
        ("destination null, maxT", kind, destinations(kind))
        for kind in ("plain", "campaigns", "mirrors", "feed change", "one 93% site")
    ),
    *(("timing null, maxT", kind, timings(kind)) for kind in ("plain", "campaigns", "mirrors", "feed change")),
    *(
        ("excess reappearance", kind, reappearing(kind))
        for kind in ("plain", "campaigns", "mirrors", "feed change", "search effort")
    ),
    *(
        (name, kind, test(kind))
        for name, test in (("placebo units", by_units), ("placebo windows", by_windows))
        for kind in ("plain", "autocorrelated shocks", "feed change", "search effort")
    ),
    *(("staggered", kind, staggered(kind)) for kind in ("random walks", "clusters of units")),
]
"""Test, world, and a function from a generator to p: nothing moved in any of them."""

WARNINGS = [
    ("difference, Poisson variance", "sites", poisson_areas),
    ("excess, triggered finds kept", "search effort", reappearing("search effort", triggered=True)),
]
"""What the tests are made to avoid."""

POWER = [
    ("difference, clustered", "half of 450 sites go", areas("sites", 0.5, 3000)),
    ("destination null, maxT", "30% go to one place", destinations("plain", 0.3)),
    ("timing null, maxT", "30% arrive within a day", timings("plain", 0.3)),
    ("excess reappearance", "30% come back", reappearing("plain", 0.3)),
    ("placebo units", "rate halves", by_units("plain", -0.7)),
    ("placebo windows", "rate halves", by_windows("plain", -0.7)),
    ("staggered", "a fall of 1.5", staggered("random walks", -1.5)),
]
