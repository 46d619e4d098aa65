"""Facts as columns of a Parquet file, and back."""

from collections.abc import Sequence
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any, Final, TypeVar, get_args, get_type_hints

import pyarrow as pa

from waterbed.model.codec import columns, moment

Fact = TypeVar("Fact")
_ARROW: Final = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
TIME: Final = pa.timestamp("us", tz="UTC")


def schema_of(cls: Any) -> pa.Schema:
    """The columns of a fact in the lake: times are timestamps, tuples are lists; each with its meaning."""
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
    """The facts in a table; a column that is younger than the file has its default."""
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
    """By what the rows of a file are sorted: as they are looked for, then by key."""
    first: tuple[str, ...] = cls.INDEX[0] if cls.INDEX else ()
    return tuple(dict.fromkeys((*first, *cls.KEY)))
