"""Worst and best case of a share when part of the clocks was out of sight."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from waterbed.analysis.rankings.takedown import FEWEST_SITES, REMOVED, WITHIN_H, Clock, incidence
from waterbed.estimators.incidence import NOTHING, share_within


def removal_bounds(
    group: Sequence[Clock], *, until: datetime, within_h: float = WITHIN_H
) -> tuple[float, float] | None:
    """Share removed within some hours if all that was out of sight then had stayed, and if it had been removed.

    Out of sight is a clock that stops before `within_h` although the measurement (to `until`) goes on beyond, and one
    that ended by removal in an interval that holds `within_h`. The estimate is that of the share, so without such
    clocks both are the share. None below FEWEST_SITES sites among clocks that could be followed for `within_h`.
    """
    followed = [clock for clock in group if clock.cause != NOTHING or _could_reach(clock, until, within_h)]
    if len({clock.site_id for clock in followed}) < FEWEST_SITES:
        return None
    worst = _share(list(_taken(group, until, within_h, removed=False)), within_h)
    best = _share(list(_taken(group, until, within_h, removed=True)), within_h)
    return None if worst is None or best is None else (min(worst, best), max(worst, best))


def _could_reach(clock: Clock, until: datetime, within_h: float) -> bool:
    return (until - clock.origin) / timedelta(hours=1) >= within_h


def _taken(group: Sequence[Clock], until: datetime, within_h: float, *, removed: bool) -> Iterator[Clock]:
    """The clocks with everything that was out of sight taken as removed, or as still there."""
    for clock in group:
        lost = clock.cause == NOTHING and clock.left_h < within_h and _could_reach(clock, until, within_h)
        straddles = clock.cause == REMOVED and clock.left_h < within_h < clock.right_h
        if not lost and not straddles:
            yield clock
        elif removed:
            yield replace(clock, right_h=within_h, cause=REMOVED)
        else:
            yield replace(clock, left_h=within_h)


def _share(group: Sequence[Clock], within_h: float) -> float | None:
    return share_within(incidence(group), REMOVED, within_h)
