"""The kinds of facts in a lake, with date columns."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar, get_args, get_type_hints

import pyarrow as pa

from waterbed.model.bookkeeping import Delivery, Run, RunEnd
from waterbed.model.codec import columns, moment
from waterbed.model.facts import (
    Birth,
    CanaryLook,
    ControlLook,
    ExternalObservation,
    Notice,
    Observation,
    Report,
    Resolution,
    Snapshot,
    Target,
)
from waterbed.model.registrations import DomainRegistration, Registration

PRUNABLE: Final[Mapping[type, str]] = {
    Observation: "observed_at",
    Resolution: "resolved_at",
    ControlLook: "observed_at",
    CanaryLook: "observed_at",
}
"""What grows with every pass: it may leave the store once its day is sealed. With the time that says which day."""

SEALED: Final[Mapping[type, str]] = {
    **PRUNABLE,
    Target: "added_at",
    Report: "received_at",
    Notice: "received_at",
    ExternalObservation: "received_at",
    Birth: "received_at",
    Registration: "fetched_at",
    DomainRegistration: "fetched_at",
    Snapshot: "imported_at",
    Delivery: "received_at",
    Run: "started_at",
    RunEnd: "finished_at",
}
"""All that is sealed. Sealed URLs, schedules, keys and what people decided never are."""

DAY_US: Final = 86_400_000_000
"""Microseconds of a day."""
_START: Final = date(1970, 1, 1)


def day_of(number: int) -> date:
    """The day of a number of days since 1970."""
    return _START + timedelta(days=number)


def number_of(day: date) -> int:
    """The number of days since 1970 of a day."""
    return (day - _START).days


def closed_before(now: datetime, grace_hours: float) -> date:
    """Return the first day that is not closed yet.

    Days before it ended at least `grace_hours` ago.
    """
    return (now.astimezone(UTC) - timedelta(hours=grace_hours)).date()


Fact = TypeVar("Fact")
_ARROW: Final = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
TIME: Final = pa.timestamp("us", tz="UTC")


def schema_of(cls: Any) -> pa.Schema:
    """Return the lake's columns of a fact, with their meanings.

    Times are timestamps, tuples are lists.
    """
    hints = get_type_hints(cls, include_extras=True)
    made = []
    for name, (kind, nullable, meaning) in columns(cls).items():
        if kind is tuple:
            form = pa.list_(_ARROW[get_args(get_args(hints[name])[0])[0]])
        else:
            form = TIME if kind is datetime else _ARROW[kind]
        made.append(pa.field(name, form, nullable=nullable, metadata={"description": meaning}))
    return pa.schema(made)


def facts_in(cls: type[Fact], table: pa.Table) -> list[Fact]:
    """Return the facts in a table.

    A column that is younger than the file has its default.
    """
    cells: dict[str, Sequence[Any]] = {}
    for field in fields(cls):  # type: ignore[arg-type]
        if field.name not in table.column_names:
            if field.default is MISSING:
                raise KeyError(field.name)
            cells[field.name] = [field.default] * table.num_rows
            continue
        column = table.column(field.name)
        if pa.types.is_timestamp(column.type):
            cells[field.name] = [None if us is None else moment(us) for us in column.cast(pa.int64()).to_pylist()]
        elif pa.types.is_list(column.type):
            cells[field.name] = list(map(tuple, column.to_pylist()))
        else:
            cells[field.name] = column.to_pylist()
    names = list(cells)
    return [cls(**dict(zip(names, values, strict=True))) for values in zip(*cells.values(), strict=True)]


def stamp(cls: Any) -> tuple[str, ...]:
    """Return the sort columns of a file: index, then key."""
    first: tuple[str, ...] = cls.INDEX[0] if cls.INDEX else ()
    return tuple(dict.fromkeys((*first, *cls.KEY)))
