"""Many rows at once: facts inserted, schedules advanced, rows fetched.

On SQLite one statement writes hundreds of rows, and hundreds are fetched as one JSON text. Python's driver lets other
threads run at each row of a statement, and beside a busy event loop that costs ten times the work itself.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from sys import intern
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    Select,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    update,
)

from waterbed.model.bookkeeping import Due
from waterbed.store.tables import TABLES, UtcTime

Fact = TypeVar("Fact")
Statement = tuple[str, tuple[Any, ...]]
"""A statement for the driver, and its values."""
_NAMES = {cls: tuple(table.c.keys()) for cls, table in TABLES.items()}
_MOST_VALUES = 30_000
"""Values in one statement: SQLite takes 32,766."""

MOVED = ("due_at", "streak", "day_began_at", "day_looks", "fingerprint", "network_part")
"""What a look changes of a URL's schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Facts of one class by column.

    Constant columns are stored once.
    """

    cls: type
    count: int
    """How many facts."""
    cells: Mapping[str, Sequence[Any]]
    """By field, a value for each fact; the first field is always here."""
    same: Mapping[str, Any]
    """By field, the one value of all facts."""

    def column(self, name: str) -> Sequence[Any]:
        """The values of a field, one for each fact."""
        return self.cells[name] if name in self.cells else [self.same[name]] * self.count

    def only(self, chosen: Sequence[int]) -> "Columns":
        """The facts at some places."""
        cells = {name: [values[n] for n in chosen] for name, values in self.cells.items()}
        return Columns(cls=self.cls, count=len(chosen), cells=cells, same=self.same)

    def replaced(self, name: str, values: Sequence[Any]) -> "Columns":
        """The facts with other values of a field."""
        same = {field: value for field, value in self.same.items() if field != name}
        return replace(self, cells={**self.cells, name: values}, same=same)


def columns_of(cls: type, facts: Sequence[Any], names: Sequence[str] | None = None) -> Columns:
    """Return facts of one class by column.

    All fields, or those named.
    """
    first, *others = names or _NAMES[cls]
    cells, same = {first: list(map(attrgetter(first), facts))}, {}
    for name in others:
        values = list(map(attrgetter(name), facts))
        if values and values[0] == values[-1] and values.count(values[0]) == len(values):
            same[name] = values[0]
        else:
            cells[name] = values
    return Columns(cls=cls, count=len(facts), cells=cells, same=same)


def insert(cls: type, facts: Sequence[Any], connection: Connection) -> None:
    """Insert facts of one class; known ones stay unchanged."""
    insert_columns(columns_of(cls, facts), connection)


def insert_columns(facts: Columns, connection: Connection) -> None:
    """The same, given by columns."""
    if connection.dialect.name != "sqlite":
        table, names = TABLES[facts.cls], _NAMES[facts.cls]
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql  # noqa: PLC0415 (20 ms that SQLite need not pay)

        rows = [dict(zip(names, row, strict=True)) for row in zip(*map(facts.column, names), strict=True)]
        if rows:
            connection.execute(insert_postgresql(table).on_conflict_do_nothing(), rows)
        return
    for statement, values in inserting(facts, connection.dialect):
        connection.exec_driver_sql(statement, values)


def inserting(facts: Columns, dialect: Dialect) -> Iterator[Statement]:
    """Statements that insert facts, given by columns (SQLite only)."""
    names = _NAMES[facts.cls]
    quoted = ", ".join(f'"{name}"' for name in names)  # one is called as SQL calls a thing of its own: into
    chosen = ", ".join(f'told."{name}"' for name in names)
    for query, values in _statements(facts, dialect):
        # without WHERE, ON would begin a join: https://sqlite.org/lang_upsert.html#parsing_ambiguity
        into = f"INSERT INTO {TABLES[facts.cls].name} ({quoted}) SELECT {chosen} FROM ({query}) AS told WHERE true "  # noqa: S608 (names of our own tables)
        yield f"{into}ON CONFLICT DO NOTHING", values


def advancing(run_id: str, dues: Sequence[Due], dialect: Dialect) -> Iterator[Statement]:
    """Statements that advance held URLs and release leases (SQLite only).

    URLs that the run no longer holds are left out.
    """
    for query, values in _statements(columns_of(Due, dues, ("url_id", *MOVED)), dialect):
        news = ", ".join(f"{name} = news.{name}" for name in MOVED)
        yield (
            f"UPDATE due SET {news}, lease_run_id = NULL FROM ({query}) AS news "  # noqa: S608 (names of our own tables)
            "WHERE due.url_id = news.url_id AND due.lease_run_id = ?",
            (*values, run_id),
        )


def advance(run_id: str, dues: Sequence[Due], connection: Connection) -> int:
    """Advance held URLs and release leases, all in one statement (PostgreSQL only).

    URLs that the run no longer holds are left out. Returns the number of those that moved on.
    """
    due = TABLES[Due]
    names = ("url_id", *MOVED)
    lists = (bindparam(None, list(map(attrgetter(name), dues)), ARRAY(due.c[name].type)) for name in names)
    news = func.unnest(*lists).table_valued(*names, name="news").render_derived()
    theirs = {name: news.c[name] for name in MOVED}
    held = (due.c.url_id == news.c.url_id, due.c.lease_run_id == run_id)
    return connection.execute(update(due).where(*held).values(**theirs, lease_run_id=None)).rowcount


def _statements(facts: Columns, dialect: Dialect) -> Iterator[Statement]:
    """Yield queries that return the facts, with their values.

    Some facts at a time.
    """

    def bound(name: str, values: Iterable[Any]) -> Iterator[Any]:
        make = _binding(TABLES[facts.cls].c[name].type, dialect)
        return iter(values) if make is None else map(make, values)

    same = [value for name, one in facts.same.items() for value in bound(name, [one])]
    # columns of VALUES are called column1, column2 ...: https://sqlite.org/lang_select.html#values
    columns = [f'? AS "{name}"' for name in facts.same]
    columns += [f'column{number} AS "{name}"' for number, name in enumerate(facts.cells, 1)]
    row = f"({', '.join('?' * len(facts.cells))})"
    at_once = _MOST_VALUES // len(facts.cells)
    for start in range(0, facts.count, at_once):
        cells = [bound(name, values[start : start + at_once]) for name, values in facts.cells.items()]
        rows = ", ".join([row] * min(at_once, facts.count - start))
        values = (*same, *chain.from_iterable(zip(*cells, strict=True)))
        yield f"SELECT {', '.join(columns)} FROM (VALUES {rows})", values  # noqa: S608 (the same)


def _binding(kind: Any, dialect: Any) -> Callable[[Any], Any] | None:
    """Return a conversion of a column's values for the driver.

    None if no conversion is needed; the driver takes bytes as they are.
    """
    if isinstance(kind, LargeBinary):
        return None
    make: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    # rows that are written together have few times of writing and due times between them
    return lru_cache(1024)(make) if make and isinstance(kind, UtcTime) else make


def among(column: ColumnElement[str], ids: Iterable[str], connection: Connection) -> ColumnElement[bool]:
    """Condition that a column is one of the ids.

    The ids are one value of the statement.
    """
    if connection.dialect.name != "sqlite":
        return column == any_(bindparam(None, list(ids), ARRAY(Text)))
    return column.in_(select(literal_column("value")).select_from(func.json_each(json.dumps(list(ids)))))


def fetch(cls: type[Fact], query: Select[Any], connection: Connection) -> list[Fact]:
    """Fetch all rows of a query over one class's table.

    Not for tables that do not fit into memory.
    """
    if connection.dialect.name != "sqlite":
        return [cls(**row._mapping) for row in connection.execute(query)]
    return rows_of(cls, fetch_text(query, connection), connection.dialect)


def shared(cls: type[Fact], query: Select[Any], connection: Connection) -> Iterator[Fact]:
    """Yield the rows of a query over one class's table.

    Equal texts and times are one object in memory, also those of other facts: an id is in many.
    """
    times: dict[datetime, datetime] = {}
    own = {*cls.KEY, "path_id"} - {"url_id"}  # type: ignore[attr-defined]
    names = [(column.name, column.name not in own) for column in query.selected_columns]
    for row in connection.execute(query):
        yield cls(
            **{
                name: intern(cell)
                if repeated and cell.__class__ is str
                else times.setdefault(cell, cell)
                if cell.__class__ is datetime
                else cell
                for (name, repeated), cell in zip(names, row, strict=True)
            }
        )


def fetch_text(query: Select[Any], connection: Connection) -> str:
    """Fetch all rows as one JSON text (SQLite only).

    It is an array of arrays.
    """
    found = query.subquery()
    texts = [func.hex(column) if isinstance(column.type, LargeBinary) else column for column in found.c]
    return connection.scalar(select(func.json_group_array(func.json_array(*texts)))) or "[]"


def rows_of(cls: type[Fact], text: str, dialect: Dialect) -> list[Fact]:
    """Read what `fetch_text` fetched of one class's table."""
    cells: list[Iterator[Any]] = []
    for column, values in zip(TABLES[cls].c, zip(*json.loads(text), strict=True), strict=False):
        if isinstance(column.type, LargeBinary):
            cells.append(map(bytes.fromhex, values))
            continue
        make = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if make and isinstance(column.type, UtcTime):
            make = lru_cache(1024)(make)
        cells.append(iter(values) if make is None else map(make, values))
    names = _NAMES[cls]
    return [cls(**dict(zip(names, values, strict=True))) for values in zip(*cells, strict=True)]
