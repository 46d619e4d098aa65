"""The allow-list of features that are kept of a response."""

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from waterbed.crawler.probe.pages import marks_of_fields
from waterbed.model.urls import own_names

_TOP_LEVEL = ("text", "image", "video", "audio", "application", "font", "model", "multipart", "message")
_MEDIA_TYPE = re.compile(r"([a-z]+)/[a-z0-9][a-z0-9.+-]{0,40}")
"""The type and what is kept of the subtype."""

_WHOLE_TYPE = re.compile(r"[^\s;,]+")
_LONGEST_TYPE, _LONGEST_SERVER = 160, 32
"""Most characters that are looked at, and remembered in this process."""

_SERVERS = (
    "nginx",
    "apache",
    "cloudflare",
    "litespeed",
    "microsoft-iis",
    "openresty",
    "caddy",
    "envoy",
    "gws",
    "ghs",
    "amazons3",
    "cloudfront",
    "akamaighost",
    "varnish",
    "vercel",
    "netlify",
    "github.com",
    "squarespace",
    "pepyaka",
    "gunicorn",
    "tengine",
    "ats",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The features that are kept of a response head."""

    media_type: str | None
    content_length: int | None
    etag_id: str | None
    last_modified_id: str | None
    server: str | None
    marks: tuple[str, ...]
    retry_after_s: int | None


def features(fields: Mapping[str, str], keyed_id: Callable[[str, str], str], now: datetime.datetime) -> Features:
    """Keep the allowed features of header fields.

    Hash what could identify.
    """
    etag, modified = fields.get("etag"), fields.get("last-modified")
    return Features(
        media_type=_media_type(fields.get("content-type", "").strip()[:_LONGEST_TYPE]),
        content_length=_length(fields.get("content-length", "")),
        etag_id=keyed_id("etag", etag) if etag else None,
        last_modified_id=keyed_id("last-modified", modified) if modified else None,
        server=_server(fields.get("server", "")[:_LONGEST_SERVER]),
        marks=tuple(sorted(marks_of_fields(fields))),
        retry_after_s=_retry_after(fields.get("retry-after", ""), now),
    )


@lru_cache(maxsize=1024)
def _media_type(value: str) -> str | None:
    """Return a known type; `type/*` of another, which a server may have made of its host name."""
    value = value.lower()
    match = _MEDIA_TYPE.match(value)
    if match is None or match.group(1) not in _TOP_LEVEL:
        return None
    full_match = _WHOLE_TYPE.match(value)
    return match.group(0) if full_match and full_match.group(0) in _known_types() else f"{match.group(1)}/*"


@cache
def _known_types() -> frozenset[str]:
    lines = Path(__file__).with_name("media-types.txt").read_text().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _length(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


@lru_cache(maxsize=1024)
def _server(value: str) -> str | None:
    value = value.lower()
    return next((family for family in _SERVERS if value.startswith(family)), None)


def _retry_after(value: str, now: datetime.datetime) -> int | None:
    if not value:
        return None
    seconds = _length(value.strip())
    if seconds is None and value:
        try:
            seconds = max(0, int((parsedate_to_datetime(value) - now).total_seconds()))
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return None if seconds is None else min(seconds, 30 * 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFeatures:
    """The features that are kept of a certificate."""

    problem: str | None
    certificate_id: str
    public_key_id: str | None
    valid_from: datetime.datetime | None = None
    """Begin of validity, rounded down to the hour, of a certificate for this host and others of its domain alone."""


def certificate_features(
    der: bytes, host: str, keyed_id: Callable[[str, str], str], now: datetime.datetime
) -> CertificateFeatures:
    """Hash a certificate and name its first problem.

    Checks dates, names and self-signature; `waterbed.crawler.probe.trust` checks the issuers.
    """
    certificate_id = keyed_id("certificate", der.hex())
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        problem = _certificate_problem(certificate, host, now)
        is_own = _of_host_alone(certificate, host)
        began = certificate.not_valid_before_utc.replace(minute=0, second=0, microsecond=0) if is_own else None
    except Exception:  # hostile bytes reach a parser: none of its failures (there are many) may stop a pass
        return CertificateFeatures(problem="unreadable", certificate_id=certificate_id, public_key_id=None)
    return CertificateFeatures(
        problem=problem,
        certificate_id=certificate_id,
        public_key_id=keyed_id("public-key", key.hex()),
        valid_from=began,
    )


def _certificate_problem(certificate: x509.Certificate, host: str, now: datetime.datetime) -> str | None:
    if certificate.not_valid_after_utc < now:
        return "expired"
    if certificate.not_valid_before_utc > now:
        return "not_yet_valid"
    if certificate.issuer == certificate.subject:
        return "self_signed"
    return None if _names(certificate, host) else "wrong_name"


def _of_host_alone(certificate: x509.Certificate, host: str) -> bool:
    """True if a certificate names exactly this host, and no wildcard, other domain or platform."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return own_names({name.lower() for name in names.get_values_for_type(x509.DNSName)}, host)


def _names(certificate: x509.Certificate, host: str) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        pass
    parent = host.partition(".")[2]
    return any(name.lower() in (host, f"*.{parent}") for name in names.get_values_for_type(x509.DNSName))
