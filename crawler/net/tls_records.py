"""The beginning of a TLS record, readable before its end has come.

A record of up to 16 KiB is authenticated as a whole, so a TLS library shows nothing of it until all of it is in. The
ciphers themselves run from front to back. A look needs the head and nothing behind it, and certificates are recorded,
not enforced: whoever could alter the bytes could have answered in the server's place. So the front is deciphered here
and the connection closed, with the rest of the record left outside. What does arrive whole is checked as ever.

Sources: RFC 8446 sections 5 and 7 (TLS 1.3), RFC 5246 section 6 (TLS 1.2), RFC 4346 and 2246 (TLS 1.1 and 1.0),
RFC 5288 (GCM), RFC 7905 (ChaCha20). A suite without a line here is read by whole records.
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
_MASTERS = ("TLSv1.2", "TLSv1.1", "TLSv1")
_IV = 12
_BLOCK = 256
"""Key material made, bytes: more than any suite needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """Opens beginnings of one server's records. Secret: its repr says nothing."""

    first: int
    """Number of the first record after the handshake."""
    explicit: int
    """Bytes at a record's start that choose its nonce and are no ciphertext."""
    chained: bool = False
    """Whether the block before the record takes that place (TLS 1.0)."""
    trailing: int
    """Most bytes at a record's end that are no text: tag, type, padding."""
    begin: Callable[[int, bytes], CipherContext]
    """The decipherer of the record of this number, with these explicit or chained bytes."""
    renewed: Callable[[], "Opener | None"] = lambda: None
    """The opener of the records that follow a change of the key (TLS 1.3 alone has one)."""

    def __repr__(self) -> str:
        """Say nothing of the keys."""
        return "<Opener>"


class KeyLog:
    """The secrets of a context's sessions, handed over in memory through a pipe, never a file."""

    def __init__(self, context: SSLContext) -> None:
        """Have the context tell its secrets; without /proc it tells nothing, and records are read whole."""
        self._reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._told: dict[str, dict[str, bytes]] = {}
        try:
            context.keylog_filename = f"/proc/self/fd/{writer}"
        except OSError:
            pass
        finally:
            os.close(writer)

    def take(self, client_random: bytes) -> dict[str, bytes]:
        """The secrets of the session that began with this random; they are forgotten here."""
        try:
            lines = os.read(self._reader, 65_536).decode("ascii", "replace").splitlines()
        except BlockingIOError:
            lines = []
        if len(self._told) > _MOST_REMEMBERED:
            self._told.clear()
        for label, whose, secret in (line.split(" ") for line in lines if line.count(" ") == 2):
            self._told.setdefault(whose, {})[label] = bytes.fromhex(secret)
        return self._told.pop(client_random.hex(), {})


def opener(
    suite: str, version: str, secrets: Mapping[str, bytes], client_random: bytes, server_random: bytes
) -> Opener | None:
    """The opener of a session, None for a suite or version that has none."""
    digest = "sha384" if suite.endswith("SHA384") else "sha256"
    if version == "TLSv1.3" and "SERVER_TRAFFIC_SECRET_0" in secrets:
        return _newest(suite, secrets["SERVER_TRAFFIC_SECRET_0"], digest)
    if version in _MASTERS and "CLIENT_RANDOM" in secrets:
        seed = b"key expansion" + server_random + client_random
        return _older(suite, version, _key_block(secrets["CLIENT_RANDOM"], seed, version, digest))
    return None


def _newest(suite: str, secret: bytes, digest: str) -> Opener | None:
    """TLS 1.3 makes key, IV and the next secret of a secret (RFC 8446, 7.2 and 7.3)."""
    made = _stream(suite, _expand_label(secret, "key", _key_size(suite), digest))
    iv = _expand_label(secret, "iv", _IV, digest)
    return made and Opener(
        first=0,
        explicit=0,
        trailing=17,  # one byte of it is the inner content type
        begin=lambda number, _: made(_mixed(iv, number)).decryptor(),
        renewed=lambda: _newest(suite, _expand_label(secret, "traffic upd", len(secret), digest), digest),
    )


def _older(suite: str, version: str, block: bytes) -> Opener | None:
    """Before TLS 1.3 the first record under the server's key was its Finished."""
    size = _key_size(suite)
    made = _stream(suite, block[size : 2 * size])
    if made is None:
        return _chained(suite, version, block, size)
    if "CHACHA20" in suite:
        iv = block[2 * size + _IV : 2 * size + 2 * _IV]
        return Opener(first=1, explicit=0, trailing=16, begin=lambda number, _: made(_mixed(iv, number)).decryptor())
    salt = block[2 * size + 4 : 2 * size + 8]
    return Opener(first=1, explicit=8, trailing=16, begin=lambda _, first: made(salt + first).decryptor())


def _chained(suite: str, version: str, block: bytes, size: int) -> Opener | None:
    """A suite whose blocks are chained (CBC); its padding can be 256 bytes long."""
    mac = {"SHA": 20, "SHA256": 32, "SHA384": 48}.get(suite.rpartition("-")[2])
    if mac is None or "AES" not in suite:
        return None
    key = block[2 * mac + size : 2 * mac + 2 * size]
    return Opener(
        first=1,
        explicit=0 if version == "TLSv1" else 16,
        chained=version == "TLSv1",
        trailing=256 + mac,
        begin=lambda _, first: Cipher(AES(key), CBC(first)).decryptor(),
    )


def chained_block(last: bytes, size: int) -> bytes:
    """The last enciphered block of the record before one of `size` bytes (TLS 1.0).

    If both sides can, the digest (SHA-1 there) stands unenciphered behind the blocks (RFC 7366): its length tells.
    """
    return last[-36:-20] if size % 16 else last[-16:]


def _key_size(suite: str) -> int:
    return 16 if "AES_128" in suite or "AES128" in suite else 32


def _stream(suite: str, key: bytes) -> Callable[[bytes], Cipher[CTR] | Cipher[None]] | None:
    """From a record's nonce to the cipher as the AEAD suite runs it; block 0, or 1, makes the tag."""
    if "CHACHA20" in suite:
        return lambda nonce: Cipher(ChaCha20(key, b"\x01\0\0\0" + nonce), None)
    if "AES" in suite and "GCM" in suite:
        return lambda nonce: Cipher(AES(key), CTR(nonce + b"\0\0\0\x02"))
    return None


def _mixed(iv: bytes, number: int) -> bytes:
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
    made, link = b"", seed
    while len(made) < _BLOCK:
        link = hmac.digest(secret, link, digest)
        made += hmac.digest(secret, link + seed, digest)
    return made[:_BLOCK]
