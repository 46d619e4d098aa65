"""Bounds of a survival curve without a unique maximum."""

from functools import cached_property
from typing import Final

import numpy as np
import scipy

from waterbed.estimators.survival.intervals import Floats, Intervals

_GONE: Final = 1e-9
"""Survival below which all are taken to have ended."""
_UNBOUNDED: Final = 3
"""How linprog says that nothing bounds the aim."""
_DENSE: Final = 4_000_000
"""Largest matrix whose rank is worked out; of a larger one uniqueness is not known beforehand."""


class Maxima:
    """All survival curves of one likelihood, its maximum.

    With late entry the likelihood is concave in the hazards h of the cells: the sum over intervals of -(H(left) -
    H(entry)) + log(1 - exp(-(H(right) - H(left)))). The second term is strictly concave, so at every maximum each
    interval has the same H(right) - H(left), and the first terms add up to the same: the maxima are a polytope in h,
    and linear programs give the least and the greatest H at a time. (Without late entry Gentleman and Vandal, Canadian
    Journal of Statistics 30, 2002, call them representational and mixture non-uniqueness.) Where all have ended nothing
    bounds h from above.
    """

    def __init__(self, held: Intervals, mass: Floats) -> None:
        """Take intervals, and the masses of one maximum."""
        self._held, self._mass = held, mass

    @cached_property
    def _program(self) -> "tuple[int, scipy.sparse.csr_array, Floats]":
        """How many cells have a finite hazard, and the equations of all maxima: matrix and values."""
        held, tail = self._held, np.append(np.cumsum(self._mass[::-1])[::-1], 0.0)
        free = int(np.argmax(tail[1:] <= _GONE * tail[0]))
        hazard = np.log(tail[:free] / tail[1 : free + 1])
        spans = np.unique(np.column_stack([held.begin, held.stop])[held.stop <= free], axis=0)
        lengths = spans[:, 1] - spans[:, 0]
        first = np.repeat(spans[:, 0] - np.append(0, np.cumsum(lengths)[:-1]), lengths)
        ends = scipy.sparse.csr_array(
            (np.ones(first.size), first + np.arange(first.size), np.append(0, np.cumsum(lengths))),
            shape=(len(spans), free),
        )
        size = self._mass.size + 1
        begun = np.bincount(held.enter, held.weight, size) - np.bincount(held.begin, held.weight, size)
        lived = np.cumsum(begun)[:free]
        equations = scipy.sparse.vstack([ends, scipy.sparse.csr_array(lived[None, :])], format="csr")
        return free, equations, equations @ hazard

    @cached_property
    def unique(self) -> bool:
        """True if there is surely one curve only."""
        free, equations, _ = self._program
        if equations.shape[0] * free > _DENSE:
            return False
        return not free or bool(np.linalg.matrix_rank(equations.toarray()) == free)

    def least_and_most(self, sooner: int, later: int) -> tuple[float, float]:
        """The least S after `later` cells, the greatest after `sooner`."""
        return float(np.exp(-self._extreme(later, -1.0))), float(np.exp(-self._extreme(sooner, 1.0)))

    def _extreme(self, cells: int, sign: float) -> float:
        """The least (sign 1) or the greatest (-1) cumulative hazard of the first cells."""
        free, equations, values = self._program
        if cells > free:
            return float("inf")
        aim = np.where(np.arange(free) < cells, sign, 0.0)
        if not aim.any():
            return 0.0
        found = scipy.optimize.linprog(aim, A_eq=equations, b_eq=values, bounds=(0.0, None), method="highs")
        return float("inf") if found.status == _UNBOUNDED else float(max(0.0, sign * found.fun))
