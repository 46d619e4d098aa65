"""Disclosure control: suppress small counts and unpublished places.

Counts of fewer than k sites and places that are not published never leave the study.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, TypeVar

from waterbed.estimators.own_past import Compared
from waterbed.estimators.reappearance import Excess
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.answers import Scale, TypedAnswer
from waterbed.graphs.displacement.known import Moved
from waterbed.graphs.displacement.movements import Gain
from waterbed.graphs.displacement.returns import IN_BOUNDS
from waterbed.graphs.displacement.takedowns import Takedown
from waterbed.model.formatter import EVERYTHING, Disclosure
from waterbed.model.message import NOTHING, Message, Number, Term
from waterbed.model.results import PairRow, PeriodRow, PlaceboRow

Made = TypeVar("Made", Excess, Compared)
OTHERS: Final = "others"
"""Key of all places that are published together."""
_COUNTS: Final = ("target", "control", "buffer", "buffer_control", "reports")
_FORETOLD: Final = ("foretold_sites", "placebo_low", "placebo_high")
_NO_SITES: Final = ("periods", "periods after", "stretches before", "controls treated as targets", "targets")
"""Units of numbers that count neither sites nor contents."""


def _number(value: float, scale: Scale, disclosure: Disclosure) -> float:
    """A number of some scale, rounded so that it gives no small count away."""
    if scale == "share":
        return disclosure.share(value)
    if scale == "count":
        return float(round(value / disclosure.least) * disclosure.least)
    return round(value, 1)


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
    all_gains = [gain for gains in columns for gain in gains]
    groups = _groups(all_gains, columns[first], disclosure)
    large_columns = tuple(not any(disclosure.small(_sites(_of(gains, group))) for group in groups) for gains in columns)
    published = [gains for gains, large in zip(columns, large_columns, strict=True) if large]

    def small(places: Collection[str]) -> bool:
        return any(disclosure.small(_sites(_of(gains, group, places))) for gains in published for group in groups)

    number = Counter(gain.place for gain in all_gains)
    places = sorted(number, key=lambda place: (number[place], place))
    pooled = {place for place in places if not disclosure.names(place) or small([place])}
    for place in places:
        if not small(pooled):
            break
        pooled.add(place)
    return Pools(
        columns=large_columns,
        sides={side: " or ".join(group) for group in groups for side in group},
        places={place: OTHERS if place in pooled else place for place in places},
    )


def _groups(all_gains: Sequence[Gain], gains: Sequence[Gain], disclosure: Disclosure) -> list[list[str]]:
    """Return the sides; a small one joins the next larger."""
    number = Counter[str](gain.side for gain in gains)
    groups = sorted(
        ([str(side)] for side in {gain.side for gain in all_gains}), key=lambda group: (number[group[0]], group)
    )
    for position in range(len(groups) - 1):
        if disclosure.small(_sites(_of(gains, groups[position]))):
            groups[position + 1], groups[position] = sorted([*groups[position + 1], *groups[position]]), []
    if len(groups) > 1 and disclosure.small(_sites(_of(gains, groups[-1]))):
        return [sorted(side for group in groups for side in group)]
    return [group for group in groups if group]


def _of(gains: Iterable[Gain], sides: Collection[str], places: Collection[str] | None = None) -> Iterator[Gain]:
    return (gain for gain in gains if gain.side in sides and (places is None or gain.place in places))


def disclosed_answers(
    answers: Iterable[TypedAnswer], pairs: Sequence[PairRow], disclosure: Disclosure
) -> list[TypedAnswer]:
    """Return the answers; those about too few sites are refused.

    `pairs` are the pairs that may be published.
    """
    return [_answer(answer, pairs, disclosure) for answer in answers]


def disclosed_periods(rows: Iterable[PeriodRow], disclosure: Disclosure) -> list[PeriodRow]:
    """Return the periods without counts of too few sites.

    A series from which such a count could be computed is suppressed, too.
    """
    return [_period(row, disclosure) for row in rows]


def _period(row: PeriodRow, disclosure: Disclosure) -> PeriodRow:
    if disclosure.least == 1:
        return row
    counts = {name: getattr(row, name) for name in _COUNTS}
    disclosed: dict[str, Any] = {
        name: None if n is None or disclosure.small(n) else disclosure.rounded(n) for name, n in counts.items()
    }
    # a log rate gives the count away: what is told instead is the gap, to a tenth, and sites in whole numbers
    disclosed |= {"observed": None, "foretold": None}
    if disclosed["target"] is None or disclosed["control"] is None:
        return replace(row, **disclosed, gap=None, foretold_sites=None, placebo_low=None, placebo_high=None)
    disclosed |= {
        name: number if (number := getattr(row, name)) is None else float(round(number)) for name in _FORETOLD
    }
    return replace(row, **disclosed, gap=row.gap if row.gap is None else round(row.gap, 1))


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
        _pair(row, disclosure)
        for row in rows
        if disclosure.names(row.from_key)
        and disclosure.names(row.to_key)
        and not disclosure.small(row.sites)
        and (row.reading, row.to_key) not in pooled
    ]


def _pair(row: PairRow, disclosure: Disclosure) -> PairRow:
    if disclosure.least == 1:
        return row
    soon = row.soon is None or disclosure.small(row.soon) or disclosure.small(row.moves - row.soon)
    return replace(
        row,
        moves=disclosure.rounded(row.moves),
        sites=disclosure.rounded(row.sites),
        foretold=round(row.foretold, 1),
        lift=row.lift if row.lift is None else round(row.lift, 1),
        soon=None if soon else disclosure.rounded(row.soon or 0),
        soon_foretold=None if soon or row.soon_foretold is None else round(row.soon_foretold, 1),
    )


def disclosed_excess(excess: Made | Refusal, disclosure: Disclosure) -> Made | Refusal:
    """Return an excess that is about enough sites, else refuse.

    In either arm too few sites may have come up elsewhere, or too few not: the share would tell what became of them.
    """
    if isinstance(excess, Refusal) or not any(map(disclosure.small, excess.parts)):
        return excess
    return held_back(disclosure)


def held_back(disclosure: Disclosure) -> Refusal:
    """Refuse a number that describes too few sites."""
    least = Number(disclosure.least)
    return Refusal(Message.of("held back, as it describes fewer than {least} sites", least=least), "suppressed")


def disclosed_share(share: TypedAnswer, takedowns: Sequence[Takedown], disclosure: Disclosure) -> TypedAnswer:
    """Return the displaced share without counts of too few sites."""
    site_parts = [
        _parted(takedowns, ways) for ways in (lambda takedown: takedown.certain, lambda takedown: takedown.possible)
    ]
    if share.refusal is not None or not any(disclosure.small(part) for parts in site_parts for part in parts):
        return share
    return replace(share, note=IN_BOUNDS)


def _parted(takedowns: Iterable[Takedown], ways: Callable[[Takedown], Sequence[bool]]) -> tuple[int, int]:
    """Sites of content that went on some of these ways, and of content that did not."""
    went, rest = set[str](), set[str]()
    for takedown in takedowns:
        (went if any(ways(takedown)) else rest).add(takedown.site_id)
    return len(went), len(rest)


def disclosed_moved(moved: Moved, takedowns: Sequence[Takedown], disclosure: Disclosure) -> Moved:
    """Return moves without counts of too few sites.

    The others are rounded, those that surely moved down: their sentence says "at least".

    A count of contents is withheld where too few sites have such content, or too few content of the other kind.
    """
    few = disclosure.small(len({takedown.site_id for takedown in takedowns}))
    parts = _parted(takedowns, lambda takedown: takedown.certain)
    surely = None if moved.surely is None or any(map(disclosure.small, parts)) else moved.surely
    return replace(
        moved,
        ended=None if few or moved.ended is None else disclosure.rounded(moved.ended),
        surely=None if surely is None else disclosure.at_least(surely),
    )


def _answer(one: TypedAnswer, pairs: Sequence[PairRow], disclosure: Disclosure) -> TypedAnswer:
    if disclosure == EVERYTHING:
        return one
    if one.refusal is not None:
        return one if disclosure.least == 1 else replace(one, n=0, note=NOTHING)
    least = Number(disclosure.least)
    if disclosure.small(one.n) and one.n_of not in _NO_SITES:
        reason = Message.of("held back: it rests on fewer than {least} {things}", least=least, things=Term(one.n_of))
        return refused_answer(one, Refusal(reason, "suppressed"))
    if one.pair and not any(
        row.reading == one.reading
        and one.pair == (row.from_key, row.to_key)
        and (row.soon is not None or one.name != "lift, timing")
        for row in pairs
    ):
        reason = Message.of("held back: it is of a pair with fewer than {least} sites", least=least)
        return refused_answer(one, Refusal(reason, "suppressed"))
    if disclosure.least == 1:
        return one
    n = one.n if one.n_of in _NO_SITES else disclosure.rounded(one.n)
    ends = {name: getattr(one, name) for name in ("estimate", "low", "high")}
    disclosed: dict[str, Any] = {
        name: None if value is None else _number(value, one.scale, disclosure) for name, value in ends.items()
    }
    return replace(one, n=n, **disclosed)


def refused_answer(answer: TypedAnswer, reason: Refusal) -> TypedAnswer:
    """Return an answer without its number, for a reason."""
    return replace(
        answer,
        n=0,
        estimate=None,
        low=None,
        high=None,
        p=None,
        smallest_p=None,
        refusal=reason,
        note=NOTHING,
        may="",
        may_not="",
    )


def _sites(gains: Iterable[Gain]) -> int:
    return len({gain.cluster for gain in gains})
