"""Clocks cut into pieces of constant hazard."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from waterbed.estimators.survival.intervals import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pieces:
    """Pieces of clocks with a constant hazard.

    Each has a `length`, lies in a `band` of the time axis, and `after` so many changes of its own clock. Each belongs
    to a stretch (number `stretch`) of one clock (`clock[stretch]`) between two looks; `ended[stretch]` says whether the
    clock ended somewhere in it.
    """

    length: Floats
    band: Ints
    after: Ints
    stretch: Ints
    clock: Ints
    ended: npt.NDArray[np.bool_]


def cut(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    *,
    cuts: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    change: npt.ArrayLike | None = None,
) -> Pieces:
    """Cut clocks at common times and at their own changes.

    At `cuts` of the time axis and at each clock's `change`. A clock that ended in (left, right] has two stretches:
    (entry, left] in which it did not, and (left, right] in which it did; one that runs (right = inf) has the first
    only. Band k goes from cuts[k - 1] to cuts[k]; `change` (inf: never) is when something starts to act on that clock,
    such as a notice: one time each, or clocks x times in order, such as a notice and a reminder. Raises ValueError for
    impossible input.
    """
    low, high = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    enter = np.zeros_like(low) if entry is None else np.asarray(entry, dtype=float)
    turn = np.full_like(low, np.inf) if change is None else np.asarray(change, dtype=float)
    turns = turn[:, None] if turn.ndim == 1 else turn
    if low.ndim != 1 or not low.shape == high.shape == enter.shape == turns.shape[:1] or not np.isfinite(low).all():
        raise ValueError("left, right, entry and change must be equally long, left finite")
    if not ((enter >= 0) & (enter <= low) & (high > low)).all():
        raise ValueError("each clock needs 0 <= entry <= left < right")
    if not (turns[:, 1:] >= turns[:, :-1]).all():
        raise ValueError("the changes of a clock must be in the order of time")
    edges = np.concatenate([[0.0], np.sort(np.asarray(cuts, dtype=float)), [np.inf]])
    seen, over = np.flatnonzero(low > enter), np.flatnonzero(np.isfinite(high))
    begins = np.concatenate([enter[seen], low[over]])
    stops = np.concatenate([low[seen], high[over]])
    clock = np.concatenate([seen, over])
    sides = np.column_stack([np.zeros_like(low), turns, np.full_like(low, np.inf)])[clock]
    parts = []
    for band in range(edges.size - 1):
        for after in range(sides.shape[1] - 1):
            floor = np.maximum(edges[band], sides[:, after])
            top = np.minimum(edges[band + 1], sides[:, after + 1])
            length = np.minimum(stops, top) - np.maximum(begins, floor)
            parts.append((np.flatnonzero(length > 0), length[length > 0], band, after))
    return Pieces(
        length=np.concatenate([length for _, length, _, _ in parts]),
        band=np.concatenate([np.full(length.size, band, dtype=np.int64) for _, length, band, _ in parts]),
        after=np.concatenate([np.full(length.size, after, dtype=np.int64) for _, length, _, after in parts]),
        stretch=np.concatenate([stretch for stretch, _, _, _ in parts]),
        clock=clock,
        ended=np.arange(clock.size) >= seen.size,
    )
