"""Finds names of one brand by letters, inside the vault.

Text goes in, pairs of keyed ids come out.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from math import exp, log, sqrt
from types import MappingProxyType
from typing import Literal, NamedTuple

from waterbed.graphs.linking.near_labels import LARGEST_BLOCK, Likeness, NearLabels, shown

Population = Literal["brands", "kits"]
"""Brands take their name along when they move; kits are put wherever there is room."""

LEAST_LABELS = 30
"""Fewer labels do not tell which letters are rare: nothing is compared."""
_LEAST_LETTERS = 4
_MOST_LETTERS = 12
_GRAM = 3
_MOST_TWINS = 400
"""Pairs of labels that two texts make, at most."""


@dataclass(frozen=True, slots=True)
class NameModel:
    """Probability that two labels are of one content.

    Logistic, in nats: by the `traits` of what was compared. `constant` holds the share of such pairs that were of one
    content where it was learned.
    """

    constant: float
    likeness: float
    length: float
    begin: float

    def probability(self, pair: "Compared", *, odds: float = 0.0) -> float:
        """Probability, 0..1; `odds` are nats for all pairs."""
        weights = (self.constant, self.likeness, self.length, self.begin)
        return 1.0 / (1.0 + exp(-odds - sum(w * x for w, x in zip(weights, pair.traits, strict=True))))


MODELS: Mapping[Population, NameModel] = MappingProxyType(
    {
        "brands": NameModel(constant=-12.38, likeness=7.65, length=7.92, begin=2.52),
        "kits": NameModel(constant=-12.57, likeness=5.80, length=6.31, begin=-0.44),
    }
)
"""Learned by benchmarks/names.py: 650 domains of 216 sites that moved, 2,478 domains of kits (docs/linking.md)."""


def alike_names(labels: Mapping[str, str], model: NameModel, *, least: float, odds: float = 0.0) -> list[NearLabels]:
    """All pairs of labels that are likely of one content.

    Sorted, each pair once, those of probability `least` or more. `labels` gives the decrypted text of each label id;
    none of it is in the result.
    """
    return sorted(candidate.pair for candidate in compared(labels) if model.probability(candidate, odds=odds) >= least)


class Compared(NamedTuple):
    """Two labels, and traits of their letters.

    `likeness` is 0 to 1, `letters` those of the shorter one, and `begin` the share of these with which both begin.
    """

    pair: NearLabels
    likeness: float
    letters: int
    begin: float

    @property
    def traits(self) -> tuple[float, ...]:
        """A constant, likeness, length (a share of 12), and begin."""
        return 1.0, self.likeness, min(self.letters, _MOST_LETTERS) / _MOST_LETTERS, self.begin


def compared(labels: Mapping[str, str], *, largest_block: int = LARGEST_BLOCK) -> Iterator[Compared]:
    """Compare labels by their letters, without digits and separators.

    Likeness is the cosine of their groups of three letters, each weighed by its rarity among the labels, so that words
    of a trade hardly count. Only labels with four letters in common at the begin or end are compared, in a block of
    more than `largest_block` only neighbours; so the time is linear. None of fewer than LEAST_LABELS labels.
    """
    letters = {label_id: letters_of(text) for label_id, text in labels.items()}
    same: dict[str, list[str]] = defaultdict(list)
    for label_id, text in sorted(letters.items()):
        if len(text) >= _LEAST_LETTERS:
            same[text].append(label_id)
    if len(labels) < LEAST_LABELS:
        return
    likeness = _Likeness(list(same))
    for a, b in _candidates(same, largest_block):
        kind: Likeness = "affix" if a in b or b in a else "parts"
        similarity, length, begin = likeness(a, b), min(len(a), len(b)), _begin(a, b)
        few = len(same[a]) * len(same[b]) <= _MOST_TWINS  # else one of each: those of one text are linked themselves
        for first, other in product(same[a], same[b]) if few else ((same[a][0], same[b][0]),):
            yield Compared(_pair(first, other, kind), similarity, length, begin / length)
    for text, ids in same.items():
        for first, other in combinations(ids, 2) if len(ids) <= largest_block else pairwise(ids):
            yield Compared(_pair(first, other, "letters"), 1.0, len(text), 1.0)


def _begin(a: str, b: str) -> int:
    """Number of letters with which both begin."""
    return next(
        (position for position, (letter, other) in enumerate(zip(a, b, strict=False)) if letter != other),
        min(len(a), len(b)),
    )


def letters_of(label: str) -> str:
    """A label without digits and separators, punycode decoded."""
    return "".join(c for c in shown(label) if c.isalpha())


def _pair(first: str, other: str, likeness: Likeness) -> NearLabels:
    return NearLabels(min(first, other), max(first, other), likeness)


def _candidates(texts: Iterable[str], largest: int) -> Iterator[tuple[str, str]]:
    """Pairs of texts that begin or end alike, each once."""
    ordered = sorted(texts)
    begins, ends = _blocks(ordered, slice(_LEAST_LETTERS)), _blocks(ordered, slice(-_LEAST_LETTERS, None))
    for members in begins.values():
        yield from _within(members, largest)
    for members in ends.values():
        for a, b in _within(members, largest):
            block = begins[a[:_LEAST_LETTERS]] if a[:_LEAST_LETTERS] == b[:_LEAST_LETTERS] else ()
            if not block or (len(block) > largest and not _neighbours(block, a, b)):
                yield a, b


def _blocks(texts: Iterable[str], part: slice) -> dict[str, list[str]]:
    blocks: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        blocks[text[part]].append(text)
    return blocks


def _within(members: Sequence[str], largest: int) -> Iterable[tuple[str, str]]:
    return combinations(members, 2) if len(members) <= largest else pairwise(members)


def _neighbours(ordered: Sequence[str], a: str, b: str) -> bool:
    position = bisect_left(ordered, a)
    return ordered[position + 1 : position + 2] == [b]


class _Likeness:
    """The likeness of two texts among many."""

    def __init__(self, texts: list[str]) -> None:
        self._grams = {text: _grams(text) for text in texts}
        often = Counter(gram for grams in self._grams.values() for gram in grams)
        self._squared = {gram: log((len(texts) + 1) / times) ** 2 for gram, times in often.items()}
        self._norm = {text: sqrt(sum(self._squared[g] for g in grams)) for text, grams in self._grams.items()}

    def __call__(self, a: str, b: str) -> float:
        norm = self._norm[a] * self._norm[b]
        return sum(self._squared[g] for g in self._grams[a] & self._grams[b]) / norm if norm else 0.0


def _grams(text: str) -> set[str]:
    marked = f"^{text}$"
    return {marked[position : position + _GRAM] for position in range(len(marked) - _GRAM + 1)}
