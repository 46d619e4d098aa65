"""Completes FastAPI's OpenAPI document with schemas of published rows."""

import json
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from waterbed.model.table import TableInfo
from waterbed.model.version import __version__
from waterbed.publish.api.answers import Answers, Overview, Portion, SerializedTable, TableCard, Terms
from waterbed.publish.api.problems import MEDIA, SCHEMA, to_json
from waterbed.shown.layout import templates
from waterbed.study.formats import row_schema

_WORDS: Final = {
    "key": "AS64500",
    "from_key": "AS64500",
    "to_key": "AS64501",
    "by": "asn",
    "hoster": "AS64500",
    "run": "0" * 32,
    "version": __version__,
    "window": "2026-01-05T00:00:00+00:00/2026-01-06T00:00:00+00:00",
    "clock": "reported",
    "name": "Example Hosting",
    "tlp": "green",
    "licence": "CC-BY-4.0",
}
"""Example values of text columns; other columns show `example`."""
_PROBLEMS: Final = {"gate": (401, 403, 429), "name": (404,), "query": (422,), "all": (400, 421, 503)}
_PATH_WORDS: Final = {
    "name": "name of a table",
    "by": "what is ranked",
    "key": "what the row is about: an AS as AS64500, a country as NL, a hoster's key",
}
_HEADERS: Final = {
    "ETag": {"description": "checksum of the answer, a strong entity tag", "schema": {"type": "string"}},
    "Cache-Control": {"description": "how long it may be kept, and by whom", "schema": {"type": "string"}},
}
_LINK: Final = {"Link": {"description": "first, prev, next and last page (RFC 8288)", "schema": {"type": "string"}}}


def document(app: FastAPI, answers: Answers, *, free: bool) -> str:
    """The document as JSON text.

    It names the tables of the publication; `free`: aggregates need no key.
    """
    whole = get_openapi(
        title=app.title, version=app.version, openapi_version="3.1.0", description=app.description, routes=app.routes
    )
    components = whole.setdefault("components", {})
    components["schemas"] = {"Problem": SCHEMA, **_schemas(answers)}
    for path, methods in whole["paths"].items():
        for operation in methods.values():
            _describe(path, operation, answers, free=free)
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def example(schema: dict[str, Any], name: str = "") -> Any:
    """An invented value that a schema allows."""
    if "$ref" in schema:
        raise ValueError("an example of a reference is its target's")
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {key: example(part, key) for key, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], name)]
    if schema.get("format") == "date-time":
        return "2026-01-05T12:00:00Z"
    return {"integer": 12, "number": 0.5, "boolean": False}.get(str(kind), _WORDS.get(name, "example"))


def _schemas(answers: Answers) -> dict[str, Any]:
    plain = {
        "Overview": _joined(row_schema(Overview), {"terms": row_schema(Terms)}),
        "Tables": _object("The tables that there are.", {"tables": {"type": "array", "items": row_schema(TableCard)}}),
        "Health": _object(
            "Whether answers are those of the facts as they are.",
            {
                "status": {"type": "string", "enum": ["ok", "stale"], "description": "stale: facts cannot be read"},
                "made_at": {"type": "string", "format": "date-time", "description": "when conclusions were drawn"},
            },
        ),
    }
    made: dict[str, Any] = {}
    for one in (*answers.tables.values(), *answers.cases.values()):
        row, title = row_schema(one.table.cls), one.table.cls.__name__
        info = _joined(row_schema(TableInfo), {"terms": row_schema(Terms)})
        paged = _joined(info, row_schema(Portion)["properties"] | {"rows": {"type": "array", "items": row}})
        made[f"{title}Page"] = {**paged, "title": f"{title}Page", "description": f"A page of rows: {row['title']}."}
        single = _joined(info, {"row": row})
        made[title] = {**single, "title": title, "description": row["description"]}
    return {name: {**schema, "examples": [example(schema)]} for name, schema in {**plain, **made}.items()}


def _object(told_: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": told_,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _joined(schema: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    properties = {**schema["properties"], **more}
    return {**schema, "properties": properties, "required": list(properties)}


def _describe(path: str, operation: dict[str, Any], answers: Answers, *, free: bool) -> None:
    """Replace FastAPI's schemas, problems, names and headers of an operation."""
    named = _named(path, answers)
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["description"] = _PATH_WORDS[parameter["name"]]
        if parameter["name"] in ("name", "by"):
            parameter["schema"] = {"type": "string", "enum": sorted(named)} if named else {"type": "string"}
        elif parameter["in"] == "path":
            parameter["example"] = _WORDS["key"]
    guarded = "security" in operation
    if guarded and free and "/cases" not in path:
        operation["security"] = [{}, *operation["security"]]
    whole = {**_HEADERS, **(_LINK if "limit" in {one["name"] for one in operation.get("parameters", ())} else {})}
    media = operation["responses"]["200"].get("content", {})
    if "application/json" in media:
        media["application/json"] = {"schema": _answer(path, named)}
    responses: dict[str, Any] = {"200": {"description": "The answer.", "headers": whole, "content": media}}
    responses["304"] = {"description": "What you have, as If-None-Match says, is what there is."}
    parameters = {one["in"] for one in operation.get("parameters", ())}
    statuses = [
        *(_PROBLEMS["gate"] if guarded else ()),
        *(_PROBLEMS["name"] if "{" in path else ()),
        *(_PROBLEMS["query"] if parameters or guarded else ()),
        *_PROBLEMS["all"],
    ]
    operation["responses"] = responses | {str(status): _problem(status) for status in sorted(statuses)}
    if "application/json" not in media:  # a page for people has one in place of a problem while the first is made
        operation["responses"]["503"]["content"] = {"text/html": {"schema": {"type": "string"}}}


def _named(path: str, answers: Answers) -> dict[str, SerializedTable]:
    if path.startswith("/v1/cases"):
        return answers.cases
    return answers.rankings if path.startswith("/v1/rankings") else answers.tables


def _answer(path: str, named: dict[str, SerializedTable]) -> dict[str, Any]:
    whole = {"/v1": "Overview", "/v1/tables": "Tables", "/v1/cases": "Tables", "/health": "Health"}
    if path in whole:
        return {"$ref": f"#/components/schemas/{whole[path]}"}
    if "{" not in path or not named:
        return {"type": "object"}
    last = "" if path.endswith("{key}") else "Page"
    titles = sorted({one.table.cls.__name__ for one in named.values()})
    choices = [{"$ref": f"#/components/schemas/{title}{last}"} for title in titles]
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _problem(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": to_json(status)["title"],
        "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": to_json(status)}},
    }
    if status in (429, 503):
        found["headers"] = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}}
    return found


STYLE: Final = templates().get_template("api.css").render()
"""The page's style; the content security policy allows its checksum."""


def reference(whole: dict[str, Any]) -> str:
    """Render an OpenAPI document as a page that loads nothing."""
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
            meanings={name: schema.get("description", "") for name, schema in schemas.items()},
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
                    "meaning": one.get("description") or one["schema"].get("description", ""),
                }
                for one in operation.get("parameters", ())
            ],
            "statuses": sorted(operation["responses"]),
            "schemas": [name for name in map(_target, schemas.get("anyOf", [schemas])) if name],
        }


def _target(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _fields(schema: dict[str, Any], before: str = "") -> Iterator[tuple[str, str, str]]:
    """Each field with type and meaning; rows under `rows[]`."""
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
