"""Dated routing tables: addresses to their origin ASes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.about import FileAbout
from waterbed.attribution.lookups.tables.addresses import Packed, pack
from waterbed.attribution.lookups.tables.ranges import RangeTable, build, load_table, save_table
from waterbed.attribution.lookups.tables.table_files import read_rows
from waterbed.model.errors import InputError

_ARRAYS = ("name_asns", "name_ends", "name_text")


class AsNames(Mapping[int, str]):
    """The holder's name by AS number, from memory-mapped arrays.

    AS i is `asns[i]`; its name is the UTF-8 text between ends i-1 and i. Opening costs nothing; the first name asked
    for unpacks all of them.
    """

    def __init__(self, asns: NDArray[np.uint32], ends: NDArray[np.uint32], text: NDArray[np.uint8]) -> None:
        """Take the arrays; nothing is read yet."""
        self._arrays = asns, ends, text
        self._unpacked: dict[int, str] | None = None

    def __getitem__(self, asn: int) -> str:
        """The name of an AS's holder; KeyError if the table gives none."""
        return self._all()[asn]

    def __iter__(self) -> Iterator[int]:
        """The AS numbers, ascending."""
        return iter(self._all())

    def __len__(self) -> int:
        """Count the ASes."""
        return len(self._arrays[0])

    def _all(self) -> dict[int, str]:
        if self._unpacked is None:
            asns, ends, text = self._arrays
            joined_names = text.tobytes()
            names = [joined_names[start:stop].decode() for start, stop in pairwise([0, *ends.tolist()])]
            self._unpacked = dict(zip(asns.tolist(), names, strict=True))
        return self._unpacked


def name_arrays(names: Mapping[int, str]) -> dict[str, NDArray[Any]]:
    """The arrays of names, to be saved beside a table."""
    spelled = [(asn, name.encode(errors="replace")) for asn, name in sorted(names.items())]
    ends = np.cumsum([len(name) for _, name in spelled], dtype=np.uint32)
    text = np.frombuffer(b"".join(name for _, name in spelled), np.uint8)
    return dict(zip(_ARRAYS, (np.array([asn for asn, _ in spelled], np.uint32), ends, text), strict=True))


def load_names(folder: Path) -> AsNames:
    """The names in a saved table; InputError if incomplete."""
    try:
        asns, ends, text = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS)
        is_complete = len(asns) == len(ends) and (not len(ends) or int(ends[-1]) == len(text))
    except (OSError, ValueError, EOFError):
        is_complete = False
    if not is_complete:
        raise InputError(
            f"{folder} does not contain a complete table of routes; import its file again (docs/tables.md)"
        )
    return AsNames(asns, ends, text)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RouteTables:
    """One day's routes of IPv4, IPv6 or both.

    With the names of AS holders, if the file gave them. `rows_v4` and `rows_v6` count the file's rows; a family without
    rows is not covered.
    """

    table: RangeTable
    rows_v4: int
    rows_v6: int
    organisations: Mapping[int, str]
    about: FileAbout = field(default_factory=FileAbout)

    @property
    def families(self) -> tuple[int, ...]:
        """The address families it covers: of 4 and 6."""
        return tuple(f for f, rows in ((4, self.rows_v4), (6, self.rows_v6)) if rows)

    def origins_of(self, addresses: Sequence[str]) -> list[tuple[int, ...]]:
        """The origin ASes of each address, sorted; perhaps none."""
        return self.table.members_by_row(self.origin_sets(pack(addresses)))

    def origin_sets(self, packed: Packed) -> NDArray[np.int32]:
        """The number of each packed address's origin set, shape (rows,).

        -1 stands for none; `table.members_of` opens a number.
        """
        return self.table.sets_of(packed)

    def save(self, folder: Path) -> None:
        """Write it as a folder of memory-mappable arrays."""
        about = {"kind": "routes", "rows_v4": self.rows_v4, "rows_v6": self.rows_v6}
        save_table(self.table, folder, {**about, **self.about.plain()}, name_arrays(self.organisations))

    @classmethod
    def load(cls, folder: Path) -> "RouteTables":
        """Load a saved table; InputError if incomplete."""
        table, about = load_table(folder, "routes")
        older = about.get("organisations")  # names stood there before they had arrays of their own
        names = load_names(folder) if older is None else {int(asn): name for asn, name in older.items()}
        return cls(
            table=table,
            rows_v4=about["rows_v4"],
            rows_v6=about["rows_v6"],
            organisations=names,
            about=FileAbout.from_plain(about),
        )


def read_routes(path: Path) -> RouteTables:
    """The routes in a file.

    CSV ranges, pyasn, pfx2as or MMDB, plain or gzip; the form is told by content. Of overlapping ranges the smaller
    wins (of prefixes: the longest match); the same range with several ASes has all of them as its origin set. Raises
    InputError for any other file.
    """
    rows = read_rows(path, "routes")
    return RouteTables(
        about=FileAbout.of(rows),
        table=build(rows.v4, rows.v6),
        rows_v4=rows.rows_v4,
        rows_v6=rows.rows_v6,
        organisations=dict(rows.names),
    )
