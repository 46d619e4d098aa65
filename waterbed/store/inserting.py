"""Many facts of one class, inserted at once; those that are known stay as they are."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from waterbed.store.tables import TABLES

_NAMES = {cls: tuple(table.c.keys()) for cls, table in TABLES.items()}


def insert(cls: type, facts: Sequence[Any], connection: Connection) -> None:
    """Insert facts of one class in one statement.

    For SQLite its values are made column by column: SQLAlchemy would make two dictionaries for each row, which takes
    as long as the database does.
    """
    table, dialect = TABLES[cls], connection.dialect
    if dialect.name != "sqlite":
        connection.execute(insert_postgresql(table).on_conflict_do_nothing(), [as_row(fact) for fact in facts])
        return
    cells = []
    for column in table.c:
        values = map(attrgetter(column.name), facts)
        make = column.type.dialect_impl(dialect).bind_processor(dialect)
        cells.append(values if make is None else map(make, values))
    statement = insert_sqlite(table).on_conflict_do_nothing().compile(dialect=dialect)
    connection.exec_driver_sql(str(statement), list(zip(*cells, strict=True)))


def as_row(fact: Any) -> dict[str, Any]:
    """A dataclass as a dict of its own values, not copied deeply."""
    return {name: getattr(fact, name) for name in _NAMES[type(fact)]}
