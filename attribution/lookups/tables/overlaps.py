"""Ranges of a file that lie in one another, or across."""

import numpy as np

from attribution.lookups.tables.ranges import Rows


def overlapping(rows: Rows) -> int:
    """How many distinct ranges share addresses with one that starts earlier, or at the same address and is larger."""
    if not len(rows):
        return 0
    # sorted by first address, the larger of two first: its complement sorts the other way round
    order = np.lexsort((~rows.last_low, ~rows.last_high, rows.first_low, rows.first_high))
    first_high, first_low = rows.first_high[order], rows.first_low[order]
    last_high, last_low = rows.last_high[order], rows.last_low[order]
    new = np.ones(len(order), bool)
    for column in (first_high, first_low, last_high, last_low):
        new[1:] &= column[1:] == column[:-1]
    new[1:] = ~new[1:]
    first_high, first_low, last_high, last_low = (c[new] for c in (first_high, first_low, last_high, last_low))
    by_end = np.lexsort((last_low, last_high))
    rank = np.empty(len(by_end), np.int64)
    rank[by_end] = np.arange(len(by_end))
    furthest = by_end[np.maximum.accumulate(rank)][:-1]
    reached_high, reached_low = last_high[furthest], last_low[furthest]
    inside = (reached_high > first_high[1:]) | ((reached_high == first_high[1:]) & (reached_low >= first_low[1:]))
    return int(inside.sum())
