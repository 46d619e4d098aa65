"""Tables derived from the fact dataclasses."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

from waterbed.model.bookkeeping import STORED
from waterbed.model.codec import columns, microseconds, moment


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time, kept as microseconds since 1970.

    The same integer in SQLite, PostgreSQL and Parquet: sorts, indexes and compares alike everywhere.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """Turn a time into microseconds."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """Turn microseconds into a time."""
        return None if value is None else moment(value)


class TupleText(TypeDecorator[tuple[Any, ...]]):
    """A short tuple, kept as compact JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[Any, ...] | None, dialect: Any) -> str | None:
        """Turn a tuple into JSON."""
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Any) -> tuple[Any, ...] | None:
        """Turn JSON into a tuple."""
        return None if value is None else tuple(json.loads(value))


_SQL = {
    str: Text,
    int: BigInteger,
    float: Float,
    bool: Boolean,
    bytes: LargeBinary,
    datetime: UtcTime,
    tuple: TupleText,
}

metadata = MetaData()


def table_name(cls: type) -> str:
    """Return a dataclass's table name, by default in snake case."""
    named: str | None = getattr(cls, "TABLE", None)
    return named or "".join(f"_{c.lower()}" if c.isupper() else c for c in cls.__name__).lstrip("_")


def _table(cls: Any) -> Table:
    name = table_name(cls)
    made = [
        Column(field, _SQL[kind](), primary_key=field in cls.KEY, nullable=nullable, autoincrement=False)
        for field, (kind, nullable, _) in columns(cls).items()
    ]
    table = Table(name, metadata, *made)
    for of in cls.INDEX:
        # of a column that is nearly always null, the others alone
        there = table.c[of[0]].is_not(None) if of[0] in getattr(cls, "SPARSE", ()) else None
        # PostgreSQL gets it from `schema.create`: to name it here would load that dialect (70 ms) with every command
        Index(f"ix_{name}_{'_'.join(of)}", *(table.c[one] for one in of), sqlite_where=there)
    return table


TABLES: dict[type, Table] = {cls: _table(cls) for cls in STORED}
"""The table of each stored dataclass."""
