"""What a study's pages of displacement and interventions show: cells, measures, findings, each as far as published."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from graphs.network.figures import GraphFigure, graph_figures
from graphs.network.moves import UNKNOWN, Level, Moves, moves_of, origins_index
from graphs.network.paths import chains
from waterbed.publish.hop_cells import LEVELS, HopCells, Telling, hop_cells
from waterbed.publish.policy import Publication
from waterbed.publish.site.displacement import PATH, ChainRow, HopsView, displacement_page
from waterbed.publish.site.layout import Page
from waterbed.publish.site.site_interventions import intervention_pages
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

KINDS: Final[Mapping[Level, str]] = {"hoster": "hoster", "as": "asn", "country": "country"}
"""The ranking that says which keys of a level are published."""
SEED: Final = 2026
"""Of resampling and of null graphs: the same facts give the same pages."""
_SAID_BY_CELLS: Final = ("hops", "net flow")
_OF_FEW: Final = ("contents that moved", "contents with a chain", "hops of the longest chain")
"""Counts of contents, which stand in the table of chains as far as they are large enough."""


def displacement_pages(
    study: Study, done: Conclusions, publication: Publication, sheets: Mapping[str, str]
) -> list[Page]:
    """The displacement page, and a page for each event file; `sheets` are the paths of hosters' own pages, by key."""
    named = named_keys(publication)
    least, home = publication.policy.least, study.config.home
    cells = cells_of(done, named, home=home, least=least)
    events = intervention_pages(study, done, named=named, least=least, under=PATH)
    moves = {level: moves_of(done.hops, by=level, origins=origins_index(done.episodes)) for level in LEVELS}
    view = HopsView(
        cells=cells,
        names={"hoster": _names(done, named["hoster"]), "as": _names(done, named["as"])},
        seats={key: done.attributor.country_of(key) or "" for level in ("hoster", "as") for key in named[level]},
        sheets=sheets,
        measures=_measures(done, moves, home=home, least=least) if cells.cells else {},
        chains={level: chain_rows(moves[level], least) for level in LEVELS},
        events=[(page.path, page.title, line) for page, line in events],
    )
    return [displacement_page(view, home=home, least=least), *(page for page, _ in events)]


def named_keys(publication: Publication) -> dict[Level, frozenset[str]]:
    """Keys of each level that may be named: those in its published ranking, and that of what no table knew."""
    return {
        level: frozenset(row.key for row in publication.table(f"ranking-{kind}").rows) | {UNKNOWN}
        for level, kind in KINDS.items()
    }


def cells_of(done: Conclusions, named: Mapping[Level, frozenset[str]], *, home: str, least: int) -> HopCells:
    """All hops as cells that may be published."""
    if not done.episodes or done.until is None:
        return HopCells(weeks=(), cells=())
    telling = Telling(
        sites={url_id: target.site_id for url_id, target in done.facts.targets.items()},
        named=named,
        origins=origins_index(done.episodes),
        home=home,
        least=least,
        span=(min(episode.known_up_at for episode in done.episodes), done.until),
    )
    return hop_cells(done.hops, telling)


def chain_rows(moves: Moves, least: int) -> list[ChainRow]:
    """Contents by the length of their longest chain; lengths that too few may have are put together, the longest first.

    What surely happened is told where it is none, or enough.
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


def _measures(
    done: Conclusions, moves: Mapping[Level, Moves], *, home: str, least: int
) -> dict[Level, Sequence[GraphFigure]]:
    return {level: list(_of_level(done, moves[level], home, least)) for level in LEVELS}


def _of_level(done: Conclusions, moves: Moves, home: str, least: int) -> Iterator[GraphFigure]:
    """Measures of the whole graph that rest on enough hops."""
    for row in graph_figures(done.hops, moves, names={}, home=home, rng=np.random.default_rng(SEED)):
        if row.measure not in _SAID_BY_CELLS and not row.measure.startswith(_OF_FEW) and row.n >= least:
            yield row


def _names(done: Conclusions, keys: frozenset[str]) -> dict[str, str]:
    return {key: done.attributor.name_of(key) for key in keys if key != UNKNOWN}
