"""Series of outcomes split into stretches of one share each."""

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]

SHORTEST: Final = 2
"""Sites in a stretch, at least: a single site is none."""
MOST_BINS: Final = 100
"""Bins between which stretches begin and end, at most."""


def log_likelihood(hits: Floats, of: Floats) -> Floats:
    """The log-likelihood of `hits` of `of` outcomes at the share that they have, element by element."""
    likelihood: Floats = scipy.special.xlogy(hits, hits / of) + scipy.special.xlogy(of - hits, 1.0 - hits / of)
    return likelihood


def stretches(hits: npt.ArrayLike, penalty: float) -> list[tuple[float, int]]:
    """Split outcomes in time order into stretches of one share each: the share and the number of outcomes.

    The stretches maximise twice the log-likelihood less the penalty for each, over all numbers of stretches (Jackson et
    al., IEEE Signal Processing Letters 12, 2005). They have SHORTEST outcomes or more, and with more than MOST_BINS
    outcomes begin and end at so many places. Outcomes are 0..1.
    """
    x = np.asarray(hits, dtype=float)
    edges = np.unique(np.round(np.linspace(0, x.size, min(x.size, MOST_BINS) + 1)).astype(np.int64))
    sums = np.concatenate([[0.0], np.cumsum(x)])[edges]
    of = (edges[None, :] - edges[:, None]).astype(float)
    allowed = of >= min(SHORTEST, x.size)
    of = np.where(allowed, of, 1.0)
    gains = 2 * log_likelihood(np.where(allowed, np.clip(sums[None, :] - sums[:, None], 0.0, of), 0.0), of) - penalty
    gains[~allowed] = -np.inf
    best, begin = np.full(edges.size, -np.inf), np.zeros(edges.size, np.int64)
    best[0] = 0.0
    for end in range(1, edges.size):
        value = best[:end] + gains[:end, end]
        begin[end] = int(np.argmax(value))
        best[end] = value[begin[end]]
    cuts = [edges.size - 1]
    while cuts[-1] > 0:
        cuts.append(int(begin[cuts[-1]]))
    cuts.reverse()
    return [(float((sums[b] - sums[a]) / (edges[b] - edges[a])), int(edges[b] - edges[a])) for a, b in pairwise(cuts)]
