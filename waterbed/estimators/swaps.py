"""Changes of ratios to a control, judged by exchanging the two windows of clusters."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_CELLS = 1 << 24
"""Signs held at once."""
_FAR, _HALVINGS = 1e9, 40


def signed_sums(parts: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Sums of clusters x columns with random signs of clusters, resamples x columns."""
    sums, held = np.empty((resamples, parts.shape[1])), max(1, _CELLS // max(len(parts), 1))
    for at in range(0, resamples, held):
        size = (min(held, resamples - at), len(parts))
        sums[at : at + held] = (2.0 * rng.integers(0, 2, size, dtype=np.int8) - 1.0) @ parts
    return sums


def reach(draws: Floats, level: float) -> float:
    """The size that this part of draws does not exceed, the data counted as one of them."""
    return float(np.sort(np.abs(draws))[min(draws.size, int(np.ceil(level * (draws.size + 1)))) - 1])


def edge(beyond: Callable[[float], bool], estimate: float, way: float) -> float:
    """Where the values around an estimate end that are not beyond, by doubling and halving."""
    inside, outside = 0.0, 1.0
    while not beyond(estimate + way * outside) and outside < _FAR:
        inside, outside = outside, 2.0 * outside
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if beyond(estimate + way * middle) else (middle, outside)
    return estimate + way * outside


class Swaps:
    """Tables of clusters (target, control, buffer x before, after) and the same with windows of clusters exchanged.

    For a weighted sum E of target and buffer, E_a - r C_a is its change against the control C, r being E / C in both
    windows together. Its variance is that of independent clusters, to first order. Exchanging a cluster's windows
    leaves r: the test is exact where a cluster is as likely to fall before as after, however unequal clusters are, and
    right in large samples elsewhere, as the change is divided by its own error each time (Chung and Romano, Annals of
    Statistics 41, 2013).
    """

    def __init__(self, each: Floats, resamples: int, rng: np.random.Generator) -> None:
        """Exchange the windows of each cluster or not, by the toss of a coin, `resamples` times."""
        before, after = each[:, :, 0], each[:, :, 1]
        squares = [np.einsum("ci,cj->cij", one, one).reshape(len(each), 9) for one in (after, before)]
        halves = np.concatenate([after - before, squares[0] - squares[1]], axis=1) / 2
        moved = np.vstack([halves.sum(axis=0), signed_sums(halves, resamples, rng)])
        self._total = each.sum(axis=(0, 2))
        self._after = self._total / 2 + moved[:, :3]
        self._squares, self._moved = (squares[0] + squares[1]).sum(axis=0) / 2, moved[:, 3:]
        self._crossed = np.einsum("ci,cj->ij", after, before)

    def change(self, target: float, buffer: float) -> tuple[Floats, Floats]:
        """The change of a weighted sum against the control and its error; the data are the first of the rows."""
        ratio = (target * self._total[0] + buffer * self._total[2]) / self._total[1]
        load = np.array([target, -ratio, buffer])
        early = self._after[:, 1] / self._total[1]
        both = np.outer(load, load).ravel()
        kept, moved = float(self._squares @ both), self._moved @ both
        crossed = float(load @ self._crossed @ load)
        late = 1.0 - early
        variance = late**2 * (kept + moved) + early**2 * (kept - moved) - 2.0 * early * late * crossed
        return self._after @ load, np.sqrt(np.maximum(variance, 0.0))

    def beyond(self, target: float, buffer: float, level: float) -> bool:
        """Whether the change is larger, over its error, than exchanged windows make it."""
        sizes = standardised(*self.change(target, buffer))
        return bool(sizes[0] > reach(sizes[1:], level))


def standardised(change: Floats, error: Floats) -> Floats:
    """Sizes of changes over their errors, rounded so that equal ones are equal; 0 where nothing changes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(change == 0, 0.0, np.round(np.abs(change) / error, 9))
