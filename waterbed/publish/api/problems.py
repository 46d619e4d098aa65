"""What went wrong, as problem details (RFC 9457) that repeat nothing of the request."""

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
    401: "A key is needed, or this one is not known: send it as Authorization: Bearer KEY; "
    "a browser sends it as the password of any user.",
    403: "This key does not open that: its scopes do not include it.",
    404: "There is nothing here. /v1 says what there is, and / is the first page.",
    405: "Only GET is answered.",
    422: "A parameter is not one that is known, or not a value that it takes: /docs lists them.",
    429: "Too many requests within a minute: wait as long as Retry-After says.",
    500: "The server failed. The failure is on record without anything of the request.",
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
    """The answer for a status; one without words of its own gets the standard's."""
    content = json.dumps(told(status)).encode()
    return Response(content, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA)


def told(status: int) -> dict[str, Any]:
    """The problem as a JSON object."""
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": DETAILS.get(status, f"{title}.")}


async def refused(_: Request, failure: Exception) -> Response:
    """Answer what a route or the router refused."""
    if isinstance(failure, HTTPException):
        return problem(failure.status_code, failure.headers)
    return problem(422 if isinstance(failure, RequestValidationError) else 500)
