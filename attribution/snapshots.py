"""Dated tables, selected by address family and day."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, Protocol, TypeVar


class _Covering(Protocol):
    @property
    def families(self) -> tuple[int, ...]: ...


Table = TypeVar("Table", bound=_Covering)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(Generic[Table]):
    """The snapshot that applies to a family on a day."""

    table: Table
    data_date: date
    early: bool

    def stale(self, day: date, max_age_days: float) -> bool:
        """True if it is too old, or after the day."""
        return self.early or (day - self.data_date).days > max_age_days


class Snapshots(Generic[Table]):
    """Dated tables by address family.

    The one that applies is the latest not after the day; before the first there is only the first, marked early. Of two
    with one date, the one given later.
    """

    def __init__(self, dated: Sequence[tuple[date, Table]]) -> None:
        """Take tables in any order; times count as UTC days."""
        self._dates: dict[int, list[date]] = {4: [], 6: []}
        self._tables: dict[int, list[Table]] = {4: [], 6: []}
        for data_date, table in sorted(((day_of(d), t) for d, t in dated), key=lambda pair: pair[0]):
            for family in table.families:
                self._dates[family].append(data_date)
                self._tables[family].append(table)

    def on(self, day: date, family: int) -> Chosen[Table] | None:
        """The snapshot for a family on a day, if any."""
        dates, tables = self._dates[family], self._tables[family]
        if not dates:
            return None
        place = bisect_right(dates, day) - 1
        if place < 0:
            place = bisect_right(dates, dates[0]) - 1
            return Chosen(table=tables[place], data_date=dates[place], early=True)
        return Chosen(table=tables[place], data_date=dates[place], early=False)

    def both(self, day: date) -> dict[int, Chosen[Table]]:
        """The snapshots on a day, by family that has any."""
        return {family: chosen for family in (4, 6) if (chosen := self.on(day, family))}

    def dates(self) -> set[date]:
        """The days of all tables."""
        return {day for dates in self._dates.values() for day in dates}

    def newest_first(self) -> list[Table]:
        """All tables, the latest date first."""
        pairs = [pair for f in (4, 6) for pair in zip(self._dates[f], self._tables[f], strict=True)]
        return [table for _, table in sorted(pairs, key=lambda pair: pair[0], reverse=True)]


def day_of(moment: date) -> date:
    """The UTC day of a time, or the day itself."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    return moment


def dates_of(used: Mapping[int, Chosen[Any]]) -> tuple[tuple[int, date], ...]:
    """The family and date of each snapshot."""
    return tuple((family, chosen.data_date) for family, chosen in used.items())


Whole = TypeVar("Whole")


def latest(dated: Sequence[tuple[date, Whole]], day: date) -> Whole | None:
    """The latest table that is not after a day.

    For tables without families. Else the first one; None if there is none.
    """
    ordered = sorted(dated, key=lambda pair: day_of(pair[0]))
    fit = [table for on, table in ordered if day_of(on) <= day] or [table for _, table in ordered[:1]]
    return fit[-1] if fit else None
