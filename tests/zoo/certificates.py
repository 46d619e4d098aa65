"""Server certificates of every kind of badness, made in memory."""

import os
import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Odd = Literal["two-names", "x400", "version"]
_SUBJECT_NAMES, _ISSUER_NAMES = bytes.fromhex("0603551d11"), bytes.fromhex("0603551d12")
_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
_SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d010105")


@cache
def _issuer_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A key and its certificate, DER."""

    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    der: bytes


def certificate(
    host: str, *, until: int = 2100, own: bool = False, sha1: bool = False, names: int = 0, odd: Odd | None = None
) -> Certificate:
    """A certificate for `host`, valid to the start of the year `until`.

    `own` makes it self-signed, `sha1` signs it with SHA-1, `names` adds so many other names. What is `odd` is seldom
    met by parsers: the same extension twice, an X.400 address for a name, a version that does not exist.
    """
    key = rsa.generate_private_key(65_537, 2048) if sha1 else ec.generate_private_key(ec.SECP256R1())
    others = [f"n{number}.{'x' * 50}.example" for number in range(names)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named("site"))
        .issuer_name(_named("site" if own or sha1 else "issuer"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(until, 1, 1, tzinfo=UTC))
        .add_extension(x509.IssuerAlternativeName([x509.DNSName("issuer")]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in (host, *others)]), critical=False)
    )
    der = builder.sign(key if own or sha1 else _issuer_key(), SHA256()).public_bytes(Encoding.DER)
    if isinstance(key, rsa.RSAPrivateKey):
        der = _signed_with_sha1(der, key)
    return Certificate(key=key, der=_made_odd(der, odd, host))


@cache
def context(
    host: str, *, version: ssl.TLSVersion | None = None, ciphers: str = "DEFAULT", **what: Any
) -> ssl.SSLContext:
    """A server context with such a certificate.

    It speaks one `version` only, if one is given, with these `ciphers` (of TLS 1.2 and older).
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made.minimum_version = made.maximum_version = version
    has = certificate(host, **what)
    pem = has.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    # the library takes files only; this one is in memory and is gone when it is closed
    with os.fdopen(os.memfd_create("certificate"), "w") as file:
        file.write(pem + ssl.DER_cert_to_PEM_cert(has.der))
        file.flush()
        made.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return made


def _made_odd(der: bytes, odd: Odd | None, host: str) -> bytes:
    """The certificate with a few bytes changed; nobody checks its signature."""
    if odd == "two-names":
        return der.replace(_ISSUER_NAMES, _SUBJECT_NAMES)
    if odd == "x400":
        name = bytes((len(host),)) + host.encode()
        return der.replace(b"\x82" + name, b"\xa3" + name)
    return der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1) if odd == "version" else der


def _signed_with_sha1(der: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """The same certificate signed with SHA-1: the library does not, so it is done by hand.

    Both names of the algorithm are of one length, so nothing else in the certificate moves.
    """
    der = der.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signed = x509.load_der_x509_certificate(der).tbs_certificate_bytes
    signature = key.sign(signed, padding.PKCS1v15(), SHA1())
    return der[: -len(signature)] + signature
