"""The share that one cause ended within a time, in many resamples at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from waterbed.estimators.intervals import Floats

_SETTLED = 1e-5
"""Largest change of a share between two rounds at which the iteration ends."""
_MOST_ROUNDS = 2_000
_AWAKE = 0.02
"""Part of the mass spread evenly before resamples are fitted: a cell at zero would stay there."""
_TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResampledShare:
    """A share, what each clock adds to it, and its value in each resample.

    `parts` are the probabilities that clock i ended by the cause in time, given its interval; their mean is the share.
    """

    share: float
    parts: Floats
    draws: Floats


def resampled_share(
    left: npt.ArrayLike, right: npt.ArrayLike, own: npt.ArrayLike, within: float, weights: npt.ArrayLike
) -> ResampledShare:
    """Estimate the incidence of one cause at one time, under each row of weights.

    Clock i ended in (left[i], right[i]], by the cause in question where own[i]; right = inf is still running.
    `weights` is resamples x clocks. Only clocks that were running, or lost, before `within`, and those whose interval
    holds it, leave anything open; for them the likelihood of `cumulative_incidence` is maximised by EM over the cells
    that their ends cut out. A resample without any clock has the share of all. Raises ValueError for unequal lengths.
    """
    begin, end, ours = np.floor(np.asarray(left, float)), np.ceil(np.asarray(right, float)), np.asarray(own, bool)
    heavy = np.asarray(weights, dtype=float)
    if begin.shape != end.shape or begin.shape != ours.shape or heavy.shape[1:] != begin.shape or not begin.size:
        raise ValueError("a resampled share needs clocks, and one weight for each in each resample")
    held, counted, even = _cells(begin, np.maximum(end, begin + 1), ours, within)
    rows, at = np.unique(held, axis=0, return_inverse=True)
    at = at.reshape(-1)
    once = np.bincount(at, minlength=len(rows)).astype(float)[None, :]
    mass = _fitted(rows, once, counted, even)
    chance = rows * mass
    parts = (chance[:, counted].sum(axis=1) / np.maximum(chance.sum(axis=1), _TINY))[at]
    share = float(parts.mean())
    grouped = heavy @ np.eye(len(rows))[at]
    empty = grouped.sum(axis=1) == 0
    grouped[empty] = once
    awake = (1.0 - _AWAKE) * mass + _AWAKE * even
    draws = _fitted(rows, grouped, counted, np.repeat(awake, len(grouped), axis=0))[:, counted].sum(axis=1)
    return ResampledShare(share=share, parts=parts, draws=draws)


def _cells(
    begin: Floats, end: Floats, ours: npt.NDArray[np.bool_], within: float
) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Cells that each clock may have ended in, clocks x cells; those of the cause in time; mass spread evenly.

    Evenly over time: what the likelihood cannot tell apart keeps the parts that it begins with, as in
    `cumulative_incidence`.
    """
    running = np.isinf(end)
    open_ = (running & (begin < within)) | (~running & (begin < within) & (end > within))
    edges = np.unique(np.concatenate([[0.0, within, np.inf], begin[open_], end[open_]]))
    low, high = edges[:-1], edges[1:]
    span = (low[None, :] < end[:, None]) & (high[None, :] > begin[:, None])
    # a clock that still runs after `within` is known to have outlasted it, wherever in a cell it stands
    span &= ~running[:, None] | (low[None, :] >= np.minimum(begin, within)[:, None])
    held = np.concatenate([span & (ours | running)[:, None], span & (~ours | running)[:, None]], axis=1)
    counted = np.concatenate([high <= within, np.zeros(low.size, dtype=bool)])
    widths = np.tile(np.where(np.isinf(high), max(1.0, low[-1]), high - low), 2)
    return held.astype(float), counted, (widths / widths.sum())[None, :]


def _fitted(rows: Floats, weights: Floats, counted: npt.NDArray[np.bool_], mass: Floats) -> Floats:
    """Masses of the cells, resamples x cells."""
    total = weights.sum(axis=1, keepdims=True)
    before = np.full(len(weights), np.inf)
    for _ in range(_MOST_ROUNDS):
        seen = np.maximum(mass @ rows.T, _TINY)
        mass = mass * ((weights / seen) @ rows) / total
        now = mass[:, counted].sum(axis=1)
        if np.abs(now - before).max() < _SETTLED:
            break
        before = now
    return mass
