"""Rows as CSV, JSON, Parquet, Arrow and JSON Schema."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, make_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from waterbed.model.codec import Plain, columns, public_name
from waterbed.model.table import TableInfo
from waterbed.model.window import Window

METADATA: Final = b"waterbed"
"""Key under which a Parquet file carries its TableInfo, as JSON."""

_ARROW: Final = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
    datetime: pa.timestamp("us", tz="UTC"),
    tuple: pa.string(),
}
_WINDOW: Final = (
    ("window", Annotated[str, "week or month of the first report, as 2026-W12 or 2026-03"]),
    ("window_since", Annotated[datetime | None, "begin of the window"]),
    ("window_until", Annotated[datetime | None, "end of the window: first reports lie before it"]),
    ("followed_to", Annotated[datetime | None, "its URLs were followed to this time, if the study goes on so long"]),
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@cache
def by_window_class(cls: type) -> Any:
    """The class of rows of a class by window."""
    hints = get_type_hints(cls, include_extras=True)
    own = [(field.name, hints[field.name]) for field in fields(cls)]
    names = {"PUBLIC": cls.PUBLIC} if hasattr(cls, "PUBLIC") else {}
    return make_dataclass(f"{cls.__name__}ByWindow", [*_WINDOW, *own], frozen=True, kw_only=True, namespace=names)


def rows_by_window(cls: type, parts: Iterable[tuple[Window, Sequence[Any]]]) -> list[Any]:
    """The rows of each window, as `by_window_class`."""
    made = by_window_class(cls)
    names = [field.name for field in fields(cls)]
    return [
        made(
            window=window.label,
            window_since=window.since,
            window_until=window.until,
            followed_to=window.end,
            **{name: getattr(row, name) for name in names},
        )
        for window, rows in parts
        for row in rows
    ]


def in_every_format(name: str, cls: type, rows: Sequence[Any], info: TableInfo) -> dict[str, bytes]:
    """Return rows in every format, by file name.

    Rows of one dataclass, with their schema.
    """
    schema = json.dumps(table_schema(TableInfo, cls), indent=1, ensure_ascii=False) + "\n"
    return {
        f"{name}.csv": as_csv(cls, rows).encode(),
        f"{name}.json": as_json(cls, rows, info).encode(),
        f"{name}.parquet": as_parquet(cls, rows, info),
        f"{name}.schema.json": schema.encode(),
    }


def as_csv(cls: type, rows: Sequence[Any]) -> str:
    """Return rows as CSV with a header.

    RFC 4180, UTF-8, empty for null. Names of hosters come from registries that anyone can write to: text that a
    spreadsheet would run as a formula gets a leading apostrophe. The other formats keep it as it is.
    """
    names = list(columns(cls))
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow([public_name(cls, name) for name in names])
    for row in rows:
        table.writerow([csv_cell(getattr(row, name)) for name in names])
    return out.getvalue()


def as_json(cls: type, rows: Sequence[Any], info: TableInfo) -> str:
    """Return rows as one JSON object with their TableInfo.

    The fields of the TableInfo, then `rows`.
    """
    return to_json({**loose(info), "rows": records(cls, rows)})


def records(cls: type, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows as JSON objects under their public names."""
    return [{public_name(cls, name): _value(getattr(row, name)) for name in columns(cls)} for row in rows]


def to_json(whole: Mapping[str, Any]) -> str:
    """Return one JSON object as text.

    NaN and infinity are errors.
    """
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_parquet(cls: type, rows: Sequence[Any], info: TableInfo) -> bytes:
    """Return rows as Parquet, with the columns of `as_arrow`."""
    out = pa.BufferOutputStream()
    pq.write_table(as_arrow(cls, rows, info), out, compression="zstd")
    return bytes(out.getvalue().to_pybytes())


def as_arrow(cls: type, rows: Sequence[Any], info: TableInfo | None = None) -> pa.Table:
    """Return rows as an Arrow table.

    Sets and lists are JSON text; the TableInfo, if any, is metadata of the schema. Each field has the meaning of its
    column under `description`; times are UTC, in microseconds.
    """
    schema = arrow_schema(cls, info)
    arrays = [
        pa.array([flat(getattr(row, name)) for row in rows], type=field.type)
        for name, field in zip(columns(cls), schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def arrow_schema(cls: type, info: TableInfo | None = None) -> pa.Schema:
    """The columns of a class as an Arrow table."""
    fields = [
        pa.field(public_name(cls, name), _ARROW[kind], nullable=nullable, metadata={"description": meaning})
        for name, (kind, nullable, meaning) in columns(cls).items()
    ]
    told = {METADATA: json.dumps(loose(info), ensure_ascii=False).encode()} if info else None
    return pa.schema(fields, metadata=told)


def parquet_of(names: Sequence[str], columns_of_text: Sequence[Sequence[str]]) -> bytes:
    """Return a plain table of text as Parquet.

    For rows without a dataclass.
    """
    out = pa.BufferOutputStream()
    arrays = [pa.array(column, type=pa.string()) for column in columns_of_text]
    pq.write_table(pa.Table.from_arrays(arrays, names=list(names)), out, compression="zstd")
    return bytes(out.getvalue().to_pybytes())


def loose(info: TableInfo) -> dict[str, Any]:
    """Return a TableInfo as a JSON object."""
    return {**asdict(info), "data_dates": dict(info.data_dates)}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return list(value) if isinstance(value, tuple) else value


def flat(value: Any) -> Any:
    """Return a value with sets and lists as JSON text."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, tuple) else value


def csv_cell(value: Any) -> Any:
    """Return what a CSV writer is given for a value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return defused(_value(flat(value)))


def defused(value: Any) -> Any:
    """Return a CSV cell that spreadsheets do not run."""
    return f"'{value}" if isinstance(value, str) and len(value) > 1 and value.startswith(_FORMULA) else value


DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES: dict[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "string",
    datetime: "string",
    tuple: "array",
}


def row_schema(cls: type) -> dict[str, Any]:
    """Describe one row; every column is required, no other allowed."""
    hints = get_type_hints(cls, include_extras=True)
    properties = {public_name(cls, name): _property(plain, hints[name]) for name, plain in columns(cls).items()}
    return {
        "title": cls.__name__,
        "description": (cls.__doc__ or "").strip().partition("\n")[0],
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def table_schema(info: type, cls: type) -> dict[str, Any]:
    """Describe a whole JSON file: its TableInfo and `rows`."""
    outer = row_schema(info)
    outer["$schema"] = DIALECT
    outer["properties"]["rows"] = {"type": "array", "items": row_schema(cls)}
    outer["required"].append("rows")
    return outer


def _property(plain: Plain, hint: Any) -> dict[str, Any]:
    kind, nullable, meaning = plain
    if get_origin(kind) is Mapping:
        return {"description": meaning, "type": "object", "additionalProperties": {"type": "string"}}
    names: str | list[str] = _TYPES[kind]
    if nullable:
        names = [_TYPES[kind], "null"]
    described: dict[str, Any] = {"description": meaning, "type": names}
    if kind is datetime:
        described["format"] = "date-time"
    if kind is tuple:
        described["items"] = {"type": ["string", "integer"]}
    allowed = _allowed(hint)
    if allowed:
        described["enum"] = [*allowed, None] if nullable else allowed
    return described


def _allowed(hint: Any) -> list[str]:
    """Values of a Literal, wherever in the hint it sits."""
    if getattr(hint, "__origin__", None) is Literal:
        return list(get_args(hint))
    return [value for part in get_args(hint) if not isinstance(part, str) for value in _allowed(part)]
