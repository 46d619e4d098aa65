"""Excess of arrivals elsewhere after an end, against controls.

First arrivals; controls are matched while both were at risk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from waterbed.estimators.detection import SetBounds
from waterbed.estimators.identified import critical_value
from waterbed.estimators.rank_sets import cluster_weights
from waterbed.estimators.refusal import LEAST_CLUSTERS, Refusal, too_few
from waterbed.model.message import Count, Message, Number, Share

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
    `cluster` integer labels from 0. Arrivals elsewhere are rows of their own, in `arrivals`: unit and time; `ways` says
    how each was found, in labels from 0, the surest first (empty: all in the same way). `gone` is when it was no longer
    there, by any cause (inf: it still is; empty: it went by those ends alone).
    """

    started: Floats
    ended: Floats
    category: Ints
    cluster: Ints
    arrivals: tuple[Ints, Floats]
    ways: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    gone: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def there_until(self) -> Floats:
        """When each was no longer there, by any cause."""
        return self.gone if self.gone.size else self.ended

    def taken(self, rows: Ints) -> "Units":
        """These rows alone, with their arrivals."""
        place = np.full(self.started.size, -1, np.int64)
        place[rows] = np.arange(rows.size)
        selected = place[self.arrivals[0]] >= 0
        return Units(
            started=self.started[rows],
            ended=self.ended[rows],
            category=self.category[rows],
            cluster=self.cluster[rows],
            arrivals=(place[self.arrivals[0][selected]], self.arrivals[1][selected]),
            ways=self.ways[selected] if self.ways.size else self.ways,
            gone=self.gone[rows] if self.gone.size else self.gone,
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
    resampled errors in order, `treated` counts units, `clusters` their clusters, `controls` those of their controls,
    `unmatched` treated units for which no control was found. `by_way` is the difference by the way that arrivals were
    found, first of the data, then of the resamples. `parts` are the clusters of the treated units that arrived and did
    not, and those of the controls.
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
    controls: int
    by_way: Floats
    parts: tuple[int, int, int, int]

    def ends(self, level: float) -> tuple[float, float]:
        """Ends of the difference's interval at a level."""
        rank = min(int(np.ceil(level * (self.reach.size + 1))), self.reach.size)
        reach, (below, above) = float(self.reach[rank - 1]), self.unseen(level)
        return self.excess - max(reach, below), self.excess + max(reach, above)

    def unseen(self, level: float) -> tuple[float, float]:
        """Return what an arm without arrivals may have missed.

        Below for the controls, above for the treated: resampling nothing gives nothing, and of n clusters without one
        as many as -log((1 - level) / 2) / n could have one.
        """
        below, above = -np.log((1 - level) / 2) / np.array([self.controls, self.clusters])
        return float(below) * (self.control_share == 0), float(above) * (self.treated_share == 0)

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
    that started within `age_within` of it, were there then (started before, gone later), and belong to another cluster:
    matching within the risk set (Li, Propert and Rosenbaum, Journal of the American Statistical Association 96, 2001).
    Linear in units: candidates are drawn from the run of like age and tested.
    """
    order = np.lexsort((units.started, units.category))
    started, category = units.started[order], units.category[order]
    bounds = np.searchsorted(category, [units.category[treated], units.category[treated] + 1])
    index = units.ended[treated]
    first = within_sorted(started, bounds, units.started[treated] - age_within, "left")
    last = within_sorted(started, bounds, np.minimum(units.started[treated] + age_within, index), "right")
    slot_first, slot_last = np.repeat(first, each), np.repeat(last, each)
    owner = np.repeat(treated, each)
    picked = np.full(owner.size, -1, np.int64)
    open_ = np.flatnonzero(slot_last > slot_first)
    for _ in range(_ROUNDS):
        if not open_.size:
            break
        tried = order[rng.integers(slot_first[open_], slot_last[open_])]
        open_owner = owner[open_]
        good = (units.there_until[tried] > units.ended[open_owner]) & (units.started[tried] <= units.ended[open_owner])
        good &= units.cluster[tried] != units.cluster[open_owner]
        picked[open_[good]] = tried[good]
        open_ = open_[~good]
    hit = picked >= 0
    return Matches(treated=owner[hit], control=picked[hit], unmatched=int(treated.size - np.unique(owner[hit]).size))


def within_sorted(started: Floats, bounds: Ints, when: Floats, side: str) -> Ints:
    """Return each time's position in its category's sorted starts.

    Bisection of all at once.
    """
    low: Ints = bounds[0].copy()
    high: Ints = bounds[1].copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        value = started[np.minimum(middle, started.size - 1)]
        right = open_ & ((value < when) if side == "left" else (value <= when))
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
    followed = np.isfinite(units.ended) & (units.ended + horizon <= observed_until)
    chosen = np.flatnonzero(followed if treated is None else followed & treated)
    clusters = np.unique(units.cluster[chosen]).size
    refused = too_few(
        clusters,
        Message.of(
            "{clusters} ended early enough to be followed for the whole horizon", clusters=Count(clusters, "cluster")
        ),
    )
    refused = refused or _lopsided(units.cluster[chosen])
    if refused:
        return refused
    pairs = matched(units, chosen, rng, age_within=age_within, each=each)
    if pairs.unmatched > _MOST_UNMATCHED * chosen.size:
        return Refusal(
            Message.of(
                "{unmatched} of {ended} lack a control of like age and category",
                unmatched=Count(pairs.unmatched),
                ended=Count(chosen.size, "ended unit"),
            )
        )
    matched_units = np.unique(pairs.treated)
    arms = _Arms(units, pairs, matched_units, horizon)
    if arms.least_at_risk < _LEAST_AT_RISK:
        return Refusal(
            Message.of(
                "of a category's controls {share} are still up at the horizon, {least} are needed",
                share=Share(arms.least_at_risk, 1),
                least=Share(_LEAST_AT_RISK),
            )
        )
    size = int(units.cluster.max()) + 1
    treated_shares, other, own_ways = arms.shares(np.ones((1, size)))
    *arm_shares, ways = arms.shares(cluster_weights(size, resamples, rng).astype(float))
    apart = np.subtract(*arm_shares)
    draws = apart[np.isfinite(apart)]
    excess = float(treated_shares[0] - other[0])
    reach = np.sort(np.abs(draws - excess))
    return Excess(
        treated_share=float(treated_shares[0]),
        control_share=float(other[0]),
        excess=excess,
        reach=reach,
        level=level,
        p=float((1 + (reach >= abs(excess)).sum()) / (reach.size + 1)),
        smallest_p=1.0 / (reach.size + 1),
        treated=matched_units.size,
        clusters=np.unique(units.cluster[matched_units]).size,
        unmatched=pairs.unmatched,
        controls=np.unique(units.cluster[pairs.control]).size,
        by_way=np.vstack([own_ways, ways[np.isfinite(apart)]]),
        parts=arms.parts,
    )


def corrected_excess(excess: Excess, detection: Sequence[tuple[float, float]], *, level: float = 0.95) -> SetBounds:
    """Return bounds of the excess, of arrivals found or not.

    `detection` holds, for each way, the lowest and highest part of its arrivals that are found, with or without an end.
    An arrival stands for 1 / detection arrivals (Horvitz and Thompson, Journal of the American Statistical Association
    47, 1952); one unit counts once, by its surest way. Units that arrive several times in one way are found more often
    than that, and count for too many. The ends of the range are a set in which nothing in the data decides; beyond them
    it is chance, from the resampled clusters, so that each point of the set is held with `level` (Imbens and Manski,
    Econometrica 72, 2004). Raises ValueError unless each way has a detection within 0..1.
    """
    least, most = np.array(detection, dtype=float).reshape(-1, 2).T
    if excess.by_way.shape[1] > least.size or (least <= 0).any() or (least > most).any() or (most > 1).any():
        raise ValueError("each way has a lowest and a highest detection in 0..1, in this order")
    few, many = (excess.by_way / end[: excess.by_way.shape[1]] for end in (most, least))
    low, high = np.minimum(few, many).sum(axis=1), np.maximum(few, many).sum(axis=1)
    width, error = float(high[0] - low[0]), float(max(low[1:].std(), high[1:].std()))
    reach = error * critical_value(width, error, excess.clusters, level=level)
    below, above = (end / least.min() for end in excess.unseen(level))
    return SetBounds(
        low=max(-1.0, float(low[0]) - max(reach, below)),
        high=min(1.0, float(high[0]) + max(reach, above)),
        set_low=max(-1.0, float(low[0])),
        set_high=min(1.0, float(high[0])),
    )


def _lopsided(cluster: Ints) -> Refusal | None:
    """Refuse if few clusters hold nearly all units.

    Resampled clusters then have no usable spread.
    """
    sizes = np.bincount(cluster).astype(float)
    effective = float(sizes.sum() ** 2 / np.square(sizes).sum())
    if effective >= LEAST_CLUSTERS:
        return None
    return Refusal(
        Message.of(
            "the largest cluster holds {share} of all ended units, which leaves the worth of {alike} equal clusters "
            "where {least} are needed: take one unit of each cluster and category",
            share=Share(sizes.max() / sizes.sum()),
            alike=Number(effective, decimals=1),
            least=Number(LEAST_CLUSTERS),
        ),
        "sites",
    )


def delays(arrivals: tuple[Ints, Floats], unit: Ints, index: Floats) -> Floats:
    """Return times from index to first arrival; inf: none."""
    owner, when = np.asarray(arrivals[0], np.int64), np.asarray(arrivals[1], float)
    if not owner.size:
        return np.full(unit.size, np.inf)
    order = np.lexsort((when, owner))
    owner, when = owner[order], when[order]
    bounds = np.searchsorted(owner, [unit, unit + 1])
    position = within_sorted(when, bounds, index, "right")
    first = when[np.minimum(position, when.size - 1)]
    return np.where(position < bounds[1], first - index, np.inf)


def _ways(units: Units, unit: Ints, index: Floats, until: Floats) -> tuple[Floats, Ints]:
    """Time to the first arrival after the index, and the surest way of those by `until`; -1 where there is none."""
    if not units.ways.size:
        delay = delays(units.arrivals, unit, index)
        return delay, np.where(delay <= until, 0, -1)
    owner, when = units.arrivals
    each = np.column_stack(
        [
            delays((owner[units.ways == route], when[units.ways == route]), unit, index)
            for route in range(int(units.ways.max()) + 1)
        ]
    )
    in_time = each <= until[:, None]
    return each.min(axis=1), np.where(in_time.any(axis=1), in_time.argmax(axis=1), -1)


class _Arms:
    """The shares of both arms, for any weights of clusters."""

    def __init__(self, units: Units, pairs: Matches, treated: Ints, horizon: float) -> None:
        self._number = int(units.ways.max(initial=0)) + 1
        _, self._way = _ways(units, treated, units.ended[treated], np.full(treated.size, horizon))
        self._cluster, self._category = units.cluster[treated], units.category[treated]
        index = units.ended[pairs.treated]
        remaining = units.ended[pairs.control] - index
        delay, route = _ways(units, pairs.control, index, np.minimum(remaining, horizon))
        self._strata = []
        at_risk = []
        for category in np.unique(self._category):
            in_category = units.category[pairs.treated] == category
            end = np.minimum(np.minimum(delay[in_category], remaining[in_category]), horizon)
            order = np.lexsort((route[in_category] < 0, end))
            self._strata.append(
                (int(category), units.cluster[pairs.control[in_category][order]], route[in_category][order])
            )
            at_risk.append(float((remaining[in_category] >= horizon).mean()))
        self.least_at_risk = min(at_risk)

    @property
    def parts(self) -> tuple[int, int, int, int]:
        """Clusters with and without an arrival, treated first."""
        control = np.concatenate([clusters for _, clusters, _ in self._strata])
        arrived = np.concatenate([route for *_, route in self._strata]) >= 0
        treated_arrived = self._way >= 0
        groups = (self._cluster[treated_arrived], self._cluster[~treated_arrived], control[arrived], control[~arrived])
        first, two, three, four = (np.unique(group).size for group in groups)
        return first, two, three, four

    def shares(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Shares of both arms, and their difference by way.

        One for each row of weights (resamples x clusters).

            In the control arm a pair has the weight of its control's cluster, and a category that of its treated units:
            also giving pairs their treated unit's weight would count the chance of controls twice (3% instead of 5%).
        """
        unit_weights = weights[:, self._cluster]
        total = unit_weights.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            treated = unit_weights @ (self._way >= 0).astype(float) / total
            by_way = unit_weights @ (self._way[:, None] == np.arange(self._number)).astype(float) / total[:, None]
            control = np.zeros(len(weights))
            for category, of_control, route in self._strata:
                part = unit_weights[:, self._category == category].sum(axis=1) / total
                share, ways = _arrived_by_the_end(weights[:, of_control], route, self._number)
                control += np.where(part > 0, part * share, 0.0)
                by_way -= np.where(part[:, None] > 0, part[:, None] * ways, 0.0)
        return treated, control, by_way


def _arrived_by_the_end(weight: Floats, route: Ints, number: int) -> tuple[Floats, Floats]:
    """One minus Kaplan-Meier at the horizon, and its parts by way (Aalen and Johansen).

    Columns are in the order of their ends, arrivals before other ends.
    """
    event = route >= 0
    risk = np.cumsum(weight[:, ::-1], axis=1)[:, ::-1][:, event]
    step = np.where(risk > 0, weight[:, event] / np.maximum(risk, 1e-300), 0.0)
    share: Floats = 1.0 - np.prod(1.0 - step, axis=1)
    survival = np.cumprod(np.column_stack([np.ones(len(step)), 1.0 - step]), axis=1)[:, :-1]
    ways: Floats = (survival * step) @ (route[event][:, None] == np.arange(number)).astype(float)
    nothing = weight.sum(axis=1) == 0
    share[nothing], ways[nothing] = np.nan, np.nan
    return share, ways
