"""Groups hops into disjoint cells of enough sites each.

Sums over cells therefore never reveal a smaller group.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from waterbed.graphs.network.moves import CERTAIN, UNKNOWN, Ends, Level, OriginsOf, ends_of
from waterbed.graphs.network.weeks import MONDAY, CrossBorder, cross_border, week_label, week_window
from waterbed.model.conclusions import Hop

LEVELS: Final[tuple[Level, ...]] = ("hoster", "as", "country")
_WEEK: Final = timedelta(days=7)

Group = list[int]
"""Indices of hops."""
Side = tuple[str, ...]
"""Keys at one end of a hop."""
Key = Callable[[int], Hashable]
"""Returns the attribute that describes a hop; None where it is withheld."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HopCell:
    """A group of hops, described only by shared attributes.

    Attributes that would single out too few sites are None. So are ends of which no key may be named; where only the
    keys arrived at are held back, that side is empty.
    """

    first: Annotated[int, "number of the first week in which they can have been first seen at the new place"]
    last: Annotated[int, "number of the last such week"]
    hoster: Annotated[Ends | None, "hosters left, and arrived at; null: held back"]
    systems: Annotated[Ends | None, "origin ASes before and after"]
    country: Annotated[Ends | None, "countries before and after"]
    passage: Annotated[CrossBorder | None, "whether the home country is left, entered or neither"]
    hops: Annotated[int, "hops that are not known to be parallel copies"]
    certain: Annotated[int, "of these, arrivals surely after leaving, or the same name re-pointed"]
    evidence: Annotated[tuple[str, ...], "kinds of evidence that hops of enough sites rest on, sorted"] = ()

    def ends(self, level: Level) -> Ends | None:
        """The keys at both ends on a level."""
        return self.systems if level == "as" else self.country if level == "country" else self.hoster


@dataclass(frozen=True, slots=True, kw_only=True)
class HopCells:
    """All cells of a study's hops.

    Week number 0 is `weeks[0]`, as 2026-W12; weeks are of UTC.
    """

    weeks: Annotated[tuple[str, ...], "ISO weeks from the first to the last of the study"]
    cells: Annotated[tuple[HopCell, ...], "disjoint: each hop is in one of them"]
    members: Annotated[tuple[tuple[int, ...], ...], "of each cell, the numbers of its hops in the study"] = ()


NO_CELLS: Final = HopCells(weeks=(), cells=())


@dataclass(frozen=True, slots=True, kw_only=True)
class CellDisclosure:
    """Disclosure rules for cells, and the attributes they need."""

    sites: Annotated[Mapping[str, str], "site of each URL"]
    named: Annotated[Mapping[Level, Collection[str]], "keys that may be named, on each level"]
    origins: Annotated[OriginsOf, "origin ASes of a URL at a hoster at a time"]
    home: Annotated[str, "ISO code of the home country"]
    least: Annotated[int, "sites that a cell is about at least"]
    span: Annotated[tuple[datetime, datetime], "from when to when content is known of, aware"]

    def told(self, way: CrossBorder | None) -> CrossBorder | None:
        """A passage, if its country is named.

        All but one tell of the home country, or of content in no known country.
        """
        of = UNKNOWN if way == "unknown" else self.home
        return way if way == "stays abroad" or of in self.named["country"] else None


def hop_cells(hops: Sequence[Hop], disclosure: CellDisclosure) -> HopCells:
    """Describe hops as finely as `least` sites per cell allow.

    The size of a cell is the number of sites that its hops left, or arrived at, whichever is smaller. Groups are split
    by hosters first; pairs below `least` are merged by the hoster left, or without names. Each group is then split by
    countries, by border crossing, by origin ASes, and last by weeks, in a binary tree over the study's time. The
    remainder reaches `least` too: otherwise the smallest large part joins it. Parallel hops are left out. If all hops
    together are below `least`, there are no cells.
    """
    numbers_kept = [number for number, hop in enumerate(hops) if hop.order != "parallel"]
    kept = [hops[number] for number in numbers_kept]
    parts = Parts(kept, disclosure)
    every = list(range(len(kept)))
    if not parts.large(every):
        return NO_CELLS
    numbers = [_week(hop.arrived_before) for hop in kept]
    start, end = (_week(when) for when in disclosure.span)
    start, end = min(start, *numbers), max(end, *numbers)
    since = [number - start for number in numbers]
    weeks = tuple(week_label(number) for number in range(start, end + 1))
    found = [
        (parts.cell(group, shared, first, last), tuple(numbers_kept[at] for at in group))
        for shared, part in parts.described(every)
        for first, last, group in parts.by_week(part, since, 0, end - start)
    ]
    return cells_in_order(weeks, found)


def cells_in_order(weeks: tuple[str, ...], found: Iterable[tuple[HopCell, tuple[int, ...]]]) -> HopCells:
    """Put cells in order, most hops first.

    The numbers of their hops go with them.
    """
    ordered = sorted(found, key=lambda one: (-one[0].hops, repr(one[0])))
    return HopCells(weeks=weeks, cells=tuple(cell for cell, _ in ordered), members=tuple(own for _, own in ordered))


class Parts:
    """Groups of hops and the attributes that describe each."""

    def __init__(self, hops: Sequence[Hop], disclosure: CellDisclosure) -> None:
        """Take hops that are not parallel; groups are of their numbers."""
        self._hops, self._disclosure = hops, disclosure
        self._left = [disclosure.sites[hop.from_url_id] for hop in hops]
        self._arrived = [disclosure.sites[hop.to_url_id] for hop in hops]
        self._sides = {level: [self._named(hop, level) for hop in hops] for level in LEVELS}
        self._passages = [disclosure.told(cross_border(hop, disclosure.home)) for hop in hops]

    def sides(self, level: Level, at: int) -> tuple[Side | None, Side | None]:
        """Keys at both ends of a hop.

        None for a side that may not be named.
        """
        return self._sides[level][at]

    def weeks_since(self, week: str) -> list[int]:
        """Number of the week of each hop.

        It is counted from a given week on.
        """
        start = _week(week_window(week)[0])
        return [_week(hop.arrived_before) - start for hop in self._hops]

    def fits(self, cell: HopCell, at: int) -> bool:
        """True if all that a cell says holds.

        Of a hop, that is; weeks are not compared.
        """
        if cell.passage not in (None, self._passages[at]):
            return False
        return all(
            not told or told == own
            for level in LEVELS
            for told, own in zip(cell.ends(level) or ((), ()), self._sides[level][at], strict=True)
        )

    def size(self, group: Group) -> int:
        """Number of sites that a group covers."""
        return min(len({sites[at] for at in group}) for sites in (self._left, self._arrived))

    def large(self, group: Group) -> bool:
        """True if a group covers enough sites to be described."""
        return bool(group) and self.size(group) >= self._disclosure.least

    def split(self, group: Group, key: Key) -> Iterator[tuple[Hashable, Group]]:
        """Split a large group by key into large parts.

        Hops left over have the key None.
        """
        found: dict[Hashable, Group] = defaultdict(list)
        for at in group:
            found[key(at)].append(at)
        rest = found.pop(None, [])
        whole = {name: part for name, part in found.items() if self.large(part)}
        rest += [at for name, part in found.items() if name not in whole for at in part]
        yield from self._settled(whole, rest)

    def _settled(self, whole: dict[Hashable, Group], rest: Group) -> Iterator[tuple[Hashable, Group]]:
        """Large parts; the smallest join a remainder that is not."""
        for name in sorted(whole, key=lambda name: (self.size(whole[name]), len(whole[name]), repr(name))):
            if not rest or self.large(rest):
                break
            rest += whole.pop(name)
        yield from whole.items()
        if rest:
            yield None, rest

    def by_ends(self, group: Group, level: Level) -> Iterator[tuple[Ends | None, Group]]:
        """Split a large group by its ends on a level.

        What is left of the hops from one side is a part of its own, if large. Countries are split by passage as well.
        """
        pairs, loose, rest = defaultdict[Hashable, Group](list), defaultdict[Side, Group](list), Group()
        for at in group:
            before, after = self._sides[level][at]
            if before is None:
                rest.append(at)
            elif after is None:
                loose[before].append(at)
            else:
                pairs[before, after, self._passages[at] if level == "country" else None].append(at)
        whole = {name: part for name, part in pairs.items() if self.large(part)}
        for name, part in pairs.items():
            if name not in whole:
                loose[name[0]] += part  # type: ignore[index]
        for before, part in loose.items():
            if self.large(part):
                whole[before, (), None] = part
            else:
                rest += part
        for name, part in self._settled(whole, rest):
            yield (None if name is None else (name[0], name[1])), part  # type: ignore[index]

    def described(self, every: Group) -> Iterator[tuple[dict[str, object], Group]]:
        """Parts of all hops with shared attributes, weeks excepted."""
        for hoster, pair in self.by_ends(every, "hoster"):
            for country, area in self.by_ends(pair, "country"):
                for way, side in self.split(area, self._passages.__getitem__):
                    for systems, part in self.by_ends(side, "as"):
                        yield {"hoster": hoster, "country": country, "passage": way, "systems": systems}, part

    def by_week(self, group: Group, weeks: Sequence[int], first: int, last: int) -> Iterator[tuple[int, int, Group]]:
        """Split a large group by weeks or spans of weeks.

        A span holds the hops that are too few in each of its halves.
        """
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
        """Large parts of a span, and its remaining hops."""
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

    def cell(self, group: Group, shared: Mapping[str, object], first: int, last: int) -> HopCell:
        """Build the cell of a group."""
        certain = sum(self._hops[at].order in CERTAIN for at in group)
        resting: dict[str, Group] = defaultdict(list)
        for at in group:
            for kind in self._hops[at].evidence:
                resting[kind].append(at)
        evidence = tuple(sorted(kind for kind, part in resting.items() if self.large(part)))
        return HopCell(
            first=first,
            last=last,
            hops=len(group),
            certain=certain,
            evidence=evidence,
            **shared,  # type: ignore[arg-type]
        )

    def _named(self, hop: Hop, level: Level) -> tuple[Side | None, Side | None]:
        """Both sides of a hop; None for one that may not be named."""
        named = self._disclosure.named[level]
        before, after = ends_of(hop, level, self._disclosure.origins)
        return _all_in(before, named), _all_in(after, named)


def _all_in(side: Side, named: Collection[str]) -> Side | None:
    return side if all(key in named for key in side) else None


def _week(when: datetime) -> int:
    return (when.astimezone(UTC) - datetime.fromtimestamp(MONDAY, UTC)) // _WEEK
