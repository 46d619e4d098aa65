"""Adds up cells of hops: flows, sinks and sources, weeks."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from waterbed.graphs.network.moves import Level
from waterbed.graphs.network.weeks import CROSS_BORDER, CrossBorder
from waterbed.publish.hop_cells import HopCell

WAYS: Final[tuple[CrossBorder | None, ...]] = (*CROSS_BORDER, None)
"""Passages in display order; None: withheld."""
Key = TypeVar("Key", bound=Hashable)
Sums = tuple[float, float, float, tuple[str, ...]]
"""Hops, the certain ones, at most how many, and their kinds of evidence."""


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
    rows = [
        CellFlow(from_key=before, to_key=after, passage=way, hops=hops, certain=certain, most=most, evidence=evidence)
        for (before, after, way), (hops, certain, most, evidence) in added(_parts(cells, level, weeks, ways)).items()
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


def _parts(
    cells: Iterable[HopCell], level: Level, weeks: tuple[int, int] | None, ways: Collection[CrossBorder | None]
) -> Iterator[tuple[tuple[str | None, str | None, CrossBorder | None], Sums]]:
    """The share of each cell in each of its flows, for the given weeks and passages."""
    for cell in cells:
        if cell.passage not in ways or not _reaches(cell, weeks):
            continue
        inside = weeks is None or (weeks[0] <= cell.first and cell.last <= weeks[1])
        for before, after, share in pairs_of(cell, level):
            hops, certain = share * cell.hops * inside, share * cell.certain * inside
            yield (before, after, cell.passage), (hops, certain, share * cell.hops, cell.evidence)


def added(parts: Iterable[tuple[Key, Sums]]) -> dict[Key, Sums]:
    """Add up hops and their kinds of evidence by key.

    Keys stand in the order in which they first came.
    """
    numbers: dict[Key, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    kinds: dict[Key, set[str]] = defaultdict(set)
    for key, (hops, certain, most, evidence) in parts:
        for at, value in enumerate((hops, certain, most)):
            numbers[key][at] += value
        kinds[key].update(evidence)
    return {key: (hops, certain, most, tuple(sorted(kinds[key]))) for key, (hops, certain, most) in numbers.items()}


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
