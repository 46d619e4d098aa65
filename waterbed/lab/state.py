"""The simulated Internet at an instant: what names and servers answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, Protocol

from waterbed.lab.records import Head, Shown, SiteTraits, Truth
from waterbed.lab.world import CANARY_NETWORKS, Outage, World

BODY_BYTES = 50_000
"""Size of every image and page that is up."""

_IMAGE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * (BODY_BYTES // 256 + 1)
_TEXT = b"<!doctype html><title>lab</title>" + b"<p>Invented text of the lab.</p>\n" * (BODY_BYTES // 32)
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
    """One port of the public prefixes that one loopback socket plays."""

    key: str
    port: int
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Behaviour:
    """How one request is answered: a response, or none."""

    kind: Literal["answer", "hang", "close", "reset"] = "answer"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    head: Head = "plain"

    def __repr__(self) -> str:
        """Say nothing of headers: a redirect names its host."""
        return f"<Behaviour {self.kind} {self.status}>"


class Scene(Protocol):
    """Whatever the lab's servers can play."""

    def listeners(self) -> tuple[Listener, ...]:
        """Name every public prefix and port at which something answers."""
        ...

    def silent(self, moment: datetime) -> bool:
        """Whether our own network is down."""
        ...

    def addresses(self, host: str, moment: datetime) -> tuple[str, ...] | None:
        """Give all addresses of a host name; None if it does not exist."""
        ...

    def behaviour(self, listener: Listener, host: str, target: str, moment: datetime) -> Behaviour:
        """Say how a request that reached this listener is answered."""
        ...


def page(
    body: bytes, *, media_type: str = "text/html", status: int = 200, tag: str = "", head: Head = "plain"
) -> Behaviour:
    """Make a response with a body; `tag` makes its ETag."""
    headers = [("Server", "nginx"), ("Content-Type", media_type)]
    if tag:
        headers += [
            ("ETag", f'"{sha256(tag.encode()).hexdigest()[:20]}"'),
            ("Last-Modified", "Sat, 01 Mar 2025 09:00:00 GMT"),
        ]
    return Behaviour(status=status, headers=tuple(headers), body=body, head=head)


def silent(world: World, moment: datetime) -> bool:
    """Whether an instant lies in one of a world's outages."""
    return any(_within(outage, moment - world.start) for outage in world.outage)


def _within(outage: Outage, since: timedelta) -> bool:
    return timedelta(hours=outage.from_hour) <= since < timedelta(hours=outage.to_hour)


class WorldScene:
    """A simulated world, playable."""

    def __init__(self, truth: Truth) -> None:
        """Index a truth by host and path."""
        self._truth = truth
        self._listeners = tuple(
            Listener(key=hoster.key, port=port, prefixes=(*hoster.v4, *hoster.v6))
            for hoster in truth.world.hoster
            for port in (80, 443)
        )
        self._by_host: dict[str, dict[str, Shown]] = {}
        for shown in truth.shown.values():
            self._by_host.setdefault(shown.host, {})[shown.target] = shown

    def listeners(self) -> tuple[Listener, ...]:
        """Two for each hoster: ports 80 and 443."""
        return self._listeners

    def silent(self, moment: datetime) -> bool:
        """Whether the world has an outage then."""
        return silent(self._truth.world, moment)

    def addresses(self, host: str, moment: datetime) -> tuple[str, ...] | None:
        """Look the host's timeline up."""
        timeline = self._truth.hosts.get(host)
        return timeline.at(moment) if timeline else None

    def behaviour(self, listener: Listener, host: str, target: str, moment: datetime) -> Behaviour:
        """Answer as the site does that lies at this hoster now."""
        place = self._truth.places.get(host)
        if place is None or place.at(moment) != listener.key:
            return page(_NOT_FOUND, status=404)
        traits, shown = self._truth.traits[host], self._by_host[host]
        if self._truth.pages[next(iter(shown.values())).url].at(moment) == "suspended":
            scheme = "https" if listener.port == 443 else "http"
            away = f"{scheme}://{host}/cgi-sys/suspendedpage.cgi"
            return Behaviour(status=302, headers=(("Server", "Apache"), ("Location", away)), head=traits.head)
        if traits.https_redirect and listener.port == 80:
            return Behaviour(status=301, headers=(("Location", f"https://{host}{target}"),), head=traits.head)
        return self._page(traits, host, shown.get(target), moment)

    def _page(self, traits: SiteTraits, host: str, shown: Shown | None, moment: datetime) -> Behaviour:
        default = page(_DEFAULT, tag=host, head=traits.head)
        if traits.indistinct:
            return default
        state = self._truth.pages[shown.url].at(moment) if shown else None
        if shown and state == "up":
            body = _IMAGE[:BODY_BYTES] if shown.image else _TEXT[:BODY_BYTES]
            return page(body, media_type=shown.media_type, tag=shown.content_id, head=traits.head)
        if traits.catch_all:
            return default
        return page(_NOT_FOUND, status=410 if state == "410" else 404, head=traits.head)


class WithCanary:
    """Another scene, and the lab's two well-behaved hosts in it."""

    def __init__(self, scene: Scene) -> None:
        """Play a scene as it is, canary hosts apart."""
        self._scene = scene

    def listeners(self) -> tuple[Listener, ...]:
        """Put the canary's listeners first: their prefixes are the narrower ones."""
        own = tuple(Listener(key="lab-canary", port=port, prefixes=CANARY_NETWORKS) for port in (80, 443))
        return own + self._scene.listeners()

    def silent(self, moment: datetime) -> bool:
        """Whether the scene's network is down: the canary is behind it too."""
        return self._scene.silent(moment)

    def addresses(self, host: str, moment: datetime) -> tuple[str, ...] | None:
        """Answer for canary hosts always."""
        return _CANARIES.get(host) or self._scene.addresses(host, moment)

    def behaviour(self, listener: Listener, host: str, target: str, moment: datetime) -> Behaviour:
        """Show one page on canary hosts."""
        if host in _CANARIES:
            return page(_DEFAULT, tag=host) if target == "/" else page(_NOT_FOUND, status=404)
        return self._scene.behaviour(listener, host, target, moment)
