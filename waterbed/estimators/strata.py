"""Rows arranged by stratum for fast permutation.

All strata of one size are permuted at once.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Number = TypeVar("Number", np.int32, np.int64, np.float64)

_SMALL = 16
"""Strata below this size are shuffled anew in every step, larger ones every few steps."""
_EVERY = 8
_TURNS = 4
"""Rounds of exchange in a step of a small stratum, where many are forbidden."""
_THREES = 0.125
"""Part of the rounds in which three rows exchange instead of two."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strata:
    """Rows ordered so that equal-sized strata lie together.

    `order` arranges the rows; `blocks` are (first row, strata, rows in each) of that arrangement. Strata of one row are
    in no block, as nothing in them can change.
    """

    order: Ints
    blocks: tuple[tuple[int, int, int], ...]

    @property
    def movable(self) -> int:
        """Number of rows that share their stratum."""
        return sum(count * size for _, count, size in self.blocks)

    def views(self, arranged: npt.NDArray[Number]) -> list[npt.NDArray[Number]]:
        """Return the blocks of an arranged array.

        Each is strata x rows and shares the array's memory.
        """
        return [arranged[first : first + count * size].reshape(count, size) for first, count, size in self.blocks]


def strata_of(stratum: npt.ArrayLike) -> Strata:
    """Arrange rows with integer stratum labels from 0."""
    label = np.asarray(stratum, np.int64)
    if label.ndim != 1 or (label < 0).any():
        raise ValueError("a stratum is an integer label from 0, one for each row")
    sizes = np.bincount(label) if label.size else np.zeros(0, np.int64)
    order = np.lexsort((label, sizes[label])).astype(np.int64)
    distinct, counts = np.unique(sizes[sizes > 0], return_counts=True)
    firsts = np.concatenate([[0], np.cumsum(distinct * counts)[:-1]]) if distinct.size else distinct
    blocks = tuple(
        (int(first), int(count), int(size))
        for first, count, size in zip(firsts, counts, distinct, strict=True)
        if size > 1
    )
    return Strata(order=order, blocks=blocks)


def alike(stratum: npt.ArrayLike, value: npt.ArrayLike, *, within: float, rows: int = 4) -> Ints:
    """Divide strata into runs of rows whose values are alike.

    Each run has `rows` rows of one stratum that follow each other in `value` and fall into one interval of length
    `within`; the last run of an interval has up to twice as many less one, or as few as there are. Returns a new label
    for each row. Give the start of a content as value: copies come soon after a start, and among contents of all ages
    they look like arrivals after an end.
    """
    if rows < 2 or not within > 0:
        raise ValueError("a run needs two rows or more, and values within a positive distance")
    measure = np.asarray(value, float)
    cells = np.stack([np.asarray(stratum, np.int64), np.floor(measure / within).astype(np.int64)], axis=1)
    label, sizes = np.unique(cells, axis=0, return_inverse=True, return_counts=True)[1:]
    order = np.lexsort((measure, label))
    ordered = label[order]
    place = np.arange(ordered.size) - (np.cumsum(sizes) - sizes)[ordered]
    run = np.minimum(place // rows, np.maximum(sizes[ordered] // rows, 1) - 1)
    fresh = np.ones(ordered.size, np.int64)
    fresh[1:] = (ordered[1:] != ordered[:-1]) | (run[1:] != run[:-1])
    divided = np.empty(ordered.size, np.int64)
    divided[order] = np.cumsum(fresh) - 1
    return divided


def reorder(view: npt.NDArray[Number], step: int, rng: np.random.Generator) -> None:
    """Permute the rows of each stratum.

    The permutation does not depend on the values. Small strata are shuffled. Large ones are shuffled in every eighth
    step, and turned by a random number of places between, which after a shuffle is as good and much cheaper.
    """
    size = view.shape[1]
    if size < _SMALL or step % _EVERY == 0:
        rng.permuted(view, axis=1, out=view)
    else:
        view[:] = np.roll(view, int(rng.integers(1, size)), axis=1)


def exchange(view: Codes, bits: int, step: int, rng: np.random.Generator) -> None:
    """Exchange the low parts of rows within a stratum.

    An exchange that makes a low part equal its high part is not made. A row is high << bits | low. Rows are put
    together in pairs, now and then in threes, whatever they hold; pairs alone do not reach all arrangements without
    equal parts. Each way is as likely as its reverse, so that all arrangements stay equally likely.
    """
    size = view.shape[1]
    small = size < _SMALL
    for turn in range(_TURNS if small else 1):
        if turn == 0 and (small or step % _EVERY == 0):
            rng.permuted(view, axis=1, out=view)
        elif small:
            view[:] = np.roll(view, int(rng.integers(size)), axis=1)
        if size >= 3 and rng.random() < _THREES:
            _exchange_three(view, bits, rng)
        else:
            _exchange_two(view, bits, 0 if small else int(rng.integers(size // 2)))


def _exchange_two(view: Codes, bits: int, turn: int) -> None:
    """The first half against the second, the latter begun at `turn`."""
    half = view.shape[1] // 2
    low = (1 << bits) - 1
    for first, second, length in ((0, half + turn, half - turn), (half - turn, half, turn)):
        first_half, other = view[:, first : first + length], view[:, second : second + length]
        change = (first_half ^ other) & low
        change *= ((first_half >> bits) != (other & low)) & ((other >> bits) != (first_half & low))
        first_half ^= change
        other ^= change


def _exchange_three(view: Codes, bits: int, rng: np.random.Generator) -> None:
    """Three thirds hand their low parts round, this way or that."""
    third, low = view.shape[1] // 3, (1 << bits) - 1
    first_third, two, three = (view[:, index * third : (index + 1) * third] for index in range(3))
    if rng.random() < 0.5:
        two, three = three, two
    parts = first_third & low, two & low, three & low
    free = ((first_third >> bits) != parts[1]) & ((two >> bits) != parts[2]) & ((three >> bits) != parts[0])
    first_third ^= (parts[0] ^ parts[1]) * free
    two ^= (parts[1] ^ parts[2]) * free
    three ^= (parts[2] ^ parts[0]) * free
