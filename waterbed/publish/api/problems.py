"""Errors as problem details (RFC 9457); no request data."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA: Final = "application/problem+json"
DETAILS: Final[Mapping[int, str]] = {
    401: "The key is missing or unknown: send it as Authorization: Bearer KEY; "
    "a browser sends it as the password of any user.",
    403: "The scopes of this key do not include this resource.",
    404: "Not found. /v1 lists the resources, and / is the first page.",
    405: "Only GET is answered.",
    422: "A parameter is unknown or has an invalid value: /docs lists them.",
    429: "Too many requests within a minute: wait for the time in Retry-After.",
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
    return Response(content, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA)


def to_json(status: int) -> dict[str, Any]:
    """The problem as a JSON object."""
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": DETAILS.get(status, f"{title}.")}


async def refused(_: Request, failure: Exception) -> Response:
    """Answer an HTTP error of a route or the router."""
    if isinstance(failure, HTTPException):
        return problem(failure.status_code, failure.headers)
    return problem(422 if isinstance(failure, RequestValidationError) else 500)
