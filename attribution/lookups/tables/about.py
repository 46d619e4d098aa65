"""Metadata of the file behind a saved table."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from waterbed.attribution.lookups.tables.contents import FileRows
from waterbed.attribution.lookups.tables.ranges import Rows


def overlapping(rows: Rows) -> int:
    """Count distinct ranges that overlap an earlier one.

    Of two with the same start, the larger one counts as earlier.
    """
    if not len(rows):
        return 0
    # sorted by first address, the larger of two first: its complement sorts the other way round
    order = np.lexsort((~rows.last_low, ~rows.last_high, rows.first_low, rows.first_high))
    first_high, first_low = rows.first_high[order], rows.first_low[order]
    last_high, last_low = rows.last_high[order], rows.last_low[order]
    new = np.ones(len(order), bool)
    for column in (first_high, first_low, last_high, last_low):
        new[1:] &= column[1:] == column[:-1]
    new[1:] = ~new[1:]
    first_high, first_low, last_high, last_low = (c[new] for c in (first_high, first_low, last_high, last_low))
    by_end = np.lexsort((last_low, last_high))
    rank = np.empty(len(by_end), np.int64)
    rank[by_end] = np.arange(len(by_end))
    furthest = by_end[np.maximum.accumulate(rank)][:-1]
    reached_high, reached_low = last_high[furthest], last_low[furthest]
    inside = (reached_high > first_high[1:]) | ((reached_high == first_high[1:]) & (reached_low >= first_low[1:]))
    return int(inside.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAbout:
    """Format and properties of the file behind a table.

    A network of an MMDB is not a BGP prefix: MMDB files cut and join prefixes (`prefixes` is False). `overlapping_v4`
    and `overlapping_v6` count distinct ranges that lie in, or across, another; None if nobody counted.
    """

    form: str = ""
    built_at: datetime | None = None
    registry: str | None = None
    overlapping_v4: int | None = None
    overlapping_v6: int | None = None

    @property
    def prefixes(self) -> bool:
        """True if its rows are announced prefixes."""
        return self.form in ("pyasn", "pfx2as")

    @classmethod
    def of(cls, rows: FileRows) -> "FileAbout":
        """The metadata of a file's rows."""
        return cls(
            form=rows.form,
            built_at=rows.built_at,
            registry=rows.registry,
            overlapping_v4=overlapping(rows.v4),
            overlapping_v6=overlapping(rows.v6),
        )

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "form": self.form,
            "built_at": self.built_at and self.built_at.timestamp(),
            "registry": self.registry,
            "overlapping_v4": self.overlapping_v4,
            "overlapping_v6": self.overlapping_v6,
        }

    @classmethod
    def from_plain(cls, about: dict[str, Any]) -> "FileAbout":
        """Read the output of `plain`; missing fields stay unknown."""
        built = about.get("built_at")
        return cls(
            form=about.get("form") or "",
            built_at=None if built is None else datetime.fromtimestamp(built, UTC),
            registry=about.get("registry"),
            overlapping_v4=about.get("overlapping_v4"),
            overlapping_v6=about.get("overlapping_v6"),
        )
