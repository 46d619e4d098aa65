"""Addresses in the tables of a day, many at once."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from waterbed.attribution.lookups.tables.addresses import Packed
from waterbed.attribution.lookups.tables.countries import CountryTables
from waterbed.attribution.lookups.tables.extent import stretches_of
from waterbed.attribution.lookups.tables.routes import RouteTables
from waterbed.attribution.snapshots import Chosen

Routes = Mapping[int, Chosen[RouteTables]]
Countries = Mapping[int, Chosen[CountryTables]]


class LookedUp(NamedTuple):
    """One address in the tables of a day."""

    family: int
    origins: tuple[int, ...]
    prefix: str
    countries: tuple[str, ...]


def origins_of_rows(packed: Packed, used: Routes) -> list[tuple[int, ...]]:
    """The origin ASes of each address."""
    rows: list[tuple[int, ...]] = [()] * len(packed)
    for family, chosen in used.items():
        which = np.flatnonzero(packed.family == family)
        origins_by_row = chosen.table.table.members_by_row(chosen.table.origin_sets(packed.taken(which)))
        for row, origins in zip(which.tolist(), origins_by_row, strict=True):
            rows[row] = origins
    return rows


def prefixes_of_rows(packed: Packed, used: Routes) -> list[str]:
    """The table's range around each address."""
    rows = [""] * len(packed)
    for family, chosen in used.items():
        which = np.flatnonzero(packed.family == family)
        for row, text in zip(which.tolist(), stretches_of(chosen.table.table, packed.taken(which)), strict=True):
            rows[row] = text
    return rows


def countries_of_rows(packed: Packed, located: Countries) -> list[tuple[str, ...]]:
    """The countries of each address."""
    rows: list[tuple[str, ...]] = [()] * len(packed)
    for family, chosen in located.items():
        which = np.flatnonzero(packed.family == family)
        for row, codes in zip(which.tolist(), chosen.table.countries_by_row(packed.taken(which)), strict=True):
            rows[row] = tuple(codes)
    return rows
