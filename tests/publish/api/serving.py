"""The interface on a real server on loopback, and a plain client for it."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from waterbed.publish.api.app import api
from waterbed.publish.api.guard import Access, Key, checksum
from waterbed.publish.api.server import server_of
from waterbed.publish.api.source import Served, Source
from waterbed.publish.policy import Publication
from waterbed.shown.layout import Site

FOR_GROUPS, FOR_CASES = "a key for groups", "a key for cases"
ACCESS = Access(
    a_minute=1_000_000,
    keys=(
        Key(name="groups", sha256=checksum(FOR_GROUPS), a_minute=1_000_000),
        Key(name="cases", sha256=checksum(FOR_CASES), scopes=("aggregates", "cases"), a_minute=1_000_000),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def told(self) -> Any:
        """The JSON in it."""
        return json.loads(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server."""

    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, key: str | None = None, *, method: str = "GET", **headers: str) -> Answer:
        """Ask once; names of headers are written with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, headers=sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=found, content=response.read())


@contextmanager
def running(server: uvicorn.Server) -> Iterator[Server]:
    """A server on a free port for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield Server(port=listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def served(source: Source, access: Access = ACCESS, *, every_s: float = 3600.0) -> Iterator[Server]:
    """A server of the interface for as long as the block lasts."""
    with running(server_of(api(source, access, every_s=every_s))) as server:
        until(lambda: server.get("/health").status == 200)
        yield server


def fixed(publication: Publication, site: Site | None = None) -> Source:
    """A source that never changes; without pages unless some are given."""
    return Source(read=lambda: Served(publication=publication, site=site or {}), mark=lambda: "the same")


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, a minute at most."""
    for _ in range(6000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it does not come to hold")
