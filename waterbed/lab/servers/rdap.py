"""RDAP servers on loopback with limits and faults.

There is one per registry.

They count their requests.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from types import TracebackType

from waterbed.lab.servers.rdap_data import Registries, etag_of

_MINUTE = timedelta(seconds=60)
_JSON = "application/rdap+json"
_HTML = b"<!DOCTYPE html><html><body><h1>Too many requests</h1></body></html>"
_MOST_HEAD = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryBehaviour:
    """The limit of a registry and shares of faults.

    Faults: limited_seconds, limited_date, limited, limited_html, error, error_html, slow, garbage, truncated, html,
    odd_type, reset, loop, refused, page, away.
    """

    a_minute: int | None = None
    faults: Mapping[str, float] = field(default_factory=dict)
    slow_s: float = 1.0
    """Real seconds that a slow answer takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    body: bytes = b""
    media_type: str = _JSON
    headers: tuple[str, ...] = ()
    stated: int | None = None


class RdapServers:
    """One HTTP server per registry, as an asynchronous context manager.

    `clock` is the lab's: limits and counts go by it. `bases` says where each registry is asked.
    """

    def __init__(
        self,
        registries: Registries,
        clock: Callable[[], datetime],
        behaviours: Mapping[str, RegistryBehaviour] | None = None,
        *,
        seed: int = 1,
    ) -> None:
        """Prepare the servers; the ports are opened when entered."""
        self._registries, self._clock, self._behaviours = registries, clock, behaviours or {}
        self._rng = random.Random(seed)  # noqa: S311 (a lab's faults)
        self.bases: dict[str, str] = {}
        self.times: dict[str, list[datetime]] = defaultdict(list)
        """Times of requests to each registry, on the lab's clock."""
        self.paths: dict[str, list[str]] = defaultdict(list)
        """Paths requested from each registry."""
        self.unchanged = 0
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> "RdapServers":
        """Open one port of 127.0.0.1 for each registry."""
        for name in self._registries.names:
            server = await asyncio.start_server(partial(self._serve, name), "127.0.0.1", 0)
            self._servers.append(server)
            self.bases[name] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/rdap/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the ports."""
        for server in self._servers:
            server.close()

    def set_registries(self, registries: Registries) -> None:
        """Replace the records of the same registries."""
        self._registries = registries

    @property
    def requests(self) -> int:
        """All requests so far."""
        return sum(map(len, self.times.values()))

    def most_in_a_minute(self, registry: str) -> int:
        """Maximum requests to a registry in any 60 s.

        By the lab's time.
        """
        most, start, times = 0, 0, self.times[registry]
        for end, when in enumerate(times):
            while when - times[start] >= _MINUTE:
                start += 1
            most = max(most, end - start + 1)
        return most

    async def _serve(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head[:_MOST_HEAD].decode("latin-1").split("\r\n")
                fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
                method, path, _ = lines[0].split(" ")
                answer = await self._answer(name, path, fields) if method == "GET" else _Answer(status=405)
                if answer is None:
                    writer.transport.abort()
                    return
                _write(writer, answer)
                await writer.drain()
                if answer.stated is not None:
                    return
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, OSError):
            return
        finally:
            writer.close()

    async def _answer(self, name: str, path: str, fields: Mapping[str, str]) -> _Answer | None:
        """Return the response of a registry; None cuts the connection."""
        now, behaviour = self._clock(), self._behaviours.get(name, RegistryBehaviour())
        self.times[name].append(now)
        self.paths[name].append(path)
        if behaviour.a_minute is not None and self._in_last_minute(name, now) > behaviour.a_minute:
            return self._limited(self._rng.choice(("limited", "limited_seconds", "limited_html")), now)
        fault = self._fault(behaviour)
        if fault == "slow":
            await asyncio.sleep(behaviour.slow_s)
            fault = None
        if fault == "reset":
            return None
        return self._said(name, path, fields.get("if-none-match", ""), fault, now)

    def _in_last_minute(self, name: str, now: datetime) -> int:
        count = 0
        for when in reversed(self.times[name]):
            if now - when >= _MINUTE:
                break
            count += 1
        return count

    def _fault(self, behaviour: RegistryBehaviour) -> str | None:
        drawn = self._rng.random()
        for fault, share in behaviour.faults.items():
            drawn -= share
            if drawn < 0:
                return fault
        return None

    def _limited(self, how: str, now: datetime) -> _Answer:
        if how == "limited_html":
            return _Answer(status=429, body=_HTML, media_type="text/html")
        wait = {"limited_seconds": "7", "limited_date": format_datetime(now + timedelta(seconds=9), usegmt=True)}.get(
            how
        )
        return _Answer(status=429, body=b"{}", headers=(f"Retry-After: {wait}",) if wait else ())

    def _said(self, name: str, path: str, known: str, fault: str | None, now: datetime) -> _Answer:
        kind, _, asked = path.removeprefix("/rdap/").partition("/")
        look = {"ip": self._registries.network, "autnum": self._registries.autnum, "domain": self._registries.domain}
        one = look[kind](name, asked) if kind in look else None
        fault = getattr(one, "rotten", None) or fault
        if fault and fault.startswith("limited"):
            return self._limited(fault, now)
        if fault in ("error", "error_html"):
            html = fault == "error_html"
            return _Answer(status=503, body=_HTML if html else b"{}", media_type="text/html" if html else _JSON)
        if fault == "loop":
            return _Answer(status=302, headers=(f"Location: {self.bases[name]}{kind}/{asked}",))
        if fault == "refused":
            return _Answer(status=403, body=b"{}")
        if fault == "page":  # the web server's own: what answers RDAP is elsewhere, or gone
            return _Answer(status=404, body=_HTML, media_type="text/html")
        if fault == "away":  # to a server that no bootstrap names
            return _Answer(status=302, headers=(f"Location: http://127.0.0.1:9/rdap/{kind}/{asked}",))
        if fault == "html":
            return _Answer(status=200, body=_HTML, media_type="text/html")
        if one is None:
            return self._elsewhere(name, kind, asked)
        document = self._registries.document(one, self.bases[name])
        etag = etag_of(document)
        if fault == "garbage":
            return _Answer(status=200, body=self._rng.randbytes(400))
        if fault == "truncated":
            return _Answer(status=200, body=document[: len(document) // 2], stated=len(document))
        if known == etag:
            self.unchanged += 1
            return _Answer(status=304, headers=(f"ETag: {etag}",))
        media_type = "text/html" if fault == "odd_type" else _JSON
        return _Answer(status=200, body=document, media_type=media_type, headers=(f"ETag: {etag}",))

    def _elsewhere(self, name: str, kind: str, asked: str) -> _Answer:
        others = [other for other in self.bases if other != name]
        keeper = self._registries.keeper(asked, others) if kind == "ip" else None
        if keeper is None:
            return _Answer(status=404, body=b'{"errorCode": 404, "title": "not found"}')
        return _Answer(status=302, headers=(f"Location: {self.bases[keeper]}{kind}/{asked}",))


def _write(writer: asyncio.StreamWriter, answer: _Answer) -> None:
    size = len(answer.body) if answer.stated is None else answer.stated
    head = [f"HTTP/1.1 {answer.status} Said", f"Content-Type: {answer.media_type}", *answer.headers]
    if answer.status != 304:
        head.append(f"Content-Length: {size}")
    writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + answer.body)
