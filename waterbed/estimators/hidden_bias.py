"""Unmeasured differences that would explain a matched comparison away."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.reappearance import Ints, Units, delays
from waterbed.estimators.refusal import Refusal, too_few
from waterbed.model.message import Count, Message

LEVEL: Final = 0.05
MOST: Final = 1000.0
"""A larger bias than this is not looked for."""
_CONTROLS: Final = 5
"""Most controls of a set."""
_MOST_TREATED: Final = 5_000
"""Treated units that are tried; of more, so many by chance."""
_TRIES: Final = 64
"""Candidates that are drawn for the controls of a set."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sets:
    """Independent matched sets of one treated unit each.

    `size` counts the units of a set, `positive` those with the outcome, `treated` is true where the treated one has it.
    """

    size: Ints
    positive: Ints
    treated: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenBias:
    """The bias that explains a comparison away, at least.

    `estimate` is a ratio of odds from 1 on, `without` the two-sided p without any bias, of `sets` matched sets.
    """

    estimate: float
    without: float
    sets: int


def highest_p(sets: Sets, bias: float) -> float:
    """Return the highest p that a hidden bias can make.

    One-sided, of as many treated units with the outcome as there are. Within a set the odds of being the treated one
    differ by a factor of `bias` at most; then the treated one has the outcome with a probability of at most bias c /
    (bias c + n - c) for c of n units with it, and the number of such sets is a sum of independent trials (Rosenbaum,
    Observational Studies, 2nd edition 2002, section 4.4; of pairs it is binomial). Exact, by convolution.
    """
    seen, outcome = np.array([1.0]), np.stack([sets.size, sets.positive], axis=1)
    for (size, positive), number in zip(*np.unique(outcome, axis=0, return_counts=True), strict=True):
        chance = bias * positive / (bias * positive + size - positive)
        seen = np.convolve(seen, scipy.stats.binom.pmf(np.arange(number + 1), number, chance))
    return min(1.0, float(seen[int(sets.treated.sum()) :].sum()))


def explaining_bias(sets: Sets, *, level: float = LEVEL) -> HiddenBias | Refusal:
    """Return the least hidden bias that explains a comparison away.

    The one at which twice the highest p exceeds the level; 1 where it does so without any bias. Refuses too few sets.
    """
    refused = too_few(
        sets.size.size, Message.of("{sets} of sites of their own", sets=Count(sets.size.size, "matched set"))
    )
    if refused:
        return refused
    p = min(1.0, 2.0 * highest_p(sets, 1.0))
    low, high = 0.0, float(np.log(MOST))
    if p > level:
        high = 0.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if 2.0 * highest_p(sets, float(np.exp(middle))) <= level else (low, middle)
    return HiddenBias(estimate=float(np.exp(low)), without=p, sets=sets.size.size)


def matched_sets(
    units: Units,
    rng: np.random.Generator,
    *,
    horizon: float,
    observed_until: float,
    age_within: float,
    treated: npt.NDArray[np.bool_] | None = None,
) -> Sets:
    """Match treated units with controls, each cluster in one set.

    Treated units in the order of their ends, each with up to five controls as old and of its category that were there
    then, and did not end so for the horizon (Li, Propert and Rosenbaum, Journal of the American Statistical
    Association 96, 2001); how many is set by the numbers of clusters. The outcome is an arrival elsewhere within the
    horizon after the treated one's end.
    """
    followed = np.isfinite(units.ended) & (units.ended + horizon <= observed_until)
    chosen = np.flatnonzero(followed if treated is None else followed & treated)
    if chosen.size > _MOST_TREATED:
        chosen = rng.choice(chosen, _MOST_TREATED, replace=False)
    order = np.lexsort((units.started, units.category))
    started, category = units.started[order], units.category[order]
    of_treated = np.unique(units.cluster[chosen]).size
    untreated = np.unique(units.cluster).size - of_treated
    each = int(np.clip(untreated // max(of_treated, 1), 1, _CONTROLS))
    used = np.zeros(int(units.cluster.max(initial=-1)) + 1, bool)
    rows: list[Ints] = []
    for unit in chosen[np.argsort(units.ended[chosen], kind="stable")]:
        if used[units.cluster[unit]]:
            continue
        first, last = np.searchsorted(category, [units.category[unit], units.category[unit] + 1])
        ages = [units.started[unit] - age_within, min(units.started[unit] + age_within, units.ended[unit])]
        low = first + int(np.searchsorted(started[first:last], ages[0], "left"))
        high = first + int(np.searchsorted(started[first:last], ages[1], "right"))
        tried = order[rng.integers(low, high, _TRIES)] if high > low else np.zeros(0, np.int64)
        same_cluster = units.cluster[tried] == units.cluster[unit]
        stayed = (units.ended[tried] >= units.ended[unit] + horizon) & (units.there_until[tried] > units.ended[unit])
        tried = tried[stayed & ~used[units.cluster[tried]] & ~same_cluster]
        places = np.sort(np.unique(units.cluster[tried], return_index=True)[1])[:each]
        if places.size:
            rows.append(np.r_[unit, tried[places]])
            used[units.cluster[rows[-1]]] = True
    members = np.concatenate([*rows, np.zeros(0, np.int64)])
    size = np.array([row.size for row in rows], np.int64)
    index = np.repeat(np.array([units.ended[row[0]] for row in rows], float), size)
    outcome = delays(units.arrivals, members, index) <= horizon
    starts = np.r_[0, np.cumsum(size)][:-1]
    positive = np.add.reduceat(outcome, starts).astype(np.int64) if rows else size
    return Sets(size=size, positive=positive, treated=outcome[starts] if rows else np.zeros(0, bool))
