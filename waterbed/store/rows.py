"""Many rows at once: facts inserted, schedules advanced, rows fetched.

On SQLite one statement writes hundreds of rows, and hundreds are fetched as one JSON text. Python's driver lets other
threads run at each row of a statement, and beside a busy event loop that costs ten times the work itself.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    select,
)

from waterbed.model.bookkeeping import Due
from waterbed.store.tables import TABLES, UtcTime

Fact = TypeVar("Fact")
_NAMES = {cls: tuple(table.c.keys()) for cls, table in TABLES.items()}
_MOST_VALUES = 30_000
"""Values in one statement: SQLite takes 32,766."""

MOVED = ("due_at", "streak", "day_began_at", "day_looks", "fingerprint")
"""What a look changes of a URL's schedule."""


def insert(cls: type, facts: Sequence[Any], connection: Connection) -> None:
    """Insert facts of one class; those that are known stay as they are."""
    table, names = TABLES[cls], _NAMES[cls]
    if connection.dialect.name != "sqlite":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql  # noqa: PLC0415 (20 ms that SQLite need not pay)

        connection.execute(insert_postgresql(table).on_conflict_do_nothing(), [as_row(fact) for fact in facts])
        return
    quoted = ", ".join(f'"{name}"' for name in names)  # one is called as SQL calls a thing of its own: into
    for rows, values in _statements(cls, facts, names, connection):
        # without WHERE, ON would begin a join: https://sqlite.org/lang_upsert.html#parsing_ambiguity
        into = f"INSERT INTO {table.name} ({quoted}) {rows} WHERE true ON CONFLICT DO NOTHING"
        connection.exec_driver_sql(into, values)


def advance(run_id: str, dues: Sequence[Due], connection: Connection) -> int:
    """Move the schedule of URLs that a run still holds, and give their leases back; how many they were. SQLite only."""
    columns = ("url_id", *MOVED)
    moved = 0
    for rows, values in _statements(Due, dues, columns, connection):
        news = ", ".join(f"{name} = news.{name}" for name in MOVED)
        statement = (
            f"UPDATE due SET {news}, lease_run_id = NULL FROM ({rows}) AS news "  # noqa: S608 (names of our own tables)
            "WHERE due.url_id = news.url_id AND due.lease_run_id = ?"
        )
        moved += connection.exec_driver_sql(statement, (*values, run_id)).rowcount
    return moved


def _statements(
    cls: type, facts: Sequence[Any], names: Sequence[str], connection: Connection
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The facts cut into queries that give them back, and the values for these, made column by column.

    Many a column says the same in all rows: its value is given once.
    """
    table, dialect = TABLES[cls], connection.dialect
    at_once = _MOST_VALUES // len(names)
    for start in range(0, len(facts), at_once):
        some = facts[start : start + at_once]
        columns, same, cells = [], [], []
        for name in names:
            values = list(map(attrgetter(name), some))
            make = _binding(table.c[name].type, dialect)
            if name != names[0] and values[0] == values[-1] and values.count(values[0]) == len(some):
                columns.append(f'? AS "{name}"')
                same.append(values[0] if make is None else make(values[0]))
            else:
                cells.append(values if make is None else map(make, values))
                # columns of VALUES are called column1, column2 ...: https://sqlite.org/lang_select.html#values
                columns.append(f'column{len(cells)} AS "{name}"')
        row = f"({', '.join('?' * len(cells))})"
        rows = f"SELECT {', '.join(columns)} FROM (VALUES {', '.join([row] * len(some))})"  # noqa: S608 (the same)
        yield rows, (*same, *chain.from_iterable(zip(*cells, strict=True)))


def _binding(kind: Any, dialect: Any) -> Callable[[Any], Any] | None:
    """What makes a value of a column's type fit for the driver, which takes bytes as they are; None: nothing need."""
    if isinstance(kind, LargeBinary):
        return None
    make: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    # rows that are written together have few times of writing and due times between them
    return lru_cache(1024)(make) if make and isinstance(kind, UtcTime) else make


def among(column: ColumnElement[str], ids: Iterable[str], connection: Connection) -> ColumnElement[bool]:
    """That a column is one of some ids, however many: they are one value of the statement."""
    if connection.dialect.name != "sqlite":
        return column == any_(bindparam(None, list(ids), ARRAY(Text)))
    return column.in_(select(literal_column("value")).select_from(func.json_each(json.dumps(list(ids)))))


def fetch(cls: type[Fact], query: Select[Any], connection: Connection) -> list[Fact]:
    """All rows of a query over one class's table; not for tables that do not fit into memory."""
    if connection.dialect.name != "sqlite":
        return [cls(**row._mapping) for row in connection.execute(query)]
    found, dialect = query.subquery(), connection.dialect
    texts = [func.hex(column) if isinstance(column.type, LargeBinary) else column for column in found.c]
    rows = json.loads(connection.scalar(select(func.json_group_array(func.json_array(*texts)))) or "[]")
    cells: list[Iterator[Any]] = []
    for column, values in zip(found.c, zip(*rows, strict=True), strict=False):
        if isinstance(column.type, LargeBinary):
            cells.append(map(bytes.fromhex, values))
            continue
        make = column.type.dialect_impl(dialect).result_processor(dialect, None)
        cells.append(iter(values) if make is None else map(make, values))
    names = _NAMES[cls]
    return [cls(**dict(zip(names, values, strict=True))) for values in zip(*cells, strict=True)]


def as_row(fact: Any) -> dict[str, Any]:
    """A dataclass as a dict of its own values, not copied deeply."""
    return {name: getattr(fact, name) for name in _NAMES[type(fact)]}
