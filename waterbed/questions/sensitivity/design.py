"""Analytic choices, their levels, and all their combinations."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Final, get_args

import numpy as np

from waterbed.measures.keys import Kind
from waterbed.model.conclusions import Assessment, ClockKind, HosterWord
from waterbed.model.errors import InputError
from waterbed.model.specifications import CONFIRMATION, Dedup, Dimension, FirstDown, Merges, Moved, Proxy, Unknown

DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)

DEDUP: Final[tuple[Dedup, ...]] = get_args(Dedup)
MOVED: Final[tuple[Moved, ...]] = get_args(Moved)
UNKNOWN: Final[tuple[Unknown, ...]] = get_args(Unknown)
FIRST_DOWN: Final[tuple[FirstDown, ...]] = get_args(FirstDown)
PROXY: Final[tuple[Proxy, ...]] = get_args(Proxy)
MERGES: Final[tuple[Merges, ...]] = get_args(Merges)
ASSESSMENT: Final[tuple[Assessment, ...]] = get_args(Assessment)
HOSTER_WORD: Final[tuple[HosterWord, ...]] = get_args(HosterWord)
"""Of these the first is the reference's."""

ORGANISATIONS: Final[tuple[Kind, ...]] = ("hoster", "asn", "upstream", "operator", "as_holder")
COUNTRIES: Final[tuple[Kind, ...]] = ("country", "registered", "seat")
"""Roles that can stand for each other: companies for companies, countries for countries."""

CLOCKS: Final[tuple[ClockKind, ...]] = ("reported", "notice_delivered", "first_seen", "episode_start")
"""Clocks that stand in by default, in this order; three at most, with the reference's own."""

_SEE: Final = "docs/sensitivity.md, Dimensions"

Levels = Mapping[Dimension, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One way to draw conclusions: a level of each dimension."""

    clock: str
    role: str
    dedup: str
    confirmation: str
    moved: str
    unknown: str
    first_down: str
    proxy: str
    merges: str
    assessment: str
    hoster_word: str

    def level(self, dimension: Dimension) -> str:
        """Its level of a dimension."""
        return str(getattr(self, dimension))


def confirmation(level: str) -> tuple[int, float]:
    """Looks and seconds of a confirmation level.

    A level reads `3 looks over 2 h`. The seconds are the least time that the looks must span.
    """
    found = re.fullmatch(CONFIRMATION, level)
    if not found:
        raise ValueError(f"confirmation {level!r} is not spelled as '1 look' or '3 looks over 2 h'")
    return int(found[1]), float(found[2] or 0) * 3600


def confirmation_level(looks: int, over_s: float) -> str:
    """The level for so many looks over so many seconds."""
    text = f"{looks} look{'s' if looks > 1 else ''}"
    return f"{text} over {over_s / 3600:.3f}".rstrip("0").rstrip(".") + " h" if over_s else text


def with_reference(dimension: Dimension, levels: Sequence[str], reference: str) -> tuple[str, ...]:
    """Declared levels of a dimension, the reference's own first.

    InputError if the reference's level is not among them.
    """
    if reference not in levels:
        raise InputError(
            f"sensitivity.{dimension} of study.toml leaves out {reference!r}, which the study itself takes; name it "
            f"too ({_SEE})"
        )
    return tuple(dict.fromkeys((reference, *levels)))


def every_spec(levels: Levels) -> Iterator[Spec]:
    """All combinations, the reference first: that of the first levels."""
    for chosen in product(*(levels[dimension] for dimension in DIMENSIONS)):
        yield Spec(**dict(zip(DIMENSIONS, chosen, strict=True)))


def size(levels: Levels) -> int:
    """The number of combinations."""
    count = 1
    for dimension in DIMENSIONS:
        count *= len(levels[dimension])
    return count


_TRIED = 64
_Pair = tuple[Dimension, str, Dimension, str]


def chosen_specs(levels: Levels, most: int, *, seed: int = 1) -> list[Spec]:
    """The whole grid, or a balanced fraction of it.

    The whole if it has at most `most` specifications; the reference comes first. A fraction holds lines: all levels of
    one dimension, the others fixed, so that each dimension is changed alone equally often (after Morris 1991). The
    reference's own lines come first. Each further one, of the dimension that has fewest, is the one of 64 drawn whose
    pairs of levels stand there least often. Deterministic given `seed`.
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
        candidates = [_line(_random_spec(levels, rng), dimension, levels) for _ in range(_TRIED)]
        fresh = [line for line in candidates if any(spec not in taken for spec in line)]
        if fresh:
            _take(min(fresh, key=lambda line: _crowded(line, taken, pairs, levels)), taken, pairs, most)
    return list(taken)


def _line(through: Spec, dimension: Dimension, levels: Levels) -> list[Spec]:
    return [replace(through, **{dimension: level}) for level in levels[dimension]]


def _random_spec(levels: Levels, rng: np.random.Generator) -> Spec:
    at = {dimension: levels[dimension][int(rng.integers(len(levels[dimension])))] for dimension in DIMENSIONS}
    return Spec(**at)


def _take(line: list[Spec], taken: dict[Spec, None], pairs: dict[_Pair, int], most: int) -> None:
    for spec in line:
        if spec not in taken and len(taken) < most:
            taken[spec] = None
            for pair in _pairs(spec):
                pairs[pair] += 1


def _crowded(line: list[Spec], taken: dict[Spec, None], pairs: dict[_Pair, int], levels: Levels) -> float:
    """The crowding of a line's pairs of levels.

    Occurrences of each so far, relative to its fair share.
    """
    fresh = [spec for spec in line if spec not in taken]
    crowd = sum(pairs[pair] * len(levels[pair[0]]) * len(levels[pair[2]]) for spec in fresh for pair in _pairs(spec))
    return crowd / len(fresh)


def _pairs(spec: Spec) -> list[_Pair]:
    return [(one, spec.level(one), other, spec.level(other)) for one, other in combinations(DIMENSIONS, 2)]
