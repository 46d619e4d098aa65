"""Confirmed absences: down looks that are enough, over long enough."""

from typing import Final

import numpy as np

from waterbed.judging.columns import Array
from waterbed.model.conclusions import State

UNKNOWN, UP, DOWN = range(3)
STATES: Final[tuple[State, ...]] = ("unknown", "up", "down")
"""The states of a look, by their numbers."""


def confirmed(
    url: Array, at: Array, state: Array, vantage: Array, *, looks: int, over_s: float, within_s: float
) -> Array:
    """True for each look that is part of an absence.

    Looks are sorted by URL and time (microseconds). Down looks between two up looks are an absence if they are at least
    `looks` over at least `over_s` seconds; it is then back-dated to the first. Unknown looks neither count nor end one.
    Looks from several vantages within `within_s` seconds count once.
    """
    found = np.zeros(len(url), bool)
    down = np.flatnonzero(state == DOWN)
    if not len(down):
        return found
    ups = np.cumsum(state == UP)[down]
    begins = np.flatnonzero(np.concatenate(([True], (url[down][1:] != url[down][:-1]) | (ups[1:] != ups[:-1]))))
    ends = np.append(begins[1:], len(down))
    counts = ends - begins
    span_s = (at[down[ends - 1]] - at[down[begins]]) / 1e6
    places = vantage[down]
    several = np.minimum.reduceat(places, begins) != np.maximum.reduceat(places, begins)
    within = round(within_s * 1_000_000)
    likely = several & (counts >= looks) & (span_s >= over_s)
    for group in np.flatnonzero(likely).tolist():
        own = down[begins[group] : ends[group]]
        counts[group] = _counted(at[own].tolist(), vantage[own].tolist(), within)
    enough = (counts >= looks) & (span_s >= over_s)
    found[down] = np.repeat(enough, ends - begins)
    return found


def _counted(at: list[int], vantages: list[int], within: int) -> int:
    count, last = 1, 0
    for index in range(1, len(at)):
        if vantages[index] == vantages[last] or at[index] - at[last] > within:
            count, last = count + 1, index
    return count
