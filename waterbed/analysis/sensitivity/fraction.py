"""A balanced part of a grid that is too large to run whole."""

from collections import defaultdict
from dataclasses import replace
from itertools import combinations

import numpy as np

from waterbed.analysis.sensitivity.design import DIMENSIONS, Levels, Spec, every_spec, size
from waterbed.model.sensitivity import Dimension

_TRIED = 64
_Pair = tuple[Dimension, str, Dimension, str]


def chosen_specs(levels: Levels, most: int, *, seed: int = 1) -> list[Spec]:
    """The whole grid if it has at most `most` specifications, else a balanced fraction; the reference comes first.

    A fraction holds lines: all levels of one dimension, the others fixed, so that each dimension is changed alone
    equally often (after Morris 1991). The reference's own lines come first. Each further one, of the dimension that
    has fewest, is the one of 64 drawn whose pairs of levels stand there least often. Deterministic given `seed`.
    """
    if size(levels) <= most:
        return list(every_spec(levels))
    rng = np.random.default_rng(seed)
    varied = [dimension for dimension in DIMENSIONS if len(levels[dimension]) > 1]
    reference = next(every_spec(levels))
    taken: dict[Spec, None] = {reference: None}
    pairs: dict[_Pair, int] = defaultdict(int)
    lines = dict.fromkeys(varied, 0)
    for line in (_line(reference, dimension, levels) for dimension in varied):
        _take(line, taken, pairs, most)
    while len(taken) < most:
        dimension = min(varied, key=lambda one: lines[one])
        lines[dimension] += 1
        drawn = [_line(_drawn(levels, rng), dimension, levels) for _ in range(_TRIED)]
        fresh = [line for line in drawn if any(spec not in taken for spec in line)]
        if fresh:
            _take(min(fresh, key=lambda line: _crowded(line, taken, pairs, levels)), taken, pairs, most)
    return list(taken)


def _line(through: Spec, dimension: Dimension, levels: Levels) -> list[Spec]:
    return [replace(through, **{dimension: level}) for level in levels[dimension]]


def _drawn(levels: Levels, rng: np.random.Generator) -> Spec:
    at = {dimension: levels[dimension][int(rng.integers(len(levels[dimension])))] for dimension in DIMENSIONS}
    return Spec(**at)


def _take(line: list[Spec], taken: dict[Spec, None], pairs: dict[_Pair, int], most: int) -> None:
    for spec in line:
        if spec not in taken and len(taken) < most:
            taken[spec] = None
            for pair in _pairs(spec):
                pairs[pair] += 1


def _crowded(line: list[Spec], taken: dict[Spec, None], pairs: dict[_Pair, int], levels: Levels) -> float:
    """How often the line's pairs stand there already, each beside how often it should."""
    fresh = [spec for spec in line if spec not in taken]
    crowd = sum(pairs[pair] * len(levels[pair[0]]) * len(levels[pair[2]]) for spec in fresh for pair in _pairs(spec))
    return crowd / len(fresh)


def _pairs(spec: Spec) -> list[_Pair]:
    return [(one, spec.level(one), other, spec.level(other)) for one, other in combinations(DIMENSIONS, 2)]
