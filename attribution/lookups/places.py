"""Dated country tables: addresses to countries."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from attribution.lookups.addresses import Packed, pack
from attribution.lookups.range_files import country_code, read_rows
from attribution.lookups.ranges import RangeTable, build, load_table, save_table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaceTables:
    """One day's countries of IPv4, IPv6 or both.

    `rows_v4` and `rows_v6` count the file's rows; a family without rows is not covered.
    """

    table: RangeTable
    rows_v4: int
    rows_v6: int

    @property
    def families(self) -> tuple[int, ...]:
        """The address families it covers: of 4 and 6."""
        return tuple(f for f, rows in ((4, self.rows_v4), (6, self.rows_v6)) if rows)

    def countries_of(self, addresses: Sequence[str]) -> list[tuple[str, ...]]:
        """The ISO codes of each address, sorted; perhaps none."""
        return self.countries_by_row(pack(addresses))

    def countries_by_row(self, packed: Packed) -> list[tuple[str, ...]]:
        """The ISO codes of each packed address."""
        rows = self.table.members_by_row(self.table.sets_of(packed))
        codes = {numbers: tuple(sorted(map(country_code, numbers))) for numbers in set(rows)}
        return [codes[numbers] for numbers in rows]

    def save(self, folder: Path) -> None:
        """Write it as a folder of memory-mappable arrays."""
        save_table(self.table, folder, {"kind": "places", "rows_v4": self.rows_v4, "rows_v6": self.rows_v6})

    @classmethod
    def load(cls, folder: Path) -> "PlaceTables":
        """A saved table; InputError if it is not whole."""
        table, about = load_table(folder, "places")
        return cls(table=table, rows_v4=about["rows_v4"], rows_v6=about["rows_v6"])


def read_places(path: Path) -> PlaceTables:
    """The countries in a file.

    CSV ranges `start,end,country`, plain or gzip. Of overlapping ranges the smaller wins; the same range with several
    countries has all. Raises InputError for any other file.
    """
    rows = read_rows(path, "places")
    return PlaceTables(table=build(rows.v4, rows.v6), rows_v4=len(rows.v4), rows_v6=len(rows.v6))
