"""The description of published tables as a Frictionless data package."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from waterbed.model.codec import columns, public_name
from waterbed.publish.policy import Publication, Table
from waterbed.study.formats import loose

_TYPES: Final[dict[type, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "string",
    datetime: "datetime",
    tuple: "array",
}
PROFILE: Final = "tabular-data-package"


def data_package(publication: Publication, files: Mapping[str, bytes], version: str) -> str:
    """Build datapackage.json of the CSV files in `files`.

    `files` maps names to contents.
    Each resource says its rows, bytes and SHA-256, and each column its type and meaning (Data Package 1, table schema).
    """
    policy = publication.policy
    whole = {
        "profile": PROFILE,
        "name": "hosting-ranking",
        "id": policy.namespace,
        "title": publication.title,
        "version": version,
        "created": publication.made_at.astimezone(UTC).isoformat(timespec="seconds"),
        "licenses": [{"name": policy.licence}],
        "contributors": [{"title": policy.publisher, "role": "publisher"}],
        "sources": [{"title": f"{name}: {words}"} for name, words in sorted(publication.sources.items())],
        "tlp": policy.tlp,
        "resources": [
            _resource(table, files[f"{table.name}.csv"]) for table in publication.tables if f"{table.name}.csv" in files
        ],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _resource(table: Table, content: bytes) -> dict[str, Any]:
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        "title": table.title,
        "path": f"{table.name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{sha256(content).hexdigest()}",
        "dialect": {"delimiter": ",", "doubleQuote": True, "lineTerminator": "\r\n", "header": True},
        "schema": table_schema(table.cls),
        "made": {**loose(table.envelope), "rows": len(table.rows)},
    }


def table_schema(cls: type) -> dict[str, Any]:
    """The table schema of a dataclass's CSV; empty is null."""
    return {"fields": list(_fields(cls)), "missingValues": [""]}


def _fields(cls: type) -> Sequence[dict[str, Any]]:
    found = []
    for name, (kind, nullable, meaning) in columns(cls).items():
        field: dict[str, Any] = {"name": public_name(cls, name), "type": _TYPES[kind], "description": meaning}
        if kind is datetime:
            field["format"] = "any"
        if not nullable and kind is not str:
            field["constraints"] = {"required": True}
        found.append(field)
    return found
