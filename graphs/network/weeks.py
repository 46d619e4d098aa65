"""ISO weeks, arrivals within a window, domestic and cross-border hops."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import numpy as np

from waterbed.graphs.network.measures import Share, bounded_share
from waterbed.graphs.network.moves import CERTAIN, Floats, Ints, Moves
from waterbed.model.conclusions import Hop

Within = Literal["surely", "possibly", "no"]

_WEEK = re.compile(r"(\d{4})-W(\d{2})")
WEEK_S = 7 * 86_400
MONDAY = datetime(1970, 1, 5, tzinfo=UTC).timestamp()
"""When week 0 began, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weeks:
    """Hops by ISO week of arrival in UTC, in order.

    `surely`: the arrival's interval lies in the week. `possibly`: it overlaps the week; hops whose arrival has no
    beginning overlap all weeks before. The two `until` count arrivals up to the end of the week, so that
    `surely_until` <= true number <= `possibly_until`.
    """

    labels: tuple[str, ...]
    surely: Ints
    possibly: Ints
    surely_until: Ints
    possibly_until: Ints


def week_window(week: str) -> tuple[datetime, datetime]:
    """Return start and end (exclusive) of an ISO week, UTC.

    The week is written as 2026-W12. Raises ValueError for anything else.
    """
    match = _WEEK.fullmatch(week)
    if not match:
        raise ValueError(f"{week!r} is not an ISO week")
    start = datetime.fromisocalendar(int(match[1]), int(match[2]), 1).replace(tzinfo=UTC)
    try:
        return start, start + timedelta(days=7)
    except OverflowError:
        raise ValueError(f"{week!r} is beyond the years of the calendar") from None


def arrived_within(hop: Hop, start: datetime | None, end: datetime) -> Within:
    """Classify a hop's arrival as surely, possibly or not within.

    Within [start, end), as far as its interval (arrived_after, arrived_before] tells. Without `start`, in all time
    before `end`.
    """
    after, arrived_by = hop.arrived_after, hop.arrived_before
    if (start is not None and arrived_by < start) or (after is not None and after >= end):
        return "no"
    inside = arrived_by < end and (start is None or (after is not None and after >= start))
    return "surely" if inside else "possibly"


def weeks(moves: Moves) -> Weeks:
    """Count possible hops by the ISO week of arrival."""
    first_rows = np.flatnonzero(np.diff(moves.hop, prepend=-1) != 0)
    rows = first_rows[moves.possible[first_rows]]
    if not rows.size:
        none = np.zeros(0, np.int64)
        return Weeks(labels=(), surely=none, possibly=none, surely_until=none, possibly_until=none)
    last = _week(moves.arrived_before[rows])
    start = int(min(last.min(), _week(moves.left_after[rows]).min()))
    size = int(last.max()) - start + 1
    is_known = np.isfinite(moves.arrived_after[rows])
    first = np.full(rows.size, start)
    first[is_known] = np.maximum(_week(moves.arrived_after[rows][is_known]), start)
    first, last = (first - start).astype(np.int64), (last - start).astype(np.int64)
    began, ended = np.bincount(first, minlength=size + 1), np.bincount(last + 1, minlength=size + 1)
    return Weeks(
        labels=tuple(week_label(start + offset) for offset in range(size)),
        surely=np.bincount(last[is_known & (first == last)], minlength=size),
        possibly=np.cumsum(began - ended)[:size],
        surely_until=np.cumsum(np.bincount(last, minlength=size)),
        possibly_until=np.cumsum(began)[:size],
    )


def _week(seconds: Floats) -> Ints:
    """Number of the week, 0 the one that began on 5 January 1970."""
    return np.floor((seconds - MONDAY) / WEEK_S).astype(np.int64)


def week_label(week: int) -> str:
    """Return a week's ISO label, such as 2026-W12.

    Week 0 began on 5 January 1970.
    """
    year, number, _ = datetime.fromtimestamp(MONDAY + week * WEEK_S, UTC).isocalendar()
    return f"{year}-W{number:02}"


CrossBorder = Literal["stays home", "leaves home", "comes home", "stays abroad", "unknown"]

CROSS_BORDER: Final[tuple[CrossBorder, ...]] = ("leaves home", "stays home", "comes home", "stays abroad", "unknown")
"""In the order in which a reader asks for them."""


def cross_border(hop: Hop, home: str | None) -> CrossBorder:
    """Classify a hop by the borders that it crosses.

    Domestic (stays home), outbound (leaves home), inbound (comes home) or foreign (stays abroad). A host is at home
    while any of its addresses is.
    """
    return _cross_border(hop.from_countries, hop.to_countries, home)


def _cross_border(countries_before: tuple[str, ...], after: tuple[str, ...], home: str | None) -> CrossBorder:
    if not home or not countries_before or not after:
        return "unknown"
    if home in countries_before:
        return "stays home" if home in after else "leaves home"
    return "comes home" if home in after else "stays abroad"


def abroad_shares(hops: Iterable[Hop], home: str | None) -> dict[str, Share]:
    """Return the shares that arrived abroad, by origin.

    Keys are "home" and "abroad", where it was before. Hops with unknown countries are in neither.
    """
    counts: dict[tuple[tuple[str, ...], tuple[str, ...], bool], float] = {}
    for hop in hops:
        if hop.order != "parallel":
            kind = (hop.from_countries, hop.to_countries, hop.order in CERTAIN)
            counts[kind] = counts.get(kind, 0.0) + 1.0
    totals: dict[tuple[CrossBorder, bool], float] = {}
    for (countries_before, after, certain), number in counts.items():
        crossing = _cross_border(countries_before, after, home)
        totals[crossing, certain] = totals.get((crossing, certain), 0.0) + number

    def share(out: CrossBorder, back: CrossBorder) -> Share:
        hit, miss = totals.get((out, True), 0.0), totals.get((back, True), 0.0)
        doubted, missed = totals.get((out, False), 0.0), totals.get((back, False), 0.0)
        return bounded_share(hit, hit + miss, hit + doubted, hit + miss + doubted + missed)

    return {"home": share("leaves home", "stays home"), "abroad": share("stays abroad", "comes home")}
