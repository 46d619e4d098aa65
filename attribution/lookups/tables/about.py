"""What is on record of the file behind a saved table."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from attribution.lookups.tables.contents import FileRows
from attribution.lookups.tables.overlaps import overlapping


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAbout:
    """Form and peculiarities of the file that a table was read from.

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
        """Whether its rows are prefixes as they were announced."""
        return self.form in ("pyasn", "pfx2as")

    @classmethod
    def of(cls, rows: FileRows) -> "FileAbout":
        """What a file's rows tell."""
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
        """As `plain` gave it; what an older folder does not say stays unknown."""
        built = about.get("built_at")
        return cls(
            form=about.get("form") or "",
            built_at=None if built is None else datetime.fromtimestamp(built, UTC),
            registry=about.get("registry"),
            overlapping_v4=about.get("overlapping_v4"),
            overlapping_v6=about.get("overlapping_v6"),
        )
