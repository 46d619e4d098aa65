"""Totals of a ranking: the share removed by hoster beside the share by content."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Annotated

from waterbed.measures.ranking import UNKNOWN
from waterbed.measures.removal import WIDEST_GAP
from waterbed.measures.takedown import FEWEST_SITES
from waterbed.model.conclusions import OF_VOLUME, RankingRow
from waterbed.model.results import PlaceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A share from its worst to its best case, and one number where these are at most WIDEST_GAP apart."""

    worst: Annotated[float, "share in the worst case"]
    best: Annotated[float, "share in the best case"]
    single: Annotated[float | None, "the one number; null: worst and best case are too far apart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """One share seen by hosters and by content."""

    hosters: Annotated[int, "hosters whose share is given"]
    by_hoster: Annotated["Span", "mean of their shares: each hoster counts once"]
    middle: Annotated["Span", "median of their shares"]
    slow: Annotated[int, "hosters that removed less than half even in the best case"]
    by_content: Annotated["Span", "mean of their shares weighted by their clocks: each clock counts once"]
    clocks: Annotated[int, "these clocks"]
    changed: Annotated[int, "of these hosters, those whose share changed: it counts over all their reports"] = 0


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
    enough = [row for row in rows if row.key != UNKNOWN and row.rank_class not in OF_VOLUME]
    shared = [row for row in enough if _has_share(row)]
    return Coverage(
        shares=len(shared),
        hosters=len(enough),
        clocks=sum(row.episodes for row in shared),
        of_clocks=sum(row.episodes for row in enough),
    )


def weighing(rows: Sequence[RankingRow]) -> Weighing | None:
    """Weigh the removal shares by hoster and by content.

    A total goes on over changes: of a share that changed, that of all reports counts. None where no row has a share.
    """
    shared = [over_all_reports(row) for row in rows if row.key != UNKNOWN and _has_share(row)]
    if not shared:
        return None
    number = sum(row.episodes for row in shared)

    def span(of: Callable[[Sequence[float]], float]) -> Span:
        cases = [[getattr(row, name) or 0.0 for row in shared] for name in ("removed_24h_worst", "removed_24h_best")]
        worst, best = map(of, cases)
        single = of([single_share(row) or 0.0 for row in shared]) if best - worst <= WIDEST_GAP else None
        return Span(worst=worst, best=best, single=single)

    return Weighing(
        hosters=len(shared),
        by_hoster=span(fmean),
        middle=span(median),
        slow=sum((row.removed_24h_best or 0.0) < 0.5 for row in shared),
        by_content=span(
            lambda each: sum(share * row.episodes for share, row in zip(each, shared, strict=True)) / number
        ),
        clocks=number,
        changed=sum(row.rank_class == "changed" for row in rows),
    )


def single_share(row: RankingRow | PlaceRow) -> float | None:
    """The one number of a row's share: its share, else the middle of worst and best case, for means alone."""
    if row.removed_24h is not None or row.removed_24h_worst is None or row.removed_24h_best is None:
        return row.removed_24h
    return (row.removed_24h_worst + row.removed_24h_best) / 2.0


def over_all_reports(row: RankingRow) -> RankingRow:
    """A row whose share is that of all reports, before and since a change."""
    if row.rank_class != "changed":
        return row
    return replace(
        row,
        removed_24h=row.removed_24h_overall,
        removed_24h_worst=row.removed_24h_overall_worst,
        removed_24h_best=row.removed_24h_overall_best,
    )


def _has_share(row: RankingRow) -> bool:
    """True if a row has a share of all reports with an interval, as each that changed had."""
    return row.rank_class == "changed" or (row.rank_class == "ranked" and row.removed_24h_low is not None)
