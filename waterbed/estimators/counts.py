"""Counts against sizes: negative-binomial regression and empirical Bayes.

Gamma-Poisson shrinkage; arrays in and numbers out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.model.errors import OwnFailure

Floats = npt.NDArray[np.float64]

_LOG_DISPERSION = (-12.0, 6.0)
"""Bounds of log alpha: below the first the counts are Poisson, above the second nothing is left to explain."""
_COOK, _LEVERAGE = 1.0, 0.5
"""Cook's distance and leverage above which one row decides a regression."""
_LOG_PRIOR = (-6.0, 12.0)
"""Bounds of the log of the Gamma prior's shape and rate."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountModel:
    """A fitted negative-binomial model of counts.

    Mean exp(X b + offset), variance mean + alpha * mean^2. `coefficients` have the length of X's columns; `covariance`
    is theirs.
    """

    coefficients: Floats
    covariance: Floats
    dispersion: float
    log_likelihood: float
    influential: npt.NDArray[np.bool_]
    """Rows that alone decide the coefficients."""

    def deviance(self, counts: npt.ArrayLike, design: npt.ArrayLike, offset: npt.ArrayLike | None = None) -> float:
        """Twice the log likelihood missing to a perfect fit.

        At this model's dispersion (Cameron and Trivedi 2013, equation 5.29).
        """
        y, mean, size = np.asarray(counts, dtype=float), self.expected(design, offset), 1.0 / self.dispersion
        log_ratio = scipy.special.xlogy(y, y / mean)
        return 2.0 * float((log_ratio - (y + size) * np.log((y + size) / (mean + size))).sum())

    def expected(self, design: npt.ArrayLike, offset: npt.ArrayLike | None = None) -> Floats:
        """Mean count of each row."""
        mean: Floats = np.exp(np.asarray(design, dtype=float) @ self.coefficients + _offset(offset))
        return mean


def log_design(*sizes: npt.ArrayLike) -> Floats:
    """Return an intercept and the logarithm of each size.

    Rows x columns; sizes must be positive.
    """
    columns = [np.asarray(size, dtype=float) for size in sizes]
    if any((column <= 0).any() or not np.isfinite(column).all() for column in columns):
        raise ValueError("a logarithm needs positive sizes")
    return np.column_stack([np.ones(columns[0].size), *map(np.log, columns)])


def negative_binomial(counts: npt.ArrayLike, design: npt.ArrayLike, offset: npt.ArrayLike | None = None) -> CountModel:
    """Fit counts to a design by maximum likelihood.

    NB2: y_i has mean m_i = exp(x_i b + offset_i) and variance m_i + alpha m_i^2 (Cameron and Trivedi, Regression
    Analysis of Count Data, 2013, section 3.3). Zeros belong into it: rows chosen because their count is positive bend
    the slopes. Covariance is the inverse of the expected information, in which b and alpha are orthogonal.
    `influential` are rows of a Cook's distance above 1 or a leverage above 0.5 (Cook, Technometrics 19, 1977; Huber,
    Robust Statistics, 1981, section 7.2; for generalised linear models Williams, Applied Statistics 36, 1987). Raises
    ValueError for negative counts, unequal lengths, a dependent design or counts that are all zero, OwnFailure if the
    maximum is not found.
    """
    y, x, shift = np.asarray(counts, dtype=float), np.asarray(design, dtype=float), _offset(offset)
    if x.ndim != 2 or y.shape != x.shape[:1] or not (y >= 0).all() or not y.any():
        raise ValueError("counts must be as many as the design's rows, numbers, not negative, and not all zero")
    # an orthogonal design makes the search well conditioned, whatever the units
    basis, triangle = np.linalg.qr(x)
    if np.abs(np.diag(triangle)).min() < 1e-9 * np.abs(np.diag(triangle)).max():
        raise ValueError("the columns of the design depend on each other")
    scale = np.sqrt(len(y))
    start = np.append(np.linalg.lstsq(basis * scale, np.log(y + 0.1 * y.mean()) - shift, rcond=None)[0], 0.0)
    optimum = scipy.optimize.minimize(
        _loss,
        start,
        args=(y, basis * scale, shift),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None)] * x.shape[1] + [_LOG_DISPERSION],
        options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-8},
    )
    if not np.isfinite(optimum.fun):
        raise OwnFailure("the regression of counts on sizes found no maximum")
    coefficients = np.linalg.solve(triangle, optimum.x[:-1] * scale)
    dispersion = float(np.exp(optimum.x[-1]))
    mean = np.exp(x @ coefficients + shift)
    weight = mean / (1.0 + dispersion * mean)
    information = (x * weight[:, None]).T @ x
    return CountModel(
        coefficients=coefficients,
        covariance=np.linalg.inv(information),
        dispersion=dispersion,
        log_likelihood=-float(optimum.fun) * len(y) - float(scipy.special.gammaln(y + 1.0).sum()),
        influential=_influential(y, mean, dispersion, x, np.linalg.inv(information)),
    )


def _influential(y: Floats, mean: Floats, dispersion: float, x: Floats, covariance: Floats) -> npt.NDArray[np.bool_]:
    """Rows without which the coefficients would be others."""
    weight = mean / (1.0 + dispersion * mean)
    leverage = np.minimum(weight * np.einsum("ij,jk,ik->i", x, covariance, x), 1.0 - 1e-12)
    residual = np.square(y - mean) / (mean * (1.0 + dispersion * mean))
    cook = residual * leverage / (x.shape[1] * np.square(1.0 - leverage))
    influential: npt.NDArray[np.bool_] = (cook > _COOK) | (leverage > _LEVERAGE)
    return influential


def _loss(parameters: Floats, y: Floats, x: Floats, shift: Floats | float) -> tuple[float, Floats]:
    """Negative log-likelihood a row, without the factorials, and its gradient."""
    size = float(np.exp(-parameters[-1]))
    mean = np.exp(np.clip(x @ parameters[:-1] + shift, -700.0, 300.0))
    some = y > 0
    # most rows of a frame are zeros, of which the gamma functions cancel
    rising = scipy.special.gammaln(y[some] + size) - scipy.special.gammaln(size)
    log_whole = np.log1p(mean / size)
    value = rising.sum() + (y[some] * (np.log(mean[some] / size) - log_whole[some])).sum() - size * log_whole.sum()
    pull = (y - mean) / (1.0 + mean / size)
    by_size = (scipy.special.digamma(y[some] + size) - scipy.special.digamma(size)).sum()
    by_size += (-log_whole - (y - mean) / (size + mean)).sum()
    return -float(value) / len(y), -np.append(x.T @ pull, -size * by_size) / len(y)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shrunk:
    """Relative rates shrunk towards their common distribution.

    `rate` is the posterior mean, `low` and `high` the ends of its interval; the prior is Gamma(shape, rate of prior).
    """

    rate: Floats
    low: Floats
    high: Floats
    prior_shape: float
    prior_rate: float


def gamma_poisson(observed: npt.ArrayLike, expected: npt.ArrayLike, *, level: float = 0.95) -> Shrunk:
    """Shrink observed / expected by empirical Bayes.

    o_i is Poisson with mean e_i t_i, and t_i Gamma with shape a and rate b: o_i is then negative binomial, of which a
    and b maximise the likelihood (Clayton and Kaldor, Biometrics 43, 1987). The posterior is Gamma(a + o_i, b + e_i),
    its quantiles are the interval, given a and b. Raises ValueError for negative counts, for expected counts that are
    not positive, or where nothing was observed.
    """
    o, e = _observed(observed, expected)
    start_mean, spread = _moments(o, e)
    shape = np.clip(start_mean**2 / spread if spread > 0 else 1e3, 1e-2, 1e4)
    optimum = scipy.optimize.minimize(
        _prior_loss,
        np.log([shape, shape / start_mean]),
        args=(o, e),
        jac=True,
        method="L-BFGS-B",
        bounds=[_LOG_PRIOR] * 2,
        options={"ftol": 1e-14, "gtol": 1e-9},
    )
    a, b = map(float, np.exp(optimum.x))
    outside = (1.0 - level) / 2
    return Shrunk(
        rate=(a + o) / (b + e),
        low=scipy.special.gammaincinv(a + o, outside) / (b + e),
        high=scipy.special.gammaincinv(a + o, 1.0 - outside) / (b + e),
        prior_shape=a,
        prior_rate=b,
    )


def _moments(o: Floats, e: Floats) -> tuple[float, float]:
    """Return the mean and excess variance of the rates.

    The variance between them that chance does not explain, at least 0.
    """
    mean = float(o.sum() / e.sum())
    between = float((e * np.square(o / e - mean)).sum() / e.sum()) - mean / float(e.mean())
    return mean, max(0.0, between)


def _prior_loss(logs: Floats, o: Floats, e: Floats) -> tuple[float, Floats]:
    a, b = np.exp(logs)
    value = scipy.special.gammaln(o + a) - scipy.special.gammaln(a) + a * np.log(b / (b + e)) - o * np.log(b + e)
    by_a = scipy.special.digamma(o + a) - scipy.special.digamma(a) + np.log(b / (b + e))
    by_b = a / b - (a + o) / (b + e)
    return -float(value.mean()), -np.array([a * by_a.mean(), b * by_b.mean()])


def _observed(observed: npt.ArrayLike, expected: npt.ArrayLike) -> tuple[Floats, Floats]:
    o, e = np.asarray(observed, dtype=float), np.asarray(expected, dtype=float)
    if o.shape != e.shape or not (o >= 0).all() or not o.any() or not (e > 0).all():
        raise ValueError("shrinkage needs as many counts as positive expected counts, and one that is not zero")
    return o, e


def _offset(offset: npt.ArrayLike | None) -> Floats | float:
    return 0.0 if offset is None else np.asarray(offset, dtype=float)
