"""Groups hops into disjoint cells of enough sites each.

Sums over cells therefore never reveal a smaller group.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from graphs.network.moves import CERTAIN, Ends, Level, OriginsOf, ends_of
from graphs.network.weeks import CROSS_BORDER, MONDAY, CrossBorder, cross_border, week_label, week_window
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
        self._passages = [cross_border(hop, disclosure.home) for hop in hops]

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


WAYS: Final[tuple[CrossBorder | None, ...]] = (*CROSS_BORDER, None)
"""Passages in display order; None: withheld."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFlow:
    """Hops from one key to another, summed over cells."""

    from_key: Annotated[str | None, "key left; null: held back"]
    to_key: Annotated[str | None, "key arrived at"]
    passage: Annotated[CrossBorder | None, "whether the home country is left, entered or neither; null: held back"]
    hops: Annotated[float, "hops in cells within the weeks; one with several keys is shared equally among its pairs"]
    certain: Annotated[float, "of these, surely displacement"]
    most: Annotated[float, "the same with all cells that reach into the weeks"]
    evidence: Annotated[tuple[str, ...], "kinds of evidence named by any of these cells, sorted"] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPlace:
    """Arrivals and departures of a key.

    Hops within it, and hops with a withheld key, are left out.
    """

    key: Annotated[str, "the key"]
    arrived: Annotated[float, "hops that arrived"]
    left: Annotated[float, "hops that left"]
    low: Annotated[float, "least that arrived less left can be, whichever doubtful hops are displacement"]
    high: Annotated[float, "most that it can be"]


def cell_flows(
    cells: Iterable[HopCell],
    level: Level,
    *,
    weeks: tuple[int, int] | None = None,
    ways: Collection[CrossBorder | None] = WAYS,
) -> list[CellFlow]:
    """Flows in the given weeks and passages, most hops first.

    Those with both ends named come before those with one, and these before the rest.
    `weeks` are the first and last number.
    """
    sums: dict[tuple[str | None, str | None, CrossBorder | None], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    evidence: dict[tuple[str | None, str | None, CrossBorder | None], set[str]] = defaultdict(set)
    for cell in cells:
        if cell.passage not in ways or not _reaches(cell, weeks):
            continue
        inside = weeks is None or (weeks[0] <= cell.first and cell.last <= weeks[1])
        for before, after, share in pairs_of(cell, level):
            found = sums[before, after, cell.passage]
            found[0] += share * cell.hops * inside
            found[1] += share * cell.certain * inside
            found[2] += share * cell.hops
            evidence[before, after, cell.passage].update(cell.evidence)
    rows = [
        CellFlow(
            from_key=before,
            to_key=after,
            passage=way,
            hops=hops,
            certain=certain,
            most=most,
            evidence=tuple(sorted(evidence[before, after, way])),
        )
        for (before, after, way), (hops, certain, most) in sums.items()
    ]
    return sorted(
        rows,
        key=lambda row: (
            (row.from_key is None) + (row.to_key is None),
            -row.hops,
            -row.most,
            row.from_key or "",
            row.to_key is None,
            row.to_key or "",
            WAYS.index(row.passage),
        ),
    )


def cell_places(flows: Iterable[CellFlow]) -> list[CellPlace]:
    """Sinks and sources among flows, by net flow."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for flow in flows:
        if flow.from_key is None or flow.to_key is None or flow.from_key == flow.to_key or not flow.hops:
            continue
        for key, at in ((flow.to_key, 0), (flow.from_key, 2)):
            sums[key][at] += flow.hops
            sums[key][at + 1] += flow.certain
    rows = [
        CellPlace(key=key, arrived=arrived, left=left, low=arrived_surely - left, high=arrived - left_surely)
        for key, (arrived, arrived_surely, left, left_surely) in sums.items()
    ]
    return sorted(rows, key=lambda row: (-abs(row.arrived - row.left), row.key))


def week_sums(cells: Sequence[HopCell], weeks: int) -> list[tuple[int, int, int]]:
    """Weekly hops: within the week, certain ones, and reaching in.

    A tuple for each week: hops of cells that lie in it, the certain ones of these, and hops of all cells that overlap
    it.
    """
    within = [[cell for cell in cells if cell.first <= at <= cell.last] for at in range(weeks)]
    alone = [[cell for cell in found if cell.first == cell.last] for found in within]
    return [
        (sum(cell.hops for cell in sure), sum(cell.certain for cell in sure), sum(cell.hops for cell in found))
        for sure, found in zip(alone, within, strict=True)
    ]


def _reaches(cell: HopCell, weeks: tuple[int, int] | None) -> bool:
    return weeks is None or (cell.first <= weeks[1] and weeks[0] <= cell.last)


def pairs_of(cell: HopCell, level: Level) -> Iterator[tuple[str | None, str | None, float]]:
    """Pairs of keys of a cell with their equal shares.

    None for a side that is held back.
    """
    before, after = cell.ends(level) or ((), ())
    share = 1.0 / (max(len(before), 1) * max(len(after), 1))
    for left in before or (None,):
        for arrived in after or (None,):
            yield left, arrived, share
