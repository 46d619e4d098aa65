"""What is kept of a response's head, and of a certificate's time."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

import waterbed.crawler.probe.features
from waterbed.crawler.probe.features import certificate_features, features

KEY = ec.generate_private_key(ec.SECP256R1())
BEGAN, NOW = datetime(2026, 1, 5, 10, 59, 7, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def served(*names: str) -> bytes:
    made = (
        x509.CertificateBuilder(subject_name=x509.Name([]), issuer_name=x509.Name([]))
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(BEGAN)
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    )
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
    return made.sign(KEY, SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("host", "names", "kept"),
    [
        ("a.one-example.com", ("a.one-example.com",), True),
        ("a.one-example.com", ("A.one-example.com", "www.a.one-example.com", "one-example.com"), True),
        ("a.one-example.com", ("*.one-example.com", "a.one-example.com"), False),
        ("a.one-example.com", ("a.one-example.com", "a.two-example.com"), False),
        ("a.one-example.com", ("one-example.com",), False),
        ("a.one-example.com", (), False),
        ("a.blogspot.nl", ("a.blogspot.nl",), False),
    ],
)
def test_the_begin_of_a_certificate_is_kept_to_the_hour(host: str, names: tuple[str, ...], kept: bool) -> None:
    """Wildcards, certificates of several domains and those of platforms have none; the second would tell the name."""
    found = certificate_features(served(*names), host, lambda kind, text: kind, NOW)
    assert found.valid_from == (datetime(2026, 1, 5, 10, tzinfo=UTC) if kept else None)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("text/html; charset=utf-8", "text/html"),
        (" IMAGE/JPEG ", "image/jpeg"),
        ("text/html, text/html", "text/html"),
        ("image/svg+xml", "image/svg+xml"),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("application/vnd.android.package-archive", "application/vnd.android.package-archive"),
        ("application/vnd.apple.mpegurl", "application/vnd.apple.mpegurl"),
        ("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
        (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.wordpro",
        ),
        ("application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("application/no-such-type", "application/*"),
        ("text/www.badhost-example.com-x", "text/*"),
        ("text/www.badhost-example.com2", "text/*"),
        ("text/aaaaaaaaaa.badhost-of-a-name-example.comx", "text/*"),
        ("text/badhost-example", "text/*"),
        ("application/www.badhost-example.com", "application/*"),
        ("application/vnd.www.badhost-example.com", "application/*"),
        ("application/x.badhost-example.com", "application/*"),
        ("application/x-badhost-example.com;x=y", "application/*"),
        ("application/www.badhost.x.com.y", "application/*"),
        ("application/www.bad-host-of-a-long-name-that-is-cut-off-example.com", "application/*"),
        ("application/www.badhost-example%2ecom", "application/*"),
        ("application/www.badhost-example/com", "application/*"),
        ("text/" + "a" * 70_000, "text/*"),
        ("text/", None),
        ("badhost-example.com/html", None),
        ("", None),
    ],
)
def test_no_media_type_names_a_host(value: str, kept: str | None) -> None:
    """A type that stands in the list of known ones is kept, and of any other its first half alone."""
    assert features({"content-type": value}, lambda kind, text: kind, NOW).media_type == kept


@pytest.mark.parametrize("value", ["nginx/1.25 badhost-example.com", "NGINX" + "x" * 70_000])
def test_of_a_server_its_family_is_kept(value: str) -> None:
    """The family stands in a closed list; nothing of the rest is kept."""
    assert features({"server": value}, lambda kind, text: kind, NOW).server == "nginx"
    assert features({"server": f"x{value}"}, lambda kind, text: kind, NOW).server is None


def test_no_long_value_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are cut before they reach what this process remembers."""
    seen: list[str] = []
    for name in ("_media_type", "_server"):
        monkeypatch.setattr(waterbed.crawler.probe.features, name, seen.append)
    features({"content-type": "text/html" + "x" * 60_000, "server": "n" * 60_000}, lambda kind, text: kind, NOW)
    assert sorted(map(len, seen)) == [32, 160]
