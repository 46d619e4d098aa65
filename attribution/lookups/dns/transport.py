"""DNS questions over multiplexed UDP, and over TCP."""

import asyncio
import errno
import os
import random
import socket
from collections.abc import Callable
from contextlib import suppress

from waterbed.attribution.lookups.dns.messages import answers, query
from waterbed.model.errors import OwnFailure

OnReply = Callable[[bytes], None]
"""Callback for the one answer that matches a question."""

_PORTS = 8
_SENDS_A_PORT = 4096
_DRAIN = 64
_BUFFER = 1 << 20
_ID_BYTES = 4096
_NETWORK = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.ECONNREFUSED}


_Wait = tuple[bytes, OnReply]
"""A question, and who hears its answer."""


class Port:
    """One connected UDP socket: the kernel drops others' datagrams."""

    __slots__ = ("sends", "sock", "waiting")

    def __init__(self, sock: socket.socket) -> None:
        """Take a connected socket that does not block."""
        self.sock = sock
        self.waiting: dict[int, _Wait] = {}
        self.sends = 0


Ticket = tuple[Port, int, _Wait]
"""A pending question: its port, message id and callback."""


class Datagrams:
    """Questions to one resolver over a few UDP ports.

    A question leaves by a random one of the ports, with a random id that is free on it; a port is replaced after a few
    thousand questions. An answer counts if it comes from the resolver to that port with that id and that question;
    anything else is ignored and the question goes on waiting.
    """

    def __init__(self, where: tuple[str, int]) -> None:
        """Keep the resolver's address; ports are opened when needed."""
        self._where = where
        self._family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
        self._ports: list[Port | None] = [None] * _PORTS
        self._leaving: set[Port] = set()
        self._ids: list[int] = []

    def ask(self, question: bytes, on_reply: OnReply) -> Ticket | None:
        """Send a question once.

        None if the network does not take it. Raises OwnFailure if no socket can be had.
        """
        place = random.randrange(_PORTS)  # noqa: S311 (spreads the load; what must be unguessable is the port and the id)
        port = self._ports[place]
        if port is None or port.sends >= _SENDS_A_PORT:
            if port is not None:
                self._retire(port)
            port = self._ports[place] = self._open()
            if port is None:
                return None
        number = self._free_id(port)
        wait = port.waiting[number] = (question, on_reply)
        port.sends += 1
        # a full buffer, or the ICMP error of an earlier question: the next try sends again
        with suppress(OSError):
            port.sock.send(query(number, question))
        return port, number, wait

    def forget(self, ticket: Ticket) -> None:
        """Stop waiting for an answer.

        It does nothing after the answer came, even if another question has the id by then.
        """
        port, number, wait = ticket
        if port.waiting.get(number) is wait:
            del port.waiting[number]
        if not port.waiting and port in self._leaving:
            self._leaving.discard(port)
            _shut(port)

    def close(self) -> None:
        """Close all ports; later answers are lost."""
        for port in (*filter(None, self._ports), *self._leaving):
            _shut(port)
        self._ports = [None] * _PORTS
        self._leaving.clear()

    def _open(self) -> Port | None:
        try:
            sock = socket.socket(self._family, socket.SOCK_DGRAM)
        except OSError as problem:
            raise OwnFailure(f"no socket for name look-ups ({problem.strerror}; docs/operations.md)") from None
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            sock.connect(self._where)
        except OSError as problem:
            sock.close()
            if problem.errno in _NETWORK:
                return None
            raise OwnFailure(f"no socket for name look-ups ({problem.strerror}; docs/operations.md)") from None
        port = Port(sock)
        asyncio.get_running_loop().add_reader(sock, self._drain, port)
        return port

    def _retire(self, port: Port) -> None:
        if port.waiting:
            self._leaving.add(port)
        else:
            _shut(port)

    def _free_id(self, port: Port) -> int:
        while True:
            if not self._ids:
                fresh = os.urandom(_ID_BYTES)
                self._ids = [fresh[i] << 8 | fresh[i + 1] for i in range(0, _ID_BYTES, 2)]
            number = self._ids.pop()
            if number not in port.waiting:
                return number

    def _drain(self, port: Port) -> None:
        for _ in range(_DRAIN):
            try:
                data = port.sock.recv(65_535)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error, which names no question; or the port was closed while draining
                return
            number = data[0] << 8 | data[1] if len(data) > 2 else -1
            pending = port.waiting.get(number)
            if pending is not None and answers(data, pending[0]):
                self.forget((port, number, pending))
                pending[1](data)


def _shut(port: Port) -> None:
    asyncio.get_running_loop().remove_reader(port.sock)
    port.sock.close()
    port.waiting.clear()


async def ask_over_tcp(where: tuple[str, int], question: bytes) -> bytes | None:
    """One question over a TCP connection of its own.

    None if no fitting answer came. The caller bounds the time. Framing is two bytes of length (RFC 1035, section
    4.2.2).
    """
    number = int.from_bytes(os.urandom(2), "big")
    message = query(number, question)
    try:
        reader, writer = await asyncio.open_connection(*where)
    except OSError:
        return None
    try:
        writer.write(len(message).to_bytes(2, "big") + message)
        size = int.from_bytes(await reader.readexactly(2), "big")
        data = await reader.readexactly(size)
    except (OSError, asyncio.IncompleteReadError):
        return None
    finally:
        writer.close()
    return data if data[:2] == message[:2] and answers(data, question) else None
