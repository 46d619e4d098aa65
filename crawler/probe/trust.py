"""Checks whether certificates lead to a root of certifi."""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version

import certifi
from OpenSSL import crypto

_NO_ISSUER = (2, 20, 21)
"""OpenSSL's X509_V_ERR codes of a chain that ends before a root: its issuer was not sent, or is not known at all."""


@lru_cache(maxsize=4)
def _roots(day: date) -> crypto.X509Store:
    """Return the roots as of a day; a store keeps the first time that it was given."""
    store = crypto.X509Store()
    store.load_locations(certifi.where())
    store.set_time(datetime.combine(day, time(12), UTC))
    return store


def trust_store() -> str:
    """Return the name and the version of the roots."""
    return f"certifi {version('certifi')}"


_REMEMBERED = 4096
_known: dict[tuple[bytes, date], str] = {}
"""Verdicts by hash of the chain and day, the oldest first: chains themselves may be large."""


def trust(certificates: tuple[bytes, ...], day: date) -> str:
    """Return trusted, incomplete_chain or untrusted.

    `certificates` are DER, the server's own first, as it sent them; `day` is the day on which they must hold. Names are
    not compared. A missing intermediate certificate and an issuer that nobody knows look alike: both are
    `incomplete_chain`.
    """
    key = sha256(b"".join(sha256(der).digest() for der in certificates)).digest(), day
    if key not in _known:
        if len(_known) >= _REMEMBERED:
            del _known[next(iter(_known))]
        _known[key] = _verified(certificates, day)
    return _known[key]


def _verified(certificates: tuple[bytes, ...], day: date) -> str:
    try:
        leaf, *further = (crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in certificates)
        crypto.X509StoreContext(_roots(day), leaf, further).verify_certificate()
    except crypto.X509StoreContextError as problem:
        return "incomplete_chain" if problem.errors[0] in _NO_ISSUER else "untrusted"
    except Exception:  # hostile bytes reach a parser: none of its failures may stop a pass
        return "untrusted"
    return "trusted"
