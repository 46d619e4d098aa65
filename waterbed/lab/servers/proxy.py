"""A CONNECT proxy from public addresses to the lab's listeners.

It keeps nothing of the traffic.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import Callable, Coroutine, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from waterbed.lab.servers.counts import Tally
from waterbed.lab.servers.state import Listener
from waterbed.lab.servers.wire import bytes_acked

OUTGOING = "127.0.0.3"
"""Source address of the proxy's own connections."""

PIECE = 1024
"""Most bytes taken from one side at once, and only when the other side has taken the piece before."""

_WINDOW = 1152
_BUFFER = 4096
_MOST_HEAD = 8192
_HEAD_S = 30.0
_REQUEST = re.compile(rb"CONNECT (?:\[([0-9A-Fa-f:.]+)\]|([^ :]+)):(\d{1,5}) HTTP/1\.[01]\r\n")

Route = Callable[[str, int], int | None]
"""From a public address and port to the loopback port that plays it, None if none does."""


def route_of(listeners: Sequence[Listener], ports: Sequence[int]) -> Route:
    """Map by the listeners' prefixes, the narrowest first."""
    rules: list[tuple[IPv4Network | IPv6Network, int, int]] = [
        (ip_network(prefix), listener.port, port)
        for listener, port in zip(listeners, ports, strict=True)
        for prefix in listener.prefixes
    ]
    rules.sort(key=lambda rule: -rule[0].prefixlen)

    def route(address: str, port: int) -> int | None:
        wanted = ip_address(address)
        return next((to for net, p, to in rules if p == port and wanted.version == net.version and wanted in net), None)

    return route


class Proxy:
    """Takes CONNECT requests and makes tunnels of them."""

    def __init__(self, route: Route, tally: Tally, tunnels: dict[tuple[str, int], Callable[[], int]]) -> None:
        """Connect by `route`; report acknowledged bytes to `tunnels`."""
        self._route = route
        self._tally = tally
        self._tunnels = tunnels
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> int:
        """Open a free port of 127.0.0.1; returns it."""
        sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
        sock.setblocking(False)
        self._keep(self._accept(sock))
        port: int = sock.getsockname()[1]
        return port

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(sock)
            client.setblocking(False)
            self._keep(self._client(client))

    async def _client(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, TimeoutError):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(_HEAD_S):
                head, early = await _head(client)
            status, upstream = await self._connect(head, client)
            if upstream is None:
                self._tally.tunnels_refused += 1
                await _send(client, f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                return
            with upstream:
                end = upstream.getsockname()[:2]
                try:
                    await _tunnel(client, upstream, early)
                finally:
                    # While the port is still ours: once it is free, another tunnel may be reported under the same name.
                    self._tunnels.pop(end)()

    async def _connect(self, head: bytes, client: socket.socket) -> tuple[str, socket.socket | None]:
        """Connect to the requested target; return a status on failure."""
        found = _REQUEST.match(head)
        if not found:
            return ("400 Bad Request" if head.startswith(b"CONNECT ") else "405 Method Not Allowed"), None
        address, port = (found[1] or found[2]).decode("latin-1"), int(found[3])
        try:
            to = self._route(address, port)
        except ValueError:
            # A name: whoever asks must have checked the address it stands for.
            return "400 Bad Request", None
        if to is None:
            return "403 Forbidden", None
        upstream = socket.socket()
        try:
            upstream.setblocking(False)
            upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, _WINDOW)
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            upstream.bind((OUTGOING, 0))
            answer = b"HTTP/1.1 200 Connection established\r\n\r\n"
            # Told before the server can see the connection, which asks as soon as it does.
            self._tunnels[upstream.getsockname()[:2]] = _Delivered(client, len(answer))
            await asyncio.get_running_loop().sock_connect(upstream, ("127.0.0.1", to))
        except OSError:
            upstream.close()
            return "502 Bad Gateway", None
        self._tally.tunnels += 1
        await _send(client, answer)
        return "", upstream


class _Delivered:
    """Acknowledged bytes behind the proxy's own response."""

    def __init__(self, client: socket.socket, answer: int) -> None:
        self._client = client
        self._answer = answer
        self._last = 0

    def __call__(self) -> int:
        # When the socket is closed, what was last read of it stands.
        with contextlib.suppress(OSError):
            self._last = max(self._last, bytes_acked(self._client) - self._answer)
        return self._last


async def _head(client: socket.socket) -> tuple[bytes, bytes]:
    loop = asyncio.get_running_loop()
    data = b""
    while b"\r\n\r\n" not in data and len(data) < _MOST_HEAD:
        piece = await loop.sock_recv(client, PIECE)
        if not piece:
            break
        data += piece
    head, end, rest = data.partition(b"\r\n\r\n")
    return (head + b"\r\n" if end else b""), rest


async def _send(sock: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, data)


async def _tunnel(client: socket.socket, upstream: socket.socket, early: bytes) -> None:
    """Pass bytes both ways until the tunnel ends."""
    if early:
        await _send(upstream, early)
    ways = [asyncio.ensure_future(_pass(client, upstream)), asyncio.ensure_future(_pass(upstream, client))]
    try:
        # A client that has gone ends the tunnel; a server's end is passed on, and what the client does then awaited.
        await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _pass(taken: socket.socket, given: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        piece = await loop.sock_recv(taken, PIECE)
        if not piece:
            given.shutdown(socket.SHUT_WR)
            return
        await loop.sock_sendall(given, piece)
