"""Dated tables of address use: hosting, VPN, Tor, users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from waterbed.attribution.lookups.tables.about import FileAbout
from waterbed.attribution.lookups.tables.addresses import Packed, pack
from waterbed.attribution.lookups.tables.ranges import RangeTable, build, load_table, save_table
from waterbed.attribution.lookups.tables.table_files import read_rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HostingTables:
    """One day's tags of IPv4, IPv6 or both.

    `tags` names the numbers in the table. A tag is a flag of the file without `is_`, such as `hosting_provider`, or
    `user_type:` and the file's word. `rows_v4` and `rows_v6` count the networks that have any.
    """

    table: RangeTable
    rows_v4: int
    rows_v6: int
    tags: Mapping[int, str]
    about: FileAbout = field(default_factory=FileAbout)

    @property
    def families(self) -> tuple[int, ...]:
        """The address families it covers: of 4 and 6."""
        return tuple(f for f, rows in ((4, self.rows_v4), (6, self.rows_v6)) if rows)

    def tags_of(self, addresses: Sequence[str]) -> list[tuple[str, ...]]:
        """The tags of each address, sorted; perhaps none."""
        return self.tags_by_row(pack(addresses))

    def tags_by_row(self, packed: Packed) -> list[tuple[str, ...]]:
        """The tags of each packed address."""
        rows = self.table.members_by_row(self.table.sets_of(packed))
        named = {numbers: tuple(sorted(self.tags[n] for n in numbers)) for numbers in set(rows)}
        return [named[numbers] for numbers in rows]

    def save(self, folder: Path) -> None:
        """Write it as a folder of memory-mappable arrays."""
        tags = {str(number): tag for number, tag in self.tags.items()}
        about = {"kind": "hosting", "rows_v4": self.rows_v4, "rows_v6": self.rows_v6, "tags": tags}
        save_table(self.table, folder, {**about, **self.about.plain()})

    @classmethod
    def load(cls, folder: Path) -> "HostingTables":
        """Load a saved table; InputError if incomplete."""
        table, about = load_table(folder, "hosting")
        return cls(
            table=table,
            rows_v4=about["rows_v4"],
            rows_v6=about["rows_v6"],
            tags={int(number): tag for number, tag in about["tags"].items()},
            about=FileAbout.from_plain(about),
        )


def read_hosting(path: Path) -> HostingTables:
    """The tags in an MMDB; InputError for other files.

    The file is plain or gzip.
    """
    rows = read_rows(path, "hosting")
    return HostingTables(
        about=FileAbout.of(rows),
        table=build(rows.v4, rows.v6),
        rows_v4=rows.rows_v4,
        rows_v6=rows.rows_v6,
        tags=rows.names,
    )
