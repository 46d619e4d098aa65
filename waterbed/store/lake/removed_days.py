"""Days removed from the store, each on record."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import delete, select

from waterbed.model.bookkeeping import Audit
from waterbed.store.store import Store
from waterbed.store.tables import TABLES

_AT_ONCE: Final = 500
"""Rows of one statement."""

PRUNE: Final = "prune"
"""What it is called on record that a day left the store."""


def remove(store: Store, keys: Mapping[Any, Sequence[str]], audit: Audit) -> int:
    """Remove rows by primary keys; return their number.

    One transaction with its audit entry.
    """
    removed = 0
    with store.writing() as connection:
        for cls, ids in keys.items():
            table, (key,) = TABLES[cls], cls.KEY
            for start in range(0, len(ids), _AT_ONCE):
                gone = delete(table).where(table.c[key].in_(ids[start : start + _AT_ONCE]))
                removed += connection.execute(gone).rowcount
        if removed:
            store.add([audit], connection)
    return removed


def removed_days(store: Store) -> set[date]:
    """Return the days recorded as having left the store."""
    audit = TABLES[Audit].c
    with store.reading() as connection:
        days = connection.scalars(select(audit.subject_id).where(audit.action == PRUNE)).all()
    return {date.fromisoformat(day) for day in days}
