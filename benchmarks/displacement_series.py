"""Series of reports without an effect (and some with), and what placebos and group-time averages make of them."""

import numpy as np

from waterbed.estimators.interrupted import EventWindow, placebo_units, placebo_windows, rates
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.staggered import NEVER, group_times

RESAMPLES = 199
MEAN, EFFORT = 100.0, 1000.0
GIANT = 13.0
AFTER = 6


def panel(rng, kind, periods, units, *, searched=None, mean=MEAN, extra=0.0):
    """Logarithms of rates, periods x units: shared and own shocks, Poisson counts.

    `searched` is where effort triples once the event has come, `extra` what a mean is raised by; the shared walk is
    then at 0 when the event comes, so that the mean is known.
    """
    own, walk = _own(rng, kind, periods, units), np.cumsum(rng.normal(0, 0.1, (periods, 1)), axis=0)
    log_rate = np.log(mean) + own + walk - (walk[-AFTER - 1] if np.any(extra) else 0.0)
    if kind == "feed change":
        log_rate[int(rng.integers(periods)) :] += rng.choice([-0.7, 0.7])
    effort = np.full((periods, units), EFFORT)
    if kind == "search effort":
        effort[searched] *= 3.0
    expected = (np.exp(log_rate) + extra) * effort / EFFORT
    if kind == "one 93% site":
        expected[:, int(rng.integers(units))] += GIANT * _alive(rng, periods)
    counts = rng.poisson(expected)
    if kind == "mirrors":
        # a third of all have a copy, at another unit, now or in the next period
        copies = rng.binomial(counts, 0.33)
        later = rng.binomial(copies, 0.5)
        counts += np.roll(copies - later, int(rng.integers(1, units)), axis=1)
        counts[1:] += np.roll(later, int(rng.integers(1, units)), axis=1)[:-1]
    return rates(counts, effort)


def _own(rng, kind, periods, units):
    memory, burn = 0.7 if kind == "autocorrelated shocks" else 0.2, 60
    noise = 0.2 * rng.normal(size=(periods + burn, units))
    if kind == "campaigns":
        # now and then registrations double or more, for a while
        noise += (rng.random(noise.shape) < 0.03) * rng.exponential(1.0, noise.shape)
        memory = 0.5
    own = np.zeros_like(noise)
    for t in range(1, len(noise)):
        own[t] = memory * own[t - 1] + noise[t]
    return own[burn:]


def _alive(rng, periods):
    """A site that begins and ends at any time, and whose number of reported URLs jumps."""
    begin = rng.uniform(-periods / 2, periods)
    at = np.arange(periods)
    return MEAN * ((at >= begin) & (at < begin + rng.exponential(periods / 2))) * rng.exponential(1.0, periods)


def by_units(kind, extra=0.0, mean=MEAN):
    """A target among 19 placebo units."""
    window = EventWindow(event=54, before=40, after=AFTER, anticipation=2)

    def p(rng):
        series = panel(rng, kind, 60, 20, searched=np.s_[-AFTER:, 0], mean=mean, extra=_late(60, 20, extra))
        return _p(placebo_units(series[:, 0], series[:, 1:], window))

    return p


def by_windows(kind, extra=0.0, mean=MEAN):
    """A target among its own 19 placebo windows."""
    window = EventWindow(event=142, before=20, after=AFTER, anticipation=2)

    def p(rng):
        series = panel(rng, kind, 148, 6, searched=np.s_[-AFTER:, 0], mean=mean, extra=_late(148, 6, extra))
        return _p(placebo_windows(series[:, 0], series[:, 1:], window))

    return p


def _late(periods, units, extra):
    """So much more a period in the first unit after the event."""
    more = np.zeros((periods, units))
    more[-AFTER:, 0] = extra
    return more


def _p(found):
    return found if isinstance(found, Refusal) else found.p


def staggered(kind, *, ages=False):
    """Twenty units each treated at 4 and at 8, forty never, two of a cluster; over all, or any age beside zero."""

    def p(rng):
        first = np.repeat(rng.permutation(np.repeat([4, 8, NEVER], [10, 10, 20])), 2)
        treated = (np.arange(12)[:, None] >= first[None, :]).nonzero()
        log_rate = panel(rng, kind, 12, 80, searched=treated) + np.repeat(rng.normal(0, 0.2, (12, 40)), 2, axis=1)
        found = group_times(log_rate.T, first, np.arange(80) // 2, rng, resamples=RESAMPLES)
        if isinstance(found, Refusal):
            return found
        if ages:
            return 0.0 if any(one.low > 0 or one.high < 0 for one in found.by_age) else 1.0
        return found.overall.p

    return p


def returned(rng):
    """200 takedowns at 20 hosters at two dates, 60 reappear, three of each within the six periods after."""
    first = rng.permutation(np.repeat([4, 6, NEVER], [10, 10, 60]))
    expected = np.full((80, 12), 0.1)
    age = np.arange(12)[None, :] - np.where(first == NEVER, 10**6, first)[:, None]
    expected[(age >= 0) & (age < AFTER)] += 60 / (20 * AFTER)
    return group_times(rng.poisson(expected), first, np.arange(80), rng, resamples=RESAMPLES).overall.p
