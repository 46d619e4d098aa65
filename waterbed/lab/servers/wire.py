"""Bytes of one connection, plain or TLS, and their acknowledgement."""

import os
import socket
import ssl
import struct
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

RECORD = 16_384
"""Most plaintext of one TLS record, bytes."""

_RECORD_HEADER = 5
"""Bytes of a TLS record before its text, at least."""

_BYTES_ACKED = 120
"""Offset of tcpi_bytes_acked, 64 bits, in Linux's struct tcp_info."""


def bytes_acked(sock: socket.socket) -> int:
    """Return sent bytes that the peer's kernel acknowledged.

    FIN may count as one more.
    """
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return int(struct.unpack_from("=Q", info, _BYTES_ACKED)[0])


def server_context(key: RSAPrivateKey | EllipticCurvePrivateKey | None = None) -> ssl.SSLContext:
    """Make a TLS context with a fresh, nameless self-signed certificate.

    Its key is a fresh one on an elliptic curve, if none is given.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The library takes files only; this one is in memory and is gone when it is closed.
    with os.fdopen(os.memfd_create("certificate"), "wb") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context


class Plain:
    """Bytes as they are."""

    tls = False

    def __init__(self, write: Callable[[bytes], None]) -> None:
        """Write through `write`."""
        self._write = write
        self._written = 0
        self._bodies: list[tuple[int, int, str]] = []

    def receive(self, data: bytes) -> bytes | None:
        """Return the application's bytes; None when the peer is done."""
        return data

    def send(self, head: bytes, body: bytes, label: str = "") -> None:
        """Send head and body in one go, as servers do.

        `label` is the class of the body.
        """
        if body:
            self._bodies.append((self._written + len(head), len(body), label))
        self._put(head + body)

    def excess(self, acked: int) -> dict[str, int]:
        """Excess among the first `acked` bytes, at most, by label."""
        acked = min(acked, self._written)
        found: dict[str, int] = {}
        for start, size, label in self._bodies:
            found[label] = found.get(label, 0) + min(size, max(0, acked - start))
        return found

    def _put(self, data: bytes) -> None:
        if data:
            self._written += len(data)
            self._write(data)


class Tls(Plain):
    """The same inside TLS; excess is an upper bound."""

    tls = True

    def __init__(self, write: Callable[[bytes], None], context: ssl.SSLContext) -> None:
        """Be the server of a handshake yet to come."""
        super().__init__(write)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._open = False

    def receive(self, data: bytes) -> bytes | None:
        """Decrypt received bytes, handshake included.

        None when the peer is done or broke the protocol.
        """
        self._incoming.write(data)
        plain = b""
        try:
            if not self._open:
                self._session.do_handshake()
                self._open = True
            while True:
                piece = self._session.read(RECORD)
                if not piece:
                    return plain or None
                plain += piece
        except ssl.SSLWantReadError:
            return plain
        except ssl.SSLError:
            return plain or None
        finally:
            self._put(self._outgoing.read())

    def send(self, head: bytes, body: bytes, label: str = "") -> None:
        """Send head and body in as few records as possible."""
        data = head + body
        for start in range(0, len(data), RECORD):
            piece = data[start : start + RECORD]
            behind = max(0, min(len(piece), start + len(piece) - len(head)))
            if behind:
                self._bodies.append((self._written + _RECORD_HEADER + len(piece) - behind, behind, label))
            self._session.write(piece)
            self._put(self._outgoing.read())
