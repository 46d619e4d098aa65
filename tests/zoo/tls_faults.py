"""TLS behaviours: bad certificates, broken handshakes, the wrong protocol on a port."""

import asyncio
from ssl import TLSVersion
from typing import Any

from tests.zoo.behaviour import OK, REAL_PATH, Behaviour, Listening, Play, Visit, good
from tests.zoo.certificates import context
from tests.zoo.http_plays import MISSING, PHOTO

_ALERT_HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"


def secured(then: Play, *, host: str | None = None, **certificate: Any) -> Play:
    """Shake hands with a certificate for the host, then play on."""

    async def play(visit: Visit) -> None:
        await visit.secure(context(host or visit.host, **certificate))
        await then(visit)

    return play


async def _byte_records(visit: Visit) -> None:
    """Each byte of the head in a record of its own."""
    while True:
        request = await visit.request()
        for byte in (OK + b"Content-Length: 5120\r\n\r\n") if request.reported else MISSING:
            await visit.send(bytes((byte,)))
        if request.method == "GET":
            return


async def _alert(visit: Visit) -> None:
    await visit.hello()
    await visit.send(_ALERT_HANDSHAKE_FAILURE)


async def _plaintext(visit: Visit) -> None:
    await visit.hello()
    await visit.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def _garbage(visit: Visit) -> None:
    await visit.hello()
    await visit.send(bytes((7 * n + 13) % 256 for n in range(500)))


async def _endless_handshake(visit: Visit) -> None:
    await visit.hello()
    await visit.drip(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03" + bytes(100), 1.0)
    await visit.until_left()


async def _fast_endless_handshake(visit: Visit) -> None:
    """Send empty handshake records without end."""
    await visit.hello()
    while True:
        await visit.send(b"\x16\x03\x03\x00\x04\x0b\x00\x3f\xff" + b"\x16\x03\x03\x40\x00" + bytes(16_384))
        await asyncio.sleep(0)


async def _silent_handshake(visit: Visit) -> None:
    await visit.until_left()


async def _close_in_handshake(visit: Visit) -> None:
    await visit.hello()


async def _reset_in_handshake(visit: Visit) -> None:
    await visit.hello()
    visit.reset()


async def _silence(visit: Visit) -> None:
    await visit.until_left()


async def _goodbye(visit: Visit) -> None:
    await visit.request()
    await visit.say_goodbye()


async def _cut(visit: Visit) -> None:
    """Hang up without close_notify."""
    await visit.request()


async def _garbage_record(visit: Visit) -> None:
    await visit.request()
    await visit.send_raw(b"\x17\x03\x03\x00\x40" + bytes(64))


async def _photo(visit: Visit) -> None:
    while True:
        await visit.request()
        await visit.send(OK.replace(b"text/html", b"image/jpeg") + b"\r\n", PHOTO)


async def _photo_behind_the_end(visit: Visit) -> None:
    """The head's last line end and the photo in one record, which so begins like no text."""
    while True:
        await visit.request()
        await visit.send(OK.replace(b"text/html", b"image/jpeg"))
        await visit.send(b"\r\n", PHOTO)


async def _tls_only(visit: Visit) -> None:
    """A TLS server on the plain port: what comes is no handshake, so it sends an alert."""
    await visit.hello()
    await visit.send(b"\x15\x03\x01\x00\x02\x02\x46")


def _tls(name: str, does: str, https: Listening) -> Behaviour:
    return Behaviour(name=name, does=does, http="refused", https=https, url="https://{host}" + REAL_PATH, kind="TLS")


def behaviours() -> list[Behaviour]:
    """All of them."""
    return [
        _tls("tls-good", "A certificate of some issuer for the right name.", secured(good)),
        _tls("certificate-expired", "The certificate ran out in 2021.", secured(good, until=2021)),
        _tls("certificate-self-signed", "The certificate is signed by itself.", secured(good, own=True)),
        _tls("certificate-wrong-name", "The certificate is another name's.", secured(good, host="else.example")),
        _tls("certificate-sha1", "The certificate is signed with SHA-1.", secured(good, sha1=True)),
        _tls("certificate-two-names", "The extension with the names comes twice.", secured(good, odd="two-names")),
        _tls("certificate-x400", "An X.400 address where a name is due.", secured(good, odd="x400")),
        _tls("certificate-version-8", "A certificate of version 8.", secured(good, odd="version")),
        _tls("tls-1-0", "Speaks TLS 1.0 only.", secured(good, version=TLSVersion.TLSv1)),
        _tls("tls-1-2", "Speaks TLS 1.2 only.", secured(good, version=TLSVersion.TLSv1_2)),
        _tls(
            "tls-1-2-cbc",
            "Speaks TLS 1.2 with a CBC cipher only.",
            secured(good, version=TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-SHA"),
        ),
        _tls(
            "tls-1-2-chacha",
            "Speaks TLS 1.2 with ChaCha20 only.",
            secured(good, version=TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-CHACHA20-POLY1305"),
        ),
        _tls("tls-byte-records", "A TLS record for each byte of the head.", secured(_byte_records)),
        _tls("certificate-huge", "A certificate of 1,200 names, 80 kB.", secured(good, names=1_200)),
        _tls("tls-alert", "Refuses the handshake with an alert.", _alert),
        _tls("plaintext-on-443", "Speaks plain HTTP where TLS is due.", _plaintext),
        _tls("garbage-on-443", "Sends bytes of no protocol.", _garbage),
        _tls("endless-handshake", "A handshake of one byte a second.", _endless_handshake),
        _tls("endless-certificate", "A handshake message that never ends, as fast as can be.", _fast_endless_handshake),
        _tls("silent-handshake", "Accepts and never shakes hands.", _silent_handshake),
        _tls("close-in-handshake", "Hangs up within the handshake.", _close_in_handshake),
        _tls("reset-in-handshake", "Resets within the handshake.", _reset_in_handshake),
        _tls("silence-after-handshake", "Shakes hands, then never says a word.", secured(_silence)),
        _tls("goodbye-before-answer", "Ends TLS in order before any answer.", secured(_goodbye)),
        _tls("cut-before-answer", "Ends the connection, not TLS, before any answer.", secured(_cut)),
        _tls("garbage-record", "A TLS record that cannot be decrypted.", secured(_garbage_record)),
        _tls("tls-head-with-photo", "Answers HEAD with 10 MB of image, in TLS.", secured(_photo)),
        _tls(
            "tls-head-end-with-photo",
            "The same, with the head's last line end in the image's first record.",
            secured(_photo_behind_the_end),
        ),
        _tls(
            "tls-1-2-head-with-photo",
            "Answers HEAD with 10 MB of image, in TLS 1.2.",
            secured(_photo, version=TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"),
        ),
        _tls(
            "tls-1-2-cbc-head-with-photo",
            "The same in TLS 1.2 with a CBC cipher.",
            secured(_photo, version=TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-SHA"),
        ),
        Behaviour(name="tls-on-80", does="Speaks TLS where plain HTTP is due.", http=_tls_only, kind="TLS"),
    ]
