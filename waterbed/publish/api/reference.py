"""The page that describes the interface to people: the OpenAPI document as plain HTML, without scripts."""

import json
from collections.abc import Iterator
from typing import Any, Final

from waterbed.publish.site.layout import templates

STYLE: Final = templates().get_template("api.css").render()
"""The page's style: its checksum is what the page's policy lets in."""


def reference(whole: dict[str, Any]) -> str:
    """The page of an OpenAPI document; it needs nothing of any network."""
    schemas = whole["components"]["schemas"]
    return (
        templates()
        .get_template("api.html")
        .render(
            title=whole["info"]["title"],
            version=whole["info"]["version"],
            description=whole["info"]["description"],
            operations=list(_operations(whole)),
            schemas={name: list(_fields(schema)) for name, schema in schemas.items()},
            told={name: schema.get("description", "") for name, schema in schemas.items()},
            examples={
                name: json.dumps(schema["examples"][0], indent=1, ensure_ascii=False)
                for name, schema in schemas.items()
                if "examples" in schema
            },
            style=STYLE,
        )
    )


def _operations(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in whole["paths"].items():
        operation = methods["get"]
        security = operation.get("security", [])
        schemas = operation["responses"]["200"]["content"].get("application/json", {}).get("schema", {})
        yield {
            "path": path,
            "summary": operation["summary"],
            "key": "no" if not security else "if you have one" if {} in security else "yes",
            "parameters": [
                {
                    "name": one["name"],
                    "where": one["in"],
                    "kind": _kind(one["schema"]),
                    "told": one.get("description") or one["schema"].get("description", ""),
                }
                for one in operation.get("parameters", ())
            ],
            "statuses": sorted(operation["responses"]),
            "schemas": [name for name in map(_target, schemas.get("anyOf", [schemas])) if name],
        }


def _target(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _fields(schema: dict[str, Any], before: str = "") -> Iterator[tuple[str, str, str]]:
    """Each field with its type and meaning; those of rows stand under `rows[]`."""
    for name, part in schema.get("properties", {}).items():
        yield f"{before}{name}", _kind(part), part.get("description", "")
        inner = part.get("items", {}) if part.get("type") == "array" else part
        if "properties" in inner:
            yield from _fields(inner, f"{before}{name}{'[]' if inner is not part else ''}.")


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join("null" if value is None else str(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    kind = schema.get("type", "any")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    low, high = schema.get("minimum"), schema.get("maximum")
    return f"{words}, {low} to {high}" if low is not None and high is not None else words
