"""Finds labels that look alike, inside the vault.

Text goes in, pairs of keyed ids come out.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

Likeness = Literal["homoglyph", "digits", "edit", "letters", "affix", "parts"]
"""Homoglyph: the same to the eye. Digits: the same but for a number at the end. Edit: one letter apart, or a swap. The
others are of `alike_names`. Letters: the same but for digits and separators. Affix: one's letters hold the other's.
Parts: they share rare groups of letters."""
ALIKE: frozenset[Likeness] = frozenset({"letters", "affix", "parts"})
"""Likenesses of names of one brand."""

LEAST = 6
"""Letters of the shortest label, or stem before a number, that is compared: short ones are alike by chance."""
LARGEST_BLOCK = 50
"""A block of more labels than this is a common word: its members are compared with their neighbours only."""

_LOOKALIKES = str.maketrans(
    {
        **dict(zip("013457", "oleast", strict=True)),
        "i": "l",
        "|": "l",
        **dict(zip("авекмнорстухіјѕԁɡԛԝ", "abekmhopctyxljsdgqw", strict=True)),  # Cyrillic
        **dict(zip("αβεικνορτυχω", "abelkvoptuxw", strict=True)),  # Greek
        "\N{LATIN SMALL LETTER DOTLESS I}": "l",
        "ł": "l",
        "ø": "o",
        "đ": "d",
    }
)
_DOUBLES = (("rn", "m"), ("vv", "w"), ("cl", "d"))


@dataclass(frozen=True, slots=True, order=True)
class NearLabels:
    """Two labels that are alike; `a` is the smaller id."""

    a: str
    b: str
    likeness: Likeness


def near_labels(
    labels: Mapping[str, str], *, least: int = LEAST, largest_block: int = LARGEST_BLOCK
) -> list[NearLabels]:
    """All pairs of near labels, each by its surest likeness.

    Sorted, each pair once. `labels` gives the decrypted text of each label id; it stays in memory, and none of it is
    in the result. Only labels of one block are compared: one skeleton, one stem, or one string that a single deletion
    leaves. So the time is linear in the number of labels as long as they are as short as the DNS allows (63
    characters).
    """
    texts = {label_id: shown(text) for label_id, text in labels.items() if len(text) >= least}
    ways: dict[Likeness, Callable[[str], Iterable[str]]] = {
        "homoglyph": lambda text: (_skeleton(text),),
        "digits": lambda text: _stem(text, least),
        "edit": _shortened,
    }
    likenesses: dict[tuple[str, str], Likeness] = {}
    for likeness, keys in ways.items():
        for a, b in _pairs(_blocks(texts, keys), largest_block):
            if (a, b) in likenesses or texts[a] == texts[b]:
                continue
            if likeness != "edit" or within_one_edit(texts[a], texts[b]):
                likenesses[a, b] = likeness
    return sorted(NearLabels(a, b, likeness) for (a, b), likeness in likenesses.items())


def shown(label: str) -> str:
    """A label as a browser may show it.

    Punycode is decoded, letters are lower case.
    """
    if label.startswith("xn--"):
        try:
            label = label[4:].encode("ascii").decode("punycode")
        except (UnicodeError, ValueError):
            return label.lower()
    return unicodedata.normalize("NFKC", label).lower()


def _skeleton(label: str) -> str:
    """Return a label with one letter for all look-alikes."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", label) if not unicodedata.combining(c))
    plain = plain.translate(_LOOKALIKES)
    for double, single in _DOUBLES:
        plain = plain.replace(double, single)
    return plain


def _stem(label: str, least: int) -> list[str]:
    """The label without a number at its end; nothing if too little is left."""
    stem = label.rstrip("0123456789").rstrip("-")
    return [stem] if len(stem) >= least else []


def _shortened(label: str) -> set[str]:
    """The label, and all that a single deletion leaves of it."""
    return {label, *(label[:place] + label[place + 1 :] for place in range(len(label)))}


def _blocks(texts: Mapping[str, str], keys: Callable[[str], Iterable[str]]) -> Iterator[list[str]]:
    """Label ids that share a key, at least two each, in the order of their texts: like texts are neighbours."""
    blocks: dict[str, list[str]] = defaultdict(list)
    for label_id in sorted(texts, key=lambda label_id: (texts[label_id], label_id)):
        for key in keys(texts[label_id]):
            blocks[key].append(label_id)
    return (ids for ids in blocks.values() if len(ids) > 1)


def _pairs(blocks: Iterable[list[str]], largest: int) -> Iterator[tuple[str, str]]:
    for ids in blocks:
        for a, b in combinations(ids, 2) if len(ids) <= largest else pairwise(ids):
            yield (a, b) if a < b else (b, a)


def within_one_edit(a: str, b: str) -> bool:
    """True if one edit at most separates two labels.

    An edit is an insertion, a deletion, a substitution or a swap of neighbours.
    """
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1:
        return False
    place = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if len(a) < len(b):
        return a[place:] == b[place + 1 :]
    if a[place + 1 :] == b[place + 1 :]:
        return True
    return a[place : place + 2] == b[place : place + 2][::-1] and a[place + 2 :] == b[place + 2 :]
