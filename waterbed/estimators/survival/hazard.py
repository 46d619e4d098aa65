"""Hazards from interval checks: complementary log-log regression.

Lengths are the offset; group effects are shrunk.
"""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.survival.intervals import Floats, Ints, sums
from waterbed.model.errors import OwnFailure

_LEAST, _MOST = np.log(1e-3), np.log(10.0)
"""Range of the log standard deviation of group effects."""

_ROUNDS = 200
_FEWEST = 2
_STILL = 1e-9
"""Part of the log likelihood that a last step may still gain."""
_DAMPING = 1e-10
"""Part of each curvature that is added to it for a step; without it rounding makes a flat direction's step endless."""


class Undetermined(ValueError):
    """The rows do not tell the coefficients apart."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hazard:
    """Log hazard ratios with errors, and shrunken group effects.

    Standard errors are robust where clusters were given; those of `model_se` are not. They are in the thousands or
    more for a coefficient of which no value is the likeliest, as where each end may lie on one side of a change.
    Effects are shrunk towards 0. `effect_se` is conditional on `sigma`, the standard deviation of effects between
    groups. `log_likelihood` is the penalised one integrated over group effects by Laplace's method.
    """

    coefficients: Floats
    se: Floats
    model_se: Floats
    groups: Ints
    effects: Floats
    effect_se: Floats
    sigma: float
    log_likelihood: float


class _Data(NamedTuple):
    """Pieces in the order of their stretches, and the group of each stretch."""

    length: Floats
    x: Floats
    stretch: Ints
    ended: npt.NDArray[np.bool_]
    group: Ints
    groups: int


class _Blocks(NamedTuple):
    """Curvature of the penalised likelihood: coefficients, coefficients x groups, groups (these do not meet)."""

    across: Floats
    between: Floats
    own: Floats


class _Fit(NamedTuple):
    """Where the penalised likelihood is highest, the log likelihood there, and its curvature."""

    beta: Floats
    u: Floats
    plain: float
    bent: _Blocks


def hazard(
    ended: npt.ArrayLike,
    length: npt.ArrayLike,
    covariates: npt.ArrayLike,
    group: npt.ArrayLike,
    *,
    stretch: npt.ArrayLike | None = None,
    sigma: float | None = None,
    cluster: npt.ArrayLike | None = None,
) -> Hazard:
    """Fit the log hazard by covariates and group effects.

    log hazard = covariates @ coefficients + effect of the group. Stretch i of time between two looks saw an end
    (ended[i]) or not; it consists of pieces of `length` with constant `covariates` (pieces x k, an intercept among
    them); `stretch` says which stretch each piece is of, by default one each. An end has probability 1 - exp(-sum of
    length * hazard): a complementary log-log model with offset log(length) (Prentice and Gloeckler, Biometrics 34,
    1978). Covariates of pieces may change in time. With a `cluster` for each stretch, or stretches x labellings, the
    errors of the coefficients hold however alike the stretches of a cluster are: the sandwich of summed scores (Lin
    and Wei, JASA 84, 1989), times G / (G - 1) for G clusters; of several labellings the largest. Effects are normal
    with standard deviation `sigma`, by default the one with the highest Laplace marginal likelihood (Breslow and
    Clayton, JASA 88, 1993). Raises ValueError for impossible input, Undetermined for covariates that
    follow from each other, OwnFailure if it does not settle.
    """
    data, groups = _checked(ended, length, covariates, group, stretch)
    if sigma is None:
        best = scipy.optimize.minimize_scalar(
            lambda log: -_marginal(_climb(data, float(np.exp(log))), float(np.exp(log))),
            bounds=(_LEAST, _MOST),
            method="bounded",
            options={"xatol": 1e-3},
        )
        sigma = float(np.exp(best.x))
    if not sigma > 0:
        raise ValueError("group effects need a standard deviation above 0")
    fit = _climb(data, sigma)
    bent = _information(data, fit.beta, fit.u, sigma, exact=True)
    lever = bent.between / bent.own
    try:
        covariance = scipy.linalg.cho_solve(
            scipy.linalg.cho_factor(bent.across - lever @ bent.between.T), np.eye(fit.beta.size)
        )
    except np.linalg.LinAlgError as problem:
        raise Undetermined("the stretches are too long to tell the coefficients apart") from problem
    model_se = np.sqrt(np.diag(covariance))
    return Hazard(
        coefficients=fit.beta,
        se=_robust(data, fit, lever, covariance, cluster) if cluster is not None else model_se,
        model_se=model_se,
        groups=groups,
        effects=fit.u,
        effect_se=np.sqrt(1.0 / bent.own + np.einsum("ig,ij,jg->g", lever, covariance, lever)),
        sigma=sigma,
        log_likelihood=_marginal(fit, sigma),
    )


def _robust(data: _Data, fit: _Fit, lever: Floats, covariance: Floats, cluster: npt.ArrayLike) -> Floats:
    """Errors of the coefficients from the scores of clusters, group effects taken out."""
    labels = np.asarray(cluster)
    if labels.shape[:1] != data.ended.shape:
        raise ValueError("each stretch needs a cluster")
    piece, cumulative = _hazards(data, fit.beta, fit.u)
    pulled = piece * _pull(data, cumulative)[data.stretch]
    rows = pulled[:, None] * (data.x - lever.T[data.group[data.stretch]])
    largest = np.zeros(rows.shape[1])
    for labelling in labels.reshape(data.ended.size, -1).T:
        names, which = np.unique(labelling, return_inverse=True)
        if names.size < _FEWEST:
            raise ValueError("robust errors need two clusters")
        of_piece = which[data.stretch]
        scores = np.stack([sums(of_piece, rows[:, k], names.size) for k in range(rows.shape[1])], axis=1)
        squares = ((scores @ covariance) ** 2).sum(axis=0)
        largest = np.maximum(largest, np.sqrt(squares * (names.size / (names.size - 1))))
    return largest


def _checked(
    ended: npt.ArrayLike, length: npt.ArrayLike, x: npt.ArrayLike, group: npt.ArrayLike, stretch: npt.ArrayLike | None
) -> tuple[_Data, Ints]:
    over, each, rows = np.asarray(ended, dtype=bool), np.asarray(length, dtype=float), np.asarray(x, dtype=float)
    of = np.arange(each.size) if stretch is None else np.asarray(stretch, dtype=np.int64)
    labels = np.asarray(group)
    if (
        over.size == 0
        or labels.shape != over.shape
        or of.shape != each.shape
        or rows.shape[:1] != each.shape
        or rows.ndim != 2
    ):
        raise ValueError("each stretch needs an end and a group, each piece a length, covariates and a stretch")
    if not np.isfinite(rows).all() or not (np.isfinite(each) & (each > 0)).all():
        raise ValueError("pieces need a length above 0 and finite covariates")
    if not np.array_equal(np.unique(of), np.arange(over.size)):
        raise ValueError("each stretch needs at least one piece, and each piece a stretch that there is")
    if np.linalg.matrix_rank(rows) < rows.shape[1]:
        raise Undetermined("some covariate follows from the others")
    if not over.any():
        raise ValueError("without any end there is no hazard to fit")
    groups, number = np.unique(labels, return_inverse=True)
    return _Data(each, rows, of, over, number, groups.size), groups


def _climb(data: _Data, sigma: float) -> _Fit:
    """Newton steps, halved until the likelihood rises; where it bends up, with a curvature that is always positive."""
    beta, u = _start(data), np.zeros(data.groups)
    height = _height(data, beta, u, sigma)
    for _ in range(_ROUNDS):
        slope_b, slope_u = _slope(data, beta, u, sigma)
        blocks = _curvature(data, beta, u, sigma)
        lever = blocks.between / blocks.own
        step_b = _solved(blocks.across - lever @ blocks.between.T, slope_b - lever @ slope_u)
        step_u = slope_u / blocks.own - lever.T @ step_b
        gain, part = float(slope_b @ step_b + slope_u @ step_u), 1.0
        while (higher := _height(data, beta + part * step_b, u + part * step_u, sigma)) < height and part > 1e-9:
            part /= 2
        if higher >= height:
            beta, u, height = beta + part * step_b, u + part * step_u, higher
        if gain <= _STILL * (1.0 + abs(height)):
            return _Fit(beta, u, _height(data, beta, u, np.inf), _information(data, beta, u, sigma, exact=False))
    raise OwnFailure(f"the hazard regression did not settle in {_ROUNDS} rounds")


def _curvature(data: _Data, beta: Floats, u: Floats, sigma: float) -> _Blocks:
    """The likelihood's own curvature where all of it is positive; the other leads too slowly along a long ridge."""
    blocks = _information(data, beta, u, sigma, exact=True)
    lever = blocks.between / blocks.own
    _, info = scipy.linalg.lapack.dpotrf(blocks.across - lever @ blocks.between.T)
    return _information(data, beta, u, sigma, exact=False) if info else blocks


def _solved(curvature: Floats, slope: Floats) -> Floats:
    """The step to the top, damped along nearly flat directions; Undetermined where some coefficient changes nothing."""
    damped = curvature + np.diag(_DAMPING * np.diag(curvature))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", scipy.linalg.LinAlgWarning)  # a flat direction has its huge error told
            step: Floats = scipy.linalg.solve(damped, slope, assume_a="sym")
    except np.linalg.LinAlgError as problem:
        raise Undetermined("some coefficient changes nothing") from problem
    return step


def _start(data: _Data) -> Floats:
    """Coefficients that come nearest to one hazard for all."""
    rate = np.log(data.ended.sum() / data.length.sum())
    start: Floats = np.linalg.lstsq(data.x, np.full(data.length.size, rate), rcond=None)[0]
    return start


def _hazards(data: _Data, beta: Floats, u: Floats) -> tuple[Floats, Floats]:
    """Cumulative hazard of each piece, and of each stretch."""
    eta = np.clip(data.x @ beta + u[data.group[data.stretch]], -300.0, 300.0)
    piece = data.length * np.exp(eta)
    return piece, sums(data.stretch, piece, data.ended.size)


def _height(data: _Data, beta: Floats, u: Floats, sigma: float) -> float:
    _, cumulative = _hazards(data, beta, u)
    each = np.where(data.ended, np.log(np.maximum(-np.expm1(-cumulative), 1e-300)), -cumulative)
    return float(each.sum() - (u @ u) / (2.0 * sigma**2))


def _pull(data: _Data, cumulative: Floats) -> Floats:
    """Derivative of each stretch's log likelihood by its cumulative hazard."""
    return np.where(data.ended, 1.0 / np.maximum(np.expm1(np.minimum(cumulative, 600.0)), 1e-300), -1.0)


def _slope(data: _Data, beta: Floats, u: Floats, sigma: float) -> tuple[Floats, Floats]:
    piece, cumulative = _hazards(data, beta, u)
    pulled = piece * _pull(data, cumulative)[data.stretch]
    groups = sums(data.group[data.stretch], pulled, data.groups)
    return data.x.T @ pulled, groups - u / sigma**2


def _information(data: _Data, beta: Floats, u: Floats, sigma: float, *, exact: bool) -> _Blocks:
    """Curvature at some coefficients and effects.

    The place of the end in a stretch with several pieces is unknown, which loses information. `exact` allows for it;
    without, the curvature is positive everywhere.
    """
    piece, cumulative = _hazards(data, beta, u)
    pull, k = _pull(data, cumulative), data.x.shape[1]
    mean = np.stack([sums(data.stretch, piece * data.x[:, j], cumulative.size) for j in range(k)], axis=1)
    mean /= np.maximum(cumulative, 1e-300)[:, None]
    back = np.exp(np.minimum(cumulative, 300.0))
    bent = np.where(data.ended, np.maximum((cumulative * pull) * (cumulative * pull * back - 1.0), 0.0), cumulative)
    across = (mean * bent[:, None]).T @ mean
    spread = data.x - mean[data.stretch]
    lost = -(piece * pull[data.stretch])
    if not exact:
        lost = np.maximum(lost, 0.0)
    across += (spread * lost[:, None]).T @ spread
    between = np.stack([sums(data.group, bent * mean[:, j], data.groups) for j in range(k)])
    by_group = sums(data.group, bent, data.groups) + 1.0 / sigma**2
    return _Blocks(across, between, by_group)


def _marginal(fit: _Fit, sigma: float) -> float:
    """Log likelihood with group effects integrated out by Laplace's method."""
    penalty = float(fit.u @ fit.u) / (2.0 * sigma**2) + fit.u.size * float(np.log(sigma))
    return fit.plain - penalty - float(np.log(fit.bent.own).sum()) / 2.0
