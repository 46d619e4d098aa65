"""The displacement page: hops by level, week and border crossing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import numpy as np

from graphs.network.figures import GraphFigure, graph_figures
from graphs.network.moves import UNKNOWN, Level, Moves, moves_of, origins_index
from graphs.network.paths import chains
from graphs.network.weeks import CrossBorder, week_window
from waterbed.publish.hop_cells import (
    LEVELS,
    WAYS,
    CellFlow,
    CellPlace,
    HopCell,
    HopCells,
    cell_flows,
    cell_places,
    week_sums,
)
from waterbed.publish.policy import Publication, named_keys
from waterbed.publish.site.figures import CONFIG, FAINT, HELD_COLOUR, INK, PASSAGE_COLOURS, label, plain_layout
from waterbed.publish.site.interventions import intervention_pages
from waterbed.publish.site.layout import Page
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

PATH: Final = "displacement.html"
WORDS: Final[Mapping[Level, tuple[str, str]]] = {
    "hoster": ("hoster", "hosters"),
    "as": ("AS", "ASes"),
    "country": ("country", "countries"),
}
HELD: Final = "held back"
"""Placeholder for a withheld passage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRow:
    """Number of contents with chains of a given length."""

    hops: Annotated[str, "hops of the longest chain, as 2 or 3 and more"]
    surely: Annotated[int | None, "contents whose chain surely is that long; null: fewer than may be told"]
    possibly: Annotated[int, "contents whose chain may be"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HopsView:
    """Content of the displacement page, after disclosure control."""

    cells: HopCells
    names: Annotated[Mapping[Level, Mapping[str, str]], "name for people of each key on a level"]
    seats: Annotated[Mapping[str, str], "country of each hoster's or AS's seat, where it is known"]
    sheets: Annotated[Mapping[str, str], "path of each hoster's sheet, by key"]
    measures: Annotated[Mapping[Level, Sequence[GraphFigure]], "measures of the whole graph on each level"]
    chains: Annotated[Mapping[Level, Sequence[ChainRow]], "lengths of chains on each level"]
    events: Annotated[Sequence[tuple[str, str, str]], "path, title and one sentence of each intervention's page"]


def displacement_page(view: HopsView, *, home: str, least: int) -> Page:
    """Render controls, three figures, and tables for script-free readers."""
    shown = _Shown(view)
    found = view.cells.cells
    tables = {level: _table(shown, level) for level in LEVELS}
    return Page(
        path=PATH,
        template="displacement.html",
        title="Where it goes",
        menu="Displacement",
        scripts=("plotly.js", "hop_flows.js", "hop_figures.js", "displacement.js") if found else (),
        values={
            "cells": found,
            "tables": tables,
            "words": WORDS,
            "weeks": [(week, _monday(week)) for week in view.cells.weeks],
            "week_sums": week_sums(found, len(view.cells.weeks)),
            "ways": [(at, way or HELD) for at, way in enumerate(WAYS) if any(cell.passage == way for cell in found)],
            "colours": {way or HELD: _colour(way) for way in WAYS},
            "hops": sum(cell.hops for cell in found),
            "certain": sum(cell.certain for cell in found),
            "held": HELD,
            "measures": _measures(view),
            "chains": view.chains,
            "events": view.events,
            "data": _data(shown, home),
            "home": home,
            "least": least,
        },
    )


def count(value: float) -> str:
    """Format a number of hops; fractions get one digit."""
    return f"{value:,.0f}" if abs(value - round(value)) < 0.05 else f"{value:,.1f}"


class _Shown:
    """Keys that cells name on each level, in order."""

    def __init__(self, view: HopsView) -> None:
        self.view = view
        self.keys = {level: sorted(set(_keys(view.cells.cells, level))) for level in LEVELS}

    def name(self, level: Level, key: str | None) -> str:
        if key is None:
            return f"other {WORDS[level][1]}"
        return self.view.names.get(level, {}).get(key, key)

    def seat(self, level: Level, key: str) -> str:
        return key if level == "country" else self.view.seats.get(key, "")

    def sheet(self, level: Level, key: str | None) -> str:
        return self.view.sheets.get(key, "") if level == "hoster" and key is not None else ""


def _keys(cells: Sequence[HopCell], level: Level) -> Iterator[str]:
    for cell in cells:
        for side in cell.ends(level) or ():
            yield from side


def _table(shown: _Shown, level: Level) -> dict[str, Any]:
    """Flows, sinks and sources of all weeks, for script-free readers."""
    flows = cell_flows(shown.view.cells.cells, level)

    def end(key: str | None) -> dict[str, str]:
        return {"name": shown.name(level, key), "sheet": shown.sheet(level, key), "key": key or ""}

    def flow(row: CellFlow) -> dict[str, Any]:
        counts = {name: count(getattr(row, name)) for name in ("hops", "certain", "most")}
        return {"from": end(row.from_key), "to": end(row.to_key), "passage": row.passage or HELD, **counts}

    def place(row: CellPlace) -> dict[str, Any]:
        kind = "sink" if row.low > 0 else "source" if row.high < 0 else "either"
        counts = {name: count(getattr(row, name)) for name in ("arrived", "left")}
        net, low, high = (_signed(value) for value in (row.arrived - row.left, row.low, row.high))
        return {"place": end(row.key), **counts, "net": net, "low": low, "high": high, "kind": kind}

    return {"flows": [flow(row) for row in flows], "places": [place(row) for row in cell_places(flows)]}


def _signed(value: float) -> str:
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    return f"{sign}{count(abs(value))}"


def _data(shown: _Shown, home: str) -> dict[str, Any]:
    """Data that the script filters: keys, and cells by number.

    Each key stands once. Labels are escaped for the drawing library's own markup.
    """
    numbers = {level: {key: at for at, key in enumerate(shown.keys[level])} for level in LEVELS}

    def ends(cell: HopCell, level: Level) -> list[list[int]] | None:
        ends = cell.ends(level)
        return None if ends is None else [[numbers[level][key] for key in side] for side in ends]

    return {
        "weeks": shown.view.cells.weeks,
        "passages": [{"word": way or HELD, "colour": _colour(way)} for way in WAYS],
        "levels": {
            level: {
                "plural": WORDS[level][1],
                "keys": [
                    {
                        "key": key,
                        "name": shown.name(level, key),
                        "label": label(shown.name(level, key)),
                        "country": shown.seat(level, key),
                        "home": shown.seat(level, key) == home,
                        "sheet": shown.sheet(level, key),
                    }
                    for key in shown.keys[level]
                ],
            }
            for level in LEVELS
        },
        "cells": [
            [
                cell.first,
                cell.last,
                {level: ends(cell, level) for level in LEVELS},
                WAYS.index(cell.passage),
                cell.hops,
                cell.certain,
            ]
            for cell in shown.view.cells.cells
        ],
        "layout": plain_layout(),
        "config": CONFIG,
        "ink": INK,
        "faint": FAINT,
    }


def _colour(way: CrossBorder | None) -> str:
    return PASSAGE_COLOURS[way] if way else HELD_COLOUR


def _monday(week: str) -> datetime:
    return week_window(week)[0]


def _measures(view: HopsView) -> list[tuple[str, list[GraphFigure | None]]]:
    """Each measure with its value on every level."""
    by_level = {level: {row.measure: row for row in view.measures.get(level, ())} for level in LEVELS}
    names = dict.fromkeys(name for level in LEVELS for name in by_level[level])
    return [(name, [by_level[level].get(name) for level in LEVELS]) for name in names]


SEED: Final = 2026
"""Seed of resampling and null graphs, so that equal facts give equal pages."""
_RATE: Final = "returns"
"""Measure that is a share of hops, told by its bounds."""
_SAID_BY_CELLS: Final = ("hops", "net flow")
_OF_FEW: Final = ("contents that moved", "contents with a chain", "hops of the longest chain")
"""Counts of contents; the table of chains shows those that are large enough."""


def displacement_pages(
    study: Study, conclusions: Conclusions, publication: Publication, sheets: Mapping[str, str]
) -> list[Page]:
    """Render the displacement page and one page per event file.

    `sheets` are the paths of hosters' own pages, by key.
    """
    named = named_keys(publication)
    least, home = publication.policy.least, study.config.home
    cells = publication.cells
    events = intervention_pages(study, conclusions, named=named, least=least, under=PATH)
    moves = {
        level: moves_of(conclusions.hops, by=level, origins=origins_index(conclusions.episodes)) for level in LEVELS
    }
    view = HopsView(
        cells=cells,
        names={"hoster": _names(conclusions, named["hoster"]), "as": _names(conclusions, named["as"])},
        seats={key: conclusions.attributor.country_of(key) or "" for level in ("hoster", "as") for key in named[level]},
        sheets=sheets,
        measures={level: list(_of_level(conclusions, cells, level, home, least)) for level in LEVELS},
        chains={level: chain_rows(moves[level], least) for level in LEVELS},
        events=[(page.path, page.title, line) for page, line in events],
    )
    return [displacement_page(view, home=home, least=least), *(page for page, _ in events)]


def chain_rows(moves: Moves, least: int) -> list[ChainRow]:
    """Contents by longest chain, rare lengths merged, longest first.

    Certain counts are shown where they are zero or large enough.
    """
    surely, possibly = (np.bincount(chains(moves, surely=sure).longest) for sure in (True, False))
    surely = np.pad(surely, (0, max(possibly.size - surely.size, 0)))
    rows: list[ChainRow] = []
    top, end = possibly.size, possibly.size - 1
    for length in range(end, 0, -1):
        at_most, sure = int(possibly[length:top].sum()), int(surely[length:top].sum())
        rest = int(possibly[1:length].sum())
        if at_most < least or 0 < rest < least:
            continue
        words = f"{length}" if top == length + 1 else f"{length} and more" if top > end else f"{length} to {top - 1}"
        rows.append(ChainRow(hops=words, surely=None if 0 < sure < least else sure, possibly=at_most))
        top = length
    return rows[::-1]


def _of_level(conclusions: Conclusions, found: HopCells, level: Level, home: str, least: int) -> Iterator[GraphFigure]:
    """Measures of the graph that is shown, as far as they rest on enough hops.

    It has the hops of cells with names at both ends. A rate of fewer than `least` hops is left out.
    """
    shown = sorted(
        at
        for cell, own in zip(found.cells, found.members, strict=True)
        if cell.passage and (ends := cell.ends(level)) and all(ends)
        for at in own
    )
    hops = [conclusions.hops[at] for at in shown]
    if not hops:
        return
    moves = moves_of(hops, by=level, origins=origins_index(conclusions.episodes))
    for row in graph_figures(hops, moves, names={}, home=home, rng=np.random.default_rng(SEED)):
        if row.measure in _SAID_BY_CELLS or row.measure.startswith(_OF_FEW) or row.n < least:
            continue
        if row.measure.startswith(_RATE) and any(0 < round((end or 0) * row.n) < least for end in (row.low, row.high)):
            continue
        yield row


def _names(conclusions: Conclusions, keys: frozenset[str]) -> dict[str, str]:
    return {key: conclusions.attributor.name_of(key) for key in keys if key != UNKNOWN}
