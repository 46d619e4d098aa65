"""Converts dataclasses to and from table, Arrow and JSON types."""

import types
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Plain = tuple[type, bool, str]
"""A column: element type, whether null is allowed, what it means."""


@cache
def columns(cls: type) -> dict[str, Plain]:
    """The columns of a dataclass: name to (type, nullable, meaning).

    The type is one of str, int, float, bool, bytes, datetime, tuple (a set or list, kept as JSON text).
    """
    hints = get_type_hints(cls, include_extras=True)
    return {f.name: _plain(hints[f.name]) for f in fields(cls)}


def public_name(cls: type, field: str) -> str:
    """The name of a column in exports.

    Its own name, unless the class says otherwise.
    """
    names: dict[str, str] = getattr(cls, "PUBLIC", {})
    return names.get(field, field)


def _plain(hint: Any) -> Plain:
    kind, meaning = get_args(hint)
    nullable = False
    if get_origin(kind) in (Union, types.UnionType):
        kind, nullable = next(a for a in get_args(kind) if a is not type(None)), True
    if get_origin(kind) is Literal or isinstance(kind, TypeVar):  # what is published in place of a message is text
        kind = str
    elif get_origin(kind) is tuple:
        kind = tuple
    return kind, nullable, meaning


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    if moment.tzinfo is None:
        raise ValueError("a time without zone cannot be stored")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def moment(value: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(0, value // 1_000_000, value % 1_000_000)
