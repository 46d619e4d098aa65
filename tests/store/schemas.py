"""Stores of earlier schemas, with rows: `python -m tests.store.schemas 0005 > tests/store/released/0005.sql`.

A schema that was released is kept as a file, made once and never again: its migrations may not change any more.
"""

import random
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, LargeBinary, MetaData, Table, insert

from waterbed.store.store import Store

RELEASED = Path(__file__).parent / "released"
_LISTS = ("addresses", "cname_ids", "ede", "marks", "unstable", "name_server_ids", "tags", "members", "states")
"""Columns that hold a list as JSON text."""
_BOOLEAN = (
    "commercial",
    "assessed_illegal",
    "link_exists",
    "reminder",
    "bounced",
    "held_for_police",
    "withdrawn",
    "adjudicates",
    "gone",
)


def released() -> list[str]:
    """The schemas that are kept as files."""
    return sorted(path.stem for path in RELEASED.glob("*.sql"))


def reflected(store: Store) -> list[Table]:
    """The tables of a store as they are in the database."""
    metadata = MetaData()
    with store.reading() as connection:
        metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def made_up_rows(table: Table, chance: random.Random, count: int = 3) -> list[dict[str, Any]]:
    """Rows that any version of Waterbed could have written into a table, nulls among them."""
    return [{column.name: _value(column, chance, number) for column in table.columns} for number in range(count)]


def _value(column: Any, chance: random.Random, number: int) -> Any:
    kind, name = column.type, column.name
    if column.nullable and number == 1:
        return None
    if isinstance(kind, Boolean) or name in _BOOLEAN:
        return bool(chance.getrandbits(1))
    if isinstance(kind, LargeBinary):
        return chance.randbytes(24)
    if isinstance(kind, Float):
        return chance.uniform(0, 1e6)
    if isinstance(kind, BigInteger):
        return 1_767_614_415_123_456 + chance.randrange(10**9) if name.endswith("_at") else chance.randrange(1_000)
    if name in _LISTS:
        return "[22,23]" if name == "ede" else '["a","b"]'
    return f"{chance.getrandbits(128):032x}" if name.endswith("_id") else f"{name} 'ü' {number}"


def fill(store: Store, revision: str) -> None:
    """Put made-up rows, the same each time, into every table of a store."""
    chance = random.Random(revision)
    for table in reflected(store):
        rows = made_up_rows(table, chance)
        with store.writing() as connection:
            connection.execute(insert(table), rows)


def dump(revision: str) -> str:
    """A store of a schema, with rows, as SQL text."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "old.db"
        store = Store(f"sqlite:///{file}")
        store.migrate(revision)
        fill(store, revision)
        store.close()
        with closing(sqlite3.connect(file)) as opened:
            return "\n".join(opened.iterdump()) + "\n"


if __name__ == "__main__":
    sys.stdout.write(dump(sys.argv[1]))
