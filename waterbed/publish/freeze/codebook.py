"""The codebook: every column of a package, made from the dataclasses."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from waterbed.model.codec import columns, public_name
from waterbed.model.table import Envelope

_TYPES: Final[Mapping[type, str]] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    datetime: "time",
    tuple: "list",
}
_ENDS: Final[Mapping[str, str]] = {"_s": "seconds", "_ms": "milliseconds", "_h": "hours", "_d": "days"}
_WORDS: Final = (
    "milliseconds",
    "microseconds",
    "seconds",
    "hours",
    "days",
    "bytes",
    "addresses",
    "probability",
    "share",
    "place",
)
"""What a meaning calls the unit of a number; the first that occurs is it."""
HEADER: Final = ("file", "column", "type", "unit", "null", "meaning")


def codebook(tables: Mapping[str, type]) -> str:
    """As CSV: file, column, type, unit, whether it may be null, and what it means; `tables` are files to dataclasses.

    A JSON file of results has an envelope beside its rows; its fields stand last, once for all.
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(HEADER)
    for file, cls in tables.items():
        table.writerows(_rows(file, cls, public=file.startswith("results/")))
    table.writerows(_rows("results/*.json, beside its rows", Envelope, public=False))
    return out.getvalue()


def _rows(file: str, cls: type, *, public: bool) -> Iterator[tuple[str, ...]]:
    for name, (kind, nullable, meaning) in columns(cls).items():
        shown = public_name(cls, name) if public else name
        yield file, shown, _TYPES.get(kind, "object"), _unit(name, kind, meaning), "yes" if nullable else "no", meaning


def _unit(name: str, kind: type, meaning: str) -> str:
    if kind is datetime:
        return "UTC, microseconds"
    if kind not in (int, float):
        return ""
    by_name = next((unit for end, unit in _ENDS.items() if name.endswith(end)), "")
    words = meaning.partition(";")[0].replace(",", " ").split()
    by_words = next((word for word in _WORDS if word in words), "")
    return by_name or by_words or ("count" if kind is int else "1")
