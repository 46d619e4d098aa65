"""A TLS session without socket that decrypts records early."""

import _ssl
import os
import re
import ssl
import warnings
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import CipherContext

from waterbed.crawler.net.tls_records import KeyLog, RecordDecryptor, chained_block, record_decryptor

_SHORT = 1024
"""Longest record without text within a response, and longest record of another type than application data."""

_HEADER = 5
_LONGEST = _HEADER + 16_384 + 2048
_KEPT = 64
"""Bytes of a record's end that are kept: in CBC the next record is chained to them."""

_TEXT = 23
_RANDOM = slice(11, 43)
"""Position of the random in the client's hello, counted from the record's start."""

_HELLO = 1024
"""Bytes of the server's first records that are kept: its random is in them, even behind a few warnings."""

_MOST_SILENT = 8192
"""Most bytes of records without text in one response: a few session tickets, never a picture."""

HEAD_END = re.compile(rb"\n\r?\n")
"""The end of a response head, of old servers too."""

_ANSWER = b"HTTP"
"""First bytes of every response: a server may send one where the rest of a split message is due."""

_OF_HANDSHAKE = b"\x16"
_PADDED = re.compile(rb"([\x15\x16\x17])\x00*\Z")
"""What may be the end of a TLS 1.3 record's text: its type, and padding. No head contains such a byte."""

_ALERT, _ALERT_SIZE = b"\x15", 2
_TAG = 16
_TICKET, _KEY_UPDATE = 4, 24
"""Types of the messages that a TLS 1.3 server may send after the handshake (RFC 8446, 4.6).

A third one, the certificate request, needs a client that offers certificates. A key update changes the key of the
records that follow.
"""

_MESSAGE_HEADER = 4
"""Bytes of a handshake message that hold its type and its length."""

_KEY_UPDATE_SIZE = _MESSAGE_HEADER + 1


class BadRecord(ssl.SSLError):
    """A record contradicts its beginning, or too many are textless."""


@lru_cache(maxsize=1)
def _client(_process: int) -> tuple[ssl.SSLContext, KeyLog]:
    """Return a process's context and key log; a fork must not read its parent's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        # Old versions prove nothing here: a site with bad TLS is still up, and nothing secret is sent.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    # finite-field Diffie-Hellman computes with whatever number a server names: seconds, for one of 10,000 bits
    context.set_ciphers("DEFAULT:!kDHE:@SECLEVEL=0")
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    return context, KeyLog(context)


class TlsSession:
    """A client's TLS session; raises `ssl.SSLError` for the server's errors."""

    def __init__(self, name: str | None) -> None:
        """Begin a session.

        `name` is the server name (SNI), ValueError if invalid.
        """
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        context, self._log = _client(os.getpid())
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        self._hello = b""
        self._server_hello = b""
        self._decryptor: RecordDecryptor | None = None
        self._cipher: CipherContext | None = None
        self._raw = bytearray()
        self._last = b""
        self._decrypted = 0
        self._delivered = self._held = b""
        self._await_whole = False
        self._answering = False
        self._textless = 0
        self._line = b""
        self._message = b""
        self._number = 0
        self._text = b""
        self._secrets: dict[str, bytes] = {}
        self._version: str | None = None
        self.handshake_done = False
        self.ended = False

    def handshake(self) -> bool:
        """Advance the handshake; True if it is finished."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            if self._hello:
                self._secrets |= self._log.take(self._hello[_RANDOM])
        self.handshake_done = True
        # Records after the handshake are parsed here: OpenSSL reads no further than it needs.
        self._raw += self._in.read()
        self._last = self._last[: len(self._last) - len(self._raw)][-_KEPT:]
        suite = (self._tls.cipher() or ("",))[0]
        self._version = self._tls.version()  # later, in mid-message, it would be None
        self._decryptor = record_decryptor(
            suite, self._version or "", self._secrets, self._hello[_RANDOM], _server_random(self._server_hello)
        )
        self._secrets.clear()
        self._number = self._decryptor.first if self._decryptor else 0
        return True

    def take(self, data: bytes) -> None:
        """Take bytes from the server.

        Empty at the end of the stream.
        """
        if self.handshake_done:
            self._raw += data
            if not data:
                self._in.write_eof()
        elif data:
            self._server_hello += data[: _HELLO - len(self._server_hello)]
            self._last = self._last[-_KEPT:] + data
            self._in.write(data)
        else:
            self._in.write_eof()

    def outgoing(self) -> bytes:
        """Return the bytes to send to the server now."""
        data = self._out.read()
        self._hello = self._hello or data[:64]
        return data

    def write(self, data: bytes) -> None:
        """Encrypt a request for the server."""
        self._answering, self._textless, self._line = False, 0, b""
        self._tls.write(data)

    def read(self, most: int, *, head: bool = False) -> bytes:
        """Return at most `most` bytes of text.

        None of them stands behind the end of a `head`. Empty if more bytes must come first, or if `ended`.
        """
        while not self._text and not self.ended:
            if len(self._raw) < _HEADER:
                break
            size = _HEADER + int.from_bytes(self._raw[3:5])
            if len(self._raw) >= size or size > _LONGEST:
                self._read_whole(min(size, len(self._raw)))
            elif self._raw[0] != _TEXT:
                if size > _SHORT:
                    raise BadRecord  # alerts are short, and handshakes are over
                break
            elif not self._decryptor or not self._read_part(size, self._decryptor):
                break
        self._answering = self._answering or bool(self._text)
        if head and (end := HEAD_END.search(self._line + self._text[:most])):
            most = end.end() - len(self._line)
        text, self._text = self._text[:most], self._text[most:]
        self._line = b"" if head and end else (self._line + text)[-2:]
        return text

    def finish(self) -> None:
        """Check the record of the last text, if complete."""
        if self._delivered and len(self._raw) >= (size := _HEADER + int.from_bytes(self._raw[3:5])):
            self._read_whole(size)

    @property
    def unverified(self) -> int:
        """Bytes read last whose record is incomplete, so not authenticated."""
        return max(0, len(self._delivered) - len(self._text))

    def room(self) -> int:
        """Return the number of bytes to the current record's end."""
        if len(self._raw) < _HEADER:
            return _HEADER - len(self._raw)
        return max(1, _HEADER + int.from_bytes(self._raw[3:5]) - len(self._raw))

    @property
    def early(self) -> bool:
        """True if beginnings of records can be decrypted.

        Reading past a record's end then does no harm.
        """
        return self._decryptor is not None

    @property
    def idle(self) -> bool:
        """True if nothing is unread, not even a partial record."""
        return not (self._raw or self._text or self._in.pending or self._tls.pending())

    def _read_whole(self, size: int) -> None:
        """Check and decrypt a whole record; text that was delivered already is not delivered twice."""
        record = bytes(self._raw[:size])
        self._in.write(record)
        self._last = record[-_KEPT:]
        del self._raw[:size]
        text = b""
        try:
            while piece := self._tls.read(_LONGEST):
                text += piece
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self.ended = True
        if not text.startswith(self._delivered):
            raise BadRecord
        self._text += text[len(self._delivered) :]
        if not text:
            self._textless += size
            if self._textless > _MOST_SILENT:
                raise BadRecord
            self._read_messages(record)
        self._number += 1
        self._cipher, self._delivered, self._held, self._decrypted, self._await_whole = None, b"", b"", 0, False

    def _read_part(self, size: int, decryptor: RecordDecryptor) -> bool:
        """Decrypt the part of a record that has come; True if it holds text."""
        if decryptor.refuses(self._raw[:_HEADER]):
            raise BadRecord
        start = _HEADER + decryptor.explicit
        end = min(len(self._raw), size - decryptor.trailing)
        if self._await_whole or end - start < max(_MESSAGE_HEADER, self._decrypted + 1):
            return False
        if self._cipher is None:
            chain = chained_block(self._last, size - _HEADER) if decryptor.chained else bytes(self._raw[_HEADER:start])
            self._cipher = decryptor.begin(self._number, chain)
        text = self._held + self._cipher.update(bytes(self._raw[start + self._decrypted : end]))
        if not self._delivered and self._may_be_messages(text, size):
            self._await_whole = True
            return False
        self._decrypted = end - start
        until = self._surely_text(text)
        self._text, self._held = text[:until], text[until:]
        self._delivered += self._text
        return bool(self._text)

    def _surely_text(self, front: bytes) -> int:
        """Return how many bytes of a record's front are text, whatever follows: the rest may be type and padding."""
        padded = _PADDED.search(front) if self._version == "TLSv1.3" else None
        if padded is None:
            return len(front)
        is_alert = padded[1] == _ALERT and not self._delivered and padded.start() == _ALERT_SIZE
        return 0 if is_alert else padded.start()

    def _may_be_messages(self, front: bytes, size: int) -> bool:
        """True if a record must be read whole, as it may begin a handshake message.

        TLS 1.3 hides a record's type at its end. But no response begins like a message, and within a response messages
        are short and whole. All else is taken for text, or a server could make us wait for a picture behind a head's
        end. The beginning of a message holds a NUL, and no head does.
        """
        if self._version != "TLSv1.3":
            return False
        kind, message_size = front[0], _message_size(front)
        begins = (
            message_size == _KEY_UPDATE_SIZE
            if kind == _KEY_UPDATE
            else kind == _TICKET and message_size <= _MOST_SILENT
        )
        if self._answering:
            return begins and message_size < size <= _SHORT
        return self._textless + size <= _MOST_SILENT and (
            begins or bool(self._message and not front.startswith(_ANSWER))
        )

    def _read_messages(self, record: bytes) -> None:
        """Read the messages of a record without text: they may change the key or go on in the next record.

        TLS 1.3 alone has messages after the handshake (RFC 8446, 4.6 and 5.1): the rest of a split message comes first
        in the next record.
        """
        self._log.take(self._hello[_RANDOM])  # the secret of a new key would lie in the pipe for ever
        if self._decryptor is None or self._version != "TLSv1.3":
            return
        inner = self._decryptor.begin(self._number, b"").update(record[_HEADER:-_TAG]).rstrip(b"\0")
        if inner[-1:] != _OF_HANDSHAKE:
            return
        self._message += inner[:-1]
        while self._decryptor and len(self._message) >= (message_size := _message_size(self._message)):
            if self._message[0] == _KEY_UPDATE:
                self._decryptor, self._number = self._decryptor.renewed(), -1
            self._message = self._message[message_size:]

    def certificates(self) -> tuple[bytes, ...]:
        """Return the server's certificates, DER.

        Its own comes first. Empty before the handshake.
        """
        if not self.handshake_done:
            return ()
        # public from Python 3.13 on; before, the object behind it has the same method
        session = self._tls if hasattr(self._tls, "get_unverified_chain") else self._tls._sslobj  # type: ignore[attr-defined]
        chain = session.get_unverified_chain() or ()
        return tuple(
            certificate if isinstance(certificate, bytes) else certificate.public_bytes(_ssl.ENCODING_DER)
            for certificate in chain
        )

    def version(self) -> str | None:
        """Return the negotiated version."""
        return self._version


def _message_size(message: bytes) -> int:
    """Return the bytes of a handshake message with its header; until the header is complete, an upper bound."""
    return _MESSAGE_HEADER + int.from_bytes(message[1:_MESSAGE_HEADER].ljust(3, b"\xff"))


def _server_random(received: bytes) -> bytes:
    """Return the random of the server's hello; warnings may precede it, and records may split it anywhere."""
    message = b""
    while len(received) > _HEADER:
        end = _HEADER + int.from_bytes(received[3:5])
        if received[:1] == _OF_HANDSHAKE:
            message += received[_HEADER:end]
        received = received[end:]
    return message[6:38]
