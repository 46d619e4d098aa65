"""The head of an HTTP response: read to its end, never beyond a piece."""

from dataclasses import dataclass

import httptools

from crawler.wire import Wire, WireFailure

MAX_HEAD = 65_536
"""Longest response head that is read, bytes."""

MAX_INTERIM = 8
"""Most interim (1xx) responses that are passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A response head: status and header fields, names in lower case. Secret: never log it."""

    status: int
    fields: dict[str, str]
    reusable: bool

    def __repr__(self) -> str:
        """Say nothing of the header fields."""
        return f"<Head {self.status}>"


class _Reader:
    """Collects what the parser calls back with."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))


async def read_head(wire: Wire, *, body_follows: bool) -> Head:
    """Read one response head, passing over a few interim ones.

    `body_follows` says that the request allows a body (GET), so the connection cannot be used again.
    Raises WireFailure for anything that is not a head.
    """
    buffer = b""
    for _ in range(MAX_INTERIM + 1):
        while (end := _end(buffer)) < 0:
            if len(buffer) > MAX_HEAD:
                raise WireFailure("http", "head_too_long")
            piece = await wire.receive()
            if not piece:
                raise WireFailure("http", "closed" if not buffer else "head_cut_off")
            buffer += piece
            if not b"HTTP/".startswith(buffer[:5]) and not buffer.startswith(b"HTTP/"):
                raise WireFailure("http", "no_status_line")
        head, buffer = buffer[:end], buffer[end:]
        status, fields, keep = _parse(head)
        if status >= 200:
            return Head(status=status, fields=fields, reusable=keep and not body_follows and not buffer)
    raise WireFailure("http", "endless_interim")


def _end(buffer: bytes) -> int:
    """Where the head ends, -1 if it has not yet."""
    found = buffer.find(b"\r\n\r\n")
    bare = buffer.find(b"\n\n")
    if found >= 0 and (bare < 0 or found < bare):
        return found + 4
    return bare + 2 if bare >= 0 else -1


def _parse(head: bytes) -> tuple[int, dict[str, str], bool]:
    reader = _Reader()
    parser = httptools.HttpResponseParser(reader)
    try:
        parser.feed_data(head)
        status = parser.get_status_code()
        keep = parser.should_keep_alive() or (
            "content-length" not in reader.fields and reader.fields.get("connection", "").lower() != "close"
        )
    except httptools.HttpParserUpgrade:
        return parser.get_status_code(), reader.fields, False
    except httptools.HttpParserError:
        raise WireFailure("http", "bad_head") from None
    if not 100 <= status <= 999:
        raise WireFailure("http", "bad_status")
    return status, reader.fields, bool(keep)
