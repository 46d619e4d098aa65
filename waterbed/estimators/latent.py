"""The trait behind several noisy counts of the same groups.

A latent trait behind counts by several sources; arrays in and numbers out.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.refusal import Refusal
from waterbed.model.message import Count, Message, Number

Floats = npt.NDArray[np.float64]

FEWEST_SOURCES: Final = 3
"""Sources below which what they share cannot be told from what each has alone."""
FEWEST_GROUPS: Final = 30
"""Groups with counts by two sources or more, below which nothing is told."""
_NODES: Final = np.linspace(-5.0, 5.0, 41)
_LOG_DISPERSION: Final = (-8.0, 4.0)
_SIZE_STEP: Final = 0.1
"""Groups without any count whose log sizes agree so far are one row with a weight."""
_UNIT_PENALTY: Final = 0.02
"""Of the squares of loadings and log dispersions: keeps what the data do not tell finite."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Latent:
    """The trait of each group, and each source's bearing.

    `trait` are posterior means, standard normal over all groups, larger where more is counted than size lets expect;
    `low` and `high` the ends of 95% intervals given the model. `loading` is the change of a source's log count by one
    unit of the trait, `dispersion` its own, beyond the trait.
    """

    trait: Floats
    low: Floats
    high: Floats
    loading: Floats
    dispersion: Floats


def latent_trait(counts: npt.ArrayLike, log_sizes: npt.ArrayLike) -> Latent | Refusal:
    """Fit one latent trait behind counts of the same groups.

    Counts are groups x sources.

    y_ij is negative binomial with mean exp(a_j + c_j s_i + b_j t_i), s_i the log size, and dispersion alpha_j; t_i is
    standard normal (a factor model of negative binomial counts: Behaviormetrika 26, 1999, pages 235-250;
    for feeds of abuse Noroozian et al., WEIS 2017). The marginal likelihood, integrated on an
    even grid of t, is maximised; the sign is such that the mean loading is positive. Groups without any count belong
    into it. Refused with fewer than three sources or too few groups with counts by two. Raises ValueError for counts
    or sizes that cannot be.
    """
    y, s = np.asarray(counts, dtype=float), np.asarray(log_sizes, dtype=float)
    if y.ndim != 2 or y.shape[0] != s.size or not (y >= 0).all() or not np.isfinite(s).all():
        raise ValueError("counts must be groups x sources, not negative, and each group needs a finite log size")
    heard = y.any(axis=0)
    if heard.sum() < FEWEST_SOURCES:
        return Refusal(
            Message.of("what sources have in common needs at least {least} of them", least=Number(FEWEST_SOURCES))
        )
    shared = int(((y > 0).sum(axis=1) > 1).sum())
    if shared < FEWEST_GROUPS:
        return Refusal(
            Message.of(
                "{groups} were reported by two sources or more where {least} are needed",
                groups=Count(shared, "group"),
                least=Number(FEWEST_GROUPS),
            )
        )
    rows, weight = _grouped(y, s)
    selected, sizes = y[rows][:, heard], s[rows]
    middle = float(np.average(sizes, weights=weight))
    optimum = scipy.optimize.minimize(
        _loss,
        _start(selected, sizes - middle, weight),
        args=(selected, sizes - middle, weight),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None)] * (3 * int(heard.sum())) + [_LOG_DISPERSION] * int(heard.sum()),
        options={"maxiter": 500},
    )
    a, c, b, log_alpha = np.split(optimum.x, 4)
    b = b if b.sum() >= 0 else -b
    posterior = _posterior(y[:, heard], s - middle, (a, c, b, log_alpha))
    below = np.cumsum(posterior, axis=1) - posterior / 2
    mean = posterior @ _NODES
    low, high = (np.array([np.interp(part, own_below, _NODES) for own_below in below]) for part in (0.025, 0.975))
    loading, dispersion = np.full(heard.size, np.nan), np.full(heard.size, np.nan)
    loading[heard], dispersion[heard] = b, np.exp(log_alpha)
    return Latent(
        trait=mean, low=np.minimum(low, mean), high=np.maximum(high, mean), loading=loading, dispersion=dispersion
    )


def _grouped(y: Floats, s: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Rows that stand for all, with their weights: those without a count are one where sizes agree."""
    silent = ~y.any(axis=1)
    some = np.flatnonzero(~silent)
    none = np.flatnonzero(silent)
    if not none.size:
        return some, np.ones(some.size)
    _, first, counts = np.unique(np.round(s[none] / _SIZE_STEP), return_index=True, return_counts=True)
    return np.append(some, none[first]), np.append(np.ones(some.size), counts.astype(float))


def _start(y: Floats, s: Floats, weight: Floats) -> Floats:
    mean = np.average(y, axis=0, weights=weight)
    sources = mean.size
    return np.concatenate([np.log(mean + 1e-9) - 1.0, np.ones(sources), np.ones(sources), np.zeros(sources)])


def _terms(y: Floats, s: Floats, parameters: Any) -> tuple[Floats, Floats, Floats, Floats]:
    """Log likelihood of each group at each node, and the counts, means and inverse dispersions behind it."""
    a, c, b, log_alpha = parameters
    r = np.exp(-np.asarray(log_alpha))
    eta = a + np.multiply.outer(s, c)
    mean = np.exp(np.clip(eta[:, None, :] + _NODES[None, :, None] * b, -60.0, 60.0))
    observed = y[:, None, :]
    log = observed * np.log(mean / (r + mean)) - r * np.log1p(mean / r)
    rising = scipy.special.gammaln(y + r) - scipy.special.gammaln(r) - scipy.special.gammaln(y + 1.0)
    joint = log.sum(axis=2) + rising.sum(axis=1)[:, None] - _NODES**2 / 2
    return joint, observed, mean, r


def _posterior(y: Floats, s: Floats, parameters: Any) -> Floats:
    """Chance of each node for each group, in pieces of groups."""
    posterior = np.empty((len(y), _NODES.size))
    for start in range(0, len(y), 4_096):
        part = slice(start, start + 4_096)
        joint = _terms(y[part], s[part], parameters)[0]
        posterior[part] = scipy.special.softmax(joint, axis=1)
    return posterior


def _loss(flat: Floats, y: Floats, s: Floats, weight: Floats) -> tuple[float, Floats]:
    """Negative log likelihood a group, penalised slightly, and its gradient."""
    parts = np.split(flat, 4)
    joint, observed, mean, r = _terms(y, s, parts)
    marginal = scipy.special.logsumexp(joint, axis=1)
    chance = np.exp(joint - marginal[:, None]) * weight[:, None]
    pull = (observed - mean) * (r / (r + mean))
    a = np.einsum("iq,iqj->j", chance, pull)
    c = np.einsum("iq,iqj,i->j", chance, pull, s)
    b = np.einsum("iq,iqj,q->j", chance, pull, _NODES)
    flatter = np.log(r) + 1.0 - np.log(r + mean) - (r + observed) / (r + mean)
    rise = scipy.special.digamma(y + r) - scipy.special.digamma(r)
    by_r = np.einsum("iq,iqj->j", chance, flatter) + weight @ rise
    total = float(weight.sum())
    value = -float(weight @ marginal) + _UNIT_PENALTY * float(np.square(parts[2]).sum() + np.square(parts[3]).sum())
    slope = -np.concatenate([a, c, b, -r * by_r])
    slope[2 * len(r) :] += 2 * _UNIT_PENALTY * np.concatenate([parts[2], parts[3]])
    return value / total, slope / total
