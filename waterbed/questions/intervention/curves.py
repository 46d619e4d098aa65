"""Removal curves before and after an event, under disclosure control."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

import numpy as np

from waterbed.estimators.calendar_time import BLOCK_H, LEAST_DAYS, Worth, effective_number
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import share_within
from waterbed.measures.labels import by_kind
from waterbed.measures.removal import Cases, interval_of
from waterbed.measures.takedown import (
    LOST,
    REMOVED,
    WITHIN_H,
    Clock,
    followed,
    incidence,
    known_within,
    worth_within,
)
from waterbed.model.formatter import Disclosure
from waterbed.model.message import Hours, Message

HOURS: Final = (0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24, 30, 36, 42, 48, 54, 60, 66, 72)
"""Hours since the report at which a curve is told."""

_FEWEST_BLOCKS: Final = 2
"""Blocks of time with reports below which nothing is said of how a hoster works."""

Point = tuple[float, float, float | None, float | None]
"""Hour, share removed by then, and the ends of its 95% interval."""


def curve_of(group: Sequence[Clock], until: datetime, disclosure: Disclosure) -> list[Point]:
    """Estimate a group's removal curve at some hours.

    An hour is left out if too few sites have a removal by then, or too few content without one; between two hours that
    are told none or enough sites have a first removal. `until` is the end of the measurement.
    """
    curves = incidence(group)
    points = []
    for hour in told_hours(group, disclosure):
        share = share_within(curves, REMOVED, hour)
        if share is None or hour > curves.known_until_h:
            continue
        low, high = map(disclosure.share, ends) if (ends := _ends(group, hour, until)) else (None, None)
        points.append((float(hour), disclosure.share(share), low, high))
    return points


def _ends(group: Sequence[Clock], hour: int, until: datetime) -> tuple[float, float] | None:
    """The ends of the interval of the share removed by an hour."""
    if not hour:
        return 0.0, 0.0
    cases = Cases.of(group, hour, until=until)
    interval = interval_of(cases, hour, until=until, worth_of=partial(worth_of, within_h=hour)) if cases else None
    return interval and (interval.low, interval.high)


def parted(group: Sequence[Clock], hour: float) -> tuple[int, int]:
    """Count sites with removals by an hour, and without.

    A site of the second kind has content that is known not to have been removed by then.
    """
    removed_sites = {c.site_id for c in group if c.cause == REMOVED and c.right_h <= hour}
    remaining_clocks = (
        c for c in group if known_within(c, hour) and not (c.cause in (REMOVED, LOST) and c.right_h <= hour)
    )
    return len(removed_sites), len({c.site_id for c in remaining_clocks})


def told_hours(group: Sequence[Clock], disclosure: Disclosure) -> list[int]:
    """Choose the hours at which a curve may be told.

    They are chosen outwards from the 24 hours of the shares, which are told by themselves.
    """
    parts, middle = [parted(group, hour) for hour in HOURS], HOURS.index(int(WITHIN_H))

    def outwards(places: Sequence[int]) -> Iterator[int]:
        last_removed = parts[middle][0]
        for place in places:
            removed, remaining = parts[place]
            if not any(map(disclosure.small, (removed, remaining, abs(removed - last_removed)))):
                last_removed = removed
                yield place

    places_before, after = outwards(range(middle - 1, -1, -1)), outwards(range(middle, len(HOURS)))
    return [HOURS[place] for place in sorted([*places_before, *after])]


def worth_of(
    group: Sequence[Clock], until: datetime, level: float = 0.95, within_h: float = WITHIN_H
) -> Worth | Refusal:
    """The worth of a share removed within some hours around an event, however few days its reports span.

    A steady trend makes no regimes (`effective_number`): earlier stretches are tested for trends.
    Where they are too few to tell its variance over time (`effective_number`), it is worth no more than the blocks of
    BLOCK_H that hold reports: what shares chance for longer than that is one outcome. Refused with one block.
    """
    worth = worth_within(group, within_h, (REMOVED,), until=until, level=level, drifts=True)
    if not isinstance(worth, Refusal):
        return worth
    clocks = followed(group, within_h, until=until)
    first = min((c.origin for c in clocks), default=until)
    at_h = np.array([(c.origin - first).total_seconds() / 3600 for c in clocks])
    blocks = np.unique(np.floor(at_h / BLOCK_H)).size
    if blocks < _FEWEST_BLOCKS:
        reason = Message.of(
            "all reports that were followed came within {hours}, so how it works cannot be estimated",
            hours=Hours(BLOCK_H),
        )
        return Refusal(reason, "days")
    # only the order of reports counts for their variance over time: they stand evenly in the least time that it needs
    even = np.argsort(np.argsort(at_h, kind="stable")) * (LEAST_DAYS + 1e-6) * 24.0 / (at_h.size - 1)
    sites = np.unique([c.site_id for c in clocks], return_inverse=True)[1]
    hits = [c.right_h <= within_h and c.cause == REMOVED for c in clocks]
    labels, pooled = by_kind([c.labels for c in clocks])
    worth = effective_number(hits, even, sites, labels=labels, pooled=pooled, level=level, drifts=True)
    return worth if isinstance(worth, Refusal) else replace(worth, number=min(worth.number, float(blocks)))
