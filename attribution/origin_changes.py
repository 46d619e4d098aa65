"""What differs between two days' origin ASes of the same rows: pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

Origins = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginChange:
    """How many rows went from one origin set to another; no origin is the empty set."""

    before: Origins
    after: Origins
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginChanges:
    """How the origin sets of the same rows differ between two days.

    `both` rows have origins on both days, `changed` of these have others on the second; `lost` and `gained` rows have
    origins on the first or the second day only. `changes` lists all of these by their two sets, most rows first.
    """

    rows: int
    both: int
    changed: int
    lost: int
    gained: int
    changes: tuple[OriginChange, ...]

    @property
    def share(self) -> float | None:
        """The share changed of the rows with origins on both days, 0..1; None without such a row."""
        return self.changed / self.both if self.both else None


def origin_changes(before: Sequence[Origins], after: Sequence[Origins]) -> OriginChanges:
    """Compare the origin sets of each row on two days; both sequences have the same rows."""
    pairs = Counter(zip(before, after, strict=True))
    differing = [(old, new, rows) for (old, new), rows in pairs.items() if old != new]
    differing.sort(key=lambda change: (-change[2], change[0], change[1]))
    return OriginChanges(
        rows=len(before),
        both=sum(rows for (old, new), rows in pairs.items() if old and new),
        changed=sum(rows for old, new, rows in differing if old and new),
        lost=sum(rows for old, new, rows in differing if not new),
        gained=sum(rows for old, new, rows in differing if not old),
        changes=tuple(OriginChange(before=old, after=new, rows=rows) for old, new, rows in differing),
    )
