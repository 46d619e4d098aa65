"""Removal by the hosters of a drawn world.

Times are hours since the study's start.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.lab.simulate.grammar import World

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

WITHIN_H: Final = 24.0
NORM: Final = 0.5
"""The true share of every hoster where all lie at the norm."""
NEVER: Final = np.inf
_MOST: Final = 0.98
"""Largest share of the reports acted on that is removed within the hours."""
_PLACES, _PARTS = np.polynomial.legendre.leggauss(48)
_HALVINGS: Final = 60
_DELAYS: Final = (1e-4, 1e4)
"""Least and largest median delay, hours."""
_GRID: Final = 241
"""Times within the hours at which owners may have left."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Policies:
    """The policies of a study's hosters, one entry for each.

    A report is acted on with probability `acts` times the height of its time (`heights`), and removed after a lognormal
    delay. A desk is on for `on_h` and off for `off_h` hours on average (inf: always on): a report that finds it off
    waits until it is on again. A queue is worked off every `queue_h` hours on average (0: none). Owners of what is up
    leave at a rate of 1 / `stay_h` from our first check on.
    """

    acts: Floats
    median_h: Floats
    sigma: Floats
    on_h: Floats
    off_h: Floats
    queue_h: Floats
    stay_h: float
    first: Floats
    """The height before a step, or when a trend begins; the largest height is 1."""
    last: Floats
    turn_h: Floats
    """Time of the step."""
    trend: bool
    days: float

    def heights(self, hoster: Ints, at_h: Floats) -> Floats:
        """The heights of hosters' acts on reports."""
        if self.trend:
            part = np.clip(at_h / (24.0 * self.days), 0.0, 1.0)
        else:
            part = (at_h >= self.turn_h[hoster]).astype(float)
        found: Floats = self.first[hoster] + part * (self.last[hoster] - self.first[hoster])
        return found

    def chances(self, hoster: Ints, lag_h: Floats) -> Floats:
        """Chances of removal in WITHIN_H hours, at height 1.

        Of reports that are first checked after a lag. With F the chance by then that it is removed if its owner stays,
        who leaves at the rate 1/s from the lag l on, it is F(l) and the integral of exp((l-t)/s) dF(t) from there, by
        parts e^((l-T)/s) F(T) + e^(l/s) (G(T) - G(l)) with G the integral of F(t) e^(-t/s) / s.
        """
        whole = self.removed_by(np.array([WITHIN_H]))[:, 0]
        if not np.isfinite(self.stay_h):
            return (self.acts * whole)[hoster]
        at = np.linspace(0.0, WITHIN_H, _GRID)
        rate = self.removed_by(at) * np.exp(-at / self.stay_h) / self.stay_h
        gone = scipy.integrate.cumulative_simpson(rate, x=at, initial=0.0)
        lag = np.minimum(lag_h, WITHIN_H)
        before = np.empty(lag.size)
        for one in np.unique(hoster):
            before[hoster == one] = np.interp(lag[hoster == one], at, gone[one])
        left = np.exp((lag - WITHIN_H) / self.stay_h) * whole[hoster]
        found: Floats = self.acts[hoster] * (left + np.exp(lag / self.stay_h) * (gone[hoster, -1] - before))
        return found

    def removed_by(self, hours: Floats) -> Floats:
        """Chances of removal by some hours, hosters x hours.

        Of what is acted on and stays. Delay and an exponential wait w are over with chance 1/w the integral of
        e^((s-t)/w) F(s) ds up to t.
        """
        found = _ready(hours[None, :], self.median_h[:, None], self.sigma[:, None])
        waits = np.isfinite(self.off_h)
        if waits.any():
            off = (self.off_h / (self.on_h + self.off_h))[waits, None]
            found[waits] = (1.0 - off) * found[waits] + off * self._after(hours, self.off_h, waits)
        queued = self.queue_h > 0
        if queued.any():
            found[queued] = self._after(hours, self.queue_h, queued)
        return found

    def _after(self, hours: Floats, mean_h: Floats, which: Flags) -> Floats:
        at = hours[:, None] * (_PLACES + 1.0) / 2.0
        wait = mean_h[which][:, None, None]
        density = np.exp((at - hours[:, None])[None, :, :] / wait) / wait
        ready = _ready(at[None, :, :], self.median_h[which][:, None, None], self.sigma[which][:, None, None])
        found: Floats = (density * ready) @ _PARTS * hours[None, :] / 2.0
        return found


def _ready(hours: Floats, median_h: Floats, sigma: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        found: Floats = scipy.special.ndtr(np.log(hours / median_h) / sigma)
    return found


def draw_policies(world: World, rng: np.random.Generator) -> Policies:
    """Draw the policies of a study's hosters.

    True shares of what stays lie from 5 to 95%, one for all or each its own; before a step, or when a trend begins,
    they are others. At the norm they are NORM of all that is reported, and less before. Hosters that are equal, or at
    the norm, have one policy. sigma is 0.5 to 1.2. A desk is on for more of the time than the share that it removes of
    what it acts on, and a queue is worked off at least as often as that share needs.
    """
    n, alike = world.hosters, world.shares != "different"

    def each(low: float, high: float) -> Floats:
        found: Floats = rng.uniform(low, high, n)
        return np.full(n, found[0]) if alike else found

    now, then, part = each(0.05, 0.95), each(0.05, 0.95), each(0.0, 1.0)
    if world.shares == "at the norm":
        now, then = np.full(n, NORM), np.minimum(then, NORM)
    if world.drift == "constant":
        then = now
    top = np.maximum(now, then)
    # at the norm much of it, as owners may leave first
    removed = 0.8 + 0.15 * part if world.shares == "at the norm" else top + (_MOST - top) * part
    on, off, queue = np.full(n, NEVER), np.full(n, NEVER), np.zeros(n)
    if world.dependence == "desk":
        part_on = removed + (1.0 - removed) * each(0.1, 0.7)
        on, off = 2.0 * world.regime_h * part_on, 2.0 * world.regime_h * (1.0 - part_on)
    if world.dependence == "queue":
        queue = np.minimum(world.regime_h, WITHIN_H / -np.log1p(-np.minimum(removed + 0.01, 0.99)))
    policies = Policies(
        acts=top / removed,
        median_h=np.ones(n),
        sigma=each(0.5, 1.2),
        on_h=on,
        off_h=off,
        queue_h=queue,
        stay_h=24.0 * world.moves if world.mover == "rotation" else NEVER,
        first=then / top,
        last=now / top,
        turn_h=24.0 * world.days * each(0.25, 0.75) if world.drift == "step" else np.zeros(n),
        trend=world.drift == "trend",
        days=world.days,
    )
    policies = replace(policies, median_h=_medians(policies, removed))
    if world.shares == "at the norm":
        chance = policies.chances(np.arange(n), np.zeros(n))  # more where owners leave after a later first check
        policies = replace(policies, acts=policies.acts * NORM / chance)
    return policies


def _medians(policies: Policies, removed: Floats) -> Floats:
    """The median delays by which so large a part is removed within the hours, by bisection."""
    low, high = (np.full(removed.size, one) for one in _DELAYS)
    for _ in range(_HALVINGS):
        middle = np.sqrt(low * high)
        by = replace(policies, median_h=middle).removed_by(np.array([WITHIN_H]))[:, 0]
        low, high = np.where(by > removed, middle, low), np.where(by > removed, high, middle)
    found: Floats = np.sqrt(low * high)
    return found


def states_of_desks(policies: Policies, until_h: float, rng: np.random.Generator) -> list[tuple[Floats, bool]]:
    """Draw when each desk changes, and its first state.

    The state is True where it is on. From a stationary process: exponential times, begun at hour 0 in a state as likely
    as it lasts.
    """
    found = []
    for on, off in zip(policies.on_h.tolist(), policies.off_h.tolist(), strict=True):
        if not np.isfinite(off):
            found.append((np.zeros(0), True))
            continue
        begins = bool(rng.random() < on / (on + off))
        pairs = int(until_h / (on + off) * 2) + 20
        lengths = rng.exponential(1.0, (pairs, 2)) * ((on, off) if begins else (off, on))
        at = np.cumsum(lengths.reshape(-1))
        while at[-1] < until_h:
            more = rng.exponential(1.0, (pairs, 2)) * ((on, off) if begins else (off, on))
            at = np.append(at, at[-1] + np.cumsum(more.reshape(-1)))
        found.append((at, begins))
    return found


def queues_worked_off(policies: Policies, until_h: float, rng: np.random.Generator) -> list[Floats]:
    """Draw when each queue is worked off.

    The times are a Poisson process; there are none without a queue.
    """
    found = []
    for mean in policies.queue_h.tolist():
        number = rng.poisson(until_h / mean) if mean else 0
        found.append(np.sort(rng.uniform(0.0, until_h, number)))
    return found
