"""Mixture likelihood over overlapping ranges of cells: accelerated EM."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from waterbed.model.errors import OwnFailure

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TINY = 1e-300
"""Least mass an interval holds in a quotient: no division by zero."""

_KEPT = 0.01
"""Least part of its EM value that a leap leaves a cell: from near zero EM takes ages to grow again."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segments:
    """Which cells each of `clocks` holds: runs begin..stop-1 of `size` cells."""

    clock: Ints
    begin: Ints
    stop: Ints
    clocks: int
    size: int


def maximise(held: Segments, weight: Floats, *, tolerance: float, max_rounds: int) -> tuple[Floats, float, int]:
    """Find cell masses that maximise sum of weight * log(mass held).

    EM with difference arrays, squared extrapolation (SQUAREM, Varadhan and Roland, Scandinavian Journal of Statistics
    35, 2008, scheme S3), a leap kept only if the likelihood does not fall. Returns masses, slack (largest directional
    derivative / n - 1) and rounds. Raises OwnFailure if `tolerance` is not reached.
    """
    mass = np.full(held.size, 1.0 / held.size)
    height, gain = _look(held, weight, mass)
    total, rounds = float(weight.sum()), 1
    while (slack := float(gain.max()) / total - 1.0) > tolerance:
        if rounds >= max_rounds:
            raise OwnFailure(f"the incidence estimate did not settle in {max_rounds} rounds (slack {slack:.1e})")
        once = mass * gain / total
        height, gain = _look(held, weight, once)
        twice = once * gain / total
        leap = _leap(mass, once, twice)
        leap_height, leap_gain = _look(held, weight, leap)
        rounds += 2
        if leap_height >= height:
            mass, height, gain = leap, leap_height, leap_gain
        else:
            mass = twice
            height, gain = _look(held, weight, mass)
            rounds += 1
    return mass, slack, rounds


def _look(held: Segments, weight: Floats, mass: Floats) -> tuple[float, Floats]:
    """Log-likelihood, and its derivative towards each cell."""
    below = np.zeros(held.size + 1)
    np.cumsum(mass, out=below[1:])
    got = np.bincount(held.clock, below[held.stop] - below[held.begin], held.clocks)
    got = np.maximum(got, _TINY)
    pull = (weight / got)[held.clock]
    edges = np.bincount(held.begin, pull, held.size + 1) - np.bincount(held.stop, pull, held.size + 1)
    return float(weight @ np.log(got)), np.cumsum(edges[:-1])


def _leap(mass: Floats, once: Floats, twice: Floats) -> Floats:
    first = once - mass
    bend = twice - once - first
    curve = float(bend @ bend)
    length = max(1.0, float(np.sqrt(first @ first / curve))) if curve > 0 else 1.0
    far = np.maximum(mass + 2 * length * first + length**2 * bend, _KEPT * twice)
    far /= far.sum()
    return far
