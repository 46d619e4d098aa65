"""One TLS session without its socket: bytes in, bytes out, and text as early as it can be read."""

import os
import ssl
import warnings
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import CipherContext

from crawler.net.tls_records import KeyLog, Opener, chained_block, opener

_SHORT = 1024
"""Longest record that may be something else than text within an answer, and longest of another type than text."""

_HEADER = 5
_LONGEST = _HEADER + 16_384 + 2048
_KEPT = 64
"""Bytes of a record's end that are kept: the next may be chained to them."""

_TEXT = 23
_RANDOM = slice(11, 43)
"""Where the client's hello carries its random, counted from the record's start."""

_HELLO = 1024
"""Bytes of the server's first words that are kept: its random is in them, even behind a few warnings."""

_MOST_SILENT = 8192
"""Most bytes of records without text that are taken for one answer: a few session tickets, never a picture."""

_ANSWER = b"HTTP"
"""First bytes of every answer: a server may send one where the rest of a cut message is due."""

_OF_HANDSHAKE = b"\x16"
_TAG = 16
_TICKET, _KEY_UPDATE = 4, 24
"""Types of the messages that a TLS 1.3 server may send behind the handshake (RFC 8446, 4.6).

A third one, the certificate request, needs a client that offers certificates. A key update changes the key of what
follows it.
"""

_MESSAGE_HEADER = 4
"""Bytes of a handshake message that say its type and its length."""

_KEY_UPDATE_SIZE = _MESSAGE_HEADER + 1


class BadRecord(ssl.SSLError):
    """A record is not what its beginning seemed, or no server needs so much that is no text."""


@lru_cache(maxsize=1)
def _client(_process: int) -> tuple[ssl.SSLContext, KeyLog]:
    """The context of a process, and what tells its secrets: a fork must not read its parent's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        # Old versions prove nothing here: a site with bad TLS is still up, and nothing secret is sent.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    return context, KeyLog(context)


class TlsSession:
    """A client's TLS session. Its methods raise `ssl.SSLError` for what the server does wrong."""

    def __init__(self, name: str | None) -> None:
        """Begin a session; `name` is what the server is told (SNI). ValueError if it cannot be told."""
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        context, self._log = _client(os.getpid())
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        self._hello = b""
        self._server_hello = b""
        self._opener: Opener | None = None
        self._begun: CipherContext | None = None
        self._raw = bytearray()
        self._last = b""
        self._deciphered = 0
        self._given = b""
        self._awaited = False
        self._answering = False
        self._silent = 0
        self._message = b""
        self._number = 0
        self._text = b""
        self._secrets: dict[str, bytes] = {}
        self._version: str | None = None
        self.shaken = False
        self.ended = False

    def shake(self) -> bool:
        """Take the handshake as far as it goes; whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            if self._hello:
                self._secrets |= self._log.take(self._hello[_RANDOM])
        self.shaken = True
        # Records behind the handshake are ours to take apart: OpenSSL reads no further than it needs.
        self._raw += self._in.read()
        self._last = self._last[: len(self._last) - len(self._raw)][-_KEPT:]
        suite = (self._tls.cipher() or ("",))[0]
        self._version = self._tls.version()  # later, in mid-message, it would be None
        self._opener = opener(
            suite, self._version or "", self._secrets, self._hello[_RANDOM], _server_random(self._server_hello)
        )
        self._secrets.clear()
        self._number = self._opener.first if self._opener else 0
        return True

    def take(self, data: bytes) -> None:
        """Take bytes from the server; none means that it has ended."""
        if self.shaken:
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
        """What is to be sent to the server now."""
        data = self._out.read()
        self._hello = self._hello or data[:64]
        return data

    def write(self, data: bytes) -> None:
        """Encrypt a request for the server."""
        self._answering, self._silent = False, 0
        self._tls.write(data)

    def read(self, most: int) -> bytes:
        """At most so many bytes of text; empty if more must come first, or if `ended`."""
        while not self._text and not self.ended:
            if len(self._raw) < _HEADER:
                break
            size = _HEADER + int.from_bytes(self._raw[3:5])
            if len(self._raw) >= size or size > _LONGEST:
                self._whole(min(size, len(self._raw)))
            elif self._raw[0] != _TEXT:
                if size > _SHORT:
                    raise BadRecord  # alerts are short, and handshakes are over
                break
            elif not self._opener or not self._part(size, self._opener):
                break
        self._answering = self._answering or bool(self._text)
        text, self._text = self._text[:most], self._text[most:]
        return text

    def room(self) -> int:
        """Most bytes to read now so as not to pass the end of the present record."""
        if len(self._raw) < _HEADER:
            return _HEADER - len(self._raw)
        return max(1, _HEADER + int.from_bytes(self._raw[3:5]) - len(self._raw))

    @property
    def early(self) -> bool:
        """Whether beginnings of records can be read, so that reading past a record's end does no harm."""
        return self._opener is not None

    @property
    def idle(self) -> bool:
        """Whether nothing is unread, not even half a record."""
        return not (self._raw or self._text or self._in.pending or self._tls.pending())

    def _whole(self, size: int) -> None:
        """Have a whole record checked and decrypted; what was given of it already is not given twice."""
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
        if not text.startswith(self._given):
            raise BadRecord
        self._text = text[len(self._given) :]
        if not text:
            self._silent += size
            if self._silent > _MOST_SILENT:
                raise BadRecord
            self._see_messages(record)
        self._number += 1
        self._begun, self._given, self._deciphered, self._awaited = None, b"", 0, False

    def _part(self, size: int, way: Opener) -> bool:
        """Decipher what has come of a record; whether there is text in it."""
        start = _HEADER + way.explicit
        end = min(len(self._raw), size - way.trailing)
        if self._awaited or end - start < max(_MESSAGE_HEADER, self._deciphered + 1):
            return False
        if self._begun is None:
            chain = chained_block(self._last, size - _HEADER) if way.chained else bytes(self._raw[_HEADER:start])
            self._begun = way.begin(self._number, chain)
        text = self._begun.update(bytes(self._raw[start + self._deciphered : end]))
        if not self._given and self._may_be_messages(text, size):
            self._awaited = True
            return False
        self._deciphered = end - start
        self._text = text
        self._given += text
        return bool(text)

    def _may_be_messages(self, front: bytes, size: int) -> bool:
        """Whether a record is awaited whole because its front may be a message's, not an answer's.

        TLS 1.3 hides a record's type at its end. But no answer begins like a message, and within an answer messages are
        short and whole: what else comes is text, or a server could have a picture awaited behind a head's end. What
        begins like a message holds a NUL, and no head does.
        """
        if self._version != "TLSv1.3":
            return False
        kind, whole = front[0], _message_size(front)
        begins = whole == _KEY_UPDATE_SIZE if kind == _KEY_UPDATE else kind == _TICKET and whole <= _MOST_SILENT
        if self._answering:
            return begins and whole < size <= _SHORT
        return self._silent + size <= _MOST_SILENT and (begins or bool(self._message and not front.startswith(_ANSWER)))

    def _see_messages(self, record: bytes) -> None:
        """Take a whole record without text: what it says may change the key, or go on in the next record.

        TLS 1.3 alone speaks on like this (RFC 8446, 4.6 and 5.1): a message that is cut fills the next record first.
        """
        self._log.take(self._hello[_RANDOM])  # the secret of a new key would lie in the pipe for ever
        if self._opener is None or self._version != "TLSv1.3":
            return
        inner = self._opener.begin(self._number, b"").update(record[_HEADER:-_TAG]).rstrip(b"\0")
        if inner[-1:] != _OF_HANDSHAKE:
            return
        self._message += inner[:-1]
        while self._opener and len(self._message) >= (whole := _message_size(self._message)):
            if self._message[0] == _KEY_UPDATE:
                self._opener, self._number = self._opener.renewed(), -1
            self._message = self._message[whole:]

    def certificate(self) -> bytes | None:
        """The server's certificate, DER, once the handshake is done."""
        try:
            return self._tls.getpeercert(binary_form=True) if self.shaken else None
        except ValueError:
            return None

    def version(self) -> str | None:
        """The negotiated version."""
        return self._version


def _message_size(message: bytes) -> int:
    """Bytes of a handshake message with its header; more than can come until the header is there."""
    return _MESSAGE_HEADER + int.from_bytes(message[1:_MESSAGE_HEADER].ljust(3, b"\xff"))


def _server_random(said: bytes) -> bytes:
    """The random in the server's hello; warnings may come before it, and records may cut it anywhere."""
    message = b""
    while len(said) > _HEADER:
        end = _HEADER + int.from_bytes(said[3:5])
        if said[:1] == _OF_HANDSHAKE:
            message += said[_HEADER:end]
        said = said[end:]
    return message[6:38]
