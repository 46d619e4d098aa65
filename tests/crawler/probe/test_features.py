"""What is kept of a certificate's time: of one for this host's domain alone, to the hour."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from crawler.probe.features import certificate_features

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
