"""Files beside the displacement page: cells and their sums."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from waterbed.graphs.displacement.disclosure import OTHERS
from waterbed.graphs.network.figures import TypedFigure
from waterbed.graphs.network.flows import EVIDENCE
from waterbed.graphs.network.moves import Level
from waterbed.publish.hop_cells import LEVELS, HopCells
from waterbed.publish.hop_sums import cell_flows, cell_places, week_sums
from waterbed.publish.hop_tables import OTHER_NAMES
from waterbed.shown.layout import PageTable

CELLS: Final = "sums of disjoint cells of hops, each about publish.least sites or more; docs/pages.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFlow:
    """Hops between two places of a level, all weeks."""

    level: Annotated[str, "hoster, as or country"]
    from_key: Annotated[str, "place left; others: held back"]
    from_name: Annotated[str, "its name for people"]
    to_key: Annotated[str, "place arrived at; others: held back"]
    to_name: Annotated[str, "its name for people"]
    passage: Annotated[str | None, "whether the home country is left, entered or neither; null: held back"]
    hops: Annotated[float, "hops; one of a host at several places is shared among them"]
    certain: Annotated[float, "of these, surely displacement"]
    evidence: Annotated[tuple[str, ...], EVIDENCE]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPlace:
    """Arrivals and departures of a place, all weeks."""

    level: Annotated[str, "hoster, as or country"]
    key: Annotated[str, "the place"]
    name: Annotated[str, "its name for people"]
    arrived: Annotated[float, "hops that arrived"]
    left: Annotated[float, "hops that left"]
    low: Annotated[float, "least that arrived less left can be"]
    high: Annotated[float, "most that it can be"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekHops:
    """Hops by week of first sight."""

    week: Annotated[str, "ISO week, UTC"]
    hops: Annotated[int, "hops of cells that lie in the week"]
    certain: Annotated[int, "of these, surely displacement"]
    most: Annotated[int, "hops of all cells that reach into it"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRow:
    """One cell of hops."""

    first_week: Annotated[str, "first week in which its hops can have been first seen"]
    last_week: Annotated[str, "last such week"]
    hosters_left: Annotated[tuple[str, ...], "hosters left; none: held back"]
    hosters_reached: Annotated[tuple[str, ...], "hosters arrived at; none: held back"]
    systems_left: Annotated[tuple[str, ...], "origin ASes left"]
    systems_reached: Annotated[tuple[str, ...], "origin ASes arrived at"]
    countries_left: Annotated[tuple[str, ...], "countries left"]
    countries_reached: Annotated[tuple[str, ...], "countries arrived at"]
    passage: Annotated[str | None, "whether the home country is left, entered or neither; null: held back"]
    hops: Annotated[int, "hops that are not known to be parallel copies"]
    certain: Annotated[int, "of these, surely displacement"]
    evidence: Annotated[tuple[str, ...], EVIDENCE]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelMeasure:
    """One measure of the graph of hops on a level."""

    level: Annotated[str, "hoster, as or country"]
    measure: Annotated[str, "name of the measure"]
    value: Annotated[float | None, "its value"]
    low: Annotated[float | None, "lower bound"]
    high: Annotated[float | None, "upper bound"]
    bounds: Annotated[str, "what bounds are: of the order of doubtful hops, 95%, or of graphs by chance (null)"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChain:
    """Contents by the length of their chain."""

    level: Annotated[str, "hoster, as or country"]
    hops: Annotated[str, "hops of the longest chain, as 2 or 3 and more"]
    surely: Annotated[int | None, "contents whose chain surely is that long; null: fewer than may be told"]
    possibly: Annotated[int, "contents whose chain may be"]


def hop_files(
    hop_cells: HopCells,
    names: Mapping[Level, Mapping[str, str]],
    measures: Mapping[Level, Sequence[TypedFigure]],
    chains: Mapping[Level, Sequence[Any]],
) -> Iterator[PageTable]:
    """The tables behind the displacement page; none without hops.

    `names` are those of each level's keys, `chains` rows of lengths.
    """
    if not hop_cells.cells:
        return

    def name(level: Level, key: str | None) -> str:
        return OTHER_NAMES[level] if key is None else names.get(level, {}).get(key, key)

    flows = {level: cell_flows(hop_cells.cells, level) for level in LEVELS}
    flow_rows = [
        LevelFlow(
            level=level,
            from_key=row.from_key or OTHERS,
            from_name=name(level, row.from_key),
            to_key=row.to_key or OTHERS,
            to_name=name(level, row.to_key),
            passage=row.passage,
            hops=round(row.hops, 6),
            certain=round(row.certain, 6),
            evidence=row.evidence,
        )
        for level in LEVELS
        for row in flows[level]
    ]
    place_rows = [
        LevelPlace(
            level=level,
            key=row.key,
            name=name(level, row.key),
            arrived=round(row.arrived, 6),
            left=round(row.left, 6),
            low=round(row.low, 6),
            high=round(row.high, 6),
        )
        for level in LEVELS
        for row in cell_places(flows[level])
    ]
    weeks = zip(hop_cells.weeks, week_sums(hop_cells.cells, len(hop_cells.weeks)), strict=True)
    measure_rows = [
        LevelMeasure(level=level, measure=row.measure, value=row.value, low=row.low, high=row.high, bounds=row.bounds)
        for level in LEVELS
        for row in measures.get(level, ())
    ]
    chain_rows = [
        LevelChain(level=level, hops=row.hops, surely=row.surely, possibly=row.possibly)
        for level in LEVELS
        for row in chains.get(level, ())
    ]
    for path, cls, rows, subject in (
        ("hop-flows", LevelFlow, flow_rows, "hops between places"),
        ("hop-places", LevelPlace, place_rows, "sinks and sources"),
        (
            "hop-weeks",
            WeekHops,
            [WeekHops(week=w, hops=a, certain=b, most=c) for w, (a, b, c) in weeks],
            "hops by week",
        ),
        ("hop-cells", CellRow, list(_cells(hop_cells)), "cells of hops"),
        ("hop-measures", LevelMeasure, measure_rows, "measures of the graph of hops"),
        ("hop-chains", LevelChain, chain_rows, "contents by the length of their chain"),
    ):
        yield PageTable(path=f"data/{path}", cls=cls, rows=rows, what=subject, by="level", method=CELLS)


def _cells(hop_cells: HopCells) -> Iterator[CellRow]:
    for cell in hop_cells.cells:
        sides = [cell.ends(level) or ((), ()) for level in LEVELS]
        (left_hosters, reached), (systems, systems_after), (countries, countries_after) = sides
        yield CellRow(
            first_week=hop_cells.weeks[cell.first],
            last_week=hop_cells.weeks[cell.last],
            hosters_left=left_hosters,
            hosters_reached=reached,
            systems_left=systems,
            systems_reached=systems_after,
            countries_left=countries,
            countries_reached=countries_after,
            passage=cell.passage,
            hops=cell.hops,
            certain=cell.certain,
            evidence=cell.evidence,
        )
