"""Reads HTTP response heads, and text pages where asked for."""

import re
from dataclasses import dataclass
from functools import lru_cache

import httptools

from waterbed.crawler.net.connection import WINDOW, Connection, ConnectionFailure
from waterbed.crawler.net.tls import HEAD_END

_START = b"HTTP/"
_BARE = re.compile(rb"(?<!\r)\n")
"""Line ends of old servers, which a recipient may accept (RFC 9112, 2.2); the parser does not."""

_NO_LINE = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""A byte that no line of a head holds (RFC 9110, 5.5)."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_FIELDS = rb"(?:(?:%s{1,256}:.*|\r?)\n)*(?:%s{0,256}(?:\r?|:.*))" % (_TOKEN, _TOKEN)
_FURTHER_LINES = re.compile(_FIELDS)
_HEAD = re.compile(rb".*(?:\n%s)?" % _FIELDS)
"""Header fields and one of which more must come, from a line's beginning on; the same behind a status line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The status and header fields of a response.

    Names are in lower case. Secret: never log it.
    """

    status: int
    fields: dict[str, str]
    reusable: bool

    def __repr__(self) -> str:
        """Show the status, no header field."""
        return f"<Head {self.status}>"


class _Reader:
    """Collects the header fields that the parser finds."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.setdefault(_lowered(name), value.decode("latin-1"))


_LONGEST_NAME = 40
"""Longest name of a field that is remembered in this process, bytes."""


def _lowered(name: bytes) -> str:
    """Return a field's name in lower case; usual ones are cached, as servers use few."""
    return _remembered(name) if len(name) <= _LONGEST_NAME else name.decode("latin-1").lower()


@lru_cache(maxsize=1024)
def _remembered(name: bytes) -> str:
    return name.decode("latin-1").lower()


async def read_head(connection: Connection, *, body_follows: bool, raw: bytearray | None = None) -> Head:
    """Read one response head, skipping interim ones.

    `body_follows`: the request allows a body (GET), so the connection cannot be used again. `raw` receives the head
    with its line ends normalized, and the bytes that came in one piece with its end; without it both are dropped.
    Raises ConnectionFailure for anything that is not a head.
    """
    buffer = bytearray()
    while True:
        end = await _head_end(connection, buffer)
        head = _BARE.sub(b"\r\n", bytes(buffer[:end]))
        status, fields, keep = _parse(head)
        if status == 101:
            raise ConnectionFailure("http", "unasked_upgrade")
        if status >= 200:
            if raw is not None:
                raw += head + buffer[end:]
            return Head(status=status, fields=fields, reusable=keep and not body_follows and len(buffer) == end)
        del buffer[:end]


async def _head_end(connection: Connection, buffer: bytearray) -> int:
    """Read until the buffer holds a head; return where it ends.

    Each piece must go on as a head does: what is none ends the exchange with the piece that shows it.
    """
    searched = line = 0
    while True:
        if buffer:  # empty before the first piece, unless more came behind an interim head
            if not buffer.startswith(_START[: len(buffer)]):
                raise ConnectionFailure("http", "no_status_line")
            end = HEAD_END.search(buffer, searched)
            line = _checked(buffer, line, end.end() if end else len(buffer))
            if end:
                return end.end()
            searched = max(0, len(buffer) - 2)
        piece = await connection.receive(head=True)
        if not piece:
            raise ConnectionFailure("http", "head_cut_off" if buffer else "closed")
        buffer += piece


def _checked(buffer: bytearray, line: int, end: int) -> int:
    """Check what came of a head up to `end`, from a line's beginning on; return the beginning of its last line."""
    lines = _FURTHER_LINES if line else _HEAD
    if _NO_LINE.search(buffer, line, end) or not lines.fullmatch(buffer, line, end):
        raise ConnectionFailure("http", "bad_head")
    return buffer.rfind(b"\n", line, end) + 1 or line


def _parse(head: bytes) -> tuple[int, dict[str, str], bool]:
    reader = _Reader()
    parser = httptools.HttpResponseParser(reader)
    try:
        parser.feed_data(head)
        status = parser.get_status_code()
        # RFC 9112, 9.3; the parser's own answer is about bodies, and an answer to HEAD has none
        wishes = {wish.strip() for wish in reader.fields.get("connection", "").lower().split(",")}
        version = parser.get_http_version()
        keep = "close" not in wishes and (version >= "1.1" or (version == "1.0" and "keep-alive" in wishes))
    except httptools.HttpParserUpgrade:
        return parser.get_status_code(), reader.fields, False
    except httptools.HttpParserError:
        raise ConnectionFailure("http", "bad_head") from None
    if not 100 <= status <= 999:
        raise ConnectionFailure("http", "bad_status")
    return status, reader.fields, keep


PAGE_MOST = 40_960
"""Most bytes of a page that are read: with the rest of the TLS record that they end in, less than MAX_TEXT."""

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
"""First bytes of pictures, films, sound, documents, archives and programs."""

_SNIFFED = 512
_SURE = 64
"""Bytes of text after which more may be taken at a time."""


def refused(head: Head) -> str | None:
    """Return why no body is read, None for a page."""
    if head.status not in _STATUSES:
        return "status"
    if head.fields.get("content-type", "").partition(";")[0].strip().lower() not in _PAGES:
        return "media_type"
    if head.fields.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
        return "compressed"
    return None


class _Collector:
    """Collects the body that the parser takes out of its framing."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.complete = False

    def on_body(self, data: bytes) -> None:
        self.text += data

    def on_message_complete(self) -> None:
        self.complete = True


async def read_body(connection: Connection, head: Head, raw: bytes, most: int) -> tuple[bytes | None, str | None]:
    """Read the page after a head, at most `most` bytes.

    `raw` is the head and the bytes that came with it. Returns the page, or None and the reason. Reading ends at once
    where the body is not text, before the kernel may hold more than at a head.
    """
    page = _Collector()
    parser = httptools.HttpResponseParser(page)
    framed = "content-length" in head.fields or "transfer-encoding" in head.fields
    piece, wide = raw, False
    connection.begin_page()
    try:
        while True:
            previous_size = len(page.text)
            try:
                parser.feed_data(piece)
            except (httptools.HttpParserUpgrade, httptools.HttpParserError):
                if not page.complete:  # bytes behind a complete page are ignored
                    return None, "bad_body"
            if b"\0" in page.text[previous_size:] or (
                previous_size < _SNIFFED and _NO_TEXT.match(page.text[:_SNIFFED])
            ):
                return None, "not_text"
            if page.complete or len(page.text) >= most:
                return bytes(page.text[:most]), None
            if not wide and len(page.text) >= _SURE:
                connection.widen()
                wide = True
            piece = await connection.receive()
            if not piece:
                return (None, "cut_off") if framed else (bytes(page.text), None)
    except ConnectionFailure as problem:
        return None, "bad_body" if problem.failure == "too_long" else "cut_off"


ANSWER_MOST = 65_536
"""Most bytes of a link check's answer that may be read."""

_LARGE = 2 * WINDOW
_ANSWERS = (*_PAGES, "text/plain")


class _AnswerCollector(_Collector):
    """The same of an answer that must be alone and whole; keeps its header fields, repeated ones too."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = 0
        self.fields: list[tuple[str, str]] = []

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((_lowered(name), value.decode("latin-1").strip().lower()))

    def all_of(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field == name]


async def read_answer(connection: Connection, head: Head, raw: bytes, most: int) -> tuple[bytes | None, str | None]:
    """Read the whole answer of a link check.

    At most `most` bytes of it. `raw` is the head and the bytes that came with it; bytes of framing count. Returns the
    answer, or None and the reason. Only text of status 200 counts, without any encoding, of a length that the head
    states or in chunks that end: where the server hangs up instead, nobody knows if it was whole. Nothing more is
    read where the head says so. The kernel may hold a window of chunks that nobody reads: a large limit keeps it free.
    """
    if head.status != 200:
        return None, "status"
    answer = _AnswerCollector()
    parser = httptools.HttpResponseParser(answer)
    piece, remaining = raw, most + len(raw) - _body_bytes(raw)
    connection.allow(most)
    try:
        while True:
            remaining -= len(piece)
            try:
                parser.feed_data(piece)
            except (httptools.HttpParserUpgrade, httptools.HttpParserError):
                return None, "bad_body"
            if answer.begun > 1:  # what follows an answer was not asked for
                return None, "bad_body"
            if reason := _refused_answer(answer, most):
                return None, reason
            if b"\0" in answer.text or _NO_TEXT.match(answer.text[:_SNIFFED]):
                return None, "not_text"
            if answer.complete:
                untyped = not answer.all_of("content-type") and bool(answer.text)
                return (None, "media_type") if untyped else (bytes(answer.text), None)
            room = remaining - (WINDOW if most > _LARGE and answer.all_of("transfer-encoding") else 0)
            if room <= 0:
                return None, "too_long"
            connection.narrow(room)
            piece = await connection.receive()
            if not piece:
                return None, "cut_off"
    except ConnectionFailure:
        return None, "cut_off"


def _body_bytes(raw: bytes) -> int:
    """Return how many bytes stand behind the head."""
    end = HEAD_END.search(raw)
    return len(raw) - end.end() if end else 0


def _refused_answer(answer: _AnswerCollector, most: int) -> str | None:
    """Return why an answer with such a head tells nothing."""
    kinds, lengths = answer.all_of("content-type"), answer.all_of("content-length")
    transfer = answer.all_of("transfer-encoding")
    if len(kinds) > 1 or (kinds and kinds[0].partition(";")[0].strip() not in _ANSWERS):
        return "media_type"
    if answer.all_of("content-encoding"):
        return "compressed"
    if len(lengths) + len(transfer) != 1 or transfer not in ([], ["chunked"]):
        return "unframed"
    if lengths and not (lengths[0].isascii() and lengths[0].isdigit()):
        return "bad_body"
    return "too_long" if lengths and int(lengths[0]) > most else None
