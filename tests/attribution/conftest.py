"""Shared by the room's tests: a real DNS server."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

Script = Callable[[dns.message.Message, bool], list[bytes]]
"""From a query, and whether it came over TCP, to the messages that are sent back."""


class NameServer:
    """A DNS server on loopback, UDP and TCP on one port, that answers by script.

    `records` maps (host, type) to RRset texts for the answer section; a host in `scripts` is answered by its script;
    all else does not exist.
    """

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.scripts: dict[str, Script] = {}
        self.asked: list[tuple[str, str, bool]] = []
        self.last_sender: tuple[str, int] = ("127.0.0.1", 0)
        self._udp, self._tcp = self._bound()
        self.port: int = self._udp.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._serve_udp, self._serve_tcp)]

    @staticmethod
    def _bound() -> tuple[socket.socket, socket.socket]:
        while True:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind(("127.0.0.1", 0))
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                udp.close()
                tcp.close()
                continue
            tcp.listen()
            return udp, tcp

    def __enter__(self) -> "NameServer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._udp.sendto(b"", self._udp.getsockname())
        with socket.create_connection(self._tcp.getsockname()):
            pass
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def hosts_asked(self) -> set[str]:
        """The distinct hosts that were asked for."""
        return {host for host, _, _ in self.asked}

    def reply(self, query: dns.message.Message, *texts: str, rcode: int = 0, soa: str = "") -> dns.message.Message:
        """A response with RRsets in the answer section and perhaps an SOA record in the authority section."""
        response = dns.message.make_response(query, recursion_available=True)
        response.set_rcode(rcode)
        response.answer = [rrset(text) for text in texts]
        if soa:
            response.authority = [rrset(soa)]
        return response

    def _answers(self, data: bytes, tcp: bool) -> list[bytes]:
        query = dns.message.from_wire(data)
        host = query.question[0].name.to_text(omit_final_dot=True)
        kind = query.question[0].rdtype.name
        self.asked.append((host, kind, tcp))
        if host in self.scripts:
            return self.scripts[host](query, tcp)
        soa = "test. 300 IN SOA ns.test. me.test. 1 2 3 4 60"
        texts = self.records.get((host, kind), [])
        exists = any(known == host for known, _ in self.records)
        rcode = dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN
        return [self.reply(query, *texts, rcode=rcode, soa="" if texts else soa).to_wire()]

    def _serve_udp(self) -> None:
        while True:
            data, sender = self._udp.recvfrom(4096)
            if not data:
                return
            self.last_sender = sender
            for message in self._answers(data, tcp=False):
                self._udp.sendto(message, sender)

    def _serve_tcp(self) -> None:
        while True:
            connection, _ = self._tcp.accept()
            with connection, contextlib.suppress(OSError):
                size = connection.recv(2, socket.MSG_WAITALL)
                if not size:
                    return
                data = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
                for message in self._answers(data, tcp=True):
                    connection.sendall(len(message).to_bytes(2, "big") + message)


def rrset(text: str) -> dns.rrset.RRset:
    """An RRset from `name ttl class type rdata[|rdata...]`."""
    name, ttl, rdclass, rdtype, rdata = text.split(" ", 4)
    return dns.rrset.from_text(name, int(ttl), rdclass, rdtype, *rdata.split("|"))


@pytest.fixture
def server() -> Iterator[NameServer]:
    """A running DNS server."""
    with NameServer() as running:
        yield running
