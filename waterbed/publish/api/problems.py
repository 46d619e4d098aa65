"""Errors as problem details (RFC 9457); no request data."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

MEDIA: Final = "application/problem+json"
DETAILS: Final[Mapping[int, str]] = {
    401: "The key is missing or unknown: send it as Authorization: Bearer KEY; "
    "a browser sends it as the password of any user.",
    403: "The scopes of this key do not include this resource; a server without keys gives no cases or metrics: "
    "start it with --keys FILE (docs/api.md, Keys).",
    404: "Not found. /v1 lists the resources, and / is the first page.",
    405: "Only GET and HEAD are answered.",
    408: "The request did not come to its end in time.",
    421: "This server does not go by that name: docs/api.md, Names, says how to add one.",
    422: "A parameter is unknown, given twice, or has an invalid value; allowed are offset (0 to 1,000,000,000), "
    "limit (1 to 1,000) and key (1 to 200 characters).",
    429: "Too many requests within a minute: wait for the time in Retry-After.",
    431: "The head of the request is too large.",
    503: "The first edition is being made: ask again after the time in Retry-After.",
    500: "The server failed. The failure is logged without any part of the request.",
}
SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {"type": "string", "description": "always about:blank: the status says it all"},
        "title": {"type": "string", "description": "the status in words"},
        "status": {"type": "integer", "description": "the HTTP status"},
        "detail": {"type": "string", "description": "what was expected; nothing of the request is repeated"},
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
}


def problem(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for a status, with a standard title otherwise."""
    content = json.dumps(to_json(status)).encode()
    allow = {"Allow": "GET, HEAD"} if status == 405 else {}
    return Response(content, status, {"Cache-Control": "no-store", **(headers or {}), **allow}, MEDIA)


def to_json(status: int) -> dict[str, Any]:
    """The problem as a JSON object."""
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": DETAILS.get(status, f"{title}.")}
