"""JSON Schemas of what is published, made from the dataclasses."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

from waterbed.model.codec import Plain, columns, public_name

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
    """Describe one row: every column required, nothing else allowed."""
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


def envelope_schema(envelope: type, cls: type) -> dict[str, Any]:
    """Describe a whole JSON file: the envelope's fields and `rows`."""
    outer = row_schema(envelope)
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
