"""A CDN's origin service on loopback, with limits and faults."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

_PATH = "/investigation/v1/{case}/origin"


@dataclass(slots=True, kw_only=True)
class OriginPlay:
    """The service's data and behaviour, and what it was asked."""

    id: str = "reporter"
    secret: str = "secret-of-the-reporter"  # noqa: S105 (of a server on loopback)
    origins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By host name: fields of its result; others do not use the CDN."""
    a_round: int | None = None
    """Questions that are answered; then 429."""
    fault: str = ""
    """error, redirect, garbage, truncated, failure, html, large or empty: the answer to every question."""
    asked: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    """Host name, case number and header names of each question."""
    url: str = ""
    """Its address, as `origins.url` has it."""


@contextmanager
def origin_service(play: OriginPlay) -> Iterator[OriginPlay]:
    """Serve on a loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # (a name of the library's)
            parts = urlsplit(self.path)
            case = parts.path.removeprefix("/investigation/v1/").removesuffix("/origin")
            host = parse_qs(parts.query).get("hostname", [""])[0]
            play.asked.append((host, case, tuple(sorted(name.lower() for name in self.headers))))
            status, headers, body = _answer(play, self.headers.get("CF-Access-Client-ID", ""),
                                            self.headers.get("CF-Access-Client-Secret", ""), host)  # fmt: skip
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) + (100 if play.fault == "truncated" else 0)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the address holds a host name."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    play.url = f"http://127.0.0.1:{server.server_address[1]}{_PATH}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield play
    finally:
        server.shutdown()
        server.server_close()


def _answer(play: OriginPlay, named: str, secret: str, host: str) -> tuple[int, dict[str, str], bytes]:
    if (named, secret) != (play.id, play.secret):
        return 403, {}, b"no"
    if play.a_round is not None and len(play.asked) > play.a_round:
        return 429, {"Retry-After": "60"}, b""
    if play.fault == "error":
        return 500, {}, b"failed"
    if play.fault == "redirect":
        return 302, {"Location": "http://192.0.2.1/"}, b""
    bodies = {
        "garbage": b"\x00\xff{",
        "html": b"<html>Are you human?</html>",
        "large": b'{"success": true, "result": [' + b" " * 200_000 + b"]}",
        "failure": json.dumps({"success": False, "errors": [{"code": 1, "message": host}]}).encode(),
        "empty": b"",
    }
    result = {"isUsingCloudflare": host in play.origins, **play.origins.get(host, {})}
    told = json.dumps({"success": True, "errors": [], "result": [result]}).encode()
    return 200, {"Content-Type": "application/json"}, bodies.get(play.fault, told)
