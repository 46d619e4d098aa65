"""Servers of TLS records that no library writes: on loopback, counting what was acknowledged, or in memory."""

import asyncio
import contextlib
import hmac
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tests.crawler.net.pushing import Pushed, context
from waterbed.crawler.net.tls_records import KeyLog
from waterbed.lab.servers.wire import bytes_acked

ALERT, HANDSHAKE, TEXT = 21, 22, 23

_HEADER, _TRAILER = 5, 17


def ticket(size: int = 200, inside: bytes = b"") -> bytes:
    """A NewSessionTicket message whose ticket has `size` bytes and begins with `inside`."""
    said = bytes(8) + b"\x01\0" + size.to_bytes(2) + inside.ljust(size, b"t") + b"\0\0"
    return b"\x04" + len(said).to_bytes(3) + said


class Records:
    """Writes the records of a TLS 1.3 server, from its secret."""

    front = 0
    """Bytes of a record between its header and its text."""

    def __init__(self, suite: str, secret: bytes) -> None:
        self._digest = SHA384() if suite.endswith("384") else SHA256()
        self._key_size = 16 if "128_GCM" in suite else 32
        self._aead = ChaCha20Poly1305 if "CHACHA20" in suite else AESGCM
        self._secret = secret
        self._number = 0

    def _expanded(self, label: bytes, size: int) -> bytes:
        info = struct.pack(">HB", size, len(label) + 6) + b"tls13 " + label + b"\0"
        return HKDFExpand(algorithm=self._digest, length=size, info=info).derive(self._secret)

    def record(self, kind: int, data: bytes, padding: int = 0) -> bytes:
        """One record of an inner type."""
        inner = data + bytes([kind]) + bytes(padding)
        front = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2)
        nonce = (int.from_bytes(self._expanded(b"iv", 12)) ^ self._number).to_bytes(12)
        self._number += 1
        return front + self._aead(self._expanded(b"key", self._key_size)).encrypt(nonce, inner, front)

    def key_update(self, padding: int = 0) -> bytes:
        """A change of the key; records after it have the new one."""
        said = self.record(HANDSHAKE, b"\x18\0\0\x01\0", padding)
        self._secret, self._number = self._expanded(b"traffic upd", self._digest.digest_size), 0
        return said


class OldRecords(Records):
    """Writes the records of a server of TLS 1.0 to 1.2 (RFC 5246, section 6; RFC 2246; RFC 7366; RFC 7905)."""

    def __init__(self, suite: str, version: str, master: bytes, randoms: bytes, last: bytes, *, mac_last: bool) -> None:
        """`last` is what the server sent last, `mac_last` says that the MAC is made of what was encrypted."""
        self._version = {"TLSv1": b"\x03\x01", "TLSv1.1": b"\x03\x02", "TLSv1.2": b"\x03\x03"}[version]
        self._number, self._mac_last = 1, mac_last
        self._cbc = not ("GCM" in suite or "CHACHA20" in suite)
        self._mac_name = (
            {"SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}[suite.rpartition("-")[2]] if self._cbc else ""
        )
        size = 32 if "AES256" in suite or "CHACHA20" in suite else 16
        mac = hmac.new(b"", b"", self._mac_name).digest_size if self._cbc else 0
        block = _key_block(version, "sha384" if suite.endswith("SHA384") else "sha256", master, randoms)
        self._mac_key, block = block[mac : 2 * mac], block[2 * mac :]
        self._key, block = block[size : 2 * size], block[2 * size :]
        self._chained = last[: -mac if mac_last else None][-16:]
        if self._cbc:
            self.front = 0 if version == "TLSv1" else 16
        elif "CHACHA20" in suite:
            self._iv = block[12:24]
            self._seal = ChaCha20Poly1305(self._key).encrypt
        else:
            self._iv, self.front = block[4:8], 8
            self._seal = AESGCM(self._key).encrypt

    def record(self, kind: int, data: bytes, padding: int = 0) -> bytes:
        """One record; `padding` is in blocks of 16 bytes, of CBC suites alone."""
        head = bytes([kind]) + self._version
        number = self._number.to_bytes(8)
        self._number += 1
        if self._cbc:
            made = self._chain(number, head, data, min(padding // 16, 14))
        elif self.front:
            made = number + self._seal(self._iv + number, data, number + head + len(data).to_bytes(2))
        else:
            nonce = (int.from_bytes(self._iv) ^ int.from_bytes(number)).to_bytes(12)
            made = self._seal(nonce, data, number + head + len(data).to_bytes(2))
        return head + len(made).to_bytes(2) + made

    def _chain(self, number: bytes, head: bytes, data: bytes, blocks: int) -> bytes:
        def mac(made: bytes) -> bytes:
            return hmac.digest(self._mac_key, number + head + len(made).to_bytes(2) + made, self._mac_name)

        plain = data if self._mac_last else data + mac(data)
        pad = 16 * blocks + 15 - len(plain) % 16
        iv = os.urandom(16) if self.front else self._chained
        cipher = Cipher(AES(self._key), CBC(iv)).encryptor()
        made = (iv if self.front else b"") + cipher.update(plain + bytes([pad]) * (pad + 1))
        self._chained = made[-16:]
        return made + (mac(made) if self._mac_last else b"")

    def key_update(self, padding: int = 0) -> bytes:
        """A server's wish for another handshake, which a client may ignore: there is no change of the key."""
        return self.record(HANDSHAKE, bytes(4), padding)


def _key_block(version: str, digest: str, master: bytes, randoms: bytes) -> bytes:
    def stream(secret: bytes, name: str) -> bytes:
        made, link = b"", b"key expansion" + randoms
        seed = link
        while len(made) < 256:
            link = hmac.digest(secret, link, name)
            made += hmac.digest(secret, link + seed, name)
        return made[:256]

    if version == "TLSv1.2":
        return stream(master, digest)
    return bytes(a ^ b for a, b in zip(stream(master[:24], "md5"), stream(master[24:], "sha1"), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of session: what is negotiated."""

    version: ssl.TLSVersion
    suite: str
    mac_last: bool = False

    def __str__(self) -> str:
        return f"{self.version.name}-{self.suite}{'-etm' if self.mac_last else ''}"


class Client(Protocol):
    """A client that shakes hands in memory."""

    def shake(self) -> None:
        """Go on with the handshake."""

    def take(self, data: bytes) -> None:
        """Take what the server sent."""

    def outgoing(self) -> bytes:
        """Return what is to be sent."""


_NO_ENCRYPT_THEN_MAC = 1 << 19
"""SSL_OP_NO_ENCRYPT_THEN_MAC of OpenSSL, which the standard library does not name."""


class Shaking:
    """A server of one kind that shakes hands in memory with one client after the other."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._context = context(version=kind.version, rsa="ECDSA" not in kind.suite)
        if kind.version != ssl.TLSVersion.TLSv1_3:
            self._context.set_ciphers(f"{kind.suite}:@SECLEVEL=0")
            self._context.options |= 0 if kind.mac_last else _NO_ENCRYPT_THEN_MAC
        self._context.num_tickets = 0
        self._log = KeyLog(self._context)

    def shake(self, client: Client) -> Records:
        """Finish the handshake with a client; return what writes the server's records."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = self._context.wrap_bio(incoming, outgoing, server_side=True)
        hello = said = last = b""
        for _ in range(4):
            client.shake()
            sent = client.outgoing()
            hello = hello or sent
            incoming.write(sent)
            with contextlib.suppress(ssl.SSLWantReadError):
                server.do_handshake()
            if answer := outgoing.read():
                said, last = said or answer, answer
                client.take(answer)
        suite = server.cipher()
        assert suite
        secrets = self._log.take(hello[11:43])
        if self._kind.version == ssl.TLSVersion.TLSv1_3:
            return Records(suite[0], secrets["SERVER_TRAFFIC_SECRET_0"])
        randoms = said[11:43] + hello[11:43]
        version = server.version() or ""
        return OldRecords(suite[0], version, secrets["CLIENT_RANDOM"], randoms, last, mac_last=self._kind.mac_last)


@dataclass(frozen=True, slots=True)
class Said:
    """A record, and how many bytes of its text come before the body; -1 if all do."""

    record: bytes
    before: int = -1


Answer = Callable[[Records], Sequence[Said]]


@asynccontextmanager
async def crafting(answer: Answer, *, unasked: bool = False) -> AsyncIterator[Pushed]:
    """Answer every request with records of one's own; `unasked` also before any, behind the server's own handshake."""
    pushed, made = Pushed(), context()
    made.num_tickets = 0
    log = KeyLog(made)

    class Crafts(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = made.wrap_bio(self.incoming, self.outgoing, server_side=True)
            self.hello, self.asked, self.written = b"", b"\r\n\r\n" if unasked else b"", 0
            self.records: Records | None = None
            self.bodies: list[tuple[int, int]] = []

        def data_received(self, data: bytes) -> None:
            self.hello = self.hello or data[:64]
            self.incoming.write(data)
            if self.records is None:
                with contextlib.suppress(ssl.SSLWantReadError):
                    self.tls.do_handshake()
                suite, secrets = self.tls.cipher(), log.take(self.hello[11:43])
                assert suite
                self.records = Records(suite[0], secrets["SERVER_TRAFFIC_SECRET_0"])
                self.put(self.outgoing.read())
            if self.records:
                self.serve(self.records)

        def serve(self, records: Records) -> None:
            with contextlib.suppress(ssl.SSLError):
                self.asked += self.tls.read(65_536)
            while b"\r\n\r\n" in self.asked:
                self.asked = self.asked.partition(b"\r\n\r\n")[2]
                for said in answer(records):
                    if said.before >= 0:
                        start = self.written + _HEADER + said.before
                        self.bodies.append((start, self.written + len(said.record) - _TRAILER))
                    self.put(said.record)

        def put(self, data: bytes) -> None:
            self.written += len(data)
            self.transport.write(data)

        def connection_lost(self, problem: Exception | None) -> None:
            sock: socket.socket = self.transport.get_extra_info("socket")
            acked = min(bytes_acked(sock), self.written)
            pushed.excess.append(sum(max(0, min(acked, end) - start) for start, end in self.bodies))
            pushed.ended.set()

    server = await asyncio.get_running_loop().create_server(Crafts, "127.0.0.1", 0)
    pushed.port = server.sockets[0].getsockname()[1]
    try:
        yield pushed
    finally:
        server.close()
        log.close(made)  # else each would hold two files until garbage is collected
