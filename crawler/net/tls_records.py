"""Decrypts the beginning of a TLS record before its end.

A record of up to 16 KiB is authenticated as a whole, so a TLS library returns no text of it until it is complete. The
ciphers themselves run from front to back. A check needs the head and nothing behind it, so the front is decrypted here.
A short rest is awaited, and authenticated as usual. Before a long one the connection is closed, and what was read is
taken as unauthenticated (decision 0011).

Sources: RFC 8446 sections 5 and 7 (TLS 1.3), RFC 5246 section 6 (TLS 1.2), RFC 4346 and 2246 (TLS 1.1 and 1.0),
RFC 5288 (GCM), RFC 7905 (ChaCha20). Suites that are not listed here are read by whole records.
"""

import hmac
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ssl import SSLContext

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES, ChaCha20
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR

_MOST_REMEMBERED = 512
_NAMED = {"TLSv1": b"\x03\x01", "TLSv1.1": b"\x03\x02", "TLSv1.2": b"\x03\x03", "TLSv1.3": b"\x03\x03"}
"""How the header of a record names each version."""
_MOST_TEXT = 16_384
_MOST_BESIDES = 256
"""Most bytes of a TLS 1.3 record besides header and text; in CBC suites, of the padding."""
_IV = 12
_BLOCK = 256
"""Key material that is derived, bytes: more than any suite needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDecryptor:
    """Decrypts beginnings of one server's records.

    Secret: its repr shows nothing.
    """

    version: str
    first: int
    """Number of the first record after the handshake."""
    explicit: int
    """Bytes of explicit nonce at a record's start, before the ciphertext."""
    chained: bool = False
    """True if the last ciphertext block before the record replaces the explicit nonce (TLS 1.0)."""
    trailing: int
    """Most bytes at a record's end besides text: tag, type, padding."""
    begin: Callable[[int, bytes], CipherContext]
    """Returns the cipher context of the record of this number, with these explicit or chained bytes."""
    renewed: Callable[[], "RecordDecryptor | None"] = lambda: None
    """Returns the decryptor of the records after a key update (TLS 1.3 only)."""

    def refuses(self, header: bytes | bytearray) -> bool:
        """Return if the record's header alone makes it invalid."""
        besides = _MOST_BESIDES if self.version == "TLSv1.3" else self.explicit + self.trailing
        return header[1:3] != _NAMED[self.version] or int.from_bytes(header[3:5]) > _MOST_TEXT + besides

    def __repr__(self) -> str:
        """Show no key."""
        return "<RecordDecryptor>"


class KeyLog:
    """The secrets of a context's sessions, read through a pipe."""

    def __init__(self, context: SSLContext) -> None:
        """Let the context log its secrets to a pipe.

        Without /proc nothing is logged, and records are read whole.
        """
        self._reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._secrets: dict[str, dict[str, bytes]] = {}
        try:
            context.keylog_filename = f"/proc/self/fd/{writer}"
        except OSError:
            pass
        finally:
            os.close(writer)

    def close(self, context: SSLContext) -> None:
        """Let the context log no more, and close the pipe."""
        context.keylog_filename = None  # type: ignore[assignment]  # so it is told to close its file
        os.close(self._reader)

    def take(self, client_random: bytes) -> dict[str, bytes]:
        """Remove and return the secrets of the client random's session."""
        try:
            lines = os.read(self._reader, 65_536).decode("ascii", "replace").splitlines()
        except BlockingIOError:
            lines = []
        if len(self._secrets) > _MOST_REMEMBERED:
            self._secrets.clear()
        for label, random_hex, secret in (line.split(" ") for line in lines if line.count(" ") == 2):
            self._secrets.setdefault(random_hex, {})[label] = bytes.fromhex(secret)
        return self._secrets.pop(client_random.hex(), {})


def record_decryptor(
    suite: str, version: str, secrets: Mapping[str, bytes], client_random: bytes, server_random: bytes
) -> RecordDecryptor | None:
    """Return a session's decryptor, None if its suite is unsupported."""
    digest = "sha384" if suite.endswith("SHA384") else "sha256"
    if version == "TLSv1.3" and "SERVER_TRAFFIC_SECRET_0" in secrets:
        return _tls13(suite, secrets["SERVER_TRAFFIC_SECRET_0"], digest)
    if version != "TLSv1.3" and version in _NAMED and "CLIENT_RANDOM" in secrets:
        seed = b"key expansion" + server_random + client_random
        return _tls12_or_older(suite, version, _key_block(secrets["CLIENT_RANDOM"], seed, version, digest))
    return None


def _tls13(suite: str, secret: bytes, digest: str) -> RecordDecryptor | None:
    """TLS 1.3 derives key, IV and the next secret from a secret (RFC 8446, 7.2 and 7.3)."""
    cipher_of = _stream(suite, _expand_label(secret, "key", _key_size(suite), digest))
    iv = _expand_label(secret, "iv", _IV, digest)
    return cipher_of and RecordDecryptor(
        version="TLSv1.3",
        first=0,
        explicit=0,
        trailing=17,  # one byte of it is the inner content type
        begin=lambda number, _: cipher_of(_nonce(iv, number)).decryptor(),
        renewed=lambda: _tls13(suite, _expand_label(secret, "traffic upd", len(secret), digest), digest),
    )


def _tls12_or_older(suite: str, version: str, block: bytes) -> RecordDecryptor | None:
    """Before TLS 1.3 the first record under the server's key was its Finished."""
    size = _key_size(suite)
    cipher_of = _stream(suite, block[size : 2 * size])
    if cipher_of is None:
        return _cbc(suite, version, block, size)
    if "CHACHA20" in suite:
        iv = block[2 * size + _IV : 2 * size + 2 * _IV]
        return RecordDecryptor(
            version=version,
            first=1,
            explicit=0,
            trailing=16,
            begin=lambda number, _: cipher_of(_nonce(iv, number)).decryptor(),
        )
    salt = block[2 * size + 4 : 2 * size + 8]
    return RecordDecryptor(
        version=version, first=1, explicit=8, trailing=16, begin=lambda _, first: cipher_of(salt + first).decryptor()
    )


def _cbc(suite: str, version: str, block: bytes, size: int) -> RecordDecryptor | None:
    """Return the decryptor of a CBC suite; its padding can be 256 bytes long."""
    mac = {"SHA": 20, "SHA256": 32, "SHA384": 48}.get(suite.rpartition("-")[2])
    if mac is None or "AES" not in suite:
        return None
    key = block[2 * mac + size : 2 * mac + 2 * size]
    return RecordDecryptor(
        version=version,
        first=1,
        explicit=0 if version == "TLSv1" else 16,
        chained=version == "TLSv1",
        trailing=_MOST_BESIDES + mac,
        begin=lambda _, first: Cipher(AES(key), CBC(first)).decryptor(),
    )


def chained_block(last: bytes, size: int) -> bytes:
    """Return the last ciphertext block before a record.

    TLS 1.0 chains a record of `size` bytes to it. If both sides support encrypt-then-MAC, the digest (SHA-1 there)
    follows the blocks in clear (RFC 7366); the length shows that.
    """
    return last[-36:-20] if size % 16 else last[-16:]


def _key_size(suite: str) -> int:
    return 16 if "AES_128" in suite or "AES128" in suite else 32


def _stream(suite: str, key: bytes) -> Callable[[bytes], Cipher[CTR] | Cipher[None]] | None:
    """Return the function from a record's nonce to the AEAD suite's cipher; block 0, or 1, makes the tag."""
    if "CHACHA20" in suite:
        return lambda nonce: Cipher(ChaCha20(key, b"\x01\0\0\0" + nonce), None)
    if "AES" in suite and "GCM" in suite:
        return lambda nonce: Cipher(AES(key), CTR(nonce + b"\0\0\0\x02"))
    return None


def _nonce(iv: bytes, number: int) -> bytes:
    return (int.from_bytes(iv) ^ number).to_bytes(_IV)


def _expand_label(secret: bytes, label: str, size: int, digest: str) -> bytes:
    """HKDF-Expand-Label of RFC 8446 with an empty context, one block long."""
    full = b"tls13 " + label.encode()
    info = size.to_bytes(2) + bytes([len(full)]) + full + b"\0"
    return hmac.digest(secret, info + b"\x01", digest)[:size]


def _key_block(master: bytes, seed: bytes, version: str, digest: str) -> bytes:
    """Key material of RFC 5246; older versions mix two digests over the secret's halves (RFC 2246)."""
    if version == "TLSv1.2":
        return _p_hash(master, seed, digest)
    half = (len(master) + 1) // 2
    first, second = _p_hash(master[:half], seed, "md5"), _p_hash(master[-half:], seed, "sha1")
    return bytes(a ^ b for a, b in zip(first, second, strict=True))


def _p_hash(secret: bytes, seed: bytes, digest: str) -> bytes:
    block, link = b"", seed
    while len(block) < _BLOCK:
        link = hmac.digest(secret, link, digest)
        block += hmac.digest(secret, link + seed, digest)
    return block[:_BLOCK]
