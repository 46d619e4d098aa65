"""Removal curves before and after an event, under disclosure control."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from waterbed.analysis.rankings.removal import interval_within
from waterbed.analysis.rankings.takedown import REMOVED, WITHIN_H, Clock, incidence, known_within
from waterbed.estimators.survival.incidence import share_within
from waterbed.model.formatter import Disclosure

HOURS: Final = (0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24, 30, 36, 42, 48, 54, 60, 66, 72)
"""Hours since the report at which a curve is told."""

Point = tuple[float, float, float | None, float | None]
"""Hour, share removed by then, and the ends of its 95% interval."""


def curve_of(group: Sequence[Clock], until: datetime, disclosure: Disclosure) -> list[Point]:
    """Estimate a group's removal curve at some hours.

    An hour is left out if too few sites have a removal by then, or too few content without one; between two hours that
    are told none or enough sites have a first removal. `until` is the end of the measurement.
    """
    curves = incidence(group)
    found = []
    for hour in told_hours(group, disclosure):
        share = share_within(curves, REMOVED, hour)
        if share is None or hour > curves.known_until_h:
            continue
        ends = interval_within(group, hour, until=until) if hour else None
        low, high = (disclosure.share(ends.low), disclosure.share(ends.high)) if ends else (None, None)
        if not hour:
            low = high = disclosure.share(0.0)
        found.append((float(hour), disclosure.share(share), low, high))
    return found


def parted(group: Sequence[Clock], hour: float) -> tuple[int, int]:
    """Count sites with removals by an hour, and without.

    A site of the second kind has content that is known not to have been removed by then.
    """
    gone = {c.site_id for c in group if c.cause == REMOVED and c.right_h <= hour}
    kept = (c for c in group if known_within(c, hour) and not (c.cause == REMOVED and c.right_h <= hour))
    return len(gone), len({c.site_id for c in kept})


def told_hours(group: Sequence[Clock], disclosure: Disclosure) -> list[int]:
    """Choose the hours at which a curve may be told.

    They are chosen outwards from the 24 hours of the shares, which are told by themselves.
    """
    parts, middle = [parted(group, hour) for hour in HOURS], HOURS.index(int(WITHIN_H))

    def outwards(places: Sequence[int]) -> Iterator[int]:
        told = parts[middle][0]
        for place in places:
            gone, kept = parts[place]
            if not any(map(disclosure.small, (gone, kept, abs(gone - told)))):
                told = gone
                yield place

    before, after = outwards(range(middle - 1, -1, -1)), outwards(range(middle, len(HOURS)))
    return [HOURS[place] for place in sorted([*before, *after])]
