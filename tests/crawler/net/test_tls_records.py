"""Beginnings of TLS records, against the same ciphers as the library runs them."""

import contextlib
import os
import ssl

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.crawler.net.tls_records import KeyLog, record_decryptor
from waterbed.lab.servers.wire import server_context

# RFC 8448, section 3: the server's application traffic secret, and the key and the IV made of it
SECRET = bytes.fromhex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
KEY = bytes.fromhex("9f02283b6c9c07efc26bb9f2ac92e356")
IV = bytes.fromhex("cf782b88dd83549aadf1e984")


@pytest.mark.parametrize("number", [0, 1, 300])
@given(text=st.binary(min_size=40, max_size=300), seen=st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_a_beginning_reads_as_the_whole_does(number: int, text: bytes, seen: int) -> None:
    """The first bytes of a record read the same before its tag has come."""
    nonce = (int.from_bytes(IV) ^ number).to_bytes(12)
    whole = AESGCM(KEY).encrypt(nonce, text, None)
    way = record_decryptor("TLS_AES_128_GCM_SHA256", "TLSv1.3", {"SERVER_TRAFFIC_SECRET_0": SECRET}, b"", b"")
    assert way is not None
    assert way.begin(number, b"").update(whole[:seen]) == text[:seen]


def test_chacha_begins_where_its_standard_says() -> None:
    """ChaCha20 reads from block 1 on: block 0 makes the tag's key."""
    key, text = hkdf_expand(SECRET, 32), os.urandom(100)
    way = record_decryptor("TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3", {"SERVER_TRAFFIC_SECRET_0": SECRET}, b"", b"")
    assert way is not None
    assert way.begin(0, b"").update(ChaCha20Poly1305(key).encrypt(IV, text, None))[:100] == text


def hkdf_expand(secret: bytes, size: int) -> bytes:
    """The key that TLS 1.3 makes of a traffic secret, by another library."""
    info = size.to_bytes(2) + b"\x09tls13 key\0"
    return HKDFExpand(algorithm=SHA256(), length=size, info=info).derive(secret)


@pytest.mark.parametrize(
    ("suite", "version", "label"),
    [
        ("ECDHE-RSA-CAMELLIA128-SHA256", "TLSv1.2", "CLIENT_RANDOM"),
        ("DES-CBC3-SHA", "TLSv1.2", "CLIENT_RANDOM"),
        ("ECDHE-RSA-AES128-SHA", "SSLv3", "CLIENT_RANDOM"),
        ("TLS_AES_128_GCM_SHA256", "TLSv1.3", "CLIENT_RANDOM"),
        ("TLS_UNKNOWN_SHA256", "TLSv1.3", "SERVER_TRAFFIC_SECRET_0"),
    ],
)
def test_what_is_not_known_is_not_tried(suite: str, version: str, label: str) -> None:
    """A suite, version or secret that is not known has no decryptor, and its records are read whole."""
    assert record_decryptor(suite, version, {label: SECRET}, b"", b"") is None


def test_a_session_s_secrets_are_told_once_and_lie_in_no_file() -> None:
    """The secrets of a session can be taken once, by its random; those of others are kept apart."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    log = KeyLog(context)
    assert context.keylog_filename.startswith("/proc/self/fd/")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context().wrap_bio(to_server, to_client, server_side=True)
    client = context.wrap_bio(to_client, to_server)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    hello = to_server.read()
    to_server.write(hello)
    with contextlib.suppress(ssl.SSLWantReadError):
        server.do_handshake()
    client.do_handshake()
    assert log.take(b"\xbb" * 32) == {}
    assert "SERVER_TRAFFIC_SECRET_0" in log.take(hello[11:43])
    assert log.take(hello[11:43]) == {}
