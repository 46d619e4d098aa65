"""Moves without displacement (and some with), and what both nulls and excess reappearance make of them."""

import numpy as np

from waterbed.estimators.lifts import NOWHERE, departures, destination_null, one_each, step_down, timing_null
from waterbed.estimators.reappearance import Units, excess_reappearance
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.strata import alike

PERMUTATIONS = 99
PLACES = np.array([0.4, 0.2, 0.15, 0.1, 0.1, 0.05])
PAIRS = np.array([(i, j) for i in range(PLACES.size) for j in range(PLACES.size) if i != j])
WEEKS, WEEK = 4, 168.0
LIKE = 24.0
"""Contents whose starts are no further apart, in hours, have their ends permuted."""


def both(draws, rng):
    """The least adjusted p, and the same with ties broken by chance: exactly uniform under the null."""
    if isinstance(draws, Refusal):
        return draws
    largest = departures(draws).max(axis=1)
    own = largest[draws.seen]
    above, tied = (largest > own + 1e-9).sum(), (np.abs(largest - own) <= 1e-9).sum()
    return step_down(draws).adjusted.min(), (above + rng.random() * tied) / largest.size


def _walks(rng, steps, columns, spread=0.6, memory=0.7):
    shock = np.zeros((steps, columns))
    for at in range(1, steps):
        shock[at] = memory * shock[at - 1] + rng.normal(0, spread, columns)
    return np.exp(shock)


def moves(rng, kind, n=400):
    """Arrivals with origin, destination, stratum and cluster; where to depends on the week, not on the origin."""
    week = rng.integers(0, WEEKS, n)
    regime = np.zeros(n, np.int64)
    origin = rng.choice(PLACES.size, n, p=PLACES)
    origin[rng.random(n) < 0.4] = NOWHERE
    share = np.tile(PLACES, (2 * WEEKS, 1))
    if kind == "campaigns":
        # each week's registrations go to one place above all
        share[np.arange(WEEKS), rng.integers(0, PLACES.size, WEEKS)] += 1.0
    elif kind == "feed change":
        # in mid-week another feed begins, with other origins, and sees other places
        regime = (week + rng.random(n) > rng.uniform(1, 3)).astype(np.int64)
        share[WEEKS:] = share[WEEKS:, ::-1]
        other = (regime == 1) & (origin != NOWHERE)
        origin[other] = PLACES.size - 1 - origin[other]
    elif kind == "autocorrelated shocks":
        share *= np.tile(_walks(rng, WEEKS, PLACES.size), (2, 1))
        origin = np.where((rng.random(n) < 0.5) & (week == WEEKS - 1) & (origin >= 0), 0, origin)
    elif kind == "search effort":
        # after half the time, contents that left place 0 are looked for, and found three times as often
        found = rng.random(n) < np.where((origin == 0) & (week >= WEEKS // 2), 1.0, 0.33)
        week, regime, origin = week[found], regime[found], origin[found]
    stratum = week + WEEKS * regime
    destination = _elsewhere(rng, origin, share / share.sum(axis=1, keepdims=True), stratum)
    return _clustered(rng, kind, origin, destination, stratum, share)


def _elsewhere(rng, origin, share, stratum):
    bounds = share.cumsum(axis=1)
    bounds[:, -1] = 1.0
    destination = (rng.random(origin.size)[:, None] > bounds[stratum]).sum(axis=1)
    while (same := np.flatnonzero(destination == origin)).size:
        destination[same] = (rng.random(same.size)[:, None] > bounds[stratum[same]]).sum(axis=1)
    return destination


def _clustered(rng, kind, origin, destination, stratum, share):
    n = origin.size
    cluster = np.arange(n)
    if kind in ("mirrors", "campaigns"):
        # a third of the rows belong to the cluster of another, with its origin and week; a campaign has one destination
        copy = np.flatnonzero(rng.random(n) < 0.33)
        source = rng.integers(0, n, copy.size)
        for column in (origin, stratum, cluster):
            column[copy] = column[source]
        destination[copy] = destination[source]
        if kind == "mirrors":
            destination[copy] = _elsewhere(rng, origin, share / share.sum(axis=1, keepdims=True), stratum)[copy]
    elif kind == "one 93% site":
        many = rng.choice(n, int(0.93 * n), replace=False)
        cluster[many] = n
        for column in (origin, destination, stratum):
            column[many] = column[many[0]]
    return origin, destination, stratum, cluster


def destinations(kind):
    """The family of all pairs under the destination null."""

    def p(rng):
        size = {"one 93% site": 4000, "search effort": 900}.get(kind, 400)
        origin, destination, stratum, cluster = moves(rng, kind, size)
        rows = one_each(cluster, stratum, rng)
        draws = destination_null(origin[rows], destination[rows], stratum[rows], PAIRS, rng, permutations=PERMUTATIONS)
        return both(draws, rng)

    return p


def searched_at_home(rng):
    """Contents of place 0 are looked for at place 1 only, after they ended: found there more often, a false lift."""
    origin, destination, stratum, _ = moves(rng, "plain", 900)
    found = rng.random(origin.size) < np.where((origin == 0) & (destination == 1), 1.0, 0.5)
    columns = (one[found] for one in (origin, destination, stratum))
    return both(destination_null(*columns, PAIRS, rng, permutations=PERMUTATIONS), rng)


def moved_to_one_place(rng):
    """200 contents of place 0 are taken down; 60 go to place 1, half the rest wherever content goes, among 400 more."""
    origin, destination, stratum, _ = moves(rng, "plain", 4000)
    own, others = np.flatnonzero(origin == 0)[:130], np.flatnonzero(origin != 0)[:400]
    destination[own[:60]] = 1
    columns = (one[np.append(own, others)] for one in (origin, destination, stratum))
    return both(destination_null(*columns, PAIRS, rng, permutations=PERMUTATIONS), rng)


def ends(rng, kind, n=1500):
    """Contents with their start, end, first arrival elsewhere (inf: never), place, destination and cluster.

    An arrival may depend on the start, as copies do, and never on the end.
    """
    start = rng.uniform(-2 * WEEK, WEEKS * WEEK, 3 * n)
    cluster = np.arange(3 * n)
    life = rng.lognormal(np.log(60), 1.3, 3 * n)
    part = rng.uniform(0.2, 0.4)
    arrived = np.where(rng.random(3 * n) < part, rng.uniform(-2 * WEEK, WEEKS * WEEK, 3 * n), np.inf)
    origin = rng.choice(3, 3 * n, p=[0.6, 0.3, 0.1])
    copied = rng.random(3 * n) < 0.3
    if kind == "mirrors":
        # copies made with the content, reported late: median half a day, two days or a week
        late = rng.lognormal(np.log(rng.choice([12.0, 48.0, 168.0])), 1.0, 3 * n)
        arrived = np.where(copied, start + late, arrived)
    elif kind == "campaigns":
        batch = rng.integers(0, 60, 3 * n)
        start = start[batch] + rng.uniform(0, 6, 3 * n)
        arrived = np.where(copied, start + rng.exponential(100, 3 * n), arrived)
    elif kind == "one 93% site":
        # one site of many URLs, taken down and put up elsewhere in batches
        many = np.flatnonzero(rng.random(3 * n) < 0.93)
        batch = rng.integers(0, 12, many.size)
        cluster[many], origin[many], copied[many] = 3 * n, 0, True
        start[many] = start[batch]
        life[many] = rng.uniform(0, 3 * WEEK, 12)[batch] + rng.uniform(0, 2, many.size)
        arrived[many] = start[many] + rng.uniform(0, 3 * WEEK, 12)[batch] + rng.uniform(0, 2, many.size)
    ended = start + life
    if kind == "autocorrelated shocks":
        # the same hours are busy for everybody
        hours = np.arange(WEEKS * WEEK)
        busy = _walks(rng, hours.size, 1, 0.3, 0.95)[:, 0]
        busy /= busy.sum()
        ended = np.maximum(rng.choice(hours, 3 * n, p=busy) + rng.random(3 * n), start + 0.1)
        arrived = np.where(np.isfinite(arrived), rng.choice(hours, 3 * n, p=busy) + rng.random(3 * n), np.inf)
    elif kind == "feed change":
        seen = rng.random(3 * n) < np.where(arrived < rng.uniform(0, WEEKS * WEEK), 0.3, 0.9)
        arrived = np.where(seen, arrived, np.inf)
    elif kind == "search effort":
        arrived = np.where(rng.random(3 * n) < 0.5, arrived, np.inf)
    kept = np.flatnonzero((ended >= 0) & (ended < WEEKS * WEEK))[:n]
    pair = rng.choice(PLACES.size, kept.size, p=PLACES)
    return start[kept], ended[kept], arrived[kept], origin[kept], pair, cluster[kept]


def timed(columns, rng, *, like=LIKE, within=48.0):
    """The timing null on one content of each cluster and week, ends permuted among contents of like start."""
    start, ended, arrived, origin, pair, cluster = columns
    stratum = origin * WEEKS + (ended // WEEK).astype(np.int64)
    rows = one_each(cluster, stratum, rng)
    stratum = alike(stratum[rows], start[rows], within=like) if like else stratum[rows]
    draws = timing_null(ended[rows], arrived[rows], stratum, pair[rows], rng, within=within, permutations=PERMUTATIONS)
    return both(draws, rng)


def timings(kind):
    """The family of all destinations under the timing null."""
    size = 9000 if kind == "one 93% site" else 1500
    return lambda rng: timed(ends(rng, kind, size), rng)


def week_alone(rng):
    """Mirrors, ends permuted within place and week whatever the age."""
    return timed(ends(rng, "mirrors"), rng, like=None)


def late_searches(rng):
    """Arrivals found within two days because somebody searched after the end are kept."""
    start, ended, arrived, *rest = ends(rng, "plain")
    shown = rng.random(ended.size) < 0.5
    found = (arrived > ended) & (arrived < ended + 48)
    return timed((start, ended, np.where(shown | found, arrived, np.inf), *rest), rng)


def arrived_soon(rng):
    """200 contents are taken down, and 60 arrive elsewhere within a day."""
    start, ended, arrived, *rest = (one[:200] for one in ends(rng, "plain", 200))
    arrived[:60] = ended[:60] + rng.uniform(0, 24, 60)
    return timed((start, ended, arrived, *rest), rng)


def contents(rng, kind, *, triggered=False, moved=0.0, n=600, until=150.0):
    """Contents at a place, those that ended, and arrivals elsewhere that do not depend on the end."""
    sites = n // 3
    cluster, category = rng.integers(0, sites, n), rng.integers(0, 2, n)
    started = rng.uniform(0, 100, n)
    if kind == "campaigns":
        started = rng.uniform(0, 100, sites)[cluster] + rng.uniform(0, 2, n)
    elif kind == "one 93% site":
        cluster = np.where(rng.random(n) < 0.93, sites, cluster)
    ended = started + rng.exponential(np.array([15.0, 40.0])[category])
    ended[(rng.random(n) < 0.3) | (ended > until)] = np.inf
    often = np.exp(rng.normal(0, 1.0 if kind == "campaigns" else 0.5, sites + 1))[cluster]
    number = rng.poisson(np.array([0.02, 0.01])[category] * often * 200)
    unit = np.repeat(np.arange(n), number)
    when = started[unit] + 200 * rng.random(unit.size)
    if kind == "autocorrelated shocks":
        days = np.arange(300)
        busy = _walks(rng, days.size, 1, 0.3, 0.9)[:, 0]
        when = rng.choice(days, unit.size, p=busy / busy.sum()) + rng.random(unit.size)
    if kind in ("mirrors", "campaigns"):
        # copies arrive with the first one
        copies = np.flatnonzero(rng.random(n) < 0.3)
        late = rng.lognormal(np.log(rng.choice([0.5, 2.0, 7.0])), 1.0, copies.size)
        unit, when = np.append(unit, copies), np.append(when, started[copies] + late)
    elif kind == "feed change":
        seen = rng.random(unit.size) < np.where(when < rng.uniform(30, 120), 0.3, 1.0)
        unit, when = unit[seen], when[seen]
    elif kind == "search effort":
        # the feed shows half; a search after an end shows the other half for two weeks
        shown = rng.random(unit.size) < 0.5
        found = ~shown & (when > ended[unit]) & (when < ended[unit] + 14)
        kept = shown | found if triggered else shown
        unit, when = unit[kept], when[kept]
    back = np.flatnonzero(np.isfinite(ended) & (ended + 14 <= until) & (rng.random(n) < moved))
    unit, when = np.append(unit, back), np.append(when, ended[back] + rng.uniform(0, 14, back.size))
    return Units(started=started, ended=ended, category=category, cluster=cluster, arrivals=(unit, when))


def reappearing(kind, *, triggered=False):
    """Excess reappearance; with `triggered` arrivals found by searching after an end are wrongly kept."""

    def p(rng):
        if kind != "one 93% site":
            return excess(contents(rng, kind, triggered=triggered), rng)
        units = contents(rng, kind, n=4000)
        return excess(units.taken(one_each(units.cluster, units.category, rng)), rng)

    return p


def excess(units, rng, until=150.0):
    """The p of the excess within two weeks."""
    found = excess_reappearance(
        units, rng, horizon=14, observed_until=until, age_within=5, each=5, resamples=PERMUTATIONS
    )
    return found if isinstance(found, Refusal) else found.p


def came_back(rng):
    """200 contents are taken down, 30% come back elsewhere within two weeks, 400 or more stay up."""
    return excess(contents(rng, "plain", moved=0.3, n=480), rng)
