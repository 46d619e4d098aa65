"""Facts that leave the store for the lake."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete

from waterbed.model.bookkeeping import Audit
from waterbed.store.sql import Store
from waterbed.store.tables import TABLES

_AT_ONCE = 500
"""Ids in one statement: below every database's limit of parameters."""


def remove(store: Store, keys: Mapping[Any, Sequence[str]], audit: Audit) -> int:
    """Remove rows by their primary keys, and say who did it, in one transaction; how many were there."""
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
