"""Slowness of groups, with resamples that have the errors of their shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from waterbed.estimators.calendar_time import LEAST_FREEDOM, Worth
from waterbed.estimators.cluster_shares import pooled_correlation, ratio_error
from waterbed.estimators.rank_sets import error_scales, leave_one_out, widened
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.resampling import resampled_share
from waterbed.measures.removal import CaseShare
from waterbed.measures.takedown import REMOVED, WITHIN_H, Clock

Floats = npt.NDArray[np.float64]
Ends: TypeAlias = tuple[float | None, float | None]
"""A least and a largest share, or none."""

_UNSURE: Final = 0.5
"""Error of arcsin sqrt of a share that is worth one outcome."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """A group in one case: share, what each clock adds to it, resamples, and worth."""

    share: float
    parts: Floats
    of: Sequence[int]
    """The cluster of each clock."""
    draws: Floats
    worth: Worth | Refusal


def side_of(case: CaseShare, of: Sequence[int], weights: npt.NDArray[np.uint8], worth: Worth | Refusal) -> Side:
    """The side of a group in a case; `of` are the clusters of its clocks, `weights` those of each resample."""
    found = resampled_share(*_ends(case.clocks), WITHIN_H, weights[:, of])
    return Side(share=case.share, parts=found.parts, of=of, draws=found.draws, worth=worth)


def lesser_of(one: Worth | Refusal, other: Worth | Refusal) -> Worth | Refusal:
    """The lesser of two worths: shares of two cases are drawn in alike, so that their order stays."""
    if isinstance(one, Refusal) or isinstance(other, Refusal):
        return one if isinstance(one, Refusal) else other
    return max(one, other, key=lambda worth: worth.error)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Slowness of each group, - arcsin sqrt of its share, and its resamples.

    `scales` are the errors that each resample would estimate, as parts of those of the draws.
    """

    values: Floats
    draws: Floats
    scales: Floats

    def likely(self) -> Floats:
        """Values as likely as each other: deviations of Student's t around the estimates."""
        likely: Floats = self.values + (self.draws - self.values) / self.scales
        return likely


def drawn(sides: Sequence[Side], lesser: Sequence[Worth | Refusal], noise: Floats, rng: np.random.Generator) -> Drawn:
    """Draw the slowness of each group with at least the error of its worth.

    Shares are drawn in a little for what they are worth (`Worth.angle`). No resample estimates an error below that of
    as many independent reports.
    """
    values = np.array(
        [
            -_stable(one.share) if isinstance(worth, Refusal) else -worth.angle(one.share)
            for one, worth in zip(sides, lesser, strict=True)
        ]
    )
    resampled = -_stable(np.column_stack([one.draws for one in sides]))
    worth = [one.worth for one in sides]
    errors = np.maximum(
        _errors(sides),
        [_UNSURE if isinstance(one, Refusal) else one.error for one in worth],
    )
    draws = widened(resampled - resampled.mean(axis=0) + values, errors, rng, noise=noise)
    freedom = [LEAST_FREEDOM if isinstance(one, Refusal) else one.freedom for one in worth]
    least = _UNSURE / np.sqrt([len(one.of) for one in sides]) / draws.std(axis=0, ddof=1)
    return Drawn(values=values, draws=draws, scales=error_scales(freedom, len(draws), rng, least=least))


def without_one(sides: Sequence[Side]) -> list[Ends]:
    """Range of each share without any one cluster.

    Computed from what each clock adds to it; without numbers for a group of one cluster.
    """
    cluster = np.concatenate([np.asarray(side.of) for side in sides])
    group = np.repeat(np.arange(len(sides)), [len(side.of) for side in sides])
    low, high = leave_one_out(
        np.concatenate([side.parts for side in sides]), np.ones(len(cluster)), cluster, group, len(sides)
    )
    return [(None, None) if np.isnan(one) else (float(one), float(other)) for one, other in zip(low, high, strict=True)]


def _ends(group: Sequence[Clock]) -> tuple[list[float], list[float], list[bool]]:
    return [c.left_h for c in group], [c.right_h for c in group], [c.cause == REMOVED for c in group]


def _errors(sides: Sequence[Side]) -> list[float]:
    """Least standard errors of shares as arcsin sqrt.

    Computed from what each clock adds to the shares and from its cluster.
    """
    counted = []
    for side in sides:
        _, cluster = np.unique(side.of, return_inverse=True)
        sizes = np.bincount(cluster)
        counted.append((np.clip(np.bincount(cluster, side.parts), 0.0, sizes), sizes))
    alike = pooled_correlation(counted).value
    return [ratio_error(hits, sizes, least_correlation=alike) for hits, sizes in counted]


def _stable(share: float | Floats) -> Floats:
    stable: Floats = np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0)))
    return stable
