"""Response heads and pages, as we and as h11 read them: one status, one set of fields, one page, whatever the pieces.

An input's first byte chooses how many bytes come at once and whether the request was a HEAD; the rest is the response.
"""

import h11

from tests.crawler.net.cuts import run
from tests.fuzz.finding import expect
from waterbed.crawler.net.connection import MAX_EXCHANGE, Connection, ConnectionFailure
from waterbed.crawler.net.response import PAGE_MOST, Head, read_body, read_head, refused


class Given(Connection):
    """A connection from which a response comes in pieces."""

    def __init__(self, data: bytes, piece: int) -> None:
        super().__init__()
        self._data, self._size = data, piece

    async def receive(self, *, head: bool = False) -> bytes:
        piece, self._data = self._data[: self._size], self._data[self._size :]
        return piece

    def widen(self) -> None:
        """Read on as before."""


async def _ours(given: Given, body_follows: bool) -> tuple[Head, bytes | None]:
    raw = bytearray()
    head = await read_head(given, body_follows=body_follows, raw=raw)
    if not body_follows or refused(head):
        return head, None
    return head, (await read_body(given, head, bytes(raw), PAGE_MOST))[0]


def ours(data: bytes, piece: int, *, body_follows: bool) -> tuple[Head, bytes | None] | None:
    """The head, and the page behind it; None if it is no head."""
    try:
        found: tuple[Head, bytes | None] = run(_ours(Given(data, piece), body_follows))
    except ConnectionFailure:
        return None
    return found


class Theirs:
    """The response as h11 reads it."""

    def __init__(self, data: bytes, method: str) -> None:
        self.status: int | None = None
        self.fields: dict[str, str] = {}
        self.page: bytes | None = None
        self.kept = False
        peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_EXCHANGE)
        peer.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        peer.send(h11.EndOfMessage())
        try:
            peer.receive_data(data)
            self._read(peer)
        except h11.RemoteProtocolError:
            self.kept = False

    def _read(self, peer: h11.Connection) -> None:
        body = b""
        while not isinstance(event := peer.next_event(), type) or event is not h11.NEED_DATA:
            if isinstance(event, h11.Response):
                self.status = event.status_code
                for name, value in event.headers:
                    self.fields.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self.page = body
                # h11 keeps no connection of HTTP/1.0, even where both sides wish it
                self.kept = peer.their_state is h11.DONE or peer.their_http_version == b"1.0"
                return
            elif event is h11.PAUSED:
                return


def check(data: bytes) -> None:
    """Read a response by ourselves, whole and in pieces, and by h11."""
    if not data:
        return
    heads_only, piece, response = data[0] < 128, 1 + data[0] % 128, data[1:]
    whole = ours(response, len(response) + 1, body_follows=not heads_only)
    parts = ours(response, piece, body_follows=not heads_only)
    expect((whole is None) == (parts is None), f"a head or none: it depends on pieces of {piece}")
    if whole is None or parts is None:
        return
    (head, page), (again, page_again) = whole, parts
    expect((head.status, head.fields) == (again.status, again.fields), f"the head depends on pieces of {piece}")
    expect(page == page_again or None in (page, page_again), f"the page depends on pieces of {piece}")
    theirs = Theirs(response, "HEAD" if heads_only else "GET")
    if theirs.status is None:
        return
    expect(head.status == theirs.status, f"{head.status}, by h11 {theirs.status}")
    fields = {name: value.strip(" \t") for name, value in head.fields.items()}
    for name in {"transfer-encoding", "content-length"} & fields.keys():  # h11 writes these in its own way
        fields[name] = fields[name].lower().partition(",")[0].strip(" \t")
    expect(fields == theirs.fields, f"{sorted(fields)}, by h11 {sorted(theirs.fields)}")
    expect(theirs.kept or not head.reusable, "kept for another request, by h11 not")
    if page is not None and theirs.page is not None:
        expect(page == theirs.page[:PAGE_MOST], f"a page of {len(page)} bytes, by h11 of {len(theirs.page)}")
