"""Excess of arrivals elsewhere after an end, against controls.

First arrivals; controls are matched while both were at risk.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from waterbed.estimators.rank_sets import cluster_weights
from waterbed.estimators.refusal import LEAST_CLUSTERS, Refusal, too_few

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ROUNDS = 40
"""Tries at finding eligible controls among those of like age and category before a treated unit counts as unmatched."""
_MOST_UNMATCHED = 0.2
"""Largest share of treated units without a control for an excess to be given."""
_LEAST_AT_RISK = 0.05
"""Least share of a category's controls still up at the horizon: below it the weights rest on a handful."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """Contents at a place, one row each.

    Times are in one unit. `started` is the first appearance there, `ended` the end there (inf: none), `category` and
    `cluster` integer labels from 0. Arrivals elsewhere are rows of their own, in `arrivals`: unit and time.
    """

    started: Floats
    ended: Floats
    category: Ints
    cluster: Ints
    arrivals: tuple[Ints, Floats]

    def taken(self, rows: Ints) -> "Units":
        """These rows alone, with their arrivals."""
        place = np.full(self.started.size, -1, np.int64)
        place[rows] = np.arange(rows.size)
        kept = place[self.arrivals[0]] >= 0
        return Units(
            started=self.started[rows],
            ended=self.ended[rows],
            category=self.category[rows],
            cluster=self.cluster[rows],
            arrivals=(place[self.arrivals[0][kept]], self.arrivals[1][kept]),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matches:
    """Pairs of a treated unit and its control.

    The control was up, as old and of the same category when the treated one ended.
    """

    treated: Ints
    control: Ints
    unmatched: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Excess:
    """Shares that arrived elsewhere, and their difference.

    Within the horizon, in both arms; the difference has an interval at `level`. `reach` holds the sizes of its
    resampled errors in order, `treated` counts units, `clusters` their clusters, `unmatched` treated units for which no
    control was found.
    """

    treated_share: float
    control_share: float
    excess: float
    reach: Floats
    level: float
    p: float
    smallest_p: float
    treated: int
    clusters: int
    unmatched: int

    def ends(self, level: float) -> tuple[float, float]:
        """Ends of the difference's interval at a level."""
        rank = min(int(np.ceil(level * (self.reach.size + 1))), self.reach.size)
        return self.excess - float(self.reach[rank - 1]), self.excess + float(self.reach[rank - 1])

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.ends(self.level)[0]

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.ends(self.level)[1]


def matched(units: Units, treated: Ints, rng: np.random.Generator, *, age_within: float, each: int = 10) -> Matches:
    """Draw `each` controls for each treated unit.

    Uniformly among the eligible and with replacement. Eligible at the end of treated unit i are units of its category
    that started within `age_within` of it, were up then (started before, end later), and belong to another cluster:
    matching within the risk set (Li, Propert and Rosenbaum, Journal of the American Statistical Association 96, 2001).
    Linear in units: candidates are drawn from the run of like age and tested.
    """
    order = np.lexsort((units.started, units.category))
    started, category = units.started[order], units.category[order]
    bounds = np.searchsorted(category, [units.category[treated], units.category[treated] + 1])
    index = units.ended[treated]
    first = _within(started, bounds, units.started[treated] - age_within, "left")
    last = _within(started, bounds, np.minimum(units.started[treated] + age_within, index), "right")
    slot_first, slot_last = np.repeat(first, each), np.repeat(last, each)
    owner = np.repeat(treated, each)
    found = np.full(owner.size, -1, np.int64)
    open_ = np.flatnonzero(slot_last > slot_first)
    for _ in range(_ROUNDS):
        if not open_.size:
            break
        tried = order[rng.integers(slot_first[open_], slot_last[open_])]
        own = owner[open_]
        good = (units.ended[tried] > units.ended[own]) & (units.started[tried] <= units.ended[own])
        good &= units.cluster[tried] != units.cluster[own]
        found[open_[good]] = tried[good]
        open_ = open_[~good]
    hit = found >= 0
    return Matches(treated=owner[hit], control=found[hit], unmatched=int(treated.size - np.unique(owner[hit]).size))


def _within(started: Floats, bounds: Ints, at: Floats, side: str) -> Ints:
    """Return each time's position in its category's sorted starts.

    Bisection of all at once.
    """
    low: Ints = bounds[0].copy()
    high: Ints = bounds[1].copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        value = started[np.minimum(middle, started.size - 1)]
        right = open_ & ((value < at) if side == "left" else (value <= at))
        low = np.where(right, middle + 1, low)
        high = np.where(open_ & ~right, middle, high)
    return low


def excess_reappearance(
    units: Units,
    rng: np.random.Generator,
    *,
    horizon: float,
    observed_until: float,
    age_within: float,
    each: int = 10,
    resamples: int = 999,
    level: float = 0.95,
    treated: npt.NDArray[np.bool_] | None = None,
) -> Excess | Refusal:
    """Return the excess of arrivals elsewhere after an end.

    Against like content that stayed up. Both arms count the first arrival in (index, index + horizon], index being the
    treated unit's end. A control that ends later leaves the comparison there, and those of its category that stay up
    stand for it (Kaplan-Meier with its end as censoring, which equals weighting by the inverse probability to be still
    up; Robins and Finkelstein, Biometrics 56, 2000). Shares of categories are those of the treated. Whole clusters are
    resampled; `p` is two-sided. `treated` marks the units whose ends are asked about, all by default; the others are
    controls alone. Give only arrivals that do not owe their detection to the end. Where arrivals depend on age,
    `age_within` must be short. Refuses too few clusters, one that holds nearly all units, too many unmatched units,
    follow-up shorter than the horizon, and categories whose controls nearly all end.
    """
    asked = np.isfinite(units.ended) & (units.ended + horizon <= observed_until)
    chosen = np.flatnonzero(asked if treated is None else asked & treated)
    clusters = np.unique(units.cluster[chosen]).size
    refused = too_few(clusters, "clusters ended early enough to be followed for the whole horizon")
    refused = refused or _lopsided(units.cluster[chosen])
    if refused:
        return refused
    pairs = matched(units, chosen, rng, age_within=age_within, each=each)
    if pairs.unmatched > _MOST_UNMATCHED * chosen.size:
        return Refusal(f"{pairs.unmatched} of {chosen.size} ended units lack a control of like age and category")
    kept = np.unique(pairs.treated)
    arrived = _delays(units.arrivals, kept, units.ended[kept]) <= horizon
    arms = _Arms(units, pairs, kept, arrived, horizon)
    if arms.least_at_risk < _LEAST_AT_RISK:
        return Refusal(f"of a category's controls {arms.least_at_risk:.0%} are still up at the horizon, 5% are needed")
    size = int(units.cluster.max()) + 1
    one, other = arms.shares(np.ones((1, size)))
    apart = np.subtract(*arms.shares(cluster_weights(size, resamples, rng).astype(float)))
    draws = apart[np.isfinite(apart)]
    excess = float(one[0] - other[0])
    reach = np.sort(np.abs(draws - excess))
    return Excess(
        treated_share=float(one[0]),
        control_share=float(other[0]),
        excess=excess,
        reach=reach,
        level=level,
        p=float((1 + (reach >= abs(excess)).sum()) / (reach.size + 1)),
        smallest_p=1.0 / (reach.size + 1),
        treated=kept.size,
        clusters=np.unique(units.cluster[kept]).size,
        unmatched=pairs.unmatched,
    )


def _lopsided(cluster: Ints) -> Refusal | None:
    """Refuse if few clusters hold nearly all units.

    Resampled clusters then have no usable spread.
    """
    sizes = np.bincount(cluster).astype(float)
    alike = float(sizes.sum() ** 2 / np.square(sizes).sum())
    if alike >= LEAST_CLUSTERS:
        return None
    return Refusal(
        f"the largest cluster holds {sizes.max() / sizes.sum():.0%} of all ended units, which leaves the worth of "
        f"{alike:.1f} equal clusters where {LEAST_CLUSTERS} are needed: take one unit of each cluster and category"
    )


def _delays(arrivals: tuple[Ints, Floats], unit: Ints, index: Floats) -> Floats:
    """Time from the index to the first arrival after it, inf where there is none."""
    owner, when = np.asarray(arrivals[0], np.int64), np.asarray(arrivals[1], float)
    if not owner.size:
        return np.full(unit.size, np.inf)
    order = np.lexsort((when, owner))
    owner, when = owner[order], when[order]
    bounds = np.searchsorted(owner, [unit, unit + 1])
    at = _within(when, bounds, index, "right")
    first = when[np.minimum(at, when.size - 1)]
    return np.where(at < bounds[1], first - index, np.inf)


class _Arms:
    """The shares of both arms, for any weights of clusters."""

    def __init__(
        self, units: Units, pairs: Matches, kept: Ints, arrived: npt.NDArray[np.bool_], horizon: float
    ) -> None:
        self._cluster, self._arrived = units.cluster[kept], arrived.astype(float)
        self._category = units.category[kept]
        index = units.ended[pairs.treated]
        left = units.ended[pairs.control] - index
        delay = _delays(units.arrivals, pairs.control, index)
        self._strata = []
        at_risk = []
        for category in np.unique(self._category):
            mine = units.category[pairs.treated] == category
            end = np.minimum(np.minimum(delay[mine], left[mine]), horizon)
            event = (delay[mine] <= left[mine]) & (delay[mine] <= horizon)
            order = np.lexsort((~event, end))
            self._strata.append((int(category), units.cluster[pairs.control[mine][order]], event[order]))
            at_risk.append(float((left[mine] >= horizon).mean()))
        self.least_at_risk = min(at_risk)

    def shares(self, weights: Floats) -> tuple[Floats, Floats]:
        """Shares of the treated and of the controls.

        One for each row of weights (resamples x clusters).

            In the control arm a pair has the weight of its control's cluster, and a category that of its treated units:
            also giving pairs their treated unit's weight would count the chance of controls twice (3% instead of 5%).
        """
        own = weights[:, self._cluster]
        total = own.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            treated = own @ self._arrived / total
            control = np.zeros(len(weights))
            for category, of_control, event in self._strata:
                part = own[:, self._category == category].sum(axis=1) / total
                control += np.where(part > 0, part * _arrived_by_the_end(weights[:, of_control], event), 0.0)
        return treated, control


def _arrived_by_the_end(weight: Floats, event: npt.NDArray[np.bool_]) -> Floats:
    """One minus Kaplan-Meier at the horizon; columns are in the order of their ends, arrivals before other ends."""
    risk = np.cumsum(weight[:, ::-1], axis=1)[:, ::-1][:, event]
    step = np.where(risk > 0, weight[:, event] / np.maximum(risk, 1e-300), 0.0)
    share: Floats = 1.0 - np.prod(1.0 - step, axis=1)
    share[weight.sum(axis=1) == 0] = np.nan
    return share
