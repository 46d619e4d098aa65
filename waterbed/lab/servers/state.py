"""The simulated Internet: responses of names and servers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, Protocol, runtime_checkable

from waterbed.lab.world.file import CANARY_NETWORKS, Source
from waterbed.lab.world.records import Head, Length

BODY_BYTES = 50_000
"""Size of every image and page that is up, what changes each time apart."""

SOURCES: dict[str, Source] = {"127.0.0.1": "first", "127.0.0.2": "second", "127.0.0.3": "proxy"}
"""By source address on loopback: which of our places asks."""

_NOT_FOUND = b"<!doctype html><title>404</title><p>No such page.</p>\n"
_DEFAULT = b"<!doctype html><title>Welcome</title>" + b"<p>This site answers every path alike.</p>\n" * 20

_CANARIES = {
    "first.waterbed-canary.net": ("33.255.255.1",),
    "second.waterbed-canary.net": ("33.255.255.2", "2d00:ffff::2"),
}
CANARY_URLS = ("http://first.waterbed-canary.net/", "https://second.waterbed-canary.net/")
"""Two well-behaved pages that are up whenever our own network is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One port of public prefixes, played by one loopback socket."""

    key: str
    port: int
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Behaviour:
    """The behaviour on one request: a response, or none."""

    kind: Literal["answer", "hang", "close", "reset"] = "answer"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    head: Head = "plain"
    head_status: int = 0
    """Status of the answer to HEAD where that is not the true one; 0: it is."""
    length: Length = "stated"
    image: bool = False
    """True if the body is an image, whatever its label says."""

    def __repr__(self) -> str:
        """Say nothing of headers: a redirect names its host."""
        return f"<Behaviour {self.kind} {self.status}>"


class Scene(Protocol):
    """Anything that the lab's servers can play."""

    def listeners(self) -> tuple[Listener, ...]:
        """Name every public prefix and port at which something answers."""
        ...

    def silent(self, moment: datetime) -> bool:
        """True if our own network is down."""
        ...

    def addresses(self, host: str, moment: datetime) -> tuple[str, ...] | None:
        """Return all addresses of a name, None if nonexistent."""
        ...

    def behaviour(self, listener: Listener, host: str, target: str, moment: datetime, source: str) -> Behaviour:
        """Return the response to a request at this listener.

        `source` is the client's address.
        """
        ...


@runtime_checkable
class Zones(Protocol):
    """A scene whose names have aliases and name servers."""

    def alias(self, host: str, moment: datetime) -> str | None:
        """Return the canonical name of an alias, else None."""
        ...

    def name_servers(self, domain: str, moment: datetime) -> tuple[str, ...]:
        """Return the name servers of a registrable domain.

        Empty if it does not exist or is no zone of its own.
        """
        ...

    def fails(self, host: str, moment: datetime) -> bool:
        """True if the name servers of a host fail."""
        ...


@runtime_checkable
class VantageOutages(Protocol):
    """A scene whose vantage points can lose their network."""

    def cut_off(self, moment: datetime, source: str) -> bool:
        """True if nothing reaches the place with this source address."""
        ...


def page(
    body: bytes,
    *,
    media_type: str = "text/html",
    status: int = 200,
    tag: str = "",
    head: Head = "plain",
    head_status: int = 0,
    length: Length = "stated",
    image: bool = False,
    extra: tuple[tuple[str, str], ...] = (),
) -> Behaviour:
    """Make a response with a body; `tag` makes its ETag."""
    headers = [("Server", "nginx"), ("Content-Type", media_type), *extra]
    if tag:
        headers += [
            ("ETag", f'"{sha256(tag.encode()).hexdigest()[:20]}"'),
            ("Last-Modified", "Sat, 01 Mar 2025 09:00:00 GMT"),
        ]
    return Behaviour(
        status=status,
        headers=tuple(headers),
        body=body,
        head=head,
        head_status=head_status,
        length=length,
        image=image,
    )


class WithCanary:
    """Another scene, and the lab's two well-behaved hosts in it."""

    def __init__(self, scene: Scene) -> None:
        """Play a scene as it is, canary hosts apart."""
        self._scene = scene
        self._zones = scene if isinstance(scene, Zones) else None
        self._outages = scene if isinstance(scene, VantageOutages) else None

    def listeners(self) -> tuple[Listener, ...]:
        """Put the canary's listeners first: their prefixes are narrower."""
        own = tuple(Listener(key="lab-canary", port=port, prefixes=CANARY_NETWORKS) for port in (80, 443))
        return own + self._scene.listeners()

    def silent(self, moment: datetime) -> bool:
        """True if the scene's network is down, canary included."""
        return self._scene.silent(moment)

    def addresses(self, host: str, moment: datetime) -> tuple[str, ...] | None:
        """Answer for canary hosts always."""
        return _CANARIES.get(host) or self._scene.addresses(host, moment)

    def alias(self, host: str, moment: datetime) -> str | None:
        """Give the scene's aliases, if it has any."""
        return self._zones.alias(host, moment) if self._zones else None

    def name_servers(self, domain: str, moment: datetime) -> tuple[str, ...]:
        """Give the scene's name servers, if it has any."""
        return self._zones.name_servers(domain, moment) if self._zones else ()

    def fails(self, host: str, moment: datetime) -> bool:
        """True if the scene's name servers fail for a host."""
        return self._zones.fails(host, moment) if self._zones else False

    def behaviour(self, listener: Listener, host: str, target: str, moment: datetime, source: str) -> Behaviour:
        """Show one page on canary hosts."""
        if self._outages and self._outages.cut_off(moment, source):
            return Behaviour(kind="hang")
        if host in _CANARIES:
            return page(_DEFAULT, tag=host) if target == "/" else page(_NOT_FOUND, status=404)
        return self._scene.behaviour(listener, host, target, moment, source)


def within(moment: datetime, start: datetime, from_hour: float, to_hour: float) -> bool:
    """True if an instant lies in hours since a start.

    The last hour is not included.
    """
    return timedelta(hours=from_hour) <= moment - start < timedelta(hours=to_hour)
