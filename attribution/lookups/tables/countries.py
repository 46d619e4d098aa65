"""Dated country tables: addresses to countries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.about import FileAbout
from waterbed.attribution.lookups.tables.addresses import Packed
from waterbed.attribution.lookups.tables.contents import country_code, country_number
from waterbed.attribution.lookups.tables.extent import joined
from waterbed.attribution.lookups.tables.ranges import RangeTable, build, load_table, save_table
from waterbed.attribution.lookups.tables.table_files import read_rows
from waterbed.model.errors import InputError

_NO_ASES = (np.zeros(0, np.uint32), np.zeros(0, np.uint16))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountryTables:
    """One day's countries of IPv4, IPv6 or both.

    `rows_v4` and `rows_v6` count the file's rows; a family without rows is not covered. `ases` are AS numbers, sorted,
    and the number of each one's country: only delegated files give them.
    """

    table: RangeTable
    rows_v4: int
    rows_v6: int
    about: FileAbout = field(default_factory=FileAbout)
    ases: tuple[NDArray[np.uint32], NDArray[np.uint16]] = _NO_ASES

    @property
    def families(self) -> tuple[int, ...]:
        """The address families it covers: of 4 and 6."""
        return tuple(f for f, rows in ((4, self.rows_v4), (6, self.rows_v6)) if rows)

    def countries_by_row(self, packed: Packed) -> list[tuple[str, ...]]:
        """The ISO codes of each packed address."""
        rows = self.table.members_by_row(self.table.sets_of(packed))
        codes = {numbers: tuple(sorted(map(country_code, numbers))) for numbers in set(rows)}
        return [codes[numbers] for numbers in rows]

    def as_countries(self) -> dict[int, str]:
        """The country of each AS that a registry gave out."""
        asns, countries = self.ases
        return dict(zip(asns.tolist(), map(country_code, countries.tolist()), strict=True))

    def save(self, folder: Path) -> None:
        """Write it as a folder of memory-mappable arrays."""
        about = {"kind": "places", "rows_v4": self.rows_v4, "rows_v6": self.rows_v6, **self.about.plain()}
        further: dict[str, NDArray[Any]] = {}
        if len(self.ases[0]):
            further = {"as_numbers": self.ases[0], "as_countries": self.ases[1]}
        save_table(self.table, folder, {**about, "ases": len(self.ases[0])}, further)

    @classmethod
    def load(cls, folder: Path) -> "CountryTables":
        """Load a saved table; InputError if incomplete."""
        table, about = load_table(folder, "places")
        ases = _load_ases(folder) if about.get("ases") else _NO_ASES
        return cls(
            table=table,
            rows_v4=about["rows_v4"],
            rows_v6=about["rows_v6"],
            about=FileAbout.from_plain(about),
            ases=ases,
        )


def together(tables: Sequence[CountryTables]) -> CountryTables:
    """Merge one day's delegated tables of several registries.

    An address in two tables has the countries of both.
    """
    countries: dict[int, str] = {}
    for table in tables:
        countries |= table.as_countries()
    return CountryTables(
        table=joined([table.table for table in tables]),
        rows_v4=sum(table.rows_v4 for table in tables),
        rows_v6=sum(table.rows_v6 for table in tables),
        about=FileAbout(form=tables[0].about.form),
        ases=_packed(countries),
    )


def _load_ases(folder: Path) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    try:
        return (
            np.load(folder / "as_numbers.npy", mmap_mode="r"),
            np.load(folder / "as_countries.npy", mmap_mode="r"),
        )
    except (OSError, ValueError, EOFError):
        raise InputError(
            f"{folder} does not contain a complete table of countries; import its file again (docs/tables.md)"
        ) from None


def _packed(countries: Mapping[int, str]) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    asns = sorted(countries)
    return np.array(asns, np.uint32), np.array([country_number(countries[asn]) for asn in asns], np.uint16)


def read_countries(path: Path) -> CountryTables:
    """The countries in a file.

    CSV ranges `start,end,country`, a registry's delegated file or an MMDB, plain or gzip. Of overlapping ranges the
    smaller wins; the same range with several countries has all. Raises InputError for any other file.
    """
    rows = read_rows(path, "places")
    return CountryTables(
        about=FileAbout.of(rows),
        table=build(rows.v4, rows.v6),
        rows_v4=rows.rows_v4,
        rows_v6=rows.rows_v6,
        ases=_packed(rows.as_countries),
    )
