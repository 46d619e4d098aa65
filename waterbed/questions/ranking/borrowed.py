"""Borrowed shares of a ranking and its list "worth a look": for the study's own people alone.

Nothing that is published, served or sent to anybody may import this module (an import contract holds that).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from waterbed.estimators.borrowed import WEEK_H, Borrowed, blocks, borrowed_shares
from waterbed.estimators.calendar_time import numbered
from waterbed.measures.constancy import clocks_of_share
from waterbed.measures.labels import by_kind
from waterbed.measures.ranking import UNKNOWN
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.takedown import WITHIN_H, Outcome, clocks, outcomes
from waterbed.model.conclusions import RankingRow
from waterbed.model.results import BorrowedRow
from waterbed.model.table import TableInfo

BORROWED_METHOD: Final = (
    "share removed within 24 h, beta-binomial over all keys (empirical Bayes); correlation within blocks of 36 h and "
    "within sites, and within weeks and labels that show more, pooled over keys, with a standard error added; worth a "
    "look: by its own clocks and by its posterior error, each at the norm's rate, see docs/ranking.md"
)
OWN_PEOPLE: Final = (
    "For the study's own people: worth a look; it leans on other hosters, proves nothing, and is never published"
)
_HOUR: Final = timedelta(hours=1)


def borrowed_info(info: TableInfo) -> TableInfo:
    """The metadata of the table, marked for the study's own people."""
    return replace(info, method=BORROWED_METHOD, caveat="; ".join(filter(None, (info.caveat, OWN_PEOPLE))))


def borrowed_rows(tables: RankingTables) -> list[BorrowedRow]:
    """The share of each key, borrowed from all: those worth a look first, then by the best case.

    Keys without a clock that could be followed for 24 hours have none, nor has any where fewer than FEWEST_GROUPS have
    one. Nobody is worth a look where the norm is itself estimated (`norm.below_median`).
    """
    rows = [row for row in tables.rows if row.key != UNKNOWN]
    until, norm = tables.conclusions.until, tables.conclusions.config.norm
    found = [] if until is None else [_outcomes_of(tables, row, until) for row in rows]
    held_against = None if norm.below_median else norm.share
    shares = _shares(found, held_against, norm.rate)
    made = [_row(row, n, len(own), shares, held_against) for n, (row, own) in enumerate(zip(rows, found, strict=False))]
    return sorted(made or [_row(row, n, 0, None, None) for n, row in enumerate(rows)], key=_worth_a_look_first)


def _outcomes_of(tables: RankingTables, row: RankingRow, until: datetime) -> list[Outcome]:
    """The outcomes that a row's share is of: since a change, if it has a date."""
    own = clocks(tables.groups.get(row.key, ()), tables.labels)
    parts = clocks_of_share(row, own, tables.hidden.get(row.key, ()))
    group = [one for part in parts for one in part]
    return list(outcomes(group, WITHIN_H, until=until, hides=row.rank_class == "views differ"))


def _shares(groups: Sequence[Sequence[Outcome]], norm: float | None, rate: float) -> Borrowed | None:
    every = [(n, *outcome) for n, own in enumerate(groups) for outcome in own]
    if not every:
        return None
    begin = min(clock.origin for _, clock, _, _ in every)
    at_h = [(clock.origin - begin) / _HOUR for _, clock, _, _ in every]
    site = np.unique([clock.site_id for _, clock, _, _ in every], return_inverse=True)[1]
    labels, _ = by_kind([clock.labels for _, clock, _, _ in every])
    return borrowed_shares(
        [surely for _, _, surely, _ in every],
        [possibly for _, _, _, possibly in every],
        [n for n, _, _, _ in every],
        [blocks(at_h), site],
        len(groups),
        if_shown=[blocks(at_h, WEEK_H), *(numbered(values, site) for values in labels.values())],
        norm=norm,
        rate=rate,
    )


def _row(row: RankingRow, n: int, followed: int, shares: Borrowed | None, norm: float | None) -> BorrowedRow:
    blank = BorrowedRow(
        key=row.key,
        name=row.name,
        clocks=followed,
        effective_clocks=None,
        borrowed_24h_worst=None,
        borrowed_24h_best=None,
        borrowed_24h_low=None,
        borrowed_24h_high=None,
        rank_class=row.rank_class,
    )
    if shares is None or not followed:
        return blank
    tested = norm is not None
    return replace(
        blank,
        effective_clocks=round(float(shares.number[n]), 3),
        borrowed_24h_worst=round(float(shares.worst[n]), 6),
        borrowed_24h_best=round(float(shares.best[n]), 6),
        borrowed_24h_low=round(float(shares.low[n]), 6),
        borrowed_24h_high=round(float(shares.high[n]), 6),
        norm=norm,
        own_p=round(float(shares.p[n]), 6) if tested else None,
        posterior_error=round(float(shares.error[n]), 6) if tested else None,
        worth_a_look=bool(shares.named[n]),
    )


def _worth_a_look_first(row: BorrowedRow) -> tuple[bool, float, str]:
    return not row.worth_a_look, 2.0 if row.borrowed_24h_best is None else row.borrowed_24h_best, row.key
