"""The server under hostile clients: raw sockets on loopback, for `serve` and for the endpoint of `run` alike."""

import json
import re
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.publish.api.serving import running, until
from waterbed.publish.api.server import Guard, Limits, server_of
from waterbed.service.endpoint import Endpoint
from waterbed.service.metrics import Gauges, State
from waterbed.store.machine_settings import Service as Settings

LONG = bytes(20_000_000)
"""More than the kernel takes for a client that does not read."""
QUICK = Limits(request_s=0.5, answer_s=0.5, idle_s=1, leave_s=0.3, connections=8)
SECRET = b"secret-name.example"
OK = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers each path with itself, /long with much, /fields with the names of the request's fields."""
    content = LONG if scope["path"] == "/long" else scope["path"].encode()
    content = b" ".join(name for name, _ in scope["headers"]) if scope["path"] == "/fields" else content
    await Response(content, media_type="text/plain")(scope, receive, send)


@contextmanager
def serving(limits: Limits, names: tuple[str, ...] = ()) -> Iterator[int]:
    """The port of a server of `application`."""
    with running(server_of(Guard(application), limits=limits, names=names, lifespan="off")) as server:
        yield server.port


@contextmanager
def health(limits: Limits, names: tuple[str, ...] = ()) -> Iterator[int]:
    """The port of the endpoint of `waterbed run`."""
    state = State()
    endpoint = Endpoint(Settings(listen="127.0.0.1:0", names=names), state, Gauges(state).text, limits)
    yield int(endpoint.shown.rpartition(":")[2])
    endpoint.close()


@pytest.fixture(scope="module", params=[serving, health])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Either server with its usual limits and a public name; tests only ask."""
    with request.param(Limits(leave_s=0.5), names=("Public.Example", "192.0.2.1")) as given:
        yield given


@pytest.fixture
def quick() -> Iterator[int]:
    """A server with small limits."""
    with serving(QUICK) as given:
        yield given


def client(port: int, *, receive_bytes: int = 0) -> socket.socket:
    """A connection."""
    made = socket.socket()
    made.settimeout(30)
    if receive_bytes:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    made.connect(("127.0.0.1", port))
    return made


def whole(connection: socket.socket) -> bytes:
    """All that comes until the server hangs up."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    connection.close()
    return b"".join(parts)


def told(port: int, *parts: bytes) -> bytes:
    """All that is answered to these bytes, sent one part after the other, before the server hangs up."""
    connection = client(port)
    for part in parts:
        try:
            connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            break
    return whole(connection)


def statuses(answers: bytes) -> list[int]:
    """Status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def get(target: bytes = b"/health", *fields: bytes, host: bytes = b"localhost", version: bytes = b"1.1") -> bytes:
    """A request that ends its connection."""
    lines = [b"GET %s HTTP/%s" % (target, version), b"Host: %s" % host, b"Connection: close", *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"localhost", 200),
        (b"LOCALHOST.:8000", 200),
        (b"127.0.0.1:1", 200),
        (b"127.9.9.9", 200),
        (b"[::1]:8000", 200),
        (b"[::ffff:127.0.0.1]", 200),
        (b" localhost\t ", 200),
        (b"public.example", 200),
        (b"PUBLIC.example.:443", 200),
        (b"192.0.2.1", 200),
        (SECRET, 421),
        (b"localhost.%s" % SECRET, 421),
        (b"public.example.%s" % SECRET, 421),
        (b"0.0.0.0", 421),
        (b"192.0.2.2", 421),
        (b"[::]", 421),
        (b"127.1", 421),
        (b"", 400),
        (b"localhost:x", 400),
        (b"localhost,%s" % SECRET, 400),
        (b"localhost@%s" % SECRET, 400),
        (b"localhost/%s" % SECRET, 400),
        (b"local host", 400),
        (b"\xff", 400),
    ],
)
def test_a_client_asks_by_a_name_of_the_server(port: int, host: bytes, status: int) -> None:
    """Loopback, the address asked at and names of the settings are answered; a rebound name and nonsense are not."""
    answer = told(port, get(host=host))
    assert statuses(answer) == [status]
    assert SECRET not in answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /health HTTP/1.0\r\n\r\n", 200),
        (b"GET /health HTTP/1.0\r\nHost: %s\r\n\r\n" % SECRET, 421),
        (b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (get(b"/health", b"Host: localhost"), 400),
        (get(b"/health", b"host: %s" % SECRET), 400),
        (get(b"http://localhost/health"), 200),
        (get(b"HTTPS://127.0.0.1:9/health"), 200),
        (get(b"http://%s/health" % SECRET), 421),
        (get(b"http://localhost/health", host=SECRET), 421),
        (get(b"http://localhost@%s/health" % SECRET), 400),
        (get(b"ftp://localhost/health"), 400),
        (get(b"http:///health"), 400),
        (get(b"*"), 400),
        (get(b"localhost:80"), 400),
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /health\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (get(b"/health", version=b"3.7"), 400),
        (get(b"/a\x00b"), 400),
        (get(b"/health", b"X: a\x00b"), 400),
        (get(b"/health", b"X: a\rHost: %s" % SECRET), 400),
        (get(b"/health", b" folded"), 400),
        (get(b"/health", b"X : a"), 400),
        (get(b"/health", b"Content-Length: 1", b"Content-Length: 2"), 400),
        (get(b"/health", b"Content-Length: 1, 1"), 400),
        (get(b"/health", b"Content-Length: -1"), 400),
        (get(b"/health", b"Content-Length: 0x1"), 400),
        (get(b"/health", b"Content-Length: +1"), 400),
        (get(b"/health", b"Content-Length: 99999999999999999999999"), 400),
        (get(b"/health", b"Content-Length: 6", b"Transfer-Encoding: chunked"), 400),
        (get(b"/health", b"Transfer-Encoding: chunked", b"Content-Length: 6"), 400),
        (get(b"/health", b"Transfer-Encoding: xchunked"), 400),
        (get(b"/health", b"Transfer-Encoding: chunked, identity"), 400),
        (get(b"/health", b"Transfer-Encoding: chunked", version=b"1.0"), 400),
        (get(b"/health", b"X: " + b"a" * 20_000), 431),
        (get(b"/" + b"a" * 20_000), 431),
        (get(b"/health", *[b"X: a"] * 200), 431),
        (get(b"/health", b"Cookie: " + b"a" * 5_000_000), 431),
        (b"GET /" + b"a" * 5_000_000, 431),
        (get(b"/health", b"Range: bytes=0-1"), 200),
        (get(b"/health", b"Upgrade: h2c, websocket"), 200),
        (get(b"/health", b"Expect: 100-continue", b"Content-Length: 4"), 200),
        (b"\r\n\r\n" + get(), 200),
    ],
)
def test_a_request_is_answered_once_or_refused(port: int, request_: bytes, status: int) -> None:
    """One status, the same whole and byte by byte; a refusal ends the connection and repeats nothing of the request."""
    split = [request_[at : at + 1] for at in range(len(request_))] if len(request_) < 300 else []
    for parts in ([request_], split) if split else ([request_],):
        answer = told(port, *parts)
        assert statuses(answer) == [status], (request_[:100], answer[:300])
        assert SECRET not in answer
        if status != 200:
            head, _, content = answer.partition(b"\r\n\r\n")
            assert json.loads(content)["status"] == status
            assert b"nosniff" in head
            assert b"connection: close" in head.lower()


@pytest.mark.parametrize(
    "smuggled",
    [
        b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;\r\nX\r\n0\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_what_follows_a_doubtful_request_is_not_read_as_one(port: int, smuggled: bytes) -> None:
    """Behind a body whose end is in doubt, an end of connection, or an upgrade, no second request is answered."""
    assert len(statuses(told(port, smuggled + OK))) == 1


def test_fields_behind_a_body_are_not_taken_for_the_head(quick: int) -> None:
    """A trailer could else name a key or a client's address past a proxy that looks at heads."""
    answer = told(quick, get(b"/fields", b"Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\nAuthorization: a\r\n\r\n")
    assert answer.endswith(b"host connection transfer-encoding")


def test_requests_sent_ahead_are_answered_in_order() -> None:
    """Some requests may be sent before answers come; beyond the bound the connection ends, in order."""
    with serving(Limits(ahead=4)) as port:
        asked = [b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number for number in range(200)]
        answers = told(port, b"".join(asked))
        bodies = [int(body) for body in re.findall(rb"\r\n\r\n/(\d+)", answers)]
        assert bodies == list(range(len(bodies)))
        assert 4 <= len(bodies) <= 8
        mixed = told(port, OK + b"NONSENSE\r\n\r\n")
        assert statuses(mixed) == [200]  # the answer to the first, not the refusal of the second


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_head_is_answered_as_get_without_content(port: int, method: bytes) -> None:
    """HEAD has the status and length of GET and no content."""
    head, _, content = told(port, get().replace(b"GET", method, 1)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    length = re.search(rb"content-length: (\d+)", head.lower())
    assert length
    assert int(length[1]) > 0
    assert bool(content) == (method == b"GET")


def test_a_page_of_another_origin_may_read_nothing(port: int) -> None:
    """Whatever origin asks, no answer allows it to read, embed, sniff or frame; preflights are not granted."""
    for origin in (b"Origin: http://%s" % SECRET, b"Origin: null"):
        got = told(port, get(b"/health", origin, b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Mode: no-cors")).lower()
        preflight = told(
            port, get(b"/health", origin, b"Access-Control-Request-Method: GET").replace(b"GET", b"OPTIONS", 1)
        ).lower()
        assert b"access-control-allow" not in got + preflight
        for answer in (got, preflight):
            assert b"cross-origin-resource-policy: same-origin" in answer
            assert b"x-content-type-options: nosniff" in answer
            assert b"frame-ancestors 'none'" in answer


def test_a_request_without_end_ends(quick: int) -> None:
    """Silence, half a head, a head byte by byte, and a body byte by byte are ended, the half request with 408."""
    assert told(quick) == b""
    assert statuses(told(quick, OK[:20])) == [408]
    assert statuses(dripped(quick, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")) == [408]
    assert statuses(dripped(quick, OK[:-2] + b"Content-Length: 60000\r\n\r\n")) == [200]
    assert statuses(dripped(quick, OK + OK[:9])) == [200, 408]
    assert statuses(dripped(quick, b"", b"\r\n")) == [408]


def dripped(port: int, first: bytes, drop: bytes = b"a") -> bytes:
    """What is answered before the server hangs up on a client that goes on to send small pieces."""
    connection = client(port)
    connection.sendall(first)
    gone = threading.Event()

    def drip() -> None:
        for _ in range(3000):
            try:
                connection.sendall(drop)
            except OSError:
                return
            if gone.wait(0.02):
                return

    sender = threading.Thread(target=drip)
    sender.start()
    answer = whole(connection)
    gone.set()
    sender.join()
    return answer


def test_a_body_is_not_taken_without_end(quick: int) -> None:
    """A client that sends a body of many bytes is answered and hung up on."""
    length = b"Content-Length: 500000000\r\n\r\n"
    assert statuses(told(quick, OK[:-2] + length, *[bytes(65_536)] * 1000)) in ([200], [])
    assert statuses(told(quick, OK)) == [200]


@pytest.mark.parametrize("reading", [0, 1])
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_client_that_does_not_read_is_ended(quick: int, reading: int, version: bytes) -> None:
    """Who reads nothing, or a byte now and then, of a long answer is hung up on, whatever it asks meanwhile."""
    slow = client(quick, receive_bytes=4096)
    slow.sendall(b"GET /long HTTP/%s\r\nHost: localhost\r\n\r\n" % version)
    ended = False
    for _ in range(3000):
        try:
            slow.send(OK)
            if reading:
                slow.recv(reading)
        except OSError:
            ended = True
            break
        time.sleep(0.02)
    assert ended
    slow.close()
    assert len(told(quick, get(b"/long"))) > len(LONG)


@pytest.mark.parametrize("serve", [serving, health])
def test_idle_connections_make_room(serve: Callable[[Limits], Iterator[int]]) -> None:
    """Behind 500 connections that say nothing a client is answered, and the server holds no more than its bound."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft > 700 or hard > 700
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    with ExitStack() as stack, serve(Limits(request_s=3600, connections=20)) as port:
        idle = [stack.enter_context(client(port)) for _ in range(500)]
        for _ in range(3):
            assert statuses(told(port, get())) == [200]
        for one in idle:
            one.setblocking(False)
        until(lambda: sum(_open(one) for one in idle) <= 20)


def _open(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def test_who_completes_requests_keeps_its_place(quick: int) -> None:
    """When all places are taken, the connection that has completed nothing for the longest time ends."""
    with client(quick) as worker:
        for _ in range(40):
            with client(quick), client(quick):
                worker.sendall(OK)
                assert worker.recv(65_536).startswith(b"HTTP/1.1 200 ")
