"""Hops as disjoint cells, none about too few sites: whatever is added up of them gives no smaller one away."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from graphs.network.moves import CERTAIN, Ends, Level, OriginsOf, ends_of
from graphs.network.passages import Passage, passage
from graphs.network.weeks import MONDAY, week_label
from waterbed.model.conclusions import Hop

LEVELS: Final[tuple[Level, ...]] = ("hoster", "as", "country")
_WEEK: Final = timedelta(days=7)

Group = list[int]
"""Numbers of some hops."""
Key = Callable[[int], Hashable]
"""What a hop is told by, None where that is held back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HopCell:
    """Some hops of which all that is told is told of each; what would make the cell too small is None."""

    first: Annotated[int, "number of the first week in which they can have been first seen at the new place"]
    last: Annotated[int, "number of the last such week"]
    hoster: Annotated[Ends | None, "hosters left, and arrived at; null: held back"]
    systems: Annotated[Ends | None, "origin ASes before and after"]
    country: Annotated[Ends | None, "countries before and after"]
    passage: Annotated[Passage | None, "whether the home country is left, entered or neither"]
    hops: Annotated[int, "hops that are not known to be parallel copies"]
    certain: Annotated[int, "of these, arrivals surely after leaving, or the same name re-pointed"]

    def ends(self, level: Level) -> Ends | None:
        """The keys at both ends on a level."""
        return self.systems if level == "as" else self.country if level == "country" else self.hoster


@dataclass(frozen=True, slots=True, kw_only=True)
class HopCells:
    """All cells of a study's hops; week number 0 is `weeks[0]`, as 2026-W12, weeks of UTC."""

    weeks: Annotated[tuple[str, ...], "ISO weeks from the first to the last of the study"]
    cells: Annotated[tuple[HopCell, ...], "disjoint: each hop is in one of them"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What is told of hops, and what not: sites of URLs, keys with a name, and the least number of sites."""

    sites: Annotated[Mapping[str, str], "site of each URL"]
    named: Annotated[Mapping[Level, Collection[str]], "keys that may be named, on each level"]
    origins: Annotated[OriginsOf, "origin ASes of a URL at a hoster at a time"]
    home: Annotated[str, "ISO code of the home country"]
    least: Annotated[int, "sites that a cell is about at least"]
    span: Annotated[tuple[datetime, datetime], "from when to when content is known of, aware"]


def hop_cells(hops: Sequence[Hop], telling: Telling) -> HopCells:
    """Tell of hops as much as can be told when every cell is about `least` sites or more.

    A cell is about as many sites as its hops left, or arrived at, whichever is fewer. Hosters come first: pairs that
    are too small are put together without their names. Within what is then together, countries are told where they can
    be, then home or abroad, origin ASes, and last the weeks, in a tree of halves of the study's time. What is left when
    the large enough parts are told is large enough itself, else the smallest of these stays with it. Parallel hops are
    left out; so is everything where all hops are about fewer sites.
    """
    kept = [hop for hop in hops if hop.order != "parallel"]
    parts = _Parts(kept, telling)
    every = list(range(len(kept)))
    if not parts.large(every):
        return HopCells(weeks=(), cells=())
    numbers = [_week(hop.arrived_before) for hop in kept]
    start, end = (_week(when) for when in telling.span)
    start, end = min(start, *numbers), max(end, *numbers)
    since = [number - start for number in numbers]
    weeks = tuple(week_label(number) for number in range(start, end + 1))
    cells = (
        parts.cell(group, told, first, last)
        for told, part in parts.told(every)
        for first, last, group in parts.by_week(part, since, 0, end - start)
    )
    return HopCells(weeks=weeks, cells=tuple(sorted(cells, key=lambda cell: (-cell.hops, repr(cell)))))


class _Parts:
    """Groups of hops, and what each is told by."""

    def __init__(self, hops: Sequence[Hop], telling: Telling) -> None:
        self._hops, self._telling = hops, telling
        self._left = [telling.sites[hop.from_url_id] for hop in hops]
        self._arrived = [telling.sites[hop.to_url_id] for hop in hops]
        self._ends = {level: [self._named(hop, level) for hop in hops] for level in LEVELS}
        self._passages = [passage(hop, telling.home) for hop in hops]

    def size(self, group: Group) -> int:
        """How many sites a group is about."""
        return min(len({sites[at] for at in group}) for sites in (self._left, self._arrived))

    def large(self, group: Group) -> bool:
        """Whether a group may be told of."""
        return bool(group) and self.size(group) >= self._telling.least

    def split(self, group: Group, key: Key) -> Iterator[tuple[Hashable, Group]]:
        """The parts of a large group by key, all large; what is left has the key None."""
        found: dict[Hashable, Group] = defaultdict(list)
        for at in group:
            found[key(at)].append(at)
        rest = found.pop(None, [])
        whole = {name: part for name, part in found.items() if self.large(part)}
        rest += [at for name, part in found.items() if name not in whole for at in part]
        for name in sorted(whole, key=lambda name: (self.size(whole[name]), len(whole[name]), repr(name))):
            if not rest or self.large(rest):
                break
            rest += whole.pop(name)
        yield from whole.items()
        if rest:
            yield None, rest

    def told(self, every: Group) -> Iterator[tuple[dict[str, object], Group]]:
        """All hops in parts, each with all that is told of it but its weeks."""
        for hoster, pair in self.split(every, self._ends["hoster"].__getitem__):
            for country, area in self.split(pair, self._by_country):
                for way, side in self.split(area, self._passages.__getitem__):
                    for systems, part in self.split(side, self._ends["as"].__getitem__):
                        yield {"hoster": hoster, "country": _first(country), "passage": way, "systems": systems}, part

    def by_week(self, group: Group, weeks: Sequence[int], first: int, last: int) -> Iterator[tuple[int, int, Group]]:
        """A large group by weeks or spans of them; a span's hops are those too few in each half of it."""
        parts, rest = self._halved(group, weeks, first, last)
        while rest and not self.large(rest):
            smallest = min(parts, key=lambda part: (self.size(part[2]), len(part[2]), part[:2]))
            parts.remove(smallest)
            rest = rest + smallest[2]
        yield from parts
        if rest:
            yield first, last, rest

    def _halved(
        self, group: Group, weeks: Sequence[int], first: int, last: int
    ) -> tuple[list[tuple[int, int, Group]], Group]:
        """Large parts of a span, and what is left of it."""
        if not group:
            return [], []
        rest, parts = group, list[tuple[int, int, Group]]()
        if first < last:
            middle = (first + last) // 2
            early = [at for at in group if weeks[at] <= middle]
            late = [at for at in group if weeks[at] > middle]
            parts, rest = self._halved(early, weeks, first, middle)
            more, too = self._halved(late, weeks, middle + 1, last)
            parts, rest = parts + more, rest + too
        if self.large(rest):
            return [*parts, (first, last, rest)], []
        return parts, rest

    def cell(self, group: Group, told: Mapping[str, object], first: int, last: int) -> HopCell:
        """A group as a cell."""
        certain = sum(self._hops[at].order in CERTAIN for at in group)
        return HopCell(first=first, last=last, hops=len(group), certain=certain, **told)  # type: ignore[arg-type]

    def _named(self, hop: Hop, level: Level) -> Ends | None:
        ends = ends_of(hop, level, self._telling.origins)
        named = self._telling.named[level]
        return ends if all(key in named for side in ends for key in side) else None

    def _by_country(self, at: int) -> tuple[Ends, Passage] | None:
        ends = self._ends["country"][at]
        return None if ends is None else (ends, self._passages[at])


def _first(told: Hashable) -> object:
    return told[0] if isinstance(told, tuple) else None


def _week(when: datetime) -> int:
    return (when.astimezone(UTC) - datetime.fromtimestamp(MONDAY, UTC)) // _WEEK
