"""Confidence sets of ranks from pairwise differences.

Arrays in and numbers out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_SAME = 1e-12
"""Standard error below which a difference counts as free of sampling error."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaceSets:
    """Ranks that each group may have, `low` to `high`, and the pairs that they come from.

    Both ends are included; place 1 is the largest value. `above` is groups x groups, true where the first is surely
    above the second: ranks of two such groups may overlap, for a rank counts the others, too.
    """

    low: Ints
    high: Ints
    above: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Kendall's tau-b between two rankings, with its interval.

    Null if too few are ranked in both, the interval also where they agree or differ wholly.
    """

    tau: float | None
    low: float | None
    high: float | None
    n: int


_AT_ONCE = 50
"""Resamples that are drawn at a time."""


def cluster_weights(clusters: int, resamples: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw how often each cluster is taken, resamples x clusters.

    Poisson with mean 1, which makes totals vary as counts of independent clusters do. A cluster has the same weight in
    all groups that it feeds: resampling is global.
    """
    weights = np.empty((resamples, clusters), np.uint8)
    for first in range(0, resamples, _AT_ONCE):  # drawn as eight bytes each
        some = weights[first : first + _AT_ONCE]
        some[:] = rng.poisson(1.0, size=some.shape)
    return weights


def resampled_sums(
    weights: npt.NDArray[np.uint8],
    cluster: npt.ArrayLike,
    group: npt.ArrayLike,
    value: npt.ArrayLike,
    groups: int,
) -> Floats:
    """Sum each group's values in each resample, resamples x groups.

    Row i adds value[i] to group[i] and belongs to cluster[i].
    """
    cells = (np.asarray(value, dtype=float), (np.asarray(cluster), np.asarray(group)))
    each = scipy.sparse.csr_matrix(cells, shape=(weights.shape[1], groups))
    total: Floats = np.asarray((each.T @ weights.T.astype(np.float64)).T)
    return total


def widened(
    draws: Floats,
    least_errors: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    noise: Floats | None = None,
) -> Floats:
    """Add noise to draws with a spread below the least.

    The noise is independent, standard normal numbers of the shape of `draws` (drawn unless given: two bounds of one
    value share theirs); the least spread is a standard error. A group whose clusters all agree does not vary in
    any resample, which overstates certainty. `draws` is resamples x groups, `least_errors` has one number a group.
    `freedom` is the degrees of freedom of each error: deviations are then those of Student's t, normal ones times
    sqrt(v / chi squared of v), one draw for each resample and group.
    """
    missing = np.sqrt(np.maximum(0.0, np.square(np.asarray(least_errors, dtype=float)) - draws.var(axis=0, ddof=1)))
    noisy: Floats = draws + missing * (rng.standard_normal(draws.shape) if noise is None else noise)
    return noisy


def error_scales(
    freedom: npt.ArrayLike, resamples: int, rng: np.random.Generator, *, least: npt.ArrayLike = 0.0
) -> Floats:
    """Draw the error that each resample would estimate, as a part of the true one, resamples x groups.

    sqrt(chi squared of v / v), where v is the degrees of freedom of a group's error, and no less than `least`, below
    which no estimate of it is, or 1 where that is more.
    """
    degrees = np.asarray(freedom, dtype=float)
    relative = np.sqrt(rng.chisquare(degrees, (resamples, degrees.size)) / degrees)
    scales: Floats = np.maximum(relative, np.minimum(1.0, np.asarray(least, dtype=float)))
    return scales


def place_sets(
    estimates: npt.ArrayLike,
    draws: npt.ArrayLike,
    *,
    upper: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    scales: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    level: float = 0.95,
    marginal: bool = False,
) -> PlaceSets:
    """Find the sets that hold the true places.

    `estimates` has one value a group, `draws` is resamples x groups. For each ordered pair the hypothesis that i is
    not above j is tested by (estimate_i - estimate_j) / error_ij against the quantile of the largest studentised
    deviation over all pairs still open, stepping down until no further pair is decided; a group's set leaves out the
    places of those surely above and surely below it (Mogstad, Romano, Shaikh and Wilhelm, Review of Economic Studies
    91, 2024). The sets hold all true places at once with probability `level`; with `marginal` each holds its own, and
    only pairs with the group in question compete. Where the value of a group is known between two bounds alone, these
    are the lower ones, and `upper` has estimates and draws of the upper ones: i is above j if its lower bound is above
    the upper bound of j. Errors that are estimated themselves differ between resamples: `scales` has them, of the lower
    and of the upper bounds (`error_scales`), and each deviation is studentised by its own resample's, as Welch's t is.
    Raises ValueError for unequal lengths, numbers that are missing, or fewer than 20 resamples.
    """
    values, resampled = np.asarray(estimates, dtype=float), np.asarray(draws, dtype=float)
    most, resampled_most = (values, resampled) if upper is None else (np.asarray(bound, dtype=float) for bound in upper)
    for some, of in ((values, resampled), (most, resampled_most)):
        if of.ndim != 2 or of.shape[1:] != some.shape or of.shape[0] < 20 or of.shape != resampled.shape:
            raise ValueError("place sets need draws of 20 resamples or more of all groups")
        if not np.isfinite(some).all() or not np.isfinite(of).all():
            raise ValueError("place sets need numbers: an estimate or a draw is missing or infinite")
    deviations = _Deviations(
        lower=resampled - resampled.mean(axis=0),
        upper=resampled_most - resampled_most.mean(axis=0),
        scales=scales and (np.asarray(scales[0], dtype=float), np.asarray(scales[1], dtype=float)),
    )
    errors = deviations.errors()
    certain = errors <= _SAME
    np.fill_diagonal(certain, val=True)  # a group is not compared with itself
    inverse = np.where(certain, 0.0, 1.0 / np.where(certain, 1.0, errors))
    gaps = values[:, None] - most[None, :]
    strength = np.where(certain, np.where(gaps > _SAME, np.inf, 0.0), gaps * inverse)
    np.fill_diagonal(strength, 0.0)
    if marginal:
        over, under = _marginal(strength, deviations, inverse, level)
        return PlaceSets(low=1 + under.sum(axis=1), high=values.size - over.sum(axis=1), above=over)
    above = _joint(strength, deviations, inverse, level)
    return PlaceSets(low=1 + above.sum(axis=0), high=values.size - above.sum(axis=1), above=above)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Deviations:
    """Deviations of the lower and of the upper bounds of each group from their means, resamples x groups.

    `scales` are the errors that each resample estimates, as parts of theirs; None: these are known.
    """

    lower: Floats
    upper: Floats
    scales: tuple[Floats, Floats] | None

    def _spread(self) -> tuple[Floats, Floats, Floats]:
        """Variances of both bounds, and the covariance of each lower with each upper one."""
        degrees = len(self.lower) - 1
        lower_variance, theirs = (
            np.square(deviations).sum(axis=0) / degrees for deviations in (self.lower, self.upper)
        )
        return lower_variance, theirs, self.lower.T @ self.upper / degrees

    def errors(self) -> Floats:
        """Standard error of each lower bound less each upper bound."""
        lower_variance, theirs, covariance = self._spread()
        errors: Floats = np.sqrt(np.maximum(0.0, lower_variance[:, None] + theirs[None, :] - 2.0 * covariance))
        return errors

    def studentised(self, inverse: Floats) -> Iterator[Floats]:
        """Of each resample, the lower less the upper deviations by their error, groups x groups.

        `inverse` is 1 / `errors`, 0 for pairs that are not compared. The array is the same each time.
        """
        work, spread, shared = (np.empty_like(inverse) for _ in range(3))
        lower_variance, theirs, covariance = self._spread()
        compared = (inverse > 0.0).astype(float)
        for number, (lower, upper) in enumerate(zip(self.lower, self.upper, strict=True)):
            np.subtract(lower[:, None], upper[None, :], out=work)
            if self.scales is None:
                work *= inverse
            else:
                lower_scale, other = self.scales[0][number], self.scales[1][number]
                np.add((lower_variance * lower_scale**2)[:, None], (theirs * other**2)[None, :], out=spread)
                np.multiply(covariance, (2.0 * lower_scale)[:, None], out=shared)
                shared *= other
                spread -= shared
                np.maximum(spread, _SAME**2, out=spread)
                work /= np.sqrt(spread, out=spread)
                work *= compared
            yield work


def _joint(strength: Floats, deviations: _Deviations, inverse: Floats, level: float) -> Flags:
    """Pairs (i, j) in which i is surely above j, all at once."""
    above = np.isinf(strength)
    while True:
        open_ = np.where(above, 0.0, inverse)
        largest = np.array([each.max() for each in deviations.studentised(open_)])
        decided = (strength > _upper(largest, level)) & ~above
        if not decided.any():
            return above
        above |= decided


def _marginal(strength: Floats, deviations: _Deviations, inverse: Floats, level: float) -> tuple[Flags, Flags]:
    """For each row on its own: the rows surely below it, and those surely above it."""
    over, under, work = (np.ones_like(inverse) for _ in range(3))
    largest = np.empty((len(deviations.lower), len(strength)))
    above, below = np.isinf(strength), np.isinf(strength.T)
    while True:
        over[above], under[below] = 0.0, 0.0
        for number, each in enumerate(deviations.studentised(inverse)):
            most = np.multiply(each, over, out=work).max(axis=1)
            largest[number] = np.maximum(most, np.multiply(each, under.T, out=work).max(axis=0))
        bar = _upper(largest, level)[:, None]
        new_above, new_below = (strength > bar) & ~above, (bar < strength.T) & ~below
        if not (new_above.any() or new_below.any()):
            return above, below
        above |= new_above
        below |= new_below


def _upper(largest: Floats, level: float) -> Floats:
    """The resampling quantile that errs to caution."""
    rank = min(len(largest), int(np.ceil(level * (len(largest) + 1)))) - 1
    bar: Floats = np.sort(largest, axis=0)[rank]
    return bar


def share_among_first(draws: npt.ArrayLike, first: int, *, upper: npt.ArrayLike | None = None) -> Floats:
    """Return how often each group is among the largest.

    Among the `first` largest, over the resamples. Where values are known between two bounds alone, `draws` are the
    lower ones and `upper` the upper ones: a group counts if its lower bound is among the upper bounds of the others.
    """
    resampled = np.asarray(draws, dtype=float)
    groups = resampled.shape[1]
    if first >= groups:
        return np.ones(groups)
    compared = resampled if upper is None else np.asarray(upper, dtype=float)
    ordered = np.partition(compared, [groups - first - 1, groups - first], axis=1)
    bar, next_bar = ordered[:, groups - first, None], ordered[:, groups - first - 1, None]
    # the bar is that of the others alone: without a group that is above it, the next one
    share: Floats = (resampled >= np.where(compared >= bar, next_bar, bar)).mean(axis=0)
    return share


def leave_one_out(
    parts: npt.ArrayLike, wholes: npt.ArrayLike, cluster: npt.ArrayLike, group: npt.ArrayLike, groups: int
) -> tuple[Floats, Floats]:
    """Return the range of ratios without any one cluster.

    Least and largest sum(parts) / sum(wholes) of each group when one cluster is left out. NaN for a group of one
    cluster: nothing would be left.
    """
    of_cluster = np.asarray(cluster, dtype=np.int64)
    clusters = int(of_cluster.max(initial=0)) + 1
    cells, cell = np.unique(np.asarray(group, dtype=np.int64) * clusters + of_cluster, return_inverse=True)
    owner = cells // clusters
    part = np.bincount(cell, np.asarray(parts, dtype=float), cells.size)
    cell_total = np.bincount(cell, np.asarray(wholes, dtype=float), cells.size)
    left_part = np.bincount(owner, part, groups)[owner] - part
    left_whole = np.bincount(owner, cell_total, groups)[owner] - cell_total
    some = np.bincount(owner, minlength=groups)[owner] > 1
    some &= left_whole > 0
    low, high = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(low, owner[some], left_part[some] / left_whole[some])
    np.maximum.at(high, owner[some], left_part[some] / left_whole[some])
    return np.where(np.isinf(low), np.nan, low), np.where(np.isinf(high), np.nan, high)


def kendall(first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = 0.95) -> Agreement:
    """Kendall's tau-b of two values of the same groups.

    The interval is Fisher's z with standard error sqrt(0.437 / (n - 4)) (Fieller, Hartley and Pearson, Biometrika 44,
    1957). Null below 5 groups, or where one ranking is all ties; the interval is null where the rankings agree or
    differ wholly, for z has no error there.
    """
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if x.size < 5:
        return Agreement(tau=None, low=None, high=None, n=x.size)
    agreeing, apart_x, apart_y = 0.0, 0.0, 0.0
    for position in range(x.size - 1):
        x_sign, other = np.sign(x[position + 1 :] - x[position]), np.sign(y[position + 1 :] - y[position])
        agreeing += float(x_sign @ other)
        apart_x += float(np.abs(x_sign).sum())
        apart_y += float(np.abs(other).sum())
    if not (apart_x and apart_y):
        return Agreement(tau=None, low=None, high=None, n=x.size)
    tau = agreeing / float(np.sqrt(apart_x * apart_y))
    if abs(tau) >= 1.0 - _SAME:
        return Agreement(tau=tau, low=None, high=None, n=x.size)
    z = np.arctanh(tau)
    wide = float(scipy.special.ndtri((1.0 + level) / 2)) * np.sqrt(0.437 / (x.size - 4))
    return Agreement(tau=tau, low=float(np.tanh(z - wide)), high=float(np.tanh(z + wide)), n=x.size)
