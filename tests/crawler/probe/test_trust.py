"""Chains of certificates against a root of our own in certifi's place."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

import waterbed.crawler.probe.trust
from waterbed.crawler.probe.trust import trust, trust_store

TODAY = date(2026, 5, 1)
Key = ec.EllipticCurvePrivateKey


def signed(name: str, key: Key, issuer: str, by: Key, *, authority: bool = True, until: int = 2100) -> bytes:
    """A certificate, DER."""
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(until, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    return made.sign(by, SHA256()).public_bytes(Encoding.DER)


ROOT, MIDDLE, SITE, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))
ROOT_CERT = signed("root", ROOT, "root", ROOT)
MIDDLE_CERT = signed("middle", MIDDLE, "root", ROOT)
SITE_CERT = signed("site", SITE, "middle", MIDDLE, authority=False)


@pytest.fixture(autouse=True)
def _roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path = tmp_path / "roots.pem"
    path.write_bytes(x509.load_der_x509_certificate(ROOT_CERT).public_bytes(Encoding.PEM))
    monkeypatch.setattr(waterbed.crawler.probe.trust.certifi, "where", lambda: str(path))
    waterbed.crawler.probe.trust._roots.cache_clear()
    monkeypatch.setattr(waterbed.crawler.probe.trust, "_known", {})
    yield
    waterbed.crawler.probe.trust._roots.cache_clear()


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ((SITE_CERT, MIDDLE_CERT), "trusted"),
        ((SITE_CERT, MIDDLE_CERT, ROOT_CERT), "trusted"),
        ((SITE_CERT, ROOT_CERT, MIDDLE_CERT), "trusted"),
        ((SITE_CERT,), "incomplete_chain"),
        ((SITE_CERT, ROOT_CERT), "incomplete_chain"),
        ((signed("site", SITE, "nobody", OTHER, authority=False),), "incomplete_chain"),
        ((signed("site", SITE, "middle", OTHER, authority=False), MIDDLE_CERT), "untrusted"),
        ((signed("site", SITE, "root", OTHER, authority=False),), "untrusted"),
        ((signed("site", SITE, "own", OTHER), signed("own", OTHER, "own", OTHER)), "untrusted"),
        ((signed("site", SITE, "root", OTHER), signed("root", OTHER, "root", OTHER)), "untrusted"),
        ((signed("site", SITE, "site", SITE),), "untrusted"),
        ((signed("site", SITE, "middle", MIDDLE, until=2025), MIDDLE_CERT), "untrusted"),
        ((signed("deep", OTHER, "site", SITE), SITE_CERT, MIDDLE_CERT), "untrusted"),
        ((b"", MIDDLE_CERT), "untrusted"),
        ((SITE_CERT[:-1], MIDDLE_CERT), "untrusted"),
        ((), "untrusted"),
    ],
)
def test_only_a_chain_to_a_root_is_trusted(chain: tuple[bytes, ...], expected: str) -> None:
    """Whoever is not signed for, up to a root, is not trusted; a chain that ends before one is a value of its own."""
    assert trust(chain, TODAY) == expected


def test_a_chain_is_checked_as_of_the_day_of_the_look() -> None:
    """What was valid on that day is trusted, whatever the day of today."""
    short = (signed("site", SITE, "middle", MIDDLE, authority=False, until=2026), MIDDLE_CERT)
    assert [trust(short, day) for day in (date(2025, 12, 30), date(2026, 1, 2))] == ["trusted", "untrusted"]


def test_the_roots_have_a_name_and_a_version() -> None:
    """A run keeps which roots it used."""
    name, version = trust_store().split(" ")
    assert (name, version[0].isdigit()) == ("certifi", True)


def test_chains_are_remembered_by_their_hash_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain is checked once a day; no certificate stays in memory, and no more than so many verdicts."""
    asked: list[int] = []
    check = waterbed.crawler.probe.trust._verified
    monkeypatch.setattr(waterbed.crawler.probe.trust, "_REMEMBERED", 2)
    monkeypatch.setattr(waterbed.crawler.probe.trust, "_verified", lambda *of: asked.append(len(of[0])) or check(*of))
    for chain in ((SITE_CERT, MIDDLE_CERT), (SITE_CERT, MIDDLE_CERT), (SITE_CERT,), (b"x",), (SITE_CERT, MIDDLE_CERT)):
        trust(chain, TODAY)
    assert asked == [2, 1, 1, 2]
    known = waterbed.crawler.probe.trust._known
    assert len(known) == 2
    assert {len(digest) for digest, _ in known} == {32}
