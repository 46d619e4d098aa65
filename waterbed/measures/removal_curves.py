"""Curves of the shares that causes ended, hour by hour."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import numpy as np

from waterbed.estimators.survival.incidence import share_within
from waterbed.measures.constancy import Part
from waterbed.measures.removal import Removal, removals
from waterbed.measures.takedown import FEWEST_SITES, REMOVED, WITHIN_H, Clock, incidence

MARKS_H: Final = (1.0, 12.0, WITHIN_H, 72.0, 168.0)
"""Hours at which shares stand beside curves, with intervals."""
Hourly = tuple[tuple[float, ...], Mapping[int, tuple[float, ...]]]
"""Hours, increasing from 0, and the share that each cause ended by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalCurve:
    """Cumulative share removed, hour by hour, of one group."""

    key: Annotated[str, "key of the group"]
    name: Annotated[str, "name for people"]
    hours: Annotated[tuple[float, ...], "hours since the report, increasing from 0"]
    removed: Annotated[tuple[float, ...], "share removed by then, 0..1"]
    clocks: Annotated[int, "takedown clocks behind it"]


def removal_curves(
    parts: Mapping[str, Part], *, names: Mapping[str, str], until: datetime, horizon_h: int = int(MARKS_H[-1])
) -> list[RemovalCurve]:
    """Estimate the removal curves of some groups, in order.

    `parts` are the clocks that each group's share is of (`part_of_share`), `until` is the end of the measurement. A
    curve stops at `horizon_h`, or where its data do (`hourly`); a group of too few sites has none.
    """
    found = []
    for key, part in parts.items():
        beside = removals(part.clocks, MARKS_H, until=until, hidden=part.hidden)
        if curve := hourly(part.clocks, [REMOVED], horizon_h, beside):
            hours, shares = curve
            found.append(
                RemovalCurve(
                    key=key,
                    name=names.get(key, key),
                    hours=hours,
                    removed=shares[REMOVED],
                    clocks=len(part.clocks),
                )
            )
    return found


def hourly(
    group: Sequence[Clock], causes: Collection[int], horizon_h: int, beside: Mapping[float, Removal]
) -> Hourly | None:
    """Shares that causes ended, by hour.

    `beside` are the shares removed within some hours that stand beside it. Where one is withheld (`Removal.withheld`),
    the hours up to it, from the one before on, are left out: no curve gives what is withheld. There is none if that is
    so at 24 hours. Curves stop at `horizon_h`, at the last follow-up of a clock still running, or at the last hour at
    which FEWEST_SITES sites have a clock whose state is known; None if that is before the first hour.
    """
    withheld = {hours for hours, its in beside.items() if its.withheld}
    if WITHIN_H in withheld:
        return None
    sites = np.unique([c.site_id for c in group], return_inverse=True)[1]
    left, right = np.array([c.left_h for c in group], float), np.array([c.right_h for c in group], float)
    enough = [
        hour for hour in range(horizon_h + 1) if np.unique(sites[(left >= hour) | (right <= hour)]).size >= FEWEST_SITES
    ]
    if not enough:
        return None
    curves, hours, found = incidence(group), list[float](), dict[int, list[float]]((cause, []) for cause in causes)
    for hour in range(enough[-1] + 1):
        shares = {cause: share_within(curves, cause, hour) for cause in causes}
        if any(share is None for share in shares.values()):
            break
        if hour == 0 or min((one for one in beside if one >= hour), default=None) not in withheld:
            hours.append(float(hour))
            for cause, share in shares.items():
                found[cause].append(share or 0.0)
    return (tuple(hours), {cause: tuple(its) for cause, its in found.items()}) if len(hours) > 1 else None
