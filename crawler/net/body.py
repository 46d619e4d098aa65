"""The text of a page: a little of it, in memory, and of nothing that is not text."""

import re

import httptools

from crawler.net.connection import Wire, WireFailure
from crawler.net.response import Head

PAGE_MOST = 65_536
"""Most bytes of a page that are read."""

_PAGES = ("text/html", "application/xhtml+xml")
_STATUSES = {*range(200, 300), 403, 404, 410, *range(500, 600)}

_NO_TEXT = re.compile(
    rb"""\s*(?:
    \xff\xd8 | \x89PNG | GIF8 | BM..\0\0 | RIFF | II\*\0 | MM\0\* | 8BPS | \xff\x0a
    | .{4}ftyp | .{4}moov | .{4}mdat | \x1a\x45\xdf\xa3 | \0\0\x01[\xb3\xba] | FLV\x01 | OggS | ID3 | \xff[\xfb\xf3\xf2]
    | %PDF | %! | PK[\x03\x05\x07] | Rar! | 7z\xbc\xaf | \x1f\x8b | BZh | \xfd7zXZ | \x28\xb5\x2f\xfd | \xd0\xcf\x11\xe0
    | MZ[^a-z\s] | \x7fELF | SQLite\ format
    )""",
    re.DOTALL | re.VERBOSE,
)
"""How pictures, films, sound, documents, archives and programs begin."""

_SNIFFED = 512
_SURE = 64
"""Bytes of text after which more may be taken at a time."""


def refused(head: Head) -> str | None:
    """Why no byte of what follows this head is wanted, None if it may be a page."""
    if head.status not in _STATUSES:
        return "status"
    if head.fields.get("content-type", "").partition(";")[0].strip().lower() not in _PAGES:
        return "media_type"
    if head.fields.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
        return "compressed"
    return None


class _Collector:
    """Collects what the parser takes out of the body's framing."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.complete = False

    def on_body(self, data: bytes) -> None:
        self.text += data

    def on_message_complete(self) -> None:
        self.complete = True


async def read_body(wire: Wire, head: Head, raw: bytes, most: int) -> tuple[bytes | None, str | None]:
    """Read the page that follows a head: at most `most` bytes, or why there is none.

    `raw` is the head and what came with it. It ends at once where it turns out to be no text, before the kernel is
    allowed more than at a head.
    """
    page = _Collector()
    parser = httptools.HttpResponseParser(page)
    framed = "content-length" in head.fields or "transfer-encoding" in head.fields
    piece, wide, taken = raw, False, -len(raw)
    try:
        while True:
            before, taken = len(page.text), taken + len(piece)
            try:
                parser.feed_data(piece)
            except (httptools.HttpParserUpgrade, httptools.HttpParserError):
                if not page.complete:  # what comes behind a whole page is nobody's business
                    return None, "bad_body"
            if b"\0" in page.text[before:] or (before < _SNIFFED and _NO_TEXT.match(page.text[:_SNIFFED])):
                return None, "not_text"
            if page.complete or len(page.text) >= most:
                return bytes(page.text[:most]), None
            if taken > 2 * most:
                return None, "bad_body"
            if not wide and len(page.text) >= _SURE:
                wire.widen()
                wide = True
            piece = await wire.receive()
            if not piece:
                return (None, "cut_off") if framed else (bytes(page.text), None)
    except WireFailure:
        return None, "cut_off"
