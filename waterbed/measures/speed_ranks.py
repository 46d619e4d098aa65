"""Places by speed with their uncertainty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from statistics import median
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from waterbed.estimators.calendar_time import Worth
from waterbed.estimators.norm_tests import NormTest, below_norm
from waterbed.estimators.rank_sets import (
    cluster_weights,
    place_sets,
    share_among_first,
)
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import NOTHING
from waterbed.measures.constancy import clocks_of_share
from waterbed.measures.labels import Labels
from waterbed.measures.ranking import Each
from waterbed.measures.removal import Cases
from waterbed.measures.slowness import Ends, Side, drawn, lesser_of, side_of, without_one
from waterbed.measures.takedown import (
    MOVED,
    REMOVED,
    WITHIN_H,
    Clock,
    clocks,
    worth_within,
)
from waterbed.model.conclusions import WITH_SHARE, Episode, RankClass, RankingRow
from waterbed.model.progress import staged
from waterbed.model.results import PlaceRow
from waterbed.store.settings import Norm

WORST: Final = 10
RESAMPLES: Final = 1_000
FEWEST_OF_MEDIAN: Final = 10
"""Shares below which their median is no norm."""
PLACED: Final[tuple[RankClass, ...]] = (*WITH_SHARE, "views differ")
"""Classes of rows that have a place, if they have an interval."""
_NORM: Final = Norm()
_UNSURE: Final = 0.5
"""Error of arcsin sqrt of a share that is worth one outcome."""

Floats = npt.NDArray[np.float64]


def slowest_of(ranked: int) -> int:
    """The number of ranked rows called the slowest.

    A quarter, ten at most.
    """
    return max(1, min(WORST, ranked // 4))


def unplaced(
    rows: Sequence[RankingRow], groups: Mapping[str, Sequence[Episode]], labels: Labels | None
) -> list[PlaceRow]:
    """The rows of `speed_places` before any has a place."""

    def sites(row: RankingRow) -> int:
        return len({clock.site_id for clock in clocks(groups.get(row.key, ()), labels)})

    return [_row(row, sites=sites(row)) if row.rank_class in PLACED else _row(row) for row in rows]


def _has_place(row: RankingRow) -> bool:
    return row.rank_class in PLACED and row.removed_24h_low is not None


def speed_places(
    rows: Sequence[RankingRow],
    groups: Mapping[str, Sequence[Episode]],
    labels: Labels | None,
    *,
    until: datetime | None,
    norm: Norm = _NORM,
    rng: np.random.Generator,
    worst: int = WORST,
    resamples: int = RESAMPLES,
    each: Each = map,
    hidden: Mapping[str, Sequence[Clock]] = MappingProxyType({}),
    together: float = 1.0,
) -> list[PlaceRow]:
    """The places by speed of rows with an interval, slowest first.

    Rows of other classes follow, without a place. `labels` are those that the study has, `hidden` the clocks by key of
    which no check could be decided. Clusters are resampled over all groups at once, shares are compared as arcsin sqrt,
    whose error hardly depends on the share; it is at least that of the clusters' design effect, so that a group whose
    clusters all agree is not taken for certain, and that of the share's interval (`worth_within`): removals share
    chance over time, too. Places are those of the expected shares over repetitions of each process. A row is slower
    than another if its share in the best case is below the other's in the worst case: what was out of sight, or seen up
    by no check of ours, makes nobody quick, and a slow row that hides keeps its place. A share that changed counts
    since then; if it may have changed gradually, any value from that of one half to that of the other is possible, so
    that both lie below a norm that it lies below. `until` is the end of the measurement. Rows are `below_norm` by
    `below_norm`, at the norm's rate, in their best case. `each` works on groups, perhaps in several processes.
    """
    placed = [row for row in rows if _has_place(row)]
    others = [_row(row) for row in rows if not _has_place(row)]
    if not placed or until is None:
        return others
    own = [clocks_of_share(row, clocks(groups.get(row.key, ()), labels), hidden.get(row.key, ())) for row in placed]
    numbers: dict[str, int] = {}
    of = [[[numbers.setdefault(c.site_id, len(numbers)) for c in part] for part in its] for its in own]
    weights = cluster_weights(len(numbers), resamples, rng)

    def of_group(n: int) -> _Group:
        hides = placed[n].rank_class == "views differ"
        parts = zip(own[n], of[n], strict=True)
        return _Group.over(
            [_group(part, its, weights, until=until, hides=hides, together=together) for part, its in parts]
        )

    found = list(staged("places resampled", each(of_group, range(len(placed))), len(placed)))
    slow, quick = [one.best for one in found], [one.worst for one in found]
    noise = rng.standard_normal((resamples, len(placed)))
    lesser = [lesser_of(one.worst.worth, one.best.worth) for one in found]
    least = drawn(slow, lesser, noise, rng)
    most = least if slow == quick else drawn(quick, lesser, noise, rng)
    joint, alone = (
        place_sets(
            least.values,
            least.draws,
            upper=(most.values, most.draws),
            scales=(least.scales, most.scales),
            marginal=marginal,
        )
        for marginal in (False, True)
    )
    among = share_among_first(least.likely(), worst, upper=most.likely())
    tested = _against(norm, found)
    ranges = zip(without_one([one.worst for one in found]), without_one(slow), strict=True)
    by_speed = sorted(range(len(placed)), key=lambda n: slowest_first(placed[n]))
    made = [
        _row(
            row,
            place_low=int(joint.low[n]),
            place_high=int(joint.high[n]),
            slower_than=tuple(placed[other].key for other in by_speed if joint.above[n, other]),
            own_low=int(alone.low[n]),
            own_high=int(alone.high[n]),
            among_worst=round(float(among[n]), 4),
            **_range(row, low, high),
            **_over_halves(row, found[n]),
            **tested[n],
            sites=min(len(set(its)) for its in of[n]),
        )
        for n, (row, (low, high)) in enumerate(zip(placed, ranges, strict=True))
    ]
    return sorted(made, key=slowest_first) + others


def slowest_first(row: RankingRow | PlaceRow) -> tuple[float, float, str]:
    """The order of rows by speed: by the best case, then by the worst; rows without a share last."""
    best, worst = row.removed_24h_best, row.removed_24h_worst
    return (2.0 if best is None else best, 2.0 if worst is None else worst, row.key)


_Parts: TypeAlias = Sequence[tuple[float, Worth | Refusal]]
"""Shares of which any may be that of a group, and what they are worth."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Group:
    """A group in both cases.

    `named` is the best case that names rest on, with a worth that false reports and hiding hardly lessen
    (`Cases.ends`), of each part of a share that may be that of any of them. Content that moved away in time counts in
    it, too: its hoster had not the time that the norm gives. `open` counts the clocks that it has beyond the worst
    case, but where every removal may be a hidden URL, and `without` is the share if none of them was removed. `known`
    is the worst case of the reports whose content enough checks of ours saw up, or that none could decide, None where
    each may be hidden or there is none.
    """

    worst: Side
    best: Side
    open: int
    named: "_Parts"
    without: "_Parts"
    known: float | None

    @classmethod
    def over(cls, parts: Sequence["_Group"]) -> "_Group":
        """The group of a share that may be that of any of its parts: from the least worst to the largest best case.

        Both are worth no more than the least of any part.
        """
        sides = [side for one in parts for side in (one.worst, one.best)]
        worth = reduce(lesser_of, (side.worth for side in sides)) if len(parts) > 1 else None

        def joined(side: Side) -> Side:
            return replace(side, worth=worth) if worth else side

        return cls(
            worst=joined(min((one.worst for one in parts), key=lambda side: side.share)),
            best=joined(max((one.best for one in parts), key=lambda side: side.share)),
            open=sum(one.open for one in parts),
            named=[share for one in parts for share in one.named],
            without=[share for one in parts for share in one.without],
            known=min((one.known for one in parts if one.known is not None), default=None),
        )


def _group(
    own: Sequence[Clock],
    of: Sequence[int],
    weights: npt.NDArray[np.uint8],
    *,
    until: datetime,
    hides: bool,
    together: float,
) -> _Group:
    cases = Cases.of(own, WITHIN_H, until=until, hides=hides)
    if cases is None:
        raise ValueError("a group with a share has clocks that reach its hours")

    def worth_of(clocks: Sequence[Clock]) -> Worth | Refusal:
        return worth_within(clocks, WITHIN_H, (REMOVED,), until=until, together=together)

    best = side_of(cases.best, of, weights, worth_of(cases.best.clocks))
    worst = best
    if cases.worst is not cases.best:
        worst = side_of(cases.worst, of, weights, worth_of(cases.worst.clocks))
    settled = cases.settled(worth_of) if cases.differing else best.worth
    rest = 1.0 - sum(one.cause != NOTHING and not one.seen_by_check for one in own) / len(own)
    moved = sum(one.cause == MOVED and one.right_h <= WITHIN_H for one in cases.alike)
    named, worth = (cases.ends()[1], settled) if cases.few_open else (best.share, best.worth)
    return _Group(
        worst=worst,
        best=best,
        open=0 if hides else len(cases.differing) + moved,
        named=[(min(1.0, named + cases.best.moved), worth)],
        without=[(cases.worst.share, settled)],
        known=None if hides or rest <= 0.0 else min(1.0, cases.worst.share / rest),
    )


def _over_halves(row: RankingRow, group: _Group) -> dict[str, float | None]:
    """Shares of a row that may have changed gradually: no single one, and the cases of both halves."""
    if row.rank_class != "changed" or row.changed_before:
        return {}
    return {
        "removed_24h": None,
        "removed_24h_worst": round(group.worst.share, 6),
        "removed_24h_best": round(group.best.share, 6),
    }


def _range(row: RankingRow, low: Ends, high: Ends) -> dict[str, float | None]:
    """Least and largest share without any one cluster, of the worst and the best case."""
    ends = [low[0], high[1], row.removed_24h_worst, row.removed_24h_best]
    known = [end for end in ends if end is not None]
    if low[0] is None or high[1] is None:
        return {"without_one_low": None, "without_one_high": None}
    return {"without_one_low": round(min(known), 6), "without_one_high": round(max(known), 6)}


def _against(norm: Norm, groups: Sequence[_Group]) -> list[dict[str, Any]]:
    """Each share of the best case against the norm; a share without an interval is none of the tests.

    A norm that lies below the median is estimated, and nothing is tested below FEWEST_OF_MEDIAN shares. The median is
    that of worst cases without what no check saw up: wrong reports at some groups do not move it, and hiding there
    does not raise it. Where a group is below the norm in its worst case alone, the number of clocks that make the
    difference is said.
    """
    relative = norm.below_median > 0
    known = [one.known for one in groups if one.known is not None]
    share = median(known) - norm.below_median if relative and known else norm.share
    found: list[dict[str, Any]] = [{} for _ in groups]
    if not 0.0 < share < 1.0 or (relative and len(known) < FEWEST_OF_MEDIAN):
        return found
    named = [_least_sure(one.named, share) for one in groups]
    without = [_least_sure(one.without, share) for one in groups]
    alone = _tested(without, share, norm, alone=True)
    for n, (adjusted, bound, below) in _tested(named, share, norm).items():
        found[n] = {
            "norm": round(share, 6),
            "norm_p": round(adjusted, 6),
            "norm_bound": round(bound, 6),
            "below_norm": below,
        }
        if not below and groups[n].open and n in alone and alone[n][2]:
            # the others stay as they are: what is open of them lends this row no leniency
            decided = _tested([*named[:n], without[n], *named[n + 1 :]], share, norm)
            found[n]["below_norm_but_for"] = groups[n].open if decided[n][2] else None
    return found


def _least_sure(parts: _Parts, norm: float) -> tuple[float, Worth | Refusal]:
    """Of the shares that a group may have, the one that is least surely below a norm; a refused one first."""

    def p(one: tuple[float, Worth | Refusal]) -> float:
        share, worth = one
        return 2.0 if isinstance(worth, Refusal) else float(_test([(share, worth)], norm, _NORM).p[0])

    return parts[0] if len(parts) == 1 else max(parts, key=p)


def _tested(
    shares: Sequence[tuple[float, Worth | Refusal]], norm: float, rule: Norm, *, alone: bool = False
) -> dict[int, tuple[float, float, bool]]:
    """By number of the share: p value, adjusted for all or `alone`, own bound, whether it is surely below the norm."""
    told = [(n, share, worth) for n, (share, worth) in enumerate(shares) if not isinstance(worth, Refusal)]
    if not told:
        return {}
    test = _test([(share, worth) for _, share, worth in told], norm, rule)
    adjusted = test.p if alone else test.adjusted
    below = (adjusted <= rule.rate) & (test.bound < norm)
    return {n: (float(adjusted[at]), float(test.bound[at]), bool(below[at])) for at, (n, _, _) in enumerate(told)}


def _test(shares: Sequence[tuple[float, Worth]], norm: float, rule: Norm) -> NormTest:
    return below_norm(
        [share for share, _ in shares],
        [0.25 / worth.error**2 for _, worth in shares],
        [worth.freedom for _, worth in shares],
        norm,
        rate=rule.rate,
        dependent=rule.below_median > 0,
    )


def _row(row: RankingRow, **places: Any) -> PlaceRow:
    blank: dict[str, Any] = dict.fromkeys(
        ("place_low", "place_high", "own_low", "own_high", "among_worst", "without_one_low", "without_one_high")
    )
    blank |= {
        "sites": row.sites,
        "removed_24h": row.removed_24h,
        "removed_24h_worst": row.removed_24h_worst,
        "removed_24h_best": row.removed_24h_best,
    }
    return PlaceRow(
        key=row.key,
        name=row.name,
        first_down=row.first_down,
        rank_class=row.rank_class,
        **blank | places,
    )
