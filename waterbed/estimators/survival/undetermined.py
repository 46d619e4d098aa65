"""Bounds of a survival curve without a unique maximum."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.survival.intervals import Floats, Intervals

_GONE: Final = 1e-9
"""Survival below which all are taken to have ended."""
_SAME: Final = 1e-6
"""Difference of survival below which curves agree but for rounding."""
_UNBOUNDED: Final = 3
"""How linprog says that nothing bounds the aim."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parts:
    """The connected parts of cells' edges, and what is known of the number that each adds to its hazards."""

    part: npt.NDArray[np.int32]
    count: int
    hazard: Floats
    """Cumulative, at each edge, of the one maximum."""
    grows: "scipy.sparse.csr_array"
    least: Floats
    """What `grows` must be at least, for no hazard to be below 0."""
    lived: Floats
    """Times these numbers it is 0."""


class Maxima:
    """All survival curves of one likelihood, its maximum.

    With late entry the likelihood is concave in the hazards h of the cells: the sum over intervals of -(H(left) -
    H(entry)) + log(1 - exp(-(H(right) - H(left)))). The second term is strictly concave, so at every maximum each
    interval has the same H(right) - H(left), and the first terms add up to the same: the maxima are a polytope in h,
    and linear programs give the least and the greatest H at a time. (Without late entry Gentleman and Vandal, Canadian
    Journal of Statistics 30, 2002, call them representational and mixture non-uniqueness.) Where all have ended nothing
    bounds h from above.

    The edges of cells are nodes of a graph, and each interval ties its two: inside a connected part all differences of
    H are known. One number is left for each part, so the programs are small however many intervals there are.
    """

    def __init__(self, grouped: Intervals, mass: Floats) -> None:
        """Take intervals, and the masses of one maximum."""
        self._held, self._mass = grouped, mass

    @cached_property
    def _parts(self) -> _Parts:
        grouped, tail = self._held, np.append(np.cumsum(self._mass[::-1])[::-1], 0.0)
        free = int(np.argmax(tail[1:] <= _GONE * tail[0]))
        inside = grouped.stop <= free
        ends = grouped.begin[inside], grouped.stop[inside]
        ties = scipy.sparse.coo_array((np.ones(ends[0].size), ends), shape=(free + 1, free + 1))
        count, part = scipy.sparse.csgraph.connected_components(ties, directed=False)
        size = self._mass.size + 1
        begun = np.bincount(grouped.enter, grouped.weight, size) - np.bincount(grouped.begin, grouped.weight, size)
        # of each cell between two parts, by how much their numbers grow its hazard, and what that adds up to
        between = np.flatnonzero(part[1:] != part[:-1])
        cells = np.arange(between.size)
        signs = np.repeat((1.0, -1.0), between.size)
        places = np.tile(cells, 2), np.concatenate([part[between + 1], part[between]])
        grows = scipy.sparse.csr_array((signs, places), shape=(between.size, count))
        hazard = -np.log(tail[: free + 1] / tail[0])
        return _Parts(
            part=part,
            count=count,
            hazard=hazard,
            grows=grows,
            least=hazard[between] - hazard[between + 1],
            lived=np.cumsum(begun)[:free][between] @ grows if between.size else np.zeros(count),
        )

    @cached_property
    def unique(self) -> bool:
        """True if there is one curve only."""
        parts = self._parts
        return parts.count - 1 <= int(np.abs(parts.lived).max() > _GONE)

    def agree(self, cells: int) -> bool:
        """True if all give the same S after those cells."""
        if self.unique:
            return True
        part = self._parts.part
        bounds = (self.least_and_most(c, c) for c in np.flatnonzero(part[: cells + 1] != part[0]).tolist())
        return all(most - least <= _SAME for least, most in bounds)

    def least_and_most(self, sooner: int, later: int) -> tuple[float, float]:
        """The least S after `later` cells, the greatest after `sooner`."""
        return float(np.exp(-self._extreme(later, -1.0))), float(np.exp(-self._extreme(sooner, 1.0)))

    def _extreme(self, cells: int, sign: float) -> float:
        """The least (sign 1) or the greatest (-1) cumulative hazard of the first cells."""
        parts = self._parts
        if cells >= parts.part.size:
            return float("inf")
        certain, which = float(parts.hazard[cells]), int(parts.part[cells])
        if which == parts.part[0]:
            return certain
        aim = np.zeros(parts.count)
        aim[which] = sign
        bounds = [(0.0, 0.0) if part == parts.part[0] else (None, None) for part in range(parts.count)]
        optimum = scipy.optimize.linprog(
            aim,
            A_ub=-parts.grows,
            b_ub=-parts.least,
            A_eq=parts.lived[None, :],
            b_eq=[0.0],
            bounds=bounds,
            method="highs",
        )
        return float("inf") if optimum.status == _UNBOUNDED else float(max(0.0, certain + sign * optimum.fun))
