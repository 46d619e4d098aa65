"""Arrivals elsewhere of one place's content, against the time before an event and against the time that follows.

All comparisons are of its own content; `reappearance` compares with other content of the same time.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from waterbed.estimators.rank_sets import cluster_weights
from waterbed.estimators.reappearance import Floats, Ints, Units, delays, within_sorted
from waterbed.estimators.refusal import Refusal, too_few
from waterbed.model.message import Count, Message

_ROUNDS = 40
"""Tries at finding content that was up at an age before a treated unit counts as unmatched."""
_MOST_UNMATCHED = 0.2
"""Largest share of treated units without such content for a comparison to be given."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """A share that arrived elsewhere within the horizon, and the one that it is compared with.

    `excess` is their difference, with its interval; `p` is one-sided, of a share that is not larger. `treated` counts
    units, `clusters` their clusters; `parts` are the clusters of the treated that arrived and did not, and those of
    what they are compared with.
    """

    share: float
    other: float
    excess: float
    low: float
    high: float
    p: float
    smallest_p: float
    treated: int
    clusters: int
    parts: tuple[int, int, int, int]


def over_past(
    units: Units,
    rng: np.random.Generator,
    *,
    treated: npt.NDArray[np.bool_],
    horizon: float,
    observed_until: float,
    first: float,
    last: float,
    each: int = 10,
    resamples: int = 999,
    level: float = 0.95,
) -> Compared | Refusal:
    """Compare arrivals after an end with those of content that was up at the same age before.

    `units` are all of one place; `treated` marks those whose ends are asked about, at age u each. Units of its category
    and of other clusters that were up at age u, at a time from `first` on, are drawn for it, each with the arrivals
    within the `horizon` after that age, all before `last`. What became of them there makes no difference: some ended,
    and came up elsewhere, as without an event. So owners who move content at a constant rate show no excess. Whole
    clusters are resampled, in both arms at once. Refuses too few clusters in an arm, and too many units without match.
    """
    chosen = np.flatnonzero(treated & np.isfinite(units.ended) & (units.ended + horizon <= observed_until))
    clusters = _clusters(units, chosen)
    refused = too_few(clusters.n, Message.of("{clusters} ended early enough to be followed", clusters=clusters))
    if refused:
        return refused
    owner, past = _up_at(units, chosen, rng, first=first, last=last - horizon, each=each)
    matched_units = np.unique(owner)
    clusters = _clusters(units, past)
    refused = too_few(
        clusters.n, Message.of("{clusters} of its own were up at that age before the event", clusters=clusters)
    )
    if refused:
        return refused
    if chosen.size - matched_units.size > _MOST_UNMATCHED * chosen.size:
        return Refusal(
            Message.of(
                "for {unmatched} of {ended} nothing of its own was up at that age before the event",
                unmatched=Count(chosen.size - matched_units.size),
                ended=Count(chosen.size, "ended unit"),
            )
        )
    age = units.ended[owner] - units.started[owner]
    arrived, then = (
        _came(units, matched_units, units.ended[matched_units], horizon),
        _came(units, past, units.started[past] + age, horizon),
    )
    return _compared(units, (matched_units, arrived), (past, then), rng, resamples, level)


def over_later(
    units: Units,
    rng: np.random.Generator,
    *,
    treated: npt.NDArray[np.bool_],
    horizon: float,
    observed_until: float,
    resamples: int = 999,
    level: float = 0.95,
) -> Compared | Refusal:
    """Compare arrivals within the horizon after an end with those of the horizon that follows it.

    Of the same units, each its own control (as Farrington, Biometrics 51, 1995): neither owners who move content at a
    constant rate, nor searches that find more of it from some day on, make the first larger. Refuses too few clusters
    that were followed for both.
    """
    chosen = np.flatnonzero(treated & np.isfinite(units.ended) & (units.ended + 2.0 * horizon <= observed_until))
    clusters = _clusters(units, chosen)
    refused = too_few(
        clusters.n, Message.of("{clusters} were followed for twice the horizon after an end", clusters=clusters)
    )
    if refused:
        return refused
    arrived, then = (_came(units, chosen, units.ended[chosen] + wait, horizon) for wait in (0.0, horizon))
    return _compared(units, (chosen, arrived), (chosen, then), rng, resamples, level)


def since_first_seen(
    units: Units,
    rng: np.random.Generator,
    *,
    before_event: npt.NDArray[np.bool_],
    after: npt.NDArray[np.bool_],
    horizon: float,
    resamples: int = 999,
    level: float = 0.95,
) -> Compared | Refusal:
    """Compare arrivals within the horizon after content was first seen, after an event with before it.

    Whatever became of it: so content that went offline before and moved is in both, which leaves little power. Shares
    of categories are those after, of categories seen in both times. Both marked times must be followed for the
    `horizon`. Refuses too few clusters in either.
    """
    common = np.intersect1d(units.category[before_event], units.category[after])
    is_common = np.isin(units.category, common)
    new, old = np.flatnonzero(after & is_common), np.flatnonzero(before_event & is_common)
    for rows, reason in (
        (new, Message.of("{clusters} first seen after the event were followed", clusters=_clusters(units, new))),
        (old, Message.of("{clusters} first seen before the event were followed", clusters=_clusters(units, old))),
    ):
        if refused := too_few(_clusters(units, rows).n, reason):
            return refused
    arrived, then = (_came(units, rows, units.started[rows], horizon) for rows in (new, old))
    return _compared(units, (new, arrived), (old, then), rng, resamples, level)


def _came(units: Units, rows: Ints, index: Floats, horizon: float) -> npt.NDArray[np.bool_]:
    """Whether each unit arrived elsewhere within the horizon after a time."""
    return delays(units.arrivals, rows, index) <= horizon


def _clusters(units: Units, rows: Ints) -> Count:
    return Count(np.unique(units.cluster[rows]).size, "cluster")


def _compared(
    units: Units,
    own: tuple[Ints, npt.NDArray[np.bool_]],
    others: tuple[Ints, npt.NDArray[np.bool_]],
    rng: np.random.Generator,
    resamples: int,
    level: float,
) -> Compared:
    """Compare units with others, of which it is known if they arrived; shares of categories are those of the first."""
    (treated, arrived), (rows, then) = own, others
    strata = [
        (units.category[treated] == category, units.category[rows] == category)
        for category in np.unique(units.category[treated])
    ]

    def apart(weights: Floats) -> tuple[Floats, Floats]:
        each, other = weights[:, units.cluster[treated]], weights[:, units.cluster[rows]]
        total, expected = each.sum(axis=1), np.zeros(len(weights))
        with np.errstate(divide="ignore", invalid="ignore"):
            for in_treated, theirs in strata:
                part = each[:, in_treated].sum(axis=1) / total
                share = other[:, theirs] @ then[theirs].astype(float) / other[:, theirs].sum(axis=1)
                expected += np.where(part > 0, part * share, 0.0)
            return each @ arrived.astype(float) / total, expected

    size = int(units.cluster.max()) + 1
    share, other = (float(arm[0]) for arm in apart(np.ones((1, size))))
    draws = np.subtract(*apart(cluster_weights(size, resamples, rng).astype(float))) - (share - other)
    draws = draws[np.isfinite(draws)]
    rank = min(int(np.ceil(level * (draws.size + 1))), draws.size)
    reach = float(np.sort(np.abs(draws))[rank - 1])
    groups = (treated[arrived], treated[~arrived], rows[then], rows[~then])
    first, two, three, four = (np.unique(units.cluster[group]).size for group in groups)
    return Compared(
        share=share,
        other=other,
        excess=share - other,
        low=share - other - reach,
        high=share - other + reach,
        p=float((1 + (draws >= share - other).sum()) / (draws.size + 1)),
        smallest_p=1.0 / (draws.size + 1),
        treated=treated.size,
        clusters=np.unique(units.cluster[treated]).size,
        parts=(first, two, three, four),
    )


def _up_at(
    units: Units, treated: Ints, rng: np.random.Generator, *, first: float, last: float, each: int
) -> tuple[Ints, Ints]:
    """Draw units that were up at the age at which each treated one ended, between two times.

    Uniformly among the eligible and with replacement; treated units, and what was drawn for each.
    """
    order = np.lexsort((units.started, units.category))
    started, category = units.started[order], units.category[order]
    bounds = np.searchsorted(category, [units.category[treated], units.category[treated] + 1])
    age = units.ended[treated] - units.started[treated]
    low = within_sorted(started, bounds, first - age, "left")
    high = within_sorted(started, bounds, last - age, "right")
    slot_low, slot_high = np.repeat(low, each), np.repeat(high, each)
    owner, slot_age = np.repeat(treated, each), np.repeat(age, each)
    picked = np.full(owner.size, -1, np.int64)
    open_ = np.flatnonzero(slot_high > slot_low)
    for _ in range(_ROUNDS):
        if not open_.size:
            break
        tried = order[rng.integers(slot_low[open_], slot_high[open_])]
        good = units.there_until[tried] > units.started[tried] + slot_age[open_]
        good &= units.cluster[tried] != units.cluster[owner[open_]]
        picked[open_[good]] = tried[good]
        open_ = open_[~good]
    hit = picked >= 0
    return owner[hit], picked[hit]
