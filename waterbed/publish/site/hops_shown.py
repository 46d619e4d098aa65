"""Names and script data of the displacement page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from waterbed.graphs.network.figures import TypedFigure
from waterbed.graphs.network.moves import Level
from waterbed.graphs.network.positions import positions
from waterbed.model.conclusions import Hop
from waterbed.publish.hop_cells import LEVELS, HopCell, HopCells
from waterbed.publish.hop_sums import WAYS, cell_flows
from waterbed.publish.site.figures.hops import Spot, evidence_words, shells_of
from waterbed.shown.figures.marks import label
from waterbed.shown.figures.moments import Moment, Placed, in_weeks, moment_data

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
    measures: Annotated[Mapping[Level, Sequence[TypedFigure]], "measures of the whole graph on each level"]
    chains: Annotated[Mapping[Level, Sequence[ChainRow]], "lengths of chains on each level"]
    events: Annotated[
        Sequence[tuple[str, str, Sequence[str]]], "path, title and one sentence of each intervention's page"
    ]
    moments: Annotated[Sequence[Moment], "events that are marked on the weeks"] = ()
    no_hops: Annotated[str, "why no hop is shown, where none is"] = ""

    @property
    def placed(self) -> list[Placed]:
        """Events among the weeks; each week begins at its number."""
        return [(position + 0.5, moment) for position, moment in in_weeks(self.cells.weeks, self.moments)]


def why_no_hops(hops: Iterable[Hop], *, window: bool, least: int) -> str:
    """The reason that no hop of a publication is shown, on whichever page."""
    if window:
        return (
            "Hops of a window are shown only as far as an edition of the whole study has told them: none of those lies "
            "in it."
        )
    if any(hop.order != "parallel" for hop in hops):
        return f"Hops are of fewer than {least} sites, so they are held back."
    return "No hop was seen: no content was up at another hoster after leaving one."


class Shown:
    """Keys that cells name on each level, in order."""

    def __init__(self, view: HopsView, home: str) -> None:
        """Take a view, and the ISO code of the home country."""
        self.view, self.home_code = view, home
        self.keys = {level: sorted(set(_keys(view.cells.cells, level))) for level in LEVELS}
        self.flows = {level: cell_flows(view.cells.cells, level) for level in LEVELS}

    def spots(self, level: Level) -> list[Spot]:
        """Places of the network, where they stand."""
        home = {key: self.home(level, key) for key in self.keys[level]}
        placed = positions(shells_of(self.flows[level], home))
        return [
            Spot(key=key, name=label(self.name(level, key)), home=self.home(level, key), x=x, y=y)
            for key, (x, y) in placed.items()
        ]

    def home(self, level: Level, key: str) -> bool:
        """True if a key's seat is at home."""
        return self.seat(level, key) == self.home_code

    def name_and_country(self, level: Level, key: str | None) -> tuple[str, str]:
        """A name, and its country.

        The country is "" where it is unknown, or the key itself.
        """
        return self.name(level, key), "" if key is None or level == "country" else self.seat(level, key)

    def name(self, level: Level, key: str | None) -> str:
        """A key's name for people; None: those held back."""
        if key is None:
            return f"other {WORDS[level][1]}"
        return self.view.names.get(level, {}).get(key, key)

    def seat(self, level: Level, key: str) -> str:
        """The country of a key's seat, "" if unknown."""
        return key if level == "country" else self.view.seats.get(key, "")

    def sheet(self, level: Level, key: str | None) -> str:
        """Path of a hoster's own page, "" without one."""
        return self.view.sheets.get(key, "") if level == "hoster" and key is not None else ""


def _keys(cells: Sequence[HopCell], level: Level) -> Iterator[str]:
    for cell in cells:
        for side in cell.ends(level) or ():
            yield from side


def script_data(level_keys: Shown) -> dict[str, Any]:
    """Data that the script filters: keys, and cells in columns.

    Each key and each pair of ends stands once. A key of the network has its place; a side of one key is its number.
    """
    numbers = {level: {key: position for position, key in enumerate(level_keys.keys[level])} for level in LEVELS}

    def side(level: Level, keys: Sequence[str]) -> list[int] | int:
        key_numbers = [numbers[level][key] for key in keys]
        return key_numbers[0] if len(key_numbers) == 1 else key_numbers

    def ends(cell: HopCell, level: Level) -> list[list[int] | int] | None:
        ends = cell.ends(level)
        return None if ends is None else [side(level, keys) for keys in ends]

    def key_of(level: Level, key: str, spots: Mapping[str, Spot]) -> dict[str, Any]:
        spot, name = spots.get(key), level_keys.name(level, key)
        entry = {"key": key, "name": name, "seat": level_keys.seat(level, key), "sheet": level_keys.sheet(level, key)}
        entry |= {"label": label(name)} if label(name) != name else {}
        return {name: value for name, value in entry.items() if value} | ({"at": [spot.x, spot.y]} if spot else {})

    def of_level(level: Level) -> dict[str, Any]:
        spots = {spot.key: spot for spot in level_keys.spots(level)}
        return {"plural": WORDS[level][1], "keys": [key_of(level, key, spots) for key in level_keys.keys[level]]}

    cells = level_keys.view.cells.cells
    kinds = sorted({kind for cell in cells for kind in cell.evidence})
    bits = {kind: 1 << position for position, kind in enumerate(kinds)}
    of_cells = [[ends(cell, level) for level in LEVELS] for cell in cells]
    distinct = dict(
        sorted((repr(level_ends), level_ends) for level_ends in of_cells)
    )  # alike ends stand together: they compress well
    places = {spelled: position for position, spelled in enumerate(distinct)}
    return {
        "weeks": level_keys.view.cells.weeks,
        "events": moment_data(level_keys.view.placed),
        "home": level_keys.home_code,
        "passages": [passage or HELD for passage in WAYS],
        "evidence": [evidence_words([kind]) for kind in kinds],
        "levels": {level: of_level(level) for level in LEVELS},
        "ends": {
            level: [level_ends[position] for level_ends in distinct.values()] for position, level in enumerate(LEVELS)
        },
        "cells": {
            "first": [cell.first for cell in cells],
            "span": [cell.last - cell.first for cell in cells],
            "ends": [places[repr(level_ends)] for level_ends in of_cells],
            "passage": [WAYS.index(cell.passage) for cell in cells],
            "hops": [cell.hops for cell in cells],
            "certain": [cell.certain for cell in cells],
            "evidence": [sum(bits[kind] for kind in cell.evidence) for cell in cells],
        },
    }
