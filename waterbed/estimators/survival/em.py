"""Maximum likelihood of interval-censored data by EM.

For many weightings of the intervals at once; with late entry.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.survival.intervals import Intervals
from waterbed.model.errors import OwnFailure

Floats = npt.NDArray[np.float64]

_TINY = 1e-300
"""Least mass in a quotient: no division by zero."""

_FARTHEST = 600.0
"""Largest cumulative hazard, and longest step in it: exp of its negative is still a number."""

_HARDLY = 1e-6
"""Mass below which a tail counts as next to nothing."""

_HALVINGS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ascent:
    """Cell masses, cells x weightings, each column summing to 1.

    `slack` is, for each weighting, the largest directional derivative towards one cell, divided by n, minus 1 (without
    late entry; in general minus the part that entry takes back): 0 at the maximum.
    """

    mass: Floats
    slack: Floats
    rounds: int


def ascend(
    grouped: Intervals, weight: Floats, *, tolerance: float, max_rounds: int, first: Floats | None = None
) -> Ascent:
    """Find cell masses of maximum likelihood, given entry.

    Masses p maximise sum of weight * log(P(interval) / P(after entry)). `weight` is intervals x weightings. Rounds
    alternate EM, whose M-step is the product limit of expected ends and expected numbers at risk, with the iterative
    convex minorant step in the cumulative hazard, in which the likelihood is concave even with late entry (Wellner and
    Zhan, JASA 92, 1997, for the hybrid; Pan and Chappell, Computational Statistics and Data Analysis 28, 1998, for
    entry). No round lowers the likelihood. A weighting stops when its slack <= `tolerance`. `first` is a mass to start
    from, by default all alike. Raises OwnFailure after `max_rounds`.
    """
    likelihood = _Likelihood(grouped)
    cells, columns = grouped.start.size, weight.shape[1]
    begin = np.full(cells, 1.0 / cells) if first is None else first
    now = np.repeat(begin[:, None], columns, axis=1)
    mass, slack = np.empty_like(now), np.empty(columns)
    open_, w, rounds = np.arange(columns), weight, 0
    while True:
        total = w.sum(axis=0)
        gain, back = likelihood.pulls(now, w)
        remaining = _slack(now, gain, back, total) if grouped.late else gain.max(axis=0) / total - 1.0
        settled = remaining <= tolerance
        mass[:, open_[settled]], slack[open_[settled]] = now[:, settled], remaining[settled]
        if settled.all():
            return Ascent(mass=mass, slack=slack, rounds=rounds)
        if rounds >= max_rounds:
            raise OwnFailure(
                f"the survival estimate did not settle in {max_rounds} rounds (slack {remaining.max():.1e})"
            )
        if settled.any():
            open_, w, now, gain = open_[~settled], w[:, ~settled], now[:, ~settled], gain[:, ~settled]
        now = likelihood.bend(likelihood.expect(now, gain, w), w)
        rounds += 1


class _Likelihood:
    """The likelihood of one set of intervals, with the steps that raise it."""

    def __init__(self, grouped: Intervals) -> None:
        """Keep which intervals begin, stop and enter at each cell boundary, as sparse sums."""
        self.held, self.cells = grouped, grouped.start.size
        self._begins, self._stops = self._sums(grouped.begin), self._sums(grouped.stop)
        self._enters = self._sums(grouped.enter)

    def _sums(self, boundary: npt.NDArray[np.int64]) -> "scipy.sparse.csr_array":
        ones = np.ones(boundary.size)
        return scipy.sparse.csr_array(
            (ones, (boundary, np.arange(boundary.size))), shape=(self.cells + 1, boundary.size)
        )

    def pulls(self, mass: Floats, weight: Floats) -> tuple[Floats, Floats]:
        """Derivatives towards each cell.

        Of the interval probabilities, and of those of having entered.
        """
        tail = _tail(mass)
        pull = weight / np.maximum(tail[self.held.begin] - tail[self.held.stop], _TINY)
        gain: Floats = np.cumsum(self._begins @ pull - self._stops @ pull, axis=0)[:-1]
        if not self.held.late:
            return gain, np.zeros((1, weight.shape[1]))
        back = np.cumsum(self._enters @ (weight / np.maximum(tail[self.held.enter], _TINY)), axis=0)[:-1]
        return gain, back

    def expect(self, mass: Floats, gain: Floats, weight: Floats) -> Floats:
        """One EM step in each cell.

        Hazard = expected ends / expected number at risk.
        """
        ends = mass * gain
        if not self.held.late:
            once: Floats = ends / ends.sum(axis=0)
            return once
        entered = np.cumsum(self._enters @ weight, axis=0)[:-1]
        departed = np.cumsum(ends, axis=0) - ends
        hazard: Floats = np.clip(ends / np.maximum(entered - departed, _TINY), 0.0, 1.0 - 1e-12)
        hazard[-1] = 1.0
        survival = np.cumprod(1.0 - hazard, axis=0)
        hazard[1:] *= survival[:-1]
        return hazard

    def bend(self, mass: Floats, weight: Floats) -> Floats:
        """One convex minorant step in the cumulative hazard.

        It is halved until the likelihood does not fall.
        """
        if self.cells < 2:
            return mass
        tail = _tail(mass)
        got = np.maximum(tail[self.held.begin] - tail[self.held.stop], _TINY)
        hazard = -np.log(np.maximum(tail[1:-1], np.exp(-_FARTHEST)))
        aim = self._minorant(tail, got, hazard, weight)
        height = self._height(got, tail, weight)
        best, open_, step = mass.copy(), np.arange(weight.shape[1]), 1.0
        for _ in range(_HALVINGS):
            tried = np.zeros((self.cells + 1, open_.size))
            tried[0] = 1.0
            tried[1:-1] = np.exp(-(hazard[:, open_] + step * (aim[:, open_] - hazard[:, open_])))
            inside = tried[self.held.begin] - tried[self.held.stop]
            w = weight[:, open_]
            possible = ((inside > 0) | (w == 0)).all(axis=0)
            good = possible & (self._height(np.maximum(inside, _TINY), tried, w) >= height[open_])
            best[:, open_[good]] = (tried[:-1] - tried[1:])[:, good]
            open_, step = open_[~good], step / 2
            if not open_.size:
                break
        return best

    def _minorant(self, tail: Floats, got: Floats, hazard: Floats, weight: Floats) -> Floats:
        """Newton's aim by the diagonal of the curvature, made monotone; all columns in one go."""
        low = tail[self.held.begin] / got
        high = tail[self.held.stop] / got
        slope = self._stops @ (weight * high) - self._begins @ (weight * low)
        if self.held.late:
            slope = slope + self._enters @ weight
        bent = weight * low * high
        curve = (self._stops @ bent + self._begins @ bent)[1:-1]
        slope = slope[1:-1]
        # not the aim is bounded but the curvature: any positive one makes a way up, a cut aim need not
        curve = np.maximum(curve, np.maximum(np.abs(slope) / _FARTHEST, _TINY))
        aim = hazard + slope / curve
        apart = 4 * _FARTHEST * np.arange(aim.shape[1])
        flat = (aim + apart).ravel(order="F")
        monotone = scipy.optimize.isotonic_regression(flat, weights=curve.ravel(order="F")).x
        bounded: Floats = np.clip(monotone.reshape(aim.shape, order="F") - apart, 0.0, _FARTHEST)
        return bounded

    def _height(self, got: Floats, tail: Floats, weight: Floats) -> Floats:
        height: Floats = np.einsum("ij,ij->j", weight, np.log(got))
        if self.held.late:
            height -= np.einsum("ij,ij->j", weight, np.log(np.maximum(tail[self.held.enter], _TINY)))
        return height


def _slack(mass: Floats, gain: Floats, back: Floats, total: Floats) -> Floats:
    """Return the largest derivative divided by n.

    If no early unit lived until later ones entered, all later mass is near zero and derivatives towards it are near
    infinity: there the derivative is taken times that mass.
    """
    part = np.minimum(_tail(mass)[:-1] / _HARDLY, 1.0)
    slack: Floats = ((gain - back) * part).max(axis=0) / total
    return slack


def _tail(mass: Floats) -> Floats:
    """Mass from each cell on; summed from the end, so that small tails keep their digits."""
    tail = np.zeros((mass.shape[0] + 1, mass.shape[1]))
    tail[:-1] = np.cumsum(mass[::-1], axis=0)[::-1]
    return tail


Ints = npt.NDArray[np.int64]


ENOUGH = 1e-4
"""Slack that is accepted where the likelihood is so flat that the rounds end first: shares are known to 1e-4."""

_KEPT = 0.01
"""Least part of its EM value that a leap leaves a cell: from near zero EM takes ages to grow again."""
_PATIENCE = 1_000
"""Rounds of EM before the first Newton step."""
_BETWEEN = 50
"""Rounds of EM from one Newton step to the next."""
_MOST_CELLS = 2_000
"""For a Newton step, which takes time with the third power of their number."""
_FAINT = 1e-100
"""Least mass of a clock in a curvature."""
_NEAR = 1e-8
"""Weight of staying near, beside the mean curvature: it decides only where the likelihood does not."""
_SUMMED = 10.0
"""Weight of the sum of masses being 1, beside the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segments:
    """Cells that each clock holds.

    Clock i holds the cells at places begin[i]..stop[i]-1 of a row; `cell` has the cell at each place of it. First stand
    all cells in their order, then perhaps some once more in another; no clock holds places of both.
    """

    begin: Ints
    stop: Ints
    cell: Ints

    @property
    def size(self) -> int:
        """The number of cells."""
        return int(self.cell.max()) + 1


def maximise(segments: Segments, weight: Floats, *, tolerance: float, max_rounds: int) -> tuple[Floats, float, int]:
    """Find the cell masses of maximum likelihood.

    They maximise sum of weight * log(mass held). EM with difference arrays, squared extrapolation (SQUAREM, Varadhan
    and Roland, Scandinavian Journal of Statistics 35, 2008, scheme S3), a leap kept only if the likelihood does not
    fall. Along a ridge of the likelihood EM creeps: what has not settled after some rounds takes constrained Newton
    steps as well (Wang, JRSS B 69, 2007), towards the nearest of equally likely masses. Returns masses, slack (largest
    directional derivative / n - 1) and rounds. Raises OwnFailure if after `max_rounds` the slack is above both
    `tolerance` and ENOUGH.
    """
    size = segments.size
    mass = np.full(size, 1.0 / size)
    height, gain = _look(segments, weight, mass)
    total, rounds, newton = float(weight.sum()), 1, _PATIENCE
    while (slack := float(gain.max()) / total - 1.0) > tolerance:
        if rounds >= max_rounds:
            if slack <= ENOUGH:
                break
            raise OwnFailure(f"the incidence estimate did not settle in {max_rounds} rounds (slack {slack:.1e})")
        once = mass * gain / total
        height, gain = _look(segments, weight, once)
        twice = once * gain / total
        leap = _leap(mass, once, twice)
        leap_height, leap_gain = _look(segments, weight, leap)
        rounds += 2
        if leap_height >= height:
            mass, height, gain = leap, leap_height, leap_gain
        else:
            mass = twice
            height, gain = _look(segments, weight, mass)
            rounds += 1
        if rounds >= newton:
            mass = _newton(segments, weight, mass, height)
            height, gain = _look(segments, weight, mass)
            newton, rounds = rounds + _BETWEEN, rounds + 1
    return mass, slack, rounds


def _newton(segments: Segments, weight: Floats, mass: Floats, height: float) -> Floats:
    """Masses at least as likely, by the quadratic form of the likelihood over all masses that sum to 1."""
    size = segments.size
    if size > _MOST_CELLS:
        return mass
    curve = _curvature(segments, weight, mass)
    least = float(np.trace(curve)) / size
    aim = 2.0 * (curve @ mass) + least * (_SUMMED + _NEAR * mass)
    curve += least * (_SUMMED + _NEAR * np.eye(size))
    try:
        root = np.linalg.cholesky(curve)
        solution, _ = scipy.optimize.nnls(root.T, scipy.linalg.solve_triangular(root, aim, lower=True))
    except (np.linalg.LinAlgError, RuntimeError):  # too flat for this precision: EM goes on
        return mass
    step, direction = 1.0, solution / solution.sum() - mass
    for _ in range(_HALVINGS):
        tried: Floats = np.maximum(mass + step * direction, 0.0)
        tried /= tried.sum()
        if _look(segments, weight, tried)[0] >= height:
            return tried
        step /= 2
    return mass


def _curvature(segments: Segments, weight: Floats, mass: Floats) -> Floats:
    """Minus the second derivatives of the log-likelihood, cells x cells.

    A clock adds the same number for each pair of cells that it holds: a pair's is the sum over the clocks that begin at
    its first place or before, and stop after its last.
    """
    size = mass.size
    curve = np.zeros((size, size))
    for first, last in ((0, size), (size, segments.cell.size)):
        selected = np.flatnonzero(
            (segments.begin >= first) & (segments.stop <= last) & (segments.begin < segments.stop)
        )
        if not selected.size:
            continue
        wide, cells = last - first, segments.cell[first:last]
        begin, stop = segments.begin[selected] - first, segments.stop[selected] - first
        ends = np.column_stack([begin, stop]).ravel()
        got = np.add.reduceat(np.append(mass[cells], 0.0), ends)[
            ::2
        ]  # not by differences: small ones keep their digits
        pull = weight[selected] / np.square(np.maximum(got, _FAINT))
        pairs = np.bincount(begin * wide + stop - 1, pull, wide * wide).reshape(wide, wide)
        pairs = np.cumsum(np.cumsum(pairs, axis=0)[:, ::-1], axis=1)[:, ::-1]
        curve[np.ix_(cells, cells)] += np.triu(pairs) + np.triu(pairs, 1).T
    return curve


def _look(segments: Segments, weight: Floats, mass: Floats) -> tuple[float, Floats]:
    """Return the log-likelihood and its derivative towards each cell."""
    places = segments.cell.size
    below = np.zeros(places + 1)
    np.cumsum(mass[segments.cell], out=below[1:])
    got = np.maximum(below[segments.stop] - below[segments.begin], _TINY)
    pull = weight / got
    edges = np.bincount(segments.begin, pull, places + 1) - np.bincount(segments.stop, pull, places + 1)
    gain = np.bincount(segments.cell, np.cumsum(edges[:-1]), mass.size).astype(float, copy=False)
    return float(weight @ np.log(got)), gain


def _leap(mass: Floats, once: Floats, twice: Floats) -> Floats:
    first = once - mass
    bend = twice - once - first
    curve = float(bend @ bend)
    length = max(1.0, float(np.sqrt(first @ first / curve))) if curve > 0 else 1.0
    far = np.maximum(mass + 2 * length * first + length**2 * bend, _KEPT * twice)
    far /= far.sum()
    return far
