"""The displacement page: hops by level, week and border crossing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from waterbed.graphs.network.figures import TypedFigure, graph_figures
from waterbed.graphs.network.moves import UNKNOWN, Level, Moves, moves_of, origins_index
from waterbed.graphs.network.paths import chains
from waterbed.graphs.network.weeks import CrossBorder, week_window
from waterbed.model.conclusions import Hop
from waterbed.model.spelling import number, percent
from waterbed.publish.hop_cells import LEVELS, HopCells
from waterbed.publish.hop_sums import WAYS, CellFlow, CellPlace, cell_flows, cell_places, week_sums
from waterbed.publish.policy import Publication, named_keys
from waterbed.publish.site.figures.hops import (
    CROSSING,
    count,
    drawn_links,
    evidence_words,
    network_scene,
    sankey_scene,
    weeks_scene,
)
from waterbed.publish.site.hop_files import hop_files
from waterbed.publish.site.hops_shown import HELD, WORDS, ChainRow, HopsView, Shown, script_data, why_no_hops
from waterbed.questions.intervention.page import EventPage
from waterbed.shown.figures.marks import Figure, Key
from waterbed.shown.figures.moments import moment_keys, moment_words
from waterbed.shown.figures.plot import figure_of
from waterbed.shown.layout import Page
from waterbed.study.conclusions import Conclusions

PATH: Final = "displacement.html"
MOST_ROWS: Final = 60
"""Flows of a level in a table; the others stand together in its last row, and each in the file."""
WEEK_ROWS: Final = 5
"""The same for a single week."""


def displacement_page(view: HopsView, *, home: str, least: int) -> Page:
    """Render figures, tables, and controls that choose."""
    level_keys = Shown(view, home)
    cells = view.cells.cells
    tables = {level: _table(level_keys, level) for level in LEVELS}
    return Page(
        path=PATH,
        template="displacement.html",
        title="Where it goes",
        menu="Displacement",
        scripts=("hop_flows.js", "hop_figures.js", "displacement.js") if cells else (),
        figures=tuple(_figures(level_keys)) if cells else (),
        tables=tuple(hop_files(view.cells, view.names, view.measures, view.chains)),
        values={
            "cells": cells,
            "tables": tables,
            "words": WORDS,
            "weeks": [(week, _monday(week)) for week in view.cells.weeks],
            "week_sums": week_sums(cells, len(view.cells.weeks)),
            "steps": list(_steps(level_keys)),
            "across": _across(level_keys),
            "ways": [
                (position, passage or HELD)
                for position, passage in enumerate(WAYS)
                if any(cell.passage == passage for cell in cells)
            ],
            "way_css": {passage or HELD: f"w{position}" for position, passage in enumerate(WAYS)},
            "hops": sum(cell.hops for cell in cells),
            "certain": sum(cell.certain for cell in cells),
            "held": HELD,
            "measures": _measures(view),
            "chains": view.chains,
            "events": view.events,
            "data": script_data(level_keys),
            "home": home,
            "least": least,
            "no_hops": view.no_hops,
        },
    )


def _across(level_keys: Shown) -> dict[str, str] | None:
    """The largest flow between named hosters that leaves or enters home."""
    for row in level_keys.flows["hoster"]:
        if row.to_key is not None and row.passage in CROSSING:
            ends = {end: level_keys.name("hoster", key) for end, key in (("from", row.from_key), ("to", row.to_key))}
            return {**ends, "certain": count(row.certain), "hops": count(row.hops)}
    return None


def _table(level_keys: Shown, level: Level) -> dict[str, Any]:
    """Flows, sinks and sources of all weeks, for script-free readers."""
    flows = level_keys.flows[level]

    def end(key: str | None) -> dict[str, str]:
        return {"name": level_keys.name(level, key), "sheet": level_keys.sheet(level, key), "key": key or ""}

    def flow(row: CellFlow) -> dict[str, Any]:
        details = {"passage": row.passage or HELD, "evidence": evidence_words(row.evidence)}
        return {"from": end(row.from_key), "to": end(row.to_key), **details, **_counts([row])}

    def place(row: CellPlace) -> dict[str, Any]:
        kind = "sink" if row.low > 0 else "source" if row.high < 0 else "either"
        counts = {name: count(getattr(row, name)) for name in ("arrived", "left")}
        net, low, high = (_signed(value) for value in (row.arrived - row.left, row.low, row.high))
        return {"place": end(row.key), **counts, "net": net, "low": low, "high": high, "kind": kind}

    return {
        "flows": [flow(row) for row in flows[:MOST_ROWS]],
        "rest": _counts(flows[MOST_ROWS:]),
        "places": [place(row) for row in cell_places(flows)[:MOST_ROWS]],
    }


def _counts(rows: Sequence[CellFlow]) -> dict[str, Any]:
    """How many flows, and the hops of all of them."""
    return {"rows": len(rows)} | {
        name: count(sum(getattr(row, name) for row in rows)) for name in ("hops", "certain", "most")
    }


def _steps(shown: Shown) -> Iterator[dict[str, Any]]:
    """The largest flows of each week, for readers without scripts."""
    cells = shown.view.cells
    for position in range(len(cells.weeks)):
        flows = cell_flows(
            (cell for cell in cells.cells if cell.first <= position <= cell.last), "hoster", weeks=(position, position)
        )
        flow_rows = [
            {
                "from": shown.name("hoster", row.from_key),
                "to": shown.name("hoster", row.to_key),
                "passage": row.passage or HELD,
                **_counts([row]),
            }
            for row in flows[:WEEK_ROWS]
        ]
        week = cells.weeks[position]
        short = week if position == 0 or week.endswith("W01") else week.partition("-")[2]
        yield {"short": short, "flows": flow_rows, "rest": _counts(flows[WEEK_ROWS:])}


def _signed(value: float) -> str:
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    return f"{sign}{count(abs(value))}"


def _figures(level_keys: Shown) -> Iterator[Figure]:
    """All hops between hosters: by week, as flows, and as a network."""
    view, flows = level_keys.view, level_keys.flows["hoster"]
    sums = week_sums(view.cells.cells, len(view.cells.weeks))
    total, certain = sum(cell.hops for cell in view.cells.cells), sum(cell.certain for cell in view.cells.cells)
    names = {key: level_keys.name_and_country("hoster", key) for key in [None, *level_keys.keys["hoster"]]}
    home = {key: level_keys.home("hoster", key) for key in level_keys.keys["hoster"]}
    crossing = _across(level_keys)
    most = (
        f" Across the border most go from {crossing['from']} to {crossing['to']}: {crossing['hops']}."
        if crossing
        else ""
    )
    apart = sum(link.most for link in drawn_links(flows)[1])
    not_drawn = f" Not drawn: {count(apart)} between others." if apart else ""
    in_one_week = sum(hops for hops, _, _ in sums)
    strengths = (Key(css="strong", word="certain", area=True), Key(css="pale", word="possible", area=True))
    yield figure_of(
        "weeks",
        "Hops by week of first sight",
        f"{total} hops in {len(sums)} weeks, {certain} of them certain.{moment_words(view.placed)}",
        f"Bars are the hops that are known to lie in one week: {in_one_week:,} of {total:,}. Of the "
        "others, in small groups, "
        "only a longer span is known. Full: hops that are displacement for certain; pale: possible ones. At most: "
        "with all groups whose span reaches into the week; far above the bars it is a number without a line.",
        "data/hop-weeks",
        lambda width: weeks_scene(view.cells.weeks, sums, width, view.placed),
        (*strengths, Key(css="level", word="at most"), *moment_keys(view.placed)),
    )
    yield figure_of(
        "sankey",
        "From where, to where",
        f"{total} hops between hosters.{most}{not_drawn}",
        "Left: places that content left, those at home first; right: where it was up next, those abroad first. The "
        "height of a ribbon is its hops, full where they are certain, an outline where they may be of other weeks than "
        "those chosen. Colours say whether home is left. Small flows go to or from others at home or abroad; those "
        "between others are counted under the figure.",
        "data/hop-flows",
        lambda width: sankey_scene(flows, names, home, width),
        (
            *(
                Key(css=f"w{position}", word=passage or HELD, area=True)
                for position, passage in enumerate(WAYS)
                if _used(view, passage)
            ),
            Key(css="full", word="certain", area=True),
            Key(css="faint", word="possible", area=True),
        ),
    )
    yield figure_of(
        "network",
        "The same flows as a network",
        f"Places with most hops; those at home in the middle.{most}",
        "Squares in the middle are at home, circles around them abroad; larger ones have more hops. Full: more arrived "
        "than left. Wider lines carry more hops, dotted ones none that is certain.",
        "data/hop-flows",
        lambda width: network_scene(flows, cell_places(flows), level_keys.spots("hoster"), width),
    )


def _used(view: HopsView, passage: CrossBorder | None) -> bool:
    return any(cell.passage == passage for cell in view.cells.cells)


def _monday(week: str) -> datetime:
    return week_window(week)[0]


def _measures(view: HopsView) -> list[tuple[str, list[TypedFigure | None], Callable[[float | None], str]]]:
    """Each measure with its value on every level, and how it is spelled."""
    by_level = {level: {row.measure: row for row in view.measures.get(level, ())} for level in LEVELS}
    names = dict.fromkeys(name for level in LEVELS for name in by_level[level])
    rows = [(name, [by_level[level].get(name) for level in LEVELS]) for name in names]
    return [(name, figures, percent if _is_share(figures) else number) for name, figures in rows]


def _is_share(rows: Sequence[TypedFigure | None]) -> bool:
    return any(row is not None and row.kind in ("rate", "share") for row in rows)


SEED: Final = 2026
"""Seed of resampling and null graphs, so that equal facts give equal pages."""
_SAID_BY_CELLS: Final = ("hops", "net flow")


def displacement_pages(
    conclusions: Conclusions,
    publication: Publication,
    sheets: Mapping[str, str],
    events: Sequence[EventPage],
    *,
    home: str,
) -> list[Page]:
    """Render the displacement page and one page per event file.

    `sheets` are the paths of hosters' own pages, by key; `events` are of `intervention_pages`.
    """
    conclusions = conclusions.whole  # a window narrows the cells alone
    named = named_keys(publication)
    least = publication.policy.least
    cells = publication.cells
    origins = origins_index(conclusions.episodes)
    hops_by_level = {level: shown_hops(conclusions.hops, cells, level) for level in LEVELS}
    moves = {level: moves_of(hops_by_level[level], by=level, origins=origins) for level in LEVELS}
    view = HopsView(
        cells=cells,
        names={"hoster": _names(conclusions, named["hoster"]), "as": _names(conclusions, named["as"])},
        seats={key: conclusions.attributor.country_of(key) or "" for level in ("hoster", "as") for key in named[level]},
        sheets=sheets,
        measures={level: list(_of_level(hops_by_level[level], moves[level], home, least)) for level in LEVELS},
        chains={level: chain_rows(moves[level], least) for level in LEVELS},
        events=[(event.page.path, event.page.title, event.paragraphs) for event in events],
        moments=[event.moment for event in events if event.moment],
        no_hops=why_no_hops(conclusions.hops, window=bool(publication.window), least=least),
    )
    return [displacement_page(view, home=home, least=least), *(event.page for event in events)]


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
        length_words = (
            f"{length}" if top == length + 1 else f"{length} and more" if top > end else f"{length} to {top - 1}"
        )
        rows.append(ChainRow(hops=length_words, surely=None if 0 < sure < least else sure, possibly=at_most))
        top = length
    return rows[::-1]


def shown_hops(hops: Sequence[Hop], hop_cells: HopCells, level: Level) -> list[Hop]:
    """Hops of cells with passage and names at both ends."""
    positions = sorted(
        position
        for cell, members in zip(hop_cells.cells, hop_cells.members, strict=True)
        if cell.passage and (ends := cell.ends(level)) and all(ends)
        for position in members
    )
    return [hops[position] for position in positions]


def _of_level(hops: Sequence[Hop], moves: Moves, home: str, least: int) -> Iterator[TypedFigure]:
    """Measures of the graph that is shown, as far as they rest on enough hops.

    A rate of fewer than `least` hops is left out, and so are counts of contents: the table of chains shows those that
    are large enough.
    """
    if not hops:
        return
    for row in graph_figures(hops, moves, names={}, home=home, rng=np.random.default_rng(SEED)):
        if row.measure in _SAID_BY_CELLS or row.kind == "contents" or row.n < least:
            continue
        if row.kind == "rate" and any(0 < round((end or 0) * row.n) < least for end in (row.low, row.high)):
            continue
        yield row


def _names(conclusions: Conclusions, keys: frozenset[str]) -> dict[str, str]:
    return {key: conclusions.attributor.name_of(key) for key in keys if key != UNKNOWN}
