"""What of findings may be told to readers outside: nothing about fewer than some sites, no place that is not named."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from graphs.displacement.movements import Gain
from waterbed.model.results import Answer, PairRow, PeriodRow, PlaceboRow

OTHERS: Final = "others"
"""Key of all places that are told of together."""
_COUNTS: Final = ("target", "control", "buffer", "buffer_control", "reports")
_NO_SITES: Final = ("periods", "periods after", "controls treated as targets", "targets")
"""Numbers of these are no numbers of sites or contents."""
_NUMBER: Final = re.compile(r"(?<!at least )(?<!p )(?<![\w.,+:\u2212-])\d+(?![\w.:%-]|,\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """Who is told: the study's own people everything, others what is about enough sites."""

    least: Annotated[int, "sites that a number is about at least"] = 1
    named: Annotated[Collection[str] | None, "places that may be named; null: all"] = None

    def names(self, place: str) -> bool:
        """Whether a place may be named."""
        return self.named is None or place in self.named

    def small(self, sites: int) -> bool:
        """Whether a number is about too few sites; none at all is not too few."""
        return 0 < sites < self.least

    def masked(self, text: str) -> str:
        """A text with every number replaced that may be one of too few sites."""
        return _NUMBER.sub(lambda found: f"fewer than {self.least}" if self.small(int(found[0])) else found[0], text)


EVERYTHING: Final = Disclosure()
"""All of it, for the study's own people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Which arrivals are told of together, so that each number and each difference of two is about enough sites."""

    columns: Annotated[tuple[bool, ...], "whether anything of a column may be told"]
    sides: Annotated[dict[str, str], "what each side is told as"]
    places: Annotated[dict[str, str], "what each place is told as"]

    @property
    def abroad(self) -> bool:
        """Whether what went abroad may be told by itself."""
        return self.sides.get("abroad", "abroad") == "abroad"


def pools(columns: Sequence[Sequence[Gain]], told: Disclosure, *, first: int) -> Pools:
    """Put arrivals together by side and place until each side of each place has none or enough in every column.

    Sides are put together for the column `first` alone; another in which a side has too few is not told of at all.
    """
    every = [gain for gains in columns for gain in gains]
    groups = _groups(every, columns[first], told)
    known = tuple(not any(told.small(_sites(_of(gains, group))) for group in groups) for gains in columns)
    kept = [gains for gains, large in zip(columns, known, strict=True) if large]

    def small(places: Collection[str]) -> bool:
        return any(told.small(_sites(_of(gains, group, places))) for gains in kept for group in groups)

    number = Counter(gain.place for gain in every)
    places = sorted(number, key=lambda place: (number[place], place))
    pooled = {place for place in places if not told.names(place) or small([place])}
    for place in places:
        if not small(pooled):
            break
        pooled.add(place)
    return Pools(
        columns=known,
        sides={side: " or ".join(group) for group in groups for side in group},
        places={place: OTHERS if place in pooled else place for place in places},
    )


def _groups(every: Sequence[Gain], gains: Sequence[Gain], told: Disclosure) -> list[list[str]]:
    """Sides, those of too few arrivals together with the next larger one."""
    number = Counter[str](gain.side for gain in gains)
    groups = sorted(([str(side)] for side in {gain.side for gain in every}), key=lambda one: (number[one[0]], one))
    for at in range(len(groups) - 1):
        if told.small(_sites(_of(gains, groups[at]))):
            groups[at + 1], groups[at] = sorted([*groups[at + 1], *groups[at]]), []
    if len(groups) > 1 and told.small(_sites(_of(gains, groups[-1]))):
        return [sorted(side for group in groups for side in group)]
    return [group for group in groups if group]


def _of(gains: Iterable[Gain], sides: Collection[str], places: Collection[str] | None = None) -> Iterator[Gain]:
    return (gain for gain in gains if gain.side in sides and (places is None or gain.place in places))


def disclosed_answers(answers: Iterable[Answer], pairs: Sequence[PairRow], told: Disclosure) -> list[Answer]:
    """The answers, those resting on too few refused; `pairs` are those that may be told of."""
    return [_answer(one, pairs, told) for one in answers]


def disclosed_periods(rows: Iterable[PeriodRow], told: Disclosure) -> list[PeriodRow]:
    """The periods without counts of too few; where a series can be worked out of such a count, without that, too."""
    found = []
    for row in rows:
        hidden = [name for name in _COUNTS if told.small(getattr(row, name) or 0)]
        if {"target", "control"} & {*hidden}:
            hidden += ["observed", "foretold", "gap"]
        found.append(replace(row, **dict.fromkeys(hidden)))  # type: ignore[arg-type]
    return found


def disclosed_placebos(rows: Iterable[PlaceboRow], told: Disclosure) -> list[PlaceboRow]:
    """Placebos but those of places that are not named."""
    return [row for row in rows if row.kind == "window" or told.names(row.label)]


def disclosed_pairs(
    rows: Iterable[PairRow], told: Disclosure, pooled: Collection[tuple[str, str]] = ()
) -> list[PairRow]:
    """Pairs of named places whose moves are of enough sites; `pooled` are readings and places told with others."""
    return [
        row
        for row in rows
        if told.names(row.from_key)
        and told.names(row.to_key)
        and not told.small(row.sites)
        and (row.reading, row.to_key) not in pooled
    ]


def _answer(one: Answer, pairs: Sequence[PairRow], told: Disclosure) -> Answer:
    if told == EVERYTHING:
        return one
    said = replace(one, note=told.masked(one.note), refusal=one.refusal and told.masked(one.refusal))
    if one.refusal is not None:
        return said if told.least == 1 else replace(said, n=0, note="")
    if told.small(one.n) and one.n_of not in _NO_SITES:
        return _refused(said, f"held back: it rests on fewer than {told.least} {one.n_of}")
    if one.name.startswith("lift,") and not any(
        row.reading == one.reading and one.note.endswith(f": {row.from_key} to {row.to_key}") for row in pairs
    ):
        return _refused(said, f"held back: it is of a pair with fewer than {told.least} sites")
    return said


def _refused(one: Answer, reason: str) -> Answer:
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
