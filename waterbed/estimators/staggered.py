"""Effects of events that come at different times for different units: group-time averages."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from waterbed.estimators.rank_sets import cluster_weights
from waterbed.estimators.refusals import Refusal, too_few

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NEVER = np.iinfo(np.int64).max
"""First treated period of a unit that is never treated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect with its interval; `p` is two-sided."""

    estimate: float
    error: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupTimes:
    """Average effects on the treated.

    `overall` weighs each group-time by its units, `by_age` has one effect for each number of periods since treatment in
    `ages` (negative ones are placebos and should be zero), with intervals that hold for all ages at once. `cells` are
    (group, period) and `effects` theirs.
    """

    overall: Effect
    ages: Ints
    by_age: tuple[Effect, ...]
    cells: Ints
    effects: Floats
    treated_clusters: int
    control_clusters: int


def group_times(
    outcomes: npt.ArrayLike,
    first_treated: npt.ArrayLike,
    cluster: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    anticipation: int = 0,
    resamples: int = 999,
    level: float = 0.95,
) -> GroupTimes | Refusal:
    """Compare each group of units with those not yet treated.

    ATT(g, t) = E[Y_t - Y_b | G = g] - E[Y_t - Y_b | not treated by max(t, b) + anticipation], b = g - anticipation - 1
    (Callaway and Sant'Anna, Journal of Econometrics 225, 2021, without covariates). Two-way fixed effects would compare
    with units already treated. `outcomes` is units x periods, `first_treated` a period or `NEVER`, `cluster` an integer
    label from 0. Whole clusters are resampled; the interval takes Student's quantile of the smaller side's clusters.
    Refuses below ten clusters on either side: few events need placebo inference.
    """
    y, g, label = np.asarray(outcomes, float), np.asarray(first_treated, np.int64), np.asarray(cluster, np.int64)
    if y.ndim != 2 or g.shape != y.shape[:1] or label.shape != g.shape:
        raise ValueError("outcomes are units x periods, with a first treated period and a cluster for each unit")
    cells = _cells(g, y.shape[1], anticipation)
    late = cells[:, 1] >= cells[:, 0] if len(cells) else np.zeros(0, bool)
    if not late.any():
        return Refusal("no period after a treatment has units that are not yet treated")
    sides = _sides(g, label, cells[late], anticipation)
    refused = too_few(sides[0], "clusters of treated units") or too_few(sides[1], "clusters of units not yet treated")
    if refused:
        return refused
    size = int(label.max()) + 1
    draws = np.concatenate([np.ones((1, size)), cluster_weights(size, resamples, rng).astype(float)])[:, label]
    effects, weight = _effects(y, g, draws, cells, anticipation)
    quantile = float(special.stdtrit(min(sides) - 1, (1 + level) / 2))
    ages = np.unique(cells[:, 1] - cells[:, 0])
    of_age = np.stack([_mean(effects, weight, cells[:, 1] - cells[:, 0] == age) for age in ages], axis=1)
    joint = max(quantile, _largest(of_age, level))
    return GroupTimes(
        overall=_effect(_mean(effects, weight, late), quantile, min(sides) - 1),
        ages=ages,
        by_age=tuple(_effect(column, joint, min(sides) - 1) for column in of_age.T),
        cells=cells,
        effects=effects[0],
        treated_clusters=sides[0],
        control_clusters=sides[1],
    )


def _cells(g: Ints, periods: int, anticipation: int) -> Ints:
    """(group, period) that have a base period, and units not yet treated to compare with."""
    found = [
        (group, period)
        for group in np.unique(g[g != NEVER])
        for period in range(periods)
        if group - anticipation - 1 >= 0
        and period != group - anticipation - 1
        and _controls(g, group, period, anticipation).any()
    ]
    return np.array(found, np.int64).reshape(-1, 2)


def _controls(g: Ints, group: int, period: int, anticipation: int) -> npt.NDArray[np.bool_]:
    until = max(period, group - anticipation - 1) + anticipation
    others: npt.NDArray[np.bool_] = (g > until) & (g != group)
    return others


def _sides(g: Ints, label: Ints, cells: Ints, anticipation: int) -> tuple[int, int]:
    """Clusters of treated units in the cells, and of all units that are a control in one of them."""
    control = np.zeros(g.size, bool)
    for group, period in cells:
        control |= _controls(g, group, period, anticipation)
    return np.unique(label[np.isin(g, cells[:, 0])]).size, np.unique(label[control]).size


def _effects(y: Floats, g: Ints, draws: Floats, cells: Ints, anticipation: int) -> tuple[Floats, Floats]:
    """Effect and weight of treated units of each cell, rows of draws x cells."""
    effects, weight = np.empty((len(draws), len(cells))), np.empty((len(draws), len(cells)))
    for number, (group, period) in enumerate(cells):
        change = y[:, period] - y[:, group - anticipation - 1]
        arms = g == group, _controls(g, group, period, anticipation)
        totals = [draws[:, arm].sum(axis=1) for arm in arms]
        with np.errstate(divide="ignore", invalid="ignore"):
            means = [draws[:, arm] @ change[arm] / total for arm, total in zip(arms, totals, strict=True)]
        effects[:, number], weight[:, number] = means[0] - means[1], totals[0]
    return effects, weight


def _mean(effects: Floats, weight: Floats, chosen: npt.NDArray[np.bool_]) -> Floats:
    """Mean over cells that a draw has; one with none at all is left out later."""
    value, share = effects[:, chosen], np.where(np.isfinite(effects[:, chosen]), weight[:, chosen], 0.0)
    with np.errstate(invalid="ignore"):
        mean: Floats = (np.where(share > 0, value, 0.0) * share).sum(axis=1) / share.sum(axis=1)
    return mean


def _largest(draws: Floats, level: float) -> float:
    """Quantile of the largest standardised departure over ages."""
    away = np.abs(draws[1:] - draws[0]) / np.maximum(np.nanstd(draws[1:], axis=0, ddof=1), 1e-300)
    return float(np.nanquantile(np.nanmax(np.where(np.isfinite(away), away, 0.0), axis=1), level))


def _effect(draws: Floats, quantile: float, free: int) -> Effect:
    error = float(np.nanstd(draws[1:], ddof=1))
    estimate = float(draws[0])
    return Effect(
        estimate=estimate,
        error=error,
        low=estimate - quantile * error,
        high=estimate + quantile * error,
        p=float(2.0 * special.stdtr(free, -abs(estimate) / error)) if error > 0 else 1.0,
    )
