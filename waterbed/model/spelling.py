"""Formats numbers and counts for people, on pages and on terminals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from waterbed.model.conclusions import NO_SHARE

if TYPE_CHECKING:
    from waterbed.model.conclusions import RankingRow
    from waterbed.model.results import Answer, PlaceRow, WindowShare
    from waterbed.model.specifications import ConclusionRow
    from waterbed.model.takedown import ComplianceRow

NOTHING: Final = "\N{EN DASH}"
_DIFFERENCES: Final = ("order:", "home-abroad")
_MOST_SPANS: Final = 10


def percent(share: float | None, digits: int = 0, *, sign: str = "%") -> str:
    """Format a share in percent, whole or with digits.

    Never 0 or 100 unless it is, to a hundredth of a percent; without the `sign` where a column has it.
    """
    if share is None:
        return NOTHING
    rounded = round(share * 100, digits) + 0.0  # never -0
    if rounded == 0 and share > 1e-4:
        return f"<{10**-digits:.{digits}f}{sign}"
    if rounded == 100 and share < 1 - 1e-4:
        return f">{100 - 10**-digits:.{digits}f}{sign}"
    return f"{rounded:.{digits}f}{sign}"


def share_or_range(share: float | None, worst: float | None, best: float | None, digits: int = 0) -> str:
    """Format a share, or the range from its worst to its best case where these are too far apart for one number."""
    if share is not None or worst is None or best is None:
        return percent(share, digits)
    return f"{percent(worst, digits)} to {percent(best, digits)}"


def share_of(row: RankingRow | PlaceRow | WindowShare | ComplianceRow, name: str = "removed_24h") -> str:
    """Format a row's share as all views do: one number or a range, a dash where its class withholds it."""
    # of what may be hidden, both cases without an interval, or without a place by speed, would say nothing
    low = getattr(row, f"{name}_low", getattr(row, "place_low", None))
    if row.rank_class in NO_SHARE or (row.rank_class == "views differ" and low is None):
        return NOTHING
    return share_or_range(*(getattr(row, field) for field in (name, f"{name}_worst", f"{name}_best")))


def percents(low: float, high: float, *, sign: str = "%") -> str:
    """Format the ends of a share, as 33-58%."""
    return f"{percent(low, sign='')}-{percent(high, sign=sign)}"


def number(value: float | None) -> str:
    """Format a number with two or three significant digits.

    A dash for none.
    """
    if value is None:
        return NOTHING
    rounded = float(f"{value:.3g}") if abs(value) >= 1 else round(value, 3)
    if value and not rounded:
        return "<0.001" if value > 0 else "\N{MINUS SIGN}0.000"
    digits = f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:g}"
    return digits.replace("-", "\N{MINUS SIGN}")


def p_value(p: float | None) -> str:
    """Format a p in thousandths, rounded up.

    A dash for none; the same in sentences and tables, and never smaller than it is.
    """
    if p is None:
        return NOTHING
    return "<0.001" if p < 0.001 else f"{math.ceil(p * 1000 - 1e-9) / 1000:g}"


def interval(answer: Answer[Any, Any]) -> str:
    """Format the ends of an answer's interval.

    The upper one is open where there is none.
    """
    if answer.low is None and answer.high is None:
        return NOTHING
    return f"{number(answer.low)} to {number(answer.high) if answer.high is not None else 'no end'}"


def estimate_text(row: ConclusionRow, value: float | None, unit: str = " pp") -> str:
    """A share in percent, or a difference in percentage points, without the `unit` where another number has it."""
    if value is None:
        return NOTHING
    if row.conclusion.startswith(_DIFFERENCES):
        return f"{number(round(value * 100))}{unit}"
    return percent(value)


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count and its noun, in singular or plural."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def numbered(noun: str, numbers: Iterable[int]) -> str:
    """A noun and its numbers, in rising order, as spans."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    spans = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    left = sum(map(len, runs[_MOST_SPANS:]))
    more = f" and {left:,} more" if left else ""
    return f"{noun}{'' if len(runs) == len(runs[0]) == 1 else 's'} {', '.join(spans[:_MOST_SPANS])}{more}"
