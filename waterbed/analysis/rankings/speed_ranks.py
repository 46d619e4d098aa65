"""Places by speed with their uncertainty.

Also the share removed by hoster beside the share by content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean, median
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt

from waterbed.analysis.rankings.ranking import UNKNOWN, Each
from waterbed.analysis.rankings.takedown import (
    FEWEST_SITES,
    REMOVED,
    WITHIN_H,
    Clock,
    clocks,
    most_removed,
    worth_within,
)
from waterbed.estimators.calendar_time import LEAST_FREEDOM, Worth
from waterbed.estimators.cluster_shares import pooled_correlation, ratio_error
from waterbed.estimators.norm_tests import below_norm
from waterbed.estimators.rank_sets import cluster_weights, leave_one_out, place_sets, share_among_first, widened
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.resampling import ResampledShare, resampled_share
from waterbed.model.conclusions import Episode, RankClass, RankingRow
from waterbed.model.progress import staged
from waterbed.model.results import PlaceRow
from waterbed.store.settings import Norm

WORST: Final = 10
RESAMPLES: Final = 1_000
FEWEST_OF_MEDIAN: Final = 10
"""Shares below which their median is no norm."""
_FEW: Final[tuple[RankClass, ...]] = ("too few", "proxy", "no address")
"""Classes of rows for which no share is looked for."""
_NORM: Final = Norm()
_UNSURE: Final = 0.5
"""Error of arcsin sqrt of a share that is worth one outcome."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """One share seen by hosters and by content."""

    hosters: Annotated[int, "hosters whose share is given"]
    by_hoster: Annotated[float, "mean of their shares: each hoster counts once"]
    middle: Annotated[float, "median of their shares"]
    slow: Annotated[int, "hosters that removed less than half"]
    by_content: Annotated[float, "mean of their shares weighted by their clocks: each clock counts once"]
    clocks: Annotated[int, "these clocks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The part of a ranking that its shares cover.

    Of hosters with enough sites, and proxies aside.
    """

    shares: Annotated[int, "hosters whose share is given"]
    hosters: Annotated[int, "hosters with enough sites"]
    clocks: Annotated[int, "clocks of those whose share is given"]
    of_clocks: Annotated[int, "clocks of all these hosters"]

    @property
    def told(self) -> bool:
        """True if half of them have a share."""
        return 2 * self.shares >= self.hosters > 0

    @property
    def words(self) -> str:
        """The coverage in words; empty where it is whole."""
        if self.shares == self.hosters:
            return ""
        return (
            f"only {self.shares:,} of {self.hosters:,} hosters with at least {FEWEST_SITES} sites "
            f"{'has' if self.shares == 1 else 'have'} a share, with {self.clocks:,} of {self.of_clocks:,} clocks"
        )


def coverage(rows: Sequence[RankingRow]) -> Coverage:
    """Count what the shares of a ranking by hoster cover."""
    enough = [row for row in rows if row.key != UNKNOWN and row.rank_class not in _FEW]
    shared = [row for row in enough if row.rank_class == "ranked" and row.removed_24h is not None]
    return Coverage(
        shares=len(shared),
        hosters=len(enough),
        clocks=sum(row.episodes for row in shared),
        of_clocks=sum(row.episodes for row in enough),
    )


def slowest_of(ranked: int) -> int:
    """The number of ranked rows called the slowest.

    A quarter, ten at most.
    """
    return max(1, min(WORST, ranked // 4))


def weighing(rows: Sequence[RankingRow]) -> Weighing | None:
    """Weigh the removal shares by hoster and by content.

    Ranked rows only; None where no row has a share.
    """
    shares = [(row.removed_24h, row.episodes) for row in rows if row.rank_class == "ranked" and row.key != UNKNOWN]
    told = [(share, clocks) for share, clocks in shares if share is not None]
    if not told:
        return None
    each, number = [share for share, _ in told], sum(clocks for _, clocks in told)
    return Weighing(
        hosters=len(told),
        by_hoster=fmean(each),
        middle=median(each),
        slow=sum(share < 0.5 for share in each),
        by_content=sum(share * clocks for share, clocks in told) / number,
        clocks=number,
    )


def unplaced(
    rows: Sequence[RankingRow], groups: Mapping[str, Sequence[Episode]], clusters: Mapping[str, int]
) -> list[PlaceRow]:
    """The rows of `speed_places` before any has a place."""

    def sites(row: RankingRow) -> int:
        return len({_in_cluster(clock, clusters).site_id for clock in clocks(groups.get(row.key, ()))})

    return [_row(row, sites=sites(row)) if row.rank_class == "ranked" else _row(row) for row in rows]


def speed_places(
    rows: Sequence[RankingRow],
    groups: Mapping[str, Sequence[Episode]],
    clusters: Mapping[str, int],
    *,
    until: datetime | None,
    norm: Norm = _NORM,
    rng: np.random.Generator,
    worst: int = WORST,
    resamples: int = RESAMPLES,
    each: Each = map,
) -> list[PlaceRow]:
    """The places by speed of ranked rows, slowest first.

    Rows of other classes follow, without a place. `clusters` gives each site its cluster. Clusters are resampled over
    all groups at once, shares are compared as arcsin sqrt, whose error hardly depends on the share; it is at least that
    of the clusters' design effect, so that a group whose clusters all agree is not taken for certain, and that of the
    share's interval (`worth_within`): removals share chance over time, too. Places are those of the expected shares
    over repetitions of each process. `until` is the end of the measurement. Rows are `below_norm` by `below_norm`, at
    the norm's rate, with removals that were not confirmed taken for such: what is put back soon was removed. `each`
    works on groups, perhaps in several processes.
    """
    ranked = [row for row in rows if row.rank_class == "ranked"]
    others = [_row(row) for row in rows if row.rank_class != "ranked"]
    if not ranked or until is None:
        return others
    own = [[_in_cluster(c, clusters) for c in clocks(groups.get(row.key, ()))] for row in ranked]
    numbers: dict[str, int] = {}
    of = [[numbers.setdefault(c.site_id, len(numbers)) for c in group] for group in own]
    weights = cluster_weights(len(numbers), resamples, rng)
    values, draws, parts, worth = list[Floats](), list[Floats](), list[Floats](), list[Worth | Refusal]()

    def of_group(n: int) -> tuple[ResampledShare, Worth | Refusal]:
        return (
            resampled_share(*_ends(own[n]), WITHIN_H, weights[:, of[n]]),
            worth_within(own[n], WITHIN_H, (REMOVED,), until=until),
        )

    shares = staged("places resampled", each(of_group, range(len(ranked))), len(ranked))
    for row, (found, worth_of_group) in zip(ranked, shares, strict=True):
        worth.append(worth_of_group)
        share = row.removed_24h if row.removed_24h is not None else found.share
        values.append(-_stable(share))
        resampled = -_stable(found.draws)
        draws.append(resampled - resampled.mean() + values[-1])
        parts.append(found.parts)
    errors = np.maximum(_errors(parts, of), [_UNSURE if isinstance(one, Refusal) else one.error for one in worth])
    freedom = [LEAST_FREEDOM if isinstance(one, Refusal) else one.freedom for one in worth]
    most = [most_removed(group, row.removed_24h or 0.0, WITHIN_H)[0] for row, group in zip(ranked, own, strict=True)]
    tested = _against(norm, most, worth)
    table = widened(np.column_stack(draws), errors, rng, freedom=freedom)
    estimates = np.array(values)
    ranges = _without_one(parts, of, [row.removed_24h or 0.0 for row in ranked])
    joint, alone = place_sets(estimates, table), place_sets(estimates, table, marginal=True)
    among = share_among_first(table, worst)
    made = [
        _row(
            row,
            place_low=int(joint.low[n]),
            place_high=int(joint.high[n]),
            own_low=int(alone.low[n]),
            own_high=int(alone.high[n]),
            among_worst=round(float(among[n]), 4),
            without_one_low=ranges[n][0],
            without_one_high=ranges[n][1],
            **tested[n],
            sites=len(set(of[n])),
        )
        for n, row in enumerate(ranked)
    ]
    return sorted(made, key=lambda row: (row.removed_24h, row.key)) + others


def _in_cluster(clock: Clock, clusters: Mapping[str, int]) -> Clock:
    """The clock with its site's cluster for a site."""
    cluster = clusters.get(clock.site_id)
    return clock if cluster is None else replace(clock, site_id=str(cluster))


def _against(norm: Norm, shares: Sequence[float], worth: Sequence[Worth | Refusal]) -> list[dict[str, Any]]:
    """Each share against the norm; a share without an interval is none of the tests.

    A norm that lies below the median is estimated, and nothing is tested below FEWEST_OF_MEDIAN shares.
    """
    told = [n for n, one in enumerate(worth) if not isinstance(one, Refusal)]
    number = [0.25 / one.error**2 for one in worth if not isinstance(one, Refusal)]
    freedom = [one.freedom for one in worth if not isinstance(one, Refusal)]
    found: list[dict[str, Any]] = [{} for _ in worth]
    relative = norm.below_median > 0
    share = median(shares) - norm.below_median if relative and shares else norm.share
    if told and 0.0 < share < 1.0 and not (relative and len(shares) < FEWEST_OF_MEDIAN):
        test = below_norm([shares[n] for n in told], number, freedom, share, rate=norm.rate, dependent=relative)
        for place, n in enumerate(told):
            found[n] = {
                "norm": round(share, 6),
                "norm_p": round(float(test.adjusted[place]), 6),
                "norm_bound": round(float(test.bound[place]), 6),
                "below_norm": bool(test.below[place]),
            }
    return found


def _row(row: RankingRow, **places: float | int | None) -> PlaceRow:
    blank: dict[str, float | int | None] = dict.fromkeys(
        ("place_low", "place_high", "own_low", "own_high", "among_worst", "without_one_low", "without_one_high")
    )
    blank["sites"] = row.sites
    return PlaceRow(
        key=row.key,
        name=row.name,
        removed_24h=row.removed_24h,
        rank_class=row.rank_class,
        **blank | places,  # type: ignore[arg-type]  # the places by name
    )


def _ends(group: Sequence[Clock]) -> tuple[list[float], list[float], list[bool]]:
    return [c.left_h for c in group], [c.right_h for c in group], [c.cause == REMOVED for c in group]


def _errors(parts: Sequence[Floats], of: Sequence[Sequence[int]]) -> list[float]:
    """Least standard errors of shares as arcsin sqrt.

    Computed from what each clock adds to the shares and from its cluster.
    """
    counted = []
    for own, at in zip(parts, of, strict=True):
        _, cluster = np.unique(at, return_inverse=True)
        sizes = np.bincount(cluster)
        counted.append((np.clip(np.bincount(cluster, own), 0.0, sizes), sizes))
    alike = pooled_correlation(counted)
    return [ratio_error(hits, sizes, least_correlation=alike) for hits, sizes in counted]


def _stable(share: float | Floats) -> Floats:
    stable: Floats = np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0)))
    return stable


def _without_one(
    parts: Sequence[Floats], of: Sequence[Sequence[int]], shares: Sequence[float]
) -> list[tuple[float | None, float | None]]:
    """Range of each share without any one cluster.

    Computed from what each clock adds to it.
    """
    lengths = [len(group) for group in of]
    cluster = np.concatenate([np.asarray(group) for group in of])
    group = np.repeat(np.arange(len(of)), lengths)
    low, high = leave_one_out(np.concatenate(parts), np.ones(len(cluster)), cluster, group, len(of))
    return [
        (None, None)
        if np.isnan(low[n])
        else (round(min(share, float(low[n])), 6), round(max(share, float(high[n])), 6))
        for n, share in enumerate(shares)
    ]
