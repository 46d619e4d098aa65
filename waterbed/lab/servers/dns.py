"""A scene's DNS server on loopback, UDP and TCP."""

import asyncio
import socket
import struct
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdata

from waterbed.lab.servers.state import Scene, Zones
from waterbed.model.urls import special_use

TTL = 60
"""TTL of every answer, negative ones too, seconds."""

_A, _NS, _CNAME, _AAAA, _OPT = 1, 2, 5, 28, 41
_PLAIN_UDP, _OUR_UDP = 512, 1232
_NO_ANSWER = b""
_HEADER = struct.Struct("!HHHHHH")
_QUESTION = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_POINTER = b"\xc0\x0c"
_CNAME_BYTES = struct.pack("!H", _CNAME)
_OPT_RECORD = b"\x00" + struct.pack("!HHIH", _OPT, _OUR_UDP, 0, 0)
_RESPONSE = dns.flags.QR | dns.flags.AA | dns.flags.RA
_TRUNCATED, _RD = dns.flags.TC, dns.flags.RD
_SOA_DATA = dns.rdata.from_text("IN", "SOA", f"ns.invalid. lab.invalid. 1 3600 600 86400 {TTL}").to_wire() or b""
_SOA = b"\x00" + _RECORD.pack(6, 1, TTL, len(_SOA_DATA)) + _SOA_DATA


@lru_cache(maxsize=65_536)
def _records(addresses: tuple[str, ...], kind: int, owner: bytes = _POINTER) -> tuple[int, bytes]:
    wanted = 4 if kind == _A else 6
    found = [address for address in map(ip_address, addresses) if address.version == wanted]
    # The owner is the question's name, at offset 12 of the message, unless that name is an alias.
    return len(found), b"".join(
        owner + _RECORD.pack(kind, 1, TTL, len(address.packed)) + address.packed for address in found
    )


@lru_cache(maxsize=65_536)
def _encoded(name: str) -> bytes:
    labels = name.encode("ascii").split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\x00"


def _pointing(kind: int, names: tuple[str, ...]) -> bytes:
    """Pack the question's records whose data is a name."""
    return b"".join(_POINTER + _RECORD.pack(kind, 1, TTL, len(data)) + data for data in map(_encoded, names))


class Answers:
    """Turns a query's bytes into those of its response."""

    def __init__(self, scene: Scene, clock: Callable[[], datetime]) -> None:
        """Answer from a scene, as of the clock's time."""
        self._scene = scene
        self._zones = scene if isinstance(scene, Zones) else None
        self._clock = clock
        self.queries = 0
        self.special = 0

    def answer(self, query: bytes, *, udp: bool) -> bytes:
        """Return the response's bytes, empty if there is no response.

        It is empty while the network is down and for bytes that are no query.

        Assembled by hand, since a pass asks for each name once and would never meet a cache of whole answers.
        """
        self.queries += 1
        now = self._clock()
        if len(query) < _HEADER.size or self._scene.silent(now):
            return _NO_ANSWER
        identity, flags, questions, answers, authorities, extras = _HEADER.unpack_from(query)
        if flags & dns.flags.QR:
            return _NO_ANSWER
        name = _name(query) if questions == 1 and not answers and not authorities and extras <= 1 else None
        if name is None or flags & 0x7800:
            return _odd(query)
        host, after = name
        self.special += special_use(host)
        kind, class_ = _QUESTION.unpack_from(query, after)
        question_end = after + _QUESTION.size
        size = _udp_size(query, question_end, extras)
        count, records, rcode = self._find(host, kind, class_, now)
        reply = flags & _RD | _RESPONSE | rcode
        # An alias alone answers no question about addresses; any other record does.
        authority = _SOA if not count or (records[2:4] == _CNAME_BYTES and count == 1 and kind != _CNAME) else b""
        extra = _OPT_RECORD if extras else b""
        tail = records + authority + extra
        if udp and question_end + len(tail) > size:
            return (
                _HEADER.pack(identity, reply | _TRUNCATED, 1, 0, 0, len(extra) and 1)
                + query[_HEADER.size : question_end]
                + extra
            )
        counts = (1, count, len(authority) and 1, len(extra) and 1)
        return _HEADER.pack(identity, reply, *counts) + query[_HEADER.size : question_end] + tail

    def _find(self, host: str, kind: int, class_: int, now: datetime) -> tuple[int, bytes, int]:
        if self._zones and self._zones.fails(host, now):
            return 0, b"", dns.rcode.SERVFAIL
        addresses = self._scene.addresses(host, now)
        if addresses is None:
            return 0, b"", dns.rcode.NXDOMAIN
        if class_ != 1:
            return 0, b"", dns.rcode.NOERROR
        alias = self._zones.alias(host, now) if self._zones else None
        if alias:
            count, records = _records(addresses, kind, _encoded(alias)) if kind in (_A, _AAAA) else (0, b"")
            return count + 1, _pointing(_CNAME, (alias,)) + records, dns.rcode.NOERROR
        if kind == _NS and self._zones:
            names = self._zones.name_servers(host, now)
            return len(names), _pointing(_NS, names), dns.rcode.NOERROR
        if kind not in (_A, _AAAA):
            return 0, b"", dns.rcode.NOERROR
        count, records = _records(addresses, kind)
        return count, records, dns.rcode.NOERROR


def _name(query: bytes) -> tuple[str, int] | None:
    labels: list[str] = []
    place = _HEADER.size
    while place < len(query):
        length = query[place]
        place += 1
        if length == 0:
            fits = place + _QUESTION.size <= len(query) and place - _HEADER.size <= 255
            return (".".join(labels), place) if fits else None
        if length > 63:
            return None
        labels.append(query[place : place + length].decode("latin-1").lower())
        place += length
    return None


def _udp_size(query: bytes, place: int, extras: int) -> int:
    if not extras or len(query) < place + 11 or query[place] != 0:
        return _PLAIN_UDP
    kind, size = _QUESTION.unpack_from(query, place + 1)
    return max(_PLAIN_UDP, min(size, _OUR_UDP)) if kind == _OPT else _PLAIN_UDP


def _odd(query: bytes) -> bytes:
    # Several questions, other opcodes, broken names: rare, so the library may take its time.
    try:
        message = dns.message.from_wire(query, ignore_trailing=True)
        response = dns.message.make_response(message)
        response.set_rcode(dns.rcode.NOTIMP)
        return response.to_wire()
    except (dns.exception.DNSException, ValueError):
        return query[:2] + struct.pack("!HHHHH", dns.flags.QR | dns.rcode.FORMERR, 0, 0, 0, 0)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Python 3.11's selector transport is no DatagramTransport by class, only by its methods.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._answers.answer(data, udp=True)
        if answer:
            self._transport.sendto(answer, addr)


class _Tcp(asyncio.Protocol):
    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while len(self._pending) >= 2:
            length = int.from_bytes(self._pending[:2], "big")
            if len(self._pending) < 2 + length:
                return
            query, self._pending = self._pending[2 : 2 + length], self._pending[2 + length :]
            answer = self._answers.answer(query, udp=False)
            if answer:
                self._transport.write(len(answer).to_bytes(2, "big") + answer)


async def serve_dns(answers: Answers) -> int:
    """Open UDP and TCP on a loopback port; return it."""
    loop = asyncio.get_running_loop()
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setblocking(False)
        # A pass asks in bursts, and a lost query costs its sender a whole timeout.
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        udp.bind(("127.0.0.1", 0))
        port: int = udp.getsockname()[1]
        try:
            await loop.create_server(lambda: _Tcp(answers), "127.0.0.1", port)
        except OSError:
            # The port is free for UDP alone; another one will do.
            udp.close()
            continue
        await loop.create_datagram_endpoint(lambda: _Udp(answers), sock=udp)
        return port
