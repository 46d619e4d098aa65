"""Facts of the store by day: how many there are, and all of them as Arrow tables."""

from collections.abc import Collection, Iterator
from datetime import date
from functools import lru_cache
from typing import Any, Final

import msgspec
import pyarrow as pa
from sqlalchemy import BigInteger, ColumnElement, Connection, Text, func, select, type_coerce

from waterbed.store.lake.kinds import DAY_US, SEALED, day_of, number_of
from waterbed.store.lake.rows import TIME, schema_of
from waterbed.store.store import Store
from waterbed.store.tables import TABLES, TupleText, UtcTime

_AT_ONCE: Final = 50_000
"""Rows fetched at once."""


def day_number(cls: type) -> ColumnElement[int]:
    """The day of a fact, in days since 1970, as the database works it out."""
    when = type_coerce(TABLES[cls].c[SEALED[cls]], BigInteger)
    return when.op("/")(DAY_US)  # of whole numbers: both databases leave the rest


def in_days(cls: type, days: Collection[date]) -> ColumnElement[bool]:
    """Whether a fact belongs to one of some days."""
    return day_number(cls).in_([number_of(day) for day in days])


def days_in(store: Store, cls: type) -> dict[date, int]:
    """How many facts of a kind the store has of each day."""
    number = day_number(cls).label("number")
    query = select(number, func.count()).select_from(TABLES[cls]).group_by(number)
    with store.reading() as connection:
        return {day_of(int(day)): count for day, count in connection.execute(query)}


def tables_of(cls: type, days: Collection[date], connection: Connection) -> Iterator[pa.Table]:
    """All facts of some days, in pieces, in the order of their recording."""
    schema, table = schema_of(cls), TABLES[cls]
    plain = [_plain(column) for column in table.c]
    query = select(*plain).where(in_days(cls, days))
    streamed = connection.execution_options(stream_results=True, max_row_buffer=_AT_ONCE).execute(query)
    for rows in streamed.partitions(_AT_ONCE):
        cells = zip(*rows, strict=True)
        yield pa.Table.from_arrays(
            [_array(values, field.type) for values, field in zip(cells, schema, strict=True)], schema=schema
        )


def _plain(column: Any) -> Any:
    """A column as the database has it: times as whole numbers, lists as text."""
    if isinstance(column.type, UtcTime):
        return type_coerce(column, BigInteger)
    return type_coerce(column, Text) if isinstance(column.type, TupleText) else column


def _array(values: Any, form: pa.DataType) -> pa.Array:
    if form == TIME:
        return pa.array(values, pa.int64()).cast(TIME)
    if pa.types.is_list(form):
        return pa.array([_listed(text) for text in values], form)
    return pa.array(values, form)


@lru_cache(maxsize=10_000)
def _listed(text: str) -> list[Any]:
    return msgspec.json.decode(text, type=list)
