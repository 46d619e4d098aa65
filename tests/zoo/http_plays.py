"""How HTTP servers misbehave: what is played to each visit."""

import asyncio
import gzip

from tests.zoo.behaviour import OK, REAL_PATH, Behaviour, Left, Listening, Play, Request, Visit

PHOTO = b"\xff\xd8\xff\xe0" + bytes(10_000_000)
BOMB = gzip.compress(bytes(10_000_000), 1, mtime=0)
PAGE = b"<html><title>Sign in</title><p>Please sign in to go on.</p></html>"
ODD = b"<meta charset=utf-99><title>\xff\xfe\x00</title>" + bytes(range(256)) * 20
BANNER = b"<html><title>Notice</title><p>This domain has been seized by the police.</p></html>"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n"
REFUSED = b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Length: 0\r\n\r\n"


def says(head: bytes, body: bytes = b"") -> Play:
    """Answer the reported page with these bytes, any other with 404."""

    async def play(visit: Visit) -> None:
        while True:
            request = await visit.request()
            await (visit.send(head, body) if request.reported else visit.send(MISSING))
            if request.method == "GET":
                return

    return play


def page(status: str, *fields: str, get_body: bytes = b"", head: bytes | None = None) -> Play:
    """Answer the reported page with a status and fields, any other with 404; `head` instead for HEAD."""

    async def play(visit: Visit) -> None:
        while True:
            request = await visit.request()
            if not request.reported:
                await visit.send(MISSING)
            elif request.method == "HEAD" and head is not None:
                await visit.send(head)
            elif request.method == "HEAD":
                await visit.send(head_of(status, *fields))
            else:
                await visit.send(head_of(status, *fields), get_body)
                return

    return play


def everything(status: str, *fields: str) -> Play:
    """Answer whatever is asked with the same status and fields."""

    async def play(visit: Visit) -> None:
        while (await visit.request()).method == "HEAD":
            await visit.send(head_of(status, *fields))
        await visit.send(head_of(status, *fields))

    return play


def moved_to(location: str, status: str = "301 Moved Permanently") -> Play:
    """Redirect the reported page; `{host}` in the location is the host's name; any other page is missing."""

    async def play(visit: Visit) -> None:
        while True:
            request = await visit.request()
            target = location.format(host=visit.host)
            await visit.send(head_of(status, f"Location: {target}", "Content-Length: 0") if mine(request) else MISSING)

    return play


def mine(request: Request) -> bool:
    """Whether the reported page is asked for, with a slash at its end or without."""
    return request.target.rstrip("/") == REAL_PATH


def head_of(status: str, *fields: str) -> bytes:
    """A head of a status and fields."""
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode("latin-1")


def endless(piece: bytes, before: bytes = b"") -> Play:
    """Send a piece again and again."""

    async def play(visit: Visit) -> None:
        await visit.request()
        await visit.send(before)
        while True:
            await visit.send(piece)
            await asyncio.sleep(0)

    return play


def dripping(data: bytes) -> Play:
    """Send one byte a second."""

    async def play(visit: Visit) -> None:
        await visit.request()
        await visit.drip(data, 1.0)

    return play


def silence_after(data: bytes) -> Play:
    """Send some bytes and then no more."""

    async def play(visit: Visit) -> None:
        await visit.request()
        await visit.send(data)
        await visit.until_left()

    return play


def pushing(status: str, *fields: str, body: bytes, head: bytes | None = None) -> Play:
    """Send a body with every answer, to HEAD too, unless HEAD has an answer of its own."""

    async def play(visit: Visit) -> None:
        while True:
            request = await visit.request()
            if request.method == "HEAD" and head is not None:
                await visit.send(head)
            else:
                await visit.send(head_of(status, *fields), body)
            if request.method == "GET":
                return

    return play


def not_for_us(status: str) -> Play:
    """Answer our agent with a status and all others with 200."""

    async def play(visit: Visit) -> None:
        while True:
            ours = b"Waterbed" in (await visit.request()).head
            await visit.send(head_of(status if ours else "200 OK", "Content-Length: 0"))

    return play


def redirects(*locations: str) -> Play:
    """The nth request is redirected to the nth location; after the last one comes 200."""

    async def play(visit: Visit) -> None:
        while True:
            request = await visit.request()
            if not mine(request):
                await visit.send(MISSING)
                continue
            at = visit.turn()
            if at < len(locations):
                target = locations[at].format(host=visit.host)
                await visit.send(head_of("301 Moved Permanently", f"Location: {target}", "Content-Length: 0"))
            else:
                await visit.send(OK + b"Content-Length: 5120\r\n\r\n")
            if request.method == "GET":
                return

    return play


def twice(late_s: float | None) -> Play:
    """Redirect to a slash at the end, and answer each request once more with 404.

    That comes after some seconds, or with None just before the connection's next answer, which is too late to be seen
    before that is asked for.
    """

    async def play(visit: Visit) -> None:
        begun = False
        while True:
            request = await visit.request()
            if begun and late_s is None:
                await visit.send(MISSING)
            begun = True
            if not mine(request):
                await visit.send(MISSING)
            elif request.reported:
                await visit.send(head_of("301 Moved Permanently", f"Location: {REAL_PATH}/", "Content-Length: 0"))
            else:
                await visit.send(OK + b"Content-Length: 5120\r\n\r\n")
            if request.method == "GET":
                return
            if late_s is not None:
                await asyncio.sleep(late_s)
                await visit.send(MISSING)

    return play


async def alternating(visit: Visit) -> None:
    """Every second HEAD finds the page gone; a GET is answered as the HEAD before it."""
    turn = 0
    while True:
        request = await visit.request()
        if request.reported and request.method == "HEAD":
            turn = visit.turn()
        if request.reported and turn % 2 == 0:
            await visit.send(OK + b"Content-Length: 5120\r\n\r\n")
        else:
            await visit.send(MISSING)
        if request.method == "GET":
            return


def once(page: bytes, other: bytes = MISSING, body: bytes = b"") -> Play:
    """The reported page is there for the first HEAD; from the next one on it and all others are answered like this.

    `body` comes with both then, if GET asks for them.
    """

    async def play(visit: Visit) -> None:
        turn = 0
        while True:
            request = await visit.request()
            if request.reported and request.method == "HEAD":
                turn = visit.turn()
            if request.reported and turn == 0:
                await visit.send(OK + b"Content-Length: 5120\r\n\r\n")
            elif turn == 0:
                await visit.send(MISSING)
            else:
                await visit.send(page if request.reported else other, body if request.method == "GET" else b"")
            if request.method == "GET":
                return

    return play


async def head_not_understood(visit: Visit) -> None:
    """Hang up at HEAD, answer GET."""
    request = await visit.request()
    if request.method == "HEAD":
        raise Left
    await visit.send(OK + b"Content-Length: 66\r\n\r\n", PAGE)


async def old_http(visit: Visit) -> None:
    """One answer a connection, closed at once."""
    request = await visit.request()
    await visit.send((OK + b"\r\n" if request.reported else MISSING).replace(b"1.1", b"1.0"))


async def endless_page(visit: Visit) -> None:
    """HEAD and other pages as they should be; the page itself never ends."""
    while (request := await visit.request()).method == "HEAD" or not request.reported:
        await visit.send(OK + b"\r\n" if request.reported else MISSING)
    await visit.send(OK + b"\r\n")
    while True:
        await visit.send(b"", b"<p>on and on</p>" * 100)
        await asyncio.sleep(0)


async def slow_page(visit: Visit) -> None:
    """HEAD and other pages as they should be; the page itself comes slowly."""
    while (request := await visit.request()).method == "HEAD" or not request.reported:
        await visit.send(OK + b"\r\n" if request.reported else MISSING)
    await visit.send(OK + b"\r\n")
    await visit.drip(PAGE, 1.0)


async def cut_page(visit: Visit) -> None:
    """Send less of a page than was promised."""
    while True:
        request = await visit.request()
        head = OK + b"Content-Length: 66\r\n\r\n" if request.reported else MISSING
        await visit.send(head, PAGE[:20] if request.reported and request.method == "GET" else b"")
        if request.method == "GET":
            return


def http(name: str, does: str, play: Listening, **more: object) -> Behaviour:
    """One HTTP behaviour."""
    return Behaviour(name=name, does=does, http=play, kind="HTTP", **more)  # type: ignore[arg-type]  # fields by name
