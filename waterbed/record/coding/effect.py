"""Effect of unresolved cases on shares and places.

At worst and at best.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from waterbed.judging.columns import NOTHING
from waterbed.judging.doubtful import Case
from waterbed.measures.ranking_tables import ranking_of
from waterbed.measures.totals import over_all_reports
from waterbed.model.conclusions import WITH_SHARE, RankingRow
from waterbed.record.coding.cases import unresolved
from waterbed.study.conclusions import Conclusions

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """Effect of the unresolved cases on one hoster."""

    key: Annotated[str, "hoster key"]
    name: Annotated[str, "name for people"]
    cases: Annotated[int, "unresolved cases at its addresses"]
    removed_24h: Annotated[float | None, "share removed within 24 h as things stand, 0..1; null: not ranked"]
    against: Annotated[float | None, "the least it can be, were each case up or each gone; null: not estimable"]
    in_favour: Annotated[float | None, "the most it can be"]
    place: Annotated[int | None, "place by speed as things stand, 1 = slowest, among those that have a share"]
    place_low: Annotated[int | None, "slowest place: its cases against it, all others' in their favour"]
    place_high: Annotated[int | None, "fastest place: its cases in its favour, all others' against them"]
    unreviewed: Annotated[bool, "whether a merge, split or succession behind it waits for two people, or is disputed"]


def effect(conclusions: Conclusions) -> list[EffectRow]:
    """The ranking's bounds over unresolved cases, slowest first.

    All unresolved cases are taken as still up, and then all as gone. Each world is concluded anew from the same facts,
    as if coders had settled every case so. A hoster's share hangs on its own URLs alone, so its two worlds bound it,
    and its place is bounded by its share in one and the others' in the other. Where a share is not estimable in a
    world, its bounds there are taken: what was out of sight at its worst or best. Shares are of all reports, also where
    one changed: a case more or less may decide whether it did.
    """
    open_ = unresolved(conclusions)
    now, *worlds = (
        {row.key: over_all_reports(row) for row in ranking_of(its)}
        for its in (
            conclusions,
            *(
                conclusions.with_(codes=dict.fromkeys((case.item_id for case in open_), code))
                for code in ("up", "gone")
            ),
        )
    )
    touched = _touched(conclusions, open_)
    keys = list(now)
    ends = [bounds([now[key], *(world[key] for world in worlds if key in world)]) for key in keys]
    low, high = (np.array([np.nan if end is None else end[n] for end in ends]) for n in (0, 1))
    share = np.array([np.nan if (removed := _share(now[key])) is None else removed for key in keys])
    first, last = place_bounds(low, high, ~np.isnan(share))
    place = places(share)
    book = conclusions.attributor.book.on(conclusions.until.date()) if conclusions.until else None
    rows = [
        EffectRow(
            key=key,
            name=now[key].name,
            cases=touched[key],
            removed_24h=_share(now[key]),
            against=None if (end := ends[n]) is None else end[0],
            in_favour=None if end is None else end[1],
            place=int(place[n]) or None,
            place_low=int(first[n]) or None,
            place_high=int(last[n]) or None,
            unreviewed=book is not None and book.unreviewed(key),
        )
        for n, key in enumerate(keys)
    ]
    return sorted(rows, key=lambda row: (row.place_low is None, row.place_low or 0, row.place_high or 0, row.key))


def _touched(conclusions: Conclusions, cases: Sequence[Case]) -> Counter[str]:
    """The number of cases at each hoster; cases are in the order of looks."""
    judged, found = conclusions.judged, Counter[str]()
    firsts = [case.first for case in cases]
    for its in judged.blocks():
        start = its.block.first
        for case in cases[bisect_left(firsts, start) : bisect_left(firsts, start + len(its.block))]:
            numbers = np.unique(its.attributed[case.first - start : case.last + 1 - start]).tolist()
            found.update({key for number in numbers if number != NOTHING for key in judged.made[number].hosters})
    return found


def _share(row: RankingRow) -> float | None:
    return row.removed_24h if row.rank_class in WITH_SHARE else None


def bounds(worlds: Sequence[RankingRow]) -> tuple[float, float] | None:
    """The least and the most share of one hoster.

    Over several worlds; None where one of them gives no share and no bounds.
    """
    low, high = [], []
    for row in worlds:
        share = _share(row)
        least, most = (share, share) if share is not None else (row.removed_24h_worst, row.removed_24h_best)
        if least is None or most is None:
            return None
        low.append(least)
        high.append(most)
    return min(low), max(high)


def places(shares: Floats) -> Ints:
    """Places by share, 1 = least.

    Equal shares have one place; 0 where there is no share.
    """
    known = np.sort(shares[~np.isnan(shares)])
    found: Ints = np.where(np.isnan(shares), 0, 1 + np.searchsorted(known, shares, side="left"))
    return found


def place_bounds(low: Floats, high: Floats, among: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """The first and the last place that each can have.

    1 = least share, when each lies anywhere in its bounds. Places are among those that `among` marks, and the one
    itself. Before it are surely those whose most is below its least, and possibly those whose least is below its most.
    0 where there are no bounds. Cost n log n.
    """
    there = ~np.isnan(low)
    others = among & there
    first = 1 + np.searchsorted(np.sort(high[others]), low, side="left")
    itself = others & (low < high)  # its own least is below its most
    last = 1 + np.searchsorted(np.sort(low[others]), high, side="left") - itself
    return np.where(there, first, 0), np.where(there, last, 0)
