"""Disclosure control: suppress small counts and unpublished places.

Counts of fewer than k sites and places that are not published never leave the study.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from graphs.displacement.movements import Gain
from waterbed.model.results import Answer, PairRow, PeriodRow, PlaceboRow

OTHERS: Final = "others"
"""Key of all places that are published together."""
_COUNTS: Final = ("target", "control", "buffer", "buffer_control", "reports")
_NO_SITES: Final = ("periods", "periods after", "stretches before", "controls treated as targets", "targets")
"""Units of numbers that count neither sites nor contents."""
_NUMBER: Final = re.compile(r"(?<!at least )(?<!p )(?<![\w.,+:\u2212-])\d+(?![\w.:%-]|,\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """Rules of what may be published.

    The study's own people see everything; others see numbers about enough sites and named places.
    """

    least: Annotated[int, "sites that a number is about at least"] = 1
    named: Annotated[Collection[str] | None, "places that may be named; null: all"] = None

    def names(self, place: str) -> bool:
        """True if a place may be named."""
        return self.named is None or place in self.named

    def small(self, sites: int) -> bool:
        """True if a number is about too few sites.

        Zero sites are not too few.
        """
        return 0 < sites < self.least

    def masked(self, text: str) -> str:
        """Return a text with small numbers masked.

        Every number that may count too few sites is replaced.
        """
        return _NUMBER.sub(lambda found: f"fewer than {self.least}" if self.small(int(found[0])) else found[0], text)


EVERYTHING: Final = Disclosure()
"""All of it, for the study's own people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Groups of arrivals that are published together.

    Each published number, and each difference of two, is about enough sites.
    """

    columns: Annotated[tuple[bool, ...], "true if a column may be published"]
    sides: Annotated[dict[str, str], "the published group of each side"]
    places: Annotated[dict[str, str], "the published key of each place"]

    @property
    def abroad(self) -> bool:
        """True if arrivals abroad may be published by themselves."""
        return self.sides.get("abroad", "abroad") == "abroad"


def pools(columns: Sequence[Sequence[Gain]], disclosure: Disclosure, *, first: int) -> Pools:
    """Pool arrivals by side and place until cells are large.

    Each side of each place then has no site or enough sites in every column. Sides are pooled for the column `first`
    alone; another column in which a side has too few sites is suppressed.
    """
    every = [gain for gains in columns for gain in gains]
    groups = _groups(every, columns[first], disclosure)
    known = tuple(not any(disclosure.small(_sites(_of(gains, group))) for group in groups) for gains in columns)
    kept = [gains for gains, large in zip(columns, known, strict=True) if large]

    def small(places: Collection[str]) -> bool:
        return any(disclosure.small(_sites(_of(gains, group, places))) for gains in kept for group in groups)

    number = Counter(gain.place for gain in every)
    places = sorted(number, key=lambda place: (number[place], place))
    pooled = {place for place in places if not disclosure.names(place) or small([place])}
    for place in places:
        if not small(pooled):
            break
        pooled.add(place)
    return Pools(
        columns=known,
        sides={side: " or ".join(group) for group in groups for side in group},
        places={place: OTHERS if place in pooled else place for place in places},
    )


def _groups(every: Sequence[Gain], gains: Sequence[Gain], disclosure: Disclosure) -> list[list[str]]:
    """Return the sides; a small one joins the next larger."""
    number = Counter[str](gain.side for gain in gains)
    groups = sorted(([str(side)] for side in {gain.side for gain in every}), key=lambda one: (number[one[0]], one))
    for at in range(len(groups) - 1):
        if disclosure.small(_sites(_of(gains, groups[at]))):
            groups[at + 1], groups[at] = sorted([*groups[at + 1], *groups[at]]), []
    if len(groups) > 1 and disclosure.small(_sites(_of(gains, groups[-1]))):
        return [sorted(side for group in groups for side in group)]
    return [group for group in groups if group]


def _of(gains: Iterable[Gain], sides: Collection[str], places: Collection[str] | None = None) -> Iterator[Gain]:
    return (gain for gain in gains if gain.side in sides and (places is None or gain.place in places))


def disclosed_answers(answers: Iterable[Answer], pairs: Sequence[PairRow], disclosure: Disclosure) -> list[Answer]:
    """Return the answers; those about too few sites are refused.

    `pairs` are the pairs that may be published.
    """
    return [_answer(one, pairs, disclosure) for one in answers]


def disclosed_periods(rows: Iterable[PeriodRow], disclosure: Disclosure) -> list[PeriodRow]:
    """Return the periods without counts of too few sites.

    A series from which such a count could be computed is suppressed, too.
    """
    found = []
    for row in rows:
        hidden = [name for name in _COUNTS if disclosure.small(getattr(row, name) or 0)]
        if {"target", "control"} & {*hidden}:
            hidden += ["observed", "foretold", "gap"]
        found.append(replace(row, **dict.fromkeys(hidden)))  # type: ignore[arg-type]
    return found


def disclosed_placebos(rows: Iterable[PlaceboRow], disclosure: Disclosure) -> list[PlaceboRow]:
    """Return the placebos without those of unpublished places."""
    return [row for row in rows if row.kind == "window" or disclosure.names(row.label)]


def disclosed_pairs(
    rows: Iterable[PairRow], disclosure: Disclosure, pooled: Collection[tuple[str, str]] = ()
) -> list[PairRow]:
    """Return pairs of published places with moves of enough sites.

    `pooled` holds readings and places that are published with others; their pairs are left out.
    """
    return [
        row
        for row in rows
        if disclosure.names(row.from_key)
        and disclosure.names(row.to_key)
        and not disclosure.small(row.sites)
        and (row.reading, row.to_key) not in pooled
    ]


def _answer(one: Answer, pairs: Sequence[PairRow], disclosure: Disclosure) -> Answer:
    if disclosure == EVERYTHING:
        return one
    said = replace(one, note=disclosure.masked(one.note), refusal=one.refusal and disclosure.masked(one.refusal))
    if one.refusal is not None:
        return said if disclosure.least == 1 else replace(said, n=0, note="")
    if disclosure.small(one.n) and one.n_of not in _NO_SITES:
        return refused_answer(said, f"held back: it rests on fewer than {disclosure.least} {one.n_of}")
    if one.name.startswith("lift,") and not any(
        row.reading == one.reading and one.note.endswith(f": {row.from_key} to {row.to_key}") for row in pairs
    ):
        return refused_answer(said, f"held back: it is of a pair with fewer than {disclosure.least} sites")
    return said


def refused_answer(one: Answer, reason: str) -> Answer:
    """Return an answer without its number, for a reason."""
    return replace(
        one,
        n=0,
        estimate=None,
        low=None,
        high=None,
        p=None,
        smallest_p=None,
        refusal=reason,
        note="",
        may="",
        may_not="",
    )


def _sites(gains: Iterable[Gain]) -> int:
    return len({gain.cluster for gain in gains})
