"""Time-respecting paths of content through hosters, from intervals.

Some chains are certain, others possible.
"""

from dataclasses import dataclass

import numpy as np

from waterbed.graphs.network.moves import Bools, Ints, Moves

LEAST = 3
"""Hops that make a chain."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chains:
    """Lengths of the contents' time-respecting paths.

    `ending` has for each row the hops of the longest path that ends with it, 0 where it can be in none.
    `longest` has for each content that moved the hops of its longest path, `contents` its number.
    """

    ending: Ints
    contents: Ints
    longest: Ints

    def at_least(self, hops: int) -> int:
        """Count contents with a path of so many hops."""
        return int((self.longest >= hops).sum())


def chains(moves: Moves, *, surely: bool) -> Chains:
    """Return the longest time-respecting path of each content.

    Each hop starts where the one before it ended, and later. Surely: hops that are certain displacement, each seen
    arrived (arrived_before) no later than the next was last seen there (left_after). Possibly: hops not known to be
    parallel, for which some choice of times within all intervals is in order, and which were first seen in that order.
    Time-respecting paths: Holme and Saramaki, Physics Reports 519, 2012, section 3.1. Hops within one key are no step,
    nor are those with several keys at an end.
    """
    steps = _steps(moves, surely)
    ending = np.zeros(moves.size, np.int64)
    ending[steps] = 1
    linked = steps[_continued(moves, steps)]
    walk = _Walk(moves, linked, surely)
    length = 1
    while walk.rows.size:
        length += 1
        ending[walk.advance()] = length
    contents = np.unique(moves.content[steps])
    longest = np.zeros(moves.contents, np.int64)
    np.maximum.at(longest, moves.content[steps], ending[steps])
    return Chains(ending=ending, contents=contents, longest=longest[contents])


def _steps(moves: Moves, surely: bool) -> Ints:
    selected = (
        (moves.certain if surely else moves.possible) & (moves.origin != moves.destination) & (moves.weight == 1.0)
    )
    return np.flatnonzero(selected)


def _continued(moves: Moves, rows: Ints) -> Bools:
    """Mark rows that another row may precede or follow.

    The others are in no longer path. Places (content and key) share slots, so a row too many can be kept; it only costs
    time.
    """
    size, slots = max(len(moves.keys), 1), 8 * rows.size + 1
    origin_slots = (moves.content[rows] * size + moves.origin[rows]) % slots
    destination_slots = (moves.content[rows] * size + moves.destination[rows]) % slots
    starts, ends = np.zeros(slots, np.bool_), np.zeros(slots, np.bool_)
    starts[origin_slots], ends[destination_slots] = True, True
    mask: Bools = ends[origin_slots] | starts[destination_slots]
    return mask


class _Walk:
    """All contents at once, one hop further each time.

    An event is a row's departure from its origin (number row) or its arrival at its destination (rows + row). Events of
    a place (content and key) lie together, in the order in which the rows were first seen; so the earliest arrival
    before a departure is a running minimum. Times are replaced by their ranks, raised by an offset that falls from
    place to place, so that no minimum runs on into the next.
    """

    def __init__(self, moves: Moves, rows: Ints, surely: bool) -> None:
        self.rows = rows[np.lexsort((rows, moves.left_before[rows], moves.arrived_before[rows]))]
        columns = (moves.left_after, moves.left_before, moves.arrived_after, moves.arrived_before)
        distinct, ranks = np.unique(np.concatenate([column[self.rows] for column in columns]), return_inverse=True)
        leave, gone_by, absent, seen = ranks.reshape(4, rows.size)
        self._never, self._surely = distinct.size, surely
        soonest = seen if surely else np.maximum(leave, absent)
        self._content = moves.content[self.rows]
        self._times = np.stack([leave, gone_by, seen, soonest])
        self._arrival = soonest
        key = np.concatenate([moves.origin[self.rows], moves.destination[self.rows]])
        place = np.tile(self._content, 2) * max(len(moves.keys), 1) + key
        self._events = np.lexsort((np.tile(np.arange(rows.size), 2), place))
        changes = np.diff(place[self._events], prepend=-1) != 0
        self._offset = (changes.sum() - np.cumsum(changes)) * (self._never + 1)

    def advance(self) -> Ints:
        """Rows where a path of one more hop can end.

        Contents that have none drop out.
        """
        number = self.rows.size
        arrival = np.full(2 * number, self._never)
        arrival[number:] = self._arrival
        earliest = np.empty(2 * number, np.int64)
        earliest[self._events] = np.minimum.accumulate(arrival[self._events] + self._offset) - self._offset
        earliest = earliest[:number]
        leave, gone_by, seen, soonest = self._times
        usable = earliest <= leave if self._surely else (earliest < gone_by) & (earliest < seen)
        usable_rows: Ints = self.rows[usable]
        self._arrival = np.where(usable, np.maximum(earliest, soonest), self._never)
        alive = np.zeros(self._content.max() + 1, np.bool_)
        alive[self._content[usable]] = True
        self._keep(alive[self._content])
        return usable_rows

    def _keep(self, mask: Bools) -> None:
        if mask.all():
            return
        number = np.cumsum(mask) - 1
        again = np.concatenate([number, number + mask.sum()])
        selected = np.tile(mask, 2)[self._events]
        self._events, self._offset = again[self._events[selected]], self._offset[selected]
        self._times, self._arrival = self._times[:, mask], self._arrival[mask]
        self.rows, self._content = self.rows[mask], self._content[mask]
