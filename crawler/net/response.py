"""The head of an HTTP response: read to its end, never beyond a piece."""

import re
from dataclasses import dataclass
from functools import lru_cache

import httptools

from crawler.net.connection import Wire, WireFailure

MAX_HEAD = 65_536
"""Longest response head that is read, bytes."""

MAX_INTERIM = 8
"""Most interim (1xx) responses that are passed over."""

_START = b"HTTP/"
_BARE = re.compile(rb"(?<!\r)\n")
"""Line ends of old servers, which a recipient may accept (RFC 9112, 2.2); the parser does not."""


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
        self.fields.setdefault(_lowered(name), value.decode("latin-1"))


@lru_cache(maxsize=1024)
def _lowered(name: bytes) -> str:
    """A field's name as it is looked up; servers use few."""
    return name.decode("latin-1").lower()


async def read_head(wire: Wire, *, body_follows: bool, raw: bytearray | None = None) -> Head:
    """Read one response head, passing over a few interim ones.

    `body_follows` says that the request allows a body (GET), so the connection cannot be used again. `raw` receives
    the head, its line ends mended, and what came in one piece with its end; without it both are dropped.
    Raises WireFailure for anything that is not a head.
    """
    buffer = bytearray()
    for _ in range(MAX_INTERIM + 1):
        end = await _head_end(wire, buffer)
        head = _BARE.sub(b"\r\n", bytes(buffer[:end]))
        status, fields, keep = _parse(head)
        if status == 101:
            raise WireFailure("http", "unasked_upgrade")
        if status >= 200:
            if raw is not None:
                raw += head + buffer[end:]
            return Head(status=status, fields=fields, reusable=keep and not body_follows and len(buffer) == end)
        del buffer[:end]
    raise WireFailure("http", "endless_interim")


async def _head_end(wire: Wire, buffer: bytearray) -> int:
    """Read until a head lies in the buffer; where it ends. Each byte is searched once."""
    searched = 0
    while True:
        if not buffer.startswith(_START[: len(buffer)]):
            raise WireFailure("http", "no_status_line")
        ends = [at + len(mark) for mark in (b"\n\r\n", b"\n\n") if (at := buffer.find(mark, searched)) >= 0]
        if ends and min(ends) <= MAX_HEAD:
            return min(ends)
        if len(buffer) > MAX_HEAD:
            raise WireFailure("http", "head_too_long")
        searched = max(0, len(buffer) - 2)
        piece = await wire.receive()
        if not piece:
            raise WireFailure("http", "head_cut_off" if buffer else "closed")
        buffer += piece


def _parse(head: bytes) -> tuple[int, dict[str, str], bool]:
    reader = _Reader()
    parser = httptools.HttpResponseParser(reader)
    try:
        parser.feed_data(head)
        status = parser.get_status_code()
        # RFC 9112, 9.3; the parser's own answer is about bodies, and an answer to HEAD has none
        wishes = {wish.strip() for wish in reader.fields.get("connection", "").lower().split(",")}
        keep = "close" not in wishes and (parser.get_http_version() != "1.0" or "keep-alive" in wishes)
    except httptools.HttpParserUpgrade:
        return parser.get_status_code(), reader.fields, False
    except httptools.HttpParserError:
        raise WireFailure("http", "bad_head") from None
    if not 100 <= status <= 999:
        raise WireFailure("http", "bad_status")
    return status, reader.fields, keep
