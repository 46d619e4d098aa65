"""Effects of events at different times: group-time averages."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.rank_sets import cluster_weights
from waterbed.estimators.refusal import Refusal, too_few
from waterbed.model.message import Count, Message

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ROUNDING = 1e-9

NEVER = np.iinfo(np.int64).max
"""First treated period of a unit that is never treated."""

_SAMPLES = 1000
"""Samples for the largest of many |t|."""
_MOST_FREE = 30
"""Most degrees of freedom that are drawn: above, the largest of Student's t is as good as that of normal ones."""


_EXCHANGES = 999
"""Exchanges of treatment dates among clusters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect with its interval; `p` is two-sided."""

    estimate: float
    error: float
    low: float
    high: float
    p: float
    smallest_p: float = 0.0


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
    (Callaway and Sant'Anna, Journal of Econometrics 225, 2021, without covariates). Two-way fixed effects would
    compare with units already treated. `outcomes` is units x periods, `first_treated` a period or `NEVER`, `cluster`
    an integer label from 0. Whole clusters are resampled; intervals take Student's quantile with Welch's degrees of
    freedom. Where few are treated and outcomes are skewed this rejects too often, so dates of treatment are also
    exchanged among clusters (MacKinnon and Webb, Journal of Econometrics 218, 2020): the p of `overall` is the larger
    one, and its interval reaches the quantile of what exchanges give once its effects are taken off. Where units of a
    cluster are treated at different times nothing is exchanged. Refuses below ten clusters on either side: few events
    need placebo inference.
    """
    y, g, label = np.asarray(outcomes, float), np.asarray(first_treated, np.int64), np.asarray(cluster, np.int64)
    if y.ndim != 2 or g.shape != y.shape[:1] or label.shape != g.shape:
        raise ValueError("outcomes are units x periods, with a first treated period and a cluster for each unit")
    if not np.isfinite(y).all():
        raise ValueError("no outcome may be missing: leave out the unit or the period")
    cells = _cells(g, y.shape[1], anticipation)
    late = cells[:, 1] >= cells[:, 0] if len(cells) else np.zeros(0, bool)
    if not late.any():
        return Refusal(Message.of("no period after a treatment has units that are not yet treated"))
    sides = _sides(g, label, cells[late], anticipation)
    refused = too_few(
        sides[0], Message.of("{clusters} of treated units", clusters=Count(sides[0], "cluster"))
    ) or too_few(sides[1], Message.of("{clusters} of units not yet treated", clusters=Count(sides[1], "cluster")))
    if refused:
        return refused
    size = int(label.max()) + 1
    draws = np.concatenate([np.ones((1, size)), cluster_weights(size, resamples, rng).astype(float)])[:, label]
    arms, weight = _arms(y, g, draws, cells, anticipation)
    age_of = cells[:, 1] - cells[:, 0]
    ages = np.unique(age_of)
    overall, by_age = (
        [
            (
                _mean(arms[0] - arms[1], weight, chosen),
                _free(arms, weight, chosen, _sides(g, label, cells[chosen], anticipation)),
            )
            for chosen in choices
        ]
        for choices in ([late], [age_of == age for age in ages])
    )
    joint = _largest(
        np.stack([estimates for estimates, _ in by_age], axis=1), min(free for _, free in by_age), level, rng
    )
    overall_effect = _effect(*overall[0], (1 + level) / 2)
    effects = (arms[0] - arms[1])[0]
    freed = y.copy()
    for (group, period), effect in zip(cells[late], effects[late], strict=True):
        freed[g == group, period] -= effect
    return GroupTimes(
        overall=_exchanged(overall_effect, (y, freed), g, label, cells[late], anticipation, level, rng),
        ages=ages,
        by_age=tuple(_effect(*age, joint) for age in by_age),
        cells=cells,
        effects=effects,
        treated_clusters=sides[0],
        control_clusters=sides[1],
    )


def _cells(g: Ints, periods: int, anticipation: int) -> Ints:
    """(group, period) that have a base period, and units not yet treated to compare with."""
    cells = [
        (group, period)
        for group in np.unique(g[g != NEVER])
        for period in range(periods)
        if 0 <= group - anticipation - 1 < periods
        and period != group - anticipation - 1
        and _controls(g, group, period, anticipation).any()
    ]
    return np.array(cells, np.int64).reshape(-1, 2)


def _controls(g: Ints, group: int, period: int, anticipation: int) -> npt.NDArray[np.bool_]:
    until = max(period, group - anticipation - 1) + anticipation
    controls: npt.NDArray[np.bool_] = (g > until) & (g != group)
    return controls


def _sides(g: Ints, label: Ints, cells: Ints, anticipation: int) -> tuple[int, int]:
    """Clusters of treated units in the cells, and of all units that are a control in one of them."""
    control = np.zeros(g.size, bool)
    for group, period in cells:
        control |= _controls(g, group, period, anticipation)
    return np.unique(label[np.isin(g, cells[:, 0])]).size, np.unique(label[control]).size


def _arms(y: Floats, g: Ints, draws: Floats, cells: Ints, anticipation: int) -> tuple[tuple[Floats, Floats], Floats]:
    """Mean changes of treated units and of their controls, and the weight of the treated, rows of draws x cells."""
    change = y[:, cells[:, 1]] - y[:, cells[:, 0] - anticipation - 1]
    inside = g[:, None] == cells[:, 0]
    control = np.stack([_controls(g, group, period, anticipation) for group, period in cells], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        treated, untreated = ((draws @ np.where(arm, change, 0.0)) / (draws @ arm) for arm in (inside, control))
    return (treated, untreated), np.where(np.isfinite(untreated), draws @ inside, 0.0)


def _exchanged(
    effect: Effect,
    outcomes: tuple[Floats, Floats],
    g: Ints,
    label: Ints,
    cells: Ints,
    anticipation: int,
    level: float,
    rng: np.random.Generator,
) -> Effect:
    """The effect with the p and the width that exchanged dates give; outcomes are as seen, and without the effects."""
    names, first, place = np.unique(label, return_index=True, return_inverse=True)
    dates = g[first]
    if (dates[place] != g).any():
        return effect
    mixed = np.stack([dates[rng.permutation(names.size)] for _ in range(_EXCHANGES)])[:, place]
    change = np.stack([y[:, cells[:, 1]] - y[:, cells[:, 0] - anticipation - 1] for y in outcomes])
    treated, untreated = (np.zeros((len(outcomes), _EXCHANGES, len(cells))) for _ in range(2))
    weight = np.zeros((_EXCHANGES, len(cells)))
    for group in np.unique(cells[:, 0]):
        selected, inside = cells[:, 0] == group, (mixed == group).astype(float)
        weight[:, selected] = inside.sum(axis=1, keepdims=True)
        treated[:, :, selected] = inside @ change[:, :, selected] / weight[:, selected]
    for period in np.unique(cells[:, 1]):
        selected, control = cells[:, 1] == period, (mixed > period + anticipation).astype(float)
        untreated[:, :, selected] = control @ change[:, :, selected] / control.sum(axis=1)[:, None]
    seen, null = np.abs(((treated - untreated) * weight).sum(axis=2) / weight.sum(axis=1))
    p = (1 + int((seen >= abs(effect.estimate) - _ROUNDING).sum())) / (1 + _EXCHANGES)
    wide = float(np.quantile(null, level))
    return replace(
        effect,
        low=min(effect.low, effect.estimate - wide),
        high=max(effect.high, effect.estimate + wide),
        p=max(effect.p, p),
        smallest_p=1 / (1 + _EXCHANGES),
    )


def _free(
    arms: tuple[Floats, Floats], weight: Floats, chosen: npt.NDArray[np.bool_], clusters: tuple[int, int]
) -> float:
    """Degrees of freedom of a difference of two means with errors of their own (Welch, Biometrika 34, 1947)."""
    spread = [float(np.nanvar(_mean(arm, weight, chosen)[1:])) for arm in arms]
    least = [size - 1 for size in clusters]
    parts = [variance**2 / max(size, 1) for variance, size in zip(spread, least, strict=True)]
    return sum(spread) ** 2 / sum(parts) if sum(parts) > 0 else float(min(least))


def _mean(effects: Floats, weight: Floats, chosen: npt.NDArray[np.bool_]) -> Floats:
    """Mean over cells that a draw has; one with none at all is left out later."""
    value, share = effects[:, chosen], weight[:, chosen]
    with np.errstate(invalid="ignore"):
        mean: Floats = (np.where(share > 0, value, 0.0) * share).sum(axis=1) / share.sum(axis=1)
    return mean


def _largest(draws: Floats, free: float, level: float, rng: np.random.Generator) -> float:
    """Probability whose Student quantile the largest |t| of all ages does not exceed.

    Drawn from normal samples with the correlations of the ages and so many degrees of freedom: with few clusters their
    errors are unsure, and unsure together.
    """
    away = np.where(np.isfinite(draws[1:]), draws[1:] - draws[0], 0.0)
    away /= np.maximum(away.std(axis=0), 1e-300)
    size = int(min(free, _MOST_FREE)) + 1
    samples = rng.multivariate_normal(
        np.zeros(away.shape[1]), away.T @ away / len(away), (_SAMPLES, size), method="eigh"
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(np.abs(samples.mean(axis=1)) / samples.std(axis=1, ddof=1)) * np.sqrt(size)
    return float(scipy.special.stdtr(size - 1, np.quantile(ratio.max(axis=1), level)))


def _effect(draws: Floats, free: float, probability: float) -> Effect:
    error, estimate = float(np.nanstd(draws[1:], ddof=1)), float(draws[0])
    wide = float(scipy.special.stdtrit(free, probability)) * error
    return Effect(
        estimate=estimate,
        error=error,
        low=estimate - wide,
        high=estimate + wide,
        p=float(2.0 * scipy.special.stdtr(free, -abs(estimate) / error)) if error > 0 else 1.0,
    )
