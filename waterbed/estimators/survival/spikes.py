"""Ages at which a hazard jumps.

Arrays in and numbers out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]

NEIGHBOURS = 7
"""Steps on each side that an age is compared with."""
_NEAR = 1
"""Steps beside an age that are left out of its neighbours: an interval spreads over them."""
_FEWEST = 3
"""Neighbours without which an age is not judged."""
_MAD = 1.4826
"""From the median absolute deviation to a normal's standard deviation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """An age with far more ends than its neighbours.

    `hazard` is the share of those still there that ends in the step that ends at `age`, `baseline` the neighbours'
    median; `p` is corrected for the number of ages that were tried.
    """

    age: int
    hazard: float
    baseline: float
    p: float


def hazard_spikes(
    left_end: npt.ArrayLike,
    right: npt.ArrayLike,
    *,
    level: float = 0.01,
    times: float = 4.0,
    least_hazard: float = 0.1,
    least_at_risk: float = 50.0,
) -> list[Spike]:
    """Find ages at which hazard jumps, strongest first.

    Clock i ended in (left[i], right[i]] steps, right = inf still runs; an end is spread evenly over the steps of its
    interval. At each age from 2 on with `least_at_risk` still there, the events e of n are compared with the median
    hazard h of up to NEIGHBOURS steps on either side: z = (e - n h) / sqrt(f n h (1 - h)). The dispersion f, at least
    1, is the squared spread (median absolute deviation) of that over all ages, as real hazards vary more than chance.
    A spike needs Bonferroni's p below `level`, `times` the baseline hazard, and a hazard of `least_hazard`: ends by
    rule take nearly all that has come so far, while a wave of removals at one age takes a part. Raises ValueError for
    unequal lengths, no clock, or empty intervals.
    """
    begin, end = np.asarray(left_end, dtype=float), np.asarray(right, dtype=float)
    if begin.shape != end.shape or not begin.size or (begin < 0).any() or not (end > begin).all():
        raise ValueError("a hazard needs clocks with 0 <= left < right")
    events, at_risk = _by_age(begin, end)
    ages = np.flatnonzero(at_risk >= least_at_risk)
    hazard = events / np.maximum(at_risk, 1e-9)
    baseline = np.array([_baseline(hazard, at_risk, int(age), least_at_risk) for age in ages])
    ages, baseline = ages[~np.isnan(baseline)], baseline[~np.isnan(baseline)]
    if not ages.size:
        return []
    # where neighbours had no end at all, half an end in all of them together stands in
    floor = 0.5 / (2 * NEIGHBOURS * at_risk[ages])
    level_of = np.clip(np.maximum(baseline, floor), 0.0, 0.999)
    z = (events[ages] - at_risk[ages] * level_of) / np.sqrt(at_risk[ages] * level_of * (1.0 - level_of))
    spread = max(1.0, _MAD * float(np.median(np.abs(z - np.median(z)))))
    p = np.minimum(1.0, scipy.special.ndtr(-z / spread) * ages.size)
    spikes = [
        Spike(age=int(age) + 1, hazard=float(hazard[age]), baseline=float(level_of[n]), p=float(p[n]))
        for n, age in enumerate(ages)
        if age >= 1 and p[n] < level and hazard[age] >= max(least_hazard, times * level_of[n])
    ]
    return sorted(spikes, key=lambda spike: (-spike.hazard / spike.baseline, spike.age))


def _by_age(begin: Floats, end: Floats) -> tuple[Floats, Floats]:
    """Expected ends in each step, and clocks still there at its start."""
    ended = np.isfinite(end)
    last = int(np.ceil(max(begin.max(), end[ended].max(initial=0.0)))) + 1
    edges = np.arange(last + 1, dtype=float)
    density = 1.0 / (end[ended] - begin[ended])
    # ends before each edge: of each interval the part that lies below it
    order = np.sort(begin[ended]), np.sort(end[ended])
    by_begin, by_end = np.argsort(begin[ended]), np.argsort(end[ended])
    cumulative = np.zeros_like(edges)
    for sign, times, where in ((1.0, order[0], by_begin), (-1.0, order[1], by_end)):
        slope = np.concatenate([[0.0], np.cumsum(density[where])])
        moment = np.concatenate([[0.0], np.cumsum(density[where] * times)])
        reached = np.searchsorted(times, edges, side="right")
        cumulative += sign * (slope[reached] * edges - moment[reached])
    left_out = np.searchsorted(np.sort(begin[~ended]), edges, side="left")
    at_risk = begin.size - cumulative - left_out.astype(np.float64)
    return np.diff(cumulative), at_risk[:-1]


def _baseline(hazard: Floats, at_risk: Floats, age: int, least: float) -> float:
    """Median hazard of the neighbours with enough at risk; NaN where there are too few."""
    steps = [age + d for d in range(-NEIGHBOURS, NEIGHBOURS + 1) if abs(d) > _NEAR]
    around = [hazard[step] for step in steps if 0 <= step < hazard.size and at_risk[step] >= least]
    return float(np.median(around)) if len(around) >= _FEWEST else float("nan")
